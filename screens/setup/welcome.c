/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What will happen, and whether this server is fit for it. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "screens/setup/private.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/units.h"

struct welcome {
	struct wizard *wizard;
	struct muster_doctor_run *run; /* NULL: it has ended */
	struct muster_check *checks;
	size_t n;
	bool failed;	  /* nothing could be found out */
	int skip, hidden; /* lines of the findings */
};

#define WELCOME_KEYS(X)                                                                      \
	X(WELCOME_DOWN, TK_DOWN, 'j', N_("down"), N_("Show the findings below"), KEYMAP_BAR) \
	X(WELCOME_UP, TK_UP, 'k', N_("up"), N_("Show the findings above"), 0)                \
	X(WELCOME_GO, TK_ENTER, TK_NONE, N_("begin"), N_("On to the first question that is open"), KEYMAP_BAR)

enum welcome_request { WELCOME_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { WELCOME_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("Welcome"), entries, frame_keys);

static int on_run(int fd, void *data)
{
	struct welcome *v = data;
	int r = muster_doctor_read(v->run, &v->checks, &v->n);

	if (r == 0)
		return 0;
	tui_unwatch(v->wizard->tui, fd);
	muster_doctor_end(TAKE_PTR(v->run));
	v->failed = r < 0 || v->n == 0;
	tui_dirty(v->wizard->tui);
	return 0;
}

static int welcome_open(struct tui *t, void *argument, void **ret)
{
	struct welcome *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->wizard = argument;
	/* Without it the wizard works as well. */
	if (muster_doctor_begin(v->wizard->muster, NULL, NULL, &v->run) < 0)
		v->run = NULL;
	else if (tui_watch(t, muster_doctor_fd(v->run), on_run, v) < 0)
		muster_doctor_end(TAKE_PTR(v->run));
	v->failed = !v->run;
	*ret = v;
	return 0;
}

static void welcome_close(void *self)
{
	struct welcome *v = self;

	if (v->run)
		tui_unwatch(v->wizard->tui, muster_doctor_fd(v->run));
	muster_doctor_end(v->run);
	muster_checks_free(v->checks, v->n);
	free(v);
}

static const struct {
	const char *sign;
	enum tui_style style;
} looks[] = {
	[MUSTER_CHECK_OK] = { SIGN_GOOD, STYLE_GOOD },
	[MUSTER_CHECK_WARNING] = { SIGN_BUSY, STYLE_BUSY },
	[MUSTER_CHECK_PROBLEM] = { SIGN_BAD, STYLE_BAD },
};

/* Problems first, then warnings: what is well needs no line each. */
static int draw_findings(const struct welcome *v, struct canvas *c)
{
	int line = 0;
	size_t well = 0;

	for (int level = MUSTER_CHECK_PROBLEM; level > MUSTER_CHECK_OK; level--) {
		for (size_t i = 0; i < v->n; i++) {
			const struct muster_check *k = &v->checks[i];

			if ((int)k->level != level)
				continue;
			if (line - v->skip >= 0)
				canvas_text(c, line - v->skip, 0, looks[level].style, looks[level].sign);
			line += canvas_wrap(c, line - v->skip, 2, c->columns - 2, 0, STYLE_NORMAL, k->text);
			if (k->remedy)
				line += canvas_wrap(c, line - v->skip, 2, c->columns - 2, 0, STYLE_DIM,
						    k->remedy);
			if (k->command)
				line += canvas_wrap(c, line - v->skip, 4, c->columns - 4, 0, STYLE_ACCENT,
						    k->command);
		}
	}
	for (size_t i = 0; i < v->n; i++)
		well += v->checks[i].level == MUSTER_CHECK_OK;
	if (line - v->skip >= 0) {
		canvas_text(c, line - v->skip, 0, STYLE_GOOD, SIGN_GOOD);
		canvas_textf(c, line - v->skip, 2, STYLE_NORMAL,
			     ngettext("%zu other thing was looked at, and is well.",
				      "%zu other things were looked at, and are well.", well),
			     well);
	}
	return line + 1;
}

/* How the last apply ended, for who was not there to see it. */
static int draw_job(const struct muster_job *job, struct canvas *c, int y)
{
	int64_t ago = MAX(clock_wall_ms() - (job->has_result ? job->ended : job->started), (int64_t)0);
	bool well = job->has_result && job->result == 0;
	char text[256];

	if (job->running)
		return 0;
	snprintf(text, sizeof(text),
		 well				      ? _("The last apply ended well, %s ago.")
		 : !job->has_result		      ? _("The last apply was begun %s ago, and was cut off.")
		 : job->result == -MUSTER_E_CANCELLED ? _("The last apply was stopped, %s ago.")
						      : _("The last apply failed, %s ago."),
		 DURATION(ago));
	return canvas_wrap(c, y, 0, c->columns, 0, well ? STYLE_GOOD : STYLE_WARNING, text);
}

static void welcome_draw(void *self, struct canvas *c)
{
	struct welcome *v = self;
	struct wizard *w = v->wizard;
	struct canvas in = frame_draw(w, c), part;
	int y = 0, lines;

	y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_NORMAL,
			 _("This makes a server out of this machine, from which other machines boot over the "
			   "network and become "
			   "a cluster. It asks one thing after the other. Nothing is changed before you have "
			   "seen all of it, at "
			   "the step Review, and said yes; and it can be taken back."));
	y++;
	if (w->found)
		y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_ACCENT,
				 _("Answers of an earlier run were found; the wizard goes on with them."));
	if (w->has_job && w->job.kind == MUSTER_JOB_APPLY)
		y += draw_job(&w->job, &in, y);
	y += w->found || (w->has_job && w->job.kind == MUSTER_JOB_APPLY);
	canvas_rule(&in, y++, STYLE_DIM, _("This server"));
	part = canvas_sub(&in, y, 0, in.rows - y, in.columns);
	if (v->run) {
		canvas_text(&part, 0, 0, STYLE_DIM, _("Looking at it ..."));
		return;
	}
	if (v->failed) {
		canvas_wrap(&part, 0, 0, part.columns, 0, STYLE_WARNING,
			    _("! This server could not be looked at. `muster doctor` does it, too, and says "
			      "why it fails."));
		return;
	}
	lines = draw_findings(v, &part);
	v->hidden = MAX(lines - v->skip - part.rows, 0);
	canvas_scrollbar(&part, 0, part.columns - 1, part.rows, (size_t)v->skip, (size_t)part.rows,
			 (size_t)lines);
}

