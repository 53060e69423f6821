/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of all nodes, and what is to be said of the one under the cursor. */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "screens/console/parts.h"
#include "screens/console/private.h"
#include "tui/table.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/strv.h"
#include "util/units.h"

#define DETAIL_ROWS 4

#define NODES_KEYS(X)                                                                                    \
	X(NODES_OPEN, TK_ENTER, 'l', N_("open"), N_("Show this node: its boot, its facts, its failure"), \
	  KEYMAP_BAR)                                                                                    \
	X(NODES_EVENTS, 'e', TK_NONE, N_("events"), N_("Show the log of all nodes"), KEYMAP_BAR)         \
	X(NODES_SSI, 'i', TK_NONE, N_("ssi"), N_("Show the single system: the nodes as one machine"),    \
	  KEYMAP_BAR)                                                                                    \
	X(NODES_TABLE, 't', TK_NONE, N_("table"), N_("Show the table before the first node is seen"),    \
	  KEYMAP_BAR)                                                                                    \
	X(NODES_HELP, '?', TK_NONE, N_("keys"), N_("Show what each key does"), KEYMAP_BAR)               \
	X(NODES_QUIT, 'q', TK_NONE, N_("quit"), N_("Leave the console; the cluster runs on"), KEYMAP_BAR)

enum nodes_request { NODES_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { NODES_KEYS(KEYMAP_ENTRY) };
static const struct keymap_entry actions[] = { ACTION_KEYS(KEYMAP_ENTRY) };
static const struct keymap action_keys =
	KEYMAP_WITH(N_("On the selected nodes, or the one under the cursor"), actions, tui_table_keys);
static const struct keymap keys = KEYMAP_WITH(N_("Nodes"), entries, action_keys);

/* The first column is the sign of the stage; the others are those of the model, in its order. */
static const struct tui_column columns[] = {
	{ .title = "", .width = 1, .tight = true, .no_sort = true },
	[1 + MODEL_NAME] = { .title = N_("NODE"), .width = 6, .flex = 2 },
	[1 + MODEL_ADDRESS] = { .title = N_("ADDRESS"), .width = 11, .drop = 9 },
	[1 + MODEL_MAC] = { .title = N_("MAC"), .width = 17, .drop = 1 },
	[1 + MODEL_STAGE] = { .title = N_("STAGE"), .width = 9 },
	[1 + MODEL_FOR] = { .title = N_("FOR"), .width = 6, .right = true, .drop = 10 },
	[1 + MODEL_BOOT] = { .title = N_("BOOT"), .width = 6, .right = true, .drop = 8 },
	[1 + MODEL_DELTA] = { .title = "±", .width = 5, .right = true, .drop = 5 },
	[1 + MODEL_LOAD] = { .title = N_("LOAD"), .width = 5, .right = true, .drop = 7 },
	[1 + MODEL_MEMORY] = { .title = N_("MEM"), .width = 5, .right = true, .drop = 6 },
	[1 + MODEL_KERNEL] = { .title = N_("KERNEL"), .width = 12, .drop = 4, .flex = 1 },
	[1 + MODEL_ROOT] = { .title = N_("ROOT"), .width = 6, .drop = 3, .flex = 1 },
	[1 + MODEL_REPORT] = { .title = N_("REPORT"), .width = 6, .right = true, .drop = 2 },
};

struct nodes {
	struct console *console;
	struct tui_table *table;
	uint64_t seen;	 /* the console's changes that the table has taken in */
	bool want_table; /* also before a node was seen */
	int64_t now;	 /* of the present drawing */
};

/* ---- the table's rows --------------------------------------------------------------------------------------------- */

static const struct node_state *state_of(const struct nodes *n, size_t row)
{
	const struct model_node *node = model_row(n->console->model, row);

	return node ? &node->state : NULL;
}

static uint64_t row_id(void *data, size_t row)
{
	const struct nodes *n = data;
	const struct model_node *node = model_row(n->console->model, row);

	return node ? node->id : 0;
}

/* "9f3c" of "debian-12-9f3c01234567": what tells generations apart. */
static const char *short_root(const char *root, char buf[5])
{
	const char *dash = strrchr(root, '-');

	if (!dash || strlen(dash + 1) < 4)
		return root;
	memcpy(buf, dash + 1, 4);
	buf[4] = '\0';
	return buf;
}

static void add_delta(struct strbuf *text, int percent)
{
	if (percent != INT_MIN)
		strbuf_addf(text, "%+d %%", percent);
}

static enum tui_style node_cell(void *data, size_t row, size_t column, struct strbuf *text)
{
	const struct nodes *n = data;
	const struct node_state *s = state_of(n, row);
	bool ready = s && model_group_of(s->stage) == GROUP_READY;
	int64_t since = s ? model_for(s, n->now) : -1;
	char root[5];

