/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When each node was last heard of, by a steady clock: nobody who sets the server's clock makes a running node seem silent. What
 * was before this run is known from the store, without its time: such a node counts as just heard of, until it had
 * its chance to report.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/by-node.h"

/* Zero it to start, but for the lock and `began`. */
struct heard {
	pthread_mutex_t lock;
	int64_t began; /* when reports could come in, under the names that nodes have now */
	struct by_node nodes;
};

/* A report of it was kept; `off`: it shuts down. */
void heard_take(struct heard *h, const char *node, bool off, int64_t now);
/* Whether it runs: its last report is younger than `age`, or it may not have had its time for one. `before`: its last report of
 * earlier runs was no goodbye. */
bool heard_runs(struct heard *h, const char *node, bool before, int64_t age, int64_t now);
/* Nodes may have other names from now on. */
void heard_renew(struct heard *h, int64_t now);
void heard_free(struct heard *h);
