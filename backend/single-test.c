/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the single system does what it is for: tried out by one of its nodes' agents. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire.h"
#include "backend/single-orders.h"
#include "backend/single-work.h"
#include "backend/ssi/gate.h"
#include "util/clock.h"
#include "util/i18n.h"

#define HEAR_MS 60000
#define PROBE_MS (HEAR_MS + 200000) /* beyond the agent's own end (agent/probe.h) */
#define FRESH_MS 30000		    /* until all have reported once more, one of them of the whole */
#define MEMORY_OFF_KB 512 /* a node: a kernel counts what it keeps for itself one way or the other */
#define LOOK_MS 100
#define AGAIN_MS 1000 /* agents report no more often when they are asked to */

static int settle(struct ssi_check *c, enum ssi_verdict verdict, long ms, const char *fmt, ...)
	_printf_(4, 5);
static int settle(struct ssi_check *c, enum ssi_verdict verdict, long ms, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return -ENOMEM;
	free(c->text);
	*c = (struct ssi_check){ verdict, ms, text };
	return 0;
}

/* ---- who is in it -------------------------------------------------------------------------------------------- */

static int may_test(struct muster *m, const struct ssi_state *s)
{
	if (s->health == SSI_UP && s->online > 1)
		return 0;
	if (s->health == SSI_UP)
		context_error(m, _("One node alone is in it; a test wants two."));
	else
		context_error(m, *s->remedy ? "%s %s" : "%s", s->what, s->remedy);
	return s->health == SSI_WEDGED ? -MUSTER_E_UNHEALTHY : -MUSTER_E_REFUSED;
}

/* ---- the sums ------------------------------------------------------------------------------------------------ */

static bool has_reported(const struct work *w, int64_t since)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].last_report < since)
			return false;
	return true;
}

/* Until each of them has reported once more, or the time is over. */
static int refresh(struct muster *m, struct work *w, int64_t end)
{
	int64_t since = clock_wall_ms();
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = work_names(w, &names);

	if (r == 0)
		r = work_poke(m, &names);
	while (r == 0 && !has_reported(w, since) && clock_mono_ms() < end) {
		r = context_pause(m, LOOK_MS);
		if (r == 0) {
			work_free(w);
			r = work_begin_online(m, NULL, w);
		}
	}
	return r;
}

/* A merged machine that was read before the last node joined says nothing; and one node alone tells of it, which hears that with the
 * answer to a report (daemon/teller.h). */
static int read_merged(struct muster *m, struct work *w, struct ssi_state *ret)
{
	int64_t end = clock_mono_ms() + FRESH_MS;
	struct ssi_state s;
	int r;

	for (;;) {
		r = refresh(m, w, end);
		if (r == 0)
			r = muster_ssi_status(m, NULL, &s);
		if (r < 0)
			return r;
		if (s.processors > 0 || s.health != SSI_UP || clock_mono_ms() >= end)
			break;
		muster_ssi_free(&s);
		r = context_pause(m, AGAIN_MS);
		if (r < 0)
			return r;
	}
	*ret = s;
	return 0;
}

static int settle_untold(struct ssi_test *t, long ms)
{
	const char *why = _("No node has told of the merged machine in time.");
	int r = settle(&t->checks[SSI_CHECK_PROCESSORS], SSI_FAILED, ms, "%s", why);

	return r < 0 ? r : settle(&t->checks[SSI_CHECK_MEMORY], SSI_FAILED, ms, "%s", why);
}

