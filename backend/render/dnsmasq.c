/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dnsmasq(8): DHCP, the choice of a loader, TFTP, the cluster's names, router advertisements. */
#include "config.h"

#include <string.h>

#include "backend/render/quote.h"
#include "backend/render/unit.h"

#define SERVICE "dnsmasq"

/* More than anybody's nodes: it is only dnsmasq's guard against a flood of unknown machines. */
#define LEASES_MIN 20000

/*
 * A bound address is no other machine's whatever happens to its lease, so the lease only has to last from the
 * firmware's request to the agent's. A long one would keep a new network card from its node's address: dnsmasq gives
 * no address that another MAC address holds.
 */
#define LEASE_BOUND "10m"
#define LEASE_POOL "12h"

static bool is_proxy(const struct plan *p)
{
	return p->dhcp == PLAN_DHCP_PROXY;
}

static void add_path(struct strbuf *b, const struct render_env *env, const char *option, const char *path)
{
	strbuf_addf(b, "%s=", option);
	quote_path(b, render_prefix(env), path);
	strbuf_addc(b, '\n');
}

static void add_interface(struct strbuf *b, const struct plan *p)
{
	strbuf_addf(b,
		    "# Only the nodes' interface, whenever it and its addresses come and go.\n"
		    "interface=%s\n"
		    "except-interface=lo\n"
		    "bind-dynamic\n"
		    "pid-file\n"
		    "log-facility=-\n"
		    "\n",
		    p->interface);
}

static void add_dns(struct strbuf *b, const struct plan *p, const struct render_env *env)
{
	bool outside = p->gateway || is_proxy(p);

	strbuf_addf(b,
		    "# Names of the cluster. %s\n"
		    "domain=%s\n"
		    "local=/%s/\n"
		    "domain-needed\n"
		    "bogus-priv\n"
		    "no-hosts\n"
		    "%s",
		    outside ? "Others are asked for where this server asks."
			    : "Nodes reach nothing else, so no other name is looked up.",
		    p->domain, p->domain, outside ? "" : "no-resolv\n");
	add_path(b, env, "addn-hosts", RENDER_HOSTS);
	strbuf_addc(b, '\n');
}

static size_t leases_max(const struct plan *p)
{
	size_t pool = p->ip_mode == PLAN_IP_RANGE ? (size_t)p->range.last.n - p->range.first.n + 1 : 0;

	return MAX(MAX(p->n_nodes, pool), (size_t)LEASES_MIN);
}

/* Addresses that this server gives. */
static void add_pool(struct strbuf *b, const struct plan *p, const struct render_env *env)
{
	const char *mask = IP4(ip4_mask(p->net.prefix));

	strbuf_adds(b, "dhcp-authoritative\n");
	if (p->ip_mode == PLAN_IP_MAC)
		strbuf_addf(b, "dhcp-range=%s,static,%s," LEASE_BOUND "\nno-ping\n",
			    IP4(ip4_net_first(p->net)), mask);
	else
		strbuf_addf(b, "dhcp-range=%s,%s,%s," LEASE_POOL "\n", IP4(p->range.first),
			    IP4(p->range.last), mask);
	strbuf_addf(b, "dhcp-lease-max=%zu\n", leases_max(p));
	add_path(b, env, "dhcp-leasefile", RENDER_DNSMASQ_LEASES);
	strbuf_adds(b, "# A machine has the name that the plan gives it, not the one that it asks for.\n"
		       "dhcp-ignore-names\n");
	/* Without a value dnsmasq sends no router at all; without the line, itself. */
	strbuf_addf(b, "dhcp-option=option:router%s%s\n", p->gateway ? "," : "",
		    p->gateway ? IP4(p->net.address) : "");
	strbuf_addf(b, "dhcp-option=option:dns-server,%s\n", IP4(p->net.address));
	strbuf_adds(b, "# Tells musterd of each lease.\n"
		       "dhcp-script=");
	quote_path(b, env->libexecdir, "/dhcp-event");
	strbuf_addc(b, '\n');
}

static void add_dhcp(struct strbuf *b, const struct plan *p, const struct render_env *env)
{
	if (is_proxy(p))
		strbuf_addf(b,
			    "# Another server gives the addresses; this one only adds what to boot.\n"
			    "dhcp-range=%s,proxy,%s\n",
			    IP4(ip4_net_first(p->net)), IP4(ip4_mask(p->net.prefix)));
	else
		add_pool(b, p, env);
	if (p->ip_mode == PLAN_IP_MAC) {
		add_path(b, env, "dhcp-hostsfile", RENDER_DNSMASQ_HOSTS);
		strbuf_adds(b, "# Machines that are no nodes get nothing.\n"
			       "dhcp-ignore=tag:!known\n");
	}
	strbuf_addc(b, '\n');
}

