/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests/net-dhcp-probe.sh: dhcp-probe INTERFACE OWN-ADDRESS; says what dhcp_probe() says. */
#include "config.h"

#include "backend/apply/dhcp-probe.h"
#include "util/error.h"

int main(int argc, char **argv)
{
	struct dhcp_offer offer;
	struct ip4 own;
	int r;

	if (argc != 3 || ip4_parse(argv[2], &own) < 0)
		return 2;
	r = dhcp_probe(argv[1], own, -1, &offer);
	if (r == 1)
		printf("%s offers %s from %s\n", IP4(offer.server), IP4(offer.address), MAC(offer.mac));
	else
		printf("%s\n", r == 0 ? "nobody" : muster_strerror(r));
	return r < 0;
}