static int check_sums(struct muster *m, struct work *w, struct ssi_test *t)
{
	int64_t began = clock_mono_ms();
	long long memory = 0, off;
	struct ssi_state s;
	int processors = 0, r = read_merged(m, w, &s);
	long ms;

	if (r < 0)
		return r;
	ms = (long)(clock_mono_ms() - began);
	for (size_t i = 0; i < w->n; i++) {
		processors += w->v[i].processors;
		memory += w->v[i].memory_kb;
	}
	if (s.processors == 0 && s.health == SSI_UP) {
		muster_ssi_free(&s);
		return settle_untold(t, ms);
	}
	off = llabs(s.memory_kb - memory);
	r = settle(&t->checks[SSI_CHECK_PROCESSORS], s.processors == processors ? SSI_PASSED : SSI_FAILED, ms,
		   _("It has %d processors; its nodes have %d."), s.processors, processors);
	if (r == 0)
		r = settle(&t->checks[SSI_CHECK_MEMORY],
			   off <= (long long)w->n * MEMORY_OFF_KB ? SSI_PASSED : SSI_FAILED, ms,
			   _("It has %lld kB of memory; its nodes have %lld kB."), s.memory_kb, memory);
	if (r == 0 && s.health == SSI_WEDGED)
		r = settle(&t->checks[SSI_CHECK_PROCESSORS], SSI_HANGS, ms, "%s", s.what);
	muster_ssi_free(&s);
	return r;
}

/* ---- what the agent tries -------------------------------------------------------------------------------------- */

static const char *const fine[SSI_CHECK_COUNT] = {
	[SSI_CHECK_LEAVE] = N_("A process has moved to another node."),
	[SSI_CHECK_RETURN] = N_("It has moved back."),
	[SSI_CHECK_RESULT] = N_("Its result is right."),
	[SSI_CHECK_SHARED] = N_("Shared memory is the same on two nodes."),
};

static const char *const bad[SSI_CHECK_COUNT] = {
	[SSI_CHECK_LEAVE] = N_("A process cannot move to another node: %s"),
	[SSI_CHECK_RETURN] = N_("A process cannot move back: %s"),
	[SSI_CHECK_RESULT] = N_("A process that was moved fails: %s"),
	[SSI_CHECK_SHARED] = N_("Shared memory fails: %s"),
};

static int settle_bad(struct ssi_check *c, enum ssi_check_kind kind, enum ssi_verdict verdict, long ms,
		      const char *why)
{
	_cleanup_free_ char *text = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	if (asprintf(&text, i18n(bad[kind]), why) < 0) {
#pragma GCC diagnostic pop
		text = NULL;
		return -ENOMEM;
	}
	return settle(c, verdict, ms, "%s", text);
}

/* "PART MS STATUS[ WHY]" */
static int take_row(char *line, struct ssi_test *t)
{
	char *save = NULL, *part = strtok_r(line, " ", &save), *ms = strtok_r(NULL, " ", &save);
	char *status = strtok_r(NULL, " ", &save), *why = strtok_r(NULL, "", &save);

	for (int i = SSI_CHECK_LEAVE; part && status && i < SSI_CHECK_COUNT; i++) {
		_cleanup_free_ char *said = NULL;
		long took = strtol(ms, NULL, 10), code = strtol(status, NULL, 10);

		if (strcmp(ssi_check_text((enum ssi_check_kind)i), part) != 0)
			continue;
		if (code == 0 && why)
			return settle(&t->checks[i], SSI_UNTOLD, took, "%s",
				      _("`migrate` says so; this kernel does not tell where a process is."));
		if (code == 0)
			return settle(&t->checks[i], SSI_PASSED, took, "%s", i18n(fine[i]));
		said = muster_said(why ? why : "");
		return settle_bad(&t->checks[i], (enum ssi_check_kind)i,
				  code == WIRE_STATUS_TIMEOUT ? SSI_HANGS : SSI_FAILED, took,
				  said ? said : "");
	}
	return 0;
}

static bool is_fine(const struct ssi_check *c)
{
	return c->verdict == SSI_PASSED || c->verdict == SSI_UNTOLD;
}

/* The first part without a line of its own is where it ended. */
static int settle_rest(struct ssi_test *t, const struct order *o)
{
	_cleanup_free_ char *why = order_why(o);
	bool failed = false;
	int r = 0;

	for (int i = SSI_CHECK_LEAVE; r == 0 && i < SSI_CHECK_COUNT; i++) {
		if (t->checks[i].verdict != SSI_NOT_TRIED) {
			failed |= !is_fine(&t->checks[i]);
			continue;
		}
		if (failed)
			continue;
		failed = true;
		/* What says nothing more hangs. */
		if (!o->done || o->status == WIRE_STATUS_TIMEOUT)
			r = settle_bad(&t->checks[i], (enum ssi_check_kind)i, SSI_HANGS, -1,
				       _("it does not come back"));
		else
			r = settle_bad(&t->checks[i], (enum ssi_check_kind)i, SSI_FAILED, -1, why ? why : "");
	}
	return r;
}

