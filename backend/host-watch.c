/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facts about the interfaces kept current: rtnetlink(7) tells of links and addresses as they change, udev of cards that come
 * and go and of what they are. */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "backend/context.h"

struct muster_host_watch {
	struct muster *muster;
	int fd; /* readable when one of both is */
	int netlink;
	struct host_monitor *monitor; /* NULL: netlink alone must do */
};

static int open_netlink(void)
{
	const struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
					    .nl_groups =
						    RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int listen_to(struct muster_host_watch *w, int fd)
{
	struct epoll_event e = { .events = EPOLLIN };

	return epoll_ctl(w->fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

int muster_host_watch_new(struct muster *m, struct muster_host_watch **ret)
{
	struct muster_host_watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->muster = m;
	w->fd = epoll_create1(EPOLL_CLOEXEC);
	w->netlink = open_netlink();
	r = w->fd < 0 ? -errno : w->netlink < 0 ? w->netlink : listen_to(w, w->netlink);
	if (r == 0 && host_monitor_new(&w->monitor) == 0)
		r = listen_to(w, host_monitor_fd(w->monitor));
	if (r < 0) {
		muster_host_watch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void muster_host_watch_free(struct muster_host_watch *w)
{
	if (!w)
		return;
	host_monitor_free(w->monitor);
	if (w->netlink >= 0)
		close(w->netlink);
	if (w->fd >= 0)
		close(w->fd);
	free(w);
}

int muster_host_watch_fd(const struct muster_host_watch *w)
{
	return w->fd;
}

int muster_host_watch_read(struct muster_host_watch *w, const struct host **ret)
{
	struct host *old = w->muster->host;
	char block[8192];
	int r;

	/* What is said does not matter, nor whether some of it was lost: all is read anew. */
	while (recv(w->netlink, block, sizeof(block), 0) > 0 || errno == ENOBUFS)
		;
	if (w->monitor)
		host_monitor_drain(w->monitor);
	/* Facts that came from a file do not change. */
	if (w->muster->config.host_file) {
		*ret = old;
		return 0;
	}
	w->muster->host = NULL;
	r = muster_host(w->muster, ret);
	if (r < 0) {
		w->muster->host = old;
		return r;
	}
	host_freep(&old);
	return 0;
}
