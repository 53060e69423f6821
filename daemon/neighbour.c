/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/neighbour.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define ANSWER_MAX 32768 /* what the kernel puts into one part of a dump, at the most */
#define KNOWN (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

/* Is this entry the address's, with this MAC address? The attributes are headers of their own, each aligned (netlink(7)). */
static bool is_entry(const unsigned char *p, size_t len, struct ip4 address, struct mac mac)
{
	bool has_address = false, has_mac = false;
	const uint32_t wanted = htonl(address.n);
	struct ndmsg head;
	struct rtattr a;

	if (len < sizeof(head))
		return false;
	memcpy(&head, p, sizeof(head));
	if (head.ndm_family != AF_INET || !(head.ndm_state & KNOWN))
		return false;
	for (size_t at = NLMSG_ALIGN(sizeof(head)); at + sizeof(a) <= len;
	     at += RTA_ALIGN((size_t)a.rta_len)) {
		size_t size;

		memcpy(&a, p + at, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > len - at)
			return false;
		size = a.rta_len - sizeof(a);
		if (a.rta_type == NDA_DST && size == sizeof(wanted))
			has_address = memcmp(p + at + sizeof(a), &wanted, size) == 0;
		if (a.rta_type == NDA_LLADDR && size == sizeof(mac.b))
			has_mac = memcmp(p + at + sizeof(a), mac.b, size) == 0;
	}
	return has_address && has_mac;
}

int neighbour_read(const void *data, size_t len, struct ip4 address, struct mac mac)
{
	const unsigned char *p = data;
	struct nlmsghdr h;

	for (size_t at = 0; at + sizeof(h) <= len; at += NLMSG_ALIGN((size_t)h.nlmsg_len)) {
		memcpy(&h, p + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len - at || h.nlmsg_type == NLMSG_ERROR)
			return -EPROTO;
		if (h.nlmsg_type == NLMSG_DONE)
			return -ENOENT;
		if (h.nlmsg_type == RTM_NEWNEIGH &&
		    is_entry(p + at + NLMSG_HDRLEN, h.nlmsg_len - NLMSG_HDRLEN, address, mac))
			return 1;
	}
	return 0;
}

static int ask(int fd)
{
	const struct timeval tv = { .tv_sec = 1 };
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct {
		struct nlmsghdr h;
		struct ndmsg n;
	} request = {
		.h = { .nlmsg_len = sizeof(request),
		       .nlmsg_type = RTM_GETNEIGH,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.n = { .ndm_family = AF_INET },
	};

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    sendto(fd, &request, sizeof(request), 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

int neighbour_has(struct ip4 address, struct mac mac)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	_cleanup_free_ char *answer = malloc(ANSWER_MAX);
	int r = fd < 0 ? -errno : !answer ? -ENOMEM : ask(fd);

	while (r == 0) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, answer, ANSWER_MAX, 0, (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		/* Another process may send here, too. */
		if (from.nl_pid == 0)
			r = neighbour_read(answer, (size_t)n, address, mac);
	}
	return MIN(r, 0);
}
