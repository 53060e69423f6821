/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How many nodes there are, what they are called, and how each gets its address. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"
#include "tui/dialog.h"
#include "util/i18n.h"
#include "util/ip.h"

enum { MODE, COUNT, PREFIX, FIRST, RANGE, EXAMPLE, NAMED, NUMBER, KNOWN, MACS, BUTTONS, CLEAR };
enum { BUTTON_COLLECT, BUTTON_FILE };

#define NODES_MAX 65534
#define NAMED_SHOWN 4 /* so many names fit beside each other */

static const struct tui_choice modes[] = {
	{ N_("Bound to each machine's MAC address"), N_("Only the machines that you list may join.") },
	{ N_("From a range"), N_("Any machine that boots on this network joins.") },
};
static const char *const mode_words[] = { "mac", "range" };

static const struct tui_choice buttons[] = {
	{ N_("Collect live") },
	{ N_("Read a file") },
};

static const struct tui_choice clear_buttons[] = { { N_("Clear the list") } };

static const struct tui_choice number_buttons[] = { { N_("Number them like the others") } };

static const struct tui_field fields[] = {
	{ MODE, FIELD_CHOICE, N_("How do the nodes get their addresses?"), .choices = modes,
	  .n_choices = ARRAY_SIZE(modes) },
	{ COUNT, FIELD_NUMBER, N_("Number of nodes"), .width = 6, .min = 0, .max = NODES_MAX },
	{ PREFIX, FIELD_TEXT, N_("Name prefix"), .width = 16 },
	{ FIRST, FIELD_TEXT, N_("First address"), .width = 16 },
	{ RANGE, FIELD_TEXT, N_("Range"), N_("first and last: 10.66.0.100-10.66.0.199"), .width = 32 },
	{ EXAMPLE, FIELD_NOTE, "" },
	{ NAMED, FIELD_NOTE, "" },
	{ NUMBER, FIELD_BUTTONS, "", .choices = number_buttons, .n_choices = ARRAY_SIZE(number_buttons) },
	{ KNOWN, FIELD_NOTE, "" },
	{ BUTTONS, FIELD_BUTTONS, "", .choices = buttons, .n_choices = ARRAY_SIZE(buttons) },
	{ MACS, FIELD_LIST, N_("MAC addresses, one a line"), .rows = 4 },
	{ CLEAR, FIELD_BUTTONS, "", .choices = clear_buttons, .n_choices = ARRAY_SIZE(clear_buttons) },
};

static const struct page_bind binds[] = {
	PAGE_CHOICE(MODE, "network", "ip_mode", ip_mode, mode_words),
	PAGE_TEXT(COUNT, "nodes", "count", count),
	PAGE_TEXT(PREFIX, "nodes", "prefix", prefix),
	PAGE_TEXT(FIRST, "nodes", "first_address", first_address),
	PAGE_TEXT(RANGE, "network", "range", range),
	PAGE_LIST(MACS, "nodes", "macs", macs),
};

/* The counted nodes are the first of the plan. */
static void add_example(struct strbuf *text, const struct plan *p, size_t counted)
{
	size_t n = p->ip_mode == PLAN_IP_RANGE ? p->n_nodes : MIN(counted, p->n_nodes);
	const struct plan_node *first = &p->nodes[0], *last = &p->nodes[n ? n - 1 : 0];

	if (n == 0)
		return;
	if (p->ip_mode == PLAN_IP_RANGE)
		strbuf_addf(text, ngettext("Room for %zu machine: ", "Room for %zu machines: ", n), n);
	if (first == last)
		strbuf_addf(text, "%s, %s", first->name, IP4(first->address));
	else
		strbuf_addf(text, "%s … %s, %s … %s", first->name, last->name, IP4(first->address),
			    IP4(last->address));
}

/* "node01 … node16, 10.66.0.11 … 10.66.0.26": what these answers make. */
static void show_example(struct page *p)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	struct draft_mistake *v = NULL;
	struct plan *plan = NULL;
	size_t n = 0;

	if (muster_draft_check(p->wizard->muster, p->wizard->draft, p->wizard->path, &v, &n, &plan) < 0)
		return;
	if (plan && plan->n_nodes > 0)
		add_example(&text, plan, (size_t)tui_form_number(p->form, COUNT));
	tui_form_set_text(p->form, EXAMPLE, text.len && !text.failed ? text.data : "");
	tui_form_show(p->form, EXAMPLE, text.len > 0);
	tui_form_set_note_style(p->form, EXAMPLE, STYLE_DIM);
	muster_draft_mistakes_free(v, n);
	muster_plan_free(plan);
}

