/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "demo.h"
#include "tui/form.h"
#include "tui/pager.h"

/* ---- the form ---------------------------------------------------------------------------------------------- */

enum { MODE, COUNT, PREFIX, ADDRESS, SECRET, GATEWAY, MACS, NOTE, BUTTONS };

static const struct tui_choice modes[] = {
	{ N_("Bound to each machine's MAC address"), N_("Only the machines that you list may join.") },
	{ N_("From a range"), N_("Any machine that boots on this network joins.") },
};
static const struct tui_choice buttons[] = { { N_("Back"), NULL }, { N_("Next"), NULL } };

static const struct tui_field fields[] = {
	{ MODE, FIELD_CHOICE, N_("How do the nodes get their addresses?"), .choices = modes, .n_choices = 2 },
	{ COUNT, FIELD_NUMBER, N_("Number of nodes"), .min = 1, .max = 4096 },
	{ PREFIX, FIELD_TEXT, N_("Name prefix"), N_("node01, node02, …"), .width = 12 },
	{ ADDRESS, FIELD_TEXT, N_("First address"), .width = 15 },
	{ SECRET, FIELD_PASSWORD, N_("Password"), .width = 15 },
	{ GATEWAY, FIELD_TOGGLE, N_("Route for them"), N_("they reach the world through this server") },
	{ MACS, FIELD_LIST, N_("MAC addresses"), N_("type or paste, one a line"), .width = 20, .rows = 4 },
	{ NOTE, FIELD_NOTE, N_("Machines without an address in this list can be collected later.") },
	{ BUTTONS, FIELD_BUTTONS, .choices = buttons, .n_choices = 2 },
};

#define FORM_KEYS(X) X(DEMO_LEAVE, TK_ESC, TK_NONE, N_("leave"), N_("Back to the table"), KEYMAP_BAR)

