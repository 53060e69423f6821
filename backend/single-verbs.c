/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forming the single system image and working in it: orders to the nodes' agents. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backend/single-orders.h"
#include "backend/ssi/gate.h"
#include "util/clock.h"
#include "util/i18n.h"

#define HEAR_MS 60000 /* until a node has heard of an order */
#define PREPARE_MS HEAR_MS
#define BOOT_MS (HEAR_MS + 60000)
#define ADD_MS (HEAR_MS + 180000)
#define MIGRATE_MS (HEAR_MS + 60000)
#define ONLINE_MS 30000 /* until the nodes say that they are in it */
#define LOOK_MS 250

/* The nodes of a verb, and what is said of each. */
struct work {
	struct node_state *v;
	size_t n;
	struct muster_result *results;
};

static void work_free(struct work *w)
{
	if (w->v)
		muster_status_free(w->v, w->n);
	muster_results_free(w->results, w->results ? w->n : 0);
	*w = (struct work){ 0 };
}

static int work_begin(struct muster *m, const char *range, struct work *w)
{
	int r = muster_status(m, range, &w->v, &w->n);

	if (r < 0) {
		w->v = NULL;
		return r;
	}
	w->results = calloc(w->n + 1, sizeof(*w->results));
	for (size_t i = 0; w->results && i < w->n; i++) {
		w->results[i].name = strdup(w->v[i].name);
		if (!w->results[i].name)
			return -ENOMEM;
	}
	return w->results ? 0 : -ENOMEM;
}

static int say(struct work *w, size_t i, int code, const char *fmt, ...) _printf_(4, 5);
static int say(struct work *w, size_t i, int code, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return -ENOMEM;
	free(w->results[i].text);
	w->results[i].text = text;
	w->results[i].code = code;
	return 0;
}

/* Hands the results out; what nothing was said of was not come to. */
static int work_end(struct work *w, struct muster_result **ret, size_t *ret_n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++)
		if (!w->results[i].text)
			r = say(w, i, -MUSTER_E_CANCELLED, _("It is prepared, and was not come to."));
	if (r == 0) {
		*ret = w->results;
		*ret_n = w->n;
		w->results = NULL;
	}
	return r;
}

static int names_of(const struct work *w, struct strv *names)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++)
		r = strv_add(names, w->v[i].name);
	return r;
}

static int pass_gate(struct muster *m, const struct work *w, const struct node_state *base)
{
	_cleanup_strv_ struct strv refusals = STRV_INIT;
	int r = ssi_gate(w->v, w->n, base, clock_wall_ms(), SSI_FRESH_MS, &refusals);

	for (size_t i = 0; r == 0 && i < refusals.n; i++)
		context_error(m, "%s", refusals.v[i]);
	return r < 0 ? r : refusals.n ? -MUSTER_E_REFUSED : 0;
}

static void step(struct muster *m, const char *name, const struct work *w)
{
	context_step(m, name, ngettext("%zu node", "%zu nodes", w->n), w->n);
}

/* 1: all are prepared; 0: not all, as their results say. */
static int prepare(struct muster *m, struct work *w)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct orders o = { 0 };
	size_t fine = 0;
	int r = names_of(w, &names);

	step(m, NC_("step", "prepare"), w);
	if (r == 0)
		r = orders_run(m, &names, "ssi-prepare", "", PREPARE_MS, &o);
	for (size_t i = 0; r == 0 && i < MIN(o.n, w->n); i++) {
		_cleanup_free_ char *why = order_why(&o.v[i]);

		if (order_is_fine(&o.v[i]))
			fine++;
		else
			r = say(w, i, -MUSTER_E_COMMAND, _("It cannot be prepared: %s"), why ? why : "");
	}
	orders_free(&o);
	if (r < 0)
		return r;
	if (fine == w->n)
		context_done(m);
	return fine == w->n;
}

/* One node does it: 1, or 0 where *ret_why (owned) says why not. *ret_missing: another node may be able to. */
static int order_one(struct muster *m, const char *name, const char *what, const char *args,
		     int64_t timeout_ms, char **ret_why, bool *ret_missing)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct orders o = { 0 };
	int r = strv_add(&names, name);

	if (r == 0)
		r = orders_run(m, &names, what, args, timeout_ms, &o);
	if (r == 0 && o.n == 1) {
		r = order_is_fine(&o.v[0]);
		free(*ret_why);
		*ret_why = r ? NULL : order_why(&o.v[0]);
		*ret_missing = o.v[0].done && o.v[0].status == 127;
	}
	orders_free(&o);
	return r;
}

static bool is_online(const struct node_state *s)
{
	return s->stage == NODE_JOINED;
}

