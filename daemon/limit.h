/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lets each address through once in a while, in memory that does not grow with their number. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/ip.h"

#define LIMIT_SLOTS 1024

struct limit {
	pthread_mutex_t lock;
	int64_t last[LIMIT_SLOTS]; /* when the slot's turn was taken, ms; 0: never */
};

/* True: it may, and not again before `period` ms are over. Two addresses that share a slot share its turn, so no
 * crowd of forged addresses gets through more than LIMIT_SLOTS times a period. `now` is a steady time > 0. */
bool limit_pass(struct limit *l, struct ip4 from, int64_t now, int64_t period);
