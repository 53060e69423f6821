/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The single system image and the orders in the store. */
#include "config.h"

#include "tests/unit/store-room.h"

#include <jansson.h>

#include "backend/nodes/control.h"

/* What node00001 says of the single system: subsession -1 is not in it. */
static void report_ssi(struct store *s, int64_t now, int subsession)
{
	struct store_report report = { .stage = subsession < 0 ? NODE_READY : NODE_JOINED,
				       .kernel = "2.6.30-krg",
				       .version = "#4 SMP",
				       .reason = "",
				       .log = "",
				       .load = 0.5,
				       .ssi = { .known = true,
						.node = 1,
						.session = 7,
						.subsession = subsession,
						.max_nodes = 256,
						.online = subsession < 0 ? 0 : 3,
						.present = 3,
						.possible = 256,
						.processors = 12,
						.memory_kb = 1524684,
						.memory_free_kb = 1500000,
						.load = 1.5,
						.abi = "14",
						.stuck = "/proc/x" } };

	assert_int_equal(store_report(s, now, "node00001", &report), 0);
}

static void a_node_joins_the_single_system_and_leaves_it(void **state)
{
	struct fixture *f = *state;
	struct node_state n;
	char stages[64];

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	report_as(f->store, T0 + 1000, "node00001", NODE_READY);
	assert_int_equal(store_node(f->store, T0, "node00001", &n), 0);
	assert_false(n.ssi.known);
	assert_string_equal(n.version, "#1 SMP");
	node_state_clear(&n);
	report_ssi(f->store, T0 + 2000, 1);
	assert_int_equal(store_node(f->store, T0, "node00001", &n), 0);
	assert_int_equal(n.stage, NODE_JOINED);
	assert_string_equal(n.version, "#4 SMP");
	assert_true(n.ssi.known);
	assert_int_equal(n.ssi.node, 1);
	assert_int_equal(n.ssi.session, 7);
	assert_int_equal(n.ssi.subsession, 1);
	assert_int_equal(n.ssi.max_nodes, 256);
	assert_int_equal(n.ssi.online, 3);
	assert_int_equal(n.ssi.present, 3);
	assert_int_equal(n.ssi.possible, 256);
	assert_int_equal(n.ssi.processors, 12);
	assert_int_equal(n.ssi.memory_kb, 1524684);
	assert_int_equal(n.ssi.memory_free_kb, 1500000);
	assert_true(n.ssi.load == 1.5);
	assert_string_equal(n.ssi.abi, "14");
	assert_string_equal(n.ssi.stuck, "/proc/x");
	assert_int_equal(n.boot_ms, 1000);
	node_state_clear(&n);
	/* A report that says nothing of it changes nothing of it. */
	report_as(f->store, T0 + 3000, "node00001", NODE_READY);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_JOINED);
	report_ssi(f->store, T0 + 4000, -1);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_READY);
	assert_string_equal(stages, "loader ready joined ready ");
	/* In and out a thousand times: the list stays short, and its beginning stays. */
	for (int i = 0; i < 1000; i++)
		report_ssi(f->store, T0 + 5000 + i, i % 2 ? -1 : 1);
	assert_int_equal(store_node(f->store, T0, "node00001", &n), 0);
	assert_in_range(n.n_stages, 4, 66);
	assert_int_equal(n.stages[0].stage, NODE_LOADER);
	assert_int_equal(n.stages[1].stage, NODE_READY);
	assert_int_equal(n.boot_ms, 1000);
	node_state_clear(&n);
	/* Another boot knows nothing of it. */
	assert_int_equal(store_boot(f->store, T0 + 9000, "node00001", "", "10.66.0.11", TOKEN_B, "g"), 0);
	assert_int_equal(store_node(f->store, T0, "node00001", &n), 0);
	assert_false(n.ssi.known);
	node_state_clear(&n);
}

static void assert_outcome(struct fixture *f, int64_t id, const char *state, int status, const char *output)
{
	struct store_outcome o;

	assert_int_equal(store_outcome_get(f->store, id, &o), 0);
	assert_string_equal(o.state, state);
	assert_int_equal(o.status, status);
	assert_string_equal(o.output, output);
	store_outcome_free(&o);
}

