/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keys of a screen: one table, from which come the enum of its requests, the bottom line, and the help, so that they
 * never drift apart. A screen lists its keys once:
 *
 *     #define NODES_KEYS(X)                                                                        \
 *             X(NODES_OPEN, TK_ENTER, 'l', N_("open"), N_("Show this node"), KEYMAP_BAR)         \
 *             X(NODES_WAKE, 'w', 0, N_("wake"), N_("Switch the node on over the network"), 0)
 *
 *     enum nodes_request { NODES_KEYS(KEYMAP_ENUM) };
 *     static const struct keymap_entry nodes_entries[] = { NODES_KEYS(KEYMAP_ENTRY) };
 *     static const struct keymap nodes_keys = KEYMAP("nodes", nodes_entries);
 *
 * Requests count from 0. The tables of widgets have numbers of their own from KEYMAP_SHARED on, and are joined with
 * `.also`: a key is looked for in the screen's own table first.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tui/canvas.h"

/*
 * A key is a character of Unicode, or one of these. Control characters are characters: TK_CTRL('l') is 12; Tab is
 * TK_TAB, Enter TK_ENTER (whether the terminal sends CR or LF), Escape TK_ESC.
 */
enum tui_key {
	TK_NONE = 0,
	TK_TAB = 9,
	TK_ENTER = 13,
	TK_ESC = 27,
	TK_SPACE = 32,
	TK_FIRST = 0x200000, /* above Unicode */
	TK_UP,
	TK_DOWN,
	TK_LEFT,
	TK_RIGHT,
	TK_SHIFT_UP,
	TK_SHIFT_DOWN,
	TK_BACKTAB,
	TK_PAGE_UP,
	TK_PAGE_DOWN,
	TK_HOME,
	TK_END,
	TK_BACKSPACE, /* deletes what is before the cursor */
	TK_DELETE,    /* Del: deletes what is under it */
	TK_INSERT,
	TK_FUNCTION, /* TK_FN(1) is F1 */
	TK_LAST = TK_FUNCTION + 24,
};

#define TK_FN(n) (TK_FUNCTION + (n))
#define TK_CTRL(c) ((c)&0x1f)

enum keymap_flags {
	KEYMAP_BAR = 1 << 0, /* shown in the bottom line while it works */
};

struct keymap_entry {
	int request;
	int key, alternative; /* TK_NONE: there is none */
	const char *brief;    /* one or two words for the bottom line; translated when shown */
	const char *help;     /* a sentence without its full stop; translated when shown */
	unsigned int flags;
};

struct keymap {
	const char *title; /* heads its keys in the help; translated when shown */
	const struct keymap_entry *entries;
	size_t n;
	const struct keymap *also; /* looked into after this one; NULL: the end */
};

#define KEYMAP_SHARED 1000 /* where the requests of widgets begin */

#define KEYMAP_ENUM(request, ...) request,
#define KEYMAP_ENTRY(request, key, alternative, brief, help, flags) \
	{ request, key, alternative, brief, help, flags },
#define KEYMAP(title, entries)                       \
	{                                            \
		title, entries, ARRAY_SIZE(entries), \
	}
#define KEYMAP_WITH(title, entries, also)                    \
	{                                                    \
		title, entries, ARRAY_SIZE(entries), &(also) \
	}

/* Whether a request can be done now; keys of others are not in the bottom line and do nothing. */
typedef bool keymap_enabled(void *self, int request);

/* The request that a key stands for, or -1. `enabled` NULL: all are. */
int keymap_find(const struct keymap *m, int key, keymap_enabled *enabled, void *self);
/* The name of a key as it is printed: "Enter", "^L", "F1", "a". */
const char *keymap_key_name(int key, enum tui_glyphs glyphs, char buf[16]);

#define KEYMAP_SPOTS 32

/* Where in the bottom line a key's name stands, so that it can be clicked. */
struct keymap_bar {
	struct {
		int from, to, key;
	} spots[KEYMAP_SPOTS];
	int n;
};

/* Draws the keys that work now in one row of the canvas; what does not fit is left out from the right. */
void keymap_draw_bar(const struct keymap *m, keymap_enabled *enabled, void *self, struct canvas *c, int y,
		     struct keymap_bar *ret);
/* The key whose name stands in that column of the bar, or TK_NONE. */
int keymap_bar_key(const struct keymap_bar *bar, int x);
