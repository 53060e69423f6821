/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is behind an address, as the kernel learnt it by ARP when it answered there: rtnetlink(7), RTM_GETNEIGH. */
#pragma once

#include "util/ip.h"
#include "util/macro.h"

/* The MAC address of this address on the wire. -ENOENT: none is known; an address of this server's own has none. */
int neighbour_find(struct ip4 address, struct mac *ret) _must_check_;
/* A dump of the table, or a part of one: 1 and the MAC address where the address is in it, 0 where more may come, -ENOENT at its
 * end. Pure. */
int neighbour_read(const void *data, size_t len, struct ip4 address, struct mac *ret) _must_check_;
