/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long ago a boot began, with times of the test's own. */
#include "config.h"

#include <search.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/boots.h"
#include "util/macro.h"

#define AGE 1000
#define STEADY 5000
#define WALL 1700000000000
#define ONE "0123456789abcdef0123456789abcdef"
#define OTHER "f123456789abcdef0123456789abcdef"

static int setup(void **state)
{
	static struct boots b;

	b = (struct boots){ .lock = PTHREAD_MUTEX_INITIALIZER };
	*state = &b;
	return 0;
}

static int teardown(void **state)
{
	boots_free(*state);
	return 0;
}

static bool older(struct boots *b, enum boot_mark mark, int64_t since, int64_t wall_since)
{
	return boots_older(b, "node01", ONE, mark, AGE, STEADY + since,
			   (struct boots_wall){ WALL, WALL + wall_since });
}

static void whoever_sets_the_clock_back_gives_no_more_time(void **state)
{
	struct boots *b = *state;

	for (enum boot_mark mark = 0; mark < BOOT_MARKS; mark++) {
		boots_mark(b, "node01", ONE, mark, STEADY);
		assert_false(older(b, mark, AGE, AGE));
		assert_true(older(b, mark, AGE + 1, 10));
		assert_true(older(b, mark, AGE + 1, -3600000));
		/* Nor less, where it is set back or forward. */
		assert_false(older(b, mark, 10, -3600000));
		assert_false(older(b, mark, 10, 3600000));
	}
}

static void of_an_earlier_run_the_wall_clock_tells(void **state)
{
	struct boots *b = *state;

	assert_false(older(b, BOOT_SCRIPT, 0, AGE));
	assert_true(older(b, BOOT_SCRIPT, 0, AGE + 1));
	assert_false(older(b, BOOT_SCRIPT, 0, 0));
	assert_true(older(b, BOOT_SCRIPT, 0, -1));
	/* Its script is, its personality is of this run. */
	boots_mark(b, "node01", ONE, BOOT_HANDED, STEADY);
	assert_true(older(b, BOOT_SCRIPT, 0, AGE + 1));
	assert_false(older(b, BOOT_HANDED, 0, AGE + 1));
}

static void the_first_time_counts_until_another_boot(void **state)
{
	struct boots *b = *state;

	boots_mark(b, "node02", OTHER, BOOT_SCRIPT, STEADY + 9 * AGE);
	boots_mark(b, "node01", ONE, BOOT_SCRIPT, STEADY);
	boots_mark(b, "node01", ONE, BOOT_HANDED, STEADY);
	boots_mark(b, "node01", ONE, BOOT_HANDED, STEADY + AGE);
	assert_true(older(b, BOOT_HANDED, AGE + 1, 0));
	boots_mark(b, "node01", OTHER, BOOT_SCRIPT, STEADY);
	assert_false(older(b, BOOT_SCRIPT, 2 * AGE, 0));
	boots_mark(b, "node01", ONE, BOOT_SCRIPT, STEADY + AGE);
	assert_false(older(b, BOOT_SCRIPT, 2 * AGE, 0));
	assert_true(older(b, BOOT_SCRIPT, 2 * AGE + 1, 0));
	assert_false(older(b, BOOT_HANDED, 2 * AGE + 1, 0)); /* that was of another boot */
}

static void count_entry(const void *entry, VISIT visit, void *count)
{
	*(size_t *)count += visit == postorder || visit == leaf;
}

static void many_nodes_are_told_apart(void **state)
{
	struct boots *b = *state;
	char name[16];
	size_t n = 0;

	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "node%d", i * 7919 % 1000);
		boots_mark(b, name, ONE, BOOT_SCRIPT,
			   STEADY + i * 7919 % 1000); /* the second round says the same */
	}
	twalk_r(b->nodes.tree, count_entry, &n);
	assert_int_equal(n, 1000);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "node%d", i);
		assert_false(boots_older(b, name, ONE, BOOT_SCRIPT, AGE, STEADY + AGE + i,
					 (struct boots_wall){ WALL, WALL - 1 }));
		assert_true(boots_older(b, name, ONE, BOOT_SCRIPT, AGE, STEADY + AGE + i + 1,
					(struct boots_wall){ WALL, WALL }));
	}
}

#define FRESH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(whoever_sets_the_clock_back_gives_no_more_time),
		FRESH(of_an_earlier_run_the_wall_clock_tells),
		FRESH(the_first_time_counts_until_another_boot),
		FRESH(many_nodes_are_told_apart),
	};

	return cmocka_run_group_tests_name("boots", tests, NULL, NULL);
}
