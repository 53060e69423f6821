/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the console's own screens. */
#pragma once

#include "screens/console/model.h"
#include "tui/tui.h"
#include "util/strbuf.h"

struct console {
	struct muster *muster;
	struct tui *tui;
	struct model *model;
	struct muster_feed *feed; /* NULL: no connection */
	struct muster_feed_from from;
	char *cluster, *domain, *generation; /* owned; "" before anything was told */
	bool synced;			     /* every node was told of once */
	bool all;			     /* what is told now is everything: the others are gone */
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

/* Screens; the argument of the first three is the console, of the node's page a struct node_argument. */
extern const struct screen_ops nodes_screen, events_screen;

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

/* ---- actions.c: on the nodes of an expression such as "node[01-16]"; they ask where something may be lost ---- */

int action_power(struct console *c, const char *nodes, enum muster_power what) _must_check_;
int action_next(struct console *c, const char *nodes) _must_check_;
int action_command(struct console *c, const char *nodes, size_t n) _must_check_;
