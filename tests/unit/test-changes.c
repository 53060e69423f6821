/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store's changes and histories. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/nodes/db.h"
#include "backend/nodes/store.h"
#include "util/fs.h"

#define T0 INT64_C(1700000000000)
#define TOKEN "0123456789abcdef0123456789abcdef"

struct fixture {
	char folder[32];
	char path[64];
	struct plan plan;
	struct store *store;
};

static void make_plan(struct plan *p, size_t n)
{
	p->nodes = calloc(n, sizeof(*p->nodes));
	assert_non_null(p->nodes);
	p->n_nodes = n;
	for (size_t i = 0; i < n; i++) {
		assert_true(asprintf(&p->nodes[i].name, "node%05zu", i + 1) > 0);
		p->nodes[i].address.n = 0x0a420000U + 11 + (uint32_t)i;
	}
}

static void drop_plan(struct plan *p)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		free(p->nodes[i].name);
	free(p->nodes);
	*p = (struct plan){ 0 };
}

static int setup_empty(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	snprintf(f->folder, sizeof(f->folder), "/tmp/muster-changes.XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/muster.db", f->folder);
	make_plan(&f->plan, 4);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	struct fixture *f;

	if (setup_empty(state) < 0)
		return -1;
	f = *state;
	return store_open(f->path, STORE_WRITE, &f->store) < 0 || store_sync(f->store, &f->plan) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	_cleanup_close_ int root = fs_root_open(NULL);
	struct fixture *f = *state;
	int r;

	store_free(f->store);
	drop_plan(&f->plan);
	r = fs_remove_tree(root, f->folder);
	free(f);
	return r;
}

static struct store_changes changes(struct fixture *f, int64_t since, size_t max)
{
	struct store_changes c = { 0 };

	assert_int_equal(store_changed(f->store, T0, since, max, &c), 0);
	return c;
}

static int64_t seq_now(struct fixture *f)
{
	struct store_changes c = changes(f, 0, 100000);
	int64_t seq = c.seq;

	assert_false(c.more);
	store_changes_free(&c);
	return seq;
}

/* Exactly this node changed since *seq, which goes on. NULL: none did. */
static void assert_changed(struct fixture *f, int64_t *seq, const char *name)
{
	struct store_changes c = changes(f, *seq, 10);

	assert_int_equal(c.n_nodes, name ? 1 : 0);
	assert_false(c.all);
	assert_int_equal(c.gone.n, 0);
	if (name)
		assert_string_equal(c.nodes[0].name, name);
	assert_true(name ? c.seq > *seq : c.seq == *seq);
	*seq = c.seq;
	store_changes_free(&c);
}

static void report(struct fixture *f, int64_t now, const char *node, enum node_stage stage)
{
	struct store_report r = {
		.stage = stage, .kernel = "6.1.0", .version = "#1", .reason = "", .log = "", .load = 0.5
	};

	assert_int_equal(store_report(f->store, now, node, &r), 0);
}

static void boot(struct fixture *f, int64_t now, const char *node, int64_t ms)
{
	assert_int_equal(store_dhcp(f->store, now, node, ""), 0);
	assert_int_equal(store_boot(f->store, now + 100, node, "", "10.66.0.11", node, "g"), 0);
	report(f, now + ms, node, NODE_READY);
}

static void everything_that_a_state_shows_changes_its_number(void **state)
{
	struct fixture *f = *state;
	int64_t seq = seq_now(f);

	assert_changed(f, &seq, NULL);
	assert_int_equal(store_dhcp(f->store, T0, "node00002", ""), 0);
	assert_changed(f, &seq, "node00002");
	assert_int_equal(store_boot(f->store, T0, "node00002", "", "10.66.0.12", TOKEN, "g"), 0);
	assert_changed(f, &seq, "node00002");
	assert_int_equal(store_stage(f->store, T0, "node00002", NODE_KERNEL), 0);
	assert_changed(f, &seq, "node00002");
	report(f, T0, "node00002", NODE_READY);
	assert_changed(f, &seq, "node00002");
	report(f, T0 + 1, "node00002", NODE_READY);
	assert_changed(f, &seq, "node00002");
	assert_int_equal(store_expire(f->store, T0 + 100000, 1000), 1);
	assert_changed(f, &seq, "node00002");
	assert_int_equal(store_event(f->store, T0, "node00002", "note", "an event is no state"), 0);
	assert_changed(f, &seq, NULL);
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	assert_changed(f, &seq, NULL);
	f->plan.nodes[3].address.n++;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	assert_changed(f, &seq, "node00004");
}

static void a_refused_change_changes_no_number(void **state)
{
	struct fixture *f = *state;
	int64_t seq = seq_now(f);

	assert_int_equal(store_stage(f->store, T0, "node00002", NODE_KERNEL), -ENOENT);
	assert_int_equal(store_dhcp(f->store, T0, "stranger", ""), -ENOENT);
	assert_changed(f, &seq, NULL);
}

