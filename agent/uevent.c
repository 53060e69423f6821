/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/uevent.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

/* From linux/netlink.h, which musl's compiler does not see. */
#define NETLINK_KOBJECT_UEVENT 15
struct sockaddr_nl {
	sa_family_t nl_family;
	unsigned short nl_pad;
	uint32_t nl_pid, nl_groups;
};

#define POLL_MS 20 /* between two looks where nothing is announced */

int uevent_open(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		return -1;
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void uevent_wait(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[2048];

	poll(&p, 1, fd < 0 ? MIN(timeout_ms, POLL_MS) : timeout_ms);
	while (fd >= 0 && recv(fd, buf, sizeof(buf), 0) > 0)
		;
}
