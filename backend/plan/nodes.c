/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sections nodes and node: from a count, a range and exceptions to every node's name and address. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/plan/answers.h"
#include "backend/plan/text.h"
#include "util/i18n.h"

/* A section node "x". */
struct exception {
	const struct conf_section *s;
	struct mac mac;
	unsigned int mac_line; /* 0: none is given */
	struct ip4 address;
	unsigned int address_line; /* likewise */
	size_t node;		   /* its place in the plan */
};

struct numbering {
	struct answers *a;
	const struct conf_section *s; /* nodes; or NULL */
	const char *prefix;
	unsigned int count, count_line, width;
	bool counted;	  /* a count was given */
	bool names_known; /* neither prefix nor count is wrong: what is no counted name is none */
	struct exception *ex;
	size_t n_ex;
	struct answers_macs macs;
};

static unsigned int digits(unsigned int n)
{
	unsigned int d = 1;

	while (n >= 10) {
		n /= 10;
		d++;
	}
	return d;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static void read_prefix(struct numbering *g)
{
	const struct conf_option *o = conf_option(g->s, "prefix");
	const char *text = o && o->n == 1 ? o->v[0].text : "node";
	size_t len = strlen(text);

	g->prefix = "node";
	/* What stays of a label's 63 characters must hold the number; "n-" is fine before digits. */
	if (len == 0 || len > 50 || text[0] == '-' || !text_is_of(text, "-") ||
	    strpbrk(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
		answers_wrong(
			g->a, o->v[0].line,
			_("\"%s\" cannot begin host names; take 1 to 50 lower-case letters, digits and '-', "
			  "not beginning with '-' (RFC 1123)"),
			text);
	else if (text[len - 1] >= '0' && text[len - 1] <= '9')
		answers_wrong(
			g->a, o->v[0].line,
			_("the prefix \"%s\" ends in a digit, which runs into the nodes' numbers; write "
			  "\"%s-\""),
			text, text);
	else {
		g->prefix = text;
		g->names_known = !(o && o->bad);
	}
}

static void read_count(struct numbering *g)
{
	const struct conf_option *o = conf_option(g->s, "count");
	unsigned int n;

	if (!o)
		return;
	g->counted = true;
	if (o->n != 1) {
		g->names_known = false;
		return;
	}
	g->count_line = o->v[0].line;
	g->names_known = g->names_known && text_number(o->v[0].text, 1, ANSWERS_NODES_MAX, &n);
	if (text_number(o->v[0].text, 1, ANSWERS_NODES_MAX, &n))
		g->count = n;
	else
		answers_wrong(g->a, g->count_line,
			      _("count \"%s\" is no number of nodes; it is a whole number from 1 to %d"),
			      o->v[0].text, ANSWERS_NODES_MAX);
}

static void read_exception(struct numbering *g, struct exception *x)
{
	const struct conf_value *mac = answers_value(x->s, "mac"), *address = answers_value(x->s, "address");
	const struct conf_value *arch = answers_value(x->s, "arch");
	const struct plan *p = g->a->plan;
	struct answers *a = g->a;

	if (!text_is_label(x->s->title))
		answers_wrong(a, x->s->line,
			      _("\"%s\" is no host name; take lower-case letters, digits and '-', neither "
				"first nor "
				"last, 63 at most (RFC 1123)"),
			      x->s->title);
	else if (strcmp(x->s->title, "localhost") == 0 || text_is_of(x->s->title, "-") == false ||
		 strspn(x->s->title, "0123456789") == strlen(x->s->title))
		answers_wrong(a, x->s->line, _("a node cannot be named \"%s\"; take a name such as login1"),
			      x->s->title);
	if (mac && p->ip_mode == PLAN_IP_RANGE)
		answers_wrong(a, mac->line,
			      _("ip_mode \"range\" binds no MAC addresses; take the mac out, or write "
				"ip_mode = \"mac\""));
	else if (mac && answers_mac(a, a->file, mac->line, mac->text, &x->mac))
		x->mac_line = mac->line;
	if (arch && strcmp(arch->text, "x86_64") != 0)
		answers_wrong(a, arch->line, _("arch \"%s\" cannot be booted; it is x86_64"), arch->text);
	if (!address)
		return;
	if (p->ip_mode == PLAN_IP_RANGE)
		answers_wrong(a, address->line,
			      _("with ip_mode \"range\" the range gives the addresses; take this one out, "
				"or write ip_mode = \"mac\""));
	else if (ip4_parse(address->text, &x->address) < 0)
		answers_wrong(a, address->line,
			      _("\"%s\" is no IPv4 address; write it as 10.66.0.50, without a prefix length"),
			      address->text);
	else
		x->address_line = address->line;
}

static void read_exceptions(struct numbering *g)
{
	const struct conf *c = g->a->conf;
	size_t n = 0;

	for (size_t i = 0; i < c->n_sections; i++)
		n += strcmp(c->sections[i].form->name, "node") == 0;
	if (n == 0)
		return;
	g->ex = calloc(n, sizeof(*g->ex));
	if (!g->ex) {
		g->a->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < c->n_sections; i++) {
		if (strcmp(c->sections[i].form->name, "node") != 0 || c->sections[i].bad)
			continue;
		g->ex[g->n_ex].s = &c->sections[i];
		read_exception(g, &g->ex[g->n_ex++]);
	}
}

/* ---- checks of the exceptions among each other ------------------------------------------------------------- */

static int by_title(const void *x, const void *y)
{
	const struct exception *a = *(struct exception *const *)x, *b = *(struct exception *const *)y;
	int r = strcmp(a->s->title, b->s->title);

	return r ? r : a->s->line < b->s->line ? -1 : a->s->line > b->s->line;
}

static int by_address(const void *x, const void *y)
{
	const struct exception *a = *(struct exception *const *)x, *b = *(struct exception *const *)y;

	if (a->address.n != b->address.n)
		return a->address.n < b->address.n ? -1 : 1;
	return a->address_line < b->address_line ? -1 : a->address_line > b->address_line;
}

static struct exception **sorted(struct numbering *g, int (*compare)(const void *, const void *))
{
	struct exception **v = calloc(g->n_ex + 1, sizeof(*v));

	if (!v) {
		g->a->error = -ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < g->n_ex; i++)
		v[i] = &g->ex[i];
	qsort(v, g->n_ex, sizeof(*v), compare);
	return v;
}

static void check_names(struct numbering *g)
{
	_cleanup_free_ struct exception **v = sorted(g, by_title);

	for (size_t i = 1; v && i < g->n_ex; i++)
		if (strcmp(v[i - 1]->s->title, v[i]->s->title) == 0)
			answers_wrong(g->a, v[i]->s->line,
				      _("the node \"%s\" was given in line %u already; join the two"),
				      v[i]->s->title, v[i - 1]->s->line);
}

static bool address_fits(struct answers *a, unsigned int line, const char *what, struct ip4 address)
{
	const struct plan *p = a->plan;

	if (!a->net_known)
		return true;
	if (address.n == p->net.address.n)
		answers_wrong(a, line, _("%s %s is the server's own; take another"), what, IP4(address));
	else if (!ip4_net_has(p->net, address))
		answers_wrong(a, line, _("%s %s is outside the network; its usable addresses are %s-%s"),
			      what, IP4(address), IP4((struct ip4){ ip4_net_first(p->net).n + 1 }),
			      IP4((struct ip4){ ip4_net_last(p->net).n - 1 }));
	else if (!ip4_net_usable(p->net, address))
		answers_wrong(a, line,
			      _("%s %s is the network's own or its broadcast address; usable are %s-%s"),
			      what, IP4(address), IP4((struct ip4){ ip4_net_first(p->net).n + 1 }),
			      IP4((struct ip4){ ip4_net_last(p->net).n - 1 }));
	else
		return true;
	return false;
}

static void check_addresses(struct numbering *g)
{
	_cleanup_free_ struct exception **v = sorted(g, by_address);

	for (size_t i = 0; v && i < g->n_ex; i++) {
		if (!v[i]->address_line)
			continue;
		if (i > 0 && v[i - 1]->address_line && v[i - 1]->address.n == v[i]->address.n)
			answers_wrong(g->a, v[i]->address_line,
				      _("the address %s is in line %u already; each node has its own"),
				      IP4(v[i]->address), v[i - 1]->address_line);
		else
			address_fits(g->a, v[i]->address_line, _("the address"), v[i]->address);
	}
}

static void check_macs(struct numbering *g)
{
	_cleanup_free_ struct answers_mac *all = calloc(g->macs.n + g->n_ex + 1, sizeof(*all));
	size_t n = g->macs.n;

	if (!all) {
		g->a->error = -ENOMEM;
		return;
	}
	if (n)
		memcpy(all, g->macs.v, n * sizeof(*all));
	for (size_t i = 0; i < g->n_ex; i++)
		if (g->ex[i].mac_line)
			all[n++] = (struct answers_mac){ g->ex[i].mac, g->a->file, g->ex[i].mac_line, NULL };
	answers_macs_twice(g->a, all, n);
}

/* ---- the nodes -------------------------------------------------------------------------------------------- */

static struct plan_node *add_node(struct numbering *g, const char *name)
{
	struct plan *p = g->a->plan;
	struct plan_node *n = &p->nodes[p->n_nodes]; /* room was made */

	*n = (struct plan_node){ .name = strdup(name), .arch = strdup("x86_64") };
	p->n_nodes++;
	if (!n->name || !n->arch) {
		g->a->error = -ENOMEM;
		return NULL;
	}
	return n;
}

/* The place of the counted node with this name, or -1. */
static long counted_index(const struct numbering *g, const char *name)
{
	size_t len = strlen(g->prefix);
	unsigned int n;

	if (strncmp(name, g->prefix, len) != 0 || strlen(name + len) != g->width ||
	    !text_number(name + len, 1, g->count, &n))
		return -1;
	return (long)n - 1;
}

/* True also where it is wrong, which was said. */
static bool has_address(const struct exception *x)
{
	const struct conf_option *o = conf_option(x->s, "address");

	return answers_value(x->s, "address") || (o && o->bad);
}

/* Every counted node, then those that only have a section of their own. */
static void make_nodes(struct numbering *g)
{
	struct answers *a = g->a;

	g->width = MAX(2u, digits(g->count));
	a->plan->nodes = calloc((size_t)g->count + g->n_ex + 1, sizeof(*a->plan->nodes));
	if (!a->plan->nodes)
		a->error = -ENOMEM;
	for (unsigned int i = 1; i <= g->count && a->error == 0; i++) {
		char name[80];

		snprintf(name, sizeof(name), "%s%0*u", g->prefix, (int)g->width, i);
		add_node(g, name);
	}
	for (size_t i = 0; i < g->n_ex && a->error == 0; i++) {
		struct exception *x = &g->ex[i];
		long at = counted_index(g, x->s->title);

		if (at < 0) {
			if (a->plan->ip_mode == PLAN_IP_RANGE && g->names_known)
				answers_wrong(
					a, x->s->line,
					_("there is no node \"%s\"; with ip_mode \"range\" the nodes are "
					  "%s01 and so on, "
					  "one an address"),
					x->s->title, g->prefix);
			else if (g->names_known && !has_address(x))
				answers_wrong(
					a, x->s->line,
					_("the node \"%s\" is none of those that count makes; give it an "
					  "address of "
					  "its own, or correct its name"),
					x->s->title);
			at = (long)a->plan->n_nodes;
			add_node(g, x->s->title);
		}
		x->node = (size_t)at;
		a->plan->nodes[at].line = x->s->line;
		a->plan->nodes[at].address = x->address;
		if (x->mac_line) {
			a->plan->nodes[at].mac = x->mac;
			a->plan->nodes[at].has_mac = true;
		}
	}
}

/* ---- ip_mode mac: addresses, MACs --------------------------------------------------------------------------- */

static bool first_address(struct numbering *g, struct ip4 *ret)
{
	const struct conf_option *o = conf_option(g->s, "first_address");
	const struct conf_value *v = answers_value(g->s, "first_address");
	struct answers *a = g->a;

	if (!v) {
		ret->n = a->plan->net.address.n + 1;
		return a->net_known && !(o && o->bad);
	}
	if (ip4_parse(v->text, ret) < 0) {
		answers_wrong(a, v->line,
			      _("first_address \"%s\" is no IPv4 address; write it as 10.66.0.11"), v->text);
		return false;
	}
	return address_fits(a, v->line, "first_address", *ret) && a->net_known;
}

/* Consecutive addresses, without the server's and those that exceptions have. */
static void give_addresses(struct numbering *g, struct ip4 first)
{
	_cleanup_free_ struct exception **v = sorted(g, by_address);
	struct plan *p = g->a->plan;
	uint32_t next = first.n, last = ip4_net_last(p->net).n;
	size_t given = 0, at = 0;

	for (size_t i = 0; v && i < g->count; i++) {
		if (p->nodes[i].address.n)
			continue;
		for (;; next++) {
			while (at < g->n_ex && v[at]->address.n < next)
				at++;
			if (next != p->net.address.n && (at >= g->n_ex || v[at]->address.n != next))
				break;
		}
		if (next >= last) {
			answers_wrong(g->a,
				      g->count_line ? g->count_line
				      : g->s	    ? g->s->line
						    : 0,
				      _("%u nodes do not fit: from %s on, the network %s has %zu free "
					"addresses; take fewer "
					"nodes, a lower first_address or a larger network"),
				      g->count, IP4(first), IP4_NET(p->net), given);
			return;
		}
		p->nodes[i].address.n = next++;
		given++;
	}
}

/* The server's further addresses in this network are taken, too. */
static void check_server(struct numbering *g)
{
	const struct host *h = g->a->host;
	const struct plan *p = g->a->plan;

	for (size_t i = 0; i < h->n_interfaces; i++) {
		for (size_t j = 0; j < h->interfaces[i].n_addresses; j++) {
			struct ip4 own = h->interfaces[i].addresses[j].address;

			for (size_t k = 0; own.n != p->net.address.n && k < p->n_nodes; k++)
				if (p->nodes[k].address.n == own.n)
					answers_wrong(
						g->a,
						p->nodes[k].line ? p->nodes[k].line : g->a->network_line,
						_("the node %s gets %s, which this server's %s has; let "
						  "the nodes' "
						  "addresses begin elsewhere"),
						p->nodes[k].name, IP4(own), h->interfaces[i].name);
		}
	}
}

static int by_name(const void *x, const void *y)
{
	const struct plan_node *a = *(struct plan_node *const *)x, *b = *(struct plan_node *const *)y;

	return strcmp(a->name, b->name);
}

static int name_and_node(const void *name, const void *node)
{
	return strcmp(name, (*(struct plan_node *const *)node)->name);
}

/* Lines of macs_file that name their node. */
static void give_named_macs(struct numbering *g)
{
	struct plan *p = g->a->plan;
	_cleanup_free_ struct plan_node **v = calloc(p->n_nodes + 1, sizeof(*v));

	if (!v) {
		g->a->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < p->n_nodes; i++)
		v[i] = &p->nodes[i];
	qsort(v, p->n_nodes, sizeof(*v), by_name);
	for (size_t i = 0; i < g->macs.n; i++) {
		const struct answers_mac *m = &g->macs.v[i];
		struct plan_node **node;

		if (!m->name)
			continue;
		node = bsearch(m->name, v, p->n_nodes, sizeof(*v), name_and_node);
		if (!node && !g->names_known)
			continue;
		if (!node)
			answers_wrong_in(g->a, m->file, m->line,
					 _("there is no node \"%s\"; the count makes %s%0*u to %s%0*u"),
					 m->name, g->prefix, (int)g->width, 1, g->prefix, (int)g->width,
					 g->count);
		else if ((*node)->has_mac)
			answers_wrong_in(g->a, m->file, m->line,
					 _("the node \"%s\" has the MAC address %s already; keep one"),
					 m->name, MAC((*node)->mac));
		else {
			(*node)->mac = m->mac;
			(*node)->has_mac = true;
		}
	}
}

/* The others go to the counted nodes in their order, but for those that have one. */
static void give_macs(struct numbering *g)
{
	struct plan *p = g->a->plan;
	size_t at = 0;

	give_named_macs(g);
	for (size_t i = 0; i < g->macs.n; i++) {
		const struct answers_mac *m = &g->macs.v[i];

		if (m->name)
			continue;
		while (at < g->count && p->nodes[at].has_mac)
			at++;
		if (at >= g->count) {
			answers_wrong_in(g->a, m->file, m->line,
					 _("there are more MAC addresses (%zu) than nodes (%u); this is the "
					   "first without "
					   "one; raise count"),
					 g->macs.n, g->count);
			return;
		}
		p->nodes[at].mac = m->mac;
		p->nodes[at].has_mac = true;
	}
}

static void mac_mode(struct numbering *g)
{
	struct answers *a = g->a;
	const struct conf_option *macs = conf_option(g->s, "macs"), *file = conf_option(g->s, "macs_file");
	bool list = (macs && (macs->n || macs->bad)) || (file && (file->n || file->bad));
	struct ip4 first;
	bool known;

	answers_macs_read(a, g->s, &g->macs);
	if (!g->counted && list)
		g->count = (unsigned int)MIN(g->macs.n, (size_t)ANSWERS_NODES_MAX);
	else if (!g->counted && g->n_ex == 0)
		answers_wrong(a, g->s ? g->s->line : a->last_line,
			      g->s ? _("the section nodes does not say how many there are; write nodes { "
				       "count = 16 }")
				   : _("the section nodes is missing; write nodes { count = 16 }"));
	make_nodes(g);
	if (a->error < 0)
		return;
	check_macs(g);
	check_names(g);
	check_addresses(g);
	known = first_address(g, &first);
	if (known && g->count > 0)
		give_addresses(g, first);
	if (known)
		check_server(g);
	/* Where the count itself is wrong, "more MACs than nodes" would only repeat it. */
	if (g->count > 0 || !g->counted)
		give_macs(g);
}

static void range_mode(struct numbering *g)
{
	static const char *const unused[] = { "first_address", "macs", "macs_file" };
	struct answers *a = g->a;
	struct plan *p = a->plan;
	uint32_t size = a->range_known ? p->range.last.n - p->range.first.n + 1 : 0;

	for (size_t i = 0; i < ARRAY_SIZE(unused); i++) {
		const struct conf_option *o = conf_option(g->s, unused[i]);

		if (o && o->n > 0 && o->v[0].text[0])
			answers_wrong(
				a, o->line,
				_("%s means nothing with ip_mode \"range\", where any machine may join; "
				  "take it out, "
				  "or write ip_mode = \"mac\""),
				unused[i]);
	}
	if (!a->range_known)
		return;
	if (g->count == 0) {
		g->count = size;
	} else if (g->count > size) {
		answers_wrong(a, g->count_line,
			      _("%u nodes do not fit into the range, which has %u addresses; widen it, or "
				"take fewer nodes"),
			      g->count, size);
		g->count = size;
	} else {
		p->range.last.n = p->range.first.n + g->count - 1;
	}
	make_nodes(g);
	check_names(g);
	for (uint32_t i = 0; i < g->count && a->error == 0; i++)
		p->nodes[i].address.n = p->range.first.n + i;
	check_server(g);
}

void answers_nodes(struct answers *a)
{
	struct numbering g = { .a = a, .s = conf_section(a->conf, "nodes") };

	read_prefix(&g);
	read_count(&g);
	read_exceptions(&g);
	if (a->error == 0 && a->plan->ip_mode == PLAN_IP_MAC)
		mac_mode(&g);
	else if (a->error == 0)
		range_mode(&g);
	answers_macs_free(&g.macs);
	free(g.ex);
}
