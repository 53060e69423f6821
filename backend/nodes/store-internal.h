/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the store's source files share; nobody else includes it. */
#pragma once

#include "backend/nodes/db.h"
#include "backend/nodes/store.h"

#define STORE_BOOTS_KEPT 20
#define STORE_STAGES_KEPT 64 /* of one boot, which may be lost and found again many times */
#define STORE_EVENTS_KEPT 100000
#define STORE_EVENTS_EACH \
	5000 /* of one node: so that one that is out of order does not push out all others' */
#define STORE_REFUSED_EACH 1000 /* among them: strangers do not push out what became of a node */
#define STORE_EVENTS_PRUNE_EVERY 256
#define STORE_DHCP_MS 60000 /* firmware and loader each ask DHCP; within this time it is one boot */
#define STORE_LATE_MS 5000  /* a lease's event may be overtaken by the request that the lease made possible */
#define STORE_GONE_KEPT 1000   /* names of dropped nodes, for who follows the changes */
#define STORE_LOADER_MS 300000 /* from the first sight of a boot to its loader script */

struct store {
	struct db *db;
};

/* The number of the newest change, and the one of the next: of the nodes that are, of those that are gone, and of all at the
 * last store_sync(). Each is found in an index. */
#define STORE_NEWEST                                                                                       \
	"MAX((SELECT COALESCE(MAX(changed), 0) FROM nodes), (SELECT COALESCE(MAX(changed), 0) FROM gone)," \
	" (SELECT newest FROM feed))"
#define STORE_NEXT "(" STORE_NEWEST " + 1)"

/* What store_read_node() reads, of nodes n and their newest boots b. */
#define STORE_NODE                                                                                      \
	"SELECT n.name, n.mac, COALESCE(NULLIF(b.address, ''), n.address), b.stage, b.kernel, b.root,"  \
	" b.processors, b.memory, b.memory_free, b.load, b.reported, b.reason, b.log, n.place,"         \
	" COALESCE(b.duration, -1), n.median, n.boots, n.next, n.next_always, n.changed, n.boot,"       \
	" b.version, n.card, n.cards, s.boot, s.node, s.session, s.subsession, s.max_nodes, s.online, " \
	"s.present,"                                                                                    \
	" s.possible, s.processors, s.memory, s.memory_free, s.load, s.abi, s.stuck"                    \
	" FROM nodes n LEFT JOIN boots b ON b.id = n.boot LEFT JOIN ssi s ON s.boot = n.boot"
#define STORE_NODE_CHANGED 19 /* the columns behind those of the state */
#define STORE_NODE_BOOT 20
#define STORE_NODE_VERSION 21 /* and of the state again, the last ones */
#define STORE_NODE_CARD 22
#define STORE_NODE_SSI 24

