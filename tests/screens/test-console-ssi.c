/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The console's page of the single system, beside a real musterd; this test plays the nodes. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/screens/console-test.h"
#include "tests/screens/golden.h"
#include "util/clock.h"
#include "util/strbuf.h"

#define NODES 7 /* four can be in it; of the others one boots, one has failed, one is off */
#define IN_IT 4
#define FIRST 0x7f00420bU /* 127.0.66.11: an address that reports can come from */
#define PID(node, n) ((node) << 22 | 1 << 21 | (n))

static int setup(void **state)
{
	struct cluster *c = cluster_new_at(NODES, FIRST);

	cluster_seed(c, false);
	cluster_start(c);
	*state = c;
	return 0;
}

/* As a node of the single system reports, and with this behind it. */
static bool tell(struct cluster *c, size_t i, bool joined, const char *more)
{
	static const char *const loads[] = { "1.04", "0.02", "3.97", "0.00" };
	static const int used[] = { 61, 12, 88, 7 };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	bool asked = false;

	strbuf_addf(&b,
		    "stage=ready\nkernel=2.6.30-krg\nversion=#1 SMP\nprocessors=4\nmemory_kb=508164\n"
		    "memory_free_kb=%d\nload=%s\nssi_session=7\nssi_node=%zu\nssi_present=4\n",
		    508164 * (100 - used[i]) / 100, loads[i], i + 1);
	if (joined)
		strbuf_adds(&b, "ssi_subsession=1\nssi_online=4\nssi_processors=16\nssi_memory_kb=2032656\n"
				"ssi_memory_free_kb=1178940\nssi_load=5.03\n");
	else
		strbuf_adds(&b, "ssi_subsession=-1\nssi_online=0\n");
	strbuf_adds(&b, more);
	assert_true(cluster_tell(c, i, b.data, &asked));
	return asked;
}

/* A node says what it has before it joins: from then on it may see the merged machine alone. */
static void tell_all(struct cluster *c, bool joined)
{
	for (size_t i = 0; i < IN_IT; i++)
		tell(c, i, false, "");
	for (size_t i = 0; joined && i < IN_IT; i++)
		tell(c, i, true, "");
}

/* What node01 says of the processes, at this time of its clock: "spin" is on `node`, "crunch" on node03. */
static void add_list(struct strbuf *b, int at, int node)
{
	const struct {
		int pid, node, uid, ms, kb;
		const char *name;
	} v[] = {
		{ PID(1, 22), node, 0, 61000 + at, 412, "spin" },
		{ PID(1, 7), 3, 1000, 720000 + at * 2, 120804, "crunch" },
		{ PID(1, 3), 1, 0, 40, 1204, "sh" },
		{ PID(2, 3), 2, 0, 30, 1200, "sh" },
		{ PID(3, 3), 3, 0, 30, 1196, "sh" },
		{ PID(4, 3), 4, 0, 20, 1196, "sh" },
		{ PID(2, 9), 2, 33, 1240, 8120, "httpd\033[7m" },
	};

	strbuf_addf(b, "processes_status=0\nprocesses=%d %zu\\n", at, ARRAY_SIZE(v));
	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		strbuf_addf(b, "%d %d %c %d %d %d %s\\n", v[i].pid, v[i].node, i < 2 ? 'R' : 'S', v[i].uid,
			    v[i].ms, v[i].kb, v[i].name);
	strbuf_adds(b, "\n");
}

static void wait_until_asked(struct cluster *c)
{
	int64_t end = clock_mono_ms() + VT_PATIENCE;

	while (!tell(c, 0, true, ""))
		assert_true(clock_mono_ms() < end);
}

static void tell_list(struct cluster *c, int at, int node)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	add_list(&b, at, node);
	if (!tell(c, 0, true, b.data))
		fail_msg("not asked at %d", at);
}

/* The console on the page of a single system that is up, with two looks at its processes. */
static struct vt *open_up(struct cluster *c, int rows, int columns)
{
	struct vt *v;

	tell_all(c, true);
	v = console(c, rows, columns);
	assert_seen(v, "node01");
	vt_send(v, "i");
	assert_seen(v, "The single system is up on 4 of 7 nodes.");
	wait_until_asked(c);
	tell_list(c, 10000, 1);
	assert_seen(v, "crunch");
	tell_list(c, 12000, 1);
	assert_seen(v, "200 %");
	return v;
}

