/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may hold how many connections, for how long, at which rate: the numbers stand in daemon/limits.h. It knows
 * descriptors and times, and nothing of HTTP. A connection is one of a node, of a node's agent, or of a stranger; strangers have
 * a share of all places only. The agent shares its node's address with every user there, but neither places nor rate: none
 * of them can keep its reports away. Where the places are taken, room is made by the one that has waited longest for the end of its request,
 * then by an address that holds more connections than whoever comes: so that slow ones never keep a node out.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "daemon/limit.h"
#include "daemon/limits.h"
#include "util/ip.h"

/* Beyond those that count, the ones that were ended and are not closed yet. */
#define GATE_PLACES (CONNECTIONS + 256)

/* X(NAME, LABEL): why a connection was not served, or not to its end. */
#define GATE_REASONS(X)                 \
	X(RATE, "rate")                 \
	X(ADDRESS, "address")           \
	X(FULL, "full")                 \
	X(DISPLACED, "displaced")       \
	X(SLOW_REQUEST, "slow_request") \
	X(SLOW_ANSWER, "slow_answer")   \
	X(NO_REQUEST, "no_request")

enum gate_reason {
#define X(name, label) GATE_##name,
	GATE_REASONS(X)
#undef X
		GATE_REASON_COUNT
};
extern const char *const gate_reason_labels[GATE_REASON_COUNT];

enum gate_kind {
	GATE_STRANGER,
	GATE_NODE,  /* of a node's address */
	GATE_AGENT, /* and of a port there that only root gets */
};

enum gate_state {
	GATE_FREE,
	GATE_WAITS,   /* for a request, or its end */
	GATE_ANSWERS, /* the server sends */
	GATE_DRAINS,  /* the server has sent all, and the system has not */
};

struct gate_place {
	enum gate_state state;
	int fd; /* borrowed: whoever entered it closes it, after gate_leave() */
	struct ip4 from;
	enum gate_kind kind;
	bool ended;	  /* shut down, and not closed yet: counts no more */
	unsigned int own; /* how many of this address count, the agent's apart */
	int64_t since, deadline;
	int64_t moved; /* when it was last seen that something of the answer had arrived */
	uint64_t waits, acked;
	unsigned long long requests;
};

struct gate {
	pthread_mutex_t lock;
	size_t used; /* places that are not free: what a sweep has to do with */
	struct limit requests, strangers;
	atomic_ullong counts[GATE_REASON_COUNT];
	struct gate_place places[GATE_PLACES];
};

void gate_init(struct gate *g, const uint64_t secret[2]);

/* Whether a connection from there may come in; makes room for it. `now` is steady, in ms, > 0, here and below. */
bool gate_admit(struct gate *g, struct ip4 from, enum gate_kind kind, int64_t now);
/* It has come in. NULL: there is no place; it was shut down. */
struct gate_place *gate_enter(struct gate *g, int fd, struct ip4 from, enum gate_kind kind, int64_t now);
/* It is about to be closed. NULL is fine, here and below. */
void gate_leave(struct gate *g, struct gate_place *p);

/* A whole request is there. False: there were too many. */
bool gate_request(struct gate *g, struct gate_place *p, int64_t now);
/* An answer with so long a body begins, which may take `within` ms at most (0: what its length allows); the server has sent it, and
 * the next request is waited for as soon as the other end has it too. */
void gate_answer(struct gate *g, struct gate_place *p, uint64_t len, int64_t within, int64_t now);
void gate_wait(struct gate *g, struct gate_place *p, int64_t now);

/* Ends those whose time is over. Returns how many places are taken. */
size_t gate_sweep(struct gate *g, int64_t now);

/* How many connections there are. */
size_t gate_connections(struct gate *g);
