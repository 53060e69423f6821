/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cluster that exists in a scratch folder only: answers, a store with nodes that have booted, and a musterd on the
 * loopback device. No node is there, so whatever is asked of one comes to nothing. Failures end the program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backend/nodes/store.h"

#define CLUSTER_ANSWERS "/etc/muster/answers.conf"
#define CLUSTER_ROOT "debian-12-9f3c01234567"
/* What the times in the store are counted from stands still on a clock with this hour. */
#define CLUSTER_HOUR 14
#define CLUSTER_MINUTE 30

struct cluster {
	char root[40];
	int root_fd;
	struct plan plan;
	int64_t at; /* the wall clock when it was made, ms; the store's times are before it */
	pid_t pid;  /* musterd's; 0: it does not run */
};

/* So many nodes, none of which was seen yet. */
struct cluster *cluster_new(size_t nodes);
/* With other addresses than 10.66.0.11 and on, so that they can report: those of the loopback device. */
struct cluster *cluster_new_at(size_t nodes, uint32_t first);
/* Gives them a past: all are ready but the last three, of which one boots, one has failed and one was shut down. With
 * `history` each has booted three times before. */
void cluster_seed(struct cluster *c, bool history);
/* The first so many of them are in a single system, which is up. */
void cluster_join(struct cluster *c, size_t nodes);
/* The store, for more; the caller frees it. */
struct store *cluster_store(struct cluster *c);
void cluster_boot(struct store *s, const struct plan_node *n, int64_t began, enum node_stage last,
		  int64_t slower);
/* With an interval between reports in which no node gets lost. */
void cluster_start(struct cluster *c);
void cluster_stop(struct cluster *c);
/* A node that is ready says what its load is, as its agent would; true: musterd took it. */
bool cluster_report(struct cluster *c, size_t i, double load);
/* The same with a body of its own; *ret_asked (may be NULL): the answer asks it for the processes of the single system. */
bool cluster_tell(struct cluster *c, size_t i, const char *body, bool *ret_asked);
void cluster_free(struct cluster *c);

/* A value of PATH, "PATH=...": there is but a program in ssh's place, so nothing that is tried can be done. Each node says who
 * it is, and node02 fails with status 3. Borrowed. */
const char *cluster_path(const struct cluster *c);
/* "TZ=...", with which it was CLUSTER_HOUR:CLUSTER_MINUTE when the cluster was made; borrowed. */
const char *cluster_zone(const struct cluster *c);
