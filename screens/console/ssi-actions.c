/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be done to the single system from its page: jobs, but for what is only asked of nodes. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/console/results.h"
#include "screens/console/ssi.h"
#include "tui/dialog.h"
#include "util/i18n.h"

#define ANSWER_MS 2000

/* ---- nodes ---------------------------------------------------------------------------------------------- */

static int run(struct ssi_page *p, const char *title, const struct muster_ssi_wish *wish)
{
	struct console *c = p->console;
	int r;

	action_begin(c);
	r = muster_ssi_job(c->muster, wish);
	if (r == 0)
		r = results_job(c, title);
	return r < 0 ? action_failed(c, r) : 0;
}

/* Those in this place; marked are those that are meant if nothing is changed. -ECANCELED: none. */
static int choose(struct ssi_page *p, const char *title, const char *text, enum ssi_place place, bool on,
		  char **ret)
{
	const struct ssi_state *s = ssi_model_state(p->model);
	_cleanup_free_ struct tui_box_item *items = calloc(s->n_nodes + 1, sizeof(*items));
	_cleanup_strv_ struct strv names = STRV_INIT, chosen = STRV_INIT;
	int r = items ? 0 : -ENOMEM;

	/* Their names are copied: the model may change while the box is open. */
	for (size_t i = 0; r == 0 && i < s->n_nodes; i++)
		if (s->nodes[i].place == place)
			r = strv_add(&names, s->nodes[i].name);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		items[i] = (struct tui_box_item){ names.v[i], NULL, on };
	if (r == 0)
		r = tui_box_checklist(p->console->tui, title, text, items, names.n);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (items[i].on)
			r = strv_add(&chosen, names.v[i]);
	if (r < 0)
		return r;
	if (chosen.n == 0)
		return -ECANCELED;
	*ret = muster_fold(&chosen);
	return *ret ? 0 : -ENOMEM;
}

static int choose_and_run(struct ssi_page *p, const char *title, const char *text, enum ssi_place place,
			  bool on, enum muster_ssi_verb verb)
{
	_cleanup_free_ char *nodes = NULL;
	int r = choose(p, title, text, place, on, &nodes);

	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	return run(p, title, &(struct muster_ssi_wish){ .verb = verb, .range = nodes });
}

int ssi_start(struct ssi_page *p)
{
	return choose_and_run(p, _("Start the single system"), _("These nodes become one machine:"),
			      SSI_PRESENT, true, MUSTER_SSI_START);
}

int ssi_add(struct ssi_page *p)
{
	return choose_and_run(p, _("Add nodes"), _("These nodes join the single system:"), SSI_PRESENT, true,
			      MUSTER_SSI_ADD);
}

int ssi_remove(struct ssi_page *p)
{
	return choose_and_run(p, _("Remove nodes"),
			      _("These nodes leave the single system. Processes that may move go to others; "
				"all else that runs on them ends."),
			      SSI_ONLINE, false, MUSTER_SSI_REMOVE);
}

int ssi_stop(struct ssi_page *p)
{
	_cleanup_free_ char *nodes = NULL;
	_cleanup_strv_ struct strv names = STRV_INIT;
	const struct ssi_state *s = ssi_model_state(p->model);
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_nodes; i++)
		if (s->nodes[i].place == SSI_ONLINE)
			r = strv_add(&names, s->nodes[i].name);
	nodes = r == 0 ? muster_fold(&names) : NULL;
	if (!nodes)
		return -ENOMEM;
	if (!action_confirm(p->console, _("Stop"),
			    _("Shall the single system of these nodes be ended? What runs in it ends. With "
			      "Kerrighed 3.0 the nodes are taken out one after the other, and the last one "
			      "restarts."),
			    nodes))
		return 0;
	return run(p, _("Stop the single system"), &(struct muster_ssi_wish){ .verb = MUSTER_SSI_STOP });
}

int ssi_test(struct ssi_page *p)
{
	return run(p, _("Try the single system out"), &(struct muster_ssi_wish){ .verb = MUSTER_SSI_TEST });
}

int ssi_scheduler(struct ssi_page *p)
{
	const struct tui_box_item items[] = {
		{ _("On"), _("Processes that may move go where there is less to do"), false },
		{ _("Off"), _("Processes stay where they are"), false },
	};
	size_t at = 0;
	int r = tui_box_menu(p->console->tui, _("Schedulers"), _("What moves processes by itself?"), items,
			     ARRAY_SIZE(items), &at);

	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	return run(p, _("Schedulers"),
		   &(struct muster_ssi_wish){ .verb = at == 0 ? MUSTER_SSI_SCHEDULER_ON
							      : MUSTER_SSI_SCHEDULER_OFF });
}

