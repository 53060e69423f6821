/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The names of how things look. One accent colour; green, yellow and red only for stages and what went wrong, and never
 * without a sign or a word. Where there is no colour (a monochrome terminal, NO_COLOR), bold, dim and reverse serve.
 */
#pragma once

#include <stdbool.h>

enum tui_style {
	STYLE_NORMAL,
	STYLE_DIM, /* what is there but not important: frames, hints, headings of columns */
	STYLE_TITLE,
	STYLE_ACCENT,	/* where the eye shall go */
	STYLE_GOOD,	/* stages: up, done */
	STYLE_BUSY,	/* stages: on its way */
	STYLE_BAD,	/* stages: failed */
	STYLE_SELECTED, /* where the cursor is */
	STYLE_MARKED,	/* chosen, with the space bar for instance */
	STYLE_FIELD,	/* what can be typed into */
	STYLE_BAR,	/* the bottom line */
	STYLE_KEY,	/* a key in it */
	STYLE_ERROR,
	STYLE_WARNING,
	STYLE_DIFF_ADD,
	STYLE_DIFF_DELETE,
	STYLE_DIFF_HUNK,
	STYLE_COUNT,
};

/* The signs that go with the stages and elsewhere, each in UTF-8; canvas_text() shows their ASCII where it must. */
#define SIGN_GOOD "●"
#define SIGN_BUSY "◐"
#define SIGN_OFF "○"
#define SIGN_BAD "✗"
#define SIGN_HERE "▸"
#define SIGN_DOWN "▾"
#define SIGN_UP "▴"

/* What the terminal's font is known to have. */
enum tui_glyphs {
	GLYPHS_ASCII,	/* the locale is not UTF-8 */
	GLYPHS_CONSOLE, /* TERM=linux: lines and whole blocks, no signs */
	GLYPHS_FULL,
};

/* The fallback of a character that the glyphs do not have, in ASCII; NULL where it can be shown as it is. */
const char *theme_fallback(enum tui_glyphs glyphs, unsigned int c);

/* ---- inside tui/ ------------------------------------------------------------------------------------- */

/* A style in the terms of curses: a colour of its eight (-1: the terminal's own) and attributes of enum theme_attribute. */
enum theme_attribute {
	THEME_BOLD = 1 << 0,
	THEME_DIM = 1 << 1,
	THEME_REVERSE = 1 << 2,
	THEME_UNDERLINE = 1 << 3,
};

struct theme_entry {
	int colour;
	int attributes; /* with that colour */
	int mono;	/* without any */
};

const struct theme_entry *theme_entry(enum tui_style style);