static void leave(struct vt *v)
{
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void one_that_is_up_shows_its_nodes_and_its_processes(void **state)
{
	struct vt *v = open_up(*state, 24, 80);

	assert_seen(v, "7 processes");
	assert_golden(v, "console-ssi-up");
	leave(v);
}

static void a_process_that_moves_is_seen_moving(void **state)
{
	struct cluster *c = *state;
	struct vt *v = open_up(c, 43, 132);
	int row, column;

	tell_list(c, 14000, 4);
	assert_seen(v, "<- node01");
	assert_seen(v, "moved 6291478 spin  node01 -> node04");
	assert_golden(v, "console-ssi-moving");
	assert_true(vt_find(v, "<- node01", &row, &column));
	assert_true(vt_cell(v, row, column).coloured);
	/* The mark goes; the node where it began stays, and so does the movement. */
	assert_gone(v, "<- node01");
	assert_seen(v, "moved 6291478 spin  node01 -> node04");
	leave(v);
}

static void one_that_is_down_says_what_is_missing(void **state)
{
	struct cluster *c = *state;
	struct vt *v;

	tell_all(c, false);
	v = console(c, 24, 80);
	assert_seen(v, "node01");
	vt_send(v, "i");
	assert_seen(v, "not started; 4 of 7 nodes could form it");
	assert_golden(v, "console-ssi-down");
	leave(v);
}

static void nodes_of_a_common_kernel_are_told_of_the_profile(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "node01");
	vt_send(v, "\ri");
	assert_seen(v, "No node runs a kernel with the single system.");
	assert_seen(v, "profile = \"kerrighed\"");
	vt_send(v, "\033");
	assert_seen(v, "Facts");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void one_that_is_broken_names_the_remedy_and_looks_at_nothing(void **state)
{
	struct cluster *c = *state;
	struct vt *v = open_up(c, 24, 80);

	tell(c, 2, true, "ssi_stuck=/proc/kerrighed/nodes/cluster/cpuinfo\n");
	assert_seen(v, "The single system is broken: 1 of 7 nodes shows it.");
	assert_seen(v, "Reset all nodes of its session together: node[01-04].");
	assert_gone(v, "crunch");
	assert_golden(v, "console-ssi-broken");
	for (int64_t end = clock_mono_ms() + VT_PATIENCE; tell(c, 0, true, "");)
		assert_true(clock_mono_ms() < end);
	vt_send(v, "R");
	assert_seen(v, "Shall these nodes be restarted at once");
	vt_send(v, "\033");
	assert_gone(v, "Shall these nodes");
	leave(v);
}

static void one_that_hangs_when_it_is_looked_at_is_broken_too(void **state)
{
	struct cluster *c = *state;
	struct vt *v = open_up(c, 24, 80);

	assert_true(tell(c, 0, true, "processes_status=124\nprocesses=it hangs\\n\n"));
	assert_seen(v, "The single system hangs");
	assert_seen(v, "Reset all nodes of its session together: node[01-04].");
	leave(v);
}

static void nobody_is_asked_when_the_page_is_left(void **state)
{
	struct cluster *c = *state;
	struct vt *v = open_up(c, 24, 80);
	int64_t end = clock_mono_ms() + VT_PATIENCE;

	vt_send(v, "?");
	assert_seen(v, "Take nodes out of it");
	while (tell(c, 0, true, ""))
		assert_true(clock_mono_ms() < end);
	vt_send(v, "\033");
	assert_seen(v, "7 processes");
	wait_until_asked(c);
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	while (tell(c, 0, true, ""))
		assert_true(clock_mono_ms() < end);
	quit(v);
}

static void processes_are_sorted_and_filtered(void **state)
{
	struct vt *v = open_up(*state, 24, 80);
	int spin, httpd, column;

	vt_send(v, "/sh node02\r");
	assert_gone(v, "crunch");
	assert_seen(v, "10485763");
	vt_send(v, "\033");
	assert_seen(v, "crunch");
	assert_seen(v, "httpd\xef\xbf\xbd[7m");
	assert_true(vt_find(v, "httpd", &httpd, &column));
	assert_true(vt_find(v, "spin", &spin, &column));
	assert_true(spin < httpd);
	leave(v);
}

static void a_process_is_moved_where_the_operator_chooses(void **state)
{
	struct cluster *c = *state;
	struct vt *v = open_up(c, 24, 80);

	vt_send(v, "m");
	assert_seen(v, "Process 6291463 (crunch) moves to:");
	vt_send(v, "\r");
	/* Its job gives an order; without a node that does it the page goes on all the same. */
	assert_seen(v, "At work: process 6291463 to node01");
	vt_send(v, "j");
	tell_list(c, 16000, 2);
	assert_seen(v, "<- node01");
	leave(v);
}

static void it_follows_every_size_and_shows_in_ascii(void **state)
{
	static const int sizes[][2] = { { 43, 132 }, { 24, 80 }, { 10, 40 }, { 60, 200 }, { 24, 80 } };
	static const char *const env[] = { "LC_ALL=C", "TERM=vt100", NULL };
	struct cluster *c = *state;
	struct vt *v = open_up(c, 24, 80);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		vt_resize(v, sizes[i][0], sizes[i][1]);
		assert_seen(v, sizes[i][0] < 24 ? "80x24" : "crunch");
	}
	leave(v);
	v = console_with(c, env, 24, 80);
	assert_seen(v, "node01");
	vt_send(v, "i");
	assert_seen(v, "* The single system is up");
	assert_seen(v, "* node01");
	vt_send(v, "q");
	assert_seen(v, "node01  ");
	quit(v);
}

#define WITH_CLUSTER(test) cmocka_unit_test_setup_teardown(test, setup, teardown_cluster)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_CLUSTER(one_that_is_up_shows_its_nodes_and_its_processes),
		WITH_CLUSTER(a_process_that_moves_is_seen_moving),
		WITH_CLUSTER(one_that_is_down_says_what_is_missing),
		WITH_CLUSTER(nodes_of_a_common_kernel_are_told_of_the_profile),
		WITH_CLUSTER(one_that_is_broken_names_the_remedy_and_looks_at_nothing),
		WITH_CLUSTER(one_that_hangs_when_it_is_looked_at_is_broken_too),
		WITH_CLUSTER(nobody_is_asked_when_the_page_is_left),
		WITH_CLUSTER(processes_are_sorted_and_filtered),
		WITH_CLUSTER(a_process_is_moved_where_the_operator_chooses),
		WITH_CLUSTER(it_follows_every_size_and_shows_in_ascii),
	};

	return cmocka_run_group_tests_name("console-ssi", tests, NULL, NULL);
}
