/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which nodes may form one machine: it is as fragile as the weakest of them. Pure. */
#pragma once

#include "backend/nodes/node.h"
#include "util/strv.h"

#define SSI_INTERVAL 10 /* seconds between reports, where musterd is not asked */

/*
 * The nodes v shall form a single system, or join the one that the nodes `in` are in (n_in 0: none). Every reason against it is added
 * to `refusals`, a sentence each; none means that they may. Each must be ready and not in one yet, have reported within three
 * and a half report intervals (seconds) and without trouble, have a session, and an id from 1 to 254 that no other has, also none
 * of `in`; all must run the same build and be of one session.
 */
int ssi_gate(const struct node_state *v, size_t n, const struct node_state *in, size_t n_in, int64_t now,
	     int interval, struct strv *refusals) _must_check_;

/* Their ids as krgadm takes them, "2,4-16", but for the node `without` (may be NULL); owned. */
int ssi_id_list(const struct node_state *v, size_t n, const struct node_state *without,
		char **ret) _must_check_;
