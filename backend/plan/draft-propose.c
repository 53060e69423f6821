/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the facts about a server suggest as answers. Pure: the same facts, the same proposals. */
#include "config.h"

#include "backend/plan/draft.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "backend/plan/answers.h"
#include "backend/plan/text.h"

#define ROOMY 64	/* addresses of a network in which nodes need not begin beside the server */
#define FIRST_OFFSET 11 /* of the nodes in a roomy network: 10.66.0.11 */
#define SUGGESTED_COUNT 2
#define PREFERRED_NETS 256 /* 10.66.0.0/24 and those that follow */

/* RFC 1918 */
static bool is_private(struct ip4 a)
{
	return a.n >> 24 == 10 || a.n >> 20 == (172u << 4 | 1) || a.n >> 16 == (192u << 8 | 168);
}

static const struct ip4_net *private_address(const struct host_interface *i)
{
	for (size_t k = 0; k < i->n_addresses; k++)
		if (is_private(i->addresses[k].address) && i->addresses[k].prefix >= 8 &&
		    i->addresses[k].prefix <= 30)
			return &i->addresses[k];
	return NULL;
}

/* ---- the interface --------------------------------------------------------------------------------------- */

/* Kinds of virtual interfaces that lead to no machine. */
static bool is_inner(const struct host_interface *i)
{
	static const char *const kinds[] = { "tun",    "wireguard", "dummy",  "ifb", "ipip",	 "gre",
					     "sit",    "vxlan",	    "ip6tnl", "vrf", "nlmon",	 "vcan",
					     "ip6gre", "gretap",    "xfrm",   "vti", "netdevsim" };
	static const char *const names[] = { "docker", "br-", "virbr", "veth",
					     "podman", "cni", "lxc",   "tailscale" };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		if (strcmp(i->driver, kinds[k]) == 0)
			return true;
	for (size_t k = 0; k < ARRAY_SIZE(names); k++)
		if (strncmp(i->name, names[k], strlen(names[k])) == 0)
			return true;
	return false;
}

/* Kinds that people make on purpose to carry a network. */
static bool is_made(const struct host_interface *i)
{
	static const char *const kinds[] = { "bridge", "bond", "team", "vlan", "veth", "macvlan" };

	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		if (strcmp(i->driver, kinds[k]) == 0)
			return true;
	return false;
}

/* Facts that were written down by an older muster do not tell. */
static bool is_port(const struct host_interface *i)
{
	return i->master && *i->master;
}

/* How likely it leads to the nodes; negative: it does not. */
static int likelihood(const struct host_interface *i)
{
	bool outside = i->n_addresses && !private_address(i);

	if (i->default_route || i->wireless || is_port(i) || outside || is_inner(i) ||
	    !mac_is_unicast(i->mac))
		return -1;
	return (i->link ? 8 : 0) + (private_address(i) ? 4 : 0) + (i->up ? 2 : 0) + (is_made(i) ? 0 : 1);
}

const struct host_interface *draft_propose_interface(const struct host *h)
{
	const struct host_interface *best = NULL;
	int most = -1;

	for (size_t i = 0; i < h->n_interfaces; i++) {
		int n = likelihood(&h->interfaces[i]);

		if (n > most) {
			most = n;
			best = &h->interfaces[i];
		}
	}
	return best;
}

/* ---- addresses --------------------------------------------------------------------------------------------- */

static bool overlaps(const struct host *h, struct ip4_net n)
{
	for (size_t i = 0; i < h->n_interfaces; i++)
		for (size_t k = 0; k < h->interfaces[i].n_addresses; k++) {
			struct ip4_net o = h->interfaces[i].addresses[k];

			if (o.prefix < n.prefix ? ip4_net_has(o, n.address) : ip4_net_has(n, o.address))
				return true;
		}
	return false;
}

