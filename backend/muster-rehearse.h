/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The backend's part in a rehearsal (lab/rehearse.h): part of backend/muster.h, which includes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"
#include "util/strv.h"

struct muster;

/* Where a rehearsal lives when nobody says otherwise, below the root; plan and apply look there for what it came to. */
#define MUSTER_REHEARSAL_FOLDER "/var/lib/muster/rehearsal"
/* In its folder: {"plan": HASH, "at": MS, "ready": N, "tries": N} */
#define MUSTER_REHEARSAL_RECORD "/rehearsal.json"
#define MUSTER_REHEARSAL_HASH 65

/* What a rehearsal needs to know of the plan that was read last. */
struct muster_rehearsal {
	char *root_id;
	bool root_built, initramfs_built; /* here, on the server */
	char plan[MUSTER_REHEARSAL_HASH]; /* the same for the same answers, facts, root and muster */
};
int muster_rehearsal_look(struct muster *m, struct muster_rehearsal *ret) _must_check_;
void muster_rehearsal_clear(struct muster_rehearsal *r);
/* The packages that rehearsing this plan needs and that are not there. */
int muster_rehearsal_missing(struct muster *m, bool uefi, struct strv *ret) _must_check_;
/* The nodes of this plan that the range names, in its order. -EINVAL: emitted. */
int muster_rehearsal_nodes(struct muster *m, const char *range, struct strv *ret) _must_check_;

enum muster_difference_kind {
	MUSTER_DIFFERENCE_NONE,
	MUSTER_DIFFERENCE_CONTENT,
	MUSTER_DIFFERENCE_SERVER_ONLY,
	MUSTER_DIFFERENCE_REHEARSAL_ONLY,
};

struct muster_difference {
	enum muster_difference_kind kind;
	char *path;
	char *diff; /* of CONTENT: a unified diff from the server's to the rehearsal's, without secrets; else "" */
};
/* Each file that the plan asks of this server, held against what lies below that folder now, and what lies there in /etc besides. */
int muster_rehearsal_compare(struct muster *m, const char *folder, struct muster_difference **ret,
			     size_t *ret_n) _must_check_;
void muster_differences_free(struct muster_difference *v, size_t n);

/* What the last rehearsal in MUSTER_REHEARSAL_FOLDER came to. */
struct muster_rehearsed {
	int64_t at; /* ms since the epoch */
	unsigned int ready, tries;
	bool same; /* it was of the plan that was read last */
};
/* -ENOENT: there was none. The plan that was read last is what it is held against. */
int muster_rehearsed(struct muster *m, struct muster_rehearsed *ret) _must_check_;
/* The same as a sentence: "Rehearsed at ...: 2 of 2 ready." or that it was not; owned. */
int muster_rehearsed_text(struct muster *m, char **ret) _must_check_;
