/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of backend/host/ share. */
#pragma once

#include "backend/host/host.h"
#include "util/macro.h"

/* An interface while its facts are gathered. */
struct found_interface {
	struct host_interface facts; /* strings may be NULL until host_probe() moves them */
	int index;		     /* the kernel's number for it in this network namespace */
	int master;		     /* that of the bridge or bond that it is a port of; 0 for none */
	bool virtual;		     /* facts.driver is the kind of a virtual interface */
	char *bus;  /* where ethtool(8) says it sits: "0000:00:03.0"; NULL when it does not say */
	char *slot; /* its PCI slot, "0000:00:03.0"; NULL where it has none */
};

struct found {
	struct found_interface *v;
	size_t n;
};

void found_free(struct found *f);

/* The interfaces of the calling process's network namespace, without "lo"; names, addresses, state. A kernel that
 * does not answer leaves `ret` empty; only -ENOMEM fails. */
int netlink_interfaces(struct found *ret) _must_check_;

/* Adds drivers and the names that people use, by udev and its hardware database, then by libpci. */
int interfaces_describe(struct found *f) _must_check_;

struct pci_name {
	const char *slot;     /* in: "0000:00:03.0" */
	char *vendor, *model; /* out: owned; NULL where the PCI list does not know it */
};

/* Looks the names up by libpci, in a process of its own: its error callback must not return. */
int pci_names(struct pci_name *v, size_t n) _must_check_;

/* Fills distribution, version, codename, pretty and family from the text of an os-release(5) file. Lines that are no
 * assignment are passed over. Only -ENOMEM fails. */
int os_release_parse(const char *text, struct host *h) _must_check_;
/* The same from the file below root_fd: /etc/os-release, then /usr/lib/os-release. */
int os_release_read(int root_fd, struct host *h) _must_check_;
/* "debian", "redhat", "suse" for an ID and the words of an ID_LIKE; "" for others. */
const char *os_release_family(const char *id, const char *id_like);

/* Replaces the owned string in *field by a copy; NULL counts as "". -ENOMEM. */
int host_set(char **field, const char *text) _must_check_;
/* An empty one: no string in it is NULL. */
int host_new(struct host **ret) _must_check_;
void host_interface_clear(struct host_interface *i);
void host_sort(struct host *h);
/* What the kernel takes as an interface's name (dev_valid_name() in net/core/dev.c), in printable ASCII. */
bool host_interface_name_valid(const char *name);
