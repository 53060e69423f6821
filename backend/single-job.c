/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is done to the single system, as a job: it takes longer than a screen can wait, and outlives it. */
#include "config.h"

#include <errno.h>

#include "backend/context.h"
#include "backend/job.h"

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

static int work(struct muster *m, const void *data)
{
	static int (*const verbs[])(struct muster * m, const char *range, struct muster_result **ret,
				    size_t *ret_n) = {
		[MUSTER_SSI_START] = muster_ssi_start,
		[MUSTER_SSI_ADD] = muster_ssi_add,
		[MUSTER_SSI_REMOVE] = muster_ssi_remove,
	};
	const struct muster_ssi_wish *w = data;
	struct muster_result *v = NULL;
	size_t n = 0;
	int r;

	if (w->verb == MUSTER_SSI_MIGRATE)
		return muster_ssi_migrate(m, w->pid, w->node);
	if ((size_t)w->verb >= ARRAY_SIZE(verbs))
		return -EINVAL;
	r = verbs[w->verb](m, w->range, &v, &n);
	return r < 0 ? r : tell(m, v, n);
}

int muster_ssi_job(struct muster *m, const struct muster_ssi_wish *wish)
{
	return job_start_with(m, MUSTER_JOB_SSI, wish, work);
}
