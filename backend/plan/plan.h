/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an answer file to a plan: pure but for reading the named files. Every mistake is found in one
 * go, each with its line and with what would be right.
 */
#pragma once

#include "backend/host/facts.h"
#include "backend/plan/model.h"
#include "util/macro.h"

void plan_mistakes_free(struct plan_mistakes *m);
int plan_mistakes_add(struct plan_mistakes *m, const char *file, unsigned int line, const char *fmt, ...)
	_printf_(4, 5);

/*
 * Reads the answer file at `path` (relative paths inside it are relative to its folder) for a server
 * with these facts. profiles_dir holds distro/ and cluster/. -MUSTER_E_ANSWERS: `mistakes` says why, sorted by
 * line; errno where the file cannot be read at all (a mistake with line 0 is added then, too).
 */
int plan_read(const char *path, const struct host *host, const char *profiles_dir,
	      struct plan_mistakes *mistakes, struct plan **ret) _must_check_;

/* The same from memory; `name` is what the mistakes call it, and relative paths begin in its folder. */
int plan_read_text(const char *name, const char *text, size_t len, const struct host *host,
		   const char *profiles_dir, struct plan_mistakes *mistakes, struct plan **ret) _must_check_;

/* The resolved plan as the daemon keeps it (/etc/muster/cluster.json), and back. */
int plan_to_json(const struct plan *p, char **ret) _must_check_;
int plan_from_json(const char *text, size_t len, struct plan **ret) _must_check_; /* -MUSTER_E_FORMAT */

void plan_free(struct plan *p);
DEFINE_CLEANUP(struct plan *, plan_free)

const struct plan_node *plan_node_by_name(const struct plan *p, const char *name);
const struct plan_node *plan_node_by_mac(const struct plan *p, struct mac mac);
const struct plan_node *plan_node_by_address(const struct plan *p, struct ip4 address);
const char *plan_root_name(enum plan_root r); /* "ram", "nfs", "initramfs" */
