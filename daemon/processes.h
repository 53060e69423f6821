/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The processes of the single system, for those who look at them over the control socket. While somebody does, the answer to
 * each report of one node asks it for them, and the list comes with a report of its own as soon as that node has it: so
 * nothing is kept in the store, the other nodes do nothing, and when nobody looks any more all of it ends by itself.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/report.h"
#include "util/strbuf.h"

/* Zero it to start, but for the lock. */
struct processes {
	pthread_mutex_t lock;
	bool wanted, kernel; /* kernel: with the kernel's own threads */
	char *node;	     /* who is asked; NULL: nobody yet */
	char *refused;	     /* who was asked last, and cannot tell */
	int64_t heard;	     /* when it was last heard of, or chosen; steady clock, ms */
	char *line;	     /* the newest list, as the control socket has it; NULL: there is none */
	int64_t line_at;
	uint64_t version; /* goes up with each list */
};

/* Whether anybody looks. From the main loop. */
void processes_want(struct processes *p, bool wanted, bool kernel);
/* The value with which this node is asked in the answer to its report, NULL: it is not. `joined`: it is in the single
 * system. `now` of the steady clock. */
const char *processes_ask(struct processes *p, const char *node, bool joined, int64_t now);
/* Takes what a node has told. `wall`: the time of day in ms. */
void processes_take(struct processes *p, const char *node, const struct report *r, int64_t now, int64_t wall);
/* What somebody who looks from now on has seen: the newest list, unless it is fresh. */
uint64_t processes_seen(struct processes *p, int64_t now);
/* Adds the newest list where it is not *seen yet. */
void processes_add(struct processes *p, uint64_t *seen, struct strbuf *out);
