/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The changes being made, by a job that goes on when this terminal does not. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "screens/setup/private.h"
#include "tui/dialog.h"
#include "tui/pager.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/units.h"

#define MAX_STEPS 32
#define TICK_MS 1000

#define APPLY_KEYS(X)                                                                      \
	X(APPLY_BEGIN, 'a', TK_ENTER, N_("begin"), N_("Make the changes now"), KEYMAP_BAR) \
	X(APPLY_CANCEL, 'c', TK_NONE, N_("cancel"), N_("Stop, and take back what was done"), KEYMAP_BAR)

enum apply_request { APPLY_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { APPLY_KEYS(KEYMAP_ENTRY) };
static const struct keymap_entry moves[] = {
	{ PAGER_UP, TK_UP, 'k', N_("up"), N_("A line of the output up"), 0 },
	{ PAGER_DOWN, TK_DOWN, 'j', N_("down"), N_("A line of the output down"), 0 },
	{ PAGER_END, TK_END, 'G', N_("end"), N_("To the output's end"), 0 },
};
static const struct keymap moves_and_frame = KEYMAP_WITH(N_("In the output"), moves, frame_keys);
static const struct keymap keys = KEYMAP_WITH(N_("Apply"), entries, moves_and_frame);

struct step {
	char *name, *text;
	int permille; /* -1: not known */
	int64_t ms;   /* how long it took; -1: it goes on */
	int64_t began;
	bool failed;
};

struct apply {
	struct wizard *wizard;
	struct job_feed *feed; /* NULL: no job was begun */
	bool running, ended;
	int result;
	char *why;	     /* the first error's text; NULL: none */
	bool undone, spoilt; /* it took back what it had done; and not all of it could be */
	struct step steps[MAX_STEPS];
	size_t n;
	struct tui_pager *output;
	unsigned int timer;
};

/* ---- what the job tells ------------------------------------------------------------------------------------------------ */

static void begin_step(struct apply *v, const char *name, const char *text)
{
	struct step *s;

	if (v->n == MAX_STEPS)
		return;
	s = &v->steps[v->n];
	*s = (struct step){ strdup(name), strdup(text), -1, -1, clock_mono_ms(), false };
	if (s->name && s->text)
		v->n++;
	v->undone |= strcmp(name, "undo") == 0;
}

static void on_event(void *data, const struct muster_event *e)
{
	struct apply *v = data;
	struct step *s = v->n ? &v->steps[v->n - 1] : NULL;
	int r = 0;

	switch (e->type) {
	case MUSTER_EVENT_STEP:
		begin_step(v, e->step.name, e->step.text);
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
		r = tui_pager_add(v->output, STYLE_NORMAL, e->text);
		break;
	case MUSTER_EVENT_ERROR:
		if (s && s->ms < 0)
			s->failed = true;
		v->spoilt |= v->undone;
		if (!v->why)
			r = draft_set(&v->why, e->text);
		if (r == 0)
			r = tui_pager_add(v->output, STYLE_ERROR, e->text);
		break;
	case MUSTER_EVENT_WARNING:
		r = tui_pager_add(v->output, STYLE_WARNING, e->text);
		break;
	case MUSTER_EVENT_NOTE:
		r = tui_pager_add(v->output, STYLE_ACCENT, e->text);
		break;
	}
	if (r < 0)
		tui_notice(v->wizard->tui, STYLE_ERROR, _("There is no memory left."));
}

static void end(struct apply *v)
{
	const struct muster_job *job = muster_job_state(v->feed);

	tui_unwatch(v->wizard->tui, muster_job_fd(v->feed));
	v->running = false;
	v->ended = true;
	v->result = job->has_result ? job->result : -EINTR;
	/* What was under way when it ended goes on no more. */
	for (size_t i = 0; v->result != 0 && i < v->n; i++)
		v->steps[i].failed |= v->steps[i].ms < 0;
	if (v->result == 0) {
		v->wizard->applied = true;
		v->wizard->pending = false;
		v->wizard->done[STEP_APPLY] = true;
	}
}

static int on_feed(int fd, void *data)
{
	struct apply *v = data;
	int r = muster_job_read(v->feed, on_event, v);

	if (r == 0)
		end(v);
	tui_dirty(v->wizard->tui);
	return r < 0 ? r : 0;
}

/* -ENOENT: there is no job. */
static int attach(struct apply *v)
{
	int r = muster_job_attach(v->wizard->muster, &v->feed);

	if (r < 0)
		return r;
	v->running = true;
	r = tui_watch(v->wizard->tui, muster_job_fd(v->feed), on_feed, v);
	/* What it said so far. */
	return r < 0 ? r : on_feed(-1, v);
}

static int begin(struct apply *v)
{
	int r = muster_job_start(v->wizard->muster, MUSTER_JOB_APPLY, v->wizard->path);

	if (r == -MUSTER_E_BUSY)
		tui_notice(v->wizard->tui, STYLE_WARNING, _("Another job is at work; this follows it."));
	else if (r < 0)
		tui_notice(v->wizard->tui, STYLE_ERROR, _("The job could not be begun: %s"),
			   wizard_why(v->wizard, r));
	return r < 0 && r != -MUSTER_E_BUSY ? 0 : attach(v);
}

/* ---- drawing ------------------------------------------------------------------------------------------------------------ */

static void draw_step(struct canvas *c, int y, const struct step *s)
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

/* What was put back, and what to do. */
static void draw_failure(const struct apply *v, struct canvas *c)
{
	int y = canvas_wrap(c, 0, 0, c->columns, 0, STYLE_BAD,
			    v->result == -MUSTER_E_CANCELLED ? _("It was stopped.") : _("It failed."));

	if (v->why)
		y += canvas_wrap(c, y, 0, c->columns, 3, STYLE_NORMAL, v->why);
	y += canvas_wrap(c, y, 0, c->columns, 0, STYLE_NORMAL,
			 v->spoilt   ? _("Not everything could be taken back: the output says what.")
			 : v->undone ? _("What was done before that is taken back: everything is as it was.")
				     : _("Nothing on this server was changed."));
	canvas_wrap(c, y, 0, c->columns, 0, STYLE_ACCENT,
		    v->result == -MUSTER_E_CANCELLED ? _("Enter begins again.")
						     : _("Mend that; Enter begins again."));
}

/* What it came to, and on failure the sentence that says why. */
static void draw_outcome(const struct apply *v, struct canvas *c)
{
	if (v->ended && v->result == 0)
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_GOOD,
			    _("All is done. PgDn: on to the first boot."));
	else if (v->ended && v->result == -EINTR)
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_BAD,
			    _("It was cut off. Begin again: what it left half done is taken back first."));
	else if (v->ended)
		draw_failure(v, c);
	else
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_DIM,
			    _("This goes on if the terminal closes; `muster setup` finds it again."));
}

