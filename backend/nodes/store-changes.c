/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What changed in the store since a number, for those who follow it. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/nodes/store-internal.h"

/* The stages of one node's newest boot. A boot that is none yet has no rows. */
static int add_stages(struct store *s, int64_t boot, struct node_state *n)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_STAGES_OF, &q, "i", boot);

	while (r >= 0 && (r = db_step(s->db, q)) > 0)
		r = store_add_stage(n, store_stage_of(db_text(q, 0)), db_int(q, 1));
	return r;
}

static int read_nodes(struct store *s, int64_t now, int64_t since, size_t max, struct store_changes *c)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r;

	c->nodes = calloc(max, sizeof(*c->nodes));
	if (!c->nodes)
		return -ENOMEM;
	/* One row more than asked for tells whether there is one. */
	r = db_query(s->db, SQL_CHANGED, &q, "ii", since, (int64_t)max + 1);
	while (r >= 0 && (r = db_step(s->db, q)) > 0) {
		struct node_state *n = &c->nodes[c->n_nodes];

		if (c->n_nodes == max) {
			c->more = true;
			return 0;
		}
		c->n_nodes++;
		r = store_read_node(q, n);
		if (r == 0)
			r = add_stages(s, db_int(q, STORE_NODE_BOOT), n);
		node_state_measure(n, now);
		c->seq = db_int(q, STORE_NODE_CHANGED);
	}
	return r;
}

static int read_gone(struct store *s, int64_t since, struct store_changes *c)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_GONE, &q, "ii", since, c->seq);

	while (r >= 0 && (r = db_step(s->db, q)) > 0)
		r = strv_add(&c->gone, db_text(q, 0));
	return r;
}

static int changed(struct store *s, int64_t now, int64_t since, size_t max, struct store_changes *c)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int64_t oldest, newest;
	int r = db_query(s->db, SQL_FEED, &q, "");

	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	oldest = db_int(q, 0);
	newest = db_int(q, 1);
	c->all = since < oldest || since > newest;
	if (c->all)
		since = 0;
	r = read_nodes(s, now, since, MAX(max, (size_t)1), c);
	if (r == 0 && !c->more)
		c->seq = newest;
	return r < 0 || c->all ? r : read_gone(s, since, c);
}

int store_changed(struct store *s, int64_t now, int64_t since, size_t max, struct store_changes *ret)
{
	struct store_changes c = { .gone = STRV_INIT };
	int ended, r = db_run(s->db, SQL_BEGIN_READ, "");

	if (r < 0)
		return r;
	r = changed(s, now, since, max, &c);
	ended = db_run(s->db, SQL_COMMIT, "");
	if (r < 0 || ended < 0) {
		store_changes_free(&c);
		return r < 0 ? r : ended;
	}
	*ret = c;
	return 0;
}

void store_changes_free(struct store_changes *c)
{
	node_states_free(c->nodes, c->n_nodes);
	strv_free(&c->gone);
	*c = (struct store_changes){ 0 };
}
