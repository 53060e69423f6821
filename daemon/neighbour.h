/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is behind an address, as the kernel learnt it by ARP when it answered there: rtnetlink(7), RTM_GETNEIGH. */
#pragma once

#include "util/ip.h"
#include "util/macro.h"

/* Whether this address is that machine's, on some interface: two may know the same address of different networks. 0: it is.
 * -ENOENT: it is not, or nobody is known there; an address of this server's own is nobody's. */
int neighbour_has(struct ip4 address, struct mac mac) _must_check_;
/* A dump of the table, or a part of one: 1 where both stand together in it, 0 where more may come, -ENOENT at its end. Pure. */
int neighbour_read(const void *data, size_t len, struct ip4 address, struct mac mac) _must_check_;
