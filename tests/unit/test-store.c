/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/unit/store-room.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "backend/nodes/json.h"
#include "backend/nodes/store.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/strv.h"

static void a_node_is_off_before_anything_is_known(void **state)
{
	struct fixture *f = *state;
	size_t n;
	struct node_state *v = get_states(f->store, T0, &n);

	assert_int_equal(n, 3);
	assert_string_equal(v[0].name, "node00001");
	assert_string_equal(v[0].mac, "52:54:00:00:00:00");
	assert_string_equal(v[0].address, "10.66.0.11");
	assert_int_equal(v[0].stage, NODE_OFF);
	assert_int_equal(v[0].n_stages, 0);
	assert_int_equal(v[0].last_report, 0);
	assert_string_equal(v[0].kernel, "");
	node_states_free(v, n);
}

static void a_boot_goes_through_its_stages(void **state)
{
	struct fixture *f = *state;
	struct store *s = f->store;
	struct node_state *v;
	size_t n;

	assert_int_equal(store_dhcp(s, T0, "node00001", "52:54:00:00:00:00"), 0);
	assert_int_equal(store_dhcp(s, T0 + 2000, "node00001", "52:54:00:00:00:00"), 0);
	assert_int_equal(store_boot(s, T0 + 3000, "node00001", "52:54:00:00:00:00", "10.66.0.11", TOKEN_A,
				    "gen-1"),
			 0);
	assert_int_equal(store_stage(s, T0 + 4000, "node00001", NODE_KERNEL), 0);
	assert_int_equal(store_stage(s, T0 + 4500, "node00001", NODE_KERNEL), 0);
	assert_int_equal(store_stage(s, T0 + 4600, "node00001", NODE_LOADER), -EINVAL);
	report_as(s, T0 + 6000, "node00001", NODE_INITRAMFS);
	report_as(s, T0 + 7000, "node00001", NODE_ROOT);
	report_as(s, T0 + 9000, "node00001", NODE_READY);
	report_as(s, T0 + 19000, "node00001", NODE_READY);
	report_as(s, T0 + 19500, "node00001", NODE_ROOT);
	v = get_states(s, T0 + 20000, &n);
	assert_int_equal(v[0].stage, NODE_READY);
	assert_int_equal(v[0].n_stages, 6);
	assert_int_equal(v[0].stages[0].stage, NODE_DHCP);
	assert_int_equal(v[0].stages[0].ms, 3000);
	assert_int_equal(v[0].stages[5].at, T0 + 9000);
	assert_int_equal(v[0].stages[5].ms, 11000);
	assert_string_equal(v[0].kernel, "6.1.0");
	assert_string_equal(v[0].root, "gen-1");
	assert_int_equal(v[0].memory_free_kb, 400);
	assert_int_equal(v[0].last_report, T0 + 19500);
	assert_int_equal(v[1].stage, NODE_OFF);
	node_states_free(v, n);
}

/* dnsmasq acknowledges a lease first, and runs its script then: a quick loader is there before the event. */
static void a_lease_whose_event_was_overtaken_belongs_to_the_boot(void **state)
{
	struct fixture *f = *state;
	struct store *s = f->store;
	char stages[128];

	assert_int_equal(store_boot(s, T0, "node00001", "52:54:00:00:00:00", "10.66.0.11", TOKEN_A, "gen-1"),
			 0);
	assert_int_equal(store_dhcp(s, T0 + 300, "node00001", "52:54:00:00:00:00"), 0);
	assert_int_equal(store_dhcp(s, T0 + 400, "node00001", "52:54:00:00:00:00"), 0);
	assert_int_equal(stages_of_first(s, stages, sizeof(stages)), NODE_LOADER);
	assert_string_equal(stages, "dhcp loader ");
	assert_int_equal(store_stage(s, T0 + 1000, "node00001", NODE_KERNEL), 0);
	report_as(s, T0 + 6000, "node00001", NODE_INITRAMFS);
	assert_int_equal(stages_of_first(s, stages, sizeof(stages)), NODE_INITRAMFS);
	assert_string_equal(stages, "dhcp loader kernel initramfs ");
}

