/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether what was sent over a connection has come to its other end: what the system takes into its buffers may still be
 * lost. Asked of TCP (tcp(7), SIOCOUTQ), on a copy of the descriptor, so that the connection's owner need not wait.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/limits.h"
#include "util/macro.h"

struct arrival {
	int fd; /* owned */
	int64_t deadline;
	void (*done)(void *data, bool arrived);
	void *data;
};

/* Zero it to start, but for the lock. */
struct arrivals {
	pthread_mutex_t lock;
	size_t n;
	struct arrival v[ARRIVALS];
};

/* Calls done once: at once, where it is known, or from arrivals_sweep(). What cannot be watched has not arrived. */
void arrivals_watch(struct arrivals *a, int fd, int64_t now, void (*done)(void *data, bool arrived),
		    void *data);
/* Returns how many are still waited for. */
size_t arrivals_sweep(struct arrivals *a, int64_t now);
/* Nothing more is waited for: what is not known counts as not arrived. */
void arrivals_end(struct arrivals *a);
