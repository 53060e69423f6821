/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The check of the firewall: does it let in what nodes send to this server? */
#include "config.h"

#include "backend/doctor-firewall.h"

#include <errno.h>
#include <string.h>

#include "backend/doctor.h"
#include "util/fs.h"
#include "util/i18n.h"

static bool always(const struct doctor *d)
{
	return true;
}

static bool serves_dhcp(const struct doctor *d)
{
	return !d->plan || d->plan->dhcp_service;
}

static bool serves_nfs(const struct doctor *d)
{
	return d->plan && d->plan->nfs != PLAN_NFS_NONE;
}

/* What nodes send to this server. NFS is version 4 alone, which needs no rpcbind (port 111) and no mountd. */
static const struct need {
	bool udp;
	unsigned int port; /* 0: musterd's */
	const char *what;
	bool (*wanted)(const struct doctor *d);
} needs[] = {
	{ true, 67, "DHCP", serves_dhcp },  { true, 69, "TFTP", serves_dhcp },
	{ true, 53, "DNS", serves_dhcp },   { false, 0, "musterd", always },
	{ false, 2049, "NFS", serves_nfs },
};

static unsigned int need_port(const struct doctor *d, const struct need *n)
{
	if (n->port)
		return n->port;
	return d->plan ? d->plan->http_port : DOCTOR_HTTP_PORT;
}

/* A node asks for its address from none, and everybody; later it has one, and asks this server. */
static struct packet first_packet(const struct doctor *d, const struct need *n)
{
	struct packet p = { .interface = d->interface, .udp = n->udp, .port = need_port(d, n) };

	if (n->port == 67) {
		p.source_port = 68;
		p.from_nobody = true;
		p.to.n = UINT32_MAX;
	} else if (d->plan) {
		p.to = d->plan->net.address;
		p.from = d->plan->n_nodes && d->plan->nodes[0].address.n ? d->plan->nodes[0].address
									 : d->plan->range.first;
	}
	return p;
}

/* The rules of this machine: nft's, and those that only a kind of iptables shows. */
struct rules {
	json_t *nft;
	char *iptables;
	const char *program; /* that showed the latter */
};

static char *list_iptables(const struct doctor *d, const char *program)
{
	const char *const argv[] = { program, "-S", NULL };
	char *output = NULL;
	int status;

	if (d->command(d, argv, &status, &output) == 0 && status == 0)
		return output;
	free(output);
	return NULL;
}

/* The older iptables is no part of nftables, and loaded only where somebody uses it. */
static void read_legacy(const struct doctor *d, struct rules *r)
{
	_cleanup_free_ char *tables = doctor_file(d, "/proc/net/ip_tables_names");

	if (!tables || !strstr(tables, "filter"))
		return;
	r->program = "iptables-legacy";
	r->iptables = list_iptables(d, r->program);
}

static int read_nft(const struct doctor *d, struct rules *r)
{
	static const char *const argv[] = { "nft", "-j", "list", "ruleset", NULL };
	_cleanup_free_ char *output = NULL;
	int status = 0, e = d->command(d, argv, &status, &output);

	if (e == 0 && status == 0 && output)
		r->nft = json_loads(output, 0, NULL);
	return e;
}

/* What iptables made in nftables with its own modules, only it can read. */
static void read_iptables_nft(const struct doctor *d, struct rules *r)
{
	static const char *const programs[] = { "iptables-nft", "iptables" };

	for (size_t i = 0; i < ARRAY_SIZE(programs) && !r->iptables; i++) {
		r->program = programs[i];
		r->iptables = list_iptables(d, programs[i]);
	}
}

/* ---- verdicts -------------------------------------------------------------------------------------------------------------- */

/* The name of firewalld(1)'s zone for the interface; owned, NULL where it does not say. */
static char *firewalld_zone(const struct doctor *d)
{
	_cleanup_free_ char *option = NULL, *zone = NULL;
	const char *argv[] = { "firewall-cmd", NULL, NULL };
	int status;

	if (asprintf(&option, "--get-zone-of-interface=%s", d->interface) < 0) {
		option = NULL;
		return NULL;
	}
	argv[1] = option;
	if (d->command(d, argv, &status, &zone) < 0 || status != 0 || !zone)
		return NULL;
	zone[strcspn(zone, "\n")] = '\0';
	return *zone ? TAKE_PTR(zone) : NULL;
}

