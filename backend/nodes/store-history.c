/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is kept of one node: its boots, what is usual for it, its events. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/nodes/store-internal.h"

static int read_stages(struct store *s, int64_t boot, struct node_stage_time **ret, size_t *ret_n)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	struct node_state n = { 0 };
	int r = db_query(s->db, SQL_STAGES_OF, &q, "i", boot);

	while (r >= 0 && (r = db_step(s->db, q)) > 0)
		r = store_add_stage(&n, store_stage_of(db_text(q, 0)), db_int(q, 1));
	*ret = n.stages;
	*ret_n = n.n_stages;
	return r;
}

/* The end of an older boot's last stage is not known: it counts as 0, unless the boot is the present one. */
static void measure(struct store_boot_row *b, int64_t end)
{
	struct node_state n = { .stages = b->stages, .n_stages = b->n_stages };

	node_state_measure(&n, end);
}

static int add_boot(struct store *s, struct sqlite3_stmt *q, int64_t now, int64_t present,
		    struct store_history *h)
{
	struct store_boot_row *b, *v = reallocarray(h->boots, h->n_boots + 1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	h->boots = v;
	b = &v[h->n_boots++];
	*b = (struct store_boot_row){ .began = db_int(q, 1),
				      .ms = db_int(q, 2),
				      .root = db_dup(q, 3),
				      .kernel = db_dup(q, 4),
				      .stage = store_stage_of(db_text(q, 5)) };
	if (!b->root || !b->kernel)
		return -ENOMEM;
	r = read_stages(s, db_int(q, 0), &b->stages, &b->n_stages);
	if (r == 0)
		measure(b, db_int(q, 0) == present ? now : 0);
	return r;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t median(int64_t *v, size_t n)
{
	if (n == 0)
		return -1;
	qsort(v, n, sizeof(*v), compare);
	return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

/* How long the boot was in the stage on its way to ready; -1: it was not, or never became ready. */
static int64_t time_in(const struct store_boot_row *b, enum node_stage stage)
{
	int64_t sum = -1;

	if (b->ms < 0)
		return -1;
	for (size_t i = 0; i < b->n_stages && b->stages[i].stage != NODE_READY; i++)
		if (b->stages[i].stage == stage)
			sum = MAX(sum, (int64_t)0) + b->stages[i].ms;
	return sum;
}

static void find_medians(struct store_history *h)
{
	int64_t times[STORE_BOOTS_KEPT + 1];

	for (size_t stage = 0; stage < NODE_STAGE_COUNT; stage++) {
		size_t n = 0;

		for (size_t i = 0; i < h->n_boots && n < ARRAY_SIZE(times); i++) {
			int64_t ms = time_in(&h->boots[i], (enum node_stage)stage);

			if (ms >= 0)
				times[n++] = ms;
		}
		h->medians[stage] = median(times, n);
	}
}

static int read_boots(struct store *s, int64_t now, const char *node, int64_t present,
		      struct store_history *h)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_BOOTS_OF, &q, "t", node);

	while (r >= 0 && (r = db_step(s->db, q)) > 0)
		r = add_boot(s, q, now, present, h);
	return r;
}

/* *ret_present: the row of its newest boot. */
static int read_node(struct store *s, int64_t now, const char *node, struct node_state *n,
		     int64_t *ret_present)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_NODE, &q, "t", node);

	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret_present = db_int(q, STORE_NODE_BOOT);
	r = store_read_node(q, n);
	if (r == 0)
		r = read_stages(s, *ret_present, &n->stages, &n->n_stages);
	node_state_measure(n, now);
	return r;
}

int store_node(struct store *s, int64_t now, const char *node, struct node_state *ret)
{
	struct node_state n = { 0 };
	int64_t present;
	int r = read_node(s, now, node, &n, &present);

	if (r < 0)
		node_state_clear(&n);
	else
		*ret = n;
	return r;
}

static int history(struct store *s, int64_t now, const char *node, size_t max_events, struct store_history *h)
{
	_cleanup_query_ struct sqlite3_stmt *events = NULL;
	int64_t present;
	int r = read_node(s, now, node, &h->node, &present);

	if (r == 0)
		r = read_boots(s, now, node, present, h);
	if (r < 0)
		return r;
	find_medians(h);
	r = db_query(s->db, SQL_EVENTS_OF, &events, "ti", node, (int64_t)max_events);
	return r < 0 ? r : store_read_events(s, events, &h->events, &h->n_events);
}

int store_history(struct store *s, int64_t now, const char *node, size_t max_events,
		  struct store_history *ret)
{
	struct store_history h = { 0 };
	int ended, r = db_run(s->db, SQL_BEGIN_READ, "");

	if (r < 0)
		return r;
	r = history(s, now, node, max_events, &h);
	ended = db_run(s->db, SQL_COMMIT, "");
	if (r < 0 || ended < 0) {
		store_history_free(&h);
		return r < 0 ? r : ended;
	}
	*ret = h;
	return 0;
}

void store_history_free(struct store_history *h)
{
	for (size_t i = 0; i < h->n_boots; i++) {
		free(h->boots[i].root);
		free(h->boots[i].kernel);
		free(h->boots[i].stages);
	}
	free(h->boots);
	node_state_clear(&h->node);
	store_events_free(h->events, h->n_events);
	*h = (struct store_history){ 0 };
}
