/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal: one event loop and a stack of screens. The topmost screen is drawn and gets the keys.
 *
 *     setlocale(LC_ALL, "");
 *     r = tui_open(STDIN_FILENO, STDOUT_FILENO, &t);
 *     r = tui_push(t, &nodes_screen, argument);
 *     r = tui_run(t);
 *     tui_close(t);
 *
 * There can be one open terminal in a process at a time, and all functions are called by the thread that opened it. A
 * screen is redrawn after an event that it got, and when tui_dirty() was called, at most once per turn of the loop; only
 * cells that differ are sent. When nothing happens, nothing runs.
 *
 * However the program ends, the terminal is given back as it was found: at tui_close(), at exit(3), and on the signals
 * SEGV, BUS, FPE, ILL and ABRT, which go on to do what they would have done.
 *
 * The keys Ctrl-L (draw all anew), Ctrl-Z (back to the shell until it continues the program) and F1 (help) work in every
 * screen that does not take them itself; Ctrl-C ends the loop like SIGINT.
 */
#pragma once

#include <stdint.h>

#include "tui/canvas.h"
#include "tui/keymap.h"

#define TUI_MIN_ROWS 24
#define TUI_MIN_COLUMNS 80

enum tui_event_type {
	TUI_KEY,
	TUI_PASTE, /* a whole text that was pasted */
	TUI_MOUSE,
};

enum tui_mouse {
	TUI_MOUSE_CLICK,
	TUI_MOUSE_WHEEL_UP,
	TUI_MOUSE_WHEEL_DOWN,
};

struct tui_event {
	enum tui_event_type type;
	int key; /* of TUI_KEY: see enum tui_key */
	const char *
		text; /* of TUI_PASTE: borrowed for the call, UTF-8, newlines as \n, no other control characters */
	enum tui_mouse mouse;
	int y, x; /* of TUI_MOUSE: on the terminal, as canvas->y and canvas->x are */
};

/*
 * A kind of screen. `self` is what open() returned. Functions may be NULL where nothing is to be done, but for draw().
 * They may push, pop and replace screens: a popped screen stays valid until the function returns.
 */
struct screen_ops {
	const char *name;  /* a word for logs and tests */
	const char *title; /* heads its help; translated when shown */
	const char *help;  /* paragraphs over the keys in its help, or NULL; translated when shown */
	const struct keymap *keys;
	/* Other keys at this moment, while something is typed for instance; NULL: `keys` always. */
	const struct keymap *(*keys_now)(void *self);
	keymap_enabled *enabled; /* NULL: every request can be done always */

	/* 0 with *ret set, or a negative error: then nothing was opened, and close() is not called. */
	int (*open)(struct tui *t, void *argument, void **ret);
	void (*close)(void *self);
	/* On everything but the bottom line, which shows the keys. The canvas is blank. */
	void (*draw)(void *self, struct canvas *c);
	/* Before the key table: 1 when the event was taken, 0 when it was not; negative: an error that ends the loop. */
	int (*event)(void *self, const struct tui_event *e);
	/* A request of the key table: 0, or a negative error that ends the loop. */
	int (*key)(void *self, int request);
	/* It is the topmost screen again after others were above it. */
	void (*shown)(void *self);
};

/*
 * Takes over a terminal, usually standard input and output; the locale must be set. -ENOTTY: one of them is no terminal;
 * -EBUSY: one is open already; -ENXIO: TERM is unknown or names a terminal whose cursor cannot be moved.
 */
int tui_open(int in, int out, struct tui **ret) _must_check_;
/* Closes all screens and gives the terminal back. NULL is fine. */
void tui_close(struct tui *t);

/* Opens a screen above the others, or in place of the topmost. A negative error is what open() returned. */
int tui_push(struct tui *t, const struct screen_ops *ops, void *argument) _must_check_;
int tui_replace(struct tui *t, const struct screen_ops *ops, void *argument) _must_check_;
/* Closes the topmost screen. When it was the last one, the loop ends. */
void tui_pop(struct tui *t);
/* Closes all screens; the loop ends. */
void tui_quit(struct tui *t);

/* How the loop ended, when it was not by an error. */
enum tui_end {
	TUI_END_DONE = 0,	/* the last screen was closed */
	TUI_END_HANGUP = 1,	/* the terminal is gone: SIGHUP, or end of file */
	TUI_END_TERMINATED = 2, /* SIGTERM, SIGINT, Ctrl-C */
};

/* Runs until it ends: an enum tui_end, or the negative error of a callback. The screens that are left close in tui_close(). */
int tui_run(struct tui *t) _must_check_;
/* Whether the loop has been told to end by a signal. Boxes return at once from then on. */
bool tui_ending(const struct tui *t);

/* The screen shall be drawn again in this turn of the loop. */
void tui_dirty(struct tui *t);

/*
 * A sentence in place of the bottom line until the next key, as STYLE_NORMAL, STYLE_WARNING or STYLE_ERROR. The text is
 * copied.
 */
void tui_notice(struct tui *t, enum tui_style style, const char *fmt, ...) _printf_(3, 4);

/*
 * Calls cb() in the loop while there is something to read from fd, or its other end is gone. A negative error ends the
 * loop. The descriptor stays the caller's; take it out before it is closed. -ENOMEM.
 */
typedef int tui_watch_cb(int fd, void *data);
int tui_watch(struct tui *t, int fd, tui_watch_cb *cb, void *data) _must_check_;
void tui_unwatch(struct tui *t, int fd);

/*
 * Calls cb() in the loop after `ms` milliseconds. It returns after how many milliseconds to be called again, 0: not any
 * more; a negative error ends the loop. *ret is a number, never 0, for tui_timer_stop(), which takes old ones, too. -ENOMEM.
 */
typedef int64_t tui_timer_cb(void *data);
int tui_timer(struct tui *t, int64_t ms, tui_timer_cb *cb, void *data, unsigned int *ret) _must_check_;
void tui_timer_stop(struct tui *t, unsigned int timer);

/* Opens the help of the topmost screen, made from its key table. */
int tui_help(struct tui *t) _must_check_;

/* Rows and columns of the terminal. */
void tui_size(const struct tui *t, int *ret_rows, int *ret_columns);
/* Whether the terminal shows colours. */
bool tui_colours(const struct tui *t);

#define _cleanup_tui_ _cleanup_(tui_closep)
DEFINE_CLEANUP(struct tui *, tui_close)