	if (!s)
		return STYLE_NORMAL;
	if (column == 0) {
		strbuf_adds(text, sign_of_stage(s->stage));
		return style_of_stage(s->stage);
	}
	switch ((enum model_key)(column - 1)) {
	case MODEL_NAME:
		strbuf_adds(text, s->name);
		break;
	case MODEL_ADDRESS:
		strbuf_adds(text, s->address);
		break;
	case MODEL_MAC:
		strbuf_adds(text, s->mac);
		break;
	case MODEL_STAGE:
		strbuf_adds(text, text_of_stage(s->stage));
		return style_of_stage(s->stage);
	case MODEL_FOR:
		if (since >= 0)
			strbuf_adds(text, DURATION(since));
		break;
	case MODEL_BOOT:
		if (s->boot_ms >= 0)
			strbuf_adds(text, DURATION(s->boot_ms));
		break;
	case MODEL_DELTA:
		add_delta(text, model_delta(s));
		return model_delta(s) >= 20 ? STYLE_WARNING : STYLE_NORMAL;
	case MODEL_LOAD:
		if (ready && s->load >= 0)
			strbuf_addf(text, "%.2f", s->load);
		break;
	case MODEL_MEMORY:
		if (ready && model_memory(s) >= 0)
			strbuf_addf(text, "%d %%", model_memory(s));
		break;
	case MODEL_KERNEL:
		if (ready)
			strbuf_adds(text, s->kernel);
		break;
	case MODEL_ROOT:
		if (ready)
			strbuf_adds(text, short_root(s->root, root));
		break;
	case MODEL_REPORT:
		if (s->last_report)
			strbuf_adds(text, DURATION(n->now - s->last_report));
		break;
	case MODEL_KEY_COUNT:
		break;
	}
	return STYLE_NORMAL;
}

static int node_tail(void *data, size_t row, struct strbuf *text, enum tui_style *ret)
{
	const struct node_state *s = state_of(data, row);

	if (!s || s->stage != NODE_FAILED || !*s->reason)
		return -1;
	strbuf_adds(text, s->reason);
	*ret = STYLE_BAD;
	return 1 + MODEL_BOOT;
}

static void take_in(struct nodes *n)
{
	tui_table_changed(n->table, model_shown(n->console->model));
	n->seen = n->console->changes;
}

static void sort_nodes(void *data, size_t column, bool descending)
{
	struct nodes *n = data;

	model_sort(n->console->model, (enum model_key)(column - 1), descending);
	take_in(n);
}

static void filter_nodes(void *data, const char *text)
{
	struct nodes *n = data;

	if (model_filter(n->console->model, text) < 0)
		tui_notice(n->console->tui, STYLE_ERROR, _("There is no memory left."));
	take_in(n);
}

static const struct tui_table_ops table_ops = {
	.id = row_id,
	.cell = node_cell,
	.tail = node_tail,
	.sort = sort_nodes,
	.filter = filter_nodes,
};

/* ---- the node under the cursor ------------------------------------------------------------------------------------ */

static void draw_times(struct canvas *c, int y, const struct node_state *s, int64_t now)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < s->n_stages; i++) {
		const struct node_stage_time *t = &s->stages[i];
		bool last = i + 1 == s->n_stages;
		int64_t ms = (last ? now : s->stages[i + 1].at) - t->at;

		/* How long it has been ready stands in the table. */
		if (last && i && t->stage == NODE_READY)
			break;
		if (i)
			strbuf_adds(&b, " · ");
		strbuf_adds(&b, text_of_stage(t->stage));
		strbuf_addf(&b, last ? _(" for %s") : " %s", last ? DURATION(ms) : SECONDS(ms));
	}
	if (b.len && !b.failed)
		canvas_cell(c, y, 1, c->columns - 2, false, STYLE_NORMAL, b.data);
}