static void pages_come_in_the_order_of_the_changes(void **state)
{
	struct fixture *f = *state;
	struct store_changes c = changes(f, 0, 3);

	assert_true(c.all && c.more);
	assert_int_equal(c.n_nodes, 3);
	assert_string_equal(c.nodes[0].name, "node00001");
	assert_int_equal(c.nodes[2].place, 2);
	store_changes_free(&c);
}

static void the_rest_follows_a_page(void **state)
{
	struct fixture *f = *state;
	struct store_changes c = changes(f, 0, 3);
	int64_t seq = c.seq;

	store_changes_free(&c);
	boot(f, T0, "node00001", 5000);
	c = changes(f, seq, 10);
	assert_false(c.all || c.more);
	assert_int_equal(c.n_nodes, 2);
	assert_string_equal(c.nodes[0].name, "node00004");
	assert_string_equal(c.nodes[1].name, "node00001");
	assert_int_equal(c.nodes[1].n_stages, 3);
	store_changes_free(&c);
}

static void a_dropped_node_is_gone_until_it_is_back(void **state)
{
	struct fixture *f = *state;
	int64_t seq = seq_now(f), later;
	struct store_changes c;

	f->plan.n_nodes = 3;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	c = changes(f, seq, 10);
	assert_int_equal(c.gone.n, 1);
	assert_string_equal(c.gone.v[0], "node00004");
	assert_int_equal(c.n_nodes, 0);
	later = c.seq;
	assert_true(later > seq);
	store_changes_free(&c);
	f->plan.n_nodes = 4;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	assert_changed(f, &later, "node00004");
	c = changes(f, seq, 10);
	assert_int_equal(c.gone.n, 0);
	assert_int_equal(c.n_nodes, 1);
	store_changes_free(&c);
}

static void numbers_stay_valid_over_a_restart_and_not_in_another_database(void **state)
{
	struct fixture *f = *state;
	int64_t seq = seq_now(f);
	struct store_changes c;

	f->plan.n_nodes = 3;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	store_free(TAKE_PTR(f->store));
	assert_int_equal(store_open(f->path, STORE_WRITE, &f->store), 0);
	f->plan.n_nodes = 4;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	assert_changed(f, &seq, "node00004");
	c = changes(f, seq + 1000, 10);
	assert_true(c.all);
	assert_int_equal(c.n_nodes, 4);
	store_changes_free(&c);
	c = changes(f, T0, 10); /* of a database that was made long ago */
	assert_true(c.all);
	store_changes_free(&c);
}

static void who_missed_too_many_dropped_nodes_reads_everything(void **state)
{
	struct fixture *f = *state;
	int64_t seq;
	struct store_changes c;

	drop_plan(&f->plan);
	make_plan(&f->plan, 1500);
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	seq = seq_now(f);
	f->plan.n_nodes = 2;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	f->plan.n_nodes = 1500;
	c = changes(f, seq, 10);
	assert_true(c.all);
	assert_int_equal(c.n_nodes, 2);
	assert_int_equal(c.gone.n, 0);
	store_changes_free(&c);
}

static void a_boot_is_measured_against_those_before(void **state)
{
	static const int64_t ms[] = { 30000, 50000, 31000, 35000 };
	static const int64_t medians[] = { 30000, 40000, 31000, 33000 };
	struct fixture *f = *state;
	struct store_changes c;

	c = changes(f, 0, 1);
	assert_int_equal(c.nodes[0].boot_ms, -1);
	assert_int_equal(c.nodes[0].median_ms, -1);
	assert_int_equal(c.nodes[0].boots, 0);
	store_changes_free(&c);
	for (size_t i = 0; i < ARRAY_SIZE(ms); i++) {
		int64_t seq = seq_now(f), now = T0 + (int64_t)i * 1000000;

		boot(f, now, "node00001", ms[i]);
		/* Ready once more, after it was lost: the boot is no longer one. */
		assert_int_equal(store_expire(f->store, now + 500000, 1000), 1);
		report(f, now + 600000, "node00001", NODE_READY);
		c = changes(f, seq, 10);
		assert_int_equal(c.n_nodes, 1);
		assert_int_equal(c.nodes[0].boot_ms, ms[i]);
		assert_int_equal(c.nodes[0].median_ms, medians[i]);
		assert_int_equal(c.nodes[0].boots, i + 1);
		store_changes_free(&c);
	}
}

