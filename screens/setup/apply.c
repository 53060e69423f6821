/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The changes being made, by a job that goes on when this terminal does not. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "screens/setup/follow.h"
#include "tui/dialog.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define APPLY_KEYS(X)                                                                        \
	X(APPLY_BEGIN, 'a', TK_ENTER, N_("begin"), N_("Make the changes now"), KEYMAP_BAR)   \
	X(APPLY_REHEARSE, 'r', TK_NONE, N_("rehearse"),                                      \
	  N_("Boot virtual nodes from these very files first; changes nothing"), KEYMAP_BAR) \
	X(APPLY_CANCEL, 'c', TK_NONE, N_("cancel"), N_("Stop, and take back what was done"), KEYMAP_BAR)

enum apply_request { APPLY_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { APPLY_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("Apply"), entries, follow_and_frame_keys);

static void on_end(struct follow *f)
{
	struct wizard *w = f->wizard;

	if (f->result != 0)
		return;
	w->applied = true;
	w->pending = false;
	w->done[STEP_APPLY] = true;
}

/* A kernel that is being built is no apply, and there is one job at a time. */
static int meet_other(struct follow *f)
{
	struct muster_job job;

	if (muster_job_find(f->wizard->muster, &job) == 0 && job.kind == MUSTER_JOB_KERNEL) {
		tui_notice(f->wizard->tui, STYLE_WARNING,
			   _("A kernel is being built. The changes can be made when that is done."));
		return 0;
	}
	if (muster_job_find(f->wizard->muster, &job) == 0 && job.kind == MUSTER_JOB_REHEARSAL) {
		tui_notice(f->wizard->tui, STYLE_WARNING,
			   _("A rehearsal is at work; r shows it. The changes can be made when it is done."));
		return 0;
	}
	tui_notice(f->wizard->tui, STYLE_WARNING, _("Another job is at work; this follows it."));
	return follow_attach(f);
}

#define NAMED_MAX 6

/* What somebody else has written is replaced only when a person says so. */
static bool may_replace(struct follow *f)
{
	const struct strv *paths = &f->wizard->foreign;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	bool yes;

	if (paths->n == 0)
		return true;
	strbuf_adds(&text, _("Somebody else has changed these files, or has made them:\n"));
	for (size_t i = 0; i < paths->n && i < NAMED_MAX; i++)
		strbuf_addf(&text, "\n%s", paths->v[i]);
	if (paths->n > NAMED_MAX)
		strbuf_addf(&text, ngettext("\nand %zu more", "\nand %zu more", paths->n - NAMED_MAX),
			    paths->n - NAMED_MAX);
	strbuf_adds(&text, _("\n\nReplace them? `muster undo` brings them back."));
	yes = !text.failed && tui_box_yes_no(f->wizard->tui, _("Not muster's"), text.data, _("Replace"),
					     _("Leave"), true) == 1;
	if (yes)
		muster_take_over(f->wizard->muster);
	return yes;
}

static int begin(struct follow *f)
{
	int r = muster_job_start(f->wizard->muster, MUSTER_JOB_APPLY, f->wizard->path);

	if (r == -MUSTER_E_BUSY)
		return meet_other(f);
	if (r < 0)
		tui_notice(f->wizard->tui, STYLE_ERROR, _("The job could not be begun: %s"),
			   wizard_why(f->wizard, r));
	return r < 0 ? 0 : follow_attach(f);
}

/* ---- drawing ------------------------------------------------------------------------------------------------------------ */

/* What was put back, and what to do. */
static void draw_failure(const struct follow *f, struct canvas *c)
{
	int y = canvas_wrap(c, 0, 0, c->columns, 0, STYLE_BAD,
			    f->result == -MUSTER_E_CANCELLED ? _("It was stopped.") : _("It failed."));

	if (f->why)
		y += canvas_wrap(c, y, 0, c->columns, 3, STYLE_NORMAL, f->why);
	y += canvas_wrap(c, y, 0, c->columns, 0, STYLE_NORMAL,
			 f->spoilt   ? _("Not everything could be taken back: the output says what.")
			 : f->undone ? _("What was done before that is taken back: everything is as it was.")
				     : _("Nothing on this server was changed."));
	canvas_wrap(c, y, 0, c->columns, 0, STYLE_ACCENT,
		    f->result == -MUSTER_E_CANCELLED ? _("Enter begins again.")
						     : _("Mend that; Enter begins again."));
}

/* What it came to, and on failure the sentence that says why. */
static void draw_outcome(const struct follow *f, struct canvas *c)
{
	if (f->ended && f->result == 0)
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_GOOD,
			    _("All is done. PgDn: on to the first boot."));
	else if (f->ended && f->result == -EINTR)
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_BAD,
			    _("It was cut off. Begin again: what it left half done is taken back first."));
	else if (f->ended)
		draw_failure(f, c);
	else
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_DIM,
			    _("This goes on if the terminal closes; `muster setup` finds it again."));
}

