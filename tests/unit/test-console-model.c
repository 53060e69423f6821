/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "screens/console/model.h"

#define T0 INT64_C(1700000000000)

static int setup(void **state)
{
	return model_new((struct model **)state);
}

static int teardown(void **state)
{
	model_free(*state);
	return 0;
}

/* A node as musterd would tell of it; what is not given has some value. */
static struct node_state node(const char *name, int64_t place, const char *address, enum node_stage stage)
{
	static struct node_stage_time times[1];
	struct node_state s = { .name = (char *)(uintptr_t)name,
				.place = place,
				.mac = (char *)(uintptr_t) "52:54:00:66:00:01",
				.address = (char *)(uintptr_t)address,
				.stage = stage,
				.stages = times,
				.n_stages = 1,
				.kernel = (char *)(uintptr_t) "6.1.0",
				.version = (char *)(uintptr_t) "",
				.card = (char *)(uintptr_t) "",
				.cards = (char *)(uintptr_t) "",
				.root = (char *)(uintptr_t) "debian-12-9f3c",
				.processors = 4,
				.memory_kb = 1000,
				.memory_free_kb = 250,
				.load = 0.5,
				.last_report = T0,
				.reason = (char *)(uintptr_t) "",
				.log = (char *)(uintptr_t) "",
				.next = (char *)(uintptr_t) "",
				.boot_ms = 30000,
				.median_ms = 30000,
				.boots = 3 };

	times[0] = (struct node_stage_time){ stage, T0, 0 };
	return s;
}

static void put(struct model *m, const char *name, int64_t place, const char *address, enum node_stage stage)
{
	const struct node_state s = node(name, place, address, stage);

	assert_int_equal(model_put(m, &s), 0);
}

static void three(struct model *m)
{
	put(m, "node03", 2, "10.66.0.9", NODE_FAILED);
	put(m, "node01", 0, "10.66.0.11", NODE_READY);
	put(m, "node02", 1, "10.66.0.100", NODE_KERNEL);
}

/* The names that are shown, each with a blank. */
static const char *shown(struct model *m)
{
	static char text[256];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < model_shown(m) && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ",
					 model_row(m, i)->state.name);
	return text;
}

static void nodes_stand_in_the_plans_order(void **state)
{
	struct model *m = *state;

	three(m);
	assert_string_equal(shown(m), "node01 node02 node03 ");
	model_sort(m, MODEL_NAME, true);
	assert_string_equal(shown(m), "node03 node02 node01 ");
	assert_null(model_row(m, 3));
}

static void addresses_are_sorted_as_numbers(void **state)
{
	struct model *m = *state;

	three(m);
	model_sort(m, MODEL_ADDRESS, false);
	assert_string_equal(shown(m), "node03 node01 node02 ");
}

static void equal_nodes_keep_the_plans_order_also_in_reverse(void **state)
{
	struct model *m = *state;

	three(m);
	model_sort(m, MODEL_LOAD, true);
	assert_string_equal(shown(m), "node01 node02 node03 ");
	model_sort(m, MODEL_STAGE, true);
	assert_string_equal(shown(m), "node03 node01 node02 ");
}

static void each_word_of_a_filter_must_be_found(void **state)
{
	struct model *m = *state;

	three(m);
	assert_int_equal(model_filter(m, "KERN"), 0);
	assert_string_equal(shown(m), "node02 ");
	assert_int_equal(model_filter(m, "node 0.11"), 0);
	assert_string_equal(shown(m), "node01 ");
	assert_int_equal(model_filter(m, "node nothing"), 0);
	assert_string_equal(shown(m), "");
	assert_int_equal(model_filter(m, "  "), 0);
	assert_string_equal(shown(m), "node01 node02 node03 ");
}

