/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the console's own screens. */
#pragma once

#include "screens/console/model.h"
#include "tui/tui.h"
#include "util/strbuf.h"
#include "util/strv.h"

struct console {
	struct muster *muster;
	struct tui *tui;
	struct model *model;
	struct muster_feed *feed; /* NULL: no connection */
	struct muster_feed_from from;
	char *cluster, *domain, *generation; /* owned; "" before anything was told */
	bool synced;			     /* every node was told of once */
	int lost;			     /* why there is no connection; 0: there is one */
	int64_t lost_at;		     /* since when, wall clock */
	uint64_t changes;		     /* goes up with each batch */
	unsigned int retry_timer, tick_timer;
};

/* Connects, and keeps the model up to date in the terminal's loop. The screens above it must be closed before its end. */
int console_begin(struct muster *m, struct tui *t, struct console **ret) _must_check_;
void console_end(struct console *c); /* NULL is fine */

/* What stands on the line below the header while there is no connection: false, when there is one. */
bool console_lost(const struct console *c, struct strbuf *text);

/* Screens; the argument of these is the console, of the node's page a struct node_argument. */
extern const struct screen_ops nodes_screen, events_screen, ssi_screen;

struct node_argument {
	struct console *console;
	const char *name; /* borrowed until the screen is open */
};
extern const struct screen_ops node_screen;

/* Events of one node, or with node NULL of all. */
struct events_argument {
	struct console *console;
	const char *node;
};

/* ---- actions.c: on nodes; they ask where something may be lost ---- */

/* Joined to the keys of the table and of a node's page. */
#define ACTION_KEYS(X)                                                                                      \
	X(ACTION_NEXT, 'b', TK_NONE, N_("boot next"), N_("Choose what they boot next"), KEYMAP_BAR)         \
	X(ACTION_REBOOT, 'r', TK_NONE, N_("reboot"), N_("Restart them"), KEYMAP_BAR)                        \
	X(ACTION_COMMAND, 'c', TK_NONE, N_("command"), N_("Run a command on them, and see what each says"), \
	  KEYMAP_BAR)                                                                                       \
	X(ACTION_WAKE, 'w', TK_NONE, N_("wake"), N_("Switch them on over the network"), KEYMAP_BAR)         \
	X(ACTION_POWER_OFF, 'o', TK_NONE, N_("off"), N_("Switch them off"), KEYMAP_BAR)                     \
	X(ACTION_RENAME, 'n', TK_NONE, N_("rename"), N_("Give it another name"), KEYMAP_BAR)                \
	X(ACTION_REMOVE, 'x', TK_DELETE, N_("remove"), N_("Take them out of the cluster"), KEYMAP_BAR)

enum action_request {
	ACTION_BEFORE = KEYMAP_SHARED + 199,
	ACTION_KEYS(KEYMAP_ENUM) ACTION_REQUESTS_END,
};

bool action_is(int request);
/* On these nodes, one at least. 0, or what ends the console. */
int action_do(struct console *c, int request, const struct strv *names) _must_check_;

/* ---- for the actions' own files ---- */

/* Forgets what went wrong before. */
void action_begin(struct console *c);
/* Says why something could not be done; returns only what ends the console. */
int action_failed(struct console *c, int r) _must_check_;
/* Asks, naming the nodes; the cursor stands on no. */
bool action_confirm(struct console *c, const char *title, const char *question, const char *nodes);

/* edit.c: on the answers that were applied, and then the server. */
int action_rename(struct console *c, const char *node) _must_check_;
int action_remove(struct console *c, const struct strv *names) _must_check_;
