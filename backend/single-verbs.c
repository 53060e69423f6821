/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forming the single system image and working in it: orders to the nodes' agents. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/single-orders.h"
#include "backend/single-work.h"
#include "backend/ssi/gate.h"
#include "backend/ssi/processes.h"
#include "util/clock.h"
#include "util/i18n.h"

#define HEAR_MS 60000 /* until a node has heard of an order */
/* Beyond the agents' own ends (agent/steps.c). */
#define PREPARE_MS (HEAR_MS + 45000)
#define BOOT_MS (HEAR_MS + 60000)
#define ADD_MS (HEAR_MS + 180000)
#define MIGRATE_MS (HEAR_MS + 60000)

/* Seconds between a node's reports. */
static int read_interval(struct muster *m, int *ret)
{
	json_t *answer = NULL;
	int r = context_ask_daemon(m, json_pack("{s:{}}", "cluster"), &answer);

	if (r < 0)
		return r;
	*ret = (int)MAX(json_integer_value(json_object_get(json_object_get(answer, "cluster"), "interval")),
			INT64_C(1));
	json_decref(answer);
	return 0;
}

/* `in` may be NULL: nobody is in it yet. */
static int pass_gate(struct muster *m, const struct work *w, const struct work *in)
{
	_cleanup_strv_ struct strv refusals = STRV_INIT;
	int interval, r = read_interval(m, &interval);

	if (r == 0)
		r = ssi_gate(w->v, w->n, in ? in->v : NULL, in ? in->n : 0, clock_wall_ms(), interval,
			     &refusals);
	for (size_t i = 0; r == 0 && i < refusals.n; i++)
		context_error(m, "%s", refusals.v[i]);
	return r < 0 ? r : refusals.n ? -MUSTER_E_REFUSED : 0;
}

/* 1: all are prepared; 0: not all, as their results say. */
static int prepare(struct muster *m, struct work *w)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct orders o = { 0 };
	size_t fine = 0;
	int r = work_names(w, &names);

	work_step(m, NC_("step", "prepare"), w);
	if (r == 0)
		r = orders_run(m, &names, "ssi-prepare", "", PREPARE_MS, &o);
	for (size_t i = 0; r == 0 && i < MIN(o.n, w->n); i++) {
		_cleanup_free_ char *why = order_why(&o.v[i]);

		if (order_is_fine(&o.v[i]))
			fine++;
		else
			r = work_say(w, i, -MUSTER_E_COMMAND, _("It cannot be prepared: %s"), why ? why : "");
	}
	orders_free(&o);
	if (r < 0)
		return r;
	if (fine == w->n)
		context_done(m);
	return fine == w->n;
}

/* What the order to add them said: 1, or 0 and why. */
static int come_online(struct muster *m, struct work *w, int added, const char *why)
{
	int r;

	if (!added)
		return work_failed(m, w, true, _("It cannot be added"), why);
	r = work_await_online(m, w, true);
	if (r > 0)
		context_done(m);
	return r < 0 ? r : 0;
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
	r = work_order_one(m, w->v[0].name, "ssi-boot", "", BOOT_MS, &why, &missing);
	if (r <= 0)
		return r < 0 ? r
			     : work_say(w, 0, -MUSTER_E_COMMAND, _("It cannot begin: %s"), why ? why : "");
	context_done(m);
	work_step(m, NC_("step", "add"), w);
	r = work_order_one(m, w->v[0].name, "ssi-add", ids, ADD_MS, &why, &missing);
	return r < 0 ? r : come_online(m, w, r, why);
}

/* Two of one session would be two machines that know of each other's nodes. */
static int refuse_second(struct muster *m, const struct work *w)
{
	struct work in = { 0 };
	int r = work_begin_online(m, NULL, &in);

	for (size_t i = 0; r == 0 && i < in.n; i++)
		for (size_t k = 0; r == 0 && k < w->n; k++) {
			if (in.v[i].ssi.session != w->v[k].ssi.session ||
			    strcmp(in.v[i].name, w->v[k].name) == 0)
				continue;
			context_error(
				m,
				_("%s is in a single system already; `muster ssi add` takes others into "
				  "it."),
				in.v[i].name);
			r = -MUSTER_E_REFUSED;
		}
	work_free(&in);
	return r;
}

int muster_ssi_start(struct muster *m, const char *range, struct muster_result **ret, size_t *ret_n)
{
	struct work w = { 0 };
	int r = work_begin(m, range, &w);

	if (r == 0)
		r = pass_gate(m, &w, NULL);
	if (r == 0)
		r = refuse_second(m, &w);
	if (r == 0)
		r = work_healthy(m);
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
	work_step(m, NC_("step", "add"), w);
	r = work_order_any(m, w, "ssi-add", ids, ADD_MS, &why);
	return r < 0 ? r : come_online(m, w, r, why);
}

