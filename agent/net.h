/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The node's network: the interface with the personality's MAC address gets its address and route. */
#pragma once

#include "agent/common.h"
#include "agent/conf.h"
#include "agent/modules.h"

/* The name of the interface with this MAC address, owned; a real card is preferred to what is stacked on it. -ENODEV
 * when there is none. */
int net_find(int at, const uint8_t mac[6], char **ret) _must_check_;
/* The PCI id of that interface's card, "8086:15f3"; -ENODEV when it is none on that bus. */
int net_card(int at, const uint8_t mac[6], char ret[10]) _must_check_;
/* The PCI ids of all network cards on that bus, with blanks between, as many as there is room for. */
void net_cards(int at, char *ret, size_t size);
/* Why no interface has the address: one sentence about the cards that are there. Owned; NULL when out of memory. */
char *net_explain(int at, const uint8_t mac[6], const struct modules *m);

/* Waits for the interface and for its link, loading drivers as devices appear, and sets it up; each wait ends after
 * wait_ms. uevents is of uevent_open(). May be called again after a failure. */
int net_up(int at, const struct conf *c, struct modules *m, int uevents, int wait_ms, char **ret_name,
	   char **reason) _must_check_;