/* It would refuse it again and again, until that is given up. */
static void who_is_busy_is_told_of_no_order(void **state)
{
	struct fixture *f = *state;
	struct store_action a = { 0 };
	int64_t id = 0;

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	assert_int_equal(store_order_add(f->store, T0, "node00001", "ssi-add", "2,3", NOBODY, &id), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(store_action_tell(f->store, T0, "node00001", true, &a), 0);
	assert_outcome(f, id, "waiting", 0, "");
	assert_int_equal(store_action_tell(f->store, T0, "node00001", false, &a), 1);
	assert_int_equal(a.id, id);
	/* A restart waits for nothing. */
	assert_int_equal(store_action_add(f->store, T0, "node00001", "reset", NOBODY), 0);
	assert_int_equal(store_action_tell(f->store, T0, "node00001", true, &a), 1);
	assert_string_equal(a.what, "reset");
}

static void an_orders_outcome_is_kept(void **state)
{
	struct fixture *f = *state;
	struct store_action a = { 0 };
	struct store_outcome o;
	int64_t id = 0, later = 0;

	assert_int_equal(store_order_add(f->store, T0, "node00001", "reboot", "", NOBODY, &id), -EINVAL);
	assert_int_equal(store_order_add(f->store, T0, "node77777", "ssi-add", "2", NOBODY, &id), -ENOENT);
	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	assert_int_equal(store_order_add(f->store, T0, "node00001", "ssi-add", "2,3", NOBODY, &id), 0);
	assert_outcome(f, id, "waiting", 0, "");
	/* What does not run yet has no outcome, and another node's is none of one's business. */
	assert_int_equal(store_outcome_set(f->store, T0, "node00001", id, 1, "early"), 0);
	assert_outcome(f, id, "waiting", 0, "");
	assert_int_equal(store_action_tell(f->store, T0, "node00001", false, &a), 1);
	assert_int_equal(a.id, id);
	assert_string_equal(a.what, "ssi-add");
	assert_string_equal(a.args, "2,3");
	assert_int_equal(store_action_done(f->store, T0, "node00001", id), 0);
	assert_outcome(f, id, "running", 0, "");
	assert_int_equal(store_action_tell(f->store, T0, "node00001", false, &a), 0);
	assert_int_equal(store_outcome_set(f->store, T0, "node00002", id, 1, "forged"), 0);
	assert_outcome(f, id, "running", 0, "");
	assert_int_equal(store_outcome_set(f->store, T0, "node00001", id, 3, "no such node\nmore\n"), 0);
	assert_outcome(f, id, "done", 3, "no such node\nmore\n");
	assert_int_equal(store_outcome_set(f->store, T0, "node00001", id, 0, "again"), 0);
	assert_outcome(f, id, "done", 3, "no such node\nmore\n");
	/* The report that it begins was lost. */
	assert_int_equal(store_order_add(f->store, T0, "node00001", "ssi-boot", "", NOBODY, &id), 0);
	assert_int_equal(store_action_tell(f->store, T0, "node00001", false, &a), 1);
	assert_int_equal(store_outcome_set(f->store, T0, "node00001", id, 0, "well"), 0);
	assert_outcome(f, id, "done", 0, "well");
	assert_int_equal(store_action_tell(f->store, T0, "node00001", false, &a), 0);
	/* One that runs when its node restarts, one that another takes the place of, one that nobody begins. */
	assert_int_equal(store_order_add(f->store, T0, "node00001", "ssi-boot", "", NOBODY, &id), 0);
	assert_int_equal(store_action_tell(f->store, T0, "node00001", false, &a), 1);
	assert_string_equal(a.args, "");
	assert_int_equal(store_action_done(f->store, T0, "node00001", id), 0);
	report_as(f->store, T0 + 1000, "node00001", NODE_READY);
	assert_outcome(f, id, "running", 0, "");
	assert_int_equal(store_boot(f->store, T0 + 2000, "node00001", "", "10.66.0.11", TOKEN_B, "g"), 0);
	assert_outcome(f, id, "dropped", 0, "");
	assert_int_equal(store_order_add(f->store, T0, "node00001", "ssi-boot", "", NOBODY, &id), 0);
	assert_int_equal(store_order_add(f->store, T0, "node00001", "ssi-boot", "", NOBODY, &later), 0);
	assert_outcome(f, id, "dropped", 0, "another wish took its place");
	assert_int_equal(store_action_expire(f->store, T0 + 100000, 1000), 0);
	assert_outcome(f, later, "dropped", 0, "the node did not report");
	for (int i = 0; i < 25; i++)
		assert_int_equal(store_order_add(f->store, T0, "node00001", "ssi-boot", "", NOBODY, &id), 0);
	assert_int_equal(store_outcome_get(f->store, later, &o), -ENOENT);
	assert_outcome(f, id, "waiting", 0, "");
}

static void a_joined_node_that_falls_silent_is_lost(void **state)
{
	struct fixture *f = *state;
	char stages[64];

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	report_ssi(f->store, T0 + 1000, 1);
	assert_int_equal(store_expire(f->store, T0 + 60000, 45000), 1);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_LOST);
	report_ssi(f->store, T0 + 61000, 1);
	assert_int_equal(stages_of_first(f->store, stages, sizeof(stages)), NODE_JOINED);
	assert_string_equal(stages, "loader joined lost joined ");
}

static void its_state_goes_over_the_control_socket_whole(void **state)
{
	struct fixture *f = *state;
	struct node_state n, back;
	json_t *o;

	assert_int_equal(store_boot(f->store, T0, "node00001", "", "10.66.0.11", TOKEN_A, "g"), 0);
	report_ssi(f->store, T0 + 1000, 1);
	assert_int_equal(store_node(f->store, T0, "node00001", &n), 0);
	o = control_state_json(&n);
	assert_non_null(o);
	assert_int_equal(control_state_parse(o, T0, &back), 0);
	assert_string_equal(back.version, "#4 SMP");
	assert_memory_equal(&back.ssi, &n.ssi, sizeof(n.ssi));
	node_state_clear(&back);
	json_object_del(o, "ssi");
	assert_int_equal(control_state_parse(o, T0, &back), 0);
	assert_false(back.ssi.known);
	node_state_clear(&back);
	node_state_clear(&n);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_node_joins_the_single_system_and_leaves_it),
		WITH_STORE(who_is_busy_is_told_of_no_order),
		WITH_STORE(an_orders_outcome_is_kept),
		WITH_STORE(a_joined_node_that_falls_silent_is_lost),
		WITH_STORE(its_state_goes_over_the_control_socket_whole),
	};

	return cmocka_run_group_tests_name("store-ssi", tests, NULL, NULL);
}
