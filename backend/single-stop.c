/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ending the single system in good order, and what moves its processes by itself. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/single-orders.h"
#include "backend/single-work.h"
#include "backend/ssi/gate.h"
#include "util/i18n.h"

#define STOP_MS 240000
#define SCHEDULER_MS 120000
#define NOBODY SIZE_MAX

/* ---- stop ---------------------------------------------------------------------------------------------------- */

/* The highest id first. */
static int compare_ids(const void *a, const void *b)
{
	return ((const struct node_state *)b)->ssi.node - ((const struct node_state *)a)->ssi.node;
}

static int may_stop(struct muster *m, const struct work *w)
{
	struct ssi_state s;
	int r = muster_ssi_status(m, NULL, &s);

	if (r < 0)
		return r;
	r = -MUSTER_E_REFUSED;
	if (s.health == SSI_WEDGED)
		context_error(m, "%s %s", s.what, s.remedy);
	else if (w->n == 0)
		context_error(m, _("No such node is in a single system."));
	else if (s.online > w->n)
		context_error(m, _("Other nodes are in it, too, and all of it would end; `muster ssi remove` "
				   "takes single nodes out."));
	else
		r = 0;
	muster_ssi_free(&s);
	return r;
}

static int confirm(struct muster *m, const struct work *w)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *range = NULL, *question = NULL;
	int r = work_names(w, &names);

	range = r == 0 ? muster_fold(&names) : NULL;
	if (!range ||
	    asprintf(&question,
		     _("End the single system of %s? What runs in it ends. With Kerrighed 3.0 its nodes "
		       "are taken out one after the other, and the last one restarts."),
		     range) < 0) {
		question = NULL;
		return -ENOMEM;
	}
	return context_ask(m, MUSTER_QUESTION_POWER, false, question) ? 0 : -MUSTER_E_CANCELLED;
}

/* By the node that has the container's tools: *holder, which is found out by the first. 1: it is out; 0: it is not, as it says. */
static int take_out(struct muster *m, struct work *w, size_t i, size_t *holder)
{
	_cleanup_free_ char *id = NULL, *why = NULL;
	bool missing = true;
	int r = asprintf(&id, "%d", w->v[i].ssi.node) < 0 ? -ENOMEM : 0;

	if (r < 0)
		id = NULL;
	/* It was begun on one of the lowest ids. */
	for (size_t c = w->n; r == 0 && missing && c-- > 0;) {
		if (c == i || (*holder != NOBODY && c != *holder))
			continue;
		r = work_order_one(m, w->v[c].name, "ssi-remove", id, STOP_MS, &why, &missing);
		if (r > 0)
			*holder = c;
	}
	if (r != 0)
		return r;
	/* None of the others has them: then it is this one, and the last. */
	if (missing && *holder == NOBODY) {
		*holder = i;
		return 1;
	}
	return work_say(w, i, -MUSTER_E_COMMAND, _("It cannot be taken out: %s"),
			why ? why : _("no node could be asked"));
}

static int restart(struct muster *m, struct work *w, size_t i)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	json_t *answer = NULL, *result;
	int code, r = strv_add(&names, w->v[i].name);

	if (r == 0)
		r = context_ask_daemon(m,
				       json_pack("{s:{s:s, s:o}}", "power", "what", "reboot", "nodes",
						 context_names_json(&names)),
				       &answer);
	if (r < 0)
		return r;
	result = json_array_get(json_object_get(answer, "results"), 0);
	code = (int)json_integer_value(json_object_get(result, "code"));
	if (code == 0) {
		r = work_say(w, i, 0, _("It was the last one, and restarts."));
	} else {
		_cleanup_free_ char *said =
			muster_said(json_string_value(json_object_get(result, "text")) ?: "");

		r = work_say(w, i, -code, "%s", said ? said : "");
	}
	json_decref(answer);
	return r;
}

/* It is asked to report, so that it counts as out at once. */
static int has_left(struct muster *m, struct work *w, size_t i)
{
	_cleanup_strv_ struct strv name = STRV_INIT;
	int r = work_say(w, i, 0, _("It has left."));

	if (r == 0)
		r = strv_add(&name, w->v[i].name);
	return r < 0 ? r : work_poke(m, &name);
}

