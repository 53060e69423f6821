/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the rehearsal's own files. */
#pragma once

#include "lab/private.h"
#include "lab/rehearse.h"

/* Takes the lines over; no line, no evidence. */
int lab_evidence_add(struct lab_evidence **v, size_t *n, const char *title, struct strv *lines) _must_check_;
/* Of a node that failed: `dir` is the rehearsal's folder, `lab` its context, `s` what musterd knows of it, or NULL. */
int lab_evidence_gather(struct lab_try *t, struct muster *lab, int dir,
			const struct node_state *s) _must_check_;
/* The services' last lines, where no node was powered on. */
int lab_evidence_services(struct lab_rehearsal *v, int dir) _must_check_;

/* What is used of the server as it is. */
struct lab_borrow {
	const char *server;    /* its root, absolute */
	bool roots, initramfs; /* all that this plan needs is there */
};

/* ---- rehearse-mounts.c: in the rehearsal's mount namespace ---- */

/* What the server has built is seen, read-only, below the rehearsal's root. */
int lab_mount_built(const struct lab_options *o, const struct lab_borrow *b) _must_check_;
/* The rehearsal's folders lie where the server's do: the paths in the files lead to them. */
int lab_mount_over(const struct lab_options *o) _must_check_;

/* ---- rehearse-report.c ---- */

/* Writes report.txt and rehearsal.json. */
int lab_report_write(const struct lab_options *o, struct lab_rehearsal *r) _must_check_;

/* ---- rehearse-nodes.c ---- */

/* Powers the nodes on, as many at a time as fit into memory and processors, and waits for each one's end. */
int lab_rehearse_nodes(const struct lab_rehearse_options *o, struct lab_rehearsal *r) _must_check_;