static void unknown_nodes_are_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct store_report report = {
		.stage = NODE_READY, .kernel = "", .version = "", .reason = "", .log = ""
	};
	struct node_state *v;
	size_t n;

	assert_int_equal(store_dhcp(f->store, T0, "stranger", "52:54:00:00:00:00"), -ENOENT);
	assert_int_equal(store_boot(f->store, T0, "stranger", "", "10.0.0.1", TOKEN_A, ""), -ENOENT);
	assert_int_equal(store_stage(f->store, T0, "node00001", NODE_READY), -ENOENT);
	assert_int_equal(store_report(f->store, T0, "node00001", &report), -ENOENT);
	assert_int_equal(strv_add_all(&names, "node00003", "node00001", "node00003", NULL), 0);
	assert_int_equal(store_nodes(f->store, T0, &names, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].name, "node00001");
	assert_string_equal(v[1].name, "node00003");
	node_states_free(v, n);
	assert_int_equal(strv_add(&names, "stranger"), 0);
	assert_int_equal(store_nodes(f->store, T0, &names, &v, &n), -ENOENT);
}

static int add_card(void *data, const char *node, const char *card)
{
	return strv_addf(data, "%s %s", node, card);
}

static void the_card_that_a_node_boots_over_is_kept(void **state)
{
	struct fixture *f = *state;
	_cleanup_strv_ struct strv cards = STRV_INIT, later = STRV_INIT;
	struct store_report report = { .stage = NODE_INITRAMFS,
				       .kernel = "",
				       .reason = "",
				       .log = "",
				       .card = "8086:15f3",
				       .cards = "10ec:8168 8086:15f3" };
	struct node_state *v;
	size_t n;

	assert_int_equal(store_boot(f->store, T0, "node00002", "", "10.66.0.12", TOKEN_A, ""), 0);
	assert_int_equal(store_report(f->store, T0, "node00002", &report), 0);
	assert_int_equal(store_cards(f->store, add_card, &cards), 0);
	assert_int_equal(cards.n, 1);
	assert_string_equal(cards.v[0], "node00002 8086:15f3");
	assert_int_equal(store_nodes(f->store, T0, NULL, &v, &n), 0);
	assert_string_equal(v[1].name, "node00002");
	assert_string_equal(v[1].card, "8086:15f3");
	assert_string_equal(v[1].cards, "10ec:8168 8086:15f3");
	assert_string_equal(v[0].cards, "");
	node_states_free(v, n);
	/* A report that does not say it takes nothing away. */
	report_as(f->store, T0 + 1000, "node00002", NODE_READY);
	assert_int_equal(store_cards(f->store, add_card, &later), 0);
	assert_int_equal(later.n, 1);
}

static void a_token_belongs_to_one_boot_only(void **state)
{
	struct fixture *f = *state;
	struct store_owner o = { 0 };

	assert_int_equal(store_token(f->store, TOKEN_A, &o), -ENOENT);
	assert_int_equal(store_boot(f->store, T0, "node00002", "52:54:00:00:00:01", "10.66.0.12", TOKEN_A,
				    "g"),
			 0);
	assert_int_equal(store_token(f->store, TOKEN_A, &o), 0);
	assert_string_equal(o.node, "node00002");
	assert_string_equal(o.mac, "52:54:00:00:00:01");
	assert_string_equal(o.address, "10.66.0.12");
	assert_string_equal(o.generation, "g");
	assert_int_equal(o.stage, NODE_LOADER);
	store_owner_free(&o);
	assert_int_equal(store_boot(f->store, T0 + 1, "node00002", "52:54:00:00:00:01", "10.66.0.12", TOKEN_B,
				    "g"),
			 0);
	assert_int_equal(store_token(f->store, TOKEN_A, &o), -ENOENT);
	assert_int_equal(store_token(f->store, TOKEN_B, &o), 0);
	store_owner_free(&o);
	assert_int_equal(store_token(f->store, "", &o), -ENOENT);
}

static void the_file_holds_no_token(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int root = fs_root_open(NULL);
	_cleanup_free_ char *data = NULL;
	size_t len;

	assert_int_equal(store_boot(f->store, T0, "node00002", "", "10.66.0.12", TOKEN_A, "g"), 0);
	store_free(TAKE_PTR(f->store));
	assert_int_equal(fs_read(root, f->path, 1 << 20, &data, &len), 0);
	assert_null(memmem(data, len, TOKEN_A, strlen(TOKEN_A)));
}

