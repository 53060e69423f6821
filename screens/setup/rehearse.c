/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The answers being rehearsed, by a job that goes on when this terminal does not. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "screens/setup/follow.h"
#include "tui/dialog.h"
#include "util/i18n.h"

#define REHEARSE_KEYS(X)                                                                                  \
	X(REHEARSE_AGAIN, TK_ENTER, TK_NONE, N_("again"), N_("Rehearse once more"), KEYMAP_BAR)           \
	X(REHEARSE_CANCEL, 'c', TK_NONE, N_("cancel"), N_("End the rehearsal and all that runs in it"),   \
	  KEYMAP_BAR)                                                                                     \
	X(REHEARSE_LEAVE, 'q', TK_ESC, N_("back"), N_("Back to the wizard; a rehearsal at work goes on"), \
	  KEYMAP_BAR)                                                                                     \
	X(REHEARSE_HELP, '?', TK_FN(1), N_("help"), N_("Show what each key does"), KEYMAP_BAR)

enum rehearse_request { REHEARSE_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { REHEARSE_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("Rehearsal"), entries, follow_keys);

void rehearse_know(struct wizard *w)
{
	const struct plan *plan;

	free(TAKE_PTR(w->rehearsed));
	if (muster_plan(w->muster, w->path, &plan) < 0 || muster_rehearsed_text(w->muster, &w->rehearsed) < 0)
		w->rehearsed = NULL;
}

/* One at work, or one that has ended and was of the answers as they are now. */
static bool is_there(const struct wizard *w)
{
	struct muster_job job;
	struct stat st;

	if (muster_job_find(w->muster, &job) < 0 || job.kind != MUSTER_JOB_REHEARSAL)
		return false;
	return job.running ||
	       (stat(w->path, &st) == 0 &&
		(int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 <= job.started);
}

static int start(struct wizard *w)
{
	int r = muster_job_start(w->muster, MUSTER_JOB_REHEARSAL, w->path);

	if (r < 0)
		tui_notice(w->tui, STYLE_ERROR, _("The job could not be begun: %s"), wizard_why(w, r));
	return r;
}

int rehearse_begin(struct wizard *w)
{
	if (!is_there(w) && start(w) < 0)
		return 0;
	return tui_push(w->tui, &rehearse_screen, w);
}

/* ---- drawing ------------------------------------------------------------------------------------------------- */

static void draw_end(const struct follow *f, struct canvas *c)
{
	int y;

	if (f->result == 0) {
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_GOOD,
			    _("Every node became ready. q: back to the step of the apply."));
		return;
	}
	y = canvas_wrap(c, 0, 0, c->columns, 0, STYLE_BAD,
			f->result == -MUSTER_E_CANCELLED ? _("It was stopped.")
			: f->result == -EINTR		 ? _("It was cut off.")
			: f->result == -MUSTER_E_REFUSED ? _("It cannot be rehearsed here.")
							 : _("Not every node became ready."));
	if (f->why && f->result != -MUSTER_E_CANCELLED)
		y += canvas_wrap(c, y, 0, c->columns, 3, STYLE_NORMAL, f->why);
	canvas_wrap(c, y, 0, c->columns, 0, STYLE_ACCENT,
		    f->result == -MUSTER_E_UNHEALTHY
			    ? _("The output says where each node stopped, and what was seen of it.")
			    : _("Nothing on this server was changed. Enter begins again."));
}

static void rehearse_draw(void *self, struct canvas *c)
{
	const struct follow *f = self;
	struct canvas in = frame_draw(f->wizard, c), part;

	part = follow_draw(self, &in, !f->ended || f->result == 0 ? 2 : 5);
	if (f->ended)
		draw_end(f, &part);
	else
		canvas_wrap(&part, 0, 0, part.columns, 0, STYLE_DIM,
			    _("Nothing on this server is changed by it. It goes on if the terminal closes; "
			      "`muster setup` finds it again."));
}

/* ---- the screen ------------------------------------------------------------------------------------------------ */

static void on_end(struct follow *f)
{
	rehearse_know(f->wizard);
}

static void rehearse_close(void *self)
{
	follow_close(self);
	free(self);
}

static int rehearse_open(struct tui *t, void *argument, void **ret)
{
	struct follow *f = calloc(1, sizeof(*f));
	int r = f ? follow_open(f, argument) : -ENOMEM;

	if (!f)
		return r;
	f->on_end = on_end;
	if (r == 0)
		r = follow_attach(f);
	if (r < 0) {
		rehearse_close(f);
		return r;
	}
	*ret = f;
	return 0;
}

static bool rehearse_enabled(void *self, int request)
{
	const struct follow *f = self;

	switch (request) {
	case REHEARSE_AGAIN:
		return f->ended;
	case REHEARSE_CANCEL:
		return f->running;
	default:
		return true;
	}
}

static int again(struct follow *f)
{
	if (start(f->wizard) < 0)
		return 0;
	follow_forget(f);
	return follow_attach(f);
}

static int cancel(struct wizard *w)
{
	if (tui_box_yes_no(w->tui, _("Cancel"), _("End the rehearsal, and all that runs in it?"), _("End"),
			   _("Go on"), true) == 1 &&
	    muster_job_cancel(w->muster) < 0)
		tui_notice(w->tui, STYLE_WARNING, _("The job has ended already."));
	return 0;
}

static int rehearse_key(void *self, int request)
{
	struct follow *f = self;
	struct wizard *w = f->wizard;

	switch (request) {
	case REHEARSE_AGAIN:
		return again(f);
	case REHEARSE_LEAVE:
		tui_pop(w->tui);
		return 0;
	case REHEARSE_CANCEL:
		return cancel(w);
	case REHEARSE_HELP:
		return tui_help(w->tui);
	default:
		tui_pager_key(f->output, request);
		return 0;
	}
}

const struct screen_ops rehearse_screen = {
	.name = "rehearse",
	.title = N_("Rehearsal"),
	.help = N_("The files of these answers are put into a folder of their own, and the real services are "
		   "started with them in a network of their own; a virtual node for each firmware and each "
		   "kind of node boots from that. The output shows each stage as it is reached, then a "
		   "table, and for a node that does not become ready what the daemons, its console and its "
		   "agent have said. Nothing on this server is changed."),
	.keys = &keys,
	.enabled = rehearse_enabled,
	.open = rehearse_open,
	.close = rehearse_close,
	.draw = rehearse_draw,
	.key = rehearse_key,
};
