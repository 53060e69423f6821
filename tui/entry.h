/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One line of text that is typed: the filter of a table, the search of a pager, a field of a form. */
#pragma once

#include "tui/canvas.h"
#include "tui/keymap.h"
#include "tui/tui.h"
#include "util/strbuf.h"

struct entry {
	struct strbuf text;
	size_t at;    /* where the cursor is, in bytes */
	size_t limit; /* in bytes; 0: ENTRY_LIMIT */
};

#define ENTRY_LIMIT 4096

void entry_free(struct entry *e);
/* Replaces the text; the cursor goes to its end. */
void entry_set(struct entry *e, const char *text);
const char *entry_text(const struct entry *e); /* never NULL; borrowed until the next change */

/*
 * Characters and pastes go in (of a paste, the first line); Backspace, Del, arrows, Home, End and the control keys A, E, U,
 * K, W edit. 1: taken and the text has changed; 2: taken, only the cursor moved or could have; 0: not a key of an entry.
 */
int entry_event(struct entry *e, const struct tui_event *event);

/*
 * Draws it, `columns` wide, scrolled so that the cursor is seen when `focus` is set, which also puts the terminal's cursor
 * there. `secret`: one sign a character.
 */
void entry_draw(const struct entry *e, struct canvas *c, int y, int x, int columns, enum tui_style style,
		bool focus, bool secret);