/* Those that are in it already are what the new ones are held against. */
static int pass_gate_of_online(struct muster *m, const struct work *w)
{
	struct work in = { 0 };
	int r = work_begin_online(m, NULL, &in);

	if (r == 0 && in.n == 0) {
		context_error(m, _("No node is in a single system; `muster ssi start` begins one."));
		r = -MUSTER_E_REFUSED;
	}
	if (r == 0)
		r = pass_gate(m, w, &in);
	if (r == 0)
		r = work_healthy(m);
	work_free(&in);
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
		if (!work_is_online(&w->v[i])) {
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

static int go_offline(struct muster *m, struct work *w)
{
	int r = work_await_online(m, w, false);

	if (r > 0)
		context_done(m);
	return r < 0 ? r : 0;
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
		work_step(m, NC_("step", "remove"), &w);
		r = work_order_any(m, &w, "ssi-remove", ids, ADD_MS, &why);
		if (r == 0)
			r = work_failed(m, &w, false, _("It cannot be removed"), why);
		else if (r > 0)
			r = go_offline(m, &w);
	}
	if (r == 0)
		r = work_end(&w, ret, ret_n);
	work_free(&w);
	return r;
}

/* ---- reset ------------------------------------------------------------------------------------------------- */

static bool is_in(const struct ssi_node *n)
{
	return n->place == SSI_ONLINE || n->place == SSI_BROKEN;
}

static bool is_chosen(const struct ssi_state *chosen, const char *name)
{
	for (size_t i = 0; i < chosen->n_nodes; i++)
		if (strcmp(chosen->nodes[i].name, name) == 0)
			return true;
	return false;
}

/* What remains of a single system that one of its nodes vanishes from hangs. */
static int refuse_half(struct muster *m, const struct ssi_state *chosen)
{
	_cleanup_strv_ struct strv others = STRV_INIT;
	_cleanup_free_ char *range = NULL;
	struct ssi_state all;
	int r = muster_ssi_status(m, NULL, &all);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < all.n_nodes; i++)
		for (size_t k = 0; r == 0 && k < chosen->n_nodes; k++)
			if (is_in(&all.nodes[i]) && is_in(&chosen->nodes[k]) &&
			    all.nodes[i].session == chosen->nodes[k].session &&
			    !is_chosen(chosen, all.nodes[i].name)) {
				r = strv_add(&others, all.nodes[i].name);
				break;
			}
	range = r == 0 && others.n ? muster_fold(&others) : NULL;
	if (r == 0 && others.n && !range)
		r = -ENOMEM;
	if (range) {
		context_error(m,
			      _("%s would be left in a single system that hangs: take those nodes along, or "
				"leave the range out. `muster ssi remove` takes single nodes out of it."),
			      range);
		r = -MUSTER_E_REFUSED;
	}
	muster_ssi_free(&all);
	return r;
}

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
	if (r == 0 && range)
		r = refuse_half(m, &s);
	muster_ssi_free(&s);
	if (r == 0 && names.n == 0) {
		context_error(m, _("No such node runs a kernel with the single system."));
		return -MUSTER_E_REFUSED;
	}
	if (r < 0)
		return r;
	chosen = muster_fold(&names);
	return chosen ? muster_power(m, chosen, MUSTER_POWER_RESET, ret, ret_n) : -ENOMEM;
}

/* ---- processes --------------------------------------------------------------------------------------------- */

int muster_ssi_migrate(struct muster *m, long pid, const char *node)
{
	_cleanup_free_ char *why = NULL, *args = NULL;
	struct node_state *v;
	size_t n;
	int id, r = muster_status(m, node, &v, &n);

	if (r < 0)
		return r;
	id = n == 1 && work_is_online(&v[0]) ? v[0].ssi.node : -1;
	muster_status_free(v, n);
	if (id < 0) {
		context_error(m, _("%s is no node of the single system."), node);
		return -MUSTER_E_REFUSED;
	}
	if (pid >> SSI_PID_NODE_SHIFT == 0) {
		context_error(m,
			      _("%ld is a process of one node alone; those of the single system have numbers "
				"from %d on."),
			      pid, 1 << SSI_PID_NODE_SHIFT);
		return -MUSTER_E_REFUSED;
	}
	r = work_healthy(m);
	if (r < 0)
		return r;
	if (asprintf(&args, "%ld %d", pid, id) < 0) {
		args = NULL;
		return -ENOMEM;
	}
	r = work_order_any(m, NULL, "ssi-migrate", args, MIGRATE_MS, &why);
	if (r > 0)
		return 0;
	if (r == 0)
		context_error(m, _("It cannot be moved: %s"), why ? why : _("no node could be asked"));
	return r < 0 ? r : -MUSTER_E_COMMAND;
}
