/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/discover.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "backend/nodes/dhcp-request.h"

#define PACKET_MAX 2048
#define AT_ONCE 256 /* packets taken in by one read, so that a flood does not hold a screen up */

struct discover {
	int fd;
	struct machine *v;
	size_t n;
};

int discover_new(struct discover **ret)
{
	struct discover *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->fd = -1;
	*ret = d;
	return 0;
}

void discover_close(struct discover *d)
{
	if (!d)
		return;
	closep(&d->fd);
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].vendor);
	free(d->v);
	free(d);
}

int discover_fd(const struct discover *d)
{
	return d->fd;
}

const struct machine *discover_list(const struct discover *d, size_t *ret_n)
{
	*ret_n = d->n;
	return d->v;
}

/* ---- the wire ---------------------------------------------------------------------------------------------- */

/* UDP to port 67, whole or a first fragment; offsets from the IPv4 header on. The kernel drops all else. */
static int set_filter(int fd)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 67, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, PACKET_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { ARRAY_SIZE(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

static int open_socket(const char *interface, int *ret)
{
	/* Protocol 0: nothing comes before the filter is there. */
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_ll me = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct ifreq q = { 0 };
	int r;

	if (fd < 0)
		return -errno;
	if (strlen(interface) >= sizeof(q.ifr_name))
		return -ENODEV;
	memcpy(q.ifr_name, interface, strlen(interface));
	if (ioctl(fd, SIOCGIFFLAGS, &q) < 0)
		return -errno;
	if (!(q.ifr_flags & IFF_UP))
		return -ENETDOWN;
	if (ioctl(fd, SIOCGIFINDEX, &q) < 0)
		return -errno;
	me.sll_ifindex = q.ifr_ifindex;
	r = set_filter(fd);
	if (r < 0)
		return r;
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0)
		return -errno;
	*ret = TAKE_FD(fd);
	return 0;
}

int discover_open(const char *interface, struct discover **ret)
{
	_cleanup_(discover_closep) struct discover *d = NULL;
	int r = discover_new(&d);

	if (r == 0)
		r = open_socket(interface, &d->fd);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

/* ---- the list ------------------------------------------------------------------------------------------------ */

static struct machine *find(struct discover *d, struct mac mac)
{
	for (size_t i = 0; i < d->n; i++)
		if (mac_compare(d->v[i].mac, mac) == 0)
			return &d->v[i];
	return NULL;
}

/* What a machine once said stays, also where its next word, from a loader or a system, says less. */
static void learn(struct machine *known, const struct machine *m)
{
	if (m->firmware != MACHINE_UNKNOWN) {
		known->firmware = m->firmware;
		known->arch = m->arch;
	}
	if (*m->hostname)
		memcpy(known->hostname, m->hostname, sizeof(m->hostname));
	if (*m->uuid)
		memcpy(known->uuid, m->uuid, sizeof(m->uuid));
	known->network_boot |= m->network_boot;
}

int discover_packet(struct discover *d, const uint8_t *data, size_t len, int64_t now)
{
	struct machine m, *known;

	if (dhcp_request_parse(data, len, &m) < 0)
		return 0;
	known = find(d, m.mac);
	if (!known) {
		if (d->n >= DISCOVER_MAX)
			return 0;
		/* Grows by doubling: it is full whenever its length is a power of two. */
		if ((d->n & (d->n - 1)) == 0) {
			known = reallocarray(d->v, d->n ? d->n * 2 : 1, sizeof(*d->v));
			if (!known)
				return -ENOMEM;
			d->v = known;
		}
		known = &d->v[d->n];
		*known = m;
		known->vendor = strdup("");
		if (!known->vendor)
			return -ENOMEM;
		known->first = now;
		d->n++;
	} else {
		learn(known, &m);
	}
	known->last = now;
	known->times++;
	return 1;
}

int discover_name(struct discover *d, int (*vendor)(struct mac mac, char **ret))
{
	for (size_t i = 0; i < d->n; i++) {
		char *name = NULL;
		int r;

		/* Once, when it is new. */
		if (*d->v[i].vendor || d->v[i].times > 1)
			continue;
		r = vendor(d->v[i].mac, &name);
		if (r < 0)
			return r;
		free(d->v[i].vendor);
		d->v[i].vendor = name;
	}
	return 0;
}

int discover_read(struct discover *d, int64_t now)
{
	int changed = 0;

	for (int i = 0; i < AT_ONCE; i++) {
		struct sockaddr_ll from = { 0 };
		socklen_t from_len = sizeof(from);
		uint8_t data[PACKET_MAX];
		ssize_t n = recvfrom(d->fd, data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN || changed ? changed : -errno;
		/* This server's own requests are no machine's. */
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		r = discover_packet(d, data, (size_t)n, now);
		if (r < 0)
			return r;
		changed |= r;
	}
	return changed;
}
