/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lets each of many through at a rate, in memory that does not grow with their number. Where more are about than it
 * remembers, it forgets those that have used least, which only lets them through sooner.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LIMIT_SETS 512
#define LIMIT_WAYS 8

struct limit_slot {
	uint64_t who;
	int64_t due; /* when its account is empty again, ms; 0: the slot is free */
};

struct limit {
	pthread_mutex_t lock;
	uint64_t secret; /* so that nobody can choose whose slots he shares */
	int64_t period;	 /* ms for each... */
	int64_t burst;	 /* ...and so many at once */
	struct limit_slot slots[LIMIT_SETS][LIMIT_WAYS];
};

void limit_init(struct limit *l, uint64_t secret, int64_t period, int64_t burst);
/* True: it may. `now` is a steady time in ms, > 0. */
bool limit_pass(struct limit *l, uint64_t who, int64_t now);
