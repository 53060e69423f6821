/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tui/theme.h"

#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"

/* The numbers of ECMA-48's colours, which curses shares. */
enum { OWN = -1, RED = 1, GREEN = 2, YELLOW = 3, CYAN = 6 };

static const struct theme_entry theme[STYLE_COUNT] = {
	[STYLE_NORMAL] = { OWN, 0, 0 },
	[STYLE_DIM] = { OWN, THEME_DIM, THEME_DIM },
	[STYLE_TITLE] = { OWN, THEME_BOLD, THEME_BOLD },
	[STYLE_ACCENT] = { CYAN, THEME_BOLD, THEME_BOLD },
	[STYLE_GOOD] = { GREEN, 0, 0 },
	[STYLE_BUSY] = { YELLOW, 0, 0 },
	[STYLE_BAD] = { RED, THEME_BOLD, THEME_BOLD },
	[STYLE_SELECTED] = { CYAN, THEME_REVERSE, THEME_REVERSE },
	[STYLE_MARKED] = { CYAN, THEME_BOLD, THEME_BOLD },
	[STYLE_FIELD] = { OWN, THEME_UNDERLINE, THEME_UNDERLINE },
	[STYLE_BAR] = { OWN, THEME_DIM, 0 },
	[STYLE_KEY] = { CYAN, THEME_BOLD, THEME_BOLD },
	[STYLE_ERROR] = { RED, THEME_BOLD, THEME_BOLD },
	[STYLE_WARNING] = { YELLOW, THEME_BOLD, THEME_BOLD },
	[STYLE_DIFF_ADD] = { GREEN, 0, 0 },
	[STYLE_DIFF_DELETE] = { RED, 0, THEME_DIM },
	[STYLE_DIFF_HUNK] = { CYAN, 0, THEME_BOLD },
};

const struct theme_entry *theme_entry(enum tui_style style)
{
	return &theme[(size_t)style < STYLE_COUNT ? style : STYLE_NORMAL];
}

/* In the order of the characters. `console`: the Linux console has it in its usual fonts (code page 437). */
static const struct {
	uint32_t c;
	const char *ascii;
	bool console;
} fallbacks[] = {
	{ 0x00a0, " ", true },				  /* a blank that holds words together */
	{ 0x00b1, "+", true },				  /* plus or minus */
	{ 0x00b7, "-", true },				  /* a dot between things */
	{ 0x00d7, "x", true },				  /* times */
	{ 0x2013, "-", false },				  /* dashes */
	{ 0x2014, "-", false },	  { 0x2018, "'", false }, /* quotation marks */
	{ 0x2019, "'", false },	  { 0x201c, "\"", false }, { 0x201d, "\"", false },
	{ 0x2022, "*", true },							   /* a bullet */
	{ 0x2026, "...", false },						   /* an ellipsis */
	{ 0x2190, "<", true },	  { 0x2191, "^", true },			   /* arrows */
	{ 0x2192, ">", true },	  { 0x2193, "v", true },   { 0x2212, "-", false }, /* minus */
	{ 0x2500, "-", true },	  { 0x2502, "|", true },   { 0x250c, "+", true },  /* lines */
	{ 0x2510, "+", true },	  { 0x2514, "+", true },   { 0x2518, "+", true },
	{ 0x251c, "+", true },	  { 0x2524, "+", true },   { 0x252c, "+", true },
	{ 0x2534, "+", true },	  { 0x253c, "+", true },   { 0x2588, "#", true }, /* blocks: full, eighths */
	{ 0x2589, "#", false },	  { 0x258a, "#", false },  { 0x258b, "#", false },
	{ 0x258c, "#", true },	  { 0x258d, " ", false },  { 0x258e, " ", false },
	{ 0x258f, " ", false },	  { 0x2590, "#", true },   { 0x2591, ".", true },
	{ 0x25b4, "^", false },	  { 0x25b8, ">", false },  { 0x25be, "v", false }, /* triangles */
	{ 0x25c0, "<", false },	  { 0x25cb, ".", false },  { 0x25cf, "*", false }, /* stages */
	{ 0x25d0, "~", false },	  { 0x2713, "v", false },  { 0x2717, "x", false },
	{ 0xfffd, "?", true },
};

const char *theme_fallback(enum tui_glyphs glyphs, unsigned int c)
{
	size_t low = 0, high = ARRAY_SIZE(fallbacks);

	if (c < 0x80 || glyphs == GLYPHS_FULL)
		return NULL;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (fallbacks[middle].c == c)
			return glyphs == GLYPHS_CONSOLE && fallbacks[middle].console
				       ? NULL
				       : fallbacks[middle].ascii;
		if (fallbacks[middle].c < c)
			low = middle + 1;
		else
			high = middle;
	}
	return glyphs == GLYPHS_ASCII ? "?" : NULL;
}