static bool welcome_enabled(void *self, int request)
{
	const struct welcome *v = self;

	switch (request) {
	case WELCOME_DOWN:
		return v->hidden > 0;
	case WELCOME_UP:
		return v->skip > 0;
	case WELCOME_GO:
		return true;
	default:
		return frame_enabled(v->wizard, request);
	}
}

/* Where an earlier run left off; at the first question where there was none. */
static int go(struct wizard *w)
{
	enum wizard_step step = STEP_SERVER;

	w->done[STEP_WELCOME] = true;
	while (step < STEP_REVIEW && w->done[step])
		step++;
	return frame_go(w, step);
}

static int welcome_key(void *self, int request)
{
	struct welcome *v = self;

	switch (request) {
	case WELCOME_DOWN:
		v->skip++;
		return 0;
	case WELCOME_UP:
		v->skip--;
		return 0;
	case WELCOME_GO:
		return go(v->wizard);
	}
	return frame_key(v->wizard, request, NULL, v);
}

const struct screen_ops step_welcome = {
	.name = "welcome",
	.title = N_("Welcome"),
	.help = N_("The wizard asks what the cluster shall be, and writes the answers into a file after each "
		   "step. `muster apply -f` "
		   "with that file does the same without a wizard. Below the line stands what is to be "
		   "mended on this server "
		   "before, and what is only worth knowing; `muster doctor` shows all of it."),
	.keys = &keys,
	.enabled = welcome_enabled,
	.open = welcome_open,
	.close = welcome_close,
	.draw = welcome_draw,
	.key = welcome_key,
};
