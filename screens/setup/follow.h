/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job on the screen, for the screens that begin one. */
#pragma once

#include "screens/setup/private.h"
#include "tui/pager.h"

#define FOLLOW_STEPS 32

struct follow_step {
	char *name, *text;
	int permille; /* -1: not known */
	int64_t ms;   /* how long it took; -1: it goes on */
	int64_t began;
	bool failed;
};

struct follow {
	struct wizard *wizard;
	struct job_feed *feed; /* NULL: no job was begun */
	bool running, ended;
	int result;	     /* -EINTR: it was killed */
	char *why;	     /* the first error's text; NULL: none */
	bool undone, spoilt; /* it took back what it had done; and not all of it could be */
	struct follow_step steps[FOLLOW_STEPS];
	size_t n;
	struct tui_pager *output;
	unsigned int timer;
	void (*on_end)(struct follow *f); /* may be NULL */
};

/* Within a zeroed struct of the screen. follow_close() also after a failure. */
int follow_open(struct follow *f, struct wizard *w) _must_check_;
void follow_close(struct follow *f);
/* Shows the job at work, else the last one: all from its begin. -ENOENT: there is none. */
int follow_attach(struct follow *f) _must_check_;
/* Shows none any more; a job that runs goes on. */
void follow_forget(struct follow *f);
/* Its steps and its output; so many rows below are left for the screen, and returned. */
struct canvas follow_draw(struct follow *f, struct canvas *c, int below);

/* Through the output: by themselves, and with the frame's keys. */
extern const struct keymap follow_keys, follow_and_frame_keys;
