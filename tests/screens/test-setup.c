/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `muster setup` as a terminal sees it: the questions up to the review, for a server whose facts come from a file. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/screens/setup-room.h"
#include "util/fs.h"

static void every_step_has_a_default_and_the_answers_are_right(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	vt_send(v, "\r");
	assert_seen(v, "Which interface leads to the nodes?");
	assert_seen(v, "● eth1");
	assert_seen(v, "Intel I210");
	assert_seen(v, "leads outside");
	vt_send(v, "\r");
	assert_seen(v, "10.66.0.1/24");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "node01 … node02");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Which kernel do the nodes run?");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Public ssh keys");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "node01 (10.66.0.11)");
	assert_seen(v, "A node root to be built");
	wizard_leave(v);
	assert_true(room_muster(r, "check", NULL) == 0);
}

static void a_wrong_value_is_told_beside_its_field(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	vt_send(v, "\r");
	assert_seen(v, "● eth1");
	vt_send(v, "\r");
	assert_seen(v, "This server's address there");
	vt_send(v, "\025"
		   "10.66.0.1/31" TAB);
	assert_seen(v, "/31");
	vt_send(v, PAGE_DOWN);
	/* It is not left with it. */
	assert_true(vt_settle(v, 200, VT_PATIENCE));
	assert_seen(v, "This server's address there");
	vt_send(v, PAGE_UP);
	assert_seen(v, "Which interface leads to the nodes?");
	wizard_leave(v);
}

static void what_was_answered_is_found_again(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	vt_send(v, "\r");
	assert_seen(v, "● eth1");
	vt_send(v, "\r");
	assert_seen(v, "This server's address there");
	vt_send(v, "\025"
		   "10.77.0.1/24");
	assert_seen(v, "10.77.0.1/24");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Number of nodes");
	/* What was proposed for the network before is proposed anew. */
	assert_seen(v, "10.77.0.11");
	wizard_leave(v);
	v = wizard(r);
	assert_seen(v, "Answers of an earlier run were found");
	assert_seen(v, "● Access");
	assert_seen(v, "○ Review");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "● eth1");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "10.77.0.1/24");
	wizard_leave(v);
	/* To what is open, where all is answered. */
	v = wizard(r);
	vt_send(v, "\r");
	assert_seen(v, "A node root to be built");
	wizard_leave(v);
}

static void without_a_file_named_the_answers_stay_below_the_root(void **state)
{
	struct room *r = *state;
	const char *const argv[] = { MUSTER, "setup", "--root", r->root, "--host", r->host, NULL };
	_cleanup_close_ int root = fs_root_open(r->root);
	struct vt *v;

	assert_int_equal(vt_start(argv, NULL, 24, 80, &v), 0);
	assert_seen(v, "Enter begin");
	vt_send(v, "\r");
	assert_seen(v, "● eth1");
	vt_send(v, "\r");
	assert_seen(v, "This server's address there");
	wizard_leave(v);
	assert_true(fs_exists(root, "/etc/muster/answers.conf"));
}

static void escape_asks_before_anything_is_lost(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	/* Ctrl-C is no shorter way out. */
	vt_send(v, "\003");
	assert_seen(v, "Leave the wizard?");
	vt_send(v, "S");
	assert_true(vt_wait_gone(v, "Leave the wizard?", VT_PATIENCE));
	vt_send(v, "\033");
	assert_seen(v, "Leave the wizard?");
	vt_send(v, "S");
	assert_true(vt_wait_gone(v, "Leave the wizard?", VT_PATIENCE));
	assert_seen(v, "Enter begin");
	wizard_leave(v);
}

static void what_is_no_number_stays_what_was_typed(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	wizard_go(v, "How do the nodes get their addresses?");
	vt_send(v, TAB WIPE "99999");
	assert_seen(v, "[99999 ]");
	vt_send(v, PAGE_UP);
	assert_seen(v, "Who gives the nodes their addresses?");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "[99999 ]");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "! A number from");
	wizard_leave(v);
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, room_setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(every_step_has_a_default_and_the_answers_are_right),
		WITH_ROOM(a_wrong_value_is_told_beside_its_field),
		WITH_ROOM(what_was_answered_is_found_again),
		WITH_ROOM(without_a_file_named_the_answers_stay_below_the_root),
		WITH_ROOM(escape_asks_before_anything_is_lost),
		WITH_ROOM(what_is_no_number_stays_what_was_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
