/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A node as it is known now, as data. Part of the public contract: backend/muster.h includes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"

/* X(NAME, text, letter): the stages in the order of a boot, then the two that end one. */
#define NODE_STAGES(X)                 \
	X(OFF, "off", '.')             \
	X(DHCP, "dhcp", '~')           \
	X(LOADER, "loader", '~')       \
	X(KERNEL, "kernel", '~')       \
	X(INITRAMFS, "initramfs", '~') \
	X(ROOT, "root", '~')           \
	X(READY, "ready", '*')         \
	X(JOINED, "joined", '*')       \
	X(FAILED, "failed", 'x')       \
	X(LOST, "lost", 'x')

enum node_stage {
#define X(name, text, letter) NODE_##name,
	NODE_STAGES(X)
#undef X
};

#define NODE_STAGE_COUNT 10

struct node_stage_time {
	enum node_stage stage;
	int64_t at; /* when it was entered, milliseconds since the epoch */
	int64_t ms; /* how long it lasted; so far, for the present one */
};

/* Its part in the single system image, as its agent last read it. */
struct node_ssi {
	bool known;	   /* its kernel has one; all else counts only then */
	int node, session; /* its id in there; only nodes of one session see each other; -1: unknown */
	int subsession;	   /* -1: not started on this node; else it is in it */
	int max_nodes, online, present, possible; /* nodes, as this one counts them; 0: unknown */
	int processors; /* of the merged machine, and so the next three; 0: unknown */
	long long memory_kb, memory_free_kb;
	double load;	 /* negative: unknown */
	char abi[32];	 /* a word; "" when unknown */
	char stuck[128]; /* the file whose reading did not come back; "" for none */
};

/* Its texts are owned and never NULL. */
struct node_state {
	char *name;
	int64_t place; /* in the plan's order, from 0 */
	char *mac;     /* "" while unknown */
	char *address;
	enum node_stage stage;
	struct node_stage_time *stages; /* of its newest boot, oldest first; owned, n_stages */
	size_t n_stages;
	char *kernel;	/* uname -r as it reported; "" before */
	char *version;	/* uname -v, likewise: another one is another build */
	char *card;	/* PCI id of the network card that it boots over: "8086:15f3"; "" while unknown */
	char *cards;	/* of all its network cards, with blanks between; "" while unknown */
	char *root;	/* the root generation it booted; "" before */
	int processors; /* 0 before its first report */
	long long memory_kb, memory_free_kb;
	double load;
	int64_t last_report; /* milliseconds since the epoch; 0: never */
	char *reason;	     /* failed: why; "" otherwise */
	char *log;	     /* failed: the kernel's last lines */
	int64_t boot_ms;     /* of its newest boot: from the first sign of life until ready; -1: not yet */
	int64_t median_ms;   /* of all its kept boots that became ready; -1: none did */
	int64_t boots;	     /* how often it was seen to boot */
	char *next;	     /* what it boots next: "" the cluster's system; disk, memtest, root:ID */
	bool next_always;    /* not only once */
	struct node_ssi ssi;
};

const char *node_stage_text(enum node_stage s);
char node_stage_letter(enum node_stage s);
int node_stage_parse(const char *text, enum node_stage *ret); /* -EINVAL */

/* How long each stage lasted, the present one until `now` (milliseconds since the epoch): fills stages[].ms. */
void node_state_measure(struct node_state *s, int64_t now);
/* A copy of its own; *ret is untouched on failure (-ENOMEM). */
int node_state_copy(const struct node_state *s, struct node_state *ret) _must_check_;
void node_state_clear(struct node_state *s); /* frees what it owns; it is empty then */
