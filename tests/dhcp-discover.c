/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests/net-discover.sh: dhcp-discover INTERFACE LAST ARCH [NAME] asks for an address as the machine
 * 52:54:00:66:00:LAST would, with this client architecture (-1: none) and host name. */
#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	uint8_t p[400] = { 0x45 }, *dhcp = p + 28, *o = dhcp + 240;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_halen = ETH_ALEN,
		.sll_addr = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0), arch;
	size_t len;

	if (argc < 4 || fd < 0 || (argc > 4 && strlen(argv[4]) > 60))
		return 2;
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	arch = (int)strtol(argv[3], NULL, 10);
	memcpy(dhcp, "\1\1\6", 3);
	memcpy(dhcp + 28, "\x52\x54\0\x66\0", 5);
	dhcp[33] = (uint8_t)strtol(argv[2], NULL, 10);
	memcpy(dhcp + 236, "\x63\x82\x53\x63\x35\1\1", 7);
	o += 3;
	if (arch >= 0) {
		memcpy(o, "\x3c\x09PXEClient\x5d\2\0", 14);
		o[14] = (uint8_t)arch;
		o += 15;
	}
	if (argc > 4) {
		o[0] = 12;
		o[1] = (uint8_t)strlen(argv[4]);
		memcpy(o + 2, argv[4], o[1]);
		o += 2 + o[1];
	}
	*o++ = 255;
	len = (size_t)(o - p);
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	p[8] = 16;
	p[9] = IPPROTO_UDP;
	memcpy(p + 16, "\xff\xff\xff\xff\0\x44\0\x43", 8);
	p[24] = (uint8_t)((len - 20) >> 8);
	p[25] = (uint8_t)(len - 20);
	if (sendto(fd, p, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("sendto");
		return 1;
	}
	return 0;
}
