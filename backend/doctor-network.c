/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of what lies between this server and the nodes: interfaces, other servers, ports, the firewall. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "backend/apply/ports.h"
#include "backend/doctor.h"
#include "util/fs.h"
#include "util/i18n.h"

static void interfaces(const struct doctor *d, struct finding *f)
{
	const struct host_interface *i = d->interface ? host_interface_find(d->host, d->interface) : NULL;

	if (!d->interface) {
		finding_say(f, MUSTER_CHECK_PROBLEM, "%s",
			    d->host->n_interfaces
				    ? _("No interface of this server can face the nodes: each leads outside, "
					"or is wireless or virtual.")
				    : _("No interface of this server can face the nodes: it has none."));
		finding_remedy(f, _("Put a network card in, or name the interface with -i."));
	} else if (!i) {
		finding_say(f, MUSTER_CHECK_PROBLEM, _("This server has no interface %s."), d->interface);
		finding_remedy(f, _("'muster host' lists those that it has."));
	} else if (i->default_route) {
		finding_say(f, MUSTER_CHECK_WARNING, _("%s is this server's way to the outside."), i->name);
		finding_remedy(f, _("Take an interface that leads to the nodes only."));
	} else if (i->wireless) {
		finding_say(f, MUSTER_CHECK_PROBLEM, _("%s is wireless; firmware does not boot over that."),
			    i->name);
		finding_remedy(f, _("Take an interface with a cable."));
	} else if (!i->link) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    i->up ? _("%s has no link: no cable, or nothing alive at its other end.")
				  : _("%s is down."),
			    i->name);
		finding_remedy(f, _("Plug the cable to the nodes in."));
		if (!i->up)
			finding_command(f, "ip link set %s up", i->name);
	} else {
		finding_say(f, MUSTER_CHECK_OK,
			    d->chosen ? _("%s faces the nodes, and has a link.")
				      : _("%s can face the nodes, and has a link."),
			    i->name);
	}
}

static void other_dhcp(const struct doctor *d, struct finding *f)
{
	const struct host_interface *i = d->interface ? host_interface_find(d->host, d->interface) : NULL;
	bool proxy = d->plan && d->plan->dhcp == PLAN_DHCP_PROXY;
	struct dhcp_offer offer;
	int r;

	if (!d->probe || !i || !i->link) {
		finding_say(f, MUSTER_CHECK_OK, "%s",
			    !i ? _("Other DHCP servers were not looked for: no interface is chosen.")
			    : !i->link
				    ? _("Other DHCP servers were not looked for: the interface has no link.")
			    : !d->root ? _("Other DHCP servers were not looked for: only root can.")
				       : _("Other DHCP servers were not looked for: these are another "
					   "machine's facts."));
		return;
	}
	r = d->probe(d, &offer);
	if (r == 0 && proxy) {
		finding_say(f, MUSTER_CHECK_PROBLEM,
			    _("No DHCP server answers on %s, and dhcp = \"proxy\" needs one."), i->name);
		finding_remedy(f, _("Switch it on, or answer dhcp = \"authoritative\"."));
	} else if (r == 0) {
		finding_say(f, MUSTER_CHECK_OK, _("No other DHCP server answers on %s."), i->name);
	} else if (r < 0) {
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("%s could not be searched for other DHCP servers: %s."), i->name,
			    muster_strerror(r));
		finding_remedy(f, _("See that the interface is up."));
	} else if (proxy) {
		finding_say(f, MUSTER_CHECK_OK, _("The DHCP server %s (%s) answers on %s."),
			    IP4(offer.server), MAC(offer.mac), i->name);
	} else {
		finding_say(f, d->chosen ? MUSTER_CHECK_PROBLEM : MUSTER_CHECK_WARNING,
			    _("Another DHCP server, %s (%s), answers on %s and offers %s."),
			    IP4(offer.server), MAC(offer.mac), i->name, IP4(offer.address));
		finding_remedy(f, _("Switch that one off, answer dhcp = \"proxy\" to let it give the "
				    "addresses, or choose "
				    "another interface."));
	}
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

/* Is this process one that muster set up? Its command line names muster's own files. */
static bool is_ours(const struct doctor *d, const char *owner)
{
	_cleanup_free_ char *path = NULL, *line = NULL;
	unsigned long pid;
	size_t len;

	if (strncmp(owner, "musterd ", 8) == 0)
		return true;
	if (sscanf(owner, "%*[^(](process %lu)", &pid) != 1 ||
	    asprintf(&path, "/proc/%lu/cmdline", pid) < 0) {
		path = NULL;
		return false;
	}
	if (fs_read(d->system_fd, path, 65536, &line, &len) < 0)
		return false;
	return memmem(line, len, "/etc/muster/", 12) != NULL;
}

