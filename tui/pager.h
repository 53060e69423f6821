/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of text to scroll through and to search: differences, output, help. It may grow while it is read. */
#pragma once

#include "tui/canvas.h"
#include "tui/keymap.h"
#include "tui/tui.h"
#include "util/i18n.h"

/* More lines than these are not kept: the oldest go. */
#define TUI_PAGER_LINES 100000

struct tui_pager;

int tui_pager_new(struct tui_pager **ret) _must_check_;
void tui_pager_free(struct tui_pager *p); /* NULL is fine */
void tui_pager_clear(struct tui_pager *p);

/* Adds text, which may have several lines; each gets the style. A newline at the end adds no empty line. -ENOMEM. */
int tui_pager_add(struct tui_pager *p, enum tui_style style, const char *text) _must_check_;
int tui_pager_addf(struct tui_pager *p, enum tui_style style, const char *fmt, ...) _must_check_
	_printf_(3, 4);
/* Adds a unified diff, each line in the style of what it is. -ENOMEM. */
int tui_pager_add_diff(struct tui_pager *p, const char *diff) _must_check_;

/* Following, the last line stays in sight while the text grows, until the reader moves away from it. */
void tui_pager_follow(struct tui_pager *p, bool on);

void tui_pager_draw(struct tui_pager *p, struct canvas *c);
/* To be called from the screen's event(): takes what is typed into the search, and the mouse wheel. 1: taken. */
int tui_pager_event(struct tui_pager *p, const struct tui_event *e);
/* For requests that are not the screen's own. False: not one of the pager's either. */
bool tui_pager_key(struct tui_pager *p, int request);
bool tui_pager_enabled(const struct tui_pager *p, int request);
/* For the screen's keys_now(). */
const struct keymap *tui_pager_keys_now(const struct tui_pager *p, const struct keymap *keys);

size_t tui_pager_lines(const struct tui_pager *p);

#define TUI_PAGER_KEYS(X)                                                                              \
	X(PAGER_UP, TK_UP, 'k', N_("up"), N_("A line up"), 0)                                          \
	X(PAGER_DOWN, TK_DOWN, 'j', N_("down"), N_("A line down"), 0)                                  \
	X(PAGER_PAGE_DOWN, TK_PAGE_DOWN, TK_SPACE, N_("page down"), N_("A page down"), KEYMAP_BAR)     \
	X(PAGER_PAGE_UP, TK_PAGE_UP, 'b', N_("page up"), N_("A page up"), KEYMAP_BAR)                  \
	X(PAGER_HOME, TK_HOME, 'g', N_("top"), N_("To the beginning"), 0)                              \
	X(PAGER_END, TK_END, 'G', N_("end"), N_("To the end, and stay there while the text grows"), 0) \
	X(PAGER_LEFT, TK_LEFT, 'h', N_("left"), N_("To the left"), 0)                                  \
	X(PAGER_RIGHT, TK_RIGHT, 'l', N_("right"),                                                     \
	  N_("To the right, where lines are longer than the window"), 0)                               \
	X(PAGER_SEARCH, '/', TK_NONE, N_("search"), N_("Search for a text"), KEYMAP_BAR)               \
	X(PAGER_NEXT, 'n', TK_NONE, N_("next"), N_("To the next line that has it"), KEYMAP_BAR)        \
	X(PAGER_PREVIOUS, 'N', TK_NONE, N_("previous"), N_("To the line before that has it"), 0)

enum tui_pager_request {
	PAGER_BEFORE = KEYMAP_SHARED + 99,
	TUI_PAGER_KEYS(KEYMAP_ENUM) PAGER_REQUESTS_END,
};

extern const struct keymap tui_pager_keys;

DEFINE_CLEANUP(struct tui_pager *, tui_pager_free)