static void a_node_keeps_its_id_while_it_changes(void **state)
{
	struct model *m = *state;
	uint64_t id;

	three(m);
	id = model_find(m, "node02")->id;
	put(m, "node02", 1, "10.66.0.100", NODE_READY);
	assert_int_equal(model_find(m, "node02")->id, id);
	assert_int_equal(model_by_id(m, id)->state.stage, NODE_READY);
	model_gone(m, "node02");
	assert_null(model_find(m, "node02"));
	assert_null(model_by_id(m, id));
	assert_string_equal(shown(m), "node01 node03 ");
	put(m, "node02", 1, "10.66.0.100", NODE_OFF);
	assert_int_equal(model_find(m, "node02")->id, id);
	assert_null(model_by_id(m, 0));
	assert_null(model_by_id(m, 4));
}

static void the_totals_count_ready_nodes_only(void **state)
{
	struct model *m = *state;
	const struct model_totals *t;

	three(m);
	t = model_totals(m);
	assert_int_equal(t->nodes, 3);
	assert_int_equal(t->groups[GROUP_READY], 1);
	assert_int_equal(t->groups[GROUP_BOOTING], 1);
	assert_int_equal(t->groups[GROUP_FAILED], 1);
	assert_int_equal(t->processors, 4);
	assert_int_equal(t->memory_kb, 1000);
	put(m, "node02", 1, "10.66.0.100", NODE_JOINED);
	model_gone(m, "node03");
	t = model_totals(m);
	assert_int_equal(t->nodes, 2);
	assert_int_equal(t->groups[GROUP_READY], 2);
	assert_int_equal(t->processors, 8);
}

static void figures_that_are_not_known_are_none(void **state)
{
	struct node_state s = node("node01", 0, "10.66.0.11", NODE_READY);

	assert_int_equal(model_memory(&s), 75);
	assert_int_equal(model_delta(&s), 0);
	assert_int_equal(model_for(&s, T0 + 5000), 5000);
	assert_int_equal(model_for(&s, T0 - 5000), 0);
	s.boot_ms = 27000;
	assert_int_equal(model_delta(&s), -10);
	s.boots = 1;
	assert_int_equal(model_delta(&s), INT_MIN);
	s.memory_kb = 0;
	assert_int_equal(model_memory(&s), -1);
	s.n_stages = 0;
	assert_int_equal(model_for(&s, T0), -1);
}

static void the_newest_events_are_kept(void **state)
{
	struct model *m = *state;
	char text[16];

	for (int i = 0; i < MODEL_EVENTS_KEPT + 10; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(model_event(m, i, T0 + i, "node01", "stage", text), 0);
	}
	assert_int_equal(model_events(m), MODEL_EVENTS_KEPT);
	assert_string_equal(model_event_at(m, 0)->text, "10");
	assert_int_equal(model_event_at(m, MODEL_EVENTS_KEPT - 1)->id, MODEL_EVENTS_KEPT + 9);
	assert_null(model_event_at(m, MODEL_EVENTS_KEPT));
}

static void ten_thousand_nodes_are_found_and_sorted(void **state)
{
	struct model *m = *state;
	char name[16], address[16];

	for (int i = 9999; i >= 0; i--) {
		snprintf(name, sizeof(name), "node%05d", i);
		snprintf(address, sizeof(address), "10.%d.%d.1", i / 256, i % 256);
		put(m, name, i, address, i % 2 ? NODE_READY : NODE_OFF);
	}
	assert_int_equal(model_shown(m), 10000);
	for (size_t i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "node%05zu", i);
		assert_string_equal(model_row(m, i)->state.name, name);
		assert_ptr_equal(model_find(m, name), model_row(m, i));
	}
	assert_int_equal(model_filter(m, "ready"), 0);
	assert_int_equal(model_shown(m), 5000);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MODEL(nodes_stand_in_the_plans_order),
		WITH_MODEL(addresses_are_sorted_as_numbers),
		WITH_MODEL(equal_nodes_keep_the_plans_order_also_in_reverse),
		WITH_MODEL(each_word_of_a_filter_must_be_found),
		WITH_MODEL(a_node_keeps_its_id_while_it_changes),
		WITH_MODEL(the_totals_count_ready_nodes_only),
		WITH_MODEL(figures_that_are_not_known_are_none),
		WITH_MODEL(the_newest_events_are_kept),
		WITH_MODEL(ten_thousand_nodes_are_found_and_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