static void a_history_has_boots_medians_and_events(void **state)
{
	struct fixture *f = *state;
	struct store_history h;

	assert_int_equal(store_history(f->store, T0, "stranger", 50, &h), -ENOENT);
	assert_int_equal(store_history(f->store, T0, "node00001", 50, &h), 0);
	assert_int_equal(h.n_boots, 0);
	assert_int_equal(h.medians[NODE_DHCP], -1);
	store_history_free(&h);
	for (int i = 0; i < 30; i++)
		boot(f, T0 + i * 1000000, "node00001", 20000 + i * 1000);
	boot(f, T0, "node00002", 1000);
	assert_int_equal(store_dhcp(f->store, T0 + 40000000, "node00001", ""), 0);
	assert_int_equal(store_history(f->store, T0 + 40002000, "node00001", 10, &h), 0);
	assert_string_equal(h.node.name, "node00001");
	assert_int_equal(h.node.stage, NODE_DHCP);
	assert_int_equal(h.n_boots, 20);
	assert_int_equal(h.boots[18].ms, 49000);
	assert_int_equal(h.boots[18].n_stages, 3);
	assert_int_equal(h.boots[18].stages[0].ms, 100);
	assert_int_equal(h.boots[18].stages[1].ms, 48900);
	assert_string_equal(h.boots[18].root, "g");
	assert_int_equal(h.boots[19].ms, -1);
	assert_int_equal(h.boots[19].stages[0].ms, 2000);
	assert_int_equal(h.medians[NODE_DHCP], 100);
	assert_int_equal(h.medians[NODE_LOADER], 39900); /* the middle of 30.9 to 48.9 s */
	assert_int_equal(h.medians[NODE_KERNEL], -1);
	assert_int_equal(h.n_events, 10);
	assert_string_equal(h.events[9].text, "dhcp");
	assert_string_equal(h.events[8].text, "ready");
	store_history_free(&h);
}

/* As the first released musterd made it. */
static const char schema_1[] =
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
	" node TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL);"
	"INSERT INTO nodes VALUES(1, 'node00001', 0, '', '10.66.0.11', 3), (2, 'node00002', 1, '', '', NULL);"
	"INSERT INTO boots(id, node, began, by_dhcp, stage, entered) VALUES(1, 1, 1000, 1, 'ready', 21000),"
	" (2, 1, 101000, 1, 'ready', 141000), (3, 1, 201000, 0, 'loader', 201000);"
	"INSERT INTO stages VALUES(1, 1, 'dhcp', 1000), (1, 2, 'ready', 21000), (1, 3, 'lost', 30000),"
	" (1, 4, 'ready', 40000), (2, 1, 'loader', 101000), (2, 2, 'ready', 141000), (3, 1, 'loader', "
	"201000);"
	"INSERT INTO events(at, node, kind, text) VALUES(1000, 'node00001', 'stage', 'dhcp');"
	"PRAGMA user_version = 1;";

static void an_older_database_keeps_what_it_knows(void **state)
{
	static const char *const none[] = { "SELECT 1" };
	struct fixture *f = *state;
	struct store_changes c;
	struct db *db = NULL;

	assert_int_equal(db_open(f->path, true, none, 1, &db), 0);
	assert_int_equal(db_exec(db, schema_1), 0);
	db_free(db);
	assert_int_equal(store_open(f->path, STORE_WRITE, &f->store), 0);
	c = changes(f, 0, 10);
	assert_int_equal(c.n_nodes, 2);
	assert_string_equal(c.nodes[0].name, "node00001");
	assert_int_equal(c.nodes[0].stage, NODE_LOADER);
	assert_int_equal(c.nodes[0].boot_ms, -1);
	assert_int_equal(c.nodes[0].median_ms, 30000);
	assert_int_equal(c.nodes[0].boots, 3);
	assert_int_equal(c.nodes[1].median_ms, -1);
	assert_int_equal(c.nodes[1].boots, 0);
	store_changes_free(&c);
	f->plan.n_nodes = 1;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	f->plan.n_nodes = 4;
	report(f, 241000, "node00001", NODE_READY);
	c = changes(f, 0, 10);
	assert_int_equal(c.n_nodes, 1);
	assert_int_equal(c.nodes[0].boot_ms, 40000);
	assert_int_equal(c.nodes[0].median_ms, 40000);
	store_changes_free(&c);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(everything_that_a_state_shows_changes_its_number),
		WITH_STORE(a_refused_change_changes_no_number),
		WITH_STORE(pages_come_in_the_order_of_the_changes),
		WITH_STORE(the_rest_follows_a_page),
		WITH_STORE(a_dropped_node_is_gone_until_it_is_back),
		WITH_STORE(numbers_stay_valid_over_a_restart_and_not_in_another_database),
		WITH_STORE(who_missed_too_many_dropped_nodes_reads_everything),
		WITH_STORE(a_boot_is_measured_against_those_before),
		WITH_STORE(a_history_has_boots_medians_and_events),
		cmocka_unit_test_setup_teardown(an_older_database_keeps_what_it_knows, setup_empty, teardown),
	};

	return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