static bool is_own(const struct host *h, struct ip4 a)
{
	for (size_t i = 0; i < h->n_interfaces; i++)
		for (size_t k = 0; k < h->interfaces[i].n_addresses; k++)
			if (h->interfaces[i].addresses[k].address.n == a.n)
				return true;
	return false;
}

/* A private /24 that this server has no part in yet. */
static bool free_net(const struct host *h, struct ip4_net *ret)
{
	static const uint32_t first[] = { 10u << 24 | 66u << 16, 192u << 24 | 168u << 16,
					  172u << 24 | 16u << 16 };

	for (size_t i = 0; i < ARRAY_SIZE(first); i++)
		for (uint32_t k = 0; k < PREFERRED_NETS; k++) {
			struct ip4_net n = { { first[i] + (k << 8) + 1 }, 24 };

			if (!overlaps(h, n)) {
				*ret = n;
				return true;
			}
		}
	return false;
}

/* The first of `count` addresses in a row that can be nodes'; the server's own is passed over. */
static struct ip4 first_of_nodes(const struct host *h, struct ip4_net n, unsigned int count)
{
	uint32_t low = ip4_net_first(n).n, high = ip4_net_last(n).n;
	uint32_t at = high - low >= ROOMY ? low + FIRST_OFFSET : low + 1;
	unsigned int row = 0;

	for (uint32_t a = at; a < high; a++) {
		if (a == n.address.n)
			continue;
		row = is_own(h, (struct ip4){ a }) ? 0 : row + 1;
		if (row == 1)
			at = a;
		if (row == MAX(count, 1u))
			break;
	}
	return (struct ip4){ at };
}

/* The middle of the network, on the side that has more room beside the server. */
static struct ip4_range range_of_nodes(struct ip4_net n)
{
	uint32_t low = ip4_net_first(n).n, size = ip4_net_last(n).n - low + 1;
	struct ip4_range r = { { low + 1 }, { low + size - 2 } };

	if (size >= ROOMY) {
		r.first.n = low + (uint32_t)((uint64_t)size * 100 / 256);
		r.last.n = low + (uint32_t)((uint64_t)size * 200 / 256) - 1;
	}
	if (ip4_range_has(r, n.address)) {
		if (n.address.n - r.first.n > r.last.n - n.address.n)
			r.last.n = n.address.n - 1;
		else
			r.first.n = n.address.n + 1;
	}
	r.last.n = MIN(r.last.n, r.first.n + ANSWERS_NODES_MAX - 1);
	return r;
}

/* ---- filling in ---------------------------------------------------------------------------------------------- */

