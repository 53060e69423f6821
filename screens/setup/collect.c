/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines as they ask for an address: the operator makes them nodes, in the order that he likes. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "screens/setup/private.h"
#include "tui/dialog.h"
#include "tui/table.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/ip.h"
#include "util/units.h"

#define TICK_MS 1000

#define COLLECT_KEYS(X)                                                                                     \
	X(COLLECT_TAKE, TK_ENTER, TK_SPACE, N_("take"), N_("Make this machine the next node"), KEYMAP_BAR)  \
	X(COLLECT_ALL, 'a', TK_NONE, N_("all"),                                                             \
	  N_("Make all machines nodes that are none yet, in this order"), KEYMAP_BAR)                       \
	X(COLLECT_EARLIER, TK_SHIFT_UP, 'K', N_("earlier"), N_("Swap this node with the one before it"), 0) \
	X(COLLECT_LATER, TK_SHIFT_DOWN, 'J', N_("later"), N_("Swap this node with the one after it"), 0)    \
	X(COLLECT_NAME, 'n', TK_NONE, N_("name"), N_("Give this machine a name of its own"), KEYMAP_BAR)    \
	X(COLLECT_BACK, 'u', TK_NONE, N_("take back"), N_("This machine is no node"), KEYMAP_BAR)           \
	X(COLLECT_DROP, 'x', TK_NONE, N_("drop"), N_("Do not list this machine any more"), KEYMAP_BAR)      \
	X(COLLECT_LIST, 'X', TK_NONE, N_("list again"), N_("List again what was dropped"), KEYMAP_BAR)      \
	X(COLLECT_HELP, '?', TK_FN(1), N_("help"), N_("Show what each key does"), KEYMAP_BAR)               \
	X(COLLECT_DONE, 'q', TK_ESC, N_("done"), N_("Back to the question about the nodes"), KEYMAP_BAR)

