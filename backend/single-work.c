/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/single-work.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire.h"
#include "backend/single-orders.h"
#include "util/clock.h"
#include "util/i18n.h"

#define ONLINE_MS 30000 /* until the nodes say that they are in it */
#define FAILED_MS 3000	/* the same, after one of them has failed */
#define LOOK_MS 100
#define POKE_MS 1000 /* their agents report no more often for that */

void work_free(struct work *w)
{
	if (w->v)
		muster_status_free(w->v, w->n);
	muster_results_free(w->results, w->results ? w->n : 0);
	*w = (struct work){ 0 };
}

static int begin_results(struct work *w)
{
	w->results = calloc(w->n + 1, sizeof(*w->results));
	for (size_t i = 0; w->results && i < w->n; i++) {
		w->results[i].name = strdup(w->v[i].name);
		if (!w->results[i].name)
			return -ENOMEM;
	}
	return w->results ? 0 : -ENOMEM;
}

int work_begin_online(struct muster *m, const char *range, struct work *w)
{
	size_t n = 0;
	int r = muster_status(m, range, &w->v, &w->n);

	if (r < 0) {
		w->v = NULL;
		return r;
	}
	for (size_t i = 0; i < w->n; i++) {
		if (work_is_online(&w->v[i]))
			w->v[n++] = w->v[i];
		else
			node_state_clear(&w->v[i]);
	}
	w->n = n;
	return begin_results(w);
}

int work_sort(struct work *w, int (*compare)(const void *, const void *))
{
	qsort(w->v, w->n, sizeof(*w->v), compare);
	muster_results_free(w->results, w->n);
	return begin_results(w);
}

int work_begin(struct muster *m, const char *range, struct work *w)
{
	int r = muster_status(m, range, &w->v, &w->n);

	if (r < 0) {
		w->v = NULL;
		return r;
	}
	return begin_results(w);
}

int work_say(struct work *w, size_t i, int code, const char *fmt, ...)
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

int work_end(struct work *w, struct muster_result **ret, size_t *ret_n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++)
		if (!w->results[i].text)
			r = work_say(w, i, -MUSTER_E_CANCELLED, _("It is prepared, and was not come to."));
	if (r == 0) {
		*ret = w->results;
		*ret_n = w->n;
		w->results = NULL;
	}
	return r;
}

int work_names(const struct work *w, struct strv *names)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->n; i++)
		r = strv_add(names, w->v[i].name);
	return r;
}

void work_step(struct muster *m, const char *name, const struct work *w)
{
	context_step(m, name, ngettext("%zu node", "%zu nodes", w->n), w->n);
}

int work_order_one(struct muster *m, const char *name, const char *what, const char *args, int64_t timeout_ms,
		   char **ret_said, bool *ret_missing)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct orders o = { 0 };
	int r = strv_add(&names, name);

	if (r == 0)
		r = orders_run(m, &names, what, args, timeout_ms, &o);
	if (r == 0 && o.n == 1) {
		r = order_is_fine(&o.v[0]);
		free(*ret_said);
		*ret_said = r ? strdup(o.v[0].output) : order_why(&o.v[0]);
		*ret_missing = o.v[0].done && o.v[0].status == WIRE_STATUS_MISSING;
	}
	orders_free(&o);
	return r;
}

int work_order_any(struct muster *m, const struct work *but, const char *what, const char *args,
		   int64_t timeout_ms, char **ret_said)
{
	struct work all = { 0 };
	bool missing = true;
	int r = work_begin(m, NULL, &all);

	for (size_t i = 0; r == 0 && missing && i < all.n; i++) {
		bool is_meant = false;

		for (size_t k = 0; but && k < but->n; k++)
			is_meant |= strcmp(but->v[k].name, all.v[i].name) == 0;
		if (!is_meant && work_is_online(&all.v[i]))
			r = work_order_one(m, all.v[i].name, what, args, timeout_ms, ret_said, &missing);
	}
	work_free(&all);
	return r;
}

int work_healthy(struct muster *m)
{
	struct ssi_state s;
	int r = muster_ssi_status(m, NULL, &s);

	if (r < 0)
		return r;
	if (s.health == SSI_WEDGED) {
		context_error(m, "%s %s", s.what, s.remedy);
		r = -MUSTER_E_REFUSED;
	}
	muster_ssi_free(&s);
	return r;
}

int work_poke(struct muster *m, const struct strv *names)
{
	json_t *answer = NULL;
	int r = context_ask_daemon(m, json_pack("{s:{s:o}}", "poke", "nodes", context_names_json(names)),
				   &answer);

	json_decref(answer);
	return r;
}

static const struct node_state *find_state(const struct node_state *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].name, name) == 0)
			return &v[i];
	return NULL;
}

/* Says of each how it is; where `failed` is given, that of those which are not as they should. 1: all are. */
static int look_online(struct muster *m, struct work *w, const char *range, bool online, const char *failed)
{
	struct node_state *v;
	size_t n;
	bool all = true;
	int r = muster_status(m, range, &v, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < w->n; i++) {
		const struct node_state *is = find_state(v, n, w->v[i].name);
		bool fine = is && work_is_online(is) == online;

		all &= fine;
		if (fine)
			r = work_say(w, i, 0, "%s", online ? _("It is online.") : _("It has left."));
		else if (failed)
			r = work_say(w, i, -MUSTER_E_COMMAND, "%s", failed);
		else
			r = work_say(w, i, -MUSTER_E_TIMEOUT, "%s",
				     online ? _("It was added, and does not say so yet.")
					    : _("It was removed, and does not say so yet."));
	}
	muster_status_free(v, n);
	return r < 0 ? r : all;
}

static int await(struct muster *m, struct work *w, bool online, const char *failed, int ms)
{
	int64_t end = clock_mono_ms() + ms, poked = 0;
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *range = NULL;
	int r = work_names(w, &names), all = 0;

	range = r == 0 ? muster_fold(&names) : NULL;
	if (!range)
		return -ENOMEM;
	for (;;) {
		all = look_online(m, w, range, online, failed);
		if (all != 0 || clock_mono_ms() >= end)
			return all;
		if (clock_mono_ms() - poked >= POKE_MS) {
			poked = clock_mono_ms();
			r = work_poke(m, &names);
		}
		if (r == 0)
			r = context_pause(m, LOOK_MS);
		if (r < 0)
			return r;
	}
}

int work_await_online(struct muster *m, struct work *w, bool online)
{
	return await(m, w, online, NULL, ONLINE_MS);
}

int work_failed(struct muster *m, struct work *w, bool online, const char *what, const char *why)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (asprintf(&text, _("%s: %s"), what, why ? why : _("no node could be asked")) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	r = await(m, w, online, text, FAILED_MS);
	return r < 0 ? r : 0;
}
