/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files that draw by curses share. Included after <curses.h>. */
#pragma once

#include "tui/theme.h"

struct tui;

/* Keys that curses is taught beside its own. */
enum {
	CURSES_PASTE_BEGIN = KEY_MAX + 1,
	CURSES_PASTE_END,
	CURSES_SHIFT_UP,
	CURSES_SHIFT_DOWN,
};

/* The colour pair of a colour on the terminal's own background. A chtype holds 256; the low ones are left to libdialog. */
static inline int curses_pair(int colour)
{
	return (COLOR_PAIRS < 256 ? COLOR_PAIRS : 256) - 8 + colour;
}

/* The attributes of a style, its colour pair included. */
attr_t curses_attributes(const struct tui *t, enum tui_style style);
