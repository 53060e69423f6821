/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of tui/ share, and nobody else sees. */
#pragma once

#include <poll.h>
#include <stdio.h>

#include "tui/tui.h"
#include "util/strbuf.h"

struct tui_screen {
	const struct screen_ops *ops;
	void *self;
	bool covered; /* others were above it since it was drawn last */
};

struct tui_watch {
	int fd; /* -1: free */
	tui_watch_cb *cb;
	void *data;
};

struct tui_timer {
	unsigned int id; /* 0: free */
	int64_t at;	 /* on the steady clock, in milliseconds */
	tui_timer_cb *cb;
	void *data;
};

struct tui {
	/* the terminal: term.c */
	int in, out;
	FILE *in_file, *out_file; /* of copies of the two, for curses */
	void *screen;		  /* of curses */
	int rows, columns;
	enum tui_glyphs glyphs;
	bool colours, paste;
	bool pasting;
	struct strbuf pasted; /* while a paste goes on */
	int64_t pasted_at;
	int cursor_y, cursor_x; /* -1: hidden */

	/* the loop: loop.c */
	struct tui_watch *watches;
	size_t n_watches;
	struct tui_timer *timers;
	size_t n_timers;
	unsigned int last_timer;
	bool dirty, redraw_all;
	int ending; /* an enum tui_end; 0: it goes on */
	bool quit;

	/* the screens: screens.c */
	struct tui_screen *screens;
	size_t n_screens;
	struct tui_screen *closed; /* popped, not yet freed */
	size_t n_closed;
	struct keymap_bar bar;
	bool box; /* one is open: the bottom line is its own */
	char *notice;
	enum tui_style notice_style;
};

/* ---- term.c: the terminal itself, by curses -------------------------------------------------------------- */

int term_open(struct tui *t, int in, int out) _must_check_;
void term_close(struct tui *t);
/* The next event from the keyboard, without waiting: 1, or 0 when there is none. Its text lives until the next call. */
int term_event(struct tui *t, struct tui_event *ret);
/* How long a paste that goes on may be waited for, in milliseconds; -1: none goes on. */
int term_patience(const struct tui *t);
/* Takes on the terminal's size of now. */
void term_resize(struct tui *t);
/* Blanks everything, before it is drawn. */
void term_begin(struct tui *t);
/* After it is drawn: what is to be sent is what differs, or all when redraw_all is set. */
void term_end(struct tui *t);
void term_send(void);
/* Gives the terminal to the shell and stops the process; returns once it is continued. */
void term_suspend(struct tui *t);
void term_beep(void);

/* ---- signals.c ------------------------------------------------------------------------------------------- */

/* What came through the pipe. */
enum {
	SIGNAL_RESIZE = 1 << 0,
	SIGNAL_STOP = 1 << 1,
	SIGNAL_HANGUP = 1 << 2,
	SIGNAL_TERMINATE = 1 << 3,
	SIGNAL_CONTINUE = 1 << 4,
};

/* Remembers the handlers and the settings of the terminal on fd, before curses changes them. */
int signals_open(int fd) _must_check_;
/* Installs the handlers. On a crash, `restore` is written to that terminal, and its settings are set again. */
int signals_arm(const char *restore, size_t len) _must_check_;
/* Puts back the handlers that were there. */
void signals_close(void);
int signals_fd(void);
unsigned int signals_read(void);
/* Whether a crash shall give the terminal back: not while a shell has it. */
void signals_guard(bool on);
/* Whether signals end a read that waits, as in curses when half a report of the mouse has come; else it goes on. */
void signals_interrupt(bool on);
/* Stops the process as Ctrl-Z does without us. */
void signals_stop(void);

/* ---- loop.c ---------------------------------------------------------------------------------------------- */

/* Acts upon signals; true when the screen must be drawn anew. */
bool loop_signals(struct tui *t, unsigned int signals);
/*
 * Waits for the keyboard and for signals alone, while a box is open: 0: there is a key to read; 1: what is drawn must be
 * drawn anew; -ECANCELED: the loop is to end.
 */
int loop_wait_key(struct tui *t) _must_check_;

/* ---- screens.c ------------------------------------------------------------------------------------------- */

int screens_event(struct tui *t, const struct tui_event *e) _must_check_;
void screens_draw(struct tui *t);
/* The same, but nothing is sent to the terminal yet. */
void screens_paint(struct tui *t);
/* Frees the screens that were popped. */
void screens_sweep(struct tui *t);
void screens_close(struct tui *t);
bool screens_too_small(const struct tui *t);