static void a_lease_does_not_cut_a_running_node_off(void **state)
{
	struct fixture *f = *state;
	struct store_owner o = { 0 };
	char stages[256];

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	report_as(f->store, T0 + 1000, "node00001", NODE_READY);
	for (int i = 0; i < 50; i++)
		assert_int_equal(store_dhcp(f->store, T0 + 100000 * (i + 1), "node00001",
					    "52:54:00:00:00:00"),
				 0);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_DHCP);
	assert_int_equal(store_token(f->store, TOKEN_A, &o), 0);
	store_owner_free(&o);
	report_as(f->store, T0 + 6000000, "node00001", NODE_READY);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_READY);
	assert_string_equal(stages, "loader ready ");
}

static void another_machine_at_the_address_begins_a_new_boot(void **state)
{
	struct fixture *f = *state;
	char stages[256];
	struct node_state *v;
	size_t n;

	f->plan.ip_mode = PLAN_IP_RANGE;
	f->plan.nodes[0].has_mac = false;
	f->plan.nodes[0].address.n++;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	assert_int_equal(store_dhcp(f->store, T0, "node00001", "02:00:00:00:00:01"), 0);
	assert_int_equal(store_boot(f->store, T0 + 1, "node00001", "02:00:00:00:00:01", "10.66.0.12", TOKEN_A,
				    "g"),
			 0);
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	v = get_states(f->store, T0, &n);
	assert_string_equal(v[0].mac, "02:00:00:00:00:01");
	node_states_free(v, n);
	assert_int_equal(store_boot(f->store, T0 + 2, "node00001", "02:00:00:00:00:02", "10.66.0.12", TOKEN_B,
				    "g"),
			 0);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_LOADER);
	assert_string_equal(stages, "loader ");
	v = get_states(f->store, T0, &n);
	assert_string_equal(v[0].mac, "02:00:00:00:00:02");
	node_states_free(v, n);
}

static void a_failure_keeps_its_reason_until_it_is_over(void **state)
{
	struct fixture *f = *state;
	struct node_state *v;
	size_t n;

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	report_as(f->store, T0 + 1, "node00001", NODE_FAILED);
	v = get_states(f->store, T0 + 2, &n);
	assert_int_equal(v[0].stage, NODE_FAILED);
	assert_string_equal(v[0].reason, "no root");
	assert_string_equal(v[0].log, "last words");
	node_states_free(v, n);
	report_as(f->store, T0 + 3, "node00001", NODE_ROOT);
	v = get_states(f->store, T0 + 4, &n);
	assert_int_equal(v[0].stage, NODE_ROOT);
	assert_string_equal(v[0].reason, "");
	node_states_free(v, n);
}

static void a_silent_node_is_lost_and_found(void **state)
{
	struct fixture *f = *state;
	char stages[1024];

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	assert_int_equal(store_expire(f->store, T0 + 999999, 1000), 0);
	report_as(f->store, T0, "node00001", NODE_READY);
	assert_int_equal(store_expire(f->store, T0 + 1000, 1000), 0);
	assert_int_equal(store_expire(f->store, T0 + 1001, 1000), 1);
	assert_int_equal(store_expire(f->store, T0 + 1002, 1000), 0);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_LOST);
	for (int i = 1; i < 200; i++) {
		report_as(f->store, T0 + 2000 * i, "node00001", NODE_READY);
		assert_int_equal(store_expire(f->store, T0 + 2000 * i + 1001, 1000), 1);
	}
	report_as(f->store, T0 + 1000000, "node00001", NODE_READY);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_READY);
	assert_true(strlen(stages) < 64 * 7);
	assert_int_equal(strncmp(stages, "loader ready lost ready ", 24), 0);
}