/* Client architectures: IANA's "Processor Architecture Types" (RFC 4578, section 2.1). Option 175 is iPXE's own. */
static void add_boot(struct strbuf *b, const struct plan *p, const struct render_env *env)
{
	strbuf_adds(b, "# The firmware gets iPXE by TFTP; iPXE gets its script by HTTP.\n"
		       "dhcp-match=set:ipxe,175\n"
		       "dhcp-match=set:bios,option:client-arch,0\n"
		       "dhcp-match=set:efi64,option:client-arch,7\n"
		       "dhcp-match=set:efi64,option:client-arch,9\n");
	strbuf_addf(b, "dhcp-boot=tag:ipxe,\"http://%s:%u/" RENDER_IPXE_ASK "${platform}\"",
		    IP4(p->net.address), p->http_port);
	/* iPXE takes no file from a proxy's offer that names no server (net/udp/dhcp.c, dhcp_has_pxeopts()). */
	if (is_proxy(p))
		strbuf_addf(b, ",,%s", IP4(p->net.address));
	strbuf_addc(b, '\n');
	if (is_proxy(p))
		strbuf_adds(b, "pxe-service=tag:!ipxe,x86PC,\"muster\",undionly.kpxe\n"
			       "pxe-service=tag:!ipxe,BC_EFI,\"muster\",snponly.efi\n"
			       "pxe-service=tag:!ipxe,x86-64_EFI,\"muster\",snponly.efi\n");
	else
		strbuf_adds(b, "dhcp-boot=tag:!ipxe,tag:bios,undionly.kpxe\n"
			       "dhcp-boot=tag:!ipxe,tag:efi64,snponly.efi\n"
			       "# There is no proxy to wait for: saves iPXE 3 s.\n"
			       "dhcp-option=encap:175,176,1b\n");
	strbuf_adds(b, "enable-tftp\n");
	add_path(b, env, "tftp-root", RENDER_TFTP);
}

/* The routers' lifetime is 0: nodes make themselves an address, but send nothing else this way. */
static void add_ipv6(struct strbuf *b, const struct plan *p)
{
	char text[RENDER_IPV6_TEXT];

	if (!render_ipv6(p, text))
		return;
	*strstr(text, "1/64") = '\0';
	strbuf_addf(b,
		    "\n"
		    "# Router advertisements: without one, iPXE waits 13 s for it.\n"
		    "enable-ra\n"
		    "dhcp-range=%s,ra-only,64,12h\n"
		    "ra-param=%s,60,0\n",
		    text, p->interface);
}

static int add_hosts_file(const struct plan *p, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, RENDER_BANNER);
	for (size_t i = 0; i < p->n_nodes; i++) {
		const struct plan_node *n = &p->nodes[i];

		if (n->has_mac && n->address.n)
			strbuf_addf(&b, "%s,%s,%s," LEASE_BOUND "\n", MAC(n->mac), IP4(n->address), n->name);
		else if (n->has_mac)
			strbuf_addf(&b, "%s,%s\n", MAC(n->mac), n->name);
	}
	return render_add(f, &b, RENDER_DNSMASQ_HOSTS, SERVICE);
}

/*
 * dnsmasq starts as root, opens its sockets and its lease file, and goes on as user dnsmasq (or nobody). Its helper
 * process runs dhcp-event, as musterd's user, who alone may write to musterd's socket.
 */
static int add_unit(const struct render_env *env, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	unit_begin(&b, "muster: DHCP, TFTP and names for the nodes", "man:dnsmasq(8)",
		   "network.target muster-network.service");
	strbuf_adds(&b, "Wants=muster-network.service\n"
			"\n[Service]\n"
			"Type=exec\n"
			"ExecStart=/usr/sbin/dnsmasq --keep-in-foreground --dhcp-scriptuser=" RENDER_USER
			" --conf-file=");
	quote_unit(&b, render_prefix(env), RENDER_DNSMASQ_CONF, true);
	strbuf_adds(&b, "\nRestart=on-failure\n"
			"RestartSec=1\n");
	unit_harden(&b);
	unit_writable(&b, env, RENDER_VAR);
	strbuf_adds(&b, "CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_NET_ADMIN CAP_NET_RAW CAP_SETUID "
			"CAP_SETGID CAP_CHOWN\n"
			"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET\n");
	unit_end(&b);
	return render_add(f, &b, UNIT_DIR "/muster-dnsmasq.service", SERVICE);
}

static int add_tftp(const struct render_env *env, struct fileset *f)
{
	int r = fileset_add_directory(f, RENDER_TFTP, 0755, NULL);

	if (r == 0 && *env->distro->loader_bios)
		r = fileset_add_copy(f, RENDER_TFTP "/undionly.kpxe", env->distro->loader_bios, 0644, NULL);
	if (r == 0 && *env->distro->loader_efi64)
		r = fileset_add_copy(f, RENDER_TFTP "/snponly.efi", env->distro->loader_efi64, 0644, NULL);
	return r;
}

int render_dnsmasq(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r;

	strbuf_adds(&b, RENDER_BANNER);
	add_interface(&b, p);
	add_dns(&b, p, env);
	add_dhcp(&b, p, env);
	add_boot(&b, p, env);
	add_ipv6(&b, p);
	r = render_add(f, &b, RENDER_DNSMASQ_CONF, SERVICE);
	if (r == 0 && p->ip_mode == PLAN_IP_MAC)
		r = add_hosts_file(p, f);
	if (r == 0)
		r = add_tftp(env, f);
	if (r == 0 && env->units)
		r = add_unit(env, f);
	return r;
}
