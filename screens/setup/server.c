/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of this server's interfaces faces the nodes. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"
#include "tui/table.h"
#include "util/i18n.h"
#include "util/ip.h"

#define SERVER_KEYS(X)                                     \
	X(SERVER_CHOOSE, TK_ENTER, TK_SPACE, N_("choose"), \
	  N_("Let the nodes be behind this interface, and go on"), KEYMAP_BAR)

enum server_request { SERVER_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { SERVER_KEYS(KEYMAP_ENTRY) };
/* The table moves with its own keys; those of the frame come first. */
static const struct keymap_entry moves[] = {
	{ TABLE_UP, TK_UP, 'k', N_("up"), N_("To the interface above"), 0 },
	{ TABLE_DOWN, TK_DOWN, 'j', N_("down"), N_("To the interface below"), 0 },
};
static const struct keymap moves_and_frame = KEYMAP_WITH(N_("Interfaces"), moves, frame_keys);
static const struct keymap keys = KEYMAP_WITH(N_("This server"), entries, moves_and_frame);

enum { COLUMN_MARK, COLUMN_NAME, COLUMN_LINK, COLUMN_ADDRESS, COLUMN_CARD, COLUMN_DRIVER, COLUMN_MAC };
static const struct tui_column columns[] = {
	[COLUMN_MARK] = { .title = "", .width = 1, .tight = true, .no_sort = true },
	[COLUMN_NAME] = { .title = N_("INTERFACE"), .width = 9, .no_sort = true },
	[COLUMN_LINK] = { .title = N_("LINK"), .width = 8, .no_sort = true },
	[COLUMN_ADDRESS] = { .title = N_("ADDRESS"), .width = 15, .no_sort = true },
	[COLUMN_CARD] = { .title = N_("CARD"), .width = 10, .flex = 1, .no_sort = true },
	[COLUMN_DRIVER] = { .title = N_("DRIVER"), .width = 10, .drop = 2, .no_sort = true },
	[COLUMN_MAC] = { .title = N_("MAC ADDRESS"), .width = 17, .drop = 1, .no_sort = true },
};

struct server {
	struct wizard *wizard;
	struct tui_table *table;
	struct muster_host_watch *watch; /* NULL: changes are not seen */
};

static const struct host_interface *interface_of(const struct server *v, size_t row)
{
	return row < v->wizard->host->n_interfaces ? &v->wizard->host->interfaces[row] : NULL;
}

static uint64_t row_id(void *data, size_t row)
{
	const struct host_interface *i = interface_of(data, row);
	uint64_t id = 5381;

	for (const char *p = i ? i->name : ""; *p; p++)
		id = id * 33 + (unsigned char)*p;
	return id;
}

static bool is_chosen(const struct wizard *w, const struct host_interface *i)
{
	return strcmp(w->draft->interface, i->name) == 0 || strcasecmp(w->draft->interface, MAC(i->mac)) == 0;
}

static void add_link(struct strbuf *text, const struct host_interface *i)
{
	if (!i->up)
		strbuf_adds(text, i18n_in("link", NC_("link", "down")));
	else if (!i->link)
		strbuf_adds(text, _("no cable"));
	else if (i->speed >= 1000)
		strbuf_addf(text, "%d Gbit", i->speed / 1000);
	else if (i->speed > 0)
		strbuf_addf(text, "%d Mbit", i->speed);
	else
		strbuf_adds(text, i18n_in("link", NC_("link", "up")));
}

static void add_part(struct strbuf *text, const char *part)
{
	if (*part)
		strbuf_addf(text, "%s%s", text->len ? ", " : "", part);
}

static void add_name(struct strbuf *text, const struct host_interface *i)
{
	if (*i->vendor && *i->model) {
		add_part(text, i->vendor);
		strbuf_addf(text, " %s", i->model);
	} else {
		add_part(text, *i->vendor ? i->vendor : i->model);
	}
}

/* What speaks against it first: the card's name may be long. */
static void add_card(struct strbuf *text, const struct host_interface *i)
{
	if (i->default_route)
		add_part(text, _("leads outside"));
	if (i->wireless)
		add_part(text, _("wireless"));
	if (*i->master) {
		_cleanup_free_ char *port = NULL;

		if (asprintf(&port, _("port of %s"), i->master) >= 0)
			add_part(text, port);
	}
	add_name(text, i);
	if (text->len == 0)
		add_part(text, i->driver);
}

static void add_addresses(struct strbuf *text, const struct host_interface *i)
{
	char address[20];

	for (size_t k = 0; k < i->n_addresses; k++) {
		ip4_net_text(i->addresses[k], address);
		strbuf_addf(text, "%s%s", text->len ? " " : "", address);
	}
}

static enum tui_style cell(void *data, size_t row, size_t column, struct strbuf *text)
{
	const struct server *v = data;
	const struct host_interface *i = interface_of(v, row);

