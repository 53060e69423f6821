/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines that get names of their own, in answers that may not be right yet: what is free is found without a plan. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>
#include <string.h>

#include "backend/context.h"
#include "backend/plan/draft.h"
#include "backend/plan/text.h"
#include "util/i18n.h"

static bool is_mac(const char *text, struct mac mac)
{
	struct mac other;

	return mac_parse(text, &other) == 0 && mac_compare(other, mac) == 0;
}

/* ---- the counted nodes ------------------------------------------------------------------------------------- */

/* A list without a count makes a node of each of its addresses. */
static unsigned long counted(const struct draft *d)
{
	return *d->count ? strtoul(d->count, NULL, 10) : d->macs.n;
}

static int set_counted(struct draft *d, unsigned long n)
{
	char *text = NULL;

	if (!*d->count && (n == d->macs.n || *d->macs_file))
		return 0;
	/* None is not written as 0: then there are only the nodes with sections of their own. */
	if (n == 0)
		text = strdup("");
	else if (asprintf(&text, "%lu", n) < 0)
		text = NULL;
	if (!text)
		return -ENOMEM;
	free(d->count);
	d->count = text;
	return 0;
}

static void counted_name(const struct draft *d, unsigned long index, char *ret, size_t size)
{
	int width = 2;

	for (unsigned long n = counted(d); n >= 100; n /= 10)
		width++;
	snprintf(ret, size, "%s%0*lu", *d->prefix ? d->prefix : "node", width, index + 1);
}

static bool is_counted(const struct draft *d, const char *name)
{
	const char *prefix = *d->prefix ? d->prefix : "node";
	size_t len = strlen(prefix);
	char own[128];
	unsigned int n;

	if (strncmp(name, prefix, len) != 0 || !text_number(name + len, 1, 65536, &n) || n > counted(d))
		return false;
	counted_name(d, n - 1, own, sizeof(own));
	return strcmp(own, name) == 0;
}

static const struct draft_node *section_named(const struct draft *d, const char *name)
{
	for (size_t i = 0; i < d->n_nodes; i++)
		if (strcmp(d->nodes[i].name, name) == 0)
			return &d->nodes[i];
	return NULL;
}

static struct draft_node *section_of(const struct draft *d, struct mac mac)
{
	for (size_t i = 0; i < d->n_nodes; i++)
		if (is_mac(d->nodes[i].mac, mac))
			return &d->nodes[i];
	return NULL;
}

static size_t place_in_list(const struct draft *d, struct mac mac)
{
	for (size_t i = 0; i < d->macs.n; i++)
		if (is_mac(d->macs.v[i], mac))
			return i;
	return d->macs.n;
}

/* The list's addresses go to the counted nodes in their order, but for those whose section has one. */
static unsigned long node_of_place(const struct draft *d, size_t place)
{
	unsigned long i = 0;

	for (;; i++) {
		const struct draft_node *s;
		char name[128];

		counted_name(d, i, name, sizeof(name));
		s = i < counted(d) ? section_named(d, name) : NULL;
		if (!(s && *s->mac) && place-- == 0)
			return i;
	}
}

/* ---- addresses --------------------------------------------------------------------------------------------- */

static bool is_taken(const struct draft *d, struct ip4_net net, uint32_t address)
{
	struct ip4 other;

	if (address == net.address.n)
		return true;
	for (size_t i = 0; i < d->n_nodes; i++)
		if (ip4_parse(d->nodes[i].address, &other) == 0 && other.n == address)
			return true;
	return false;
}

/* What the plan gives to the counted node at this place. False: the network has no room, or is not known. */
static bool address_of(const struct draft *d, unsigned long index, struct ip4 *ret)
{
	struct ip4_net net;
	struct ip4 first;

	if (ip4_net_parse(d->address, &net) < 0)
		return false;
	if (ip4_parse(d->first_address, &first) < 0)
		first.n = net.address.n + 1;
	for (unsigned long i = 0; first.n < ip4_net_last(net).n; i++) {
		const struct draft_node *s;
		char name[128];

		counted_name(d, i, name, sizeof(name));
		s = i < counted(d) ? section_named(d, name) : NULL;
		if (s && ip4_parse(s->address, ret) == 0) {
			if (i == index)
				return true;
			continue;
		}
		while (is_taken(d, net, first.n))
			first.n++;
		if (i == index) {
			*ret = first;
			return ip4_net_usable(net, first);
		}
		first.n++;
	}
	return false;
}

