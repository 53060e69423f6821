/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's own addresses on the nodes' interface, and the gateway. The units are rendered whatever the facts say: once
 * they ran the interface has the address, and a second apply of the same answers must render the same bytes.
 *
 * Stopping takes away only what starting brought. muster-address.service adds the IPv4 address as its condition
 * (ExecCondition=, systemd 243): an address that was there makes ip(8) fail, the unit is skipped, and a unit that was
 * skipped is not stopped. A label would tell the addresses apart, too, but dnsmasq takes a labelled address for another
 * interface's. net.ipv4.ip_forward stays on: what it was before the apply, the journal knows, and undo puts it back.
 */
#include "config.h"

#include "backend/render/quote.h"
#include "backend/render/unit.h"

#define SERVICE "network"

/* As systemd-escape(1): what is neither letter, digit, ':', '_' nor '.' becomes \xHH. */
static void add_device_unit(struct strbuf *b, const char *interface)
{
	strbuf_adds(b, "sys-subsystem-net-devices-");
	for (const char *s = interface; *s; s++) {
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') ||
		    *s == '_' || (*s == '.' && s > interface))
			strbuf_addc(b, *s);
		else
			strbuf_addf(b, "\\x%02x", (unsigned int)(unsigned char)*s);
	}
	strbuf_adds(b, ".device");
}

static void add_start(struct strbuf *b, const struct plan *p, const struct render_env *env)
{
	char ipv6[RENDER_IPV6_TEXT];

	/* The address once more: where it could not be added, this fails and says why. */
	strbuf_addf(b,
		    "ExecStart=/usr/sbin/ip link set dev %s up\n"
		    "ExecStart=/usr/sbin/ip address replace %s broadcast + dev %s\n",
		    p->interface, IP4_NET(p->net), p->interface);
	/* A server that has IPv6 switched off boots its nodes, too: only slower. */
	if (render_ipv6(p, ipv6))
		strbuf_addf(b, "ExecStart=-/usr/sbin/ip -6 address replace %s dev %s nodad\n", ipv6,
			    p->interface);
	if (p->gateway) {
		strbuf_adds(b, "ExecStart=/usr/sbin/nft -f ");
		quote_unit(b, render_prefix(env), RENDER_GATEWAY_NFT, true);
		strbuf_adds(b, "\nExecStart=/usr/sbin/sysctl -q -w net.ipv4.ip_forward=1\n");
	}
}

/* The IPv6 prefix is muster's own: also the address that the server made itself in it goes. */
static void add_stop(struct strbuf *b, const struct plan *p)
{
	char ipv6[RENDER_IPV6_TEXT];

	if (p->gateway)
		strbuf_adds(b, "ExecStop=-/usr/sbin/nft delete table inet muster\n");
	if (render_ipv6(p, ipv6))
		strbuf_addf(b, "ExecStop=-/usr/sbin/ip -6 address flush dev %s to %s\n", p->interface, ipv6);
}

static int add_address_unit(const struct plan *p, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	unit_begin(&b, "muster: adds the server's address where it is missing", "man:ip-address(8)",
		   "network.target");
	strbuf_adds(&b, "Wants=");
	add_device_unit(&b, p->interface);
	strbuf_adds(&b, "\nAfter=");
	add_device_unit(&b, p->interface);
	strbuf_addf(&b,
		    "\nPartOf=muster-network.service\n"
		    "\n[Service]\n"
		    "Type=oneshot\n"
		    "RemainAfterExit=yes\n"
		    "ExecCondition=/usr/sbin/ip address add %s broadcast + dev %s\n"
		    "ExecStart=/bin/true\n"
		    "ExecStop=-/usr/sbin/ip address delete %s dev %s\n",
		    IP4_NET(p->net), p->interface, IP4_NET(p->net), p->interface);
	return render_add(f, &b, UNIT_DIR "/muster-address.service", SERVICE);
}

static int add_unit(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	unit_begin(&b, "muster: this server on the nodes' network", "man:ip-address(8)",
		   "network.target muster-address.service");
	strbuf_adds(&b, "Wants=muster-address.service\n"
			"\n[Service]\n"
			"Type=oneshot\n"
			"RemainAfterExit=yes\n");
	add_start(&b, p, env);
	add_stop(&b, p);
	unit_end(&b);
	return render_add(f, &b, UNIT_DIR "/muster-network.service", SERVICE);
}

/* nft(8). Declared, deleted and made anew in one transaction: whatever was in the table is replaced. */
static int add_gateway(const struct plan *p, struct fileset *f)
{
	struct ip4_net net = { .address = ip4_net_first(p->net), .prefix = p->net.prefix };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b,
		    RENDER_BANNER "# Nodes reach the world through this server; the world reaches no node.\n"
				  "table inet muster\n"
				  "delete table inet muster\n"
				  "table inet muster {\n");
	strbuf_addf(&b,
		    "\tchain forward {\n"
		    "\t\ttype filter hook forward priority filter; policy accept;\n"
		    "\t\toifname \"%s\" iifname != \"%s\" ct state != { established, related } drop\n"
		    "\t}\n",
		    p->interface, p->interface);
	strbuf_addf(&b,
		    "\tchain postrouting {\n"
		    "\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
		    "\t\tip saddr %s oifname != \"%s\" masquerade\n"
		    "\t}\n"
		    "}\n",
		    IP4_NET(net), p->interface);
	return render_add(f, &b, RENDER_GATEWAY_NFT, SERVICE);
}

int render_network(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	int r = 0;

	if (!env->with_network || !env->units)
		return 0;
	if (p->gateway)
		r = add_gateway(p, f);
	if (r == 0)
		r = add_address_unit(p, f);
	return r < 0 ? r : add_unit(p, env, f);
}