static void a_boot_that_was_shut_down_is_over(void **state)
{
	struct fixture *f = *state;
	struct store *s = f->store;
	const char *node = "node00001", *mac = "52:54:00:00:00:00";
	char stages[64];
	bool spoke = true;

	assert_int_equal(store_spoke(s, node, &spoke), 0);
	assert_false(spoke);
	assert_int_equal(store_dhcp(s, T0, node, mac), 0);
	assert_int_equal(store_boot(s, T0 + 100, node, mac, "10.66.0.11", TOKEN_A, "g"), 0);
	report_as(s, T0 + 9000, node, NODE_READY);
	assert_int_equal(store_spoke(s, node, &spoke), 0);
	assert_true(spoke);
	report_as(s, T0 + 20000, node, NODE_OFF);
	assert_int_equal(store_spoke(s, node, &spoke), 0);
	assert_false(spoke);
	/* Within the time in which a second lease belongs to the same boot. */
	assert_int_equal(store_dhcp(s, T0 + 21000, node, mac), 0);
	assert_int_equal(stages_of_first(s, stages, sizeof(stages)), NODE_DHCP);
	assert_string_equal(stages, "dhcp ");
	assert_int_equal(store_boot(s, T0 + 21500, node, mac, "10.66.0.11", TOKEN_B, "g"), 0);
	assert_int_equal(stages_of_first(s, stages, sizeof(stages)), NODE_LOADER);
	assert_string_equal(stages, "dhcp loader ");
}

static void a_new_plan_keeps_what_is_known(void **state)
{
	struct fixture *f = *state;
	char *gone = f->plan.nodes[2].name;
	struct node_state *v;
	size_t n;

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	assert_int_equal(store_boot(f->store, T0, "node00003", "", "10.66.0.13", TOKEN_B, "g"), 0);
	f->plan.nodes[2].name = strdup("a-new-one");
	f->plan.nodes[2].mac.b[0] ^= 2;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	v = get_states(f->store, T0, &n);
	assert_int_equal(n, 3);
	assert_int_equal(v[0].stage, NODE_LOADER);
	assert_string_equal(v[2].name, "a-new-one");
	assert_int_equal(v[2].stage, NODE_OFF);
	node_states_free(v, n);
	assert_int_equal(store_stage(f->store, T0, gone, NODE_READY), -ENOENT);
	free(gone);
}

static void events_come_in_order_and_are_pruned(void **state)
{
	struct fixture *f = *state;
	struct store_event_row *v;
	size_t n;

	assert_int_equal(store_event(f->store, T0, NULL, "note", "a"), 0);
	assert_int_equal(store_event(f->store, T0 + 1, "node00001", "note", "b"), 0);
	assert_int_equal(store_events(f->store, 0, 10, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].node, "");
	assert_string_equal(v[1].text, "b");
	assert_int_equal(v[1].at, T0 + 1);
	store_events_free(v, n);
	assert_int_equal(store_events(f->store, 1, 10, &v, &n), 0);
	assert_int_equal(n, 1);
	store_events_free(v, n);
	assert_int_equal(store_events(f->store, 2, 10, &v, &n), 0);
	assert_int_equal(n, 0);
	store_events_free(v, n);
}

/* In a process of its own, as `muster status` is. */
static int read_elsewhere(const char *path, size_t want)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		struct store *s = NULL;
		struct node_state *v;
		size_t n = 0;
		int r = store_open(path, STORE_READ, &s);

		if (r == 0)
			r = store_nodes(s, T0, NULL, &v, &n);
		_exit(r < 0 ? 100 : n == want ? 0 : 101);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

static size_t events_of(struct fixture *f, const char *node)
{
	struct store_event_row *v;
	size_t n, found = 0;

	assert_int_equal(store_events(f->store, 0, 20000, &v, &n), 0);
	for (size_t i = 0; i < n; i++)
		found += strcmp(v[i].node, node) == 0;
	store_events_free(v, n);
	return found;
}

static void one_node_does_not_push_out_the_events_of_others(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 50; i++)
		assert_int_equal(store_event(f->store, T0 + i, "node00002", "stage", "ready"), 0);
	for (int i = 0; i < 6000; i++)
		assert_int_equal(store_event(f->store, T0 + 100 + i, "node00001", "stage", "failed"), 0);
	assert_int_equal(events_of(f, "node00002"), 50);
	assert_in_range(events_of(f, "node00001"), 5000, 5256);
}

static void refusals_do_not_push_out_what_became_of_a_node(void **state)
{
	struct fixture *f = *state;
	struct store_event_row *v = NULL;
	size_t n = 0, refused = 0, stages = 0;

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g1"), 0);
	for (int i = 0; i < 6000; i++)
		assert_int_equal(store_event(f->store, T0 + i, "node00001", "refused", "again"), 0);
	assert_int_equal(store_events(f->store, 0, 10000, &v, &n), 0);
	for (size_t i = 0; i < n; i++) {
		refused += strcmp(v[i].kind, "refused") == 0;
		stages += strcmp(v[i].kind, "stage") == 0;
	}
	store_events_free(v, n);
	assert_int_equal(refused, 1000);
	assert_int_equal(stages, 1);
}

