/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/arrival.h"

#include <fcntl.h>

#include "daemon/outgoing.h"

enum verdict { UNDER_WAY, ARRIVED, LOST };

static enum verdict look(int fd)
{
	struct outgoing o;

	if (!outgoing_look(fd, &o))
		return LOST;
	return o.waits == 0 ? ARRIVED : o.ended ? LOST : UNDER_WAY;
}

void arrivals_watch(struct arrivals *a, int fd, int64_t now, void (*done)(void *data, bool arrived),
		    void *data)
{
	enum verdict v = look(fd);
	bool watched = false;
	int copy;

	if (v == UNDER_WAY) {
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		pthread_mutex_lock(&a->lock);
		watched = copy >= 0 && a->n < ARRAY_SIZE(a->v);
		if (watched)
			a->v[a->n++] = (struct arrival){ copy, now + ARRIVAL_MS, done, data };
		pthread_mutex_unlock(&a->lock);
		if (!watched && copy >= 0)
			close(copy);
	}
	if (!watched)
		done(data, v == ARRIVED);
}

/* Takes the first one from *i on out that is decided. */
static bool take_decided(struct arrivals *a, int64_t now, size_t *i, struct arrival *ret, bool *ret_arrived)
{
	for (; *i < a->n; ++*i) {
		enum verdict v = look(a->v[*i].fd);

		if (v == UNDER_WAY && now < a->v[*i].deadline)
			continue;
		*ret = a->v[*i];
		*ret_arrived = v == ARRIVED;
		a->v[*i] = a->v[--a->n];
		return true;
	}
	return false;
}

size_t arrivals_sweep(struct arrivals *a, int64_t now)
{
	struct arrival one;
	bool decided, arrived = false;
	size_t left, i = 0;

	do {
		pthread_mutex_lock(&a->lock);
		decided = take_decided(a, now, &i, &one, &arrived);
		left = a->n;
		pthread_mutex_unlock(&a->lock);
		if (decided) {
			close(one.fd);
			one.done(one.data, arrived);
		}
	} while (decided);
	return left;
}

void arrivals_end(struct arrivals *a)
{
	arrivals_sweep(a, INT64_MAX);
}
