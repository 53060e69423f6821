/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/apply/dhcp-probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "backend/apply/step.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/i18n.h"

#define WAIT_MS 2000
#define TRIES 2
#define CARRIER_MS 5000 /* a link that just came up takes a while to find its speed */
#define SERVER_PORT 67
#define CLIENT_PORT 68
#define DISCOVER 1
#define OFFER 2
#define OPTION_TYPE 53
#define OPTION_SERVER 54
#define OPTION_PARAMETERS 55
#define OPTION_END 255
#define BROADCAST_FLAG 0x8000

/* RFC 2131, section 2; the options begin with the cookie of RFC 2132. */
struct bootp {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	uint32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16], sname[64], file[128], cookie[4];
	uint8_t options[64];
} __attribute__((packed));

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	struct bootp bootp;
} __attribute__((packed));

#define BOOTP_FIXED offsetof(struct bootp, options)
static const uint8_t cookie[4] = { 99, 130, 83, 99 };

struct probe {
	int fd, index;
	struct mac mac;
	uint32_t xid;
};

/* RFC 1071. */
static uint16_t checksum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int open_probe(const char *interface, struct probe *ret)
{
	_cleanup_close_ int fd =
		socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP));
	struct sockaddr_ll me = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	struct ifreq q = { 0 };

	if (fd < 0)
		return -errno;
	if (strlen(interface) >= sizeof(q.ifr_name))
		return -ENODEV;
	memcpy(q.ifr_name, interface, strlen(interface));
	if (ioctl(fd, SIOCGIFFLAGS, &q) < 0)
		return -errno;
	if (!(q.ifr_flags & IFF_UP) || !(q.ifr_flags & IFF_RUNNING))
		return -ENETDOWN;
	if (ioctl(fd, SIOCGIFHWADDR, &q) < 0)
		return -errno;
	memcpy(ret->mac.b, q.ifr_hwaddr.sa_data, sizeof(ret->mac.b));
	if (ioctl(fd, SIOCGIFINDEX, &q) < 0)
		return -errno;
	me.sll_ifindex = ret->index = q.ifr_ifindex;
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0)
		return -errno;
	if (getrandom(&ret->xid, sizeof(ret->xid), 0) != (ssize_t)sizeof(ret->xid))
		return -EIO;
	ret->fd = TAKE_FD(fd);
	return 0;
}

