/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the nodes' reports mean for the single system image. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/ssi/ssi.h"

#define NOW INT64_C(1700000000000)

/* A node of Kerrighed's kernel; subsession -1: not in it. */
static struct node_state node(const char *name, int id, int subsession, int online, int present)
{
	return (struct node_state){
		.name = (char *)(uintptr_t)name,
		.stage = subsession >= 0 ? NODE_JOINED : NODE_READY,
		.processors = 4,
		.memory_kb = 508164,
		.load = 0.1,
		.last_report = NOW - id,
		.ssi = { .known = true,
			 .node = id,
			 .session = 7,
			 .subsession = subsession,
			 .online = online,
			 .present = present,
			 .processors = subsession >= 0 ? online * 4 : 0,
			 .memory_kb = subsession >= 0 ? online * 508164LL : 0,
			 .memory_free_kb = 1000,
			 .load = 0.25 * id },
	};
}

static struct ssi_state judge(const struct node_state *v, size_t n)
{
	struct ssi_state s;

	assert_int_equal(ssi_judge(v, n, &s), 0);
	return s;
}

static void four_online_nodes_are_one_machine(void **state)
{
	const struct node_state v[] = { node("node01", 1, 1, 4, 4), node("node02", 2, 1, 4, 4),
					node("node03", 3, 1, 4, 4), node("node04", 4, 1, 4, 4) };
	struct ssi_state s = judge(v, 4);

	assert_int_equal(s.health, SSI_UP);
	assert_string_equal(s.what, "The single system is up on 4 of 4 nodes.");
	assert_string_equal(s.remedy, "");
	assert_int_equal(s.online, 4);
	/* The newest report is node01's. */
	assert_int_equal(s.processors, 16);
	assert_int_equal(s.memory_kb, 2032656);
	assert_int_equal(s.memory_free_kb, 1000);
	assert_true(s.load == 0.25);
	assert_int_equal(s.n_nodes, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(s.nodes[i].place, SSI_ONLINE);
		assert_int_equal(s.nodes[i].id, (int)i + 1);
		assert_int_equal(s.nodes[i].session, 7);
		assert_string_equal(s.nodes[i].text, "");
	}
	ssi_state_clear(&s);
}

static void before_the_start_all_are_present(void **state)
{
	const struct node_state v[] = { node("node01", 1, -1, 0, 2), node("node02", 2, -1, 0, 2) };
	struct ssi_state s = judge(v, 2);

	assert_int_equal(s.health, SSI_DOWN);
	assert_string_equal(s.what, "The single system is not started; 2 of 2 nodes could form it.");
	assert_int_equal(s.nodes[1].place, SSI_PRESENT);
	assert_int_equal(s.processors, 0);
	ssi_state_clear(&s);
}

static void a_node_that_waits_to_be_added_is_no_fault(void **state)
{
	const struct node_state v[] = { node("node01", 1, 1, 2, 3), node("node02", 2, 1, 2, 3),
					node("node03", 3, -1, 2, 3) };
	struct ssi_state s = judge(v, 3);

	assert_int_equal(s.health, SSI_UP);
	assert_string_equal(s.what, "The single system is up on 2 of 3 nodes.");
	assert_int_equal(s.nodes[2].place, SSI_PRESENT);
	ssi_state_clear(&s);
}

static void nodes_outside_are_told_with_the_reason(void **state)
{
	struct node_state v[] = { node("node01", 1, 1, 1, 1), node("node02", 2, -1, 0, 0),
				  node("node03", 3, -1, 0, 0), node("node04", 4, -1, 0, 0) };
	struct ssi_state s;

	v[1].ssi = (struct node_ssi){ 0 };
	v[2].stage = NODE_LOADER;
	v[2].ssi = (struct node_ssi){ 0 };
	v[3].stage = NODE_LOST;
	s = judge(v, 4);
	assert_int_equal(s.health, SSI_UP);
	assert_int_equal(s.nodes[1].place, SSI_OUT);
	assert_int_equal(s.nodes[1].id, -1);
	assert_string_equal(s.nodes[1].text, "its kernel has no single system");
	assert_int_equal(s.nodes[2].place, SSI_OUT);
	assert_string_equal(s.nodes[2].text, "it is not up: loader");
	assert_int_equal(s.nodes[3].place, SSI_OUT);
	assert_string_equal(s.nodes[3].text, "it has stopped reporting");
	ssi_state_clear(&s);
}

static void more_online_than_present_is_broken_and_names_all_that_must_be_reset(void **state)
{
	struct node_state v[] = { node("node01", 1, 1, 4, 3), node("node02", 2, 1, 4, 4),
				  node("node03", 3, -1, 0, 3), node("node04", 4, -1, 0, 0) };
	struct ssi_state s;

	v[3].stage = NODE_OFF;
	s = judge(v, 4);
	assert_int_equal(s.health, SSI_WEDGED);
	assert_int_equal(s.nodes[0].place, SSI_BROKEN);
	assert_string_equal(s.nodes[0].text, "it counts 4 nodes online, and only 3 are there");
	assert_int_equal(s.nodes[1].place, SSI_ONLINE);
	assert_string_equal(s.what, "The single system is broken: 1 of 4 nodes shows it.");
	assert_non_null(strstr(s.remedy, "Reset all nodes of its session together: node[01-03]. "));
	ssi_state_clear(&s);
}