static void port(const struct doctor *d, struct finding *f, bool udp, unsigned int number, const char *what,
		 bool wanted)
{
	_cleanup_close_ int proc = fs_open(d->system_fd, "/proc", O_RDONLY | O_DIRECTORY, 0);
	_cleanup_free_ char *owner = NULL;
	const char *kind = udp ? "UDP" : "TCP";

	if (proc < 0 || port_owner(proc, udp, number, &owner) < 0) {
		finding_say(f, MUSTER_CHECK_WARNING, _("Who holds %s port %u (%s) cannot be seen."), kind,
			    number, what);
	} else if (!owner) {
		finding_say(f, MUSTER_CHECK_OK, _("%s port %u (%s) is free."), kind, number, what);
	} else if (is_ours(d, owner)) {
		finding_say(f, MUSTER_CHECK_OK, _("%s port %u (%s) is held by muster's own %s."), kind,
			    number, what, owner);
	} else {
		finding_say(f, wanted ? MUSTER_CHECK_PROBLEM : MUSTER_CHECK_WARNING,
			    _("%s port %u (%s) is held by %s."), kind, number, what, owner);
		finding_remedy(f, "%s",
			       number == 67 || number == 69
				       ? _("Stop that program.")
				       : _("Stop that program, or keep it and answer otherwise."));
	}
}

static bool serves_dhcp(const struct doctor *d)
{
	return !d->plan || d->plan->dhcp_service;
}

static void port_dhcp(const struct doctor *d, struct finding *f)
{
	port(d, f, true, 67, "DHCP", serves_dhcp(d));
}

static void port_tftp(const struct doctor *d, struct finding *f)
{
	port(d, f, true, 69, "TFTP", serves_dhcp(d));
}

static void port_http(const struct doctor *d, struct finding *f)
{
	port(d, f, false, d->plan ? d->plan->http_port : 8066, "musterd", true);
}

static void port_nfs(const struct doctor *d, struct finding *f)
{
	_cleanup_free_ char *threads = doctor_file(d, "/proc/fs/nfsd/threads");
	bool ganesha = d->plan && d->plan->nfs == PLAN_NFS_GANESHA;

	if (d->plan && d->plan->nfs == PLAN_NFS_NONE)
		finding_say(f, MUSTER_CHECK_OK, _("The answers need no NFS server."));
	else if (threads && strcmp(threads, "0") != 0 && !ganesha)
		finding_say(f, MUSTER_CHECK_OK,
			    _("The kernel's NFS server runs already; muster adds its export to it."));
	else
		port(d, f, false, 2049, "NFS", d->plan != NULL);
}

/* ---- the firewall --------------------------------------------------------------------------------------------------- */

static bool always(const struct doctor *d)
{
	return true;
}

static bool serves_nfs(const struct doctor *d)
{
	return d->plan && d->plan->nfs != PLAN_NFS_NONE;
}

/* What nodes send to this server. */
static const struct need {
	bool udp;
	unsigned int port; /* 0: musterd's */
	const char *what;
	bool (*wanted)(const struct doctor *d);
} needs[] = {
	{ true, 67, "DHCP", serves_dhcp },
	{ true, 69, "TFTP", serves_dhcp },
	{ false, 0, "musterd", always },
	{ false, 2049, "NFS", serves_nfs },
};

static unsigned int need_port(const struct doctor *d, const struct need *n)
{
	if (n->port)
		return n->port;
	return d->plan ? d->plan->http_port : 8066;
}

/* What the rules of one table of nftables(8) accept. */
struct firewall {
	bool interface; /* all from the interface is accepted */
	bool ports[ARRAY_SIZE(needs)];
};

/* A set, a range or a value of libnftables-json(5): does it hold this one? */
static bool holds(const json_t *right, const char *text, unsigned int number)
{
	const json_t *list = json_object_get(right, "set"), *range = json_object_get(right, "range"), *v;
	size_t i;

	if (json_is_string(right))
		return text && strcmp(json_string_value(right), text) == 0;
	if (json_is_integer(right))
		return !text && (unsigned int)json_integer_value(right) == number;
	if (json_is_array(range) && !text)
		return json_integer_value(json_array_get(range, 0)) <= (json_int_t)number &&
		       (json_int_t)number <= json_integer_value(json_array_get(range, 1));
	json_array_foreach (list, i, v)
		if (holds(v, text, number))
			return true;
	return false;
}