static int fill(char **to, const char *text)
{
	char *copy;

	if (**to)
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

/* "Head-Node.example.org" → "head-node" and "example.org"; what is no name becomes "cluster". */
static int fill_names(struct draft *d, const char *hostname)
{
	_cleanup_free_ char *copy = strdup(hostname ? hostname : "");
	char *dot;
	int r;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	dot = strchr(copy, '.');
	if (dot)
		*dot++ = '\0';
	/* Only where both come from here do they belong together. */
	if (!*d->name && dot && text_is_domain(dot)) {
		r = fill(&d->domain, dot);
		if (r < 0)
			return r;
	}
	r = fill(&d->name, text_is_label(copy) && strcmp(copy, "localhost") != 0 ? copy : "cluster");
	if (r == 0 && !*d->domain && text_is_label(d->name)) {
		_cleanup_free_ char *domain = NULL;

		if (asprintf(&domain, "%s.lan", d->name) < 0) {
			domain = NULL;
			return -ENOMEM;
		}
		r = fill(&d->domain, domain);
	}
	return r;
}

static int fill_network(struct draft *d, const struct host *h)
{
	const struct host_interface *i = NULL;
	const struct ip4_net *own;
	struct ip4_net n;
	struct mac mac;
	int r = 0;

	if (!*d->interface)
		i = draft_propose_interface(h);
	for (size_t k = 0; *d->interface && k < h->n_interfaces; k++)
		if (strcmp(h->interfaces[k].name, d->interface) == 0 ||
		    (mac_parse(d->interface, &mac) == 0 && mac_compare(mac, h->interfaces[k].mac) == 0))
			i = &h->interfaces[k];
	if (i)
		r = fill(&d->interface, i->name);
	own = i ? private_address(i) : NULL;
	if (r == 0 && (own || free_net(h, &n)))
		r = fill(&d->address, IP4_NET(own ? *own : n));
	if (r == 0)
		r = fill(&d->ip_mode, "mac");
	if (r == 0)
		r = fill(&d->dhcp, "authoritative");
	return r == 0 ? fill(&d->gateway, "false") : r;
}

static int fill_nodes(struct draft *d, const struct host *h)
{
	unsigned int count = SUGGESTED_COUNT;
	struct ip4_range range;
	struct ip4_net n;
	char text[48];
	int r = 0;

	if (!*d->count && d->macs.n == 0 && !*d->macs_file && d->n_nodes == 0 &&
	    strcmp(d->ip_mode, "mac") == 0) {
		snprintf(text, sizeof(text), "%d", SUGGESTED_COUNT);
		r = fill(&d->count, text);
	}
	if (r == 0)
		r = fill(&d->prefix, "node");
	if (r < 0 || ip4_net_parse(d->address, &n) < 0 || n.prefix < 8 || n.prefix > 30)
		return r;
	if (!text_number(d->count, 1, ANSWERS_NODES_MAX, &count))
		count = (unsigned int)MAX(d->macs.n, (size_t)SUGGESTED_COUNT);
	if (strcmp(d->ip_mode, "mac") == 0)
		return fill(&d->first_address, IP4(first_of_nodes(h, n, count)));
	range = range_of_nodes(n);
	snprintf(text, sizeof(text), "%s-%s", IP4(range.first), IP4(range.last));
	return fill(&d->range, text);
}

static int fill_services(struct draft *d, const struct host *h)
{
	bool kernel = false, ganesha = false, single;
	int r = fill(&d->profile, "plain");

	/* As profiles/cluster/kerrighed.conf has them. */
	single = strcmp(d->profile, "kerrighed") == 0;
	for (size_t i = 0; i < h->n_daemons; i++) {
		kernel |= h->daemons[i].path && strcmp(h->daemons[i].name, "rpc.nfsd") == 0;
		ganesha |= h->daemons[i].path && strcmp(h->daemons[i].name, "ganesha.nfsd") == 0;
	}
	if (r == 0)
		r = fill(&d->kernel, single ? "kerrighed-3.0" : "distro");
	if (r == 0)
		r = fill(&d->root, single ? "initramfs" : "ram");
	if (r == 0)
		r = fill(&d->dhcp_service, "dnsmasq");
	if (r == 0 && strcmp(d->root, "nfs") == 0)
		r = fill(&d->nfs, ganesha && !kernel ? "ganesha" : "kernel");
	if (r == 0)
		r = fill(&d->nfs, "none");
	return r == 0 ? fill(&d->accounts, "files") : r;
}

static int fill_keys(struct draft *d, const struct strv *keys)
{
	const char *why;

	if (d->ssh_keys.n || *d->ssh_keys_file)
		return 0;
	for (size_t i = 0; keys && i < keys->n; i++)
		if (text_is_ssh_key(keys->v[i], &why) && !strv_has(&d->ssh_keys, keys->v[i])) {
			int r = strv_add(&d->ssh_keys, keys->v[i]);

			if (r < 0)
				return r;
		}
	return 0;
}

int draft_propose(struct draft *d, const struct draft_facts *facts)
{
	int r = fill_names(d, facts->hostname);

	if (r == 0)
		r = fill_services(d, facts->host);
	if (r == 0)
		r = fill_network(d, facts->host);
	if (r == 0)
		r = fill_nodes(d, facts->host);
	return r == 0 ? fill_keys(d, facts->ssh_keys) : r;
}