enum collect_request { COLLECT_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { COLLECT_KEYS(KEYMAP_ENTRY) };
static const struct keymap_entry moves[] = {
	{ TABLE_UP, TK_UP, 'k', N_("up"), N_("To the machine above"), 0 },
	{ TABLE_DOWN, TK_DOWN, 'j', N_("down"), N_("To the machine below"), 0 },
};
static const struct keymap moves_map = KEYMAP(N_("In the list"), moves);
static const struct keymap keys = KEYMAP_WITH(N_("Collecting machines"), entries, moves_map);

enum { COLUMN_MAC, COLUMN_VENDOR, COLUMN_FIRMWARE, COLUMN_SEEN, COLUMN_TIMES, COLUMN_NODE };
static const struct tui_column columns[] = {
	[COLUMN_MAC] = { .title = N_("MAC ADDRESS"), .width = 17, .no_sort = true },
	[COLUMN_VENDOR] = { .title = N_("VENDOR"), .width = 12, .flex = 1, .no_sort = true },
	[COLUMN_FIRMWARE] = { .title = N_("FIRMWARE"), .width = 8, .no_sort = true },
	[COLUMN_SEEN] = { .title = N_("SEEN"), .width = 11, .no_sort = true },
	[COLUMN_TIMES] = { .title = N_("TIMES"), .width = 5, .right = true, .no_sort = true },
	[COLUMN_NODE] = { .title = N_("BECOMES"), .width = 10, .no_sort = true },
};

struct collect {
	struct wizard *wizard;
	struct discover *discover; /* the wizard's; NULL: nobody listens, `why` says why */
	int why;
	struct tui_table *table;
	size_t *rows; /* places in the list of machines */
	size_t n;
	unsigned int timer;
	struct plan *plan; /* what the answers make of it now; NULL while they are wrong */
};

static const struct machine *machine_of(const struct collect *v, size_t row)
{
	size_t n = 0;
	const struct machine *list = v->discover ? muster_discover_list(v->discover, &n) : NULL;

	return row < v->n && v->rows[row] < n ? &list[v->rows[row]] : NULL;
}

static bool is_dropped(const struct collect *v, struct mac mac)
{
	for (size_t i = 0; i < v->wizard->n_dropped; i++)
		if (mac_compare(v->wizard->dropped[i], mac) == 0)
			return true;
	return false;
}

static int take_in(struct collect *v)
{
	size_t n = 0, *rows;
	const struct machine *list = v->discover ? muster_discover_list(v->discover, &n) : NULL;

	rows = reallocarray(v->rows, n + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	v->rows = rows;
	v->n = 0;
	for (size_t i = 0; i < n; i++)
		if (!is_dropped(v, list[i].mac))
			v->rows[v->n++] = i;
	tui_table_changed(v->table, v->n);
	tui_dirty(v->wizard->tui);
	return 0;
}

/* Its place in the list of the answers; SIZE_MAX: it is none. */
static size_t place_of(const struct collect *v, struct mac mac)
{
	const struct strv *macs = &v->wizard->draft->macs;

	for (size_t i = 0; i < macs->n; i++)
		if (strcasecmp(macs->v[i], MAC(mac)) == 0)
			return i;
	return SIZE_MAX;
}

/* Whether it has a name of its own, and which. */
static const struct draft_node *section_of(const struct collect *v, struct mac mac)
{
	const struct draft *d = v->wizard->draft;

	for (size_t i = 0; i < d->n_nodes; i++)
		if (strcasecmp(d->nodes[i].mac, MAC(mac)) == 0)
			return &d->nodes[i];
	return NULL;
}

static bool is_node(const struct collect *v, const struct machine *m)
{
	return place_of(v, m->mac) != SIZE_MAX || section_of(v, m->mac);
}

static void plan_anew(struct collect *v)
{
	struct draft_mistake *mistakes = NULL;
	size_t n = 0;

	muster_plan_free(TAKE_PTR(v->plan));
	if (muster_draft_check(v->wizard->muster, v->wizard->draft, v->wizard->path, &mistakes, &n,
			       &v->plan) == 0)
		muster_draft_mistakes_free(mistakes, n);
}

static void add_node(const struct collect *v, struct mac mac, struct strbuf *text)
{
	size_t place = place_of(v, mac);

	for (size_t i = 0; v->plan && i < v->plan->n_nodes; i++)
		if (v->plan->nodes[i].has_mac && mac_compare(v->plan->nodes[i].mac, mac) == 0)
			strbuf_adds(text, v->plan->nodes[i].name);
	if (text->len == 0 && place != SIZE_MAX)
		strbuf_addf(text, _("no. %zu"), place + 1);
	else if (text->len == 0 && section_of(v, mac))
		strbuf_adds(text, section_of(v, mac)->name);
}

static uint64_t row_id(void *data, size_t row)
{
	const struct machine *m = machine_of(data, row);
	uint64_t id = 0;

	for (size_t i = 0; m && i < sizeof(m->mac.b); i++)
		id = id << 8 | m->mac.b[i];
	return id;
}

static enum tui_style cell(void *data, size_t row, size_t column, struct strbuf *text)
{
	static const char *const firmware[] = { [MACHINE_UNKNOWN] = "",
						[MACHINE_BIOS] = "BIOS",
						[MACHINE_UEFI] = "UEFI",
						[MACHINE_OTHER] = "?" };
	const struct collect *v = data;
	const struct machine *m = machine_of(v, row);
	int64_t ago;

	if (!m)
		return STYLE_NORMAL;
	switch (column) {
	case COLUMN_MAC:
		strbuf_adds(text, MAC(m->mac));
		return STYLE_NORMAL;
	case COLUMN_VENDOR:
		strbuf_adds(text, m->vendor);
		return STYLE_NORMAL;
	case COLUMN_FIRMWARE:
		strbuf_adds(text, firmware[m->firmware]);
		return m->firmware == MACHINE_OTHER ? STYLE_WARNING : STYLE_NORMAL;
	case COLUMN_SEEN:
		ago = clock_wall_ms() - m->last;
		if (ago < 2000)
			strbuf_adds(text, _("just now"));
		else
			strbuf_addf(text, _("%s ago"), DURATION(ago));
		return ago < 2000 ? STYLE_GOOD : STYLE_NORMAL;
	case COLUMN_TIMES:
		strbuf_addf(text, "%u", m->times);
		return STYLE_DIM;
	default:
		add_node(v, m->mac, text);
		return STYLE_ACCENT;
	}
}

static const struct tui_table_ops table_ops = { .id = row_id, .cell = cell };

static int on_packet(int fd, void *data)
{
	struct collect *v = data;
	int r = muster_discover_read(v->discover);

	return r > 0 ? take_in(v) : r;
}

static int64_t tick(void *data)
{
	struct collect *v = data;

	tui_dirty(v->wizard->tui);
	return TICK_MS;
}

static void collect_close(void *self)
{
	struct collect *v = self;

	tui_timer_stop(v->wizard->tui, v->timer);
	if (v->discover)
		tui_unwatch(v->wizard->tui, muster_discover_fd(v->discover));
	tui_table_free(v->table);
	muster_plan_free(v->plan);
	free(v->rows);
	free(v);
}

/* Those that were heard before are still there, where it is the same wire. */
static int listen_on(struct collect *v)
{
	struct wizard *w = v->wizard;
	int r = 0;

	if (w->discover && strcmp(w->collected_on, w->draft->interface) != 0) {
		muster_discover_close(w->discover);
		w->discover = NULL;
	}
	if (!w->discover)
		r = draft_set(&w->collected_on, w->draft->interface);
	if (r == 0 && !w->discover)
		r = muster_discover_open(w->muster, w->draft->interface, &w->discover);
	v->discover = w->discover;
	return r;
}

static int collect_open(struct tui *t, void *argument, void **ret)
{
	struct collect *v = calloc(1, sizeof(*v));
	int r = v ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	v->wizard = argument;
	r = tui_table_new(columns, ARRAY_SIZE(columns), &table_ops, v, &v->table);
	if (r == 0)
		r = tui_timer(t, TICK_MS, tick, v, &v->timer);
	if (r == 0)
		v->why = listen_on(v);
	if (r == 0 && v->why == 0)
		r = tui_watch(t, muster_discover_fd(v->discover), on_packet, v);
	if (r == 0)
		r = take_in(v);
	if (r < 0) {
		collect_close(v);
		return r;
	}
	tui_table_set_empty(v->table,
			    v->why < 0 ? wizard_why(v->wizard, v->why) : _("No machine has asked yet."));
	plan_anew(v);
	*ret = v;
	return 0;
}

static void collect_draw(void *self, struct canvas *c)
{
	struct collect *v = self;
	struct canvas part;
	int y = 0;

	canvas_textf(c, y++, 1, STYLE_TITLE, _("Machines on %s"), v->wizard->draft->interface);
	y += canvas_wrap(c, y, 1, c->columns - 2, 0, STYLE_NORMAL,
			 _("Switch the machines on, in the order that you want. Each appears when its "
			   "firmware asks for an "
			   "address.")) +
	     1;
	part = canvas_sub(c, y, 0, c->rows - y - 1, c->columns);
	tui_table_draw(v->table, &part);
	canvas_textf(c, c->rows - 1, 1, STYLE_DIM,
		     ngettext("%zu MAC address is in the answers.", "%zu MAC addresses are in the answers.",
			      v->wizard->draft->macs.n),
		     v->wizard->draft->macs.n);
}

/* ---- what the keys do ------------------------------------------------------------------------------------------------ */

/* There are at least as many nodes as machines that were taken. */
static int raise_count(struct wizard *w)
{
	char number[24];

	if (w->draft->macs.n <= (size_t)strtoul(w->draft->count, NULL, 10))
		return 0;
	snprintf(number, sizeof(number), "%zu", w->draft->macs.n);
	return draft_set(&w->draft->count, number);
}

static int take(struct collect *v, const struct machine *m)
{
	int r = 0;

	if (m && !is_node(v, m))
		r = strv_add(&v->wizard->draft->macs, MAC(m->mac));
	return r < 0 ? r : raise_count(v->wizard);
}

static int take_back(struct collect *v, struct mac mac)
{
	struct strv *macs = &v->wizard->draft->macs;
	size_t place = place_of(v, mac);

	if (section_of(v, mac))
		return muster_draft_name_machine(v->wizard->muster, v->wizard->draft, mac, NULL);
	if (place == SIZE_MAX)
		return 0;
	free(macs->v[place]);
	memmove(&macs->v[place], &macs->v[place + 1], (macs->n - place) * sizeof(*macs->v));
	macs->n--;
	return 0;
}

static const char *node_name(const struct collect *v, struct mac mac, struct strbuf *text)
{
	add_node(v, mac, text);
	return text->len && !text->failed ? text->data : "";
}

static int name(struct collect *v, struct mac mac)
{
	struct wizard *w = v->wizard;
	_cleanup_strbuf_ struct strbuf was = STRBUF_INIT;
	_cleanup_free_ char *is = NULL;
	int r = tui_box_input(w->tui, _("Name"), _("Its name:"), node_name(v, mac, &was), NULL, NULL, &is);

	/* As it was: it keeps its number. */
	if (r < 0 || strcmp(is, was.data ? was.data : "") == 0)
		return r == -ECANCELED ? 0 : r;
	r = muster_draft_name_machine(w->muster, w->draft, mac, is);
	if (r == -MUSTER_E_REFUSED)
		tui_notice(w->tui, STYLE_ERROR, "%s", wizard_why(w, r));
	return r == -MUSTER_E_REFUSED ? 0 : r;
}

static void swap(struct collect *v, struct mac mac, int step)
{
	struct strv *macs = &v->wizard->draft->macs;
	size_t place = place_of(v, mac), other = place + (size_t)step;
	char *kept;

	if (place == SIZE_MAX || (step < 0 && place == 0) || other >= macs->n)
		return;
	kept = macs->v[place];
	macs->v[place] = macs->v[other];
	macs->v[other] = kept;
}

static int drop(struct collect *v, struct mac mac)
{
	struct wizard *w = v->wizard;
	struct mac *list = reallocarray(w->dropped, w->n_dropped + 1, sizeof(*list));
	int r;

	if (!list)
		return -ENOMEM;
	w->dropped = list;
	list[w->n_dropped++] = mac;
	r = take_back(v, mac);
	return r < 0 ? r : take_in(v);
}

static int act(struct collect *v, int request, const struct machine *m)
{
	int r = 0;

	switch (request) {
	case COLLECT_TAKE:
		r = take(v, m);
		break;
	case COLLECT_ALL:
		for (size_t i = 0; r == 0 && i < v->n; i++)
			r = take(v, machine_of(v, i));
		break;
	case COLLECT_EARLIER:
		swap(v, m->mac, -1);
		break;
	case COLLECT_LATER:
		swap(v, m->mac, 1);
		break;
	case COLLECT_BACK:
		r = take_back(v, m->mac);
		break;
	case COLLECT_NAME:
		r = name(v, m->mac);
		break;
	case COLLECT_DROP:
		r = drop(v, m->mac);
		break;
	case COLLECT_LIST:
		v->wizard->n_dropped = 0;
		r = take_in(v);
		break;
	}
	v->wizard->saved = false;
	plan_anew(v);
	/* On to the next machine, so that Enter after Enter takes them all. */
	if (request == COLLECT_TAKE)
		tui_table_key(v->table, TABLE_DOWN);
	return r;
}

static bool collect_enabled(void *self, int request)
{
	const struct collect *v = self;
	const struct machine *m = machine_of(v, tui_table_row(v->table));

	switch (request) {
	case COLLECT_TAKE:
		return m && !is_node(v, m);
	case COLLECT_EARLIER:
	case COLLECT_LATER:
		return m && place_of(v, m->mac) != SIZE_MAX;
	case COLLECT_BACK:
		return m && is_node(v, m);
	case COLLECT_LIST:
		return v->wizard->n_dropped > 0;
	case COLLECT_ALL:
	case COLLECT_NAME:
	case COLLECT_DROP:
		return m != NULL;
	default:
		return true;
	}
}

static int collect_key(void *self, int request)
{
	struct collect *v = self;

	switch (request) {
	case COLLECT_HELP:
		return tui_help(v->wizard->tui);
	case COLLECT_DONE:
		tui_pop(v->wizard->tui);
		return 0;
	default:
		if (tui_table_key(v->table, request))
			return 0;
		return act(v, request, machine_of(v, tui_table_row(v->table)));
	}
}

const struct screen_ops collect_screen = {
	.name = "collect",
	.title = N_("Collecting machines"),
	.help = N_("muster only listens here, and sends nothing. A machine that is taken gets the next free "
		   "name; the order of the "
		   "names can be changed with J and K."),
	.keys = &keys,
	.enabled = collect_enabled,
	.open = collect_open,
	.close = collect_close,
	.draw = collect_draw,
	.key = collect_key,
};