static void apply_draw(void *self, struct canvas *c)
{
	struct apply *v = self;
	struct canvas in = frame_draw(v->wizard, c), part;
	int below = v->ended && v->result < 0 && v->result != -EINTR ? 7 : 2;
	size_t most = (size_t)MAX(in.rows / 2, 4), first = v->n > most ? v->n - most : 0;
	int y = 0;

	if (!v->feed && v->wizard->nothing) {
		canvas_wrap(&in, 1, 0, in.columns, 0, STYLE_GOOD,
			    _("Nothing is to be changed: this server is as the answers say. PgDn: on to the "
			      "first boot."));
		return;
	}
	if (!v->feed) {
		canvas_wrap(&in, 1, 0, in.columns, 0, STYLE_NORMAL,
			    _("The changes that you have reviewed are made now: packages, the nodes' root, "
			      "files, services. It can be "
			      "stopped; then what was done is taken back. Enter begins."));
		return;
	}
	for (size_t i = first; i < v->n; i++)
		draw_step(&in, y++, &v->steps[i]);
	canvas_rule(&in, y++, STYLE_DIM, _("output"));
	part = canvas_sub(&in, y, 0, in.rows - y - below, in.columns);
	tui_pager_draw(v->output, &part);
	part = canvas_sub(&in, in.rows - below, 0, below, in.columns);
	draw_outcome(v, &part);
}

/* ---- the screen ------------------------------------------------------------------------------------------------------------ */

