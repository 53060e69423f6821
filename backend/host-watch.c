/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facts about the interfaces kept current: rtnetlink(7) tells of links and addresses as they change. */
#include "config.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/context.h"

struct muster_host_watch {
	struct muster *muster;
	int fd;
};

int muster_host_watch_new(struct muster *m, struct muster_host_watch **ret)
{
	const struct sockaddr_nl groups = { .nl_family = AF_NETLINK,
					    .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR };
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct muster_host_watch *w;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
		return -errno;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->muster = m;
	w->fd = TAKE_FD(fd);
	*ret = w;
	return 0;
}

void muster_host_watch_free(struct muster_host_watch *w)
{
	if (!w)
		return;
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
	while (recv(w->fd, block, sizeof(block), 0) > 0 || errno == ENOBUFS)
		;
	/* Facts that came from a file do not change. */
	if (w->muster->config.host_file)
		return 0;
	w->muster->host = NULL;
	r = context_host(w->muster);
	if (r < 0) {
		host_freep(&w->muster->host);
		w->muster->host = old;
		return r;
	}
	host_freep(&old);
	*ret = w->muster->host;
	return 0;
}