/* Has an online node do it that is none of `but` (may be NULL). Only one of them may have the container's tools. */
static int order_any(struct muster *m, const struct work *but, const char *what, const char *args,
		     int64_t timeout_ms, char **ret_why)
{
	struct work all = { 0 };
	bool missing = true;
	int r = work_begin(m, NULL, &all);

	for (size_t i = 0; r == 0 && missing && i < all.n; i++) {
		bool is_meant = false;

		for (size_t k = 0; but && k < but->n; k++)
			is_meant |= strcmp(but->v[k].name, all.v[i].name) == 0;
		if (!is_meant && is_online(&all.v[i]))
			r = order_one(m, all.v[i].name, what, args, timeout_ms, ret_why, &missing);
	}
	work_free(&all);
	return r;
}

/* Until all of them say that they are online, or that they are not. */
static int await_online(struct muster *m, struct work *w, bool online)
{
	int64_t end = clock_mono_ms() + ONLINE_MS;
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *range = NULL;
	int r = names_of(w, &names);
	bool all = false;

	range = r == 0 ? muster_fold(&names) : NULL;
	if (!range)
		return -ENOMEM;
	while (r == 0 && !all) {
		struct node_state *v;
		size_t n;

		r = muster_status(m, range, &v, &n);
		if (r < 0)
			return r;
		all = true;
		for (size_t i = 0; r == 0 && i < MIN(n, w->n); i++) {
			bool fine = is_online(&v[i]) == online;

			all &= fine;
			r = fine ? say(w, i, 0, online ? _("It is online.") : _("It has left."))
				 : say(w, i, -MUSTER_E_TIMEOUT,
				       online ? _("It was added, and does not say so yet.")
					      : _("It was removed, and does not say so yet."));
		}
		muster_status_free(v, n);
		if (all || clock_mono_ms() >= end)
			break;
		if (r == 0)
			r = context_pause(m, LOOK_MS);
	}
	return r;
}

static int say_all(struct work *w, size_t from, const char *what, const char *why)
{
	int r = 0;

	for (size_t i = from; r == 0 && i < w->n; i++)
		r = say(w, i, -MUSTER_E_COMMAND, _("%s: %s"), what, why ? why : _("no node could be asked"));
	return r;
}

static int start(struct muster *m, struct work *w)
{
	_cleanup_free_ char *why = NULL, *ids = NULL;
	bool missing;
	int r = ssi_id_list(w->v, w->n, &w->v[0], &ids);

	if (r == 0)
		r = prepare(m, w);
	if (r <= 0)
		return r;
	context_step(m, NC_("step", "begin"), _("on %s"), w->v[0].name);
	r = order_one(m, w->v[0].name, "ssi-boot", "", BOOT_MS, &why, &missing);
	if (r <= 0)
		return r < 0 ? r : say(w, 0, -MUSTER_E_COMMAND, _("It cannot begin: %s"), why ? why : "");
	context_done(m);
	step(m, NC_("step", "add"), w);
	r = order_one(m, w->v[0].name, "ssi-add", ids, ADD_MS, &why, &missing);
	if (r == 0)
		return say_all(w, 0, _("The nodes cannot be added"), why);
	r = r < 0 ? r : await_online(m, w, true);
	if (r == 0)
		context_done(m);
	return r;
}

int muster_ssi_start(struct muster *m, const char *range, struct muster_result **ret, size_t *ret_n)
{
	struct work w = { 0 };
	int r = work_begin(m, range, &w);

	if (r == 0)
		r = pass_gate(m, &w, NULL);
	if (r == 0)
		r = start(m, &w);
	if (r >= 0)
		r = work_end(&w, ret, ret_n);
	work_free(&w);
	return r;
}

static int add(struct muster *m, struct work *w)
{
	_cleanup_free_ char *why = NULL, *ids = NULL;
	int r = ssi_id_list(w->v, w->n, NULL, &ids);

	if (r == 0)
		r = prepare(m, w);
	if (r <= 0)
		return r;
	step(m, NC_("step", "add"), w);
	r = order_any(m, w, "ssi-add", ids, ADD_MS, &why);
	if (r == 0)
		return say_all(w, 0, _("It cannot be added"), why);
	r = r < 0 ? r : await_online(m, w, true);
	if (r == 0)
		context_done(m);
	return r;
}

