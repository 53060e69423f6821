/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/wake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/wire.h"

#define REPEATS 16

void wake_packet(struct mac mac, unsigned char ret[WAKE_PACKET])
{
	memset(ret, 0xff, sizeof(mac.b));
	for (size_t i = 1; i <= REPEATS; i++)
		memcpy(ret + i * sizeof(mac.b), mac.b, sizeof(mac.b));
}

static struct sockaddr_in address_of(struct ip4 a, unsigned int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr = { htonl(a.n) } };
}

int wake_send(struct ip4_net net, struct mac mac)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in from = address_of(net.address, 0), to = address_of(ip4_net_last(net), WAKE_PORT);
	unsigned char packet[WAKE_PACKET];
	const int yes = 1;

	wake_packet(mac, packet);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
		return -errno;
	/* The network is reached through the cluster's interface. */
	if (sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

int poke_send(struct ip4 server, struct ip4 node)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_in from = address_of(server, 0), to = address_of(node, WIRE_POKE_PORT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
	    sendto(fd, "", 0, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}
