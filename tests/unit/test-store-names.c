/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the store keeps of a node that gets another name. */
#include "config.h"

#include "tests/unit/store-room.h"

/* Of this name; its boot's token is TOKEN_A's when `token` is set. */
static void assert_runs(struct fixture *f, const char *name, const char *token)
{
	struct store_owner o = { 0 };
	struct node_state v;

	assert_int_equal(store_node(f->store, T0 + 60, name, &v), 0);
	assert_int_equal(v.stage, NODE_READY);
	assert_int_equal(v.boots, 1);
	assert_string_equal(v.next, "disk");
	node_state_clear(&v);
	assert_int_equal(store_token(f->store, token, &o), 0);
	assert_string_equal(o.node, name);
	store_owner_free(&o);
}

static void start_two(struct fixture *f)
{
	static const char *const tokens[] = { TOKEN_A, TOKEN_B };
	struct store_next next = { (char *)"disk", (char *)"", true };

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		const char *name = f->plan.nodes[i].name;

		assert_int_equal(store_boot(f->store, T0, name, MAC(f->plan.nodes[i].mac), "10.66.0.11",
					    tokens[i], "g"),
				 0);
		assert_int_equal(store_next_set(f->store, T0, name, &next, &(struct store_asker){ 0, "ann" }),
				 0);
		report_as(f->store, T0 + 50, name, NODE_READY);
	}
}

static void a_renamed_node_keeps_its_boot_its_token_and_its_wish(void **state)
{
	struct fixture *f = *state;
	struct store_changes c = { 0 };
	int64_t before;

	start_two(f);
	assert_int_equal(store_changed(f->store, T0, 0, 100, &c), 0);
	before = c.seq;
	store_changes_free(&c);
	free(f->plan.nodes[0].name);
	f->plan.nodes[0].name = strdup("gpu01");
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	assert_runs(f, "gpu01", TOKEN_A);
	assert_runs(f, "node00002", TOKEN_B);
	report_as(f->store, T0 + 55, "gpu01", NODE_READY);
	/* Who follows hears of both names. */
	assert_int_equal(store_changed(f->store, T0, before, 100, &c), 0);
	assert_false(c.all);
	assert_int_equal(c.gone.n, 1);
	assert_string_equal(c.gone.v[0], "node00001");
	assert_int_equal(c.n_nodes, 1);
	assert_string_equal(c.nodes[0].name, "gpu01");
	assert_int_equal(c.nodes[0].stage, NODE_READY);
	store_changes_free(&c);
}

static void two_nodes_may_change_their_names(void **state)
{
	struct fixture *f = *state;
	char *name = f->plan.nodes[0].name;

	start_two(f);
	f->plan.nodes[0].name = f->plan.nodes[1].name;
	f->plan.nodes[1].name = name;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	assert_runs(f, f->plan.nodes[0].name, TOKEN_A);
	assert_runs(f, f->plan.nodes[1].name, TOKEN_B);
}

static void a_node_takes_the_name_of_one_that_went(void **state)
{
	struct fixture *f = *state;
	struct store_owner o = { 0 };

	start_two(f);
	free(f->plan.nodes[0].name);
	f->plan.nodes[0].name = f->plan.nodes[1].name;
	f->plan.nodes[1] = f->plan.nodes[2];
	f->plan.n_nodes = 2;
	assert_int_equal(store_sync(f->store, &f->plan), 0);
	assert_runs(f, "node00002", TOKEN_A);
	assert_int_equal(store_token(f->store, TOKEN_B, &o), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STORE(a_renamed_node_keeps_its_boot_its_token_and_its_wish),
		WITH_STORE(two_nodes_may_change_their_names),
		WITH_STORE(a_node_takes_the_name_of_one_that_went),
	};

	return cmocka_run_group_tests_name("store-names", tests, NULL, NULL);
}
