/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The single system image as data. Part of the public contract: backend/muster.h includes it. */
#pragma once

#include <stddef.h>

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
	double load;
	char *text; /* out, broken: why, a phrase; "" otherwise */
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

/* "online" */
const char *ssi_place_text(enum ssi_place place);
/* "down", "up", "broken" */
const char *ssi_health_text(enum ssi_health health);
