/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Do kernel and root fit the machines? Answers may be right and yet not boot: a kernel without a driver for the nodes'
 * network cards, a root that is larger than their memory, a libc that is too new for the kernel. The judging is pure, so that
 * it can be tried with facts of other machines; backend/fit-gather.c collects them. Private to the facade.
 */
#pragma once

#include "backend/muster.h"
#include "util/ip.h"

/* A network card that a node has said it has. */
struct fit_card {
	const char *node, *id; /* "node03", "8086:15f3" */
	bool driven;	       /* the kernel has a driver for it */
};

struct fit {
	const char *kernel;  /* as the answers name it */
	const char *unbuilt; /* that it is to be built here and is not yet: a sentence; NULL: it is */
	enum plan_root root;
	const char *release; /* of the kernel; NULL where it is not known */
	bool no_modules;     /* a kernel of the operator's own, beside which no modules lie */
	/* Machines that do not look virtual by their MAC addresses; the first of them. */
	size_t n_real;
	const char *real, *real_vendor; /* "" for an unknown vendor */
	const struct fit_card *cards;
	size_t n_cards;
	unsigned long long root_bytes; /* of the squashfs; 0: it is not built yet */
	const char *poorest;	       /* the node with the least memory; NULL: none is known */
	long long poorest_kb;
	/* Of a cluster that is to be one machine: the kind of cluster, and what the root lacks for it. NULL: it is none, or the
	 * root has all. */
	const char *profile, *no_tool; /* "krgadm" */
	unsigned int libc[3];	       /* the oldest Linux that the root's libc runs on; all 0: unknown */
};

/* Adds what is to be warned of, each at its place ("boot", "kernel" or "root"). -ENOMEM. */
int fit_judge(const struct fit *f, struct draft_mistake **ret, size_t *ret_n) _must_check_;

/* Whether this is the address of a card in a virtual machine: one that nobody burned into a card, or one of those that the
 * makers of virtual machines were given. */
bool fit_mac_virtual(struct mac mac);
/* The PCI id in the sentence with which an agent says that it has no driver (agent/net.c): 1, and it is copied; 0: none. */
int fit_card_of_reason(const char *reason, char ret_id[10]);
/* "6.1.0-37-amd64" → 6, 1, 0. False: that is no release of Linux. */
bool fit_release(const char *release, unsigned int ret[3]);
/* The memory that a node needs at the least, in kB; root_bytes as in struct fit. */
long long fit_memory_kb(enum plan_root root, unsigned long long root_bytes);
