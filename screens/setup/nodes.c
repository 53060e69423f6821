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

enum { MODE, COUNT, PREFIX, FIRST, RANGE, EXAMPLE, KNOWN, MACS, BUTTONS };
enum { BUTTON_COLLECT, BUTTON_FILE };

static const struct tui_choice modes[] = {
	{ N_("Bound to each machine's MAC address"), N_("Only the machines that you list may join.") },
	{ N_("From a range"), N_("Any machine that boots on this network joins.") },
};
static const char *const mode_words[] = { "mac", "range" };

static const struct tui_choice buttons[] = {
	{ N_("Collect live") },
	{ N_("Read a file") },
};

static const struct tui_field fields[] = {
	{ MODE, FIELD_CHOICE, N_("How do the nodes get their addresses?"), .choices = modes,
	  .n_choices = ARRAY_SIZE(modes) },
	{ COUNT, FIELD_NUMBER, N_("Number of nodes"), .width = 6, .min = 1, .max = 65534 },
	{ PREFIX, FIELD_TEXT, N_("Name prefix"), .width = 16 },
	{ FIRST, FIELD_TEXT, N_("First address"), .width = 16 },
	{ RANGE, FIELD_TEXT, N_("Range"), N_("first and last: 10.66.0.100-10.66.0.199"), .width = 32 },
	{ EXAMPLE, FIELD_NOTE, "" },
	{ KNOWN, FIELD_NOTE, "" },
	{ BUTTONS, FIELD_BUTTONS, "", .choices = buttons, .n_choices = ARRAY_SIZE(buttons) },
	{ MACS, FIELD_LIST, N_("MAC addresses, one a line"), .rows = 4 },
};

static const struct page_bind binds[] = {
	PAGE_CHOICE(MODE, "network", "ip_mode", ip_mode, mode_words),
	PAGE_TEXT(COUNT, "nodes", "count", count),
	PAGE_TEXT(PREFIX, "nodes", "prefix", prefix),
	PAGE_TEXT(FIRST, "nodes", "first_address", first_address),
	PAGE_TEXT(RANGE, "network", "range", range),
	PAGE_LIST(MACS, "nodes", "macs", macs),
};

static void add_example(struct strbuf *text, const struct plan *p)
{
	const struct plan_node *first = &p->nodes[0], *last = &p->nodes[p->n_nodes - 1];

	if (p->ip_mode == PLAN_IP_RANGE)
		strbuf_addf(text, ngettext("Room for %zu machine: ", "Room for %zu machines: ", p->n_nodes),
			    p->n_nodes);
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
		add_example(&text, plan);
	tui_form_set_text(p->form, EXAMPLE, text.len && !text.failed ? text.data : "");
	tui_form_set_note_style(p->form, EXAMPLE, STYLE_DIM);
	muster_draft_mistakes_free(v, n);
	muster_plan_free(plan);
}

static void show_known(struct page *p, bool by_mac)
{
	const struct draft *d = p->wizard->draft;
	long count = tui_form_number(p->form, COUNT), known = 0;
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
	tui_form_show(p->form, KNOWN, by_mac);
}

/* Each way to addresses has fields of its own; what the other way asks for means nothing to it. */
static bool counts(const struct page *p, int id)
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
		tui_form_show(p->form, binds[i].id, counts(p, binds[i].id));
	tui_form_show(p->form, BUTTONS, by_mac);
	show_example(p);
	show_known(p, by_mac);
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
	page_show(p);
	return 0;
}

static int pressed(struct page *p, int id, size_t button)
{
	if (id != BUTTONS || page_take(p) < 0)
		return 0;
	return button == BUTTON_COLLECT ? tui_push(p->wizard->tui, &collect_screen, p->wizard) : read_macs(p);
}

static const struct page_ops ops = {
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
	.binds = binds,
	.n_binds = ARRAY_SIZE(binds),
	.update = update,
	.counts = counts,
	.pressed = pressed,
};

static int nodes_open(struct tui *t, void *argument, void **ret)
{
	return page_open(argument, &ops, ret);
}

/* Machines may have been collected meanwhile. */
static void nodes_shown(void *self)
{
	page_show(self);
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
