/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the page of the single system knows: its nodes, its processes in the order and choice in which they are shown, and those
 * that have moved. Pure: no clock, no terminal; times come in as values, milliseconds since the epoch.
 */
#pragma once

#include "backend/muster.h"

/* X(NAME, title): what processes can be sorted by, in the order of the table's columns. */
#define SSI_MODEL_KEYS(X)    \
	X(NODE, N_("NODE"))  \
	X(PID, "PID")        \
	X(FROM, N_("FROM"))  \
	X(USER, N_("USER"))  \
	X(STATE, "S")        \
	X(CPU, N_("CPU"))    \
	X(TIME, N_("TIME"))  \
	X(MEMORY, N_("MEM")) \
	X(COMMAND, N_("COMMAND"))

enum ssi_model_key {
#define X(name, title) SSI_MODEL_##name,
	SSI_MODEL_KEYS(X)
#undef X
		SSI_MODEL_KEY_COUNT
};

#define SSI_MODEL_MARK_MS 6000 /* so long a process that has moved is marked */
#define SSI_MODEL_MOVES 32     /* the newest that are kept */

struct ssi_model_process {
	struct ssi_process is; /* its name is owned by the model */
	int cpu;	       /* of one processor since the look before, in thousandths; -1: not known yet */
	int64_t moved;	       /* when it was last seen to have moved; 0: not since it was seen first */
	int came_from;	       /* the node's id; only when it has moved */
};

struct ssi_model_move {
	int64_t at;
	long pid;
	char name[64];
	int from, to; /* ids of nodes */
};

struct ssi_model;

int ssi_model_new(struct ssi_model **ret) _must_check_;
void ssi_model_free(struct ssi_model *m);
DEFINE_CLEANUP(struct ssi_model *, ssi_model_free)

/* The nodes are as these states say, in this order; what hangs by the last look at the processes is broken. */
int ssi_model_nodes(struct ssi_model *m, const struct node_state *v, size_t n) _must_check_;
const struct ssi_state *ssi_model_state(const struct ssi_model *m);
/* The name of the node with this id, or "#7" in buf; "" for -1. */
const char *ssi_model_name(const struct ssi_model *m, int id, char buf[24]);
/* How many of the listed processes are there. */
size_t ssi_model_count(const struct ssi_model *m, int id);

/* There was a look at the processes; the kernel's own threads are none of this page's. */
int ssi_model_take(struct ssi_model *m, const struct ssi_processes *p, int64_t now) _must_check_;
/* What was known of them is void: nobody has looked for a while. */
void ssi_model_forget(struct ssi_model *m);
/* The last look did not come back. That holds until one does, or until nobody is in it. */
bool ssi_model_hangs(const struct ssi_model *m);
bool ssi_model_has_list(const struct ssi_model *m);
size_t ssi_model_total(const struct ssi_model *m, size_t *ret_left_out);

void ssi_model_sort(struct ssi_model *m, enum ssi_model_key key, bool reverse);
/* Only those in whose node, number, user or name each word of the text stands. -ENOMEM. */
int ssi_model_filter(struct ssi_model *m, const char *text) _must_check_;
/* Those that are shown, as sorted now. Pointers hold until the model is changed. */
size_t ssi_model_shown(struct ssi_model *m);
const struct ssi_model_process *ssi_model_row(struct ssi_model *m, size_t row);

/* The movements, newest first; NULL behind the last. */
const struct ssi_model_move *ssi_model_move(const struct ssi_model *m, size_t i);