static int stop_by_node(struct muster *m, struct work *w)
{
	size_t holder = NOBODY;
	int r = 1;

	for (size_t i = 0; r > 0 && i < w->n && w->n > 1; i++) {
		/* The only one that is left is the last, whoever has the tools. */
		if (i == holder || (holder == NOBODY && i + 1 == w->n))
			continue;
		context_step(m, NC_("step", "remove"), "%s", w->v[i].name);
		r = take_out(m, w, i, &holder);
		if (r > 0 && i != holder) {
			r = has_left(m, w, i);
			r = r < 0 ? r : 1;
			context_done(m);
		}
	}
	if (r <= 0)
		return r;
	holder = holder == NOBODY ? w->n - 1 : holder;
	context_step(m, NC_("step", "restart"), "%s", w->v[holder].name);
	r = restart(m, w, holder);
	if (r == 0)
		context_done(m);
	return r;
}

static int stop(struct muster *m, struct work *w)
{
	_cleanup_free_ char *why = NULL;
	bool missing = false;
	int r;

	context_step(m, NC_("step", "stop"), ngettext("%zu node", "%zu nodes", w->n), w->n);
	r = work_order_one(m, w->v[0].name, "ssi-stop", "", STOP_MS, &why, &missing);
	if (r < 0)
		return r;
	if (r == 0)
		return missing ? stop_by_node(m, w)
			       : work_failed(m, w, false, _("The single system cannot be ended"), why);
	r = work_await_online(m, w, false);
	if (r > 0)
		context_done(m);
	return r < 0 ? r : 0;
}

int muster_ssi_stop(struct muster *m, const char *range, struct muster_result **ret, size_t *ret_n)
{
	struct work w = { 0 };
	int r = work_begin_online(m, range, &w);

	if (r == 0)
		r = work_sort(&w, compare_ids);
	if (r == 0)
		r = may_stop(m, &w);
	if (r == 0)
		r = confirm(m, &w);
	if (r == 0)
		r = stop(m, &w);
	for (size_t i = 0; r == 0 && i < w.n; i++)
		if (!w.results[i].text)
			r = work_say(&w, i, -MUSTER_E_CANCELLED,
				     _("It was not come to, and is still in it."));
	if (r == 0)
		r = work_end(&w, ret, ret_n);
	work_free(&w);
	return r;
}

/* ---- the scheduler ------------------------------------------------------------------------------------------- */

/* "1 2,4-16" */
static int scheduler_args(struct muster *m, enum muster_scheduler what, const char *range, char **ret)
{
	static const char *const words[] = {
		[MUSTER_SCHEDULER_SHOW] = "2", [MUSTER_SCHEDULER_ON] = "1", [MUSTER_SCHEDULER_OFF] = "0"
	};
	_cleanup_free_ char *ids = NULL;
	struct node_state *v = NULL;
	size_t n = 0;
	int r = 0;

	if (what != MUSTER_SCHEDULER_ON && range) {
		context_error(m,
			      _("Schedulers are shown, and taken away, for all nodes: leave the range out."));
		r = -MUSTER_E_REFUSED;
	} else if (range) {
		r = muster_status(m, range, &v, &n);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!work_is_online(&v[i])) {
			context_error(m, _("%s is not in the single system."), v[i].name);
			r = -MUSTER_E_REFUSED;
		}
	if (r == 0)
		r = ssi_id_list(v, n, NULL, &ids);
	if (v)
		muster_status_free(v, n);
	if (r == 0 && asprintf(ret, "%s%s%s", words[what], *ids ? " " : "", ids) < 0)
		r = -ENOMEM;
	return r;
}

int muster_ssi_scheduler(struct muster *m, enum muster_scheduler what, const char *range, struct strv *ret)
{
	_cleanup_free_ char *args = NULL, *said = NULL;
	int r = scheduler_args(m, what, range, &args);

	if (r < 0)
		args = NULL;
	if (r == 0)
		r = work_healthy(m);
	if (r < 0)
		return r;
	r = work_order_any(m, NULL, "ssi-scheduler", args, SCHEDULER_MS, &said);
	if (r == 0) {
		context_error(m, _("The schedulers cannot be reached: %s"),
			      said ? said : _("no node could be asked"));
		return -MUSTER_E_COMMAND;
	}
	for (char *line = said, *end; r > 0 && line && *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = '\0';
		if (*line && strv_add(ret, line) < 0)
			r = -ENOMEM;
	}
	return r < 0 ? r : 0;
}