static void apply_draw(void *self, struct canvas *c)
{
	struct follow *f = self;
	struct canvas in = frame_draw(f->wizard, c), part;

	if (f->feed) {
		part = follow_draw(f, &in, f->ended && f->result < 0 && f->result != -EINTR ? 7 : 2);
		draw_outcome(f, &part);
	} else if (f->wizard->nothing) {
		canvas_wrap(&in, 1, 0, in.columns, 0, STYLE_GOOD,
			    _("Nothing is to be changed: this server is as the answers say. PgDn: on to the "
			      "first boot."));
	} else {
		int y = 1;

		y += canvas_wrap(&in, y, 0, in.columns, 0, STYLE_NORMAL,
				 _("The changes that you have reviewed are made now: packages, the nodes' "
				   "root, "
				   "files, services. It can be "
				   "stopped; then what was done is taken back. Enter begins."));
		y += 1 + canvas_wrap(&in, y + 1, 0, in.columns, 0, STYLE_NORMAL,
				     _("r rehearses it first: virtual nodes boot from these very files, and "
				       "nothing on this server is changed."));
		if (f->wizard->rehearsed)
			canvas_wrap(&in, y + 1, 0, in.columns, 0, STYLE_ACCENT, f->wizard->rehearsed);
	}
}

/* ---- the screen ------------------------------------------------------------------------------------------------------------ */

static void apply_close(void *self)
{
	follow_close(self);
	free(self);
}

/* Is there a job to be shown: one at work, also one that an earlier wizard began, or one that has ended and worked by the
 * answers as they are now? */
static bool job_to_show(const struct wizard *w)
{
	struct muster_job job;
	struct stat st;

	if (muster_job_find(w->muster, &job) < 0 || job.kind == MUSTER_JOB_KERNEL ||
	    job.kind == MUSTER_JOB_REHEARSAL)
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
	struct follow *f = calloc(1, sizeof(*f));
	int r = f ? follow_open(f, argument) : -ENOMEM;

	if (!f)
		return r;
	f->on_end = on_end;
	rehearse_know(argument);
	if (r == 0 && job_to_show(f->wizard))
		r = follow_attach(f);
	if (r < 0) {
		apply_close(f);
		return r;
	}
	*ret = f;
	return 0;
}

static bool apply_enabled(void *self, int request)
{
	const struct follow *f = self;

	switch (request) {
	case APPLY_BEGIN:
		return !f->running && !(f->ended && f->result == 0);
	case APPLY_REHEARSE:
		return !f->running && !f->wizard->nothing;
	case APPLY_CANCEL:
		return f->running;
	case FRAME_NEXT:
		return (f->ended && f->result == 0) || (!f->feed && f->wizard->nothing);
	case PAGER_UP:
	case PAGER_DOWN:
	case PAGER_END:
		return f->feed != NULL;
	default:
		return frame_enabled(f->wizard, request);
	}
}

static int cancel(struct follow *f)
{
	if (tui_box_yes_no(f->wizard->tui, _("Cancel"), _("Stop, and take back what was done so far?"),
			   _("Stop"), _("Go on"), true) == 1 &&
	    muster_job_cancel(f->wizard->muster) < 0)
		tui_notice(f->wizard->tui, STYLE_WARNING, _("The job has ended already."));
	return 0;
}

static int quit(struct follow *f)
{
	if (tui_box_yes_no(f->wizard->tui, _("Leave"),
			   _("Leave the wizard? The job goes on, and `muster setup` shows it again."),
			   _("Leave"), _("Stay"), true) == 1)
		tui_quit(f->wizard->tui);
	return 0;
}

static int apply_key(void *self, int request)
{
	struct follow *f = self;

	if (request == FRAME_QUIT && f->running)
		return quit(f);
	switch (request) {
	case APPLY_BEGIN:
		if (!may_replace(f))
			return 0;
		follow_forget(f);
		return begin(f);
	case APPLY_REHEARSE:
		return rehearse_begin(f->wizard);
	case APPLY_CANCEL:
		return cancel(f);
	default:
		if (tui_pager_key(f->output, request))
			return 0;
		return frame_key(f->wizard, request, NULL, f);
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
