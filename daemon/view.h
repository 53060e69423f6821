/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is to be booted: the plan and the ids of its root and initramfs, as apply wrote them to
 * /etc/muster/cluster.json. A view never changes; a reload makes a new one, and who still works with the old one
 * holds a reference to it.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "backend/plan/plan.h"
#include "util/hash.h"
#include "util/macro.h"

#define VIEW_PATH "/etc/muster/cluster.json"

struct view {
	atomic_int references;
	struct plan *plan;
	char *generation, *initramfs, *kernel_release; /* "" where none is built yet */
	uint32_t *by_mac, *by_address;		       /* indices into plan->nodes, sorted */
	size_t n_by_mac, n_by_address;
	char written[HASH_TEXT]; /* which file it was read from: see hash_written(); "" for a text */
};

/* Reads it below the root; why it cannot be used is logged. */
int view_load(int root_fd, struct view **ret) _must_check_;
/* The same from a text; `name` is for messages. -MUSTER_E_FORMAT. */
int view_parse(const char *text, size_t len, const char *name, struct view **ret) _must_check_;

struct view *view_ref(struct view *v);
void view_unref(struct view *v); /* NULL is fine */
DEFINE_CLEANUP(struct view *, view_unref)

/* NULL: there is none. Logarithmic in the number of nodes. */
const struct plan_node *view_by_mac(const struct view *v, struct mac mac);
const struct plan_node *view_by_address(const struct view *v, struct ip4 address);
