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

#define OUTCOMES_KEPT 20
#define ORDER "ssi-" /* what begins so has an outcome */
#define EVENT_OUTPUT 200

struct action {
	int64_t id; /* 0: there is none */
	char what[16], args[WIRE_ARGS_MAX];
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
	snprintf(ret->args, sizeof(ret->args), "%s", db_text(q, 6));
	return 0;
}

static bool is_order(const char *what)
{
	return strncmp(what, ORDER, strlen(ORDER)) == 0;
}

static const char *kind_of(const char *what)
{
	return is_order(what) ? "ssi" : "power";
}

static int take_away(struct store *s, int64_t now, const char *node, const struct action *a, const char *how)
{
	int r = db_run(s->db, SQL_ACTION_DROP, "i", a->id);

	return r < 0 ? r : event(s, now, node, kind_of(a->what), "%s: %s", a->what, how);
}

/* "user root": by name where the caller knows one. */
static int asked(struct store *s, int64_t now, const char *node, const char *kind, const char *what,
		 const struct store_asker *who)
{
	if (who->name)
		return event(s, now, node, kind, "%s: asked for by user %s", what, who->name);
	return event(s, now, node, kind, "%s: asked for by user %" PRId64, what, who->uid);
}

/* "given up: REASON" */
static const char *reason(const char *how)
{
	const char *p = strstr(how, ": ");

	return p ? p + 2 : how;
}

/* It is over, or the node does it, which is all that is heard of one without an outcome. */
static int finish(struct store *s, int64_t now, const char *node, const struct action *a, const char *how)
{
	int r = take_away(s, now, node, a, how);

	return r < 0 ? r
		     : db_run(s->db, SQL_OUTCOME_SET, "ititi", a->id, "dropped", (int64_t)0, reason(how),
			      a->boot);
}

/* Its outcome is still to come. */
static int begin(struct store *s, int64_t now, const char *node, const struct action *a)
{
	int r = take_away(s, now, node, a, "the node begins");

	return r < 0 ? r
		     : db_run(s->db, SQL_OUTCOME_SET, "ititi", a->id, "running", (int64_t)0, "", a->present);
}

static int add(struct store *s, int64_t now, const char *node, const char *what, const char *args,
	       const struct store_asker *who, int64_t *ret_id)
{
	_cleanup_free_ char *all = NULL;
	struct action a;
	int r = find_action(s, node, &a);

	if (r == 0 && a.id)
		r = finish(s, now, node, &a, "another wish took its place");
	if (r == 0)
		r = db_run(s->db, SQL_ACTION_ADD, "itiit", a.node, what, now, who->uid, args);
	if (r < 0)
		return r;
	*ret_id = db_last_id(s->db);
	if (asprintf(&all, "%s%s%s", what, *args ? " " : "", args) < 0) {
		all = NULL;
		return -ENOMEM;
	}
	return asked(s, now, node, kind_of(what), all, who);
}

int store_action_add(struct store *s, int64_t now, const char *node, const char *what,
		     const struct store_asker *who)
{
	int64_t id;
	int r = store_begin(s);

	return r < 0 ? r : store_end(s, add(s, now, node, what, "", who, &id));
}

static int add_order(struct store *s, int64_t now, const char *node, const char *what, const char *args,
		     const struct store_asker *who, int64_t *ret_id)
{
	struct action a;
	int r = add(s, now, node, what, args, who, ret_id);

	if (r == 0)
		r = find_action(s, node, &a);
	if (r == 0)
		r = db_run(s->db, SQL_OUTCOME_ADD, "iit", *ret_id, a.node, what);
	return r < 0 ? r : db_run(s->db, SQL_OUTCOMES_PRUNE, "ii", a.node, (int64_t)OUTCOMES_KEPT);
}

