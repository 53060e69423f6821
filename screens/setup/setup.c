/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "screens/setup/setup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "screens/setup/private.h"
#include "util/i18n.h"

int draft_set(char **value, const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		return -ENOMEM;
	free(*value);
	*value = copy;
	return 0;
}

const char *wizard_why(struct wizard *w, int error)
{
	char *newest = muster_take_error(w->muster);

	if (newest) {
		free(w->why);
		w->why = newest;
	}
	return w->why ? w->why : muster_strerror(error);
}

enum wizard_step wizard_step_of(const struct draft_mistake *m)
{
	static const struct {
		const char *section, *key; /* key NULL: all others */
		enum wizard_step step;
	} places[] = {
		{ "network", "interface", STEP_SERVER }, { "network", "ip_mode", STEP_NODES },
		{ "network", "range", STEP_NODES },	 { "network", NULL, STEP_NETWORK },
		{ "nodes", NULL, STEP_NODES },		 { "node", NULL, STEP_NODES },
		{ "boot", NULL, STEP_SYSTEM },		 { "cluster", NULL, STEP_SERVICES },
		{ "services", NULL, STEP_SERVICES },	 { "access", NULL, STEP_ACCESS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strcmp(places[i].section, m->section) == 0 &&
		    (!places[i].key || strcmp(places[i].key, m->key) == 0))
			return places[i].step;
	return STEP_SERVER;
}

/* Which steps an earlier run has answered: those that have no mistake. */
static void mark_done(struct wizard *w)
{
	struct draft_mistake *v = NULL;
	size_t n = 0;

	if (muster_draft_check(w->muster, w->draft, w->path, &v, &n, NULL) < 0)
		return;
	for (int i = 0; i < STEP_REVIEW; i++)
		w->done[i] = true;
	for (size_t i = 0; i < n; i++)
		w->done[wizard_step_of(&v[i])] = false;
	muster_draft_mistakes_free(v, n);
}

/* What an earlier run left, completed by what this server suggests. */
static int begin(struct wizard *w, const char *answers)
{
	int r = answers ? draft_set(&w->path, answers) : muster_answers_place(w->muster, &w->path);

	if (r == 0)
		r = muster_host(w->muster, &w->host);
	if (r == 0)
		r = muster_draft_load(w->muster, answers, &w->draft);
	w->found = w->saved = r == 0;
	if (r == -ENOENT)
		r = muster_draft_new(&w->draft);
	if (r == 0)
		r = muster_draft_propose(w->muster, w->draft);
	return r;
}

/* The build is shown above the question that it is for. */
static int run_building(struct wizard *w)
{
	int r;

	w->step = STEP_SYSTEM;
	r = tui_push(w->tui, &step_system, w);
	if (r == 0)
		r = tui_push(w->tui, &building_screen, w);
	return r < 0 ? r : tui_run(w->tui);
}

/* At the beginning; or at the job that an earlier wizard began and that is still at work. */
static int run(struct wizard *w)
{
	const struct screen_ops *first = &step_welcome;
	int r;

	w->has_job = muster_job_find(w->muster, &w->job) == 0;
	if (w->found)
		mark_done(w);
	if (w->has_job && w->job.running && w->job.kind == MUSTER_JOB_KERNEL)
		return run_building(w);
	if (w->found && w->has_job && w->job.running) {
		first = &step_apply;
		w->step = STEP_APPLY;
		for (int i = 0; i < STEP_APPLY; i++)
			w->done[i] = true;
	}
	r = tui_push(w->tui, first, w);
	/* Above the step that it is for. */
	if (r == 0 && first == &step_apply && w->job.kind == MUSTER_JOB_REHEARSAL)
		r = rehearse_begin(w);
	return r < 0 ? r : tui_run(w->tui);
}

int setup_run(struct muster *m, const char *answers)
{
	struct wizard w = { .muster = m };
	int r = begin(&w, answers);

	if (r == 0)
		r = tui_open(STDIN_FILENO, STDOUT_FILENO, &w.tui);
	if (r == 0) {
		r = run(&w);
		tui_close(w.tui);
	}
	muster_draft_free(w.draft);
	muster_discover_close(w.discover);
	strv_free(&w.foreign);
	free(w.rehearsed);
	free(w.collected_on);
	free(w.looked_on);
	free(w.dropped);
	free(w.path);
	free(w.why);
	return r > 0 ? -MUSTER_E_CANCELLED : r;
}
