/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The answers as they are being written: every value of an answer file as its text, right or wrong, so that a form
 * can hold what was typed. "" is a value that is not given. Part of the public contract: backend/muster.h includes it.
 */
#pragma once

#include <stddef.h>

#include "util/strv.h"

/* A section node "NAME". */
struct draft_node {
	char *name, *mac, *address, *arch;
};

/* All strings are owned and never NULL. */
struct draft {
	/* cluster */
	char *name, *domain, *profile;
	/* boot */
	char *kernel, *root, *generation;
	struct strv kernel_args, packages;
	/* network: the interface's name or MAC address is the section's title */
	char *interface, *address, *ip_mode, *range, *dhcp, *gateway;
	/* nodes */
	char *count, *prefix, *first_address, *macs_file;
	struct strv macs;
	struct draft_node *nodes;
	size_t n_nodes;
	/* services */
	char *dhcp_service, *tftp, *nfs, *accounts, *http_port;
	/* access */
	struct strv ssh_keys;
	char *ssh_keys_file, *root_password_file;
};

/* One mistake, where a form shows it: ("network", "range"). */
struct draft_mistake {
	/* As in the answer file; both "" where it is about the answers as a whole. The titles of network and node are the keys
	 * "interface" and "name". Static. */
	const char *section, *key;
	int index;  /* which of draft.nodes for the section "node", which value of a list; -1: neither */
	char *text; /* one sentence: what is wrong, what would be right */
};
