/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rehearsal's nodes: powered on as memory allows, watched through what musterd knows of them, and powered off. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "lab/rehearse-private.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/units.h"

#define LOOK_MS 250
#define SPARE_MB 512 /* of the server's memory, for itself */

struct stage_run {
	const struct lab_rehearse_options *o;
	struct lab_rehearsal *r;
	struct muster *lab;
	int dir;
	size_t at_a_time;
};

static bool runs(const struct lab_try *t)
{
	return t->outcome == LAB_TRY_RUNS;
}

/* ---- how many ---- */

static unsigned int memory_free_mb(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/meminfo", "re");
	unsigned long long kb = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %llu kB", &kb) == 1)
			break;
	return (unsigned int)(kb / 1024);
}

/* A node more than there are processors only makes all of them late. */
static size_t how_many(const struct lab_rehearse_options *o)
{
	unsigned int each = lab_memory(&o->lab, LAB_UEFI, o->plan->root), have = memory_free_mb();
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t fit = have > SPARE_MB ? (have - SPARE_MB) / MAX(each, 1U) : 0;

	return MAX(MIN(fit, processors > 0 ? (size_t)processors : 1), (size_t)1);
}

/* ---- one node ---- */

static const char *label(const struct lab_try *t)
{
	return *t->node ? t->node : t->machine;
}

static int power_on(struct stage_run *s, struct lab_try *t)
{
	struct lab_options lab = s->o->lab;
	int r;

	t->on = clock_wall_ms();
	r = lab_power(&lab, t->machine, true);
	if (r < 0)
		return r;
	t->outcome = LAB_TRY_RUNS;
	lab_note(&s->o->lab, _("%s (%s) is powered on."), label(t), lab_firmware_name(t->firmware));
	return 0;
}

static int end_try(struct stage_run *s, struct lab_try *t, enum lab_outcome outcome,
		   const struct node_state *state)
{
	struct lab_options lab = s->o->lab;
	_cleanup_free_ char *text = NULL;
	int r = 0;

	t->outcome = outcome;
	t->ms = clock_wall_ms() - t->on;
	if (outcome == LAB_TRY_READY) {
		/* By the node's own clock of stages, which does not wait for the next look. */
		t->ms = state->stages[state->n_stages - 1].at - t->on;
		s->r->ready++;
	} else {
		r = lab_evidence_gather(t, s->lab, s->dir, state);
	}
	text = lab_try_sentence(t);
	if (text && outcome == LAB_TRY_READY)
		lab_note(&s->o->lab, "%s", text);
	else if (text)
		lab_warn(&s->o->lab, "%s", text);
	if (r == 0 && !s->o->keep)
		r = lab_power(&lab, t->machine, false);
	return r;
}

/* Is what musterd knows of this boot? What it knew before is of another one. */
static bool is_this_boot(const struct lab_try *t, const struct node_state *n)
{
	return n->n_stages > 0 && n->stages[0].at >= t->on;
}

static void note_stage(struct stage_run *s, struct lab_try *t, const struct node_stage_time *v)
{
	if (v->stage < NODE_DHCP || v->stage > NODE_ROOT)
		return;
	if (t->stage_ms[v->stage] < 0)
		lab_note(&s->o->lab, _("%s (%s): %s, %s after power-on"), label(t),
			 lab_firmware_name(t->firmware), node_stage_text(v->stage), SECONDS(v->at - t->on));
	t->stage_ms[v->stage] = v->ms;
	t->stage = v->stage;
}

/* A machine of a range has the name that its address makes. */
static int take_name(struct lab_try *t, const struct node_state *n)
{
	if (*t->node)
		return 0;
	free(t->node);
	t->node = strdup(n->name);
	return t->node ? 0 : -ENOMEM;
}

static int look_at(struct stage_run *s, struct lab_try *t, const struct node_state *n)
{
	int r;

	if (!is_this_boot(t, n))
		return 0;
	r = take_name(t, n);
	for (size_t i = 0; r == 0 && i < n->n_stages; i++)
		note_stage(s, t, &n->stages[i]);
	if (r < 0)
		return r;
	if (n->stage == NODE_READY || n->stage == NODE_JOINED)
		return end_try(s, t, LAB_TRY_READY, n);
	if (n->stage != NODE_FAILED)
		return 0;
	free(t->reason);
	t->reason = strdup(n->reason);
	return t->reason ? end_try(s, t, LAB_TRY_FAILED, n) : -ENOMEM;
}

