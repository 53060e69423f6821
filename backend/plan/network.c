/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The section network: the interface, its address, the range. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/plan/answers.h"
#include "backend/plan/text.h"
#include "util/i18n.h"
#include "util/strbuf.h"

/* "eth0 (52:54:00:12:34:56, 10.0.0.5/24), eth1 (no address)"; owned. */
static char *list_interfaces(const struct host *h)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char *text;

	for (size_t i = 0; i < h->n_interfaces; i++) {
		const struct host_interface *f = &h->interfaces[i];

		strbuf_addf(&b, "%s%s (", i ? ", " : "", f->name);
		if (mac_is_unicast(f->mac))
			strbuf_addf(&b, "%s, ", MAC(f->mac));
		for (size_t j = 0; j < f->n_addresses; j++)
			strbuf_addf(&b, "%s%s", j ? " " : "", IP4_NET(f->addresses[j]));
		strbuf_adds(&b, f->n_addresses ? "" : _("no address"));
		strbuf_addc(&b, ')');
	}
	if (h->n_interfaces == 0)
		strbuf_adds(&b, _("none"));
	return strbuf_take(&b, &text, NULL) == 0 ? text : NULL;
}

static const struct host_interface *find_interface(const struct host *h, const char *title)
{
	struct mac m;

	for (size_t i = 0; i < h->n_interfaces; i++)
		if (strcmp(h->interfaces[i].name, title) == 0)
			return &h->interfaces[i];
	if (mac_parse(title, &m) < 0 || !mac_is_unicast(m))
		return NULL;
	for (size_t i = 0; i < h->n_interfaces; i++)
		if (mac_compare(h->interfaces[i].mac, m) == 0)
			return &h->interfaces[i];
	return NULL;
}

/* Without a host the interface is taken as it is named; one that is named by its MAC address gets a name. */
static void assumed_interface(struct answers *a, const struct conf_section *s)
{
	struct mac m;

	if (mac_parse(s->title, &m) < 0) {
		answers_set(a, &a->plan->interface, s->title);
		return;
	}
	answers_set(a, &a->plan->interface, "muster0");
	answers_set(a, &a->plan->interface_mac, MAC(m));
}

static const struct host_interface *network_interface(struct answers *a, const struct conf_section *s)
{
	const struct host_interface *f = find_interface(a->host, s->title);
	_cleanup_free_ char *list = NULL;

	if (f && strlen(f->name) < 16 && text_is_of(f->name, "._:-@")) {
		answers_set(a, &a->plan->interface, f->name);
		return f;
	}
	if (f) {
		answers_wrong(
			a, s->line,
			_("the interface's name \"%s\" has characters that configuration files do not take; "
			  "rename it with letters and digits"),
			f->name);
		return NULL;
	}
	list = list_interfaces(a->host);
	if (!list)
		a->error = -ENOMEM;
	else
		answers_wrong(a, s->line, _("this server has no interface \"%s\"; it has %s"), s->title,
			      list);
	return NULL;
}

/* True where no machine may have an address of this network: RFC 6890 and RFC 5771. */
static bool is_special(struct ip4_net n)
{
	uint32_t first = ip4_net_first(n).n >> 24;

	return first == 0 || first == 127 || first >= 224;
}

static bool network_address(struct answers *a, const struct conf_section *s, unsigned int *ret_line)
{
	const struct conf_option *o = conf_option(s, "address");
	const struct conf_value *v = answers_value(s, "address");
	struct ip4_net n;
	struct ip4 bare;

	if (!v) {
		if (!o || !o->bad)
			answers_wrong(a, o ? o->line : s->line,
				      _("the network needs the server's address in it; write address = "
					"\"10.66.0.1/24\""));
		return false;
	}
	*ret_line = v->line;
	if (ip4_parse(v->text, &bare) == 0) {
		answers_wrong(a, v->line, _("the address %s has no prefix length; write %s/24 or the like"),
			      v->text, v->text);
		return false;
	}
	if (ip4_net_parse(v->text, &n) < 0) {
		answers_wrong(a, v->line,
			      _("\"%s\" is no IPv4 address with its prefix length; write it as 10.66.0.1/24"),
			      v->text);
		return false;
	}
	if (n.prefix > 30)
		answers_wrong(a, v->line,
			      _("a /%u network has no room for nodes; take /30 at most, such as /24"),
			      n.prefix);
	else if (n.prefix < 8)
		answers_wrong(a, v->line,
			      _("/%u is larger than any network for nodes; take /8 at least, such as /24"),
			      n.prefix);
	else if (is_special(n))
		answers_wrong(a, v->line,
			      _("%s is loopback, multicast or reserved; take a private network such as "
				"10.66.0.1/24"),
			      v->text);
	else if (n.address.n == ip4_net_first(n).n)
		answers_wrong(a, v->line,
			      _("%s is the network itself; the server needs an address in it, such as %s"),
			      IP4(n.address), IP4((struct ip4){ n.address.n + 1 }));
	else if (n.address.n == ip4_net_last(n).n)
		answers_wrong(
			a, v->line,
			_("%s is the network's broadcast address; the server needs another, such as %s"),
			IP4(n.address), IP4((struct ip4){ ip4_net_first(n).n + 1 }));
	else {
		a->plan->net = n;
		a->net_known = true;
	}
	return a->net_known;
}

