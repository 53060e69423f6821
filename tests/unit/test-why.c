/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/nodes/why.h"

#define NOW INT64_C(1700000000000)

static struct node_why why(enum node_stage stage, int64_t seconds, const char *mac, const char *reason)
{
	struct node_stage_time time = { .stage = stage, .at = NOW - seconds * 1000 };
	struct node_state s = {
		.mac = (char *)(uintptr_t)mac,
		.reason = (char *)(uintptr_t)reason,
		.stage = stage,
		.stages = &time,
		.n_stages = seconds >= 0 ? 1 : 0,
	};
	struct node_why w;

	node_why(&s, NOW, &w);
	return w;
}

static void a_node_that_was_never_seen_is_told_from_one_that_was_shut_down(void **state)
{
	assert_non_null(strstr(why(NODE_OFF, -1, "", "").what, "MAC address is not known"));
	assert_non_null(strstr(why(NODE_OFF, -1, "52:54:00:00:00:01", "").what, "never seen"));
	assert_non_null(strstr(why(NODE_OFF, 5, "52:54:00:00:00:01", "").what, "shut down"));
	assert_false(why(NODE_OFF, 5, "52:54:00:00:00:01", "").trouble);
}

static void time_makes_trouble_of_a_stage(void **state)
{
	static const struct {
		enum node_stage stage;
		int64_t fine, trouble;
	} stages[] = { { NODE_DHCP, 59, 60 },
		       { NODE_LOADER, 119, 120 },
		       { NODE_KERNEL, 59, 60 },
		       { NODE_INITRAMFS, 299, 300 },
		       { NODE_ROOT, 299, 300 } };

	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		assert_false(why(stages[i].stage, stages[i].fine, "m", "").trouble);
		assert_string_equal(why(stages[i].stage, stages[i].fine, "m", "").advice, "");
		assert_true(why(stages[i].stage, stages[i].trouble, "m", "").trouble);
		assert_string_not_equal(why(stages[i].stage, stages[i].trouble, "m", "").advice, "");
	}
	assert_false(why(NODE_READY, 1000000, "m", "").trouble);
	assert_true(why(NODE_LOST, 0, "m", "").trouble);
}

/* The sentences are those that the agent says. */
static void a_failures_reason_finds_its_advice(void **state)
{
	static const struct {
		const char *reason, *word;
	} cases[] = {
		{ "not enough memory: root needs 300 MB and 60 MB to run, 200 of 256 MB are free", "nfs" },
		{ "no interface has this boot's MAC address", "driver" },
		{ "no link on eth0 after 20 s", "cable" },
		{ "the server answered 404 for /roots/x/root.squashfs: is the root built?", "root build" },
		{ "the NFS export 10.0.0.1:/x does not mount: the server does not let this node in",
		  "exportfs" },
		{ "the root's squashfs does not mount: this kernel has no squashfs", "build the root again" },
		{ "the overlay over the root does not mount: this kernel has no overlayfs",
		  "another kernel" },
		{ "the server 10.0.0.1 port 8067 cannot be reached: No route to host", "musterd" },
		{ "something that nobody thought of", "console" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct node_why w = why(NODE_FAILED, 3, "m", cases[i].reason);

		assert_true(w.trouble);
		assert_non_null(strstr(w.advice, cases[i].word));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_node_that_was_never_seen_is_told_from_one_that_was_shut_down),
		cmocka_unit_test(time_makes_trouble_of_a_stage),
		cmocka_unit_test(a_failures_reason_finds_its_advice),
	};

	return cmocka_run_group_tests_name("why", tests, NULL, NULL);
}
