/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of an action: a line a node, a command's output as it comes, a job as it goes on. */
#include "config.h"

#include "screens/console/results.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tui/dialog.h"
#include "tui/pager.h"
#include "util/i18n.h"
#include "util/text.h"

#define RESULTS_KEYS(X) X(RESULTS_BACK, 'q', TK_ESC, N_("back"), N_("Back to the nodes"), KEYMAP_BAR)

enum results_request { RESULTS_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry results_entries[] = { RESULTS_KEYS(KEYMAP_ENTRY) };
static const struct keymap results_keys = KEYMAP_WITH(N_("Results"), results_entries, tui_pager_keys);

struct results {
	struct console *console;
	struct tui_pager *pager;
	char *title;
	struct muster_run *run; /* NULL: it has ended, or there was none */
	size_t nodes, done, failed;
	struct job_feed *job; /* likewise */
	bool ended;	      /* the job has */
	int broken;	      /* why it cannot be followed to its end; 0: it can */
	int result;
};

struct results_argument {
	struct console *console;
	const char *title;
	struct tui_pager *pager; /* taken over */
	struct muster_run *run;	 /* taken over; NULL: none */
	size_t nodes;
	struct job_feed *job; /* taken over; NULL: none */
};

static void no_memory(struct results *v)
{
	tui_notice(v->console->tui, STYLE_ERROR, _("There is no memory left."));
}

/* A sentence, broken to fit the terminal as it is now. */
static int add_sentence(struct results *v, enum tui_style style, const char *text)
{
	const char *next = NULL;
	int rows, columns, r = 0;

	tui_size(v->console->tui, &rows, &columns);
	for (const char *p = text; r == 0 && p; p = next) {
		size_t n = text_wrap(true, p, MAX(columns - 3, 20), &next);

		r = tui_pager_addf(v->pager, style, "%.*s", (int)n, p);
	}
	return r;
}

/* What is shown is not all of it. */
static void tell_broken(struct results *v, const char *what, int why)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	v->broken = why;
	strbuf_addf(&b, "%s %s.", what, muster_strerror(why));
	if (b.failed || add_sentence(v, STYLE_ERROR, b.data) < 0)
		no_memory(v);
}

static void on_line(void *data, const char *node, const char *line)
{
	struct results *v = data;

	if (tui_pager_addf(v->pager, STYLE_NORMAL, "%s: %s", node, line) < 0)
		no_memory(v);
}

static void on_done(void *data, const char *node, int status)
{
	struct results *v = data;
	int r = 0;

	v->done++;
	v->failed += status != 0;
	if (status == 255)
		r = tui_pager_addf(v->pager, STYLE_BAD,
				   _("%s: ssh could not reach it, or the command ended with 255"), node);
	else if (status > 0)
		r = tui_pager_addf(v->pager, STYLE_BAD, _("%s: exit status %d"), node, status);
	else if (status < 0)
		r = tui_pager_addf(v->pager, STYLE_BAD, "%s: %s", node, muster_strerror(status));
	else
		r = tui_pager_addf(v->pager, STYLE_DIM, _("%s: done"), node);
	if (r < 0)
		no_memory(v);
}

static const struct muster_run_ops run_ops = { .line = on_line, .done = on_done };

static int on_run(int fd, void *data)
{
	struct results *v = data;
	int r = muster_run_work(v->run, &run_ops, v);

	tui_dirty(v->console->tui);
	if (r == 0)
		return 0;
	tui_unwatch(v->console->tui, fd);
	muster_run_free(TAKE_PTR(v->run));
	if (r < 0)
		tell_broken(v, _("The command cannot be followed any more, and was ended:"), r);
	return 0;
}

static void on_job_event(void *data, const struct muster_event *e)
{
	struct results *v = data;
	int r = 0;

	switch (e->type) {
	case MUSTER_EVENT_STEP:
		r = tui_pager_addf(v->pager, STYLE_TITLE, "%s: %s", e->step.name, e->step.text);
		break;
	case MUSTER_EVENT_ERROR:
		r = add_sentence(v, STYLE_ERROR, e->text);
		break;
	case MUSTER_EVENT_WARNING:
		r = add_sentence(v, STYLE_WARNING, e->text);
		break;
	case MUSTER_EVENT_NOTE:
	case MUSTER_EVENT_LINE:
		r = tui_pager_add(v->pager, STYLE_NORMAL, e->text);
		break;
	case MUSTER_EVENT_PROGRESS:
	case MUSTER_EVENT_DONE:
		break;
	}
	if (r < 0)
		no_memory(v);
}

static int on_job(int fd, void *data)
{
	struct results *v = data;
	int r = muster_job_read(v->job, on_job_event, v);
	const struct muster_job *job;

	tui_dirty(v->console->tui);
	if (r > 0)
		return 0;
	if (r < 0) {
		tell_broken(v, _("What is done here may go on, but cannot be followed any more:"), r);
	} else {
		job = muster_job_state(v->job);
		v->ended = true;
		v->result = job->has_result ? job->result : -EINTR;
	}
	tui_unwatch(v->console->tui, fd);
	muster_job_detach(TAKE_PTR(v->job));
	return 0;
}

static void let_go(struct results *v)
{
	muster_run_free(TAKE_PTR(v->run));
	muster_job_detach(TAKE_PTR(v->job));
}

static void results_close(void *self)
{
	struct results *v = self;

	if (v->run)
		tui_unwatch(v->console->tui, muster_run_fd(v->run));
	if (v->job)
		tui_unwatch(v->console->tui, muster_job_fd(v->job));
	let_go(v);
	tui_pager_free(v->pager);
	free(v->title);
	free(v);
}

