/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Boxes over the screen that ask one thing and wait for the answer. While one is open nothing else runs: no timers and no
 * watched descriptors; signals and resizes are attended to. Texts are shown as they are, escaped; they are broken to
 * fit, and cut when they are longer than the terminal.
 *
 * Each returns 0 (or what is said there), or -ECANCELED when the operator pressed Escape or Cancel, or when the loop is to
 * end; then results are untouched.
 */
#pragma once

#include "tui/tui.h"

void tui_box_message(struct tui *t, const char *title, const char *text);

/* 1: yes, 0: no. The cursor stands on no when no_first is set. NULL labels are "Yes" and "No". */
int tui_box_yes_no(struct tui *t, const char *title, const char *text, const char *yes, const char *no,
		   bool no_first) _must_check_;

struct tui_box_item {
	const char *name;    /* what is chosen */
	const char *explain; /* beside it; NULL: nothing */
	bool on;	     /* of a checklist */
};

/* *current is where the cursor stands, and then what was chosen. */
int tui_box_menu(struct tui *t, const char *title, const char *text, const struct tui_box_item *items,
		 size_t n, size_t *current) _must_check_;
/* Changes items[].on. */
int tui_box_checklist(struct tui *t, const char *title, const char *text, struct tui_box_item *items,
		      size_t n) _must_check_;

/*
 * Looks at what was typed: NULL when it is right, else a sentence that says what is wrong, borrowed until the next call.
 * The box is shown again with it.
 */
typedef const char *tui_box_check(const char *value, void *data);

/* *ret is owned by the caller. check NULL: anything goes. -ENOMEM. */
int tui_box_input(struct tui *t, const char *title, const char *text, const char *initial,
		  tui_box_check *check, void *data, char **ret) _must_check_;
/* Asked twice, until both are the same. *ret is owned; wipe it with explicit_bzero(). */
int tui_box_password(struct tui *t, const char *title, const char *text, tui_box_check *check, void *data,
		     char **ret) _must_check_;
/* A file's path, owned; beginning at `start`, a folder with a slash at its end or a file. */
int tui_box_file(struct tui *t, const char *title, const char *start, char **ret) _must_check_;
/* A long text to scroll through. */
int tui_box_text(struct tui *t, const char *title, const char *text) _must_check_;
