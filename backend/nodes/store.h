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

#include "agent/wire.h"
#include "backend/nodes/node.h"
#include "backend/plan/plan.h"
#include "util/macro.h"
#include "util/strv.h"

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
	enum node_stage stage;		   /* INITRAMFS, ROOT, READY, JOINED, FAILED, or OFF: it shuts down */
	const char *kernel, *reason, *log; /* "" where absent */
	const char *version;		   /* uname -v; "" or NULL where absent */
	double load;			   /* negative where absent */
	long long memory_kb, memory_free_kb; /* 0 where absent */
	int processors;			     /* 0 where absent */
	struct node_ssi ssi;		     /* not known: absent */
	char card[10];			     /* PCI id of its network card, "8086:15f3"; "" where absent */
	char cards[160];		     /* of all of them, with blanks between; "" where absent */
};
/* What the node says of its present boot. What is absent stays as it was reported before; a stage that the boot
 * has passed changes no stage, but that a node which says that it is not in the single system is no more JOINED. OFF ends the boot: what its machine asks for next begins another one. */
int store_report(struct store *s, int64_t now, const char *node,
		 const struct store_report *report) _must_check_;

/* The boot that a token belongs to. */
struct store_owner {
	char *node, *mac, *address, *generation; /* owned, never NULL */
	enum node_stage stage;
	int64_t entered;   /* when it entered this stage */
	int64_t handed;	   /* when its personality was handed out for the first time; 0: never */
	int64_t delivered; /* when that has come to the node; 0: not yet */
};
/* Whose boot is it? -ENOENT: no present boot has this token. */
int store_token(struct store *s, const char *token, struct store_owner *ret) _must_check_;
void store_owner_free(struct store_owner *o);
/* The personality of the boot with this token is handed out: it enters the stage kernel. On the disk when it returns, as is
 * what the next function does: no loss of power makes a boot's secrets be handed out again. */
int store_hand(struct store *s, int64_t now, const char *node, const char *token) _must_check_;
/* It has come to the node. Fine where the boot is over. */
int store_delivered(struct store *s, int64_t now, const char *token) _must_check_;

/* Whether the node has reported, and the last that it said was not that it shuts down. */
int store_spoke(struct store *s, const char *node, bool *ret) _must_check_;

/* Nodes whose last report is older than max_age ms and that were ready or joined become lost. Returns how many, or < 0. */
int store_expire(struct store *s, int64_t now, int64_t max_age) _must_check_;

/* The state of all nodes, in the plan's order; names (may be NULL) chooses. -ENOENT: a name is unknown. */
int store_nodes(struct store *s, int64_t now, const struct strv *names, struct node_state **ret,
		size_t *ret_n) _must_check_;
/* Keeps over which network card the node boots, "8086:15f3", as its loader says it, also before it has ever reported. Counts
 * as no change of its state. */
int store_card(struct store *s, const char *node, const char *card) _must_check_;
/* Tells fn of each node that has said over which network card it boots, "8086:15f3". */
int store_cards(struct store *s, int (*fn)(void *data, const char *node, const char *card),
		void *data) _must_check_;
void node_states_free(struct node_state *v, size_t n);

/*
 * What changed. Each change of a node's state gives it a new number, higher than every number before, for as long as
 * the database lives and over the life of each: a `since` of another database counts as 0. So a reader that keeps the
 * last number asks for what is newer, also after a restart of either side.
 */
struct store_changes {
	struct node_state *nodes; /* in the order of their changes, at most `max` */
	size_t n_nodes;
	struct strv gone; /* nodes that were dropped */
	int64_t seq;	  /* the number to ask with the next time */
	bool more;	  /* there are newer changes already */
	bool all;	  /* `since` was of no use: these are the first of all nodes; forget every other */
};
int store_changed(struct store *s, int64_t now, int64_t since, size_t max,
		  struct store_changes *ret) _must_check_;
void store_changes_free(struct store_changes *c);

/* ---- the operator's wishes: kept until they are fulfilled or given up, with events "power", "ssi" and "next" ------------ */