static void draw_detail(struct canvas *c, const struct node_state *s, int64_t now)
{
	canvas_rule(c, 0, STYLE_DIM, s->name);
	if (s->n_stages == 0) {
		canvas_text(c, 1, 1, STYLE_DIM, _("It was not heard of yet."));
		return;
	}
	draw_times(c, 1, s, now);
	if (*s->reason)
		canvas_wrap(c, 2, 1, c->columns - 2, c->rows - 2, STYLE_BAD, s->reason);
	else
		canvas_textf(c, 2, 1, STYLE_DIM, "%s   %s   %s   %s", s->address, s->mac, s->root, s->kernel);
}

/* ---- what stands in place of an empty table ---------------------------------------------------------------------- */

static void draw_plain(struct canvas *c, const char *what, const char *text)
{
	int y = MAX(c->rows / 2 - 4, 1), width = MIN(c->columns - 8, 66);
	int x = (c->columns - width) / 2;

	canvas_text(c, y, x, STYLE_TITLE, what);
	canvas_wrap(c, y + 2, x, width, 0, STYLE_NORMAL, text);
}

static void draw_not_connected(const struct nodes *n, struct canvas *c)
{
	if (n->console->lost == -EACCES)
		draw_plain(c, _("musterd may not be asked"),
			   _("It answers only to root and to its own group, muster. Run this as root."));
	else
		draw_plain(c, _("musterd does not answer"),
			   _("It keeps the state of the nodes. `systemctl status musterd` says why it does "
			     "not run, and "
			     "`systemctl start musterd` starts it. Where no cluster was set up yet, `muster "
			     "setup` does "
			     "that.\n\nThis screen goes on by itself as soon as musterd is there."));
}

static size_t count_seen(const struct model_totals *t)
{
	return t->nodes - t->groups[GROUP_OFF];
}

static void draw_first(const struct nodes *n, struct canvas *c, const struct model_totals *t)
{
	const struct node_state *first = state_of(n, 0),
				*last = state_of(n, model_shown(n->console->model) - 1);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(
		&b,
		_("Switch the nodes on now. Each appears here as soon as its firmware asks for an address."));
	if (first && last)
		strbuf_addf(&b,
			    ngettext("\n\n%zu node is expected: %s (%s).",
				     "\n\n%zu nodes are expected: %s (%s) … %s (%s).", t->nodes),
			    t->nodes, first->name, first->address, last->name, last->address);
	strbuf_adds(&b, _("\n\nA machine that stays dark: does it boot from the network before its disk, and "
			  "is its MAC "
			  "address the one in the answers?"));
	if (!b.failed)
		draw_plain(c, _("Waiting for the first node"), b.data);
}

/* Nodes that were never heard of are off, and so are those that were shut down. */
static bool none_seen(struct nodes *n)
{
	const struct model_totals *t = model_totals(n->console->model);

	if (n->want_table || count_seen(t) > 0)
		return false;
	for (size_t i = 0; i < model_shown(n->console->model); i++)
		if (state_of(n, i)->n_stages)
			return false;
	return true;
}

/* True: something stands there in place of the table. */
static bool draw_in_place(struct nodes *n, struct canvas *c)
{
	const struct model_totals *t = model_totals(n->console->model);

	if (!n->console->synced && n->console->lost)
		draw_not_connected(n, c);
	else if (!n->console->synced)
		canvas_text(c, 1, 1, STYLE_DIM, _("Asking musterd ..."));
	else if (t->nodes == 0)
		draw_plain(c, _("This cluster has no nodes yet"),
			   _("Add them to the answers: in the wizard, `muster setup`, or with an editor. "
			     "`muster node "
			     "discover` collects the MAC addresses of machines as they ask for an address."));
	else if (none_seen(n))
		draw_first(n, c, t);
	else
		return false;
	return true;
}

/* ---- the screen ------------------------------------------------------------------------------------------------------ */

static void nodes_close(void *self)
{
	struct nodes *n = self;

	tui_table_free(n->table);
	free(n);
}

static int nodes_open(struct tui *t, void *argument, void **ret)
{
	struct nodes *n = calloc(1, sizeof(*n));
	int r = n ? 0 : -ENOMEM;

	if (r == 0) {
		n->console = argument;
		r = tui_table_new(columns, ARRAY_SIZE(columns), &table_ops, n, &n->table);
	}
	if (r < 0) {
		free(n);
		return r;
	}
	tui_table_set_empty(n->table, _("No node has that."));
	tui_table_set_sort(n->table, 1 + MODEL_NAME, false);
	*ret = n;
	return 0;
}

