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

/* At the beginning; or at the job that an earlier wizard began and that is still at work. */
static int run(struct wizard *w)
{
	const struct screen_ops *first = &step_welcome;
	struct muster_job job;
	int r;

	if (w->found && muster_job_find(w->muster, &job) == 0 && job.running) {
		first = &step_apply;
		w->step = STEP_APPLY;
		for (int i = 0; i < STEP_APPLY; i++)
			w->done[i] = true;
	}
	r = tui_push(w->tui, first, w);
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
	free(w.path);
	free(w.why);
	return r > 0 ? -MUSTER_E_CANCELLED : r;
}
