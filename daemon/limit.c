/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/limit.h"

#include <string.h>

#include "util/macro.h"

void limit_init(struct limit *l, uint64_t secret, int64_t period, int64_t burst)
{
	*l = (struct limit){ .secret = secret, .period = period, .burst = burst };
	pthread_mutex_init(&l->lock, NULL);
}

/* The finisher of SplitMix64 (https://prng.di.unimi.it/splitmix64.c), with a secret on each side of it. */
static uint64_t mix(uint64_t x, uint64_t secret)
{
	x ^= secret;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31 ^ secret >> 17;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 27;
}

/* Its slot, or the one of the set that is worth least. */
static struct limit_slot *slot_of(struct limit *l, uint64_t who)
{
	struct limit_slot *set = l->slots[mix(who, l->secret) % LIMIT_SETS], *least = set;

	for (size_t i = 0; i < LIMIT_WAYS; i++) {
		if (set[i].due != 0 && set[i].who == who)
			return &set[i];
		if (set[i].due < least->due)
			least = &set[i];
	}
	*least = (struct limit_slot){ .who = who };
	return least;
}

bool limit_pass(struct limit *l, uint64_t who, int64_t now)
{
	struct limit_slot *s;
	bool pass;

	pthread_mutex_lock(&l->lock);
	s = slot_of(l, who);
	s->due = MAX(s->due, now);
	pass = s->due - now <= (l->burst - 1) * l->period;
	if (pass)
		s->due += l->period;
	pthread_mutex_unlock(&l->lock);
	return pass;
}
