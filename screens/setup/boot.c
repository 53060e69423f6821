/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes are switched on, and come up. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "screens/console/parts.h"
#include "screens/console/private.h"
#include "screens/setup/private.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/units.h"

#define BOOT_KEYS(X)                                                                                      \
	X(BOOT_CONSOLE, TK_ENTER, 'c', N_("console"), N_("The whole screen for the nodes; q comes back"), \
	  KEYMAP_BAR)                                                                                     \
	X(BOOT_QUIT, 'q', TK_NONE, N_("finish"), N_("Leave the wizard; the cluster runs on"), KEYMAP_BAR)

enum boot_request { BOOT_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { BOOT_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("First boot"), entries, frame_keys);

struct boot {
	struct wizard *wizard;
	struct console *console;
};

static void boot_close(void *self)
{
	struct boot *b = self;

	console_end(b->console);
	free(b);
}

static int boot_open(struct tui *t, void *argument, void **ret)
{
	struct boot *b = calloc(1, sizeof(*b));
	struct wizard *w = argument;
	int r = b ? console_begin(w->muster, t, &b->console) : -ENOMEM;

	if (r < 0) {
		free(b);
		return r;
	}
	b->wizard = w;
	*ret = b;
	return 0;
}

/* Why it failed stands below it: that is read whole. Returns its rows. */
static int draw_node(struct canvas *c, int y, const struct node_state *s)
{
	int64_t since = model_for(s, clock_wall_ms());

	canvas_text(c, y, 0, style_of_stage(s->stage), sign_of_stage(s->stage));
	canvas_cell(c, y, 2, 14, false, STYLE_NORMAL, s->name);
	canvas_cell(c, y, 17, 15, false, STYLE_DIM, s->address);
	canvas_cell(c, y, 33, 10, false, style_of_stage(s->stage), text_of_stage(s->stage));
	if (since >= 0)
		canvas_text(c, y, 44, STYLE_DIM, DURATION(since));
	return 1 + (*s->reason ? canvas_wrap(c, y + 1, 2, c->columns - 2, 3, STYLE_BAD, s->reason) : 0);
}

static const struct node_state *first_ready(struct model *m)
{
	for (size_t i = 0; i < model_shown(m); i++)
		if (model_group_of(model_row(m, i)->state.stage) == GROUP_READY)
			return &model_row(m, i)->state;
	return NULL;
}

/* What fails is first, then what comes up: where not all fit, nothing that is waited for is left out. */
static void draw_nodes(struct canvas *c, int y, struct model *m)
{
	static const enum model_group order[] = { GROUP_FAILED, GROUP_LOST, GROUP_BOOTING, GROUP_READY,
						  GROUP_OFF };
	size_t left = model_shown(m);

	for (size_t k = 0; k < ARRAY_SIZE(order); k++)
		for (size_t i = 0; i < model_shown(m); i++) {
			const struct node_state *s = &model_row(m, i)->state;

			if (model_group_of(s->stage) != order[k])
				continue;
			/* The last row is for the number of those that have none. */
			if (y + (left > 1 ? 1 : 0) >= c->rows) {
				canvas_textf(c, c->rows - 1, 2, STYLE_DIM,
					     ngettext("and %zu more; the console shows all",
						      "and %zu more; the console shows all", left),
					     left);
				return;
			}
			y += draw_node(c, y, s);
			left--;
		}
}

static void boot_draw(void *self, struct canvas *c)
{
	struct boot *b = self;
	struct canvas in = frame_draw(b->wizard, c);
	struct model *m = b->console->model;
	const struct node_state *ready = first_ready(m);
	_cleanup_strbuf_ struct strbuf lost = STRBUF_INIT;
	int y = 0;

	if (ready) {
		b->wizard->done[STEP_BOOT] = true;
		canvas_textf(&in, y++, 0, STYLE_GOOD, _("%s is ready: ssh root@%s"), ready->name,
			     ready->name);
		y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_NORMAL,
				 _("The cluster runs. From now on `muster console` shows it, and `muster "
				   "setup` changes it."));
	} else {
		y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_TITLE, _("Switch the nodes on now."));
		y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_NORMAL,
				 _("They must boot from the network before their disk. Each shows here as "
				   "soon as its firmware asks "
				   "for an address."));
	}
	y++;
	if (console_lost(b->console, &lost) && !lost.failed)
		y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_WARNING, lost.data);
	draw_nodes(&in, y, m);
}

static bool boot_enabled(void *self, int request)
{
	const struct boot *b = self;

	return request == BOOT_CONSOLE || request == BOOT_QUIT || frame_enabled(b->wizard, request);
}

static int boot_key(void *self, int request)
{
	struct boot *b = self;

	switch (request) {
	case BOOT_CONSOLE:
		return tui_push(b->wizard->tui, &nodes_screen, b->console);
	case BOOT_QUIT:
		tui_quit(b->wizard->tui);
		return 0;
	default:
		return frame_key(b->wizard, request, NULL, b);
	}
}

const struct screen_ops step_boot = {
	.name = "boot",
	.title = N_("First boot"),
	.help = N_("A node goes through dhcp, loader, kernel, initramfs and root until it is ready. One that "
		   "fails says why. The console "
		   "shows more of each."),
	.keys = &keys,
	.enabled = boot_enabled,
	.open = boot_open,
	.close = boot_close,
	.draw = boot_draw,
	.key = boot_key,
};
