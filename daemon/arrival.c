/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/arrival.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum verdict { UNDER_WAY, ARRIVED, LOST };

/* TCP_CLOSE with something not acknowledged: the other end has reset it, or the system has given up. */
static enum verdict look(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	int unacknowledged;

	if (ioctl(fd, SIOCOUTQ, &unacknowledged) < 0)
		return LOST;
	if (unacknowledged == 0)
		return ARRIVED;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 || info.tcpi_state == TCP_CLOSE)
		return LOST;
	return UNDER_WAY;
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
		done(data, v != LOST);
}

/* Takes the first one out that is decided. */
static bool take_decided(struct arrivals *a, int64_t now, struct arrival *ret, bool *ret_arrived)
{
	for (size_t i = 0; i < a->n; i++) {
		enum verdict v = look(a->v[i].fd);

		if (v == UNDER_WAY && now < a->v[i].deadline)
			continue;
		*ret = a->v[i];
		*ret_arrived = v == ARRIVED;
		a->v[i] = a->v[--a->n];
		return true;
	}
	return false;
}

size_t arrivals_sweep(struct arrivals *a, int64_t now)
{
	struct arrival one;
	bool decided, arrived = false;
	size_t left;

	do {
		pthread_mutex_lock(&a->lock);
		decided = take_decided(a, now, &one, &arrived);
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