static bool overlap(struct ip4_net x, struct ip4_net y)
{
	return x.prefix < y.prefix ? ip4_net_has(x, y.address) : ip4_net_has(y, x.address);
}

/* The server's own addresses must leave the network to this interface. */
static bool check_host(struct answers *a, const struct host_interface *own, unsigned int line)
{
	const struct ip4_net n = a->plan->net;

	for (size_t i = 0; i < a->host->n_interfaces; i++) {
		const struct host_interface *f = &a->host->interfaces[i];

		for (size_t j = 0; j < f->n_addresses; j++) {
			struct ip4_net other = f->addresses[j];
			bool same = other.address.n == n.address.n;

			if (f != own && overlap(other, n)) {
				answers_wrong(a, line,
					      _("the network %s overlaps %s of this server's interface %s; "
						"take another "
						"network, or that interface"),
					      IP4_NET(n), IP4_NET(other), f->name);
				return false;
			}
			if (f == own && same && other.prefix != n.prefix) {
				answers_wrong(a, line,
					      _("%s has the address %s with the prefix length /%u already; "
						"write that"),
					      f->name, IP4(n.address), other.prefix);
				return false;
			}
			if (f == own && same)
				a->plan->address_present = true;
		}
	}
	return true;
}

static void network_range(struct answers *a, const struct conf_section *s)
{
	const struct conf_option *o = conf_option(s, "range");
	const struct conf_value *v = answers_value(s, "range");
	const struct plan *p = a->plan;
	struct ip4_range r;

	if (!v) {
		if (p->ip_mode == PLAN_IP_RANGE && (!o || !o->bad))
			answers_wrong(a, o ? o->line : s->line,
				      _("ip_mode \"range\" needs the nodes' addresses; write range = "
					"\"10.66.0.100-10.66.0.199\""));
		return;
	}
	if (ip4_range_parse(v->text, &r) < 0) {
		answers_wrong(
			a, v->line,
			_("\"%s\" is no range of addresses; write the lower and the higher one whole, as in "
			  "10.66.0.100-10.66.0.199"),
			v->text);
		return;
	}
	if (!a->net_known)
		return;
	if (!ip4_net_usable(p->net, r.first) || !ip4_net_usable(p->net, r.last))
		answers_wrong(a, v->line,
			      _("the range %s is not within the network; its usable addresses are %s-%s"),
			      v->text, IP4((struct ip4){ ip4_net_first(p->net).n + 1 }),
			      IP4((struct ip4){ ip4_net_last(p->net).n - 1 }));
	else if (ip4_range_has(r, p->net.address))
		answers_wrong(
			a, v->line,
			_("the range %s holds the server's own address %s; let it begin or end beside it"),
			v->text, IP4(p->net.address));
	else if (r.last.n - r.first.n >= ANSWERS_NODES_MAX)
		answers_wrong(a, v->line, _("the range %s has more than %d addresses; take a smaller one"),
			      v->text, ANSWERS_NODES_MAX);
	else if (p->ip_mode == PLAN_IP_RANGE) {
		a->plan->range = r;
		a->range_known = true;
	}
}

void answers_network(struct answers *a)
{
	static const char *const ip_modes[] = { "mac", "range", NULL };
	static const char *const dhcps[] = { "authoritative", "proxy", NULL };
	const struct conf_section *s = conf_section(a->conf, "network");
	const struct host_interface *f;
	unsigned int line = 0;

	if (!s)
		return;
	a->network_line = s->line;
	if (a->host->any_interface)
		assumed_interface(a, s);
	f = s->bad || a->host->any_interface ? NULL : network_interface(a, s);
	/* What follows from a wrong network would only repeat it. */
	if (network_address(a, s, &line) && (f || a->host->any_interface))
		a->net_known = a->host->any_interface || check_host(a, f, line);
	a->plan->ip_mode = (enum plan_ip_mode)answers_choice(a, s, "ip_mode", ip_modes, PLAN_IP_MAC);
	network_range(a, s);
	a->plan->dhcp = (enum plan_dhcp)answers_choice(a, s, "dhcp", dhcps, PLAN_DHCP_AUTHORITATIVE);
	a->plan->gateway = answers_bool(a, s, "gateway", false);
}