/* Those that are in it already are what the new ones are held against. */
static int pass_gate_of_online(struct muster *m, const struct work *w)
{
	struct work all = { 0 };
	const struct node_state *base = NULL;
	int r = work_begin(m, NULL, &all);

	for (size_t i = 0; r == 0 && !base && i < all.n; i++)
		base = is_online(&all.v[i]) ? &all.v[i] : NULL;
	if (r == 0 && !base) {
		context_error(m, _("No node is in a single system; `muster ssi start` begins one."));
		r = -MUSTER_E_REFUSED;
	}
	if (r == 0)
		r = pass_gate(m, w, base);
	work_free(&all);
	return r;
}

int muster_ssi_add(struct muster *m, const char *range, struct muster_result **ret, size_t *ret_n)
{
	struct work w = { 0 };
	int r = work_begin(m, range, &w);

	if (r == 0)
		r = pass_gate_of_online(m, &w);
	if (r == 0)
		r = add(m, &w);
	if (r >= 0)
		r = work_end(&w, ret, ret_n);
	work_free(&w);
	return r;
}

static int may_leave(struct muster *m, const struct work *w)
{
	struct ssi_state s;
	int r;

	for (size_t i = 0; i < w->n; i++)
		if (!is_online(&w->v[i])) {
			context_error(m, _("%s is not in the single system."), w->v[i].name);
			return -MUSTER_E_REFUSED;
		}
	r = muster_ssi_status(m, NULL, &s);
	if (r < 0)
		return r;
	if (s.health == SSI_WEDGED) {
		context_error(m, "%s %s", s.what, s.remedy);
		r = -MUSTER_E_REFUSED;
	} else if (s.online <= w->n) {
		context_error(m, _("One node at least must stay; `muster ssi reset` ends all of it."));
		r = -MUSTER_E_REFUSED;
	}
	muster_ssi_free(&s);
	return r;
}

int muster_ssi_remove(struct muster *m, const char *range, struct muster_result **ret, size_t *ret_n)
{
	_cleanup_free_ char *why = NULL, *ids = NULL;
	struct work w = { 0 };
	int r = work_begin(m, range, &w);

	if (r == 0)
		r = may_leave(m, &w);
	if (r == 0)
		r = ssi_id_list(w.v, w.n, NULL, &ids);
	if (r == 0) {
		step(m, NC_("step", "remove"), &w);
		r = order_any(m, &w, "ssi-remove", ids, ADD_MS, &why);
		if (r == 0)
			r = say_all(&w, 0, _("It cannot be removed"), why);
		else if (r > 0)
			r = await_online(m, &w, false);
	}
	if (r == 0)
		r = work_end(&w, ret, ret_n);
	work_free(&w);
	return r;
}

/* ---- reset ------------------------------------------------------------------------------------------------- */

int muster_ssi_reset(struct muster *m, const char *range, struct muster_result **ret, size_t *ret_n)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *chosen = NULL;
	struct ssi_state s;
	int r = muster_ssi_status(m, range, &s);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < s.n_nodes; i++)
		if (s.nodes[i].place != SSI_OUT)
			r = strv_add(&names, s.nodes[i].name);
	muster_ssi_free(&s);
	if (r == 0 && names.n == 0) {
		context_error(m, _("No such node runs a kernel with the single system."));
		return -MUSTER_E_REFUSED;
	}
	chosen = r == 0 ? muster_fold(&names) : NULL;
	return chosen ? muster_power(m, chosen, MUSTER_POWER_RESET, ret, ret_n) : -ENOMEM;
}

/* ---- processes --------------------------------------------------------------------------------------------- */

#define PID_NODE_SHIFT 22 /* a process's number begins with the id of the node where it began */

int muster_ssi_migrate(struct muster *m, long pid, const char *node)
{
	_cleanup_free_ char *why = NULL, *args = NULL;
	struct node_state *v;
	size_t n;
	int id, r = muster_status(m, node, &v, &n);

	if (r < 0)
		return r;
	id = n == 1 && is_online(&v[0]) ? v[0].ssi.node : -1;
	muster_status_free(v, n);
	if (id < 0) {
		context_error(m, _("%s is no node of the single system."), node);
		return -MUSTER_E_REFUSED;
	}
	if (pid >> PID_NODE_SHIFT == 0) {
		context_error(m,
			      _("%ld is a process of one node alone; those of the single system have numbers "
				"from %d on."),
			      pid, 1 << PID_NODE_SHIFT);
		return -MUSTER_E_REFUSED;
	}
	if (asprintf(&args, "%ld %d", pid, id) < 0) {
		args = NULL;
		return -ENOMEM;
	}
	r = order_any(m, NULL, "ssi-migrate", args, MIGRATE_MS, &why);
	if (r > 0)
		return 0;
	if (r == 0)
		context_error(m, _("It cannot be moved: %s"), why ? why : _("no node could be asked"));
	return r < 0 ? r : -MUSTER_E_COMMAND;
}
