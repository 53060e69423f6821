/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The database itself: opening, schema, the table of nodes, events coming in. */
#include "config.h"

#include "backend/nodes/store.h"

#include <errno.h>
#include <string.h>

#include "backend/nodes/store-internal.h"
#include "util/error.h"
#include "util/log.h"

static const char *const statements[] = {
#define X(name, sql) [SQL_##name] = sql,
	STORE_SQL(X)
#undef X
};

/* schema[i] brings a database of version i to version i + 1. Never changed once released: add a row. */
static const char *const schema[] = {
	"CREATE TABLE nodes(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, place INTEGER NOT NULL,"
	" mac TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '', boot INTEGER);"
	"CREATE TABLE boots(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" node INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE, mac TEXT NOT NULL DEFAULT '',"
	" address TEXT NOT NULL DEFAULT '', token TEXT, root TEXT NOT NULL DEFAULT '',"
	" began INTEGER NOT NULL, by_dhcp INTEGER NOT NULL, stage TEXT NOT NULL, entered INTEGER NOT NULL,"
	" reported INTEGER NOT NULL DEFAULT 0, kernel TEXT NOT NULL DEFAULT '',"
	" processors INTEGER NOT NULL DEFAULT 0, memory INTEGER NOT NULL DEFAULT 0,"
	" memory_free INTEGER NOT NULL DEFAULT 0, load REAL NOT NULL DEFAULT 0,"
	" reason TEXT NOT NULL DEFAULT '', log TEXT NOT NULL DEFAULT '');"
	"CREATE INDEX boots_of_node ON boots(node);"
	"CREATE UNIQUE INDEX boots_token ON boots(token) WHERE token IS NOT NULL;"
	"CREATE TABLE stages(boot INTEGER NOT NULL REFERENCES boots(id) ON DELETE CASCADE, n INTEGER NOT "
	"NULL,"
	" stage TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(boot, n)) WITHOUT ROWID;"
	"CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
	" node TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);",

	/* The numbers of changes begin with the microseconds of the database's making: whoever knows a number of an
	 * older database, that was moved away, has one from before feed.since. */
	"ALTER TABLE nodes ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE nodes ADD COLUMN boots INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE nodes ADD COLUMN median INTEGER NOT NULL DEFAULT -1;"
	"ALTER TABLE boots ADD COLUMN duration INTEGER NOT NULL DEFAULT -1;"
	"CREATE TABLE feed(since INTEGER NOT NULL, newest INTEGER NOT NULL);"
	"INSERT INTO feed(since, newest) SELECT now, now FROM"
	" (SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000000 AS now);"
	"CREATE TABLE gone(name TEXT PRIMARY KEY, changed INTEGER NOT NULL);"
	"CREATE INDEX gone_changed ON gone(changed);"
	"CREATE INDEX nodes_changed ON nodes(changed);"
	"CREATE INDEX events_of_node ON events(node);"
	"UPDATE boots SET duration = COALESCE("
	"(SELECT MIN(at) FROM stages WHERE boot = boots.id AND stage = 'ready') -"
	" (SELECT MIN(at) FROM stages WHERE boot = boots.id), -1);"
	"UPDATE nodes SET boots = (SELECT COUNT(*) FROM boots WHERE node = nodes.id),"
	" changed = (SELECT since FROM feed) + id;"
	"UPDATE nodes SET median = m.ms FROM (SELECT node, CAST(AVG(duration) AS INTEGER) AS ms FROM"
	" (SELECT node, duration, row_number() OVER (PARTITION BY node ORDER BY duration) AS i,"
	" COUNT(*) OVER (PARTITION BY node) AS n FROM boots WHERE duration >= 0)"
	" WHERE i IN ((n + 1) / 2, (n + 2) / 2) GROUP BY node) AS m WHERE m.node = nodes.id;",

	"CREATE TABLE actions(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" node INTEGER NOT NULL UNIQUE REFERENCES nodes(id) ON DELETE CASCADE, what TEXT NOT NULL,"
	" asked INTEGER NOT NULL, uid INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0,"
	" boot INTEGER NOT NULL DEFAULT 0);"
	"ALTER TABLE nodes ADD COLUMN next TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE nodes ADD COLUMN next_initramfs TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE nodes ADD COLUMN next_always INTEGER NOT NULL DEFAULT 0;",

	"ALTER TABLE nodes ADD COLUMN card TEXT NOT NULL DEFAULT '';",

	"ALTER TABLE boots ADD COLUMN version TEXT NOT NULL DEFAULT '';"
	"CREATE TABLE ssi(boot INTEGER PRIMARY KEY REFERENCES boots(id) ON DELETE CASCADE,"
	" node INTEGER NOT NULL, session INTEGER NOT NULL, subsession INTEGER NOT NULL,"
	" max_nodes INTEGER NOT NULL, online INTEGER NOT NULL, present INTEGER NOT NULL,"
	" possible INTEGER NOT NULL, processors INTEGER NOT NULL, memory INTEGER NOT NULL,"
	" memory_free INTEGER NOT NULL, load REAL NOT NULL, abi TEXT NOT NULL, stuck TEXT NOT NULL);",

	"ALTER TABLE actions ADD COLUMN args TEXT NOT NULL DEFAULT '';"
	"CREATE TABLE outcomes(action INTEGER PRIMARY KEY,"
	" node INTEGER NOT NULL REFERENCES nodes(id) ON DELETE CASCADE, what TEXT NOT NULL,"
	" state TEXT NOT NULL, status INTEGER NOT NULL, output TEXT NOT NULL, boot INTEGER NOT NULL);"
	"CREATE INDEX outcomes_of_node ON outcomes(node);",

	"CREATE INDEX nodes_mac ON nodes(mac);",

	"ALTER TABLE nodes ADD COLUMN cards TEXT NOT NULL DEFAULT '';",

	"ALTER TABLE boots ADD COLUMN handed INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE boots ADD COLUMN delivered INTEGER NOT NULL DEFAULT 0;",
};