/* Nodes with names of their own, that the console or the collecting has given: "Besides these: login (10.66.0.13)". */
static void show_named(struct page *p, bool by_mac)
{
	const struct draft *d = p->wizard->draft;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text,
		    ngettext("%zu node has a name of its own: ", "%zu nodes have names of their own: ",
			     d->n_nodes),
		    d->n_nodes);
	for (size_t i = 0; i < MIN(d->n_nodes, (size_t)NAMED_SHOWN); i++) {
		strbuf_addf(&text, "%s%s", i ? ", " : "", d->nodes[i].name);
		if (*d->nodes[i].address)
			strbuf_addf(&text, " (%s)", d->nodes[i].address);
	}
	if (d->n_nodes > NAMED_SHOWN)
		strbuf_adds(&text, ", …");
	tui_form_set_text(p->form, NAMED, text.failed ? "" : text.data);
	tui_form_set_note_style(p->form, NAMED, by_mac ? STYLE_DIM : STYLE_WARNING);
	tui_form_show(p->form, NAMED, d->n_nodes > 0);
	tui_form_show(p->form, NUMBER, d->n_nodes > 0);
}

/* Those that are not among the counted ones. */
static size_t nodes_besides(const struct page *p)
{
	const struct draft *d = p->wizard->draft;
	size_t n = 0;

	for (size_t i = 0; i < d->n_nodes; i++)
		n += *d->nodes[i].address != '\0';
	return n;
}

static void show_known(struct page *p, bool by_mac)
{
	const struct draft *d = p->wizard->draft;
	long count = tui_form_number(p->form, COUNT) + (long)nodes_besides(p), known = 0;
	struct mac mac;
	char text[256];

	for (size_t i = 0; i < d->macs.n; i++)
		known += mac_parse(d->macs.v[i], &mac) == 0;
	for (size_t i = 0; i < d->n_nodes; i++)
		known += *d->nodes[i].mac != '\0';
	if (known >= count)
		snprintf(text, sizeof(text), _("All MAC addresses are known."));
	else
		snprintf(text, sizeof(text),
			 ngettext("%ld of %ld MAC addresses is known. The others can be collected later, "
				  "too: muster node discover",
				  "%ld of %ld MAC addresses are known. The others can be collected later, "
				  "too: muster node discover",
				  (unsigned long)known),
			 known, count);
	tui_form_set_text(p->form, KNOWN, text);
	tui_form_set_note_style(p->form, KNOWN, known >= count ? STYLE_GOOD : STYLE_WARNING);
	tui_form_show(p->form, KNOWN, by_mac && count > 0);
}

/* Each way to addresses has fields of its own; what the other way asks for means nothing to it. */
static bool is_asked(const struct page *p, int id)
{
	bool by_mac = tui_form_choice(p->form, MODE) == 0;

	switch (id) {
	case COUNT:
	case FIRST:
	case MACS:
		return by_mac;
	case RANGE:
		return !by_mac;
	default:
		return true;
	}
}

/* There are none to be counted where each has a name of its own. */
static bool counts(const struct page *p, int id)
{
	return is_asked(p, id) &&
	       (id != COUNT || tui_form_number(p->form, COUNT) > 0 || p->wizard->draft->n_nodes == 0);
}