static const struct node_state *find(const struct lab_try *t, const struct node_state *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(v[i].mac, t->mac) == 0)
			return &v[i];
	return NULL;
}

static bool machine_runs(const struct lab_state *lab, const char *machine)
{
	for (size_t i = 0; i < lab->n_nodes; i++)
		if (strcmp(lab->nodes[i].name, machine) == 0)
			return lab->nodes[i].running;
	return false;
}

/* ---- all of them ---- */

static int look(struct stage_run *s)
{
	struct lab_state lab = { 0 };
	struct node_state *v = NULL;
	size_t n = 0;
	int r = lab_read(s->o->lab.dir, &lab);

	/* musterd may write just now: then the next look sees it. */
	if (r == 0 && muster_status(s->lab, NULL, &v, &n) < 0)
		n = 0;
	for (size_t i = 0; r == 0 && i < s->r->n; i++) {
		struct lab_try *t = &s->r->tries[i];
		const struct node_state *state = runs(t) ? find(t, v, n) : NULL;

		if (state)
			r = look_at(s, t, state);
		if (r == 0 && runs(t) && clock_wall_ms() - t->on > s->o->timeout_ms)
			r = end_try(s, t, LAB_TRY_LATE, state);
		else if (r == 0 && runs(t) && !machine_runs(&lab, t->machine))
			r = end_try(s, t, LAB_TRY_ENDED, state);
	}
	if (n)
		muster_status_free(v, n);
	lab_state_free(&lab);
	return r;
}

/* A node that is tried with both firmwares is one machine at a time. */
static bool is_on(const struct lab_rehearsal *r, const char *mac)
{
	for (size_t i = 0; i < r->n; i++)
		if (runs(&r->tries[i]) && strcmp(r->tries[i].mac, mac) == 0)
			return true;
	return false;
}

static int start_more(struct stage_run *s, size_t *ret_on)
{
	size_t on = 0;
	int r = 0;

	for (size_t i = 0; i < s->r->n; i++)
		on += runs(&s->r->tries[i]);
	for (size_t i = 0; r == 0 && i < s->r->n && on < s->at_a_time; i++) {
		struct lab_try *t = &s->r->tries[i];

		if (t->outcome != LAB_TRY_WAITS || is_on(s->r, t->mac))
			continue;
		r = power_on(s, t);
		on += r == 0;
	}
	*ret_on = on;
	return r;
}

static int wait_a_little(int cancel_fd)
{
	struct pollfd p = { .fd = cancel_fd > 0 ? cancel_fd : -1, .events = POLLIN };

	return poll(&p, 1, LOOK_MS) > 0 ? -MUSTER_E_CANCELLED : 0;
}

int lab_rehearse_nodes(const struct lab_rehearse_options *o, struct lab_rehearsal *r)
{
	_cleanup_free_ char *root = fs_join(o->lab.dir, "root");
	_cleanup_(muster_freep) struct muster *lab = NULL;
	const struct muster_config config = { .root = root };
	_cleanup_close_ int dir = fs_root_open(o->lab.dir);
	struct stage_run s = { .o = o, .r = r, .dir = dir, .at_a_time = how_many(o) };
	int64_t began = clock_mono_ms();
	size_t on = 0;
	int e = !root ? -ENOMEM : dir < 0 ? dir : muster_new(&config, &lab);

	if (e < 0)
		return e;
	s.lab = lab;
	lab_step(&o->lab, NC_("step", "nodes"),
		 ngettext("%zu node of %u MB, %zu at a time", "%zu nodes of %u MB, %zu at a time", r->n),
		 r->n, lab_memory(&o->lab, LAB_UEFI, o->plan->root), MIN(s.at_a_time, r->n));
	e = start_more(&s, &on);
	while (e == 0 && on > 0) {
		e = wait_a_little(o->lab.cancel_fd);
		if (e == 0)
			e = look(&s);
		if (e == 0)
			e = start_more(&s, &on);
	}
	if (e == 0)
		lab_done(&o->lab, "nodes", began);
	return e;
}
