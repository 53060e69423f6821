/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/limit.h"

bool limit_pass(struct limit *l, struct ip4 from, int64_t now, int64_t period)
{
	size_t i = (from.n ^ from.n >> 10 ^ from.n >> 20) % LIMIT_SLOTS;
	bool pass;

	pthread_mutex_lock(&l->lock);
	pass = l->last[i] == 0 || now - l->last[i] >= period;
	if (pass)
		l->last[i] = now;
	pthread_mutex_unlock(&l->lock);
	return pass;
}