static void nodes_draw(void *self, struct canvas *c)
{
	struct nodes *n = self;
	_cleanup_strbuf_ struct strbuf lost = STRBUF_INIT;
	const struct node_state *s;
	struct canvas part;
	int top = 1, detail;

	if (n->seen != n->console->changes)
		take_in(n);
	n->now = clock_wall_ms();
	if (n->console->synced)
		draw_header(c, n->console->cluster, model_totals(n->console->model));
	part = canvas_sub(c, 1, 0, c->rows - 1, c->columns);
	if (draw_in_place(n, &part))
		return;
	if (console_lost(n->console, &lost) && !lost.failed)
		canvas_text(c, top++, 1, STYLE_WARNING, lost.data);
	s = state_of(n, tui_table_row(n->table));
	detail = s ? DETAIL_ROWS : 0;
	part = canvas_sub(c, top, 0, c->rows - top - detail, c->columns);
	tui_table_draw(n->table, &part);
	if (s) {
		part = canvas_sub(c, c->rows - detail, 0, detail, c->columns);
		draw_detail(&part, s, n->now);
	}
}

static bool shows_table(struct nodes *n)
{
	return n->console->synced && model_totals(n->console->model)->nodes > 0 && !none_seen(n);
}

static bool nodes_enabled(void *self, int request)
{
	struct nodes *n = self;

	if (action_is(request))
		return shows_table(n) && !n->console->lost && tui_table_row(n->table) != SIZE_MAX;
	switch (request) {
	case NODES_OPEN:
		return shows_table(n) && tui_table_row(n->table) != SIZE_MAX;
	case NODES_TABLE:
		return n->console->synced && model_totals(n->console->model)->nodes > 0 && none_seen(n);
	case NODES_SSI:
		return n->console->synced;
	case NODES_EVENTS:
	case NODES_HELP:
	case NODES_QUIT:
		return true;
	default:
		return shows_table(n) && tui_table_enabled(n->table, request);
	}
}

static const struct keymap *nodes_keys_now(void *self)
{
	const struct nodes *n = self;

	return tui_table_keys_now(n->table, &keys);
}

static int nodes_event(void *self, const struct tui_event *e)
{
	struct nodes *n = self;

	return shows_table(n) ? tui_table_event(n->table, e) : 0;
}

/* On the selected nodes that are shown; without any, on the one under the cursor. */
static int act(const struct nodes *n, int request)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	bool selected = tui_table_selected(n->table) > 0;
	size_t rows = tui_table_rows(n->table);
	int r = 0;

	for (size_t i = 0; r == 0 && i < rows; i++)
		if (selected ? tui_table_is_selected(n->table, i) : i == tui_table_row(n->table))
			r = strv_add(&names, state_of(n, i)->name);
	return r < 0 || names.n == 0 ? r : action_do(n->console, request, &names);
}

static int nodes_key(void *self, int request)
{
	struct nodes *n = self;
	const struct node_state *s = state_of(n, tui_table_row(n->table));

	if (action_is(request))
		return act(n, request);
	switch (request) {
	case NODES_OPEN:
		return s ? tui_push(n->console->tui, &node_screen,
				    &(struct node_argument){ n->console, s->name })
			 : 0;
	case NODES_EVENTS:
		return tui_push(n->console->tui, &events_screen,
				&(struct events_argument){ n->console, NULL });
	case NODES_SSI:
		return tui_push(n->console->tui, &ssi_screen, n->console);
	case NODES_TABLE:
		n->want_table = true;
		return 0;
	case NODES_HELP:
		return tui_help(n->console->tui);
	case NODES_QUIT:
		tui_pop(n->console->tui);
		return 0;
	default:
		tui_table_key(n->table, request);
		return 0;
	}
}

const struct screen_ops nodes_screen = {
	.name = "nodes",
	.title = N_("The nodes of the cluster"),
	.help = N_("Each line is a node. Its sign and stage say where it is: off, on its way up, ready, or "
		   "failed. BOOT is how "
		   "long its last boot took, and ± how that compares with this node's own median. ROOT is "
		   "what tells the root that it runs from others: the first four characters of the last "
		   "part of its name."),
	.keys = &keys,
	.keys_now = nodes_keys_now,
	.enabled = nodes_enabled,
	.open = nodes_open,
	.close = nodes_close,
	.draw = nodes_draw,
	.event = nodes_event,
	.key = nodes_key,
};
