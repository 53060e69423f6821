/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of the nodes, kept in SQLite (write-ahead log): musterd writes, status reads beside it.
 * Times are milliseconds since the epoch and come in as values. Functions return 0 or a negative
 * errno; a damaged database is -MUSTER_E_FORMAT, logged.
 *
 * A node's *newest boot* is what status shows. Its *present boot* is the one that has a token: the same one, but
 * for a machine that DHCP has seen since and that has not asked for its loader script. Kept are a node's last 20
 * boots and the newest 100,000 events. Each change of a stage adds an event by itself.
 */
#pragma once

#include "backend/nodes/node.h"
#include "backend/plan/plan.h"
#include "util/macro.h"

struct store;

enum store_mode {
	STORE_READ,  /* -ENOENT where there is none yet */
	STORE_WRITE, /* creates and upgrades it */
};

/* `path` is a real path (SQLite opens by name). */
int store_open(const char *path, enum store_mode mode, struct store **ret) _must_check_;
void store_free(struct store *s);
DEFINE_CLEANUP(struct store *, store_free)

/* Makes the table of nodes that of the plan, in one transaction: new ones are added, those that are gone
 * are dropped with their boots; what is known of the others stays. */
int store_sync(struct store *s, const struct plan *p) _must_check_;

/* Adds an event. kind: "dhcp", "tftp", "boot", "stage", "report", "refused", "failed", ... node may be NULL. */
int store_event(struct store *s, int64_t now, const char *node, const char *kind,
		const char *text) _must_check_;

/* A node was seen by DHCP: begins a new boot in stage dhcp, unless one was begun by DHCP within the last
 * 60 s and has not come further than the loader. A boot that its loader began
 * within the last 5 s gets the stage dhcp as its first: the event was overtaken. The MAC address is learnt; another one than before begins a new
 * boot. The present boot keeps its token, so that a forged or needless lease does not cut a running node off: its
 * next report takes the new boot back. */
int store_dhcp(struct store *s, int64_t now, const char *node, const char *mac) _must_check_;

/* The loader asked for its script: the node's newest boot, or a new one where that has come further, is older
 * than five minutes or is another machine's, gets this token (only its SHA-256 is kept) and goes on to the stage
 * loader. Every older token of the node is void from then on. `mac` is learnt. */
int store_boot(struct store *s, int64_t now, const char *node, const char *mac, const char *address,
	       const char *token, const char *generation) _must_check_;

/* The present boot of the node (where there is none, the newest) enters a stage; entering the present stage again changes nothing, going back
 * is refused with -EINVAL (but from failed and lost). -ENOENT: there is no such node, or no boot of it. */
int store_stage(struct store *s, int64_t now, const char *node, enum node_stage stage) _must_check_;

struct store_report {
	enum node_stage stage;		     /* INITRAMFS, ROOT, READY, FAILED, or OFF: it shuts down */
	const char *kernel, *reason, *log;   /* "" where absent */
	double load;			     /* negative where absent */
	long long memory_kb, memory_free_kb; /* 0 where absent */
	int processors;			     /* 0 where absent */
};
/* What the node says of its present boot. What is absent stays as it was reported before; a stage that the boot
 * has passed changes no stage. OFF ends the boot: what its machine asks for next begins another one. */
int store_report(struct store *s, int64_t now, const char *node,
		 const struct store_report *report) _must_check_;

/* The boot that a token belongs to. */
struct store_owner {
	char *node, *mac, *address, *generation; /* owned, never NULL */
	enum node_stage stage;
};
/* Whose boot is it? -ENOENT: no present boot has this token. */
int store_token(struct store *s, const char *token, struct store_owner *ret) _must_check_;
void store_owner_free(struct store_owner *o);

/* When the node last reported, in any of its boots but those that it has ended by shutting down; 0: never, or
 * there is no such node. */
int store_last_report(struct store *s, const char *node, int64_t *ret) _must_check_;

/* Nodes whose last report is older than max_age ms and that were ready or joined become lost. Returns how many, or < 0. */
int store_expire(struct store *s, int64_t now, int64_t max_age) _must_check_;

/* The state of all nodes, in the plan's order; names (may be NULL) chooses. -ENOENT: a name is unknown. */
int store_nodes(struct store *s, int64_t now, const struct strv *names, struct node_state **ret,
		size_t *ret_n) _must_check_;
void node_states_free(struct node_state *v, size_t n);

struct store_event_row {
	int64_t id, at;
	char *node, *kind, *text; /* node: "" for none */
};
/* Events with an id above `after`, oldest first, at most `max`. */
int store_events(struct store *s, int64_t after, size_t max, struct store_event_row **ret,
		 size_t *ret_n) _must_check_;
void store_events_free(struct store_event_row *v, size_t n);
