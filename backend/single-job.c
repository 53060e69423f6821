/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done to the single system, as a job: it takes longer than a screen can wait, and outlives it. */
#include "config.h"

#include <errno.h>

#include "backend/context.h"
#include "backend/job.h"
#include "util/error.h"
#include "util/i18n.h"

/* Each node's outcome as an event: that of one which could not do it is an error. */
static int tell(struct muster *m, struct muster_result *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		if (v[i].code < 0) {
			context_error(m, "%s: %s", v[i].name, v[i].text);
			r = -MUSTER_E_COMMAND;
		} else {
			context_note(m, "%s: %s", v[i].name, v[i].text);
		}
	}
	muster_results_free(v, n);
	return r;
}

static int test(struct muster *m)
{
	struct ssi_test t;
	int r = muster_ssi_test(m, &t);

	if (r < 0)
		return r;
	for (int i = 0; i < SSI_CHECK_COUNT; i++) {
		if (t.checks[i].verdict == SSI_PASSED || t.checks[i].verdict == SSI_UNTOLD)
			context_note(m, "%s", t.checks[i].text);
		else
			context_error(m, "%s", t.checks[i].text);
	}
	r = t.passed ? 0 : -MUSTER_E_UNHEALTHY;
	muster_ssi_test_free(&t);
	return r;
}

static int schedule(struct muster *m, enum muster_scheduler what, const char *range)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = muster_ssi_scheduler(m, what, range, &lines);

	for (size_t i = 0; r == 0 && i < lines.n; i++)
		context_note(m, "%s", lines.v[i]);
	if (r == 0 && lines.n == 0)
		context_note(m, _("No scheduler moves processes."));
	return r;
}

static int work(struct muster *m, const void *data)
{
	static int (*const verbs[])(struct muster * m, const char *range, struct muster_result **ret,
				    size_t *ret_n) = {
		[MUSTER_SSI_START] = muster_ssi_start,
		[MUSTER_SSI_ADD] = muster_ssi_add,
		[MUSTER_SSI_REMOVE] = muster_ssi_remove,
		[MUSTER_SSI_STOP] = muster_ssi_stop,
	};
	const struct muster_ssi_wish *w = data;
	struct muster_result *v = NULL;
	size_t n = 0;
	int r;

	switch (w->verb) {
	case MUSTER_SSI_MIGRATE:
		return muster_ssi_migrate(m, w->pid, w->node);
	case MUSTER_SSI_TEST:
		return test(m);
	case MUSTER_SSI_SCHEDULER_ON:
		return schedule(m, MUSTER_SCHEDULER_ON, w->range);
	case MUSTER_SSI_SCHEDULER_OFF:
		return schedule(m, MUSTER_SCHEDULER_OFF, NULL);
	default:
		break;
	}
	r = verbs[w->verb](m, w->range, &v, &n);
	return r < 0 ? r : tell(m, v, n);
}

int muster_ssi_job(struct muster *m, const struct muster_ssi_wish *wish)
{
	return job_start_with(m, MUSTER_JOB_SSI, wish, work);
}
