/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the verbs of the single system have in common: the nodes that they are about, and what is said of each. For the facade's
 * own files. */
#pragma once

#include "backend/context.h"

struct work {
	struct node_state *v;
	size_t n;
	struct muster_result *results; /* of each node; its text is NULL until something was said */
};

/* The nodes of a range (NULL: all), as muster_status() gives them. work_free() also after a failure. */
int work_begin(struct muster *m, const char *range, struct work *w) _must_check_;
/* Of those only that are in the single system. */
int work_begin_online(struct muster *m, const char *range, struct work *w) _must_check_;
/* Before anything was said: puts them into this order. */
int work_sort(struct work *w, int (*compare)(const void *, const void *)) _must_check_;
void work_free(struct work *w);
/* Hands the results out; what nothing was said of was not come to. */
int work_end(struct work *w, struct muster_result **ret, size_t *ret_n) _must_check_;

int work_say(struct work *w, size_t i, int code, const char *fmt, ...) _printf_(4, 5);
int work_names(const struct work *w, struct strv *names) _must_check_;
/* A step of that name, "3 nodes". */
void work_step(struct muster *m, const char *name, const struct work *w);

static inline bool work_is_online(const struct node_state *s)
{
	return s->stage == NODE_JOINED;
}

/* One node does it: 1, or 0. *ret_said (owned; what it held before is freed) is what it said of it, or why it did not;
 * *ret_missing: another node may be able to. */
int work_order_one(struct muster *m, const char *name, const char *what, const char *args, int64_t timeout_ms,
		   char **ret_said, bool *ret_missing) _must_check_;
/* The same by an online node that is none of `but` (may be NULL): only one of them may have the container's tools. */
int work_order_any(struct muster *m, const struct work *but, const char *what, const char *args,
		   int64_t timeout_ms, char **ret_said) _must_check_;
/* Orders hang in one that is broken: -MUSTER_E_REFUSED then (emitted, with the remedy). */
int work_healthy(struct muster *m) _must_check_;
/* Has them report now. Those that cannot be asked report at their time. */
int work_poke(struct muster *m, const struct strv *names) _must_check_;
/* Until all of them say that they are online, or that they are not; says it of each. 1: all do; 0: not all, in time. */
int work_await_online(struct muster *m, struct work *w, bool online) _must_check_;
/* What should have brought them in, or out, has failed, but maybe not of all: has each report, and says "WHAT: WHY" of those that
 * are not as they should. why may be NULL: no node could be asked. */
int work_failed(struct muster *m, struct work *w, bool online, const char *what,
		const char *why) _must_check_;
