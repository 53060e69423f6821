/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facts about a server, as data. They are found by host.h, or read from a file that
 * `muster host --json` wrote. Part of the public contract: backend/muster.h includes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/ip.h"

struct host_interface {
	char *name;
	struct mac mac;	      /* all zero where the interface has none */
	char *driver;	      /* kernel module or virtual kind ("bridge", "veth"); "" when unknown */
	char *vendor, *model; /* as a person knows them; "" when unknown */
	bool up;	      /* administratively up */
	bool link;	      /* carrier: a cable with something alive at its other end */
	int speed;	      /* Mbit/s; 0 when unknown */
	bool default_route;   /* the way to the outside leads over it */
	bool wireless;
	char *master;		   /* the bridge or bond that it is a port of; "" for none */
	struct ip4_net *addresses; /* owned, n_addresses */
	size_t n_addresses;
};

struct host_daemon {
	char *name; /* the program: "dnsmasq", "rpc.nfsd", "ganesha.nfsd", ... */
	char *path; /* absolute; NULL where it is not installed */
};

struct host {
	/* os-release(5): ID, VERSION_ID, VERSION_CODENAME, PRETTY_NAME; "" when absent */
	char *distribution, *version, *codename, *pretty;
	char *family;	       /* "debian", "redhat", "suse": from ID and ID_LIKE; "" when unknown */
	char *package_manager; /* "apt", "dnf", "zypper", "none" */
	char *service_manager; /* "systemd" where it runs as process 1, else "none" */
	char *architecture;    /* "x86_64", "aarch64" */
	char *kernel;	       /* uname -r */
	unsigned long long memory_kb;
	int processors;			   /* online */
	struct host_interface *interfaces; /* owned; sorted by name; without "lo" */
	size_t n_interfaces;
	/* True where the interfaces are yet to be made: a plan takes every one that is named to be there. Never found by
	 * host_probe(). */
	bool any_interface;
	struct host_daemon *daemons;
	size_t n_daemons;
};