static int send_discover(const struct probe *p)
{
	static const uint8_t options[] = {
		OPTION_TYPE, 1, DISCOVER, OPTION_PARAMETERS, 3, 1, 3, 6, OPTION_END
	};
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = p->index,
		.sll_halen = ETH_ALEN,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	struct packet m = {
		.ip = { .version = 4,
			.ihl = 5,
			.tot_len = htons(sizeof(m)),
			.ttl = 16,
			.protocol = IPPROTO_UDP,
			.daddr = INADDR_BROADCAST },
		.udp = { .source = htons(CLIENT_PORT),
			 .dest = htons(SERVER_PORT),
			 .len = htons(sizeof(m.udp) + sizeof(m.bootp)) }, /* no checksum: RFC 768 allows 0 */
		.bootp = { .op = 1,
			   .htype = 1,
			   .hlen = ETH_ALEN,
			   .xid = p->xid,
			   .secs = htons(4),
			   .flags = htons(BROADCAST_FLAG) },
	};

	m.ip.check = checksum(&m.ip, sizeof(m.ip));
	memcpy(m.bootp.chaddr, p->mac.b, sizeof(p->mac.b));
	memcpy(m.bootp.cookie, cookie, sizeof(cookie));
	memcpy(m.bootp.options, options, sizeof(options));
	if (sendto(p->fd, &m, sizeof(m), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

/* The value of an option; NULL where it is absent, or not `want` bytes long. */
static const uint8_t *find_option(const uint8_t *p, size_t len, uint8_t option, size_t want)
{
	size_t i = 0;

	while (i < len && p[i] != OPTION_END) {
		if (p[i] == 0) {
			i++;
			continue;
		}
		if (i + 2 > len || i + 2 + p[i + 1] > len)
			return NULL;
		if (p[i] == option)
			return p[i + 1] == want ? p + i + 2 : NULL;
		i += 2U + p[i + 1];
	}
	return NULL;
}

static uint32_t read32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

bool dhcp_probe_offer(struct mac mac, uint32_t xid, const uint8_t *data, size_t len, struct dhcp_offer *ret)
{
	const uint8_t *type, *server;
	struct udphdr udp;
	struct iphdr ip;
	struct bootp b;
	size_t head;

	if (len < sizeof(ip))
		return false;
	memcpy(&ip, data, sizeof(ip));
	head = ip.ihl * 4U;
	if (ip.version != 4 || head < sizeof(ip) || ip.protocol != IPPROTO_UDP ||
	    len < head + sizeof(udp) + BOOTP_FIXED)
		return false;
	memcpy(&udp, data + head, sizeof(udp));
	memcpy(&b, data + head + sizeof(udp), BOOTP_FIXED);
	data += head + sizeof(udp) + BOOTP_FIXED;
	len -= head + sizeof(udp) + BOOTP_FIXED;
	if (udp.dest != htons(CLIENT_PORT) || b.op != 2 || b.xid != xid ||
	    memcmp(b.chaddr, mac.b, sizeof(mac.b)) != 0 || memcmp(b.cookie, cookie, sizeof(cookie)) != 0)
		return false;
	type = find_option(data, len, OPTION_TYPE, 1);
	server = find_option(data, len, OPTION_SERVER, 4);
	if (!type || *type != OFFER)
		return false;
	ret->server.n = server ? read32(server) : ntohl(ip.saddr);
	ret->address.n = ntohl(b.yiaddr);
	return true;
}

/* Until an offer of another server than `own` comes, or the time is up. */
static int wait_for_offer(const struct probe *p, struct ip4 own, int cancel_fd, struct dhcp_offer *ret)
{
	int64_t end = clock_mono_ms() + WAIT_MS;

	for (;;) {
		struct pollfd fds[2] = {
			{ .fd = p->fd, .events = POLLIN },
			{ .fd = cancel_fd > 0 ? cancel_fd : -1, .events = POLLIN },
		};
		struct sockaddr_ll from = { 0 };
		socklen_t from_len = sizeof(from);
		int64_t left = end - clock_mono_ms();
		struct dhcp_offer offer = { 0 };
		uint8_t data[2048];
		ssize_t n;

		if (left <= 0)
			return 0;
		if (poll(fds, ARRAY_SIZE(fds), (int)left) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return -MUSTER_E_CANCELLED;
		n = recvfrom(p->fd, data, sizeof(data), 0, (struct sockaddr *)&from, &from_len);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n < 0 || from.sll_pkttype == PACKET_OUTGOING ||
		    !dhcp_probe_offer(p->mac, p->xid, data, (size_t)n, &offer) || offer.server.n == own.n)
			continue;
		memcpy(offer.mac.b, from.sll_addr, sizeof(offer.mac.b));
		*ret = offer;
		return 1;
	}
}

int dhcp_probe(const char *interface, struct ip4 own, int cancel_fd, struct dhcp_offer *ret)
{
	struct probe p = { .fd = -1 };
	int r = open_probe(interface, &p);

	for (int i = 0; r == 0 && i < TRIES; i++) {
		r = send_discover(&p);
		if (r == 0)
			r = wait_for_offer(&p, own, cancel_fd, ret);
	}
	closep(&p.fd);
	return r;
}

int dhcp_refuse_other(struct apply *a, bool last_chance)
{
	struct dhcp_offer offer;
	struct ip4 own = { 0 };
	int r;

	if (!a->dhcp_interface || a->dhcp_looked)
		return 0;
	if (a->http_address && ip4_parse(a->http_address, &own) < 0)
		return -EINVAL;
	apply_say(a, NC_("step", "dhcp"), _("looking for another DHCP server on %s"), a->dhcp_interface);
	for (int64_t end = clock_mono_ms() + (last_chance ? CARRIER_MS : 0);;) {
		r = dhcp_probe(a->dhcp_interface, own, a->cancel_fd, &offer);
		if (r != -ENETDOWN || clock_mono_ms() >= end)
			break;
		poll(NULL, 0, 100);
	}
	if (r == -MUSTER_E_CANCELLED)
		return r;
	if (r < 0) {
		/* No cable, or not up yet: nobody else can be heard. */
		if (last_chance)
			apply_note(a, _("%s could not be searched for other DHCP servers: %s"),
				   a->dhcp_interface, muster_strerror(r));
		return 0;
	}
	a->dhcp_looked = true;
	if (r == 0)
		return 0;
	apply_error(a,
		    _("Another DHCP server, %s (%s), answers on %s and offers %s. Two of them on one network "
		      "give machines "
		      "wrong addresses. Switch that one off, or answer dhcp = \"proxy\" to let it give the "
		      "addresses, or "
		      "choose another interface."),
		    IP4(offer.server), MAC(offer.mac), a->dhcp_interface, IP4(offer.address));
	return -MUSTER_E_CONFLICT;
}
