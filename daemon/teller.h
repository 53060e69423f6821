/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one node of the single system that tells of the merged machine: each look at it asks all nodes, so that of sixteen that look,
 * each has fifteen to answer.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Zero it to start, but for the lock. */
struct teller {
	pthread_mutex_t lock;
	char *node;    /* NULL: nobody yet */
	int64_t heard; /* when it last reported; steady clock, ms */
};

/* Whether this node, which reports now, is the one. `joined`: it is in the single system. `now` of the steady clock. */
bool teller_is(struct teller *t, const char *node, bool joined, int64_t now);
