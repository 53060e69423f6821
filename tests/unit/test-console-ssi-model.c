/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the console's page of the single system makes of nodes and processes. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "backend/ssi/processes.h"
#include "screens/console/ssi-model.h"

#define PID(node, n) ((long)(node) << 22 | 1L << 21 | (n))

static int setup(void **state)
{
	struct ssi_model *m = NULL;

	assert_int_equal(ssi_model_new(&m), 0);
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	ssi_model_free(*state);
	return 0;
}

static void nodes(struct ssi_model *m, int online, int present)
{
	static char names[3][8] = { "node03", "node01", "node02" };
	static char nothing[1] = "";
	struct node_state v[3];

	for (int i = 0; i < 3; i++)
		v[i] = (struct node_state){ .name = names[i],
					    .stage = NODE_JOINED,
					    .kernel = nothing,
					    .version = nothing,
					    .ssi = { .known = true,
						     .node = i == 0 ? 3 : i,
						     .session = 1,
						     .subsession = 1,
						     .online = online,
						     .present = present } };
	assert_int_equal(ssi_model_nodes(m, v, 3), 0);
}

struct one {
	long pid;
	int node;
	int64_t ms;
	const char *name;
};

static void look(struct ssi_model *m, const char *teller, int64_t clock, const struct one *v, size_t n,
		 int64_t now)
{
	struct ssi_process p[8] = { 0 };
	struct ssi_processes list = {
		.node = (char *)(uintptr_t)teller, .clock = clock, .total = n + 5, .v = p, .n = n
	};

	for (size_t i = 0; i < n; i++)
		p[i] = (struct ssi_process){ .pid = v[i].pid,
					     .node = v[i].node,
					     .home = (int)(v[i].pid >> 22),
					     .ms = v[i].ms,
					     .state = 'S',
					     .name = (char *)(uintptr_t)v[i].name };
	assert_int_equal(ssi_model_take(m, &list, now), 0);
}

static const struct ssi_model_process *find(struct ssi_model *m, long pid)
{
	for (size_t i = 0; i < ssi_model_shown(m); i++)
		if (ssi_model_row(m, i)->is.pid == pid)
			return ssi_model_row(m, i);
	fail_msg("%ld is not shown", pid);
	return NULL;
}