static int take_rows(const struct order *o, struct ssi_test *t)
{
	_cleanup_free_ char *text = strdup(o->output);
	char *save = NULL;
	int r = text ? 0 : -ENOMEM;

	for (char *line = r == 0 ? strtok_r(text, "\n", &save) : NULL; r == 0 && line;
	     line = strtok_r(NULL, "\n", &save))
		r = take_row(line, t);
	return r == 0 ? settle_rest(t, o) : r;
}

/* One that has the tools tries it. */
static int try_out(struct muster *m, const struct work *w, struct ssi_test *t)
{
	_cleanup_free_ char *ids = NULL;
	int r = ssi_id_list(w->v, w->n, NULL, &ids);
	bool missing = true;

	for (size_t i = 0; r == 0 && missing && i < w->n; i++) {
		_cleanup_strv_ struct strv names = STRV_INIT;
		struct orders o = { 0 };

		r = strv_add(&names, w->v[i].name);
		if (r == 0)
			r = orders_run(m, &names, "ssi-probe", ids, PROBE_MS, &o);
		if (r == 0 && o.n == 1) {
			missing = o.v[0].done && o.v[0].status == WIRE_STATUS_MISSING;
			if (!missing || i + 1 == w->n)
				r = take_rows(&o.v[0], t);
		}
		orders_free(&o);
	}
	return r;
}

/* ---- all of it ----------------------------------------------------------------------------------------------- */

static int begin(struct ssi_test *t, const struct work *w)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = work_names(w, &names);

	if (r == 0)
		t->nodes = muster_fold(&names);
	t->kernel = strdup(w->v[0].kernel);
	t->version = strdup(w->v[0].version);
	t->at = clock_wall_ms();
	for (int i = 0; r == 0 && i < SSI_CHECK_COUNT; i++)
		r = settle(&t->checks[i], SSI_NOT_TRIED, -1, "%s", _("It was not come to."));
	return r < 0 || !t->nodes || !t->kernel || !t->version ? -ENOMEM : 0;
}

static int test(struct muster *m, struct work *w, struct ssi_test *t)
{
	int r = begin(t, w);

	context_step(m, NC_("step", "sums"), ngettext("%zu node", "%zu nodes", w->n), w->n);
	if (r == 0)
		r = check_sums(m, w, t);
	if (r < 0)
		return r;
	context_done(m);
	context_step(m, NC_("step", "move"), "%s", _("processes and shared memory"));
	r = try_out(m, w, t);
	if (r < 0)
		return r;
	t->passed = true;
	for (int i = 0; i < SSI_CHECK_COUNT; i++)
		t->passed &= is_fine(&t->checks[i]);
	if (t->passed)
		context_done(m);
	return 0;
}

int muster_ssi_test(struct muster *m, struct ssi_test *ret)
{
	struct ssi_test t = { 0 };
	struct work w = { 0 };
	struct ssi_state s;
	int r = muster_ssi_status(m, NULL, &s);

	if (r < 0)
		return r;
	r = may_test(m, &s);
	muster_ssi_free(&s);
	if (r == 0)
		r = work_begin_online(m, NULL, &w);
	if (r == 0)
		r = w.n ? test(m, &w, &t) : -MUSTER_E_REFUSED;
	work_free(&w);
	if (r < 0) {
		muster_ssi_test_free(&t);
		return r;
	}
	*ret = t;
	return 0;
}

void muster_ssi_test_free(struct ssi_test *t)
{
	free(t->kernel);
	free(t->version);
	free(t->nodes);
	for (int i = 0; i < SSI_CHECK_COUNT; i++)
		free(t->checks[i].text);
	*t = (struct ssi_test){ 0 };
}
