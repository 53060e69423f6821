/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * dhcp-flood INTERFACE RATE SECONDS FILE: sends that many requests for an address a second, each as another machine that nobody
 * knows, as a broadcast out of the interface; for that many seconds, and on until there is FILE. Prints how many.
 */
#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "util/clock.h"
#include "util/macro.h"

#define TICK_MS 10
#define DHCP 28 /* behind the headers of IPv4 and UDP */

/* RFC 791: the complement of the sum of the header's words. UDP's own may be left out. */
static void sum_up(uint8_t *header)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~((sum & 0xffff) + (sum >> 16));
	header[10] = (uint8_t)(sum >> 8);
	header[11] = (uint8_t)sum;
}

/* A DHCPDISCOVER of PXE firmware (RFC 2131, RFC 4578). */
static size_t make(uint8_t p[400])
{
	static const uint8_t options[] = "\x63\x82\x53\x63\x35\1\1\x3c\x09PXEClient\x5d\2\0\0\xff";
	size_t len = DHCP + 236 + sizeof(options) - 1;

	memset(p, 0, 400);
	p[0] = 0x45;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	p[8] = 16;
	p[9] = IPPROTO_UDP;
	memcpy(p + 16, "\xff\xff\xff\xff\0\x44\0\x43", 8);
	p[24] = (uint8_t)((len - 20) >> 8);
	p[25] = (uint8_t)(len - 20);
	sum_up(p);
	memcpy(p + DHCP, "\1\1\6", 3);
	memcpy(p + DHCP + 236, options, sizeof(options) - 1);
	return len;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_halen = ETH_ALEN,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int64_t began = clock_mono_ms(), now = began, rate, seconds;
	uint8_t packet[400];
	size_t len = make(packet);
	uint32_t tried = 0;
	unsigned long sent = 0;

	if (argc != 5 || fd < 0)
		return 2;
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	rate = strtoll(argv[2], NULL, 10);
	seconds = strtoll(argv[3], NULL, 10);
	for (; now - began < seconds * 1000 || access(argv[4], F_OK) < 0; now = clock_mono_ms()) {
		for (; tried < (uint64_t)((now - began) * rate / 1000); tried++) {
			uint32_t who = htonl(tried);

			memcpy(packet + DHCP + 4, &who, sizeof(who));
			memcpy(packet + DHCP + 28, "\x02\xbb", 2);
			memcpy(packet + DHCP + 30, &who, sizeof(who));
			sent += sendto(fd, packet, len, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) > 0;
		}
		poll(NULL, 0, TICK_MS);
	}
	printf("dhcp_asked %u\ndhcp_sent %lu\n", tried, sent);
	return sent > 0 ? 0 : 1;
}
