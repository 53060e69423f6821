/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is there a DHCP server on a network already? Asks as a machine would (RFC 2131), takes no lease. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/apply/apply.h"
#include "util/ip.h"
#include "util/macro.h"

struct dhcp_offer {
	struct ip4 server;  /* option 54, or the packet's sender */
	struct ip4 address; /* that it offers; 0.0.0.0 from a server that only says how to boot */
	struct mac mac;	    /* of the machine that answered */
};

/*
 * Sends a DHCPDISCOVER on this interface of the calling process's network namespace, and waits two seconds for an offer
 * from another address than `own`; once more when there is none. 1 and *ret, or 0, or a negative errno: -ENETDOWN where
 * the interface is down, -ENODEV, -EPERM. -MUSTER_E_CANCELLED when cancel_fd (0 or negative: none) becomes readable.
 */
int dhcp_probe(const char *interface, struct ip4 own, int cancel_fd, struct dhcp_offer *ret) _must_check_;

/* Whether this IPv4 packet is an offer in answer to the request `xid` of this address. Each length is checked: it comes from the
 * network. Pure. */
bool dhcp_probe_offer(struct mac mac, uint32_t xid, const uint8_t *data, size_t len, struct dhcp_offer *ret);

/* Refuses (-MUSTER_E_CONFLICT, emitted) when another server answers on a->dhcp_interface. An interface that is not up
 * yet is fine; one that was looked at already is not looked at again. */
int dhcp_refuse_other(struct apply *a, bool last_chance) _must_check_;
