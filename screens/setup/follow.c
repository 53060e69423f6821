/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A job on the screen: the steps that it has begun, and what its programs say. It goes on when the screen does not. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/follow.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/units.h"

#define TICK_MS 1000

static const struct keymap_entry moves[] = {
	{ PAGER_UP, TK_UP, 'k', N_("up"), N_("A line of the output up"), 0 },
	{ PAGER_DOWN, TK_DOWN, 'j', N_("down"), N_("A line of the output down"), 0 },
	{ PAGER_END, TK_END, 'G', N_("end"), N_("To the output's end"), 0 },
};
const struct keymap follow_keys = KEYMAP(N_("In the output"), moves);
const struct keymap follow_and_frame_keys = KEYMAP_WITH(N_("In the output"), moves, frame_keys);

/* ---- what the job tells ------------------------------------------------------------------------------------------------ */

static void begin_step(struct follow *f, const char *name, const char *text)
{
	struct follow_step *s;

	if (f->n == FOLLOW_STEPS)
		return;
	s = &f->steps[f->n];
	*s = (struct follow_step){ strdup(name), strdup(text), -1, -1, clock_mono_ms(), false };
	if (s->name && s->text)
		f->n++;
	f->undone |= strcmp(name, "undo") == 0;
}

static void on_event(void *data, const struct muster_event *e)
{
	struct follow *f = data;
	struct follow_step *s = f->n ? &f->steps[f->n - 1] : NULL;
	int r = 0;

	switch (e->type) {
	case MUSTER_EVENT_STEP:
		begin_step(f, e->step.name, e->step.text);
		break;
	case MUSTER_EVENT_PROGRESS:
		if (s)
			s->permille = e->progress.permille;
		break;
	case MUSTER_EVENT_DONE:
		if (s)
			s->ms = e->done.ms;
		break;
	case MUSTER_EVENT_LINE:
		r = tui_pager_add(f->output, STYLE_NORMAL, e->text);
		break;
	case MUSTER_EVENT_ERROR:
		if (s && s->ms < 0)
			s->failed = true;
		f->spoilt |= f->undone;
		if (!f->why)
			r = draft_set(&f->why, e->text);
		if (r == 0)
			r = tui_pager_add(f->output, STYLE_ERROR, e->text);
		break;
	case MUSTER_EVENT_WARNING:
		r = tui_pager_add(f->output, STYLE_WARNING, e->text);
		break;
	case MUSTER_EVENT_NOTE:
		r = tui_pager_add(f->output, STYLE_ACCENT, e->text);
		break;
	}
	if (r < 0)
		tui_notice(f->wizard->tui, STYLE_ERROR, _("There is no memory left."));
}

static void end(struct follow *f)
{
	const struct muster_job *job = muster_job_state(f->feed);

	tui_unwatch(f->wizard->tui, muster_job_fd(f->feed));
	f->running = false;
	f->ended = true;
	f->result = job->has_result ? job->result : -EINTR;
	/* What was under way when it ended goes on no more. */
	for (size_t i = 0; f->result != 0 && i < f->n; i++)
		f->steps[i].failed |= f->steps[i].ms < 0;
	if (f->on_end)
		f->on_end(f);
}

static int on_feed(int fd, void *data)
{
	struct follow *f = data;
	int r = muster_job_read(f->feed, on_event, f);

	if (r == 0)
		end(f);
	tui_dirty(f->wizard->tui);
	return r < 0 ? r : 0;
}

int follow_attach(struct follow *f)
{
	int r = muster_job_attach(f->wizard->muster, &f->feed);

	if (r < 0)
		return r;
	f->running = true;
	r = tui_watch(f->wizard->tui, muster_job_fd(f->feed), on_feed, f);
	/* What it said so far. */
	return r < 0 ? r : on_feed(-1, f);
}

void follow_forget(struct follow *f)
{
	if (f->feed && f->running)
		tui_unwatch(f->wizard->tui, muster_job_fd(f->feed));
	muster_job_detach(f->feed);
	f->feed = NULL;
	for (size_t i = 0; i < f->n; i++) {
		free(f->steps[i].name);
		free(f->steps[i].text);
	}
	f->n = 0;
	f->running = f->ended = f->undone = f->spoilt = false;
	free(TAKE_PTR(f->why));
	tui_pager_clear(f->output);
}

/* ---- drawing ------------------------------------------------------------------------------------------------------------ */

static void draw_step(struct canvas *c, int y, const struct follow_step *s)
{
	bool done = s->ms >= 0;
	int x = canvas_text(c, y, 0,
			    s->failed ? STYLE_BAD
			    : done    ? STYLE_GOOD
				      : STYLE_BUSY,
			    s->failed ? SIGN_BAD
			    : done    ? SIGN_GOOD
				      : SIGN_BUSY);

	canvas_cell(c, y, x + 1, 10, false, STYLE_NORMAL, i18n_in("step", s->name));
	canvas_cell(c, y, x + 12, c->columns - x - 12 - 18, false, STYLE_DIM, s->text);
	if (done || s->failed)
		canvas_right(c, y, c->columns, STYLE_DIM, done ? SECONDS(s->ms) : "");
	else if (s->permille >= 0)
		canvas_bar(c, y, c->columns - 17, 17, 0, s->permille, true, STYLE_ACCENT);
	else
		canvas_right(c, y, c->columns, STYLE_DIM, DURATION(clock_mono_ms() - s->began));
}

struct canvas follow_draw(struct follow *f, struct canvas *c, int below)
{
	size_t most = (size_t)MAX(c->rows / 2, 4), first = f->n > most ? f->n - most : 0;
	struct canvas part;
	int y = 0;

	for (size_t i = first; i < f->n; i++)
		draw_step(c, y++, &f->steps[i]);
	canvas_rule(c, y++, STYLE_DIM, _("output"));
	part = canvas_sub(c, y, 0, c->rows - y - below, c->columns);
	tui_pager_draw(f->output, &part);
	return canvas_sub(c, c->rows - below, 0, below, c->columns);
}

static int64_t tick(void *data)
{
	struct follow *f = data;

	if (f->running)
		tui_dirty(f->wizard->tui);
	return TICK_MS;
}

int follow_open(struct follow *f, struct wizard *w)
{
	int r;

	f->wizard = w;
	r = tui_pager_new(&f->output);
	if (r == 0)
		r = tui_timer(w->tui, TICK_MS, tick, f, &f->timer);
	if (r == 0)
		tui_pager_follow(f->output, true);
	return r;
}

void follow_close(struct follow *f)
{
	tui_timer_stop(f->wizard->tui, f->timer);
	if (f->output)
		follow_forget(f);
	tui_pager_free(f->output);
}