int store_order_add(struct store *s, int64_t now, const char *node, const char *what, const char *args,
		    const struct store_asker *who, int64_t *ret_id)
{
	int64_t id = 0;
	int r = is_order(what) ? store_begin(s) : -EINVAL;

	if (r == 0)
		r = store_end(s, add_order(s, now, node, what, args, who, &id));
	if (r == 0)
		*ret_id = id;
	return r;
}

/* ---- outcomes ------------------------------------------------------------------------------------------------ */

void store_outcome_free(struct store_outcome *o)
{
	free(o->node);
	free(o->output);
	*o = (struct store_outcome){ 0 };
}

int store_outcome_get(struct store *s, int64_t id, struct store_outcome *ret)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	struct store_outcome o = { 0 };
	int r = db_query(s->db, SQL_OUTCOME, &q, "i", id);

	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	snprintf(o.state, sizeof(o.state), "%s", db_text(q, 1));
	o.status = (int)db_int(q, 2);
	o.output = db_dup(q, 3);
	o.node = db_dup(q, 4);
	if (!o.node || !o.output) {
		store_outcome_free(&o);
		return -ENOMEM;
	}
	*ret = o;
	return 0;
}

static int set_outcome(struct store *s, int64_t now, const char *node, int64_t id, int status,
		       const char *output)
{
	int r = db_run(s->db, SQL_OUTCOME_SET, "ititi", id, "done", (int64_t)status, output, (int64_t)0);

	if (r < 0)
		return r;
	return status == 0 ? event(s, now, node, "ssi", "order %" PRId64 ": done", id)
			   : event(s, now, node, "ssi", "order %" PRId64 ": failed with status %d: %.*s", id,
				   status, (int)MIN(strcspn(output, "\n"), (size_t)EVENT_OUTPUT), output);
}

int store_outcome_set(struct store *s, int64_t now, const char *node, int64_t id, int status,
		      const char *output)
{
	struct store_outcome o;
	struct action a = { 0 };
	bool runs, waits;
	int r = store_outcome_get(s, id, &o);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	runs = strcmp(o.node, node) == 0 && strcmp(o.state, "running") == 0;
	waits = strcmp(o.node, node) == 0 && strcmp(o.state, "waiting") == 0;
	store_outcome_free(&o);
	/* The report that it begins may be lost: it was told to the node, so it may have done it. */
	if (waits)
		r = find_action(s, node, &a);
	if (r == 0 && waits && a.id == id && a.told > 0) {
		r = store_begin(s);
		r = r < 0 ? r : store_end(s, begin(s, now, node, &a));
		runs = true;
	}
	if (r < 0 || !runs)
		return r;
	r = store_begin(s);
	return r < 0 ? r : store_end(s, set_outcome(s, now, node, id, status, output));
}

static int tell(struct store *s, int64_t now, const char *node, struct action *a, struct store_action *ret)
{
	int r;

	if (a->told && a->boot != a->present)
		return finish(s, now, node, a,
			      is_order(a->what) ? "given up: the node has booted since"
						: "done: the node has booted since");
	if (a->told >= TOLD_MAX)
		return finish(s, now, node, a, "given up: the node's agent does not do it");
	r = db_run(s->db, SQL_ACTION_TOLD, "ii", a->id, a->present);
	if (r < 0)
		return r;
	ret->id = a->id;
	snprintf(ret->what, sizeof(ret->what), "%s", a->what);
	snprintf(ret->args, sizeof(ret->args), "%s", a->args);
	return 1;
}

int store_action_tell(struct store *s, int64_t now, const char *node, bool busy, struct store_action *ret)
{
	struct action a;
	int r = find_action(s, node, &a);

	if (r < 0 || a.id == 0 || (busy && is_order(a.what)))
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
	if (r < 0)
		return r;
	if (!is_order(a.what))
		return store_end(s, finish(s, now, node, &a, "the node does it"));
	return store_end(s, id ? begin(s, now, node, &a)
			       : finish(s, now, node, &a, "given up: the node has shut down"));
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