/* What the fields do not say themselves. */
static void check(struct page *p, int id, struct strbuf *wrong)
{
	const struct draft *d = p->wizard->draft;
	struct draft_mistake *v = NULL;
	size_t n = 0;

	if (id == COUNT && tui_form_number(p->form, COUNT) == 0 && (d->n_nodes == 0 || d->macs.n > 0))
		strbuf_addf(wrong, _("A number from %ld to %ld."), 1L, (long)NODES_MAX);
	if (id != MODE || muster_draft_check(p->wizard->muster, d, p->wizard->path, &v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n && wrong->len == 0; i++)
		if (strcmp(v[i].section, "node") == 0)
			strbuf_adds(wrong, v[i].text);
	muster_draft_mistakes_free(v, n);
}

/* What is asked now for the first time has a default, too. */
static void propose(struct page *p, bool by_mac)
{
	struct wizard *w = p->wizard;
	const struct draft *d = w->draft;

	if (by_mac ? *d->first_address && *d->count : *d->range)
		return;
	if (muster_draft_propose(w->muster, w->draft) < 0)
		return;
	if (!by_mac) {
		tui_form_set_text(p->form, RANGE, d->range);
		return;
	}
	tui_form_set_text(p->form, FIRST, d->first_address);
	tui_form_set_number(p->form, COUNT, strtol(d->count, NULL, 10));
}

static void update(struct page *p)
{
	bool by_mac = tui_form_choice(p->form, MODE) == 0;

	if (tui_form_focused(p->form) == MODE)
		propose(p, by_mac);
	for (size_t i = 0; i < ARRAY_SIZE(binds); i++)
		tui_form_show(p->form, binds[i].id, is_asked(p, binds[i].id));
	tui_form_show(p->form, BUTTONS, by_mac);
	tui_form_show(p->form, CLEAR, by_mac && p->wizard->draft->macs.n > 0);
	show_example(p);
	show_named(p, by_mac);
	show_known(p, by_mac);
}

/* A list without a count makes a node of each of its addresses. */
static void show(struct page *p)
{
	const struct draft *d = p->wizard->draft;

	page_show(p);
	if (*d->count || d->macs.n == 0)
		return;
	tui_form_set_number(p->form, COUNT, (long)d->macs.n);
	update(p);
}

static int read_macs(struct page *p)
{
	char *path = NULL;
	int r = tui_box_file(p->wizard->tui, _("A file with MAC addresses"), "/root/", &path);

	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	r = muster_draft_add_macs(p->wizard->muster, p->wizard->draft, path);
	if (r < 0)
		tui_notice(p->wizard->tui, STYLE_ERROR, "%s", wizard_why(p->wizard, r));
	else
		tui_notice(p->wizard->tui, STYLE_NORMAL,
			   ngettext("%d MAC address was read.", "%d MAC addresses were read.",
				    (unsigned long)r),
			   r);
	free(path);
	p->wizard->saved = false;
	show(p);
	return 0;
}

/* A wrong paste may have thousands of lines. */
static int clear(struct page *p)
{
	struct wizard *w = p->wizard;
	char text[160];

	if (w->draft->macs.n == 0)
		return 0;
	snprintf(text, sizeof(text),
		 ngettext("Take %zu MAC address out of the list?", "Take %zu MAC addresses out of the list?",
			  w->draft->macs.n),
		 w->draft->macs.n);
	if (tui_box_yes_no(w->tui, _("Clear the list"), text, _("Clear"), _("Keep"), true) != 1)
		return 0;
	strv_free(&w->draft->macs);
	w->draft->macs = (struct strv)STRV_INIT;
	w->saved = false;
	show(p);
	return 0;
}

static int number_nodes(struct page *p)
{
	struct wizard *w = p->wizard;
	char text[320];
	int r;

	snprintf(text, sizeof(text),
		 ngettext("%zu node loses the name and address of its own, and is numbered like the others; "
			  "its MAC address goes into the list.",
			  "%zu nodes lose the names and addresses of their own, and are numbered like the "
			  "others; their MAC addresses go into the list.",
			  w->draft->n_nodes),
		 w->draft->n_nodes);
	if (tui_box_yes_no(w->tui, _("Number them like the others"), text, _("Go on"), _("Stay"), true) != 1)
		return 0;
	r = muster_draft_number_nodes(w->draft);
	w->saved = false;
	if (r == 0)
		show(p);
	return r;
}

static int pressed(struct page *p, int id, size_t button)
{
	if (page_take(p) < 0)
		return 0;
	switch (id) {
	case NUMBER:
		return number_nodes(p);
	case CLEAR:
		return clear(p);
	default:
		return button == BUTTON_COLLECT ? tui_push(p->wizard->tui, &collect_screen, p->wizard)
						: read_macs(p);
	}
}

static const struct page_ops ops = {
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
	.binds = binds,
	.n_binds = ARRAY_SIZE(binds),
	.update = update,
	.counts = counts,
	.check = check,
	.pressed = pressed,
};

static int nodes_open(struct tui *t, void *argument, void **ret)
{
	int r = page_open(argument, &ops, ret);

	if (r == 0)
		show(*ret);
	return r;
}

/* Machines may have been collected meanwhile. */
static void nodes_shown(void *self)
{
	show(self);
}

const struct screen_ops step_nodes = {
	.name = "nodes",
	.title = N_("Nodes"),
	.help = N_(
		"With addresses bound to MAC addresses, each machine keeps its name and address, and a "
		"stranger gets none. The MAC "
		"addresses can be typed or pasted, read from a file with one in each line, or collected: "
		"then the machines are "
		"listed as they are switched on. With a range, any machine that boots there becomes a node."),
	.keys = &page_keys,
	.enabled = page_enabled,
	.open = nodes_open,
	.close = page_close,
	.draw = page_draw,
	.event = page_event,
	.key = page_key,
	.shown = nodes_shown,
};
