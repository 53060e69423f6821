/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program on a pseudo-terminal whose screen is read through libvterm. Nothing sleeps: each wait polls, with a deadline
 * in milliseconds. The child is the leader of a session of its own on that terminal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/macro.h"

/* In the environment of a program whose TERM is linux: curses loads libgpm for that, which forgets a few bytes. */
#define VT_LEAKY_GPM "ASAN_OPTIONS=detect_leaks=0"
#define VT_PATIENCE 10000 /* the usual deadline */

struct vt;

struct vt_cell {
	char text[16]; /* UTF-8; "" where nothing was drawn */
	bool bold, underline, reverse;
	bool coloured; /* the foreground is not the terminal's own */
};

/*
 * argv ends with NULL; env, too, and its "NAME=value" are added to the environment, "NAME=" sets it empty. Standard
 * input, output and error of the child are the terminal. -errno.
 */
int vt_start(const char *const argv[], const char *const env[], int rows, int columns,
	     struct vt **ret) _must_check_;
/* Kills the child when it runs yet. NULL is fine. */
void vt_free(struct vt *v);

void vt_send(struct vt *v, const char *keys);
void vt_sendn(struct vt *v, const char *keys, size_t len);
/* As a terminal pastes: between brackets where the program has asked for them. */
void vt_paste(struct vt *v, const char *text);
void vt_click(struct vt *v, int row, int column);
void vt_resize(struct vt *v, int rows, int columns); /* and SIGWINCH, as a terminal does */
/* Closes the terminal, as when an ssh session is cut. Nothing can be read after it. */
void vt_hang_up(struct vt *v);

/* Reads what the program writes until the text stands in one row; false: it did not in time. */
bool vt_wait(struct vt *v, const char *text, int ms);
bool vt_wait_gone(struct vt *v, const char *text, int ms);
/* Until it has written nothing for `quiet` milliseconds. */
bool vt_settle(struct vt *v, int quiet, int ms);
/* Until it has ended; *ret_status as of waitpid(2). */
bool vt_wait_exit(struct vt *v, int ms, int *ret_status);
/* Reads for at most so long, or until something was written; true: it was. */
bool vt_pump(struct vt *v, int ms);

/* Borrowed, until the next call for a row or screen; blanks at the ends of rows are cut. */
const char *vt_row(struct vt *v, int row);
const char *vt_screen(struct vt *v);
/* Where a text stands first; false: nowhere. */
bool vt_find(struct vt *v, const char *text, int *ret_row, int *ret_column);
struct vt_cell vt_cell(struct vt *v, int row, int column);
bool vt_cursor(struct vt *v, int *ret_row, int *ret_column); /* whether it is visible */
size_t vt_bytes(const struct vt *v);			     /* that the program has written so far */
pid_t vt_pid(const struct vt *v);

/* Whether the terminal is as it was at the start: settings, first screen, cursor, no mouse, no brackets; NULL: it is. */
const char *vt_left_behind(struct vt *v);

DEFINE_CLEANUP(struct vt *, vt_free)
