/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screens of `muster console` as doc/screens.md shows them. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/screens/console-test.h"
#include "tests/screens/golden.h"

/* What counts seconds is looked at while it shows so many; a key has it drawn again. */
static void wait_for(struct vt *v, const char *text)
{
	for (int i = 0; i < 300 && !vt_wait(v, text, 100); i++)
		vt_send(v, "g");
}

static void the_nodes(void **state)
{
	struct vt *v = console(*state, 24, 80);

	wait_for(v, "initramfs    12 s");
	assert_golden(v, "console-nodes");
	vt_resize(v, 43, 132);
	wait_for(v, "initramfs    16 s");
	assert_golden(v, "console-nodes-wide");
	quit(v);
}

static void a_node(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "node03");
	vt_send(v, "jj\r");
	assert_seen(v, "slower");
	assert_golden(v, "console-node");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void a_node_that_failed(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "node15");
	vt_send(v, "/failed\r");
	assert_gone(v, "node01");
	vt_send(v, "\r");
	assert_seen(v, "Why it failed");
	assert_golden(v, "console-failed");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void the_events(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "node01");
	vt_send(v, "e");
	assert_seen(v, "Events of cluster krg");
	assert_golden(v, "console-events");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void the_help(void **state)
{
	struct vt *v = console(*state, 43, 80);

	assert_seen(v, "node01");
	vt_send(v, "?");
	assert_seen(v, "Leave the console");
	assert_golden(v, "console-help");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void a_question(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "node05");
	vt_send(v, "/ready\r");
	assert_gone(v, "node15");
	vt_send(v, "jj  j r");
	assert_seen(v, "Shall these nodes be restarted");
	vt_send(v, "\t");
	assert_golden(v, "console-question");
	vt_send(v, "\033");
	assert_gone(v, "Shall these nodes be restarted");
	quit(v);
}

static void what_they_boot_next(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "node01");
	vt_send(v, "/node01\rb");
	assert_seen(v, "memory test");
	assert_golden(v, "console-next");
	vt_send(v, "\033");
	assert_gone(v, "memory test");
	quit(v);
}

static void no_connection(void **state)
{
	struct cluster *c = *state;
	struct vt *v = console(c, 24, 80);

	assert_seen(v, "node01");
	vt_send(v, "/ready\r");
	assert_gone(v, "node15");
	cluster_stop(c);
	wait_for(v, "answered for 4 s");
	assert_golden(v, "console-lost");
	quit(v);
}

static void no_musterd_at_all(void **state)
{
	struct cluster *c = *state;
	struct vt *v;

	cluster_stop(c);
	v = console(c, 24, 80);
	assert_seen(v, "musterd does not answer");
	assert_golden(v, "console-no-musterd");
	quit(v);
}

static void a_cluster_without_nodes(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "no nodes yet");
	assert_golden(v, "console-empty");
	quit(v);
}

static void a_cluster_before_its_first_node(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "Waiting for the first node");
	assert_golden(v, "console-first");
	quit(v);
}

#define SEEDED(test) cmocka_unit_test_setup_teardown(test, setup_seeded, teardown_cluster)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEDED(the_nodes),
		SEEDED(a_node),
		SEEDED(a_node_that_failed),
		SEEDED(the_events),
		SEEDED(the_help),
		SEEDED(a_question),
		SEEDED(what_they_boot_next),
		SEEDED(no_connection),
		SEEDED(no_musterd_at_all),
		cmocka_unit_test_setup_teardown(a_cluster_without_nodes, setup_empty, teardown_cluster),
		cmocka_unit_test_setup_teardown(a_cluster_before_its_first_node, setup_unseen,
						teardown_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
