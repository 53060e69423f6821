/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table of any number of rows, of which only those that are seen are asked for. The owner keeps the rows, sorts and
 * filters them; the table keeps the cursor, the selection and what is typed for the filter. Rows are known by a number of
 * 64 bits that stays theirs: when rows move, the cursor and the selection move along.
 */
#pragma once

#include <stdint.h>

#include "tui/canvas.h"
#include "tui/keymap.h"
#include "tui/tui.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define TUI_TABLE_COLUMNS 24

struct tui_column {
	const char *title; /* translated when shown */
	int width;	   /* columns of the terminal, at least; the title has room always */
	bool right;	   /* numbers */
	bool tight;	   /* one blank follows it, not two: signs */
	int drop;	   /* too narrow a terminal: the lowest goes first; 0: it stays */
	int flex;	   /* its share of what is left over; 0: none */
	bool no_sort;
};

struct tui_table;

/* Functions of the owner; `data` is what tui_table_new() was given. All but `id` and `cell` may be NULL. */
struct tui_table_ops {
	uint64_t (*id)(void *data, size_t row);
	/* Where the row with this id is now, or SIZE_MAX; NULL: the table looks through all. */
	size_t (*find)(void *data, uint64_t id);
	/* Adds the text of a cell; returns its style. */
	enum tui_style (*cell)(void *data, size_t row, size_t column, struct strbuf *text);
	/* Adds a text that stands in place of the columns from the returned one on; -1: none. */
	int (*tail)(void *data, size_t row, struct strbuf *text, enum tui_style *ret);
	/* Adds a text for one line more under the row; false: none. */
	bool (*below)(void *data, size_t row, struct strbuf *text);
	/* Sort the rows, stably, so that equal ones stay as they are; then call tui_table_changed(). */
	void (*sort)(void *data, size_t column, bool descending);
	/* The filter has changed ("": none); then call tui_table_changed(). */
	void (*filter)(void *data, const char *text);
};

/* The columns and ops are borrowed, and must last. -ENOMEM. */
int tui_table_new(const struct tui_column *columns, size_t n_columns, const struct tui_table_ops *ops,
		  void *data, struct tui_table **ret) _must_check_;
void tui_table_free(struct tui_table *t); /* NULL is fine */

/* The owner's rows have changed, or their order, or their number. */
void tui_table_changed(struct tui_table *t, size_t n_rows);
/* What stands there when there is no row; copied. "" or NULL: nothing. */
void tui_table_set_empty(struct tui_table *t, const char *text);

/* Draws the head, the rows, and while one is typed the filter. */
void tui_table_draw(struct tui_table *t, struct canvas *c);

/* To be called from the screen's event(): takes what is typed into the filter, pastes, and the mouse. 1: taken. */
int tui_table_event(struct tui_table *t, const struct tui_event *e);
/* To be called from the screen's key() for requests that are not its own. False: not one of the table's either. */
bool tui_table_key(struct tui_table *t, int request);
/* To be called from the screen's enabled() for requests that are not its own. */
bool tui_table_enabled(const struct tui_table *t, int request);
/* For the screen's keys_now(): the keys of the entry while a filter is typed, else `keys`. */
const struct keymap *tui_table_keys_now(const struct tui_table *t, const struct keymap *keys);

size_t tui_table_rows(const struct tui_table *t);
/* The row under the cursor, SIZE_MAX when there is none. */
size_t tui_table_row(const struct tui_table *t);
void tui_table_go_to(struct tui_table *t, size_t row);
const char *tui_table_filter(const struct tui_table *t); /* "" when there is none; borrowed */
void tui_table_set_filter(struct tui_table *t, const char *text);
/* The column that it is sorted by, SIZE_MAX: none yet; setting it calls sort(). */
size_t tui_table_sorted(const struct tui_table *t, bool *ret_descending);
void tui_table_set_sort(struct tui_table *t, size_t column, bool descending);

/* Of the rows that there are now: how many are selected, and whether this one is. */
size_t tui_table_selected(const struct tui_table *t);
bool tui_table_is_selected(const struct tui_table *t, size_t row);
void tui_table_select_none(struct tui_table *t);

/* The table's keys, to be joined to a screen's with KEYMAP_WITH(). */
#define TUI_TABLE_KEYS(X)                                                                                    \
	X(TABLE_UP, TK_UP, 'k', N_("up"), N_("To the row above"), 0)                                         \
	X(TABLE_DOWN, TK_DOWN, 'j', N_("down"), N_("To the row below"), 0)                                   \
	X(TABLE_PAGE_UP, TK_PAGE_UP, TK_CTRL('b'), N_("page up"), N_("A page up"), 0)                        \
	X(TABLE_PAGE_DOWN, TK_PAGE_DOWN, TK_CTRL('f'), N_("page down"), N_("A page down"), 0)                \
	X(TABLE_HOME, TK_HOME, 'g', N_("first"), N_("To the first row"), 0)                                  \
	X(TABLE_END, TK_END, 'G', N_("last"), N_("To the last row"), 0)                                      \
	X(TABLE_FILTER, '/', TK_NONE, N_("filter"), N_("Show only the rows that have a text"), KEYMAP_BAR)   \
	X(TABLE_UNFILTER, TK_ESC, TK_NONE, N_("show all"), N_("Show all rows again, and select none"),       \
	  KEYMAP_BAR)                                                                                        \
	X(TABLE_SELECT, TK_SPACE, TK_NONE, N_("select"), N_("Select this row, or not any more"), KEYMAP_BAR) \
	X(TABLE_RANGE, 'v', TK_NONE, N_("range"),                                                            \
	  N_("Select all rows from here to where v is pressed again"), 0)                                    \
	X(TABLE_SELECT_UP, TK_SHIFT_UP, 'K', N_("select up"), N_("Select this row and the one above"), 0)    \
	X(TABLE_SELECT_DOWN, TK_SHIFT_DOWN, 'J', N_("select down"), N_("Select this row and the one below"), \
	  0)                                                                                                 \
	X(TABLE_SELECT_ALL, TK_CTRL('a'), TK_NONE, N_("select all"), N_("Select all rows that are shown"),   \
	  0)                                                                                                 \
	X(TABLE_SORT, 's', TK_NONE, N_("sort"), N_("Sort by the next column"), KEYMAP_BAR)                   \
	X(TABLE_REVERSE, 'S', TK_NONE, N_("reverse"), N_("Sort the other way round"), 0)

enum tui_table_request {
	TABLE_BEFORE = KEYMAP_SHARED - 1,
	TUI_TABLE_KEYS(KEYMAP_ENUM) TABLE_REQUESTS_END,
};

extern const struct keymap tui_table_keys;

DEFINE_CLEANUP(struct tui_table *, tui_table_free)
