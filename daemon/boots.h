/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When each node's present boot got its script, and its personality for the first time, by a steady clock: nobody who sets the
 * server's clock back gives a boot more time. Of what was before this run the store knows the time of the wall clock only; that
 * counts then, and a time that is still to come counts as long ago.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/by-node.h"

enum boot_mark {
	BOOT_SCRIPT, /* begins a boot: the marks of the node's earlier one are gone */
	BOOT_HANDED,
	BOOT_MARKS,
};

/* Zero it to start, but for the lock. */
struct boots {
	pthread_mutex_t lock;
	struct by_node nodes;
};

/* The first time of a mark counts. `now`: steady clock, ms. */
void boots_mark(struct boots *b, const char *node, const char *token, enum boot_mark mark, int64_t now);

/* A moment, and the present, by the wall clock, ms. */
struct boots_wall {
	int64_t at, now;
};
/* Whether the mark of this boot is older than `age` ms: by the steady clock, or by the wall's where the mark is of an earlier run. */
bool boots_older(struct boots *b, const char *node, const char *token, enum boot_mark mark, int64_t age,
		 int64_t now, struct boots_wall wall);
void boots_free(struct boots *b);
