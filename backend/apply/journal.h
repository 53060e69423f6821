/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The durable record of one apply: the folder APPLY_JOURNAL/NNNN with
 *   journal   one JSON object a line, each on the disk before anything that depends on it is done:
 *               {"version":1,"when":"RFC 3339","who":...,"answers":...,"services":...,"packages":...}
 *               {"step":N,"kind":...,...,"old":{...}}      before a step
 *               {"done":N,...}                             after it
 *               {"undo":"RFC 3339"}                        an undo began
 *               {"end":"applied"|"undone"}                 a newer line of these counts
 *   old/N     the bytes that step N replaced or removed
 *   kept/N    what undo found in place of what step N had written: somebody else's change
 * A last line that is cut off was never acted upon and does not count. Private to backend/apply/.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "backend/apply/apply.h"
#include "util/macro.h"

enum journal_state {
	JOURNAL_UNFINISHED, /* cut off, or at work just now; an undo that was cut off, too */
	JOURNAL_APPLIED,
	JOURNAL_UNDONE, /* or nothing was ever done */
};

struct journal {
	int root_fd; /* borrowed */
	unsigned int number;
	char *path; /* the folder, below the root */
	int fd;	    /* the open file, for appending; -1 until it is needed */
	enum journal_state state;
	json_t *header; /* NULL where even that was cut off */
	json_t *steps;	/* array, in the order of their doing; "step" is index + 1 */
	json_t *done;	/* object: "N" → the done line */
	long long good; /* bytes of whole lines in the file */
};

int journal_create(struct apply *a, const char *answers, struct journal **ret) _must_check_;
/* Reads one. -MUSTER_E_FORMAT: damaged (emitted). */
int journal_read(struct apply *a, unsigned int number, struct journal **ret) _must_check_;
void journal_free(struct journal *j);
DEFINE_CLEANUP(struct journal *, journal_free)

/* The numbers of all journals, ascending; owned. */
int journal_list(int root_fd, unsigned int **ret, size_t *ret_n) _must_check_;
/* The newest journal that is not undone; -ENOENT. */
int journal_newest(struct apply *a, struct journal **ret) _must_check_;

/* The number that the next step will have. */
unsigned int journal_next(const struct journal *j);
/* Saves old bytes for the next step, durably. */
int journal_save(struct journal *j, const void *data, size_t len) _must_check_;
/* What was saved for a step; owned. */
int journal_saved(struct journal *j, unsigned int step, char **ret, size_t *ret_len) _must_check_;
/* Keeps bytes that undo is about to replace; *ret_path (owned) is where, below the root. */
int journal_keep(struct journal *j, unsigned int step, const void *data, size_t len,
		 char **ret_path) _must_check_;

/* Each appends a line and waits until it is on the disk. journal_step() takes `record` over. */
int journal_step(struct journal *j, json_t *record) _must_check_;
int journal_done(struct journal *j, json_t *done) _must_check_; /* of the last step; takes `done` over */
int journal_undo_begins(struct journal *j) _must_check_;
int journal_end(struct journal *j, const char *how) _must_check_;
