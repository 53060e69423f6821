/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is the same around every step: where the operator is, and the way on, back, and out. */
#include "config.h"

#include <stdio.h>

#include "screens/setup/private.h"
#include "tui/dialog.h"
#include "util/i18n.h"

#define LIST_COLUMNS_MAX 26

static const struct keymap_entry entries[] = { FRAME_KEYS(KEYMAP_ENTRY) };
const struct keymap frame_keys = KEYMAP(N_("The wizard"), entries);
const struct keymap page_keys = KEYMAP_WITH(N_("The wizard"), entries, tui_form_keys);

static const struct {
	const char *title;
	const struct screen_ops *screen;
} steps[] = {
#define X(name, word, heading) [STEP_##name] = { heading, &step_##word },
	WIZARD_STEPS(X)
#undef X
};

static void draw_steps(const struct wizard *w, struct canvas *c)
{
	struct canvas in = canvas_box(c, STYLE_DIM, _("Steps"));

	for (size_t i = 0; i < STEP_COUNT; i++) {
		bool here = i == (size_t)w->step;
		const char *sign = here ? SIGN_HERE : w->done[i] ? SIGN_GOOD : SIGN_OFF;
		enum tui_style style = here ? STYLE_ACCENT : w->done[i] ? STYLE_GOOD : STYLE_DIM;

		canvas_text(&in, (int)i, 1, style, sign);
		canvas_text(&in, (int)i, 3, here ? STYLE_TITLE : STYLE_NORMAL, i18n(steps[i].title));
	}
}

/* Room for the longest title, its sign, and the lines around. */
static int list_columns(const struct canvas *c)
{
	int most = 0;

	for (size_t i = 0; i < STEP_COUNT; i++)
		most = MAX(most, canvas_width(c, i18n(steps[i].title)));
	return MIN(most + 6, LIST_COLUMNS_MAX);
}

struct canvas frame_draw(struct wizard *w, struct canvas *c)
{
	int columns = list_columns(c);
	struct canvas list = canvas_sub(c, 1, 0, c->rows - 2, columns);
	struct canvas panel = canvas_sub(c, 1, columns, c->rows - 2, c->columns - columns);

	canvas_text(c, 0, 1, STYLE_TITLE, "muster setup");
	canvas_right(c, 0, c->columns - 1, STYLE_DIM, w->host->pretty);
	draw_steps(w, &list);
	panel = canvas_box(&panel, STYLE_NORMAL, i18n(steps[w->step].title));
	canvas_textf(c, c->rows - 1, 1, STYLE_DIM,
		     w->saved ? _("answers: %s (saved)") : _("answers: %s (not saved yet)"), w->path);
	return canvas_sub(&panel, 0, 1, panel.rows, panel.columns - 2);
}

bool frame_save(struct wizard *w)
{
	if (muster_draft_save(w->muster, w->draft, w->path) < 0) {
		tui_notice(w->tui, STYLE_ERROR, _("The answers cannot be written to %s."), w->path);
		return false;
	}
	w->saved = true;
	return true;
}

int frame_go(struct wizard *w, enum wizard_step step)
{
	w->step = step;
	return tui_replace(w->tui, steps[step].screen, w);
}

bool frame_enabled(const struct wizard *w, int request)
{
	switch (request) {
	case FRAME_NEXT:
		return w->step + 1 < STEP_COUNT;
	case FRAME_BACK:
		return w->step > 0;
	default:
		return true;
	}
}

static int leave_wizard(struct wizard *w)
{
	char text[512];
	int r;

	snprintf(text, sizeof(text),
		 w->saved ? _("Leave the wizard? What you have answered is in %s, and `muster setup` goes on "
			      "from there.")
			  : _("Leave the wizard? What you changed on this screen is not yet in %s."),
		 w->path);
	r = tui_box_yes_no(w->tui, _("Leave"), text, _("Leave"), _("Stay"), true);
	if (r == 1)
		tui_quit(w->tui);
	return 0;
}

int frame_key(struct wizard *w, int request, bool (*leave)(void *self), void *self)
{
	switch (request) {
	case FRAME_NEXT:
		if (w->step + 1 == STEP_COUNT || (leave && !leave(self)))
			return 0;
		w->done[w->step] = true;
		return frame_go(w, w->step + 1);
	case FRAME_BACK:
		return w->step > 0 ? frame_go(w, w->step - 1) : 0;
	case FRAME_HELP:
		return tui_help(w->tui);
	case FRAME_QUIT:
		return leave_wizard(w);
	default:
		return 0;
	}
}
