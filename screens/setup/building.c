/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A kernel being built, by a job that goes on when this terminal does not. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "screens/setup/follow.h"
#include "tui/dialog.h"
#include "util/i18n.h"

#define BUILDING_KEYS(X)                                                                                    \
	X(BUILDING_GO, TK_ENTER, TK_NONE, N_("go on"),                                                      \
	  N_("Go on where the build was cut off; when it is "                                               \
	     "built, back to the question"),                                                                \
	  KEYMAP_BAR)                                                                                       \
	X(BUILDING_CANCEL, 'c', TK_NONE, N_("cancel"), N_("Stop the build; it can be gone on with"),        \
	  KEYMAP_BAR)                                                                                       \
	X(BUILDING_OTHER, 'e', TK_NONE, N_("change"), N_("Change recipe, sources or compiler"), KEYMAP_BAR) \
	X(BUILDING_LEAVE, 'q', TK_ESC, N_("back"), N_("Back to the wizard; a build at work goes on"),       \
	  KEYMAP_BAR)                                                                                       \
	X(BUILDING_HELP, '?', TK_FN(1), N_("help"), N_("Show what each key does"), KEYMAP_BAR)

enum building_request { BUILDING_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { BUILDING_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("Building a kernel"), entries, follow_keys);

/* ---- what there is ------------------------------------------------------------------------------------------ */

static bool find_job(const struct wizard *w, struct muster_job *ret)
{
	return muster_job_find(w->muster, ret) == 0 && ret->kind == MUSTER_JOB_KERNEL;
}

bool building_at_work(const struct wizard *w)
{
	struct muster_job job;

	return find_job(w, &job) && job.running;
}

int building_begin(struct wizard *w)
{
	struct muster_job job;
	bool open = find_job(w, &job) && (job.running || !job.has_result || job.result < 0);

	return tui_push(w->tui, open ? &building_screen : &kernel_screen, w);
}

static int64_t written_ms(const struct wizard *w)
{
	struct stat st;

	return stat(w->path, &st) < 0 ? 0 : (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

bool building_take(struct wizard *w)
{
	struct kernel_order order;
	struct muster_job job;
	bool taken = false;

	if (!find_job(w, &job) || job.running || !job.has_result || job.result < 0 ||
	    (!w->building && job.ended <= written_ms(w)) || muster_kernel_last(w->muster, &order) < 0)
		return false;
	w->building = false;
	if (*order.id && draft_set(&w->draft->kernel, order.id) == 0) {
		taken = frame_save(w);
		if (taken)
			tui_notice(w->tui, STYLE_NORMAL,
				   _("The kernel %s is built, and stands in the answers now."), order.id);
	}
	muster_kernel_order_clear(&order);
	return taken;
}

/* ---- drawing ------------------------------------------------------------------------------------------------- */

/* What is to be done about it. */
static const char *advice(int error)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{ -MUSTER_E_CANCELLED, N_("Enter goes on with it where it was stopped.") },
		{ -EINTR, N_("Enter goes on with it: what was compiled is kept.") },
		{ -ENOSPC, N_("Make room on that disk; then Enter goes on with it.") },
		{ -MUSTER_E_MISSING,
		  N_("Install what is missing, and Enter goes on; or e names another compiler.") },
		{ -MUSTER_E_FORMAT, N_("With e another source can be named, or the SHA-256 that it has.") },
		{ -MUSTER_E_REFUSED, N_("With e the recipe, its sources and the compiler can be changed.") },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].error == error)
			return i18n(texts[i].text);
	return _("Mend that, and Enter goes on where it failed; or e names another source or compiler.");
}

static void draw_end(const struct follow *f, struct canvas *c)
{
	int y;

	if (f->result == 0) {
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_GOOD,
			    _("The kernel is built, and stands in the answers now. Enter: back to the "
			      "question."));
		return;
	}
	y = canvas_wrap(c, 0, 0, c->columns, 0, STYLE_BAD,
			f->result == -MUSTER_E_CANCELLED ? _("It was stopped.")
			: f->result == -EINTR		 ? _("It was cut off.")
							 : _("It failed."));
	if (f->why && f->result != -MUSTER_E_CANCELLED)
		y += canvas_wrap(c, y, 0, c->columns, c->rows - y - 2, STYLE_NORMAL, f->why);
	canvas_wrap(c, y, 0, c->columns, 0, STYLE_ACCENT, advice(f->result));
}