enum form_request { FORM_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry form_entries[] = { FORM_KEYS(KEYMAP_ENTRY) };
static const struct keymap form_keys = KEYMAP_WITH(N_("In this step"), form_entries, tui_form_keys);

struct demo_form {
	struct tui *tui;
	struct tui_form *form;
};

static void check(void *data, int id, struct strbuf *wrong)
{
	struct demo_form *d = data;

	if (id == PREFIX && !*tui_form_text(d->form, PREFIX))
		strbuf_adds(wrong, "The names begin with a letter; node would be right.");
	if (id == ADDRESS && strncmp(tui_form_text(d->form, ADDRESS), "10.", 3) != 0)
		strbuf_adds(wrong, "It lies outside of 10.0.0.0/8.");
}

static void changed(void *data, int id)
{
	struct demo_form *d = data;

	if (id == MODE)
		tui_form_show(d->form, MACS, tui_form_choice(d->form, MODE) == 0);
}

static void pressed(void *data, int id, size_t button)
{
	struct demo_form *d = data;
	_cleanup_strv_ struct strv macs = STRV_INIT;

	if (button == 0) {
		tui_pop(d->tui);
		return;
	}
	if (!tui_form_check(d->form) || tui_form_lines(d->form, MACS, &macs) < 0)
		return;
	tui_notice(d->tui, STYLE_NORMAL, "%s x %ld from %s, %zu macs, route %d, secret of %zu",
		   tui_form_text(d->form, PREFIX), tui_form_number(d->form, COUNT),
		   tui_form_text(d->form, ADDRESS), macs.n, tui_form_toggle(d->form, GATEWAY),
		   strlen(tui_form_text(d->form, SECRET)));
}

static const struct tui_form_ops form_ops = { .check = check, .changed = changed, .pressed = pressed };

static int form_open(struct tui *t, void *argument, void **ret)
{
	struct demo_form *d = calloc(1, sizeof(*d));
	int r = d ? tui_form_new(fields, ARRAY_SIZE(fields), &form_ops, d, &d->form) : -ENOMEM;

	if (r < 0) {
		free(d);
		return r;
	}
	d->tui = t;
	tui_form_set_number(d->form, COUNT, 16);
	tui_form_set_text(d->form, PREFIX, "node");
	tui_form_set_text(d->form, ADDRESS, "10.66.0.11");
	*ret = d;
	return 0;
}

static void form_close(void *self)
{
	struct demo_form *d = self;

	tui_form_free(d->form);
	free(d);
}

static void form_draw(void *self, struct canvas *c)
{
	static const char *const steps[] = { SIGN_GOOD " Welcome",     SIGN_GOOD " This server",
					     SIGN_GOOD " Network",     SIGN_HERE " Nodes",
					     SIGN_OFF " Kernel, root", SIGN_OFF " Services",
					     SIGN_OFF " Access",       SIGN_OFF " Review",
					     SIGN_OFF " Apply",	       SIGN_OFF " First boot" };
	struct demo_form *d = self;
	struct canvas left = canvas_sub(c, 1, 0, c->rows - 1, 20);
	struct canvas right = canvas_sub(c, 1, 20, c->rows - 1, c->columns - 20);

	canvas_text(c, 0, 1, STYLE_TITLE, "muster setup");
	canvas_right(c, 0, c->columns - 1, STYLE_DIM, "this server: Debian 12, x86-64");
	left = canvas_box(&left, STYLE_DIM, "Steps");
	right = canvas_box(&right, STYLE_DIM, "Nodes");
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		canvas_text(&left, (int)i, 1, i == 3 ? STYLE_ACCENT : STYLE_NORMAL, steps[i]);
	tui_form_draw(d->form, &right);
}

static int form_event(void *self, const struct tui_event *e)
{
	struct demo_form *d = self;

	return tui_form_event(d->form, e);
}

static bool form_enabled(void *self, int request)
{
	struct demo_form *d = self;

	return request == DEMO_LEAVE || tui_form_enabled(d->form, request);
}

static int form_key(void *self, int request)
{
	struct demo_form *d = self;

	if (request == DEMO_LEAVE)
		tui_pop(d->tui);
	return 0;
}

const struct screen_ops demo_form_screen = {
	.name = "form",
	.title = N_("the nodes"),
	.keys = &form_keys,
	.enabled = form_enabled,
	.open = form_open,
	.close = form_close,
	.draw = form_draw,
	.event = form_event,
	.key = form_key,
};

/* ---- the pager --------------------------------------------------------------------------------------------- */

#define PAGER_KEYS(X) X(DEMO_DONE, TK_ESC, 'q', N_("close"), N_("Back to the table"), KEYMAP_BAR)

enum pager_request { PAGER_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry pager_entries[] = { PAGER_KEYS(KEYMAP_ENTRY) };
static const struct keymap pager_keys = KEYMAP_WITH(N_("In this text"), pager_entries, tui_pager_keys);

struct demo_pager {
	struct tui *tui;
	struct tui_pager *pager;
	unsigned int timer;
	int grown;
};

static int64_t grow(void *data)
{
	struct demo_pager *d = data;
	int r = tui_pager_addf(d->pager, STYLE_NORMAL, "grown line %d", ++d->grown);

	tui_dirty(d->tui);
	return r < 0 ? r : d->grown < 5 ? 20 : 0;
}

static int fill(struct demo_pager *d)
{
	int r = tui_pager_add_diff(d->pager, "--- a/etc/exports\n+++ b/etc/exports\n@@ -1,2 +1,2 @@\n"
					     " /srv/old 10.0.0.0/8(ro)\n-/srv/a 10.66.0.0/24(rw)\n"
					     "+/srv/a 10.66.0.0/24(ro,no_subtree_check)\n");

	for (int i = 1; i <= 200 && r == 0; i++)
		r = tui_pager_addf(d->pager, STYLE_NORMAL, "output line %d%s", i,
				   i == 150 ? ": needle \x1b[31m" : "");
	if (r == 0)
		r = tui_pager_addf(d->pager, STYLE_NORMAL, "long%0150d end of it", 0);
	return r < 0 ? r : tui_timer(d->tui, 20, grow, d, &d->timer);
}

static int pager_open(struct tui *t, void *argument, void **ret)
{
	struct demo_pager *d = calloc(1, sizeof(*d));
	int r = d ? tui_pager_new(&d->pager) : -ENOMEM;

	if (r == 0) {
		d->tui = t;
		r = fill(d);
	}
	if (r < 0) {
		if (d)
			tui_pager_free(d->pager);
		free(d);
		return r;
	}
	*ret = d;
	return 0;
}

static void pager_close(void *self)
{
	struct demo_pager *d = self;

	tui_timer_stop(d->tui, d->timer);
	tui_pager_free(d->pager);
	free(d);
}

static void pager_draw(void *self, struct canvas *c)
{
	struct demo_pager *d = self;
	struct canvas text = canvas_sub(c, 1, 1, c->rows - 1, c->columns - 1);

	canvas_rule(c, 0, STYLE_DIM, "what would change");
	tui_pager_draw(d->pager, &text);
}

static int pager_event(void *self, const struct tui_event *e)
{
	struct demo_pager *d = self;

	return tui_pager_event(d->pager, e);
}

static const struct keymap *pager_keys_now(void *self)
{
	struct demo_pager *d = self;

	return tui_pager_keys_now(d->pager, &pager_keys);
}

static bool pager_enabled(void *self, int request)
{
	struct demo_pager *d = self;

	return request == DEMO_DONE || tui_pager_enabled(d->pager, request);
}

static int pager_key(void *self, int request)
{
	struct demo_pager *d = self;

	if (request == DEMO_DONE)
		tui_pop(d->tui);
	else
		tui_pager_key(d->pager, request);
	return 0;
}

const struct screen_ops demo_pager_screen = {
	.name = "pager",
	.title = N_("the text"),
	.keys = &pager_keys,
	.keys_now = pager_keys_now,
	.enabled = pager_enabled,
	.open = pager_open,
	.close = pager_close,
	.draw = pager_draw,
	.event = pager_event,
	.key = pager_key,
};