/* ---- the verb ---------------------------------------------------------------------------------------------- */

/* The counted nodes become one less, so that those behind it move up by a name; their addresses stay, as its own does. */
static int drop_from_list(struct draft *d, struct mac mac)
{
	size_t i = place_in_list(d, mac);

	if (i == d->macs.n)
		return 0;
	free(d->macs.v[i]);
	memmove(&d->macs.v[i], &d->macs.v[i + 1], (d->macs.n - i) * sizeof(*d->macs.v));
	d->macs.n--;
	return 0;
}

/* The place that it took is a counted node's again. */
static int unname(struct draft *d, struct mac mac)
{
	const struct draft_node *s = section_of(d, mac);
	unsigned long n = counted(d);

	if (!s)
		return drop_from_list(d, mac);
	n += !is_counted(d, s->name) && *s->address;
	draft_drop_node(d, (size_t)(s - d->nodes));
	return set_counted(d, n);
}

static int refuse_name(struct muster *m, const struct draft *d, struct mac mac, const char *name)
{
	const struct draft_node *s = section_named(d, name);

	if (!text_is_label(name))
		context_error(m,
			      _("\"%s\" is no host name; take lower-case letters, digits and '-', neither "
				"first nor "
				"last, 63 at most (RFC 1123)."),
			      name);
	else if ((s && !is_mac(s->mac, mac)) || (!s && is_counted(d, name)))
		context_error(m, _("There is a node \"%s\" already."), name);
	else
		return 0;
	return -MUSTER_E_REFUSED;
}

/* Its section had the name already, or gets another; one that only added to a counted node takes that node's address. */
static int rename_section(struct draft *d, struct draft_node *s, const char *name, struct ip4 address,
			  bool was_counted)
{
	char *own = strdup(name), *at = *s->address ? NULL : strdup(IP4(address));

	if (!own || (!*s->address && !at)) {
		free(own);
		free(at);
		return -ENOMEM;
	}
	free(s->name);
	s->name = own;
	if (at) {
		free(s->address);
		s->address = at;
	}
	return was_counted ? set_counted(d, counted(d) - 1) : 0;
}

int muster_draft_name_machine(struct muster *m, struct draft *d, struct mac mac, const char *name)
{
	struct draft_node *s = section_of(d, mac);
	unsigned long n = counted(d), at = 0;
	struct ip4 address;
	unsigned int number;
	bool was_counted;
	int r;

	if (!name)
		return unname(d, mac);
	r = refuse_name(m, d, mac, name);
	if (r < 0 || (s && strcmp(s->name, name) == 0))
		return r;
	was_counted = s && is_counted(d, s->name);
	if (!was_counted)
		at = node_of_place(d, place_in_list(d, mac));
	else if (text_number(s->name + strlen(*d->prefix ? d->prefix : "node"), 1, 65536, &number))
		at = number - 1;
	if (!(s && *s->address) && !address_of(d, at, &address)) {
		context_error(m, _("The nodes' network has no free address for \"%s\"."), name);
		return -MUSTER_E_REFUSED;
	}
	if (s)
		return rename_section(d, s, name, address, was_counted);
	r = drop_from_list(d, mac);
	if (r == 0 && at < n)
		r = set_counted(d, n - 1);
	return r == 0 ? draft_add_node(d, name, MAC(mac), IP4(address), "") : r;
}

/* Nodes with sections of their own become counted ones, whose MAC addresses are in the list. */
int muster_draft_number_nodes(struct draft *d)
{
	unsigned long n = counted(d);
	int r = 0;

	while (r == 0 && d->n_nodes) {
		const struct draft_node *s = &d->nodes[0];
		struct mac mac;

		n += !is_counted(d, s->name);
		if (mac_parse(s->mac, &mac) == 0 && place_in_list(d, mac) == d->macs.n)
			r = strv_add(&d->macs, MAC(mac));
		draft_drop_node(d, 0);
	}
	return r < 0 ? r : set_counted(d, n);
}