/* A rule that accepts: by the interface alone, or by a port. Rules with further conditions may accept, too, so that what
 * is found closed may still be open: a warning, no verdict. */
static void read_rule(const struct doctor *d, const json_t *expressions, struct firewall *w)
{
	bool accepts = false, by_interface = false, other = false;
	bool by_port[ARRAY_SIZE(needs)] = { false };
	const json_t *e;
	size_t i;

	json_array_foreach (expressions, i, e) {
		const json_t *match = json_object_get(e, "match"), *left = json_object_get(match, "left");
		const json_t *right = json_object_get(match, "right");
		const char *meta = json_string_value(json_object_get(json_object_get(left, "meta"), "key"));
		const json_t *payload = json_object_get(left, "payload");
		const char *protocol = json_string_value(json_object_get(payload, "protocol"));
		const char *field = json_string_value(json_object_get(payload, "field"));

		if (json_object_get(e, "accept"))
			accepts = true;
		else if (meta && (strcmp(meta, "iifname") == 0 || strcmp(meta, "iif") == 0))
			by_interface = holds(right, d->interface, 0);
		else if (protocol && field && strcmp(field, "dport") == 0)
			for (size_t k = 0; k < ARRAY_SIZE(needs); k++)
				by_port[k] = strcmp(protocol, needs[k].udp ? "udp" : "tcp") == 0 &&
					     holds(right, NULL, need_port(d, &needs[k]));
		else if (match)
			other = true;
		if (protocol)
			other = true;
	}
	if (!accepts)
		return;
	w->interface |= by_interface && !other;
	for (size_t k = 0; k < ARRAY_SIZE(needs); k++)
		w->ports[k] |= by_port[k];
}

/* The chain or rule is in this family's table of this name. */
static bool in_table(const json_t *o, const char *family, const char *table)
{
	const char *x = json_string_value(json_object_get(o, "family"));
	const char *y = json_string_value(json_object_get(o, "table"));

	return x && y && strcmp(x, family) == 0 && strcmp(y, table) == 0;
}

static void say_closed(const struct doctor *d, const struct firewall *w, struct finding *f)
{
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;

	for (size_t k = 0; k < ARRAY_SIZE(needs); k++) {
		if (!needs[k].wanted(d) || w->ports[k])
			continue;
		if (list.len)
			strbuf_adds(&list, ", ");
		strbuf_addf(&list, _("%s port %u (%s)"), needs[k].udp ? "UDP" : "TCP",
			    need_port(d, &needs[k]), needs[k].what);
	}
	if (list.len)
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("The firewall drops what comes in, and no rule opens %s on %s."), list.data,
			    d->interface);
}

/* firewalld and ufw rewrite the rules: they must be told, not nft. */
static void say_opening(const struct doctor *d, const char *rule, struct finding *f)
{
	finding_remedy(f, _("Open the interface %s to the nodes."), d->interface);
	if (fs_exists(d->system_fd, "/run/firewalld") || fs_exists(d->system_fd, "/usr/sbin/firewalld"))
		finding_command(
			f,
			"firewall-cmd --permanent --zone=trusted --change-interface=%s && firewall-cmd "
			"--reload",
			d->interface);
	else if (fs_exists(d->system_fd, "/usr/sbin/ufw"))
		finding_command(f, "ufw allow in on %s", d->interface);
	else if (rule)
		finding_command(f, "%s", rule);
}

/* A rule without a condition that drops or refuses: what comes after it is for nobody. */
static bool drops_all(const json_t *expressions)
{
	bool drops = false;
	const json_t *e;
	size_t i;

	json_array_foreach (expressions, i, e) {
		if (json_object_get(e, "match") || json_object_get(e, "xt"))
			return false;
		drops |= json_object_get(e, "drop") || json_object_get(e, "reject");
	}
	return drops;
}

/* firewalld(1) has the interface in a zone that lets all in: its rules say so in a way that only it can read. */
static bool is_trusted(const struct doctor *d, const char *table)
{
	_cleanup_free_ char *option = NULL, *zone = NULL;
	const char *argv[] = { "firewall-cmd", NULL, NULL };
	int status;

	if (strcmp(table, "firewalld") != 0)
		return false;
	if (asprintf(&option, "--get-zone-of-interface=%s", d->interface) < 0) {
		option = NULL;
		return false;
	}
	argv[1] = option;
	return d->command(d, argv, &status, &zone) == 0 && zone && strncmp(zone, "trusted\n", 8) == 0;
}