/* X(NAME, SQL): every statement of the store. */
#define STORE_SQL(X)                                                                                         \
	X(BEGIN, "BEGIN IMMEDIATE")                                                                          \
	X(BEGIN_READ, "BEGIN")                                                                               \
	X(COMMIT, "COMMIT")                                                                                  \
	X(ROLLBACK, "ROLLBACK")                                                                              \
	X(NODES_UNPLACE, "UPDATE nodes SET place = -1 - place")                                              \
	X(NODE_PLACE, "INSERT INTO nodes(name, place, mac, address) VALUES(?1, ?2, ?3, ?4)"                  \
		      " ON CONFLICT(name) DO UPDATE SET place = excluded.place, address = excluded.address," \
		      " mac = CASE WHEN ?5 AND address = excluded.address THEN mac ELSE excluded.mac END,"   \
		      " changed = CASE WHEN place = -1 - excluded.place AND address = excluded.address"      \
		      " AND (?5 OR mac = excluded.mac) THEN changed ELSE 0 END")                             \
	X(NODE_BEFORE, "SELECT name FROM nodes WHERE mac = ?2 AND name <> ?1 AND NOT EXISTS"                 \
		       " (SELECT 1 FROM nodes WHERE name = ?1 AND mac = ?2) ORDER BY boot DESC LIMIT 1")     \
	X(NODE_NAME, "UPDATE nodes SET name = ?2, changed = 0 WHERE name = ?1")                              \
	X(NODE_DROP, "DELETE FROM nodes WHERE name = ?1")                                                    \
	X(NODE_GONE, "INSERT OR REPLACE INTO gone(name, changed) VALUES(?1, " STORE_NEXT ")")                \
	X(FEED_KEEP, "UPDATE feed SET newest = " STORE_NEWEST)                                               \
	X(NODES_GONE, "INSERT OR REPLACE INTO gone(name, changed) SELECT name, " STORE_NEWEST                \
		      " + row_number() OVER (ORDER BY place) FROM nodes WHERE place < 0")                    \
	X(NODES_DROP, "DELETE FROM nodes WHERE place < 0")                                                   \
	X(NODES_CHANGED, "UPDATE nodes SET changed = r.newest + r.i FROM (SELECT id, " STORE_NEWEST          \
			 " AS newest, row_number() OVER (ORDER BY place) AS i FROM nodes WHERE changed = 0)" \
			 " AS r WHERE nodes.id = r.id")                                                      \
	X(GONE_BACK, "DELETE FROM gone WHERE name IN (SELECT name FROM nodes)")                              \
	X(GONE_SINCE, "UPDATE feed SET since = COALESCE((SELECT changed FROM gone ORDER BY changed DESC"     \
		      " LIMIT 1 OFFSET ?1), since)")                                                         \
	X(GONE_PRUNE, "DELETE FROM gone WHERE changed <= (SELECT since FROM feed)")                          \
	X(NODE_CHANGED, "UPDATE nodes SET changed = " STORE_NEXT " WHERE name = ?1")                         \
	X(FEED, "SELECT since, " STORE_NEWEST " FROM feed")                                                  \
	X(CHANGED, STORE_NODE " WHERE n.changed > ?1 ORDER BY n.changed LIMIT ?2")                           \
	X(GONE, "SELECT name, changed FROM gone WHERE changed > ?1 AND changed <= ?2 ORDER BY changed")      \
	X(EVENT_ADD, "INSERT INTO events(at, node, kind, text) VALUES(?1, ?2, ?3, ?4)")                      \
	X(EVENTS_PRUNE, "DELETE FROM events WHERE id <= ?1")                                                 \
	X(EVENTS_PRUNE_NODE, "DELETE FROM events WHERE node = ?1 AND id <= (SELECT id FROM events"           \
			     " WHERE node = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)")                         \
	X(EVENTS_PRUNE_REFUSED,                                                                              \
	  "DELETE FROM events WHERE node = ?1 AND kind = 'refused' AND id <= (SELECT id FROM"                \
	  " events WHERE node = ?1 AND kind = 'refused' ORDER BY id DESC LIMIT 1 OFFSET ?2)")                \
	X(EVENTS, "SELECT id, at, node, kind, text FROM events WHERE id > ?1 ORDER BY id LIMIT ?2")          \
	X(BOOT_NEWEST, "SELECT n.id, b.id, b.stage, b.entered, b.began, b.by_dhcp, b.mac, b.token, n.mac"    \
		       " FROM nodes n LEFT JOIN boots b ON b.id = n.boot WHERE n.name = ?1")                 \
	X(BOOT_PRESENT, "SELECT id, stage, entered FROM boots WHERE node = ?1 AND token IS NOT NULL")        \
	X(BOOT_ADD,                                                                                          \
	  "INSERT INTO boots(node, mac, began, by_dhcp, stage, entered) VALUES(?1, ?2, ?3, ?4, ?5,"          \
	  " ?3)")                                                                                            \
	X(BOOT_DROP, "DELETE FROM boots WHERE id = ?1")                                                      \
	X(BOOTS_PRUNE, "DELETE FROM boots WHERE node = ?1 AND id <="                                         \
		       " (SELECT id FROM boots WHERE node = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)")         \
	X(NODE_BOOT, "UPDATE nodes SET boot = ?2, boots = MAX(boots + ?3, 0) WHERE id = ?1")                 \
	X(BOOT_DURATION, "UPDATE boots SET duration = ?2 - (SELECT MIN(at) FROM stages WHERE boot = ?1)"     \
			 " WHERE id = ?1 AND duration < 0")                                                  \
	X(NODE_MEDIAN,                                                                                       \
	  "UPDATE nodes SET median = COALESCE((SELECT CAST(AVG(duration) AS INTEGER) FROM"                   \
	  " (SELECT duration, row_number() OVER (ORDER BY duration) AS i, COUNT(*) OVER () AS n"             \
	  " FROM boots WHERE node = (SELECT id FROM nodes WHERE name = ?1) AND duration >= 0)"               \
	  " WHERE i IN ((n + 1) / 2, (n + 2) / 2)), -1) WHERE name = ?1")                                    \
	X(NODE_MAC, "UPDATE nodes SET mac = ?2 WHERE id = ?1 AND mac <> ?2")                                 \
	X(TOKENS_VOID, "UPDATE boots SET token = NULL WHERE node = ?1 AND token IS NOT NULL")                \
	X(BOOT_TOKEN, "UPDATE boots SET mac = ?2, address = ?3, token = ?4, root = ?5, handed = 0,"          \
		      " delivered = 0 WHERE id = ?1")                                                        \
	X(HANDED, "UPDATE boots SET handed = ?2 WHERE token = ?1 AND handed = 0")                            \
	X(DELIVERED, "UPDATE boots SET delivered = ?2 WHERE token = ?1 AND delivered = 0")                   \
	X(SPOKE, "SELECT b.stage FROM nodes n JOIN boots b ON b.node = n.id WHERE n.name = ?1"               \
		 " AND b.reported <> 0 ORDER BY b.id DESC LIMIT 1")                                          \
	X(TOKEN, "SELECT n.name, b.mac, b.address, b.root, b.stage, b.entered, b.handed, b.delivered"        \
		 " FROM boots b JOIN nodes n ON n.id = b.node"                                               \
		 " WHERE b.token = ?1")                                                                      \
	X(BOOT_BY_DHCP, "UPDATE boots SET by_dhcp = 1 WHERE id = ?1")                                        \
	X(BOOT_STAGE, "UPDATE boots SET stage = ?2, entered = ?3 WHERE id = ?1")                             \
	X(STAGE_ADD,                                                                                         \
	  "INSERT INTO stages(boot, n, stage, at) VALUES(?1, (SELECT COALESCE(MAX(n), 0) + 1 FROM"           \
	  " stages WHERE boot = ?1), ?2, ?3)")                                                               \
	X(STAGE_BEFORE,                                                                                      \
	  "INSERT INTO stages(boot, n, stage, at) VALUES(?1, (SELECT COALESCE(MIN(n), 1) - 1 FROM"           \
	  " stages WHERE boot = ?1), ?2, ?3)")                                                               \
	X(STAGES_PRUNE,                                                                                      \
	  "DELETE FROM stages WHERE boot = ?1 AND n IN (SELECT n FROM stages WHERE boot = ?1"                \
	  " AND n >= (SELECT MIN(n) FROM stages WHERE boot = ?1 AND stage IN ('lost', 'failed', 'joined'))"  \
	  " ORDER BY n LIMIT 2) AND (SELECT COUNT(*) FROM stages WHERE boot = ?1) > ?2")                     \
	X(REPORT,                                                                                            \
	  "UPDATE boots SET reported = ?2, kernel = CASE WHEN ?3 = '' THEN kernel ELSE ?3 END,"              \
	  " processors = CASE WHEN ?4 > 0 AND (?9 = 0 OR processors = 0) THEN ?4 ELSE processors END,"       \
	  " memory = CASE WHEN ?5 > 0 AND (?9 = 0 OR memory = 0) THEN ?5 ELSE memory END,"                   \
	  " memory_free = CASE WHEN ?6 > 0 THEN ?6 ELSE memory_free END,"                                    \
	  " load = CASE WHEN ?7 >= 0 THEN ?7 ELSE load END,"                                                 \
	  " version = CASE WHEN ?8 = '' THEN version ELSE ?8 END WHERE id = ?1")                             \
	X(SSI, "INSERT OR REPLACE INTO ssi(boot, node, session, subsession, max_nodes, online, present, "    \
	       "possible,"                                                                                   \
	       " processors, memory, memory_free, load, abi, stuck)"                                         \
	       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)")                       \
	X(CARD, "UPDATE nodes SET card = ?2 WHERE name = ?1 AND card <> ?2")                                 \
	X(CARDS_KEEP, "UPDATE nodes SET cards = ?2 WHERE name = ?1 AND cards <> ?2")                         \
	X(CARDS, "SELECT name, card FROM nodes WHERE card <> '' ORDER BY place")                             \
	X(REASON, "UPDATE boots SET reason = ?2, log = ?3 WHERE id = ?1")                                    \
	X(SILENT, "SELECT n.name, b.id FROM nodes n JOIN boots b ON b.id = n.boot"                           \
		  " WHERE b.stage IN ('ready', 'joined') AND b.reported < ?1")                               \
	X(NODES, STORE_NODE " ORDER BY n.place")                                                             \
	X(STAGES_OF, "SELECT stage, at FROM stages WHERE boot = ?1 ORDER BY n")                              \
	X(ACTION_OF, "SELECT a.id, a.what, a.told, a.boot, n.id, n.boot, a.args FROM nodes n"                \
		     " LEFT JOIN actions a ON a.node = n.id WHERE n.name = ?1")                              \
	X(ACTION_ADD, "INSERT OR REPLACE INTO actions(node, what, asked, uid, args)"                         \
		      " VALUES(?1, ?2, ?3, ?4, ?5)")                                                         \
	X(ACTION_TOLD, "UPDATE actions SET told = told + 1, boot = ?2 WHERE id = ?1")                        \
	X(ACTION_DROP, "DELETE FROM actions WHERE id = ?1")                                                  \
	X(ACTION_OLD, "SELECT n.name FROM actions a JOIN nodes n ON n.id = a.node WHERE a.asked < ?1"        \
		      " LIMIT 1")                                                                            \
	X(OUTCOME_ADD, "INSERT INTO outcomes(action, node, what, state, status, output, boot)"               \
		       " VALUES(?1, ?2, ?3, 'waiting', 0, '', 0)")                                           \
	X(OUTCOMES_PRUNE, "DELETE FROM outcomes WHERE node = ?1 AND action <= (SELECT action FROM outcomes"  \
			  " WHERE node = ?1 ORDER BY action DESC LIMIT 1 OFFSET ?2)")                        \
	X(OUTCOME_SET, "UPDATE outcomes SET state = ?2, status = ?3, output = ?4, boot = ?5"                 \
		       " WHERE action = ?1")                                                                 \
	X(OUTCOME, "SELECT o.what, CASE WHEN o.state = 'running' AND o.boot <> n.boot THEN 'dropped'"        \
		   " ELSE o.state END, o.status, o.output, n.name FROM outcomes o"                           \
		   " JOIN nodes n ON n.id = o.node WHERE o.action = ?1")                                     \
	X(NEXT, "SELECT next, next_initramfs, next_always FROM nodes WHERE name = ?1")                       \
	X(NEXT_SET, "UPDATE nodes SET next = ?2, next_initramfs = ?3, next_always = ?4 WHERE name = ?1")     \
	X(NEXT_USED, "UPDATE nodes SET next = '', next_initramfs = '' WHERE name = ?1 AND next = ?2"         \
		     " AND next_always = 0")                                                                 \
	X(EVENTS_NEWEST, "SELECT COALESCE(MAX(id), 0) FROM events")                                          \
	X(EVENTS_OF, "SELECT id, at, node, kind, text FROM (SELECT * FROM events WHERE node = ?1"            \
		     " ORDER BY id DESC LIMIT ?2) ORDER BY id")                                              \
	X(NODE, STORE_NODE " WHERE n.name = ?1")                                                             \
	X(BOOTS_OF, "SELECT b.id, b.began, b.duration, b.root, b.kernel, b.stage FROM nodes n"               \
		    " JOIN boots b ON b.node = n.id WHERE n.name = ?1 ORDER BY b.id")                        \
	X(STAGES, "SELECT n.place, s.stage, s.at FROM nodes n CROSS JOIN stages s ON s.boot = n.boot"        \
		  " ORDER BY n.place, s.n")