static int results_open(struct tui *t, void *argument, void **ret)
{
	struct results_argument *a = argument;
	struct results *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->console = a->console;
	v->title = strdup(a->title);
	v->nodes = a->nodes;
	v->pager = TAKE_PTR(a->pager);
	v->run = TAKE_PTR(a->run);
	v->job = TAKE_PTR(a->job);
	if (!v->title || (v->run && tui_watch(t, muster_run_fd(v->run), on_run, v) < 0) ||
	    (v->job && tui_watch(t, muster_job_fd(v->job), on_job, v) < 0)) {
		let_go(v);
		results_close(v);
		return -ENOMEM;
	}
	tui_pager_follow(v->pager, v->run || v->job);
	*ret = v;
	return 0;
}

/* How far it is, or what it came to. */
static enum tui_style outcome(const struct results *v, struct strbuf *text)
{
	if (v->job) {
		strbuf_adds(text, _("at work; it goes on if this is left"));
		return STYLE_BUSY;
	}
	if (v->broken && !v->done) {
		strbuf_adds(text, _("not followed to its end"));
		return STYLE_BAD;
	}
	if (v->ended) {
		strbuf_adds(text, v->result == 0 ? _("done") : _("failed"));
		return v->result == 0 ? STYLE_GOOD : STYLE_BAD;
	}
	if (!v->done && !v->run)
		return STYLE_NORMAL;
	strbuf_addf(text, _("%zu of %zu done"), v->done, v->nodes);
	if (v->failed)
		strbuf_addf(text, _(", %zu failed"), v->failed);
	if (v->broken)
		strbuf_addf(text, ", %s", _("not followed to its end"));
	return v->failed || v->broken ? STYLE_BAD : STYLE_DIM;
}

static void results_draw(void *self, struct canvas *c)
{
	struct results *v = self;
	struct canvas part = canvas_sub(c, 1, 1, c->rows - 1, c->columns - 1);
	_cleanup_strbuf_ struct strbuf right = STRBUF_INIT;
	enum tui_style style = outcome(v, &right);
	int room = c->columns - 2;

	if (right.data && !right.failed) {
		canvas_right(c, 0, c->columns - 1, style, right.data);
		room -= canvas_width(c, right.data) + 2;
	}
	canvas_cell(c, 0, 1, room, false, STYLE_TITLE, v->title);
	tui_pager_draw(v->pager, &part);
}

static const struct keymap *results_keys_now(void *self)
{
	const struct results *v = self;

	return tui_pager_keys_now(v->pager, &results_keys);
}

static bool results_enabled(void *self, int request)
{
	const struct results *v = self;

	return request == RESULTS_BACK || tui_pager_enabled(v->pager, request);
}

static int results_event(void *self, const struct tui_event *e)
{
	struct results *v = self;

	return tui_pager_event(v->pager, e);
}

/* A command ends with its page, a job does not. */
static bool may_leave(struct results *v)
{
	_cleanup_free_ char *text = NULL;
	size_t left = v->nodes - MIN(v->done, v->nodes);

	if (!v->run)
		return true;
	if (asprintf(&text,
		     ngettext("The command still runs on %zu node. Shall it be ended?",
			      "The command still runs on %zu nodes. Shall it be ended?", left),
		     left) < 0) {
		text = NULL;
		no_memory(v);
		return false;
	}
	return tui_box_yes_no(v->console->tui, _("A command on these nodes"), text, _("End it"),
			      _("Stay here"), true) == 1;
}

static int results_key(void *self, int request)
{
	struct results *v = self;

	if (request != RESULTS_BACK)
		tui_pager_key(v->pager, request);
	else if (may_leave(v))
		tui_pop(v->console->tui);
	return 0;
}

const struct screen_ops results_screen = {
	.name = "results",
	.title = N_("Results"),
	.help = N_("What became of it, node by node."),
	.keys = &results_keys,
	.keys_now = results_keys_now,
	.enabled = results_enabled,
	.open = results_open,
	.close = results_close,
	.draw = results_draw,
	.event = results_event,
	.key = results_key,
};

/* ---- opening it ------------------------------------------------------------------------------------------------ */

int results_show(struct console *c, const char *title, struct muster_result *v, size_t n)
{
	struct results_argument a = { .console = c, .title = title };
	int r = 0;

	if (n == 1) {
		tui_notice(c->tui, v[0].code < 0 ? STYLE_ERROR : STYLE_NORMAL, "%s: %s", v[0].name,
			   v[0].text);
	} else {
		r = tui_pager_new(&a.pager);
		for (size_t i = 0; r == 0 && i < n; i++)
			r = tui_pager_addf(a.pager, v[i].code < 0 ? STYLE_BAD : STYLE_NORMAL, "%s: %s",
					   v[i].name, v[i].text);
		if (r == 0)
			r = tui_push(c->tui, &results_screen, &a);
		tui_pager_free(a.pager);
	}
	muster_results_free(v, n);
	return r;
}

int results_run(struct console *c, const char *title, struct muster_run *run, size_t nodes)
{
	struct results_argument a = { .console = c, .title = title, .run = run, .nodes = nodes };
	int r = tui_pager_new(&a.pager);

	if (r == 0)
		r = tui_push(c->tui, &results_screen, &a);
	muster_run_free(a.run);
	tui_pager_free(a.pager);
	return r;
}

int results_job(struct console *c, const char *title)
{
	struct results_argument a = { .console = c, .title = title };
	int r = muster_job_attach(c->muster, &a.job);

	if (r == 0)
		r = tui_pager_new(&a.pager);
	if (r == 0)
		r = tui_push(c->tui, &results_screen, &a);
	muster_job_detach(a.job);
	tui_pager_free(a.pager);
	return r;
}