/* Who asks. */
struct store_asker {
	int64_t uid;
	const char *name; /* borrowed; NULL: not known */
};
/* The node's agent shall do it: "reboot" or "poweroff". Takes the place of what it was to do. -ENOENT: no such node. */
int store_action_add(struct store *s, int64_t now, const char *node, const char *what,
		     const struct store_asker *who) _must_check_;
/* An action with arguments (what agent/wire.h says of WIRE_KEY_ACTION), whose outcome is kept: *ret_id is its number. The
 * last 20 outcomes of a node are kept. */
int store_order_add(struct store *s, int64_t now, const char *node, const char *what, const char *args,
		    const struct store_asker *who, int64_t *ret_id) _must_check_;
struct store_outcome {
	char state[16];	     /* "waiting", "running", "done"; "dropped": it will never be */
	int status;	     /* of a done one: an exit status */
	char *node, *output; /* owned; of a dropped one: why */
};
/* -ENOENT: there is no such order any more. */
int store_outcome_get(struct store *s, int64_t id, struct store_outcome *ret) _must_check_;
void store_outcome_free(struct store_outcome *o);
/* The node says what became of it; passed over where it is none of this node's that runs, or may,
 * since it was told. */
int store_outcome_set(struct store *s, int64_t now, const char *node, int64_t id, int status,
		      const char *output) _must_check_;

struct store_action {
	int64_t id;
	char what[16], args[WIRE_ARGS_MAX];
};
/* What the node that has just reported shall be told: 1, or 0 for nothing. It is told again at its next reports until it
 * says that it does it, five times at most, and in one boot only, so that no node is restarted twice. One that is busy is told of
 * no order. */
int store_action_tell(struct store *s, int64_t now, const char *node, bool busy,
		      struct store_action *ret) _must_check_;
/* The node says that it does this one; 0: it shuts down, which is what it was told to, if it was told anything. */
int store_action_done(struct store *s, int64_t now, const char *node, int64_t id) _must_check_;
/* Gives up what was asked for more than max_age ms ago. */
int store_action_expire(struct store *s, int64_t now, int64_t max_age) _must_check_;

/* What a node boots next: "" the cluster's system, "disk", "memtest", or "root:ID" with its initramfs. */
struct store_next {
	char *what, *initramfs; /* owned, never NULL */
	bool always;
};
/* -ENOENT: no such node. */
int store_next_set(struct store *s, int64_t now, const char *node, const struct store_next *next,
		   const struct store_asker *who) _must_check_;
int store_next_get(struct store *s, const char *node, struct store_next *ret) _must_check_;
/* The node has gone on with it: a wish for once is fulfilled. */
int store_next_used(struct store *s, int64_t now, const char *node, const char *what) _must_check_;
void store_next_free(struct store_next *n);

struct store_event_row {
	int64_t id, at;
	char *node, *kind, *text; /* node: "" for none */
};
/* Events with an id above `after`, oldest first, at most `max`. */
int store_events(struct store *s, int64_t after, size_t max, struct store_event_row **ret,
		 size_t *ret_n) _must_check_;
void store_events_free(struct store_event_row *v, size_t n);
/* The newest event's id; 0 where there was none. */
int store_events_newest(struct store *s, int64_t *ret) _must_check_;

/* The state of one node. -ENOENT. */
int store_node(struct store *s, int64_t now, const char *node, struct node_state *ret) _must_check_;

/* What is kept of one node, oldest first. */
struct store_boot_row {
	int64_t began, ms; /* ms until it was ready; -1: it never was */
	char *root, *kernel;
	enum node_stage stage; /* where it ended, or is */
	struct node_stage_time *stages;
	size_t n_stages;
};
struct store_history {
	struct node_state node;
	struct store_boot_row *boots;
	size_t n_boots;
	int64_t medians[NODE_STAGE_COUNT]; /* ms that it was in each stage before it was ready; -1: never */
	struct store_event_row *events;	   /* its newest ones */
	size_t n_events;
};
/* -ENOENT: there is no such node. */
int store_history(struct store *s, int64_t now, const char *node, size_t max_events,
		  struct store_history *ret) _must_check_;
void store_history_free(struct store_history *h);
