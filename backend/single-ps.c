/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes of the single system: musterd has one of its nodes tell of them as long as it is asked. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "backend/context.h"
#include "backend/ssi/gate.h"
#include "backend/ssi/processes.h"
#include "backend/ssi/ssi.h"
#include "util/clock.h"
#include "util/i18n.h"

#define FIRST_MS 30000 /* until a node hears that it is asked, and that one after it where it cannot tell */
#define LOOK_MS 50

int muster_ssi_judge(const struct node_state *v, size_t n, struct ssi_state *ret)
{
	return ssi_judge(v, n, ret);
}

int muster_ssi_hangs(struct ssi_state *s)
{
	return ssi_hangs(s);
}

int muster_ssi_missing(const struct node_state *v, size_t n, struct strv *ret)
{
	return ssi_gate(v, n, NULL, 0, clock_wall_ms(), SSI_INTERVAL, ret);
}

int muster_ssi_ps_ask(struct muster *m, bool kernel, struct muster_asking **ret)
{
	return context_ask_begin(m, json_pack("{s:{s:b}}", "processes", "kernel", kernel), ret);
}

int muster_ssi_ps_read(struct muster *m, struct muster_asking *a, struct ssi_processes **ret)
{
	json_t *answer = NULL;
	int r = context_ask_work(a, &answer);

	if (r != 0)
		return r;
	r = ssi_processes_parse(json_object_get(answer, "processes"), ret);
	json_decref(answer);
	return r == -EINVAL ? -MUSTER_E_FORMAT : r;
}

void muster_ssi_ps_free(struct ssi_processes *p)
{
	ssi_processes_free(p);
}

/* Where one node cannot tell, musterd asks another. 1: the time is over; *ret is what the last one that could not has said, or NULL. */
static int next_list(struct muster *m, struct muster_asking *a, int ms, struct ssi_processes **ret)
{
	_cleanup_(ssi_processes_freep) struct ssi_processes *p = NULL;
	int64_t end = clock_mono_ms() + ms;
	int r;

	for (;;) {
		struct ssi_processes *next = NULL;

		r = muster_ssi_ps_read(m, a, &next);
		if (r == 0) {
			ssi_processes_free(p);
			p = next;
			if (p->look != SSI_LOOK_FAILED)
				break;
		}
		if (r >= 0 && clock_mono_ms() >= end) {
			r = 1;
			break;
		}
		r = r < 0 ? r : context_pause(m, LOOK_MS);
		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(p);
	return r;
}

static int wait_for_list(struct muster *m, struct muster_asking *a, struct ssi_processes **ret)
{
	_cleanup_(ssi_processes_freep) struct ssi_processes *p = NULL;
	int r = next_list(m, a, FIRST_MS, &p);

	if (r < 0)
		return r;
	if (p && p->look == SSI_LOOK_FAILED)
		context_error(m, _("%s cannot tell of the processes: %.*s"), p->node,
			      (int)strcspn(p->text, "\n"), p->text);
	else if (!p)
		context_error(m, _("No node of the single system has told of its processes in time."));
	if (!p || p->look == SSI_LOOK_FAILED)
		return -MUSTER_E_TIMEOUT;
	*ret = TAKE_PTR(p);
	return 0;
}

/* What keeps it from being looked at. */
static int may_look(struct muster *m, const struct ssi_state *s)
{
	if (s->health == SSI_UP)
		return 0;
	context_error(m, *s->remedy ? "%s %s" : "%s", s->what, s->remedy);
	return s->health == SSI_WEDGED ? -MUSTER_E_UNHEALTHY : -MUSTER_E_REFUSED;
}

int muster_ssi_ps(struct muster *m, bool kernel, struct ssi_processes **ret)
{
	_cleanup_(muster_asking_freep) struct muster_asking *a = NULL;
	_cleanup_(ssi_processes_freep) struct ssi_processes *p = NULL;
	struct ssi_state s;
	int r = muster_ssi_status(m, NULL, &s);

	if (r < 0)
		return r;
	r = may_look(m, &s);
	if (r == 0) {
		r = muster_ssi_ps_ask(m, kernel, &a);
		if (r < 0)
			context_error(m,
				      _("musterd does not answer (%s). `systemctl status musterd` says why."),
				      muster_strerror(r));
	}
	if (r == 0)
		r = wait_for_list(m, a, &p);
	if (r == 0 && p->look == SSI_LOOK_HANGS) {
		r = ssi_hangs(&s);
		if (r == 0)
			r = may_look(m, &s);
	}
	muster_ssi_free(&s);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

static void count(const struct ssi_processes *p, struct ssi_state *s)
{
	for (size_t i = 0; i < s->n_nodes; i++) {
		if (s->nodes[i].place != SSI_ONLINE)
			continue;
		s->nodes[i].processes = 0;
		for (size_t k = 0; k < p->n; k++)
			s->nodes[i].processes += !p->v[k].kernel && p->v[k].node == s->nodes[i].id;
	}
}

/* What is to be done is to be done with all its nodes, whichever are listed. */
static int hangs(struct muster *m, struct ssi_state *s)
{
	struct ssi_state all;
	int r = muster_ssi_status(m, NULL, &all);

	if (r < 0)
		return r;
	r = ssi_hangs(&all);
	if (r == 0) {
		free(s->what);
		free(s->remedy);
		s->what = TAKE_PTR(all.what);
		s->remedy = TAKE_PTR(all.remedy);
		s->health = all.health;
	}
	ssi_state_clear(&all);
	return r;
}

int muster_ssi_count(struct muster *m, int ms, struct ssi_state *s)
{
	_cleanup_(muster_asking_freep) struct muster_asking *a = NULL;
	_cleanup_(ssi_processes_freep) struct ssi_processes *p = NULL;
	int r;

	/* Who cannot ask, or is not answered, knows what the reports say. */
	if (s->health != SSI_UP || muster_ssi_ps_ask(m, false, &a) < 0)
		return 0;
	r = next_list(m, a, ms, &p);
	if (r != 0 || !p)
		return r == -MUSTER_E_CANCELLED || r == -ENOMEM ? r : 0;
	if (p->look == SSI_LOOK_HANGS)
		return hangs(m, s);
	if (p->look == SSI_LOOK_DONE)
		count(p, s);
	return 0;
}
