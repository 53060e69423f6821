/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was applied, and taking it back: the last one, back to one, or all of it. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>

#include "backend/apply/apply.h"
#include "backend/context.h"
#include "util/i18n.h"

int muster_applies(struct muster *m, struct apply_record **ret, size_t *ret_n)
{
	struct apply a;
	int r = context_host(m);

	if (r < 0)
		return r;
	context_apply(m, &a);
	return apply_history(&a, ret, ret_n);
}

void muster_applies_free(struct apply_record *v, size_t n)
{
	apply_records_free(v, n);
}

int muster_undo(struct muster *m)
{
	struct apply a;
	int r = context_host(m);

	if (r < 0)
		return r;
	context_apply(m, &a);
	if (!context_ask(m, MUSTER_QUESTION_UNDO, true, _("Take the last apply back?")))
		return -MUSTER_E_CANCELLED;
	r = apply_undo(&a);
	if (r == -MUSTER_E_NOT_APPLIED)
		context_error(m, _("No apply is left that could be taken back."));
	if (r == 0)
		context_done(m);
	return r;
}

/* ---- back to one ---------------------------------------------------------------------------------------------------- */

/* How many of them stand, or were cut off, after this one. *ret_known: there is one of this number, or it is 0. */
static size_t count_after(const struct apply_record *v, size_t n, unsigned int number, bool *ret_known)
{
	size_t count = 0;

	*ret_known = number == 0;
	for (size_t i = 0; i < n; i++) {
		*ret_known |= v[i].number == number;
		count += v[i].number > number && v[i].state != APPLY_TAKEN_BACK;
	}
	return count;
}

static int look_back(struct muster *m, struct apply *a, unsigned int number, size_t *ret_count)
{
	struct apply_record *v;
	bool known;
	size_t n;
	int r = apply_history(a, &v, &n);

	if (r < 0)
		return r;
	*ret_count = count_after(v, n, number, &known);
	apply_records_free(v, n);
	if (known)
		return 0;
	context_error(
		m,
		_("There is no apply %u; `muster history` names those that there were, and 0 is before the "
		  "first one."),
		number);
	return -MUSTER_E_REFUSED;
}

static int ask(struct muster *m, size_t count)
{
	_cleanup_free_ char *question = NULL;

	if (asprintf(&question, ngettext("Take %zu apply back?", "Take %zu applies back?", count), count) <
	    0) {
		question = NULL;
		return -ENOMEM;
	}
	return context_ask(m, MUSTER_QUESTION_UNDO, true, question) ? 0 : -MUSTER_E_CANCELLED;
}

int muster_undo_to(struct muster *m, unsigned int number, unsigned int *ret_n)
{
	struct apply a;
	size_t count;
	int r = context_host(m);

	*ret_n = 0;
	if (r < 0)
		return r;
	context_apply(m, &a);
	r = look_back(m, &a, number, &count);
	if (r == 0 && count == 0) {
		context_note(m, _("Nothing to take back: no apply after that one stands."));
		return 0;
	}
	if (r == 0)
		r = ask(m, count);
	if (r == 0)
		r = apply_undo_to(&a, number, ret_n);
	if (r == 0)
		context_done(m);
	return r;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

static int no_job(struct muster *m)
{
	struct muster_job job;
	int r = muster_job_find(m, &job);

	if (r == -ENOENT || (r == 0 && !job.running))
		return 0;
	if (r == 0) {
		context_error(m, _("A job is at work (%s): wait for it, or stop it."),
			      muster_job_name(job.kind));
		r = -MUSTER_E_BUSY;
	}
	return r;
}

int muster_uninstall(struct muster *m)
{
	struct apply a;
	int r = context_host(m);

	if (r == 0)
		r = no_job(m);
	if (r < 0)
		return r;
	context_apply(m, &a);
	if (!context_ask(
		    m, MUSTER_QUESTION_UNINSTALL, false,
		    _("Take every apply back, and remove all that muster keeps: node roots, kernels, their "
		      "sources, and the record of what was applied?")))
		return -MUSTER_E_CANCELLED;
	r = apply_uninstall(&a);
	if (r == 0)
		context_done(m);
	return r;
}
