/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Datagrams to nodes: Wake-on-LAN for those that sleep, pokes for those that report. */
#pragma once

#include "util/ip.h"

#define WAKE_PACKET 102 /* bytes */
#define WAKE_PORT 9	/* discard */

/* The payload of a magic packet: six bytes of ones, then the address sixteen times ("Magic Packet Technology", AMD
 * publication 20213, November 1995). Pure. */
void wake_packet(struct mac mac, unsigned char ret[WAKE_PACKET]);
/* Sends it from the server's address to the broadcast address of its network. */
int wake_send(struct ip4_net net, struct mac mac) _must_check_;

/* Tells a node's agent to report now (agent/wire.h), from the server's address. Whether it arrives, nobody hears. */
int poke_send(struct ip4 server, struct ip4 node) _must_check_;
