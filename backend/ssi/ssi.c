/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/ssi/ssi.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/plan/range.h"
#include "util/i18n.h"

static const char *const places[] = {
#define X(name, word) [SSI_##name] = (word),
	SSI_PLACES(X)
#undef X
};

static const char *const healths[] = {
	[SSI_DOWN] = "down",
	[SSI_UP] = "up",
	[SSI_WEDGED] = "broken",
};

static const char *const checks[] = {
#define X(name, word) [SSI_CHECK_##name] = (word),
	SSI_CHECKS(X)
#undef X
};

static const char *const verdicts[] = {
	[SSI_NOT_TRIED] = "not tried", [SSI_PASSED] = "passed",	  [SSI_FAILED] = "failed",
	[SSI_HANGS] = "hangs",	       [SSI_UNTOLD] = "not told",
};

const char *ssi_check_text(enum ssi_check_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(checks) ? checks[kind] : "?";
}

const char *ssi_verdict_text(enum ssi_verdict verdict)
{
	return (size_t)verdict < ARRAY_SIZE(verdicts) ? verdicts[verdict] : "?";
}

const char *ssi_place_text(enum ssi_place place)
{
	return (size_t)place < ARRAY_SIZE(places) ? places[place] : "?";
}

const char *ssi_health_text(enum ssi_health health)
{
	return (size_t)health < ARRAY_SIZE(healths) ? healths[health] : "?";
}

static int put_text(char **field, const char *fmt, ...) _printf_(2, 3);
static int put_text(char **field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(field, fmt, ap) < 0)
		*field = NULL;
	va_end(ap);
	return *field ? 0 : -ENOMEM;
}

static bool reports(const struct node_state *s)
{
	return s->stage == NODE_READY || s->stage == NODE_JOINED;
}

/* ---- one node ------------------------------------------------------------------------------------------- */

/* Whether a node that reports is still in what this one was in: a boot that began later knows nothing of it. */
static bool has_survivor(const struct node_state *v, size_t n, const struct node_state *lost)
{
	for (size_t i = 0; i < n; i++)
		if (reports(&v[i]) && v[i].ssi.known && v[i].ssi.subsession >= 0 &&
		    v[i].ssi.session == lost->ssi.session &&
		    (v[i].n_stages == 0 || v[i].stages[0].at <= lost->last_report))
			return true;
	return false;
}

static int judge_lost(const struct node_state *v, size_t n_nodes, const struct node_state *s,
		      struct ssi_node *n)
{
	bool was_in = s->ssi.known && s->ssi.subsession >= 0 && has_survivor(v, n_nodes, s);

	n->place = was_in ? SSI_BROKEN : SSI_OUT;
	return put_text(&n->text, was_in ? _("it was online and has stopped reporting")
					 : _("it has stopped reporting"));
}

static int judge_place(const struct node_state *v, size_t n_nodes, const struct node_state *s,
		       struct ssi_node *n)
{
	const struct node_ssi *ssi = &s->ssi;

	if (s->stage == NODE_LOST)
		return judge_lost(v, n_nodes, s, n);
	n->place = SSI_OUT;
	if (!reports(s))
		return put_text(&n->text, _("it is not up: %s"), i18n(node_stage_text(s->stage)));
	if (!ssi->known)
		return put_text(&n->text, _("its kernel has no single system"));
	n->place = SSI_BROKEN;
	if (*ssi->stuck)
		return put_text(&n->text, _("reading %s does not come back"), ssi->stuck);
	if (ssi->online > ssi->present)
		return put_text(&n->text, _("it counts %d nodes online, and only %d are there"), ssi->online,
				ssi->present);
	n->place = ssi->subsession >= 0 ? SSI_ONLINE : SSI_PRESENT;
	return put_text(&n->text, "%s", "");
}

static int judge_node(const struct node_state *v, size_t n_nodes, const struct node_state *s,
		      struct ssi_node *n)
{
	*n = (struct ssi_node){
		.name = strdup(s->name),
		.id = s->ssi.known ? s->ssi.node : -1,
		.session = s->ssi.known ? s->ssi.session : -1,
		.processors = s->processors,
		.memory_kb = s->memory_kb,
		.load = reports(s) ? s->load : -1,
		.processes = -1,
	};
	return n->name ? judge_place(v, n_nodes, s, n) : -ENOMEM;
}

/* ---- all of them ------------------------------------------------------------------------------------------ */

/* The one that reported last tells of the merged machine. */
static void merge(const struct node_state *v, size_t n, struct ssi_state *state)
{
	const struct node_state *newest = NULL;

	for (size_t i = 0; i < n; i++) {
		if (state->nodes[i].place != SSI_ONLINE || v[i].ssi.processors == 0)
			continue;
		if (!newest || v[i].last_report > newest->last_report)
			newest = &v[i];
	}
	if (!newest)
		return;
	state->processors = newest->ssi.processors;
	state->memory_kb = newest->ssi.memory_kb;
	state->memory_free_kb = newest->ssi.memory_free_kb;
	state->load = MAX(newest->ssi.load, 0.0);
}

