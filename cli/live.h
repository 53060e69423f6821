/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes as they are now: first as the store has them, then kept up by musterd's feed. */
#pragma once

#include "backend/muster.h"

struct live {
	struct muster *m;
	const char *range;    /* borrowed; NULL: all */
	struct node_state *v; /* in the plan's order */
	size_t n, size;
	char **names; /* those that are wanted, sorted; NULL: all */
	size_t n_names;
	struct muster_feed *feed; /* NULL: musterd does not answer */
	struct muster_feed_from from;
	int64_t tried; /* when it was last asked for; steady ms */
	int error;
	bool synced; /* the feed has told all that there is */
};

/* -EINVAL: the range is wrong; else as muster_status(). live_close() also after a failure. */
int live_open(struct live *l, struct muster *m, const char *range) _must_check_;
void live_close(struct live *l);
/* Whether these are all that there are; not while the feed begins to tell them. */
bool live_whole(const struct live *l);
/* Waits for a change, at most so long, and brings the nodes and their times up to now. 1: cancel_fd (<= 0: none) was
 * readable. */
int live_wait(struct live *l, int cancel_fd, int timeout_ms) _must_check_;
