/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finds the facts about this server: libudev and netlink for interfaces, libpci and the hardware
 * database for names, os-release(5) for the distribution. */
#pragma once

#include "backend/host/facts.h"
#include "util/macro.h"

/*
 * Reads the facts of the running machine; os-release is read below root_fd. Interfaces are those of
 * the network namespace of the calling process. Everything that cannot be read is left empty: it fails
 * only with -ENOMEM.
 */
int host_probe(int root_fd, struct host **ret) _must_check_;

/* From and to the JSON of `muster host --json`. -MUSTER_E_FORMAT: not such a document; *ret_why (owned,
 * may be asked for with a non-NULL pointer) says what is wrong with it, naming the key. */
int host_from_json(const char *text, size_t len, struct host **ret, char **ret_why) _must_check_;
int host_to_json(const struct host *h, char **ret) _must_check_; /* indented, ends in a newline */

void host_free(struct host *h);
DEFINE_CLEANUP(struct host *, host_free)

/* By name, or by MAC address in any spelling that mac_parse() takes. NULL where there is none. */
const struct host_interface *host_interface_find(const struct host *h, const char *name_or_mac);
/* Who made the network card with this address, by udev's hardware database; "" where it does not say. Owned. */
int host_mac_vendor(struct mac mac, char **ret) _must_check_;
/* The installed program's path; NULL where it is not installed. */
const char *host_daemon_path(const struct host *h, const char *name);

/* Tells when udev has seen a network card come, go, or be named; without udev the kernel tells. What it was is not told: read
 * the facts anew. -ENOTSUP: nobody tells. */
struct host_monitor;
int host_monitor_new(struct host_monitor **ret) _must_check_;
void host_monitor_free(struct host_monitor *m);
int host_monitor_fd(const struct host_monitor *m); /* readable: host_monitor_drain() */
void host_monitor_drain(struct host_monitor *m);