static int flushes;

/* In the place of libc's, also for the library. */
int fdatasync(int fd)
{
	flushes++;
	return fsync(fd);
}

/* What the power takes away otherwise; a report costs no wait for the disk. */
static void what_was_handed_out_is_on_the_disk(void **state)
{
	struct fixture *f = *state;
	int before;

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g1"), 0);
	before = flushes;
	assert_int_equal(store_hand(f->store, T0 + 5, "node00001", TOKEN_A), 0);
	assert_true(flushes > before);
	before = flushes;
	assert_int_equal(store_delivered(f->store, T0 + 10, TOKEN_A), 0);
	assert_true(flushes > before);
	before = flushes;
	report_as(f->store, T0 + 20, "node00001", NODE_READY);
	assert_int_equal(flushes, before);
}

static void a_personality_is_handed_to_one_boot(void **state)
{
	struct store_owner o;
	struct fixture *f = *state;

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g1"), 0);
	assert_int_equal(store_token(f->store, TOKEN_A, &o), 0);
	assert_int_equal(o.entered, T0);
	assert_int_equal(o.handed, 0);
	store_owner_free(&o);
	assert_int_equal(store_hand(f->store, T0 + 5, "node00001", TOKEN_A), 0);
	assert_int_equal(store_hand(f->store, T0 + 9, "node00001", TOKEN_A), 0);
	assert_int_equal(store_delivered(f->store, T0 + 10, TOKEN_A), 0);
	assert_int_equal(store_token(f->store, TOKEN_A, &o), 0);
	assert_int_equal(o.stage, NODE_KERNEL);
	assert_int_equal(o.handed, T0 + 5);
	assert_int_equal(o.delivered, T0 + 10);
	store_owner_free(&o);
	/* What is told of a boot that is over changes nothing of the next one. */
	assert_int_equal(store_boot(f->store, T0 + 20, "node00001", "", "10.66.0.11", TOKEN_B, "g1"), 0);
	assert_int_equal(store_delivered(f->store, T0 + 21, TOKEN_A), 0);
	assert_int_equal(store_token(f->store, TOKEN_A, &o), -ENOENT);
	assert_int_equal(store_token(f->store, TOKEN_B, &o), 0);
	assert_int_equal(o.handed, 0);
	assert_int_equal(o.delivered, 0);
	store_owner_free(&o);
}

static void another_process_reads_beside_the_writer_and_after_it(void **state)
{
	struct fixture *f = *state;
	struct store *reader;

	assert_int_equal(read_elsewhere(f->path, 3), 0);
	assert_int_equal(store_open("/nonexistent/muster.db", STORE_READ, &reader), -ENOENT);
	store_free(TAKE_PTR(f->store));
	assert_int_equal(read_elsewhere(f->path, 3), 0);
	assert_int_equal(store_open(f->path, STORE_READ, &reader), 0);
	assert_true(store_event(reader, T0, NULL, "note", "a reader does not write") < 0);
	store_free(reader);
}

static void a_damaged_file_is_said_to_be_one(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int root = fs_root_open(NULL);
	struct fs_attr attr = { 0600, (uid_t)-1, (gid_t)-1 };
	char junk[8192];

	store_free(TAKE_PTR(f->store));
	memset(junk, 'x', sizeof(junk));
	assert_int_equal(fs_write(root, f->path, junk, sizeof(junk), &attr), 0);
	assert_int_equal(store_open(f->path, STORE_WRITE, &f->store), -MUSTER_E_FORMAT);
	assert_int_equal(store_open(f->path, STORE_READ, &f->store), -MUSTER_E_FORMAT);
}

