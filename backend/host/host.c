/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/host/host.h"

#include <errno.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "backend/host/private.h"
#include "util/fs.h"
#include "util/spawn.h"

/* The programs that a plan may want of a server, or that are in the way of it. */
static const char *const daemons[] = {
	"dnsmasq",  "rpc.nfsd", "ganesha.nfsd", "sshd",	      "dhcpd", "kea-dhcp4",
	"in.tftpd", "ypserv",	"mmdebstrap",	"mksquashfs", "nft",   "qemu-system-x86_64",
};

static const struct {
	const char *name, *program, *family;
} package_managers[] = {
	{ "apt", "apt-get", "debian" },
	{ "dnf", "dnf", "redhat" },
	{ "zypper", "zypper", "suse" },
};

int host_set(char **field, const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

bool host_interface_name_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 15 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '/' || *p == ':')
			return false;
	return true;
}

void host_interface_clear(struct host_interface *i)
{
	free(i->name);
	free(i->driver);
	free(i->vendor);
	free(i->model);
	free(i->master);
	free(i->addresses);
	*i = (struct host_interface){ 0 };
}

void found_free(struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		host_interface_clear(&f->v[i].facts);
		free(f->v[i].bus);
		free(f->v[i].slot);
	}
	free(f->v);
	*f = (struct found){ 0 };
}

void host_free(struct host *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_interfaces; i++)
		host_interface_clear(&h->interfaces[i]);
	for (size_t i = 0; i < h->n_daemons; i++) {
		free(h->daemons[i].name);
		free(h->daemons[i].path);
	}
	free(h->interfaces);
	free(h->daemons);
	free(h->distribution);
	free(h->version);
	free(h->codename);
	free(h->pretty);
	free(h->family);
	free(h->package_manager);
	free(h->service_manager);
	free(h->architecture);
	free(h->kernel);
	free(h);
}

int host_new(struct host **ret)
{
	_cleanup_(host_freep) struct host *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	if (host_set(&h->distribution, "") < 0 || host_set(&h->version, "") < 0 ||
	    host_set(&h->codename, "") < 0 || host_set(&h->pretty, "") < 0 || host_set(&h->family, "") < 0 ||
	    host_set(&h->package_manager, "none") < 0 || host_set(&h->service_manager, "none") < 0 ||
	    host_set(&h->architecture, "") < 0 || host_set(&h->kernel, "") < 0)
		return -ENOMEM;
	*ret = TAKE_PTR(h);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct host_interface *x = a, *y = b;

	return strcmp(x->name, y->name);
}

void host_sort(struct host *h)
{
	if (h->n_interfaces)
		qsort(h->interfaces, h->n_interfaces, sizeof(*h->interfaces), by_name);
}

/* ---- the running machine ----------------------------------------------------------------------------- */

static int probe_machine(struct host *h)
{
	struct utsname u;
	struct sysinfo s;
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	int r = 0;

	if (uname(&u) == 0) {
		r = host_set(&h->architecture, u.machine);
		if (r == 0)
			r = host_set(&h->kernel, u.release);
	}
	if (sysinfo(&s) == 0)
		h->memory_kb = (unsigned long long)s.totalram * s.mem_unit / 1024;
	h->processors = n > 0 ? (int)n : 0;
	return r;
}

static int probe_managers(struct host *h)
{
	const char *name = "none";

	/* The family's own one first: dnf can be installed on a Debian. */
	for (int own = 1; own >= 0 && strcmp(name, "none") == 0; own--)
		for (size_t i = 0; i < ARRAY_SIZE(package_managers); i++) {
			_cleanup_free_ char *path = NULL;

			if (own && strcmp(package_managers[i].family, h->family) != 0)
				continue;
			path = spawn_find(package_managers[i].program);
			if (path) {
				name = package_managers[i].name;
				break;
			}
		}
	/* sd_booted(3) looks for the same folder. */
	if (access("/run/systemd/system", F_OK) == 0 && host_set(&h->service_manager, "systemd") < 0)
		return -ENOMEM;
	return host_set(&h->package_manager, name);
}

static int probe_daemons(struct host *h)
{
	h->daemons = calloc(ARRAY_SIZE(daemons), sizeof(*h->daemons));
	if (!h->daemons)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(daemons); i++) {
		struct host_daemon *d = &h->daemons[h->n_daemons++];

		if (host_set(&d->name, daemons[i]) < 0)
			return -ENOMEM;
		d->path = spawn_find(daemons[i]);
	}
	return 0;
}

static int probe_interfaces(struct host *h)
{
	_cleanup_(found_free) struct found found = { 0 };
	int r;

	r = netlink_interfaces(&found);
	if (r == 0)
		r = interfaces_describe(&found);
	if (r < 0 || found.n == 0)
		return r;
	h->interfaces = calloc(found.n, sizeof(*h->interfaces));
	if (!h->interfaces)
		return -ENOMEM;
	for (size_t i = 0; i < found.n; i++) {
		struct host_interface *f = &found.v[i].facts;

		if ((!f->driver && host_set(&f->driver, "") < 0) ||
		    (!f->vendor && host_set(&f->vendor, "") < 0) ||
		    (!f->model && host_set(&f->model, "") < 0) ||
		    (!f->master && host_set(&f->master, "") < 0))
			return -ENOMEM;
		h->interfaces[h->n_interfaces++] = *f;
		*f = (struct host_interface){ 0 };
	}
	host_sort(h);
	return 0;
}

int host_probe(int root_fd, struct host **ret)
{
	_cleanup_(host_freep) struct host *h = NULL;
	int r;

	r = host_new(&h);
	if (r == 0)
		r = os_release_read(root_fd, h);
	if (r == 0)
		r = probe_machine(h);
	if (r == 0)
		r = probe_managers(h);
	if (r == 0)
		r = probe_daemons(h);
	if (r == 0)
		r = probe_interfaces(h);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(h);
	return 0;
}

/* ---- questions about the facts -------------------------------------------------------------------------- */

const struct host_interface *host_interface_find(const struct host *h, const char *name_or_mac)
{
	struct mac mac;

	for (size_t i = 0; i < h->n_interfaces; i++)
		if (strcmp(h->interfaces[i].name, name_or_mac) == 0)
			return &h->interfaces[i];
	if (mac_parse(name_or_mac, &mac) < 0 || !mac_is_unicast(mac))
		return NULL;
	for (size_t i = 0; i < h->n_interfaces; i++)
		if (mac_compare(h->interfaces[i].mac, mac) == 0)
			return &h->interfaces[i];
	return NULL;
}

const char *host_daemon_path(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->n_daemons; i++)
		if (strcmp(h->daemons[i].name, name) == 0)
			return h->daemons[i].path;
	return NULL;
}
