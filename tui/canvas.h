/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A region of the terminal to draw on. Positions are rows and columns from the region's upper left corner, from 0 on; what
 * would stand outside is cut off. A canvas is a value: it is made for one drawing and needs no freeing.
 *
 * All text is UTF-8, whatever the locale. Whatever is given, nothing of it acts on the terminal: control characters, characters that turn the reading
 * direction and bytes that are no UTF-8 are shown as one replacement sign each. Tabs are blanks up to the next multiple
 * of 8. Where the locale or the font lacks a character, its ASCII fallback stands (tui/theme.h).
 */
#pragma once

#include "tui/theme.h"
#include "util/macro.h"

struct tui;

struct canvas {
	struct tui *tui; /* borrowed; NULL: nothing is drawn */
	int y, x;	 /* on the terminal */
	int rows, columns;
};

/* A part of a canvas, itself clipped by it; with nothing in it when it lies outside. */
struct canvas canvas_sub(const struct canvas *c, int y, int x, int rows, int columns);

/* Draw one line of text; return the column behind it. Text ends at a newline. */
int canvas_text(struct canvas *c, int y, int x, enum tui_style style, const char *text);
int canvas_textf(struct canvas *c, int y, int x, enum tui_style style, const char *fmt, ...) _printf_(5, 6);
/* The first `len` bytes of the text. */
int canvas_textn(struct canvas *c, int y, int x, enum tui_style style, const char *text, size_t len);
/* In `columns` columns, cut with an ellipsis; the rest is filled with blanks of the same style. */
void canvas_cell(struct canvas *c, int y, int x, int columns, bool right, enum tui_style style,
		 const char *text);
/* So that it ends before column `end`, or in the middle of the canvas. */
void canvas_right(struct canvas *c, int y, int end, enum tui_style style, const char *text);
void canvas_centre(struct canvas *c, int y, enum tui_style style, const char *text);
/*
 * Breaks the text at blanks and newlines over at most max_rows rows (0: as many as there are), each `columns` wide.
 * Returns how many rows were used.
 */
int canvas_wrap(struct canvas *c, int y, int x, int columns, int max_rows, enum tui_style style,
		const char *text);

/* Blanks; the style shows where it has a background. */
void canvas_fill(struct canvas *c, int y, int x, int rows, int columns, enum tui_style style);
void canvas_clear(struct canvas *c);

/* A line from side to side, with a title in it ("" or NULL: none). */
void canvas_rule(struct canvas *c, int y, enum tui_style style, const char *title);
/* A frame around the whole canvas with a title; returns what is inside of it. */
struct canvas canvas_box(struct canvas *c, enum tui_style style, const char *title);

/*
 * A horizontal bar from `from` to `to`, both parts of 1000 of `columns` columns, in eighths of a column where the font has
 * them. With `track`, the rest is drawn as an empty track.
 */
void canvas_bar(struct canvas *c, int y, int x, int columns, int from, int to, bool track,
		enum tui_style style);

/* In column x over `rows` rows: where the `shown` lines from `first` on stand among `total`. Nothing when all are seen. */
void canvas_scrollbar(struct canvas *c, int y, int x, int rows, size_t first, size_t shown, size_t total);

/* Where the terminal's own cursor shall stand after this drawing; without a call it is hidden. */
void canvas_cursor(struct canvas *c, int y, int x);

enum tui_glyphs canvas_glyphs(const struct canvas *c);
/* The columns that the text takes there, fallbacks included. */
int canvas_width(const struct canvas *c, const char *text);