static char *all_in_it(const struct ssi_state *s)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_nodes; i++)
		if (s->nodes[i].place != SSI_OUT)
			r = strv_add(&names, s->nodes[i].name);
	return r < 0 ? NULL : muster_fold(&names);
}

int ssi_reset(struct ssi_page *p)
{
	_cleanup_free_ char *nodes = all_in_it(ssi_model_state(p->model));
	struct console *c = p->console;
	struct muster_result *v = NULL;
	size_t n = 0;
	int r;

	if (!nodes)
		return -ENOMEM;
	if (!action_confirm(c, _("Reset"),
			    _("Shall these nodes be restarted at once, without a shutdown? All that runs in "
			      "the single system ends."),
			    nodes))
		return 0;
	action_begin(c);
	muster_patience(c->muster, ANSWER_MS);
	r = muster_ssi_reset(c->muster, nodes, &v, &n);
	return r < 0 ? action_failed(c, r) : results_show(c, _("Reset"), v, n);
}

/* ---- a process: the page stays in sight, where it is seen to move ------------------------------------------ */

void ssi_leave_job(struct ssi_page *p)
{
	if (p->job) {
		tui_unwatch(p->console->tui, muster_job_fd(p->job));
		muster_job_detach(TAKE_PTR(p->job));
	}
	free(TAKE_PTR(p->job_text));
	free(TAKE_PTR(p->job_error));
}

static void on_event(void *data, const struct muster_event *e)
{
	struct ssi_page *p = data;

	if (e->type != MUSTER_EVENT_ERROR)
		return;
	free(p->job_error);
	p->job_error = strdup(e->text);
}

static int on_job(int fd, void *data)
{
	struct ssi_page *p = data;
	int r = muster_job_read(p->job, on_event, p);

	if (r > 0)
		return 0;
	if (r == 0)
		r = muster_job_state(p->job)->has_result ? muster_job_state(p->job)->result : -EINTR;
	if (r < 0)
		tui_notice(p->console->tui, STYLE_ERROR, "%s",
			   p->job_error ? p->job_error : muster_strerror(r));
	else
		tui_notice(p->console->tui, STYLE_NORMAL, _("Done: %s"), p->job_text);
	ssi_leave_job(p);
	tui_dirty(p->console->tui);
	return 0;
}

static int follow(struct ssi_page *p)
{
	int r = muster_job_attach(p->console->muster, &p->job);

	return r < 0 ? r : tui_watch(p->console->tui, muster_job_fd(p->job), on_job, p);
}

/* Where to: any node that is in it, but the one where it is. */
static int choose_node(struct ssi_page *p, const struct ssi_process *process, char **ret)
{
	const struct ssi_state *s = ssi_model_state(p->model);
	_cleanup_free_ struct tui_box_item *items = calloc(s->n_nodes + 1, sizeof(*items));
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *text = NULL;
	size_t at = 0;
	int r = items ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < s->n_nodes; i++)
		if (s->nodes[i].place == SSI_ONLINE && s->nodes[i].id != process->node)
			r = strv_add(&names, s->nodes[i].name);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		items[i] = (struct tui_box_item){ names.v[i], NULL, false };
	if (r == 0 && names.n == 0) {
		tui_notice(p->console->tui, STYLE_WARNING, _("There is no other node that it could go to."));
		return -ECANCELED;
	}
	if (r == 0 && asprintf(&text, _("Process %ld (%s) moves to:"), process->pid, process->name) < 0) {
		text = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		r = tui_box_menu(p->console->tui, _("Migrate"), text, items, names.n, &at);
	if (r < 0)
		return r;
	*ret = strdup(names.v[at]);
	return *ret ? 0 : -ENOMEM;
}

int ssi_migrate(struct ssi_page *p, const struct ssi_model_process *process)
{
	struct console *c = p->console;
	struct muster_ssi_wish wish = { .verb = MUSTER_SSI_MIGRATE, .pid = process->is.pid };
	_cleanup_free_ char *node = NULL;
	int r = choose_node(p, &process->is, &node);

	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	wish.node = node;
	ssi_leave_job(p);
	action_begin(c);
	if (asprintf(&p->job_text, _("process %ld to %s"), wish.pid, node) < 0) {
		p->job_text = NULL;
		return -ENOMEM;
	}
	r = muster_ssi_job(c->muster, &wish);
	if (r == 0)
		r = follow(p);
	if (r == 0)
		return 0;
	ssi_leave_job(p);
	return action_failed(c, r);
}
