/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's wishes, kept until they are fulfilled or given up. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "backend/nodes/store-internal.h"

#define TOLD_MAX 5

static int event(struct store *s, int64_t now, const char *node, const char *kind, const char *fmt, ...)
	_printf_(5, 6);
static int event(struct store *s, int64_t now, const char *node, const char *kind, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return text ? store_add_event(s, now, node, kind, text) : -ENOMEM;
}

struct action {
	int64_t id; /* 0: there is none */
	char what[16];
	int64_t told, boot; /* how often, and which boot */
	int64_t node, present;
};

/* -ENOENT: there is no such node. */
static int find_action(struct store *s, const char *node, struct action *ret)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_ACTION_OF, &q, "t", node);

	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = (struct action){
		.id = db_int(q, 0),
		.told = db_int(q, 2),
		.boot = db_int(q, 3),
		.node = db_int(q, 4),
		.present = db_int(q, 5),
	};
	snprintf(ret->what, sizeof(ret->what), "%s", db_text(q, 1));
	return 0;
}

static int finish(struct store *s, int64_t now, const char *node, const struct action *a, const char *how)
{
	int r = db_run(s->db, SQL_ACTION_DROP, "i", a->id);

	return r < 0 ? r : event(s, now, node, "power", "%s: %s", a->what, how);
}

/* "user root": by name where the caller knows one. */
static int asked(struct store *s, int64_t now, const char *node, const char *kind, const char *what,
		 const struct store_asker *who)
{
	if (who->name)
		return event(s, now, node, kind, "%s: asked for by user %s", what, who->name);
	return event(s, now, node, kind, "%s: asked for by user %" PRId64, what, who->uid);
}

static int add(struct store *s, int64_t now, const char *node, const char *what,
	       const struct store_asker *who)
{
	struct action a;
	int r = find_action(s, node, &a);

	if (r == 0 && a.id)
		r = finish(s, now, node, &a, "another wish took its place");
	if (r == 0)
		r = db_run(s->db, SQL_ACTION_ADD, "itii", a.node, what, now, who->uid);
	return r < 0 ? r : asked(s, now, node, "power", what, who);
}

int store_action_add(struct store *s, int64_t now, const char *node, const char *what,
		     const struct store_asker *who)
{
	int r = store_begin(s);

	return r < 0 ? r : store_end(s, add(s, now, node, what, who));
}

static int tell(struct store *s, int64_t now, const char *node, struct action *a, struct store_action *ret)
{
	int r;

	if (a->told && a->boot != a->present)
		return finish(s, now, node, a, "done: the node has booted since");
	if (a->told >= TOLD_MAX)
		return finish(s, now, node, a, "given up: the node's agent does not do it");
	r = db_run(s->db, SQL_ACTION_TOLD, "ii", a->id, a->present);
	if (r < 0)
		return r;
	ret->id = a->id;
	snprintf(ret->what, sizeof(ret->what), "%s", a->what);
	return 1;
}

int store_action_tell(struct store *s, int64_t now, const char *node, struct store_action *ret)
{
	struct action a;
	int r = find_action(s, node, &a);

	if (r < 0 || a.id == 0)
		return r;
	r = store_begin(s);
	return r < 0 ? r : store_end(s, tell(s, now, node, &a, ret));
}

int store_action_done(struct store *s, int64_t now, const char *node, int64_t id)
{
	struct action a;
	int r = find_action(s, node, &a);

	if (r < 0 || a.id == 0 || a.told == 0 || (id != 0 && a.id != id))
		return r;
	r = store_begin(s);
	return r < 0 ? r : store_end(s, finish(s, now, node, &a, "the node does it"));
}

/* 1: there was one. */
static int expire_one(struct store *s, int64_t now, int64_t before)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	_cleanup_free_ char *node = NULL;
	struct action a;
	int r = db_query(s->db, SQL_ACTION_OLD, &q, "i", before);

	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r;
	node = db_dup(q, 0);
	r = node ? find_action(s, node, &a) : -ENOMEM;
	if (r == 0)
		r = finish(s, now, node, &a,
			   a.told ? "given up: the node did not say that it does it"
				  : "given up: the node did not report");
	return r < 0 ? r : 1;
}

int store_action_expire(struct store *s, int64_t now, int64_t max_age)
{
	int r = store_begin(s);

	if (r < 0)
		return r;
	do
		r = expire_one(s, now, now - max_age);
	while (r > 0);
	return store_end(s, r);
}

/* ---- what a node boots next -------------------------------------------------------------------------------- */

void store_next_free(struct store_next *n)
{
	free(n->what);
	free(n->initramfs);
	*n = (struct store_next){ 0 };
}

int store_next_get(struct store *s, const char *node, struct store_next *ret)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	struct store_next n;
	int r = db_query(s->db, SQL_NEXT, &q, "t", node);

	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	n = (struct store_next){ db_dup(q, 0), db_dup(q, 1), db_int(q, 2) != 0 };
	if (!n.what || !n.initramfs) {
		store_next_free(&n);
		return -ENOMEM;
	}
	*ret = n;
	return 0;
}

static int set_next(struct store *s, int64_t now, const char *node, const struct store_next *n,
		    const struct store_asker *who)
{
	_cleanup_free_ char *what = NULL;
	int r = db_run(s->db, SQL_NEXT_SET, "ttti", node, n->what, n->initramfs,
		       (int64_t)(n->always && *n->what));

	if (r == 0 && db_changes(s->db) == 0)
		r = -ENOENT;
	if (r == 0)
		r = store_node_changed(s, node);
	if (r < 0)
		return r;
	if (asprintf(&what, "%s%s", *n->what ? n->what : "system", *n->what && n->always ? " always" : "") <
	    0) {
		what = NULL;
		return -ENOMEM;
	}
	return asked(s, now, node, "next", what, who);
}

int store_next_set(struct store *s, int64_t now, const char *node, const struct store_next *next,
		   const struct store_asker *who)
{
	int r = store_begin(s);

	return r < 0 ? r : store_end(s, set_next(s, now, node, next, who));
}

static int use_next(struct store *s, int64_t now, const char *node, const char *what)
{
	int r = db_run(s->db, SQL_NEXT_USED, "tt", node, what);

	if (r < 0 || db_changes(s->db) == 0)
		return r;
	r = store_node_changed(s, node);
	return r < 0 ? r : event(s, now, node, "next", "%s: done, once", what);
}

int store_next_used(struct store *s, int64_t now, const char *node, const char *what)
{
	int r = store_begin(s);

	return r < 0 ? r : store_end(s, use_next(s, now, node, what));
}