static void ten_thousand_nodes_are_read_in_order(void **state)
{
	struct fixture *f = *state;
	struct node_state *v;
	size_t n;

	drop_plan(&f->plan);
	make_plan(&f->plan, 10000);
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	for (size_t i = 0; i < 10000; i += 100) {
		assert_int_equal(store_dhcp(f->store, T0, f->plan.nodes[i].name, ""), 0);
		assert_int_equal(store_dhcp(f->store, T0 + 90000, f->plan.nodes[i].name, ""), 0);
	}
	v = get_states(f->store, T0 + 100000, &n);
	assert_int_equal(n, 10000);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(v[i].name, f->plan.nodes[i].name);
		assert_int_equal(v[i].n_stages, i % 100 == 0 ? 1 : 0);
	}
	node_states_free(v, n);
}

static void the_status_document_says_null_for_what_is_unknown(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;
	struct node_state *v;
	json_t *doc, *node;
	size_t n;

	assert_int_equal(store_boot(f->store, T0 + 125, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	report_as(f->store, T0 + 2125, "node00001", NODE_READY);
	v = get_states(f->store, T0 + 3125, &n);
	assert_int_equal(node_states_json("krg", v, n, &text), 0);
	node_states_free(v, n);
	assert_non_null(strstr(text, "1700000000.125"));
	doc = json_loads(text, 0, NULL);
	assert_non_null(doc);
	assert_string_equal(json_string_value(json_object_get(doc, "cluster")), "krg");
	node = json_array_get(json_object_get(doc, "nodes"), 0);
	assert_string_equal(json_string_value(json_object_get(node, "stage")), "ready");
	assert_int_equal(json_integer_value(json_object_get(node, "memory_kb")), 1000);
	assert_int_equal(json_array_size(json_object_get(node, "stages")), 2);
	assert_true(json_real_value(json_object_get(node, "boot_seconds")) == 2.0);
	assert_true(json_real_value(json_object_get(node, "median_boot_seconds")) == 2.0);
	assert_int_equal(json_integer_value(json_object_get(node, "boots")), 1);
	node = json_array_get(json_object_get(doc, "nodes"), 1);
	assert_true(json_is_null(json_object_get(node, "memory_kb")));
	assert_true(json_is_null(json_object_get(node, "last_report")));
	assert_true(json_is_null(json_object_get(node, "boot_seconds")));
	assert_int_equal(json_object_size(node), 22);
	assert_int_equal(json_array_size(json_object_get(node, "cards")), 0);
	json_decref(doc);
}

static void stages_have_their_words(void **state)
{
	enum node_stage s = NODE_READY;

	for (int i = 0; i < NODE_STAGE_COUNT; i++) {
		assert_int_equal(node_stage_parse(node_stage_text((enum node_stage)i), &s), 0);
		assert_int_equal(s, i);
	}
	assert_int_equal(node_stage_parse("Ready", &s), -EINVAL);
	assert_int_equal(node_stage_letter(NODE_READY), '*');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_node_is_off_before_anything_is_known),
		WITH_STORE(a_boot_goes_through_its_stages),
		WITH_STORE(a_lease_whose_event_was_overtaken_belongs_to_the_boot),
		WITH_STORE(unknown_nodes_are_refused),
		WITH_STORE(the_card_that_a_node_boots_over_is_kept),
		WITH_STORE(a_token_belongs_to_one_boot_only),
		WITH_STORE(the_file_holds_no_token),
		WITH_STORE(a_lease_does_not_cut_a_running_node_off),
		WITH_STORE(another_machine_at_the_address_begins_a_new_boot),
		WITH_STORE(a_failure_keeps_its_reason_until_it_is_over),
		WITH_STORE(a_silent_node_is_lost_and_found),
		WITH_STORE(a_boot_that_was_shut_down_is_over),
		WITH_STORE(a_new_plan_keeps_what_is_known),
		WITH_STORE(events_come_in_order_and_are_pruned),
		WITH_STORE(one_node_does_not_push_out_the_events_of_others),
		WITH_STORE(refusals_do_not_push_out_what_became_of_a_node),
		WITH_STORE(what_was_handed_out_is_on_the_disk),
		WITH_STORE(a_personality_is_handed_to_one_boot),
		WITH_STORE(another_process_reads_beside_the_writer_and_after_it),
		WITH_STORE(a_damaged_file_is_said_to_be_one),
		WITH_STORE(ten_thousand_nodes_are_read_in_order),
		WITH_STORE(the_status_document_says_null_for_what_is_unknown),
		cmocka_unit_test(stages_have_their_words),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
