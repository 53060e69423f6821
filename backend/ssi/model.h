/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The single system image as data. Part of the public contract: backend/muster.h includes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"

/* X(NAME, word): where a node stands. */
#define SSI_PLACES(X)         \
	X(OUT, "out")         \
	X(PRESENT, "present") \
	X(ONLINE, "online")   \
	X(BROKEN, "broken")

enum ssi_place {
#define X(name, word) SSI_##name,
	SSI_PLACES(X)
#undef X
};

struct ssi_node {
	char *name; /* owned, never NULL, as all texts here */
	enum ssi_place place;
	int id, session; /* -1: unknown */
	int processors;	 /* its own share; 0: unknown */
	long long memory_kb;
	double load;	/* below 0: unknown, as the next */
	long processes; /* that are there now */
	char *text;	/* out, broken: why, a phrase; "" otherwise */
};

enum ssi_health {
	SSI_DOWN, /* no node is in it */
	SSI_UP,
	SSI_WEDGED, /* it hangs, or will as soon as somebody looks */
};

struct ssi_state {
	enum ssi_health health;
	char *what;   /* a sentence */
	char *remedy; /* what to do; "" for nothing */
	size_t online;
	/* The merged machine, as one of its nodes sees it; 0: unknown. */
	int processors;
	long long memory_kb, memory_free_kb;
	double load;
	struct ssi_node *nodes; /* in the plan's order */
	size_t n_nodes;
};

/* A process of the single system. */
struct ssi_process {
	long pid;
	int node;     /* the id of the node where it is; -1: unknown */
	int home;     /* and of that where it began; -1: it is of one node alone */
	bool guessed; /* the kernel does not tell where it is: node is home */
	char state;   /* a letter of proc(5): R runs, S sleeps, D waits, Z has ended, T is stopped */
	bool kernel;  /* the kernel's own thread */
	long uid;
	int64_t ms; /* the time that it has used of processors */
	long long memory_kb;
	char *name; /* owned, never NULL */
};

enum ssi_look {
	SSI_LOOK_DONE,
	SSI_LOOK_HANGS,	 /* it did not come back: the single system hangs */
	SSI_LOOK_FAILED, /* this node cannot tell; another one may */
};

/* Its processes, as one of its nodes saw them. */
struct ssi_processes {
	enum ssi_look look;
	char *node;    /* who told; owned, never NULL, as text */
	char *text;    /* why there is no list, as the node said it; "" otherwise */
	int64_t at;    /* when it was told, ms since the epoch */
	int64_t clock; /* the node's own clock when it looked, ms: what lies between two looks */
	size_t total;  /* how many there are; the busiest are in the list */
	struct ssi_process *v;
	size_t n;
};

/* X(NAME, word): what a test looks at. */
#define SSI_CHECKS(X)               \
	X(PROCESSORS, "processors") \
	X(MEMORY, "memory")         \
	X(LEAVE, "leave")           \
	X(RETURN, "return")         \
	X(RESULT, "result")         \
	X(SHARED, "shared")

enum ssi_check_kind {
#define X(name, word) SSI_CHECK_##name,
	SSI_CHECKS(X)
#undef X
		SSI_CHECK_COUNT
};

enum ssi_verdict {
	SSI_NOT_TRIED, /* what it builds on failed */
	SSI_PASSED,
	SSI_FAILED,
	SSI_HANGS,
	SSI_UNTOLD, /* it was done, and the kernel does not let anybody see it */
};

struct ssi_check {
	enum ssi_verdict verdict;
	long ms;    /* -1: not measured */
	char *text; /* a sentence; owned, never NULL */
};

struct ssi_test {
	char *kernel, *version, *nodes; /* of its nodes; their range */
	int64_t at;			/* when it began, ms since the epoch */
	struct ssi_check checks[SSI_CHECK_COUNT];
	bool passed; /* all of them */
};

/* "processors", for the JSON */
const char *ssi_check_text(enum ssi_check_kind kind);
/* "passed", "failed", "hangs", "not tried" */
const char *ssi_verdict_text(enum ssi_verdict verdict);
/* "online" */
const char *ssi_place_text(enum ssi_place place);
/* "down", "up", "broken" */
const char *ssi_health_text(enum ssi_health health);
