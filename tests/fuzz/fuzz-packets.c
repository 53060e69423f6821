/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets from the wire: what clients of DHCP ask, and what other DHCP servers offer. */
#include "config.h"

#include <string.h>

#include "backend/apply/dhcp-probe.h"
#include "backend/nodes/discover.h"
#include "tests/fuzz/house.h"

static int no_vendor(struct mac mac, char **ret)
{
	*ret = strdup("");
	return *ret ? 0 : -1;
}

FUZZ_TARGET(packets)
{
	_cleanup_free_ uint8_t *packet = malloc(size ? size : 1);
	const struct mac mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x57 } };
	_cleanup_(discover_closep) struct discover *d = NULL;
	const struct machine *m;
	struct dhcp_offer offer;
	size_t n;

	fuzz_need(packet && discover_new(&d) == 0);
	/* Of exactly that size, so that a byte read beyond it is seen. */
	if (size)
		memcpy(packet, data, size);
	fuzz_need(discover_packet(d, packet, size, 1) >= 0);
	fuzz_need(discover_packet(d, packet, size, 2) >= 0);
	fuzz_need(discover_name(d, no_vendor) == 0);
	m = discover_list(d, &n);
	fuzz_need(n <= 1);
	if (n == 1) {
		fuzz_need(m->times == 2 && m->first == 1 && m->last == 2 && mac_is_unicast(m->mac));
		fuzz_need(fuzz_is_clean(m->hostname, false) && fuzz_is_clean(m->uuid, false));
	}
	dhcp_probe_offer(mac, 0x12345678, packet, size, &offer);
	return 0;
}