static void an_online_node_that_was_lost_breaks_it(void **state)
{
	struct node_state v[] = { node("node01", 1, 1, 2, 2), node("node02", 2, 1, 2, 2) };
	struct ssi_state s;

	v[1].stage = NODE_LOST;
	s = judge(v, 2);
	assert_int_equal(s.health, SSI_WEDGED);
	assert_int_equal(s.nodes[1].place, SSI_BROKEN);
	assert_string_equal(s.nodes[1].text, "it was online and has stopped reporting");
	assert_non_null(strstr(s.remedy, "node[01-02]"));
	ssi_state_clear(&s);
}

/* The remedy: all others were reset, and formed another one without it. */
static void a_node_that_stays_dead_breaks_nothing_that_began_after_it(void **state)
{
	struct node_state v[] = { node("node01", 1, 1, 2, 2), node("node02", 2, 1, 2, 2),
				  node("node03", 3, 1, 3, 3) };
	struct node_stage_time began = { .at = 5000 };
	struct ssi_state s;

	v[2].stage = NODE_LOST;
	v[2].last_report = 4000;
	v[0].stages = v[1].stages = &began;
	v[0].n_stages = v[1].n_stages = 1;
	s = judge(v, 3);
	assert_int_equal(s.health, SSI_UP);
	assert_int_equal(s.online, 2);
	assert_int_equal(s.nodes[2].place, SSI_OUT);
	assert_string_equal(s.nodes[2].text, "it has stopped reporting");
	ssi_state_clear(&s);
	/* One that was in it with that node is enough. */
	v[1].stages = NULL;
	v[1].n_stages = 0;
	s = judge(v, 3);
	assert_int_equal(s.health, SSI_WEDGED);
	ssi_state_clear(&s);
}

static void a_read_that_hangs_is_broken_whatever_the_counts_say(void **state)
{
	struct node_state v[] = { node("node01", 1, 1, 2, 2), node("node02", 2, 1, 2, 2),
				  node("node03", 3, 1, 1, 1) };
	struct ssi_state s;

	snprintf(v[0].ssi.stuck, sizeof(v[0].ssi.stuck), "/proc/kerrighed/nodes/nrnodes");
	v[2].ssi.session = 8; /* another single system, which is well */
	s = judge(v, 3);
	assert_int_equal(s.health, SSI_WEDGED);
	assert_string_equal(s.nodes[0].text, "reading /proc/kerrighed/nodes/nrnodes does not come back");
	assert_non_null(strstr(s.remedy, "together: node[01-02]. "));
	ssi_state_clear(&s);
}

static void nodes_of_two_sessions_are_told_apart(void **state)
{
	struct node_state v[] = { node("node01", 1, 1, 1, 1), node("node02", 2, 1, 1, 1) };
	struct ssi_state s;

	v[1].ssi.session = 8;
	s = judge(v, 2);
	assert_int_equal(s.health, SSI_UP);
	assert_non_null(strstr(s.remedy, "several sessions"));
	ssi_state_clear(&s);
}

static void without_its_kernel_there_is_none(void **state)
{
	struct node_state v[] = { node("node01", 1, 1, 1, 1) };
	struct ssi_state s;

	v[0].ssi.known = false;
	s = judge(v, 1);
	assert_int_equal(s.health, SSI_DOWN);
	assert_string_equal(s.what, "No node runs a kernel with the single system.");
	ssi_state_clear(&s);
	s = judge(NULL, 0);
	assert_int_equal(s.health, SSI_DOWN);
	assert_int_equal(s.n_nodes, 0);
	ssi_state_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_online_nodes_are_one_machine),
		cmocka_unit_test(before_the_start_all_are_present),
		cmocka_unit_test(a_node_that_waits_to_be_added_is_no_fault),
		cmocka_unit_test(nodes_outside_are_told_with_the_reason),
		cmocka_unit_test(more_online_than_present_is_broken_and_names_all_that_must_be_reset),
		cmocka_unit_test(an_online_node_that_was_lost_breaks_it),
		cmocka_unit_test(a_node_that_stays_dead_breaks_nothing_that_began_after_it),
		cmocka_unit_test(a_read_that_hangs_is_broken_whatever_the_counts_say),
		cmocka_unit_test(nodes_of_two_sessions_are_told_apart),
		cmocka_unit_test(without_its_kernel_there_is_none),
	};

	return cmocka_run_group_tests_name("ssi", tests, NULL, NULL);
}