	if (!i)
		return STYLE_NORMAL;
	switch (column) {
	case COLUMN_MARK:
		strbuf_adds(text, is_chosen(v->wizard, i) ? SIGN_GOOD : SIGN_OFF);
		return is_chosen(v->wizard, i) ? STYLE_ACCENT : STYLE_DIM;
	case COLUMN_NAME:
		strbuf_adds(text, i->name);
		return STYLE_NORMAL;
	case COLUMN_LINK:
		add_link(text, i);
		return i->up && i->link ? STYLE_NORMAL : STYLE_DIM;
	case COLUMN_ADDRESS:
		add_addresses(text, i);
		return STYLE_NORMAL;
	case COLUMN_DRIVER:
		strbuf_adds(text, i->driver);
		return STYLE_DIM;
	case COLUMN_MAC:
		strbuf_adds(text, MAC(i->mac));
		return STYLE_DIM;
	default:
		add_card(text, i);
		return STYLE_DIM;
	}
}

static const struct tui_table_ops table_ops = { .id = row_id, .cell = cell };

/* A cable was plugged, an address came: the facts are read anew. */
static int on_watch(int fd, void *data)
{
	struct server *v = data;
	int r = muster_host_watch_read(v->watch, &v->wizard->host);

	if (r < 0)
		return r;
	tui_table_changed(v->table, v->wizard->host->n_interfaces);
	tui_dirty(v->wizard->tui);
	return 0;
}

static void server_close(void *self)
{
	struct server *v = self;

	if (v->watch)
		tui_unwatch(v->wizard->tui, muster_host_watch_fd(v->watch));
	muster_host_watch_free(v->watch);
	tui_table_free(v->table);
	free(v);
}

static int server_open(struct tui *t, void *argument, void **ret)
{
	struct server *v = calloc(1, sizeof(*v));
	const struct host *h;
	int r = v ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	v->wizard = argument;
	r = tui_table_new(columns, ARRAY_SIZE(columns), &table_ops, v, &v->table);
	if (r < 0) {
		free(v);
		return r;
	}
	h = v->wizard->host;
	tui_table_set_empty(v->table, _("This server has no network interface."));
	tui_table_changed(v->table, h->n_interfaces);
	for (size_t i = 0; i < h->n_interfaces; i++)
		if (is_chosen(v->wizard, &h->interfaces[i]))
			tui_table_go_to(v->table, i);
	if (muster_host_watch_new(v->wizard->muster, &v->watch) == 0 &&
	    tui_watch(t, muster_host_watch_fd(v->watch), on_watch, v) < 0) {
		muster_host_watch_free(v->watch);
		v->watch = NULL;
	}
	*ret = v;
	return 0;
}

/* All that is known of the one under the cursor: the table may have no room for it. */
static void draw_facts(const struct server *v, struct canvas *c, int y)
{
	const struct host_interface *i = interface_of(v, tui_table_row(v->table));
	_cleanup_strbuf_ struct strbuf card = STRBUF_INIT, address = STRBUF_INIT;

	if (!i)
		return;
	canvas_rule(c, y, STYLE_DIM, i->name);
	add_name(&card, i);
	if (*i->driver)
		strbuf_addf(&card, _("%sdriver %s"), card.len ? ", " : "", i->driver);
	add_addresses(&address, i);
	canvas_cell(c, y + 1, 0, c->columns, false, STYLE_NORMAL,
		    card.len ? card.data : _("an unknown card"));
	canvas_textf(c, y + 2, 0, STYLE_NORMAL, "%s   %s", MAC(i->mac),
		     address.len ? address.data : _("no address yet"));
}

static const struct host_interface *outside(const struct host *h)
{
	for (size_t i = 0; i < h->n_interfaces; i++)
		if (h->interfaces[i].default_route)
			return &h->interfaces[i];
	return NULL;
}

static const struct host_interface *chosen(const struct wizard *w)
{
	for (size_t i = 0; i < w->host->n_interfaces; i++)
		if (is_chosen(w, &w->host->interfaces[i]))
			return &w->host->interfaces[i];
	return NULL;
}

/* Which one faces the nodes, and which one the outside. */
static void draw_roles(const struct server *v, struct canvas *c, int y)
{
	const struct wizard *w = v->wizard;
	const struct host_interface *nodes = chosen(w), *out = outside(w->host), *proposed = NULL;
	int width = MAX(canvas_width(c, _("To the nodes")), canvas_width(c, _("To the outside"))) + 2;

	if (muster_draft_interface(w->muster, &proposed) < 0)
		proposed = NULL;
	canvas_text(c, y, 0, STYLE_DIM, _("To the nodes"));
	canvas_text(c, y + 1, 0, STYLE_DIM, _("To the outside"));
	if (!nodes && *w->draft->interface)
		canvas_textf(c, y, width, STYLE_ERROR, _("%s, which was chosen, is gone."),
			     w->draft->interface);
	else if (!nodes)
		canvas_text(c, y, width, STYLE_WARNING, _("none is chosen"));
	else if (nodes == out)
		canvas_textf(c, y, width, STYLE_WARNING, _("%s, which is the way to the outside, too"),
			     nodes->name);
	else
		canvas_textf(c, y, width, STYLE_ACCENT, nodes == proposed ? _("%s (proposed)") : "%s",
			     nodes->name);
	canvas_text(c, y + 1, width, STYLE_NORMAL, out ? out->name : _("none: this server has no way there"));
}

#define BELOW_ROWS 6 /* the facts, a blank row, the roles */

static void server_draw(void *self, struct canvas *c)
{
	struct server *v = self;
	const struct wizard *w = v->wizard;
	struct canvas in = frame_draw(v->wizard, c), part;
	int y = 2, rows;

	canvas_textf(&in, 0, 0, STYLE_DIM, "%s, %s, Linux %s", w->host->pretty, w->host->architecture,
		     w->host->kernel);
	y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_TITLE, _("Which interface leads to the nodes?"));
	y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_NORMAL,
			 _("The nodes' network should be theirs alone. This list changes as cables are "
			   "plugged.")) +
	     1;
	rows = MIN(in.rows - y - BELOW_ROWS, MAX((int)w->host->n_interfaces, 1) + 2);
	part = canvas_sub(&in, y, 0, rows, in.columns);
	tui_table_draw(v->table, &part);
	draw_facts(v, &in, y + rows);
	draw_roles(v, &in, y + rows + 4);
}