static int64_t tick(void *data)
{
	struct apply *v = data;

	if (v->running)
		tui_dirty(v->wizard->tui);
	return TICK_MS;
}

static void forget(struct apply *v)
{
	if (v->feed && v->running)
		tui_unwatch(v->wizard->tui, muster_job_fd(v->feed));
	muster_job_detach(v->feed);
	v->feed = NULL;
	for (size_t i = 0; i < v->n; i++) {
		free(v->steps[i].name);
		free(v->steps[i].text);
	}
	v->n = 0;
	v->running = v->ended = v->undone = v->spoilt = false;
	free(TAKE_PTR(v->why));
}

static void apply_close(void *self)
{
	struct apply *v = self;

	tui_timer_stop(v->wizard->tui, v->timer);
	forget(v);
	tui_pager_free(v->output);
	free(v);
}

/* Is there a job to be shown: one at work, also one that an earlier wizard began, or one that has ended and worked by the
 * answers as they are now? */
static bool job_to_show(const struct wizard *w)
{
	struct muster_job job;
	struct stat st;

	if (muster_job_find(w->muster, &job) < 0)
		return false;
	if (job.running)
		return true;
	/* What it made was taken back, or changed by somebody. */
	if (job.has_result && job.result == 0 && w->pending)
		return false;
	return job.kind == MUSTER_JOB_APPLY && stat(w->path, &st) == 0 &&
	       (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 <= job.started;
}

static int apply_open(struct tui *t, void *argument, void **ret)
{
	struct apply *v = calloc(1, sizeof(*v));
	int r = v ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	v->wizard = argument;
	r = tui_pager_new(&v->output);
	if (r == 0)
		r = tui_timer(t, TICK_MS, tick, v, &v->timer);
	if (r == 0)
		tui_pager_follow(v->output, true);
	if (r == 0 && job_to_show(v->wizard))
		r = attach(v);
	if (r < 0) {
		apply_close(v);
		return r;
	}
	*ret = v;
	return 0;
}

static bool apply_enabled(void *self, int request)
{
	const struct apply *v = self;

	switch (request) {
	case APPLY_BEGIN:
		return !v->running && !(v->ended && v->result == 0);
	case APPLY_CANCEL:
		return v->running;
	case FRAME_NEXT:
		return (v->ended && v->result == 0) || (!v->feed && v->wizard->nothing);
	case PAGER_UP:
	case PAGER_DOWN:
	case PAGER_END:
		return v->feed != NULL;
	default:
		return frame_enabled(v->wizard, request);
	}
}

static int cancel(struct apply *v)
{
	if (tui_box_yes_no(v->wizard->tui, _("Cancel"), _("Stop, and take back what was done so far?"),
			   _("Stop"), _("Go on"), true) == 1 &&
	    muster_job_cancel(v->wizard->muster) < 0)
		tui_notice(v->wizard->tui, STYLE_WARNING, _("The job has ended already."));
	return 0;
}

static int quit(struct apply *v)
{
	if (tui_box_yes_no(v->wizard->tui, _("Leave"),
			   _("Leave the wizard? The job goes on, and `muster setup` shows it again."),
			   _("Leave"), _("Stay"), true) == 1)
		tui_quit(v->wizard->tui);
	return 0;
}

static int apply_key(void *self, int request)
{
	struct apply *v = self;

	if (request == FRAME_QUIT && v->running)
		return quit(v);
	switch (request) {
	case APPLY_BEGIN:
		forget(v);
		tui_pager_clear(v->output);
		return begin(v);
	case APPLY_CANCEL:
		return cancel(v);
	default:
		if (tui_pager_key(v->output, request))
			return 0;
		return frame_key(v->wizard, request, NULL, v);
	}
}

const struct screen_ops step_apply = {
	.name = "apply",
	.title = N_("Apply"),
	.help = N_("The job runs in a process of its own. When this terminal is closed it goes on, and "
		   "`muster setup` shows it again "
		   "at this step. When something fails, what was done before is taken back, and the output "
		   "says what to do."),
	.keys = &keys,
	.enabled = apply_enabled,
	.open = apply_open,
	.close = apply_close,
	.draw = apply_draw,
	.key = apply_key,
};
