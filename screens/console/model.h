/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the console knows of the cluster: the nodes as musterd told of them, in the order and choice in which they are
 * shown, and the newest events. Pure: no clock, no terminal; times come in as values, milliseconds since the epoch.
 *
 * A node keeps its id (from 1 on) as long as the model lives, also when it is sorted elsewhere, renamed or gone and back.
 */
#pragma once

#include "backend/muster.h"

/* X(NAME, title): what the nodes can be sorted by, in the order of the table's columns. */
#define MODEL_KEYS(X)             \
	X(NAME, N_("NODE"))       \
	X(ADDRESS, N_("ADDRESS")) \
	X(MAC, N_("MAC"))         \
	X(STAGE, N_("STAGE"))     \
	X(FOR, N_("FOR"))         \
	X(BOOT, N_("BOOT"))       \
	X(DELTA, "±")             \
	X(LOAD, N_("LOAD"))       \
	X(MEMORY, N_("MEM"))      \
	X(KERNEL, N_("KERNEL"))   \
	X(ROOT, N_("ROOT"))       \
	X(REPORT, N_("REPORT"))

enum model_key {
#define X(name, title) MODEL_##name,
	MODEL_KEYS(X)
#undef X
		MODEL_KEY_COUNT
};

/* What the header counts the nodes by. */
enum model_group { GROUP_READY, GROUP_BOOTING, GROUP_FAILED, GROUP_LOST, GROUP_OFF, GROUP_COUNT };

struct model_node {
	uint64_t id;
	struct node_state state;
	bool gone;
};

struct model_event {
	int64_t id, at;
	char *node, *kind, *text; /* owned, never NULL */
};

struct model_totals {
	size_t nodes, groups[GROUP_COUNT];
	size_t processors;	      /* of the ready nodes */
	unsigned long long memory_kb; /* likewise */
};

struct model;

int model_new(struct model **ret) _must_check_;
void model_free(struct model *m);
DEFINE_CLEANUP(struct model *, model_free)

/* A node is there, or is not as it was; the state is copied. */
int model_put(struct model *m, const struct node_state *state) _must_check_;
void model_gone(struct model *m, const char *name);
void model_gone_all(struct model *m);
/* The newest MODEL_EVENTS_KEPT are kept. */
int model_event(struct model *m, int64_t id, int64_t at, const char *node, const char *kind,
		const char *text) _must_check_;
#define MODEL_EVENTS_KEPT 5000

const struct model_totals *model_totals(struct model *m);
enum model_group model_group_of(enum node_stage stage);

/* By what the nodes are sorted. Nodes that are equal in it keep the plan's order; those of which it is not known come last,
 * either way. */
void model_sort(struct model *m, enum model_key key, bool reverse);
enum model_key model_sort_key(const struct model *m, bool *ret_reverse);
/* Only nodes in whose name, address, MAC address, stage, kernel, root or reason each word of the text stands; "" or NULL:
 * all. -ENOMEM. */
int model_filter(struct model *m, const char *text) _must_check_;
const char *model_filter_text(const struct model *m);

/* The nodes that are shown, as sorted now. Pointers hold until the model is changed. */
size_t model_shown(struct model *m);
const struct model_node *model_row(struct model *m, size_t row);
/* NULL: there is none, or it is gone. */
const struct model_node *model_find(struct model *m, const char *name);
const struct model_node *model_by_id(struct model *m, uint64_t id);

/* All nodes, also those that are not shown, in no order that means anything; those that are gone, too. */
size_t model_all(const struct model *m);
const struct model_node *model_any(const struct model *m, size_t i);

/* The events, oldest first. */
size_t model_events(const struct model *m);
const struct model_event *model_event_at(const struct model *m, size_t i);

/* How long the node has been in its stage, in ms; -1: never seen. */
int64_t model_for(const struct node_state *s, int64_t now);
/* Its boot against its own median, in percent (-3: three percent quicker); INT_MIN: not known. */
int model_delta(const struct node_state *s);
/* Memory in use, percent; -1: not known. */
int model_memory(const struct node_state *s);
