/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Would a packet of a node's come in? The rules of a firewall, gone through for one packet. Private to the doctor. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "util/ip.h"

/* The first packet of a conversation. */
struct packet {
	const char *interface; /* it comes in by */
	bool udp;	       /* else TCP */
	unsigned int port;
	unsigned int source_port; /* 0: any */
	struct ip4 from, to;	  /* 0: not known. DHCP's are 0.0.0.0 and 255.255.255.255 (RFC 2131, 4.1) */
	bool from_nobody;	  /* from is known to be 0.0.0.0 */
};

/* Does a condition hold? Some ask for what nobody can say beforehand: a rate, a mark, what a module counts. */
enum holds { HOLDS_NOT, HOLDS_MAYBE, HOLDS };

enum passage {
	PASSAGE_OPEN,
	PASSAGE_UNSURE, /* a rule whose conditions cannot be judged may let it in */
	PASSAGE_CLOSED,
};

/* The chain that drops it; borrowed from the rules. */
struct gate {
	const char *family, *table, *chain;
};

/* `nft -j list ruleset`, its array (libnftables-json(5)). A table that iptables made is passed over where it has rules
 * that only iptables can read; *ret_iptables says so. */
enum passage nft_judge(const json_t *all, const struct packet *p, struct gate *ret, bool *ret_iptables);
/* `iptables -S`. */
enum passage iptables_judge(const char *rules, const struct packet *p);

/* For both: what is inside for somebody who walks the rules. */
struct walk {
	bool maybe_in; /* a rule that may hold lets it in */
};

/* The name of an interface, which may end in `wildcard` for all that begin so. */
bool packet_comes_by(const struct packet *p, const char *interface, char wildcard);
/* "10.0.0.0/8" or an address. `known` false: nobody can say. */
enum holds packet_in_net(struct ip4 address, bool known, const char *net);
enum holds holds_both(enum holds a, enum holds b);
enum holds holds_not(enum holds a);