enum store_sql {
#define X(name, sql) SQL_##name,
	STORE_SQL(X)
#undef X
};

/* BEGIN for a change, and its end: COMMIT when r >= 0, else ROLLBACK. Yields r, or why it could not be kept. */
int store_begin(struct store *s) _must_check_;
int store_end(struct store *s, int r) _must_check_;

/* Inside a transaction: adds an event, and the boot enters the stage, with an event. */
int store_add_event(struct store *s, int64_t now, const char *node, const char *kind,
		    const char *text) _must_check_;
int store_enter(struct store *s, int64_t now, const char *node, int64_t boot,
		enum node_stage stage) _must_check_;

/* Inside a transaction: what its state shows is another one from now on. */
int store_node_changed(struct store *s, const char *node) _must_check_;

/* The row of a statement that begins with STORE_NODE, without its stages; what it has got is the caller's, also when
 * it fails. And one stage more. */
int store_read_node(struct sqlite3_stmt *q, struct node_state *ret) _must_check_;
int store_add_stage(struct node_state *s, enum node_stage stage, int64_t at) _must_check_;
/* The rows of a statement that begins with id, at, node, kind, text. */
int store_read_events(struct store *s, struct sqlite3_stmt *q, struct store_event_row **ret,
		      size_t *ret_n) _must_check_;

/* Reads a stage's text as the database has it; what it should not have is OFF. */
enum node_stage store_stage_of(const char *text);