static int choose(struct server *v, size_t row)
{
	const struct host_interface *i = interface_of(v, row);
	struct draft *d = v->wizard->draft;
	int r;

	if (!i)
		return 0;
	if (!is_chosen(v->wizard, i)) {
		/* What was proposed for another interface is proposed anew for this one. */
		r = draft_set(&d->interface, i->name);
		if (r == 0)
			r = draft_set(&d->address, "");
		if (r == 0)
			r = draft_set(&d->range, "");
		if (r == 0)
			r = draft_set(&d->first_address, "");
		if (r == 0)
			r = muster_draft_propose(v->wizard->muster, d);
		if (r < 0)
			return r;
		v->wizard->saved = false;
	}
	return 0;
}

static bool leave(void *self)
{
	struct server *v = self;

	if (chosen(v->wizard))
		return frame_save(v->wizard);
	tui_notice(v->wizard->tui, STYLE_WARNING,
		   _("Choose an interface first: Enter takes the one under the cursor."));
	return false;
}

static bool server_enabled(void *self, int request)
{
	const struct server *v = self;

	if (request == SERVER_CHOOSE)
		return tui_table_row(v->table) != SIZE_MAX;
	if (request == TABLE_UP || request == TABLE_DOWN)
		return true;
	return frame_enabled(v->wizard, request);
}

static int server_key(void *self, int request)
{
	struct server *v = self;
	int r;

	if (tui_table_key(v->table, request))
		return 0;
	if (request == SERVER_CHOOSE) {
		r = choose(v, tui_table_row(v->table));
		if (r < 0)
			return r;
		request = FRAME_NEXT;
	}
	return frame_key(v->wizard, request, leave, v);
}

const struct screen_ops step_server = {
	.name = "server",
	.title = N_("This server"),
	.help = N_("Take the interface whose cable goes to the switch of the nodes. The one that leads "
		   "outside is the wrong one: "
		   "muster gives out addresses on the wire that you choose. An interface that has a private "
		   "address already, and "
		   "no way to the outside, is proposed."),
	.keys = &keys,
	.enabled = server_enabled,
	.open = server_open,
	.close = server_close,
	.draw = server_draw,
	.key = server_key,
};
