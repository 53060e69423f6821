/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The checks of what lies between this server and the nodes: interfaces, other servers, ports. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
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
		finding_remedy(f,
			       _("Switch it on, or write dhcp = \"authoritative\" in the section network."));
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
		finding_remedy(f,
			       _("Switch that one off, or write dhcp = \"proxy\" in the section network, so "
				 "that it gives the addresses, or choose another interface."));
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
	if (fs_read(doctor_where(d, path), path, 65536, &line, &len) < 0)
		return false;
	return memmem(line, len, "/etc/muster/", 12) != NULL;
}

/* The unit of systemd's that this process belongs to, from its control group; owned, NULL for none. */
static char *unit_of(const struct doctor *d, const char *owner)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	unsigned long pid;
	char *end, *name;

	if (sscanf(owner, "%*[^(](process %lu)", &pid) != 1 || asprintf(&path, "/proc/%lu/cgroup", pid) < 0) {
		path = NULL;
		return NULL;
	}
	if (fs_read(doctor_where(d, path), path, 65536, &text, NULL) < 0 ||
	    !(end = strstr(text, ".service")) || (end[8] && end[8] != '\n'))
		return NULL;
	end[8] = '\0';
	name = strrchr(text, '/');
	return name ? strdup(name + 1) : NULL;
}

static in_addr_t own_address(const struct doctor *d)
{
	return d->plan ? htonl(d->plan->net.address.n) : INADDR_ANY;
}

static unsigned int http_port(const struct doctor *d)
{
	return d->plan ? d->plan->http_port : DOCTOR_HTTP_PORT;
}

/* The next port that nobody holds, for musterd. */
static unsigned int free_port(const struct doctor *d, int proc)
{
	for (unsigned int n = http_port(d) + 1; n < 65536; n++) {
		_cleanup_free_ char *owner = NULL;

		if (port_owner(proc, false, n, INADDR_ANY, &owner) == 0 && !owner)
			return n;
	}
	return 0;
}

static int open_proc(const struct doctor *d)
{
	return fs_open(doctor_where(d, "/proc/net"), "/proc", O_RDONLY | O_DIRECTORY, 0);
}

enum port_kind { PORT_DHCP, PORT_TFTP, PORT_DNS, PORT_HTTP, PORT_NFS };

/* What else could be answered, so that the other program may stay. */
static void say_otherwise(const struct doctor *d, enum port_kind kind, int proc, struct finding *f)
{
	unsigned int other;

	switch (kind) {
	case PORT_DHCP:
	case PORT_TFTP:
	case PORT_DNS:
		finding_remedy(f,
			       _("Or keep it, and write dhcp = \"none\" and tftp = \"none\" in the section "
				 "services: then it must give the addresses and the loaders."));
		break;
	case PORT_HTTP:
		other = free_port(d, proc);
		if (other)
			finding_remedy(f, _("Or keep it, and write http_port = %u in the section services."),
				       other);
		break;
	case PORT_NFS:
		finding_remedy(
			f, _("Or keep it, and write root = \"ram\" in the section boot and nfs = \"none\" "
			     "in the section services."));
		break;
	}
}

static void port(const struct doctor *d, struct finding *f, enum port_kind kind, bool wanted)
{
	static const struct {
		bool udp, here_only; /* only who listens at the cluster's address, or at all, is in the way */
		unsigned int number;
		const char *what;
	} ports[] = {
		[PORT_DHCP] = { true, false, 67, "DHCP" },  [PORT_TFTP] = { true, true, 69, "TFTP" },
		[PORT_DNS] = { true, true, 53, "DNS" },	    [PORT_HTTP] = { false, true, 0, "musterd" },
		[PORT_NFS] = { false, false, 2049, "NFS" },
	};
	_cleanup_close_ int proc = open_proc(d);
	unsigned int number = ports[kind].number ? ports[kind].number : http_port(d);
	const char *proto = ports[kind].udp ? "UDP" : "TCP", *what = ports[kind].what;
	_cleanup_free_ char *owner = NULL, *unit = NULL;

	if (proc < 0 || port_owner(proc, ports[kind].udp, number,
				   ports[kind].here_only ? own_address(d) : INADDR_ANY, &owner) < 0) {
		finding_say(f, MUSTER_CHECK_WARNING, _("Who holds %s port %u (%s) cannot be seen."), proto,
			    number, what);
	} else if (!owner) {
		finding_say(f, MUSTER_CHECK_OK, _("%s port %u (%s) is free."), proto, number, what);
	} else if (is_ours(d, owner)) {
		finding_say(f, MUSTER_CHECK_OK, _("%s port %u (%s) is held by muster's own %s."), proto,
			    number, what, owner);
	} else {
		finding_say(f, wanted ? MUSTER_CHECK_PROBLEM : MUSTER_CHECK_WARNING,
			    _("%s port %u (%s) is held by %s."), proto, number, what, owner);
		finding_remedy(f, _("Stop that program."));
		unit = unit_of(d, owner);
		if (unit)
			finding_command(f, "systemctl disable --now %s", unit);
		else if (strstr(owner, "(process 1)"))
			finding_command(f, "systemctl list-sockets");
		say_otherwise(d, kind, proc, f);
	}
}

static bool serves_dhcp(const struct doctor *d)
{
	return !d->plan || d->plan->dhcp_service;
}

static void port_dhcp(const struct doctor *d, struct finding *f)
{
	port(d, f, PORT_DHCP, serves_dhcp(d));
}

static void port_tftp(const struct doctor *d, struct finding *f)
{
	port(d, f, PORT_TFTP, serves_dhcp(d));
}

static void port_dns(const struct doctor *d, struct finding *f)
{
	port(d, f, PORT_DNS, serves_dhcp(d));
}

static void port_http(const struct doctor *d, struct finding *f)
{
	port(d, f, PORT_HTTP, true);
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
		port(d, f, PORT_NFS, d->plan != NULL);
}

const struct doctor_check doctor_network[] = {
	{ "interface", interfaces }, { "other-dhcp", other_dhcp },
	{ "dhcp-port", port_dhcp },  { "tftp-port", port_tftp },
	{ "dns-port", port_dns },    { "http-port", port_http },
	{ "nfs-port", port_nfs },    { NULL },
};