static void assert_order(struct ssi_model *m, const char *names)
{
	char all[128] = "";

	for (size_t i = 0; i < ssi_model_shown(m); i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s ", ssi_model_row(m, i)->is.name);
	assert_string_equal(all, names);
}

static void what_is_on_another_node_than_before_has_moved(void **state)
{
	const struct one before[] = { { PID(1, 1), 1, 100, "spin" }, { PID(2, 1), 2, 100, "sh" } };
	const struct one after[] = { { PID(2, 1), 2, 100, "sh" }, { PID(1, 1), 3, 1100, "spin" } };
	struct ssi_model *m = *state;
	const struct ssi_model_process *p;
	char buf[24];
	size_t left;

	nodes(m, 3, 3);
	look(m, "node01", 1000, before, 2, 50000);
	assert_int_equal(find(m, PID(1, 1))->cpu, -1);
	assert_int_equal(find(m, PID(1, 1))->moved, 0);
	assert_null(ssi_model_move(m, 0));
	look(m, "node01", 3000, after, 2, 52000);
	p = find(m, PID(1, 1));
	assert_int_equal(p->moved, 52000);
	assert_int_equal(p->came_from, 1);
	assert_int_equal(p->cpu, 500);
	assert_int_equal(find(m, PID(2, 1))->moved, 0);
	assert_int_equal(ssi_model_move(m, 0)->to, 3);
	assert_string_equal(ssi_model_move(m, 0)->name, "spin");
	assert_null(ssi_model_move(m, 1));
	assert_string_equal(ssi_model_name(m, 3, buf), "node03");
	assert_string_equal(ssi_model_name(m, 9, buf), "#9");
	assert_string_equal(ssi_model_name(m, -1, buf), "");
	assert_int_equal(ssi_model_count(m, 3), 1);
	assert_int_equal(ssi_model_total(m, &left), 7);
	assert_int_equal(left, 5);
	/* It stays known where it came from while it stays where it is. */
	look(m, "node01", 5000, after, 2, 54000);
	assert_int_equal(find(m, PID(1, 1))->moved, 52000);
	assert_int_equal(find(m, PID(1, 1))->cpu, 0);
}

static void a_number_that_another_process_has_now_has_not_moved(void **state)
{
	const struct one before[] = { { PID(1, 1), 1, 500, "a" }, { PID(1, 2), 1, 500, "b" } };
	const struct one after[] = { { PID(1, 1), 2, 100, "a" }, { PID(1, 2), 2, 600, "c" } };
	struct ssi_model *m = *state;

	nodes(m, 3, 3);
	look(m, "node01", 1000, before, 2, 50000);
	look(m, "node01", 3000, after, 2, 52000);
	assert_null(ssi_model_move(m, 0));
	assert_int_equal(find(m, PID(1, 1))->cpu, -1);
}

static void another_nodes_clock_is_not_counted_with(void **state)
{
	const struct one v[] = { { PID(1, 1), 1, 500, "a" } }, w[] = { { PID(1, 1), 1, 900, "a" } };
	struct ssi_model *m = *state;

	nodes(m, 3, 3);
	look(m, "node01", 1000, v, 1, 50000);
	look(m, "node02", 900000, w, 1, 52000);
	assert_int_equal(find(m, PID(1, 1))->cpu, -1);
}

static void only_the_newest_movements_are_kept(void **state)
{
	struct ssi_model *m = *state;
	size_t n = 0;

	nodes(m, 3, 3);
	for (int i = 0; i < SSI_MODEL_MOVES + 9; i++) {
		const struct one v[] = { { PID(1, 1), 1 + i % 3, i, "a" } };

		look(m, "node01", i * 1000, v, 1, i * 1000);
	}
	while (ssi_model_move(m, n))
		n++;
	assert_int_equal(n, SSI_MODEL_MOVES);
	assert_int_equal(ssi_model_move(m, 0)->at, (SSI_MODEL_MOVES + 8) * 1000);
	assert_int_equal(ssi_model_move(m, n - 1)->at, 9 * 1000);
}

static void processes_are_sorted_and_chosen(void **state)
{
	const struct one before[] = { { PID(1, 1), 1, 100, "beta" },
				      { PID(1, 2), 2, 100, "alpha" },
				      { PID(2, 1), 3, 900, "gamma" } };
	const struct one after[] = { { PID(1, 1), 1, 100, "beta" },
				     { PID(1, 2), 2, 1100, "alpha" },
				     { PID(2, 1), 3, 900, "gamma" } };
	struct ssi_model *m = *state;

	nodes(m, 3, 3);
	ssi_model_sort(m, SSI_MODEL_CPU, false);
	look(m, "node01", 1000, before, 3, 50000);
	assert_order(m, "gamma beta alpha ");
	look(m, "node01", 2000, after, 3, 52000);
	assert_order(m, "alpha gamma beta ");
	/* In the cluster's order, in which node03 is the first here. */
	ssi_model_sort(m, SSI_MODEL_NODE, false);
	assert_order(m, "gamma beta alpha ");
	ssi_model_sort(m, SSI_MODEL_COMMAND, true);
	assert_order(m, "gamma beta alpha ");
	ssi_model_sort(m, SSI_MODEL_PID, false);
	assert_order(m, "beta alpha gamma ");
	assert_int_equal(ssi_model_filter(m, "NODE0 a  al"), 0);
	assert_order(m, "alpha ");
	assert_int_equal(ssi_model_filter(m, "nobody"), 0);
	assert_int_equal(ssi_model_shown(m), 0);
	assert_null(ssi_model_row(m, 0));
	assert_int_equal(ssi_model_filter(m, ""), 0);
	assert_int_equal(ssi_model_shown(m), 3);
	ssi_model_forget(m);
	assert_false(ssi_model_has_list(m));
	assert_int_equal(ssi_model_shown(m), 0);
}

static void a_look_that_hangs_makes_it_broken_until_one_comes_back(void **state)
{
	struct ssi_processes hangs = { .look = SSI_LOOK_HANGS, .node = (char *)(uintptr_t) "node01" };
	struct ssi_model *m = *state;

	nodes(m, 3, 3);
	assert_int_equal(ssi_model_state(m)->health, SSI_UP);
	assert_int_equal(ssi_model_take(m, &hangs, 1000), 0);
	assert_int_equal(ssi_model_state(m)->health, SSI_WEDGED);
	assert_non_null(strstr(ssi_model_state(m)->remedy, "node[01-03]"));
	nodes(m, 3, 3);
	assert_int_equal(ssi_model_state(m)->health, SSI_WEDGED);
	assert_true(ssi_model_hangs(m));
	/* That nobody looks any more mends nothing. */
	ssi_model_forget(m);
	nodes(m, 3, 3);
	assert_int_equal(ssi_model_state(m)->health, SSI_WEDGED);
	hangs.look = SSI_LOOK_DONE;
	assert_int_equal(ssi_model_take(m, &hangs, 2000), 0);
	assert_false(ssi_model_hangs(m));
	nodes(m, 3, 3);
	assert_int_equal(ssi_model_state(m)->health, SSI_UP);
	nodes(m, 3, 2);
	assert_int_equal(ssi_model_state(m)->health, SSI_WEDGED);
}

static void what_hung_is_forgotten_when_its_nodes_have_left(void **state)
{
	struct ssi_processes hangs = { .look = SSI_LOOK_HANGS, .node = (char *)(uintptr_t) "node01" };
	struct ssi_model *m = *state;

	nodes(m, 3, 3);
	assert_int_equal(ssi_model_take(m, &hangs, 1000), 0);
	assert_int_equal(ssi_model_nodes(m, NULL, 0), 0);
	assert_false(ssi_model_hangs(m));
	nodes(m, 3, 3);
	assert_int_equal(ssi_model_state(m)->health, SSI_UP);
}

/* ---- as musterd tells them ---- */

static int parse(const char *text, struct ssi_processes **ret)
{
	json_t *o = json_loads(text, 0, NULL);
	int r;

	assert_non_null(o);
	r = ssi_processes_parse(o, ret);
	json_decref(o);
	return r;
}

static void a_list_is_read_and_a_wrong_one_refused(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"{\"node\": \"n\", \"at\": 1, \"clock\": 1, \"status\": 0, \"text\": \"\", \"total\": -1, "
		"\"list\": []}",
		"{\"node\": \"n\", \"at\": 1, \"clock\": 1, \"status\": 0, \"text\": \"\", \"total\": 1, "
		"\"list\": [1]}",
		"{\"node\": \"n\", \"at\": 1, \"clock\": 1, \"status\": 0, \"text\": \"\", \"total\": 1, "
		"\"list\": "
		"[[0, 1, \"S\", false, 0, 0, 0, \"x\"]]}",
	};
	struct ssi_processes *p = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(parse(wrong[i], &p), -EINVAL);
	assert_int_equal(parse("{\"node\": \"n\", \"at\": 5, \"clock\": 7, \"status\": 0, \"text\": \"\", "
			       "\"total\": 1, \"list\": [[6291457, -1, \"S\", false, 0, 3, 4, \"x\"], "
			       "[77, 2, \"R\", true, 0, 3, 4, \"y\"]]}",
			       &p),
			 0);
	assert_int_equal(p->look, SSI_LOOK_DONE);
	assert_int_equal(p->total, 2);
	/* Where the kernel does not tell, it is where it began. */
	assert_true(p->v[0].guessed);
	assert_int_equal(p->v[0].node, 1);
	assert_int_equal(p->v[1].node, 2);
	assert_int_equal(p->v[1].home, -1);
	ssi_processes_free(p);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MODEL(what_is_on_another_node_than_before_has_moved),
		WITH_MODEL(a_number_that_another_process_has_now_has_not_moved),
		WITH_MODEL(another_nodes_clock_is_not_counted_with),
		WITH_MODEL(only_the_newest_movements_are_kept),
		WITH_MODEL(processes_are_sorted_and_chosen),
		WITH_MODEL(a_look_that_hangs_makes_it_broken_until_one_comes_back),
		WITH_MODEL(what_hung_is_forgotten_when_its_nodes_have_left),
		cmocka_unit_test(a_list_is_read_and_a_wrong_one_refused),
	};

	return cmocka_run_group_tests_name("console-ssi-model", tests, NULL, NULL);
}