int store_begin(struct store *s)
{
	return db_run(s->db, SQL_BEGIN, "");
}

int store_end(struct store *s, int r)
{
	int ended;

	if (r >= 0) {
		ended = db_run(s->db, SQL_COMMIT, "");
		if (ended >= 0)
			return r;
		r = ended;
	}
	/* A statement that failed hard has rolled back by itself already; nothing is lost by trying. */
	ended = db_run(s->db, SQL_ROLLBACK, "");
	return ended < 0 && r >= 0 ? ended : r;
}

static int upgrade(struct store *s, const char *path)
{
	int version = 0, r = db_version(s->db, &version);

	if (r == 0 && version > (int)ARRAY_SIZE(schema)) {
		log_error("%s was made by a newer muster (schema %d, this one knows %zu)", path, version,
			  ARRAY_SIZE(schema));
		return -MUSTER_E_FORMAT;
	}
	if (r < 0 || version == (int)ARRAY_SIZE(schema))
		return r;
	r = store_begin(s);
	if (r < 0)
		return r;
	for (size_t i = (size_t)MAX(version, 0); r == 0 && i < ARRAY_SIZE(schema); i++)
		r = db_exec(s->db, schema[i]);
	if (r == 0) {
		_cleanup_free_ char *set = NULL;

		r = asprintf(&set, "PRAGMA user_version = %zu", ARRAY_SIZE(schema)) < 0 ? -ENOMEM
											: db_exec(s->db, set);
	}
	return store_end(s, r);
}

static int check_version(struct store *s, const char *path)
{
	int version = 0, r = db_version(s->db, &version);

	if (r < 0)
		return r;
	if (version == 0)
		return -ENOENT; /* created this moment, and still empty */
	if (version == (int)ARRAY_SIZE(schema))
		return 0;
	log_error("%s has schema %d, this muster reads %zu: restart musterd", path, version,
		  ARRAY_SIZE(schema));
	return -MUSTER_E_FORMAT;
}

int store_open(const char *path, enum store_mode mode, struct store **ret)
{
	_cleanup_(store_freep) struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = db_open(path, mode == STORE_WRITE, statements, ARRAY_SIZE(statements), &s->db);
	if (r < 0)
		return r;
	if (mode == STORE_READ)
		r = check_version(s, path);
	else
		/* NORMAL loses the last changes when the power fails, and never damages the file; in
		 * exchange a report costs no wait for the disk (https://www.sqlite.org/pragma.html). What
		 * must not be lost waits for it (store_hand()). */
		r = db_exec(s->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
				   "PRAGMA foreign_keys = ON; PRAGMA journal_size_limit = 16777216;"
				   "PRAGMA trusted_schema = OFF; PRAGMA cache_size = -4096");
	if (r == 0 && mode == STORE_WRITE)
		r = upgrade(s, path);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(s);
	return 0;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	db_free(s->db);
	free(s);
}

/* Those that are back, and the oldest: who knows no newer number than theirs has to read everything anew. */
static int forget_gone(struct store *s)
{
	int r = db_run(s->db, SQL_GONE_BACK, "");

	if (r == 0)
		r = db_run(s->db, SQL_GONE_SINCE, "i", (int64_t)STORE_GONE_KEPT);
	return r < 0 ? r : db_run(s->db, SQL_GONE_PRUNE, "");
}

