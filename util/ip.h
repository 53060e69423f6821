/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IPv4 addresses and networks, and Ethernet (EUI-48) addresses, as values. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"

struct ip4 {
	uint32_t n; /* host byte order, so that addresses can be counted with */
};

struct ip4_net {
	struct ip4 address;  /* the full address, host part included */
	unsigned int prefix; /* 0 to 32 */
};

struct ip4_range {
	struct ip4 first, last; /* both belong to it; first <= last */
};

struct mac {
	uint8_t b[6];
};

#define IP4_TEXT 16 /* "255.255.255.255" and its NUL */
#define IP4_NET_TEXT 19
#define MAC_TEXT 18

/* All parsers take the whole string or refuse it with -EINVAL: no spaces, no leading zeros
 * in octets, no names. */
int ip4_parse(const char *s, struct ip4 *ret) _must_check_;
int ip4_net_parse(const char *s, struct ip4_net *ret) _must_check_;	/* "10.66.0.1/24" */
int ip4_range_parse(const char *s, struct ip4_range *ret) _must_check_; /* "10.66.0.100-10.66.0.199" */
/* Accepts "52:54:00:66:00:01", with '-' for ':', and any case. */
int mac_parse(const char *s, struct mac *ret) _must_check_;

const char *ip4_text(struct ip4 a, char buf[IP4_TEXT]);
const char *ip4_net_text(struct ip4_net n, char buf[IP4_NET_TEXT]);
const char *mac_text(struct mac m, char buf[MAC_TEXT]); /* lower case, with ':' */

/* For use as arguments: the text lives until the end of the enclosing block. */
#define IP4(a) ip4_text((a), (char[IP4_TEXT]){ 0 })
#define IP4_NET(n) ip4_net_text((n), (char[IP4_NET_TEXT]){ 0 })
#define MAC(m) mac_text((m), (char[MAC_TEXT]){ 0 })

struct ip4 ip4_mask(unsigned int prefix);
struct ip4 ip4_net_first(struct ip4_net n); /* the network's own address */
struct ip4 ip4_net_last(struct ip4_net n);  /* its broadcast address */
bool ip4_net_has(struct ip4_net n, struct ip4 a);
/* True where a host may have this address: in the network, neither its first nor its last. */
bool ip4_net_usable(struct ip4_net n, struct ip4 a);
bool ip4_range_has(struct ip4_range r, struct ip4 a);
int mac_compare(struct mac a, struct mac b);
/* False for the all-zero address and for group addresses (IEEE 802: lowest bit of the first octet). */
bool mac_is_unicast(struct mac m);