static bool runs_ufw(const struct doctor *d)
{
	_cleanup_free_ char *conf = doctor_file(d, "/etc/ufw/ufw.conf");

	return conf && (strncmp(conf, "ENABLED=yes", 11) == 0 || strstr(conf, "\nENABLED=yes"));
}

/* firewalld and ufw write the rules anew: they must be told, not nft. */
static void say_opening(const struct doctor *d, const struct gate *gate, const char *iptables,
			struct finding *f)
{
	finding_remedy(f, _("Open the interface %s to the nodes."), d->interface);
	if (fs_exists(doctor_where(d, "/run/firewalld"), "/run/firewalld")) {
		_cleanup_free_ char *zone = firewalld_zone(d);

		if (zone)
			finding_remedy(f, _("It is firewalld's, in its zone %s."), zone);
		finding_command(
			f,
			"firewall-cmd --permanent --zone=trusted --change-interface=%s && firewall-cmd "
			"--reload",
			d->interface);
	} else if (runs_ufw(d)) {
		finding_command(f, "ufw allow in on %s", d->interface);
	} else if (gate->chain) {
		finding_remedy(f,
			       _("Write the rule into /etc/nftables.conf, too, or it is gone after the next "
				 "start."));
		finding_command(f, "nft insert rule %s %s %s iifname %s accept", gate->family, gate->table,
				gate->chain, d->interface);
	} else {
		finding_command(f, "%s -I INPUT -i %s -j ACCEPT", iptables, d->interface);
	}
}

static void add_need(const struct doctor *d, const struct need *n, struct strbuf *list)
{
	if (list->len)
		strbuf_adds(list, ", ");
	strbuf_addf(list, _("%s port %u (%s)"), n->udp ? "UDP" : "TCP", need_port(d, n), n->what);
}

static void judge(const struct doctor *d, struct rules *r, struct finding *f)
{
	_cleanup_strbuf_ struct strbuf closed = STRBUF_INIT, unsure = STRBUF_INIT;
	struct gate gate = { 0 };
	bool iptables = false;

	for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
		struct packet p = first_packet(d, &needs[i]);
		enum passage worst = PASSAGE_OPEN;

		if (!needs[i].wanted(d))
			continue;
		if (r->nft)
			worst = nft_judge(json_object_get(r->nft, "nftables"), &p, &gate, &iptables);
		if (iptables && !r->iptables)
			read_iptables_nft(d, r);
		if (r->iptables)
			worst = MAX(worst, iptables_judge(r->iptables, &p));
		if (worst != PASSAGE_OPEN)
			add_need(d, &needs[i], worst == PASSAGE_CLOSED ? &closed : &unsure);
	}
	if (iptables && !r->iptables)
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("iptables made rules that nft cannot read, and iptables is not installed to "
			      "read them."));
	if (closed.len)
		finding_say(f, d->chosen ? MUSTER_CHECK_PROBLEM : MUSTER_CHECK_WARNING,
			    _("The firewall drops what comes in, and no rule opens %s on %s."), closed.data,
			    d->interface);
	if (unsure.len)
		finding_say(f, MUSTER_CHECK_WARNING,
			    _("Whether the firewall lets in %s on %s hangs on more than the port."),
			    unsure.data, d->interface);
	if (f->level == MUSTER_CHECK_OK)
		finding_say(f, MUSTER_CHECK_OK, _("No rule of the firewall keeps the nodes out on %s."),
			    d->interface);
	else
		say_opening(d, &gate, r->program ? r->program : "iptables", f);
}

static void firewall(const struct doctor *d, struct finding *f)
{
	struct rules r = { 0 };
	int e;

	if (!d->interface) {
		finding_say(f, MUSTER_CHECK_OK, _("The firewall was not looked at: no interface is chosen."));
		return;
	}
	read_legacy(d, &r);
	e = read_nft(d, &r);
	if (r.nft || r.iptables) {
		judge(d, &r, f);
	} else if (e == -ENOENT) {
		finding_say(f, MUSTER_CHECK_OK,
			    _("nftables is not installed here, so no firewall of it drops anything."));
	} else {
		finding_say(f, MUSTER_CHECK_WARNING, "%s",
			    d->root ? _("What the firewall drops cannot be seen.")
				    : _("What the firewall drops cannot be seen: only root can."));
	}
	json_decref(r.nft);
	free(r.iptables);
}

const struct doctor_check doctor_firewall[] = { { "firewall", firewall }, { NULL } };