static void draw_running(const struct follow *f, struct canvas *c)
{
	int permille = f->n ? f->steps[f->n - 1].permille : -1;

	if (permille >= 0 && strcmp(f->steps[f->n - 1].name, "build") == 0)
		canvas_textf(c, 0, 0, STYLE_NORMAL, _("%d %% of the files are compiled."),
			     (permille + 5) / 10);
	canvas_wrap(c, 1, 0, c->columns, 0, STYLE_DIM,
		    _("This goes on if the terminal closes, or with q while you answer the other questions; "
		      "`muster setup` finds it again."));
}

static void building_draw(void *self, struct canvas *c)
{
	const struct follow *f = self;
	struct canvas in = frame_draw(f->wizard, c), part;
	int below = !f->ended ? 3 : f->result == 0 ? 2 : f->why && f->result != -MUSTER_E_CANCELLED ? 10 : 3;

	part = follow_draw(self, &in, below);
	if (f->ended)
		draw_end(f, &part);
	else
		draw_running(f, &part);
}

/* ---- the screen ------------------------------------------------------------------------------------------------ */

static void on_end(struct follow *f)
{
	if (f->result == 0)
		building_take(f->wizard);
}

static void building_close(void *self)
{
	follow_close(self);
	free(self);
}

static int building_open(struct tui *t, void *argument, void **ret)
{
	struct follow *f = calloc(1, sizeof(*f));
	int r = f ? follow_open(f, argument) : -ENOMEM;

	if (!f)
		return r;
	f->on_end = on_end;
	if (r == 0) {
		f->wizard->building |= building_at_work(f->wizard);
		r = follow_attach(f);
	}
	if (r < 0) {
		building_close(f);
		return r;
	}
	*ret = f;
	return 0;
}

static bool building_enabled(void *self, int request)
{
	const struct follow *f = self;

	switch (request) {
	case BUILDING_GO:
		return f->ended;
	case BUILDING_CANCEL:
		return f->running;
	case BUILDING_OTHER:
		return f->ended && f->result < 0;
	default:
		return true;
	}
}

/* The same once more: the builder goes on where it was. */
static int go_on(struct follow *f)
{
	struct wizard *w = f->wizard;
	struct kernel_order o;
	int r = muster_kernel_last(w->muster, &o);

	if (r == -ENOENT)
		return tui_replace(w->tui, &kernel_screen, w);
	if (r < 0)
		return r;
	r = muster_kernel_job(w->muster, o.recipe,
			      &(struct muster_kernel_wish){ (const char *const *)o.sources.v,
							    *o.cc ? o.cc : NULL, o.jobs });
	muster_kernel_order_clear(&o);
	if (r < 0) {
		tui_notice(w->tui, STYLE_ERROR, _("The job could not be begun: %s"), wizard_why(w, r));
		return 0;
	}
	follow_forget(f);
	w->building = true;
	return follow_attach(f);
}

static int cancel(struct wizard *w)
{
	if (tui_box_yes_no(w->tui, _("Cancel"),
			   _("Stop the build? What is compiled is kept, and it can be gone on with."),
			   _("Stop"), _("Go on"), true) == 1 &&
	    muster_job_cancel(w->muster) < 0)
		tui_notice(w->tui, STYLE_WARNING, _("The job has ended already."));
	return 0;
}

static int building_key(void *self, int request)
{
	struct follow *f = self;
	struct wizard *w = f->wizard;

	switch (request) {
	case BUILDING_GO:
		if (f->result < 0)
			return go_on(f);
		tui_pop(w->tui);
		return 0;
	case BUILDING_LEAVE:
		tui_pop(w->tui);
		return 0;
	case BUILDING_CANCEL:
		return cancel(w);
	case BUILDING_OTHER:
		return tui_replace(w->tui, &kernel_screen, w);
	case BUILDING_HELP:
		return tui_help(w->tui);
	default:
		tui_pager_key(f->output, request);
		return 0;
	}
}

const struct screen_ops building_screen = {
	.name = "building",
	.title = N_("Building a kernel"),
	.help = N_(
		"The build runs in a process of its own. It goes on when this screen is left or the terminal "
		"is closed, and is found again at the question for the kernel. Each step is done once: a "
		"build that was stopped, killed or that failed goes on where it was. The kernel that was "
		"built becomes that of the answers."),
	.keys = &keys,
	.enabled = building_enabled,
	.open = building_open,
	.close = building_close,
	.draw = building_draw,
	.key = building_key,
};