static size_t count(const struct ssi_state *s, enum ssi_place place)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_nodes; i++)
		n += s->nodes[i].place == place;
	return n;
}

/* Is it of a session that has a broken node? */
static bool must_be_reset(const struct ssi_state *s, const struct ssi_node *n)
{
	if (n->place == SSI_OUT)
		return false;
	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->nodes[i].place == SSI_BROKEN && s->nodes[i].session == n->session)
			return true;
	return false;
}

static int say_reset(struct ssi_state *s, const char *range)
{
	return put_text(&s->remedy,
			_("Reset all nodes of its session together: %s. Restarting one of them does "
			  "not help, and until then commands that look at all processes hang."),
			range);
}

static int say_broken(struct ssi_state *s)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *range = NULL;
	size_t broken = count(s, SSI_BROKEN);
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_nodes; i++)
		if (must_be_reset(s, &s->nodes[i]))
			r = strv_add(&names, s->nodes[i].name);
	if (r == 0)
		r = range_fold(&names, &range);
	if (r == 0)
		r = put_text(&s->what,
			     ngettext("The single system is broken: %zu of %zu nodes shows it.",
				      "The single system is broken: %zu of %zu nodes show it.", broken),
			     broken, s->n_nodes);
	return r < 0 ? r : say_reset(s, range);
}

/* Nodes that are in it and do not see each other. */
static bool is_parted(const struct ssi_state *s)
{
	const struct ssi_node *first = NULL;

	for (size_t i = 0; i < s->n_nodes; i++) {
		if (s->nodes[i].place != SSI_ONLINE)
			continue;
		if (first && s->nodes[i].session != first->session)
			return true;
		first = first ? first : &s->nodes[i];
	}
	return false;
}

static int say_up(struct ssi_state *s)
{
	int r = put_text(&s->what, _("The single system is up on %zu of %zu nodes."), s->online, s->n_nodes);

	return r < 0 ? r
		     : put_text(&s->remedy, "%s",
				is_parted(s)
					? _("Its nodes are of several sessions and do not see each other: "
					    "boot them with one session_id.")
					: "");
}

static int say_down(struct ssi_state *s)
{
	size_t present = count(s, SSI_PRESENT);
	int r = present ? put_text(&s->what,
				   _("The single system is not started; %zu of %zu nodes could form it."),
				   present, s->n_nodes)
			: put_text(&s->what, _("No node runs a kernel with the single system."));

	return r < 0 ? r : put_text(&s->remedy, "%s", "");
}

static int judge(const struct node_state *v, size_t n, struct ssi_state *s)
{
	int r = 0;

	s->nodes = calloc(n + 1, sizeof(*s->nodes));
	if (!s->nodes)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++)
		r = judge_node(v, n, &v[i], &s->nodes[s->n_nodes++]);
	if (r < 0)
		return r;
	s->online = count(s, SSI_ONLINE);
	s->health = count(s, SSI_BROKEN) ? SSI_WEDGED : s->online ? SSI_UP : SSI_DOWN;
	merge(v, n, s);
	return s->health == SSI_WEDGED ? say_broken(s) : s->health == SSI_UP ? say_up(s) : say_down(s);
}

int ssi_judge(const struct node_state *v, size_t n, struct ssi_state *ret)
{
	struct ssi_state s = { .health = SSI_DOWN };
	int r = judge(v, n, &s);

	if (r < 0) {
		ssi_state_clear(&s);
		return r;
	}
	*ret = s;
	return 0;
}

int ssi_hangs(struct ssi_state *s)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *range = NULL, *what = TAKE_PTR(s->what), *remedy = TAKE_PTR(s->remedy);
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n_nodes; i++)
		if (s->nodes[i].place == SSI_ONLINE || s->nodes[i].place == SSI_BROKEN)
			r = strv_add(&names, s->nodes[i].name);
	if (r == 0)
		r = range_fold(&names, &range);
	if (r == 0)
		r = put_text(&s->what,
			     _("The single system hangs: looking at its processes does not come back."));
	if (r == 0)
		r = say_reset(s, range);
	if (r == 0) {
		s->health = SSI_WEDGED;
		return 0;
	}
	free(s->what);
	free(s->remedy);
	s->what = TAKE_PTR(what);
	s->remedy = TAKE_PTR(remedy);
	return r;
}

void ssi_state_clear(struct ssi_state *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		free(s->nodes[i].name);
		free(s->nodes[i].text);
	}
	free(s->nodes);
	free(s->what);
	free(s->remedy);
	*s = (struct ssi_state){ 0 };
}