/* A chain that sees what comes in and drops what no rule of its table accepts. */
static void judge_chain(const struct doctor *d, const json_t *all, const json_t *chain, struct finding *f)
{
	const char *family, *table, *name, *hook, *policy;
	_cleanup_free_ char *rule = NULL;
	struct firewall w = { 0 };
	const json_t *o;
	bool drops;
	size_t i;

	if (json_unpack((json_t *)chain, "{s:s, s:s, s:s, s:s, s:s}", "family", &family, "table", &table,
			"name", &name, "hook", &hook, "policy", &policy) < 0 ||
	    strcmp(hook, "input") != 0 || (strcmp(family, "ip") != 0 && strcmp(family, "inet") != 0))
		return;
	drops = strcmp(policy, "drop") == 0;
	json_array_foreach (all, i, o) {
		const json_t *r = json_object_get(o, "rule");
		const char *of = json_string_value(json_object_get(r, "chain"));

		if (!r || !in_table(r, family, table))
			continue;
		read_rule(d, json_object_get(r, "expr"), &w);
		drops |= of && strcmp(of, name) == 0 && drops_all(json_object_get(r, "expr"));
	}
	if (!drops || w.interface || is_trusted(d, table))
		return;
	if (asprintf(&rule, "nft insert rule %s %s %s iifname %s accept", family, table, name, d->interface) <
	    0)
		rule = NULL;
	say_closed(d, &w, f);
	if (f->level != MUSTER_CHECK_OK)
		say_opening(d, rule, f);
}

static void judge_tables(const struct doctor *d, const json_t *all, struct finding *f)
{
	const json_t *o;
	size_t i;

	json_array_foreach (all, i, o) {
		const json_t *chain = json_object_get(o, "chain");

		if (chain && f->level == MUSTER_CHECK_OK)
			judge_chain(d, all, chain, f);
	}
}

/* The older iptables, which nftables does not see: does INPUT drop, and is the interface let in? */
static void judge_legacy(const struct doctor *d, struct finding *f)
{
	static const char *const argv[] = { "iptables-legacy", "-S", "INPUT", NULL };
	_cleanup_free_ char *tables = doctor_file(d, "/proc/net/ip_tables_names"), *output = NULL;
	_cleanup_free_ char *accept = NULL, *rule = NULL;
	struct firewall w = { 0 };
	int status;

	if (!tables || !strstr(tables, "filter"))
		return;
	if (d->command(d, argv, &status, &output) < 0 || !output || status != 0)
		return;
	if (asprintf(&accept, "-A INPUT -i %s -j ACCEPT", d->interface) < 0 ||
	    asprintf(&rule, "iptables-legacy -I INPUT -i %s -j ACCEPT", d->interface) < 0)
		return;
	if (strstr(output, accept) ||
	    (!strstr(output, "-P INPUT DROP") && !strstr(output, "-A INPUT -j DROP") &&
	     !strstr(output, "-A INPUT -j REJECT")))
		return;
	say_closed(d, &w, f);
	say_opening(d, rule, f);
}

static void firewall(const struct doctor *d, struct finding *f)
{
	static const char *const argv[] = { "nft", "-j", "list", "ruleset", NULL };
	_cleanup_free_ char *output = NULL;
	json_t *doc = NULL;
	int status = 0, r;

	if (!d->interface) {
		finding_say(f, MUSTER_CHECK_OK, _("The firewall was not looked at: no interface is chosen."));
		return;
	}
	judge_legacy(d, f);
	if (f->level != MUSTER_CHECK_OK)
		return;
	r = d->command(d, argv, &status, &output);
	if (r == -ENOENT) {
		finding_say(f, MUSTER_CHECK_OK,
			    _("nftables is not installed here, so no firewall of it drops anything."));
		return;
	}
	if (r == 0 && status == 0 && output)
		doc = json_loads(output, 0, NULL);
	if (!doc) {
		finding_say(f, MUSTER_CHECK_WARNING, "%s",
			    d->root ? _("What the firewall drops cannot be seen.")
				    : _("What the firewall drops cannot be seen: only root can."));
	} else {
		judge_tables(d, json_object_get(doc, "nftables"), f);
		if (f->level == MUSTER_CHECK_OK)
			finding_say(f, MUSTER_CHECK_OK,
				    _("No rule of the firewall keeps the nodes out on %s."), d->interface);
	}
	json_decref(doc);
}

const struct doctor_check doctor_network[] = {
	{ "interface", interfaces }, { "other-dhcp", other_dhcp },
	{ "dhcp-port", port_dhcp },  { "tftp-port", port_tftp },
	{ "http-port", port_http },  { "nfs-port", port_nfs },
	{ "firewall", firewall },    { NULL },
};
