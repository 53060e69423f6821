/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a DHCP client's packet tells of it (RFC 2131, 2132, 4578, 3004). */
#pragma once

#include "backend/nodes/machine.h"
#include "util/macro.h"

/*
 * Reads an IPv4 packet that a client sent to a DHCP server: DISCOVER and REQUEST from Ethernet. Every length is
 * checked: it comes from the network. Fills all but vendor, first, last and times. -EBADMSG: it is no such packet.
 */
int dhcp_request_parse(const uint8_t *data, size_t len, struct machine *ret) _must_check_;