/* A name that no node can have, for the time until all those who have theirs are out of the way: two may change places. */
struct passing {
	char text[24];
};

static struct passing passing_name(size_t i)
{
	struct passing name;

	snprintf(name.text, sizeof(name.text), "/%zu", i);
	return name;
}

/* 1: this machine had another name until now, and has none for the moment. */
static int take_name(struct store *s, size_t i, const struct plan_node *n)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	_cleanup_free_ char *before = NULL;
	int r = db_query(s->db, SQL_NODE_BEFORE, &q, "tt", n->name, MAC(n->mac));

	if (r == 0)
		r = db_step(s->db, q);
	if (r <= 0)
		return r;
	before = db_dup(q, 0);
	if (!before)
		return -ENOMEM;
	r = db_run(s->db, SQL_NODE_NAME, "tt", before, passing_name(i).text);
	if (r == 0)
		r = db_run(s->db, SQL_NODE_GONE, "t", before);
	return r < 0 ? r : 1;
}

/* What had the name before is a machine that is in the plan no more. */
static int give_name(struct store *s, size_t i, const struct plan_node *n)
{
	int r = db_run(s->db, SQL_NODE_DROP, "t", n->name);

	return r < 0 ? r : db_run(s->db, SQL_NODE_NAME, "tt", passing_name(i).text, n->name);
}

/* A node with another name than before goes on with its boots and its token: the machine is the same, and runs. */
static int rename_nodes(struct store *s, const struct plan *p)
{
	_cleanup_free_ bool *taken = calloc(p->n_nodes + 1, sizeof(*taken));
	int r = taken ? 0 : -ENOMEM;

	if (p->ip_mode == PLAN_IP_RANGE)
		return r;
	for (size_t i = 0; r >= 0 && i < p->n_nodes; i++) {
		r = p->nodes[i].has_mac ? take_name(s, i, &p->nodes[i]) : 0;
		if (r > 0)
			taken[i] = true;
	}
	for (size_t i = 0; r >= 0 && i < p->n_nodes; i++)
		if (taken[i])
			r = give_name(s, i, &p->nodes[i]);
	return MIN(r, 0);
}

static int place_nodes(struct store *s, const struct plan *p)
{
	int r = db_run(s->db, SQL_FEED_KEEP, "");

	if (r == 0)
		r = rename_nodes(s, p);
	if (r == 0)
		r = db_run(s->db, SQL_NODES_UNPLACE, "");
	for (size_t i = 0; r == 0 && i < p->n_nodes; i++) {
		const struct plan_node *n = &p->nodes[i];

		r = db_run(s->db, SQL_NODE_PLACE, "titti", n->name, (int64_t)i, n->has_mac ? MAC(n->mac) : "",
			   n->address.n ? IP4(n->address) : "", (int64_t)(p->ip_mode == PLAN_IP_RANGE));
	}
	if (r == 0)
		r = db_run(s->db, SQL_NODES_GONE, "");
	if (r == 0)
		r = db_run(s->db, SQL_NODES_DROP, "");
	if (r == 0)
		r = db_run(s->db, SQL_NODES_CHANGED, "");
	return r < 0 ? r : forget_gone(s);
}

int store_sync(struct store *s, const struct plan *p)
{
	int r = store_begin(s);

	return r < 0 ? r : store_end(s, place_nodes(s, p));
}

int store_add_event(struct store *s, int64_t now, const char *node, const char *kind, const char *text)
{
	int64_t id;
	int r = db_run(s->db, SQL_EVENT_ADD, "ittt", now, node ? node : "", kind, text);

	if (r < 0)
		return r;
	id = db_last_id(s->db);
	if (strcmp(kind, "refused") == 0) {
		r = db_run(s->db, SQL_EVENTS_PRUNE_REFUSED, "ti", node ? node : "",
			   (int64_t)STORE_REFUSED_EACH);
		if (r < 0)
			return r;
	}
	if (id % STORE_EVENTS_PRUNE_EVERY != 0)
		return 0;
	/* Who adds most of them is the likeliest to be met here. */
	r = db_run(s->db, SQL_EVENTS_PRUNE_NODE, "ti", node ? node : "", (int64_t)STORE_EVENTS_EACH);
	if (r < 0)
		return r;
	return db_run(s->db, SQL_EVENTS_PRUNE, "i", id - STORE_EVENTS_KEPT);
}

int store_event(struct store *s, int64_t now, const char *node, const char *kind, const char *text)
{
	int r = store_begin(s);

	return r < 0 ? r : store_end(s, store_add_event(s, now, node, kind, text));
}

enum node_stage store_stage_of(const char *text)
{
	enum node_stage stage;

	return node_stage_parse(text, &stage) < 0 ? NODE_OFF : stage;
}
