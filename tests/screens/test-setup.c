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

#include "tests/screens/golden.h"
#include "tests/screens/vt.h"
#include "util/fs.h"
#include "util/spawn.h"

#define MUSTER MUSTER_BUILDDIR "/muster"
#define PAGE_DOWN "\033[6~"
#define PAGE_UP "\033[5~"
#define TAB "\t"

#define assert_seen(v, text)                                                            \
	do {                                                                            \
		if (!vt_wait(v, text, VT_PATIENCE))                                     \
			fail_msg("\"%s\" does not come up on\n%s", text, vt_screen(v)); \
	} while (0)

static const char host[] = "{\"architecture\": \"x86_64\", \"kernel\": \"6.1.0\","
			   " \"distribution\": {\"id\": \"debian\", \"version\": \"12\", \"codename\": "
			   "\"bookworm\", \"family\": \"debian\","
			   "                  \"pretty\": \"Debian GNU/Linux 12 (bookworm)\"},"
			   " \"interfaces\": ["
			   "  {\"name\": \"eth0\", \"mac\": \"52:54:00:aa:00:00\", \"link\": true, \"up\": "
			   "true, \"default_route\": true,"
			   "   \"addresses\": [\"192.168.7.5/24\"]},"
			   "  {\"name\": \"eth1\", \"mac\": \"52:54:00:aa:00:01\", \"link\": true, \"up\": "
			   "true, \"vendor\": \"Intel\","
			   "   \"model\": \"I210\", \"addresses\": [\"10.66.0.1/24\"]}]}";

struct room {
	char dir[32];
	char host[64], root[64], answers[64];
};

static int setup(void **state)
{
	struct room *r = calloc(1, sizeof(*r));
	FILE *f;

	assert_non_null(r);
	snprintf(r->dir, sizeof(r->dir), "/tmp/muster-setup.XXXXXX");
	if (!mkdtemp(r->dir))
		return -1;
	snprintf(r->host, sizeof(r->host), "%s/host.json", r->dir);
	snprintf(r->root, sizeof(r->root), "%s/root", r->dir);
	/* shown on the screen: the same in every room */
	snprintf(r->answers, sizeof(r->answers), "answers.conf");
	f = fopen(r->host, "w");
	if (!f || fputs(host, f) < 0 || fclose(f) != 0 || mkdir(r->root, 0755) < 0 || chdir(r->dir) < 0)
		return -1;
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int tmp = fs_root_open("/");

	assert_int_equal(chdir("/"), 0);
	assert_int_equal(fs_remove_tree(tmp, r->dir), 0);
	free(r);
	return 0;
}

static struct vt *wizard(const struct room *r)
{
	const char *const argv[] = { MUSTER,  "setup", "--root",   r->root, "--host",
				     r->host, "-f",    r->answers, NULL };
	struct vt *v;

	assert_int_equal(vt_start(argv, NULL, 24, 80, &v), 0);
	assert_seen(v, "Enter begin");
	return v;
}

static void leave(struct vt *v)
{
	const char *left;
	int status;

	vt_send(v, "\033");
	assert_seen(v, "Leave the wizard?");
	vt_send(v, "L");
	if (!vt_wait_exit(v, VT_PATIENCE, &status))
		fail_msg("it goes on:\n%s", vt_screen(v));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	left = vt_left_behind(v);
	if (left)
		fail_msg("it leaves %s behind", left);
	vt_free(v);
}

static bool check_passes(const struct room *r)
{
	const char *const argv[] = { MUSTER, "check", "--host", r->host, "-f", r->answers, NULL };
	const struct spawn s = { .argv = argv, .timeout_ms = 20000 };
	_cleanup_free_ char *output = NULL;
	int status = -1;

	assert_int_equal(spawn_run(&s, &status, &output), 0);
	if (status != 0)
		print_message("%s\n", output);
	return status == 0;
}

static void every_step_has_a_default_and_the_answers_are_right(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	vt_send(v, "\r");
	assert_seen(v, "Which interface leads to the nodes?");
	assert_seen(v, "● eth1");
	assert_seen(v, "Intel I210");
	assert_seen(v, "leads outside");
	assert_golden(v, "setup-server");
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
	leave(v);
	assert_true(check_passes(r));
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
	leave(v);
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
	leave(v);
	v = wizard(r);
	assert_seen(v, "Answers of an earlier run were found");
	vt_send(v, "\r");
	assert_seen(v, "● eth1");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "10.77.0.1/24");
	leave(v);
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
	leave(v);
	assert_true(fs_exists(root, "/etc/muster/answers.conf"));
}

static void escape_asks_before_anything_is_lost(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	vt_send(v, "\033");
	assert_seen(v, "Leave the wizard?");
	vt_send(v, "S");
	assert_true(vt_wait_gone(v, "Leave the wizard?", VT_PATIENCE));
	assert_seen(v, "Enter begin");
	leave(v);
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(every_step_has_a_default_and_the_answers_are_right),
		WITH_ROOM(a_wrong_value_is_told_beside_its_field),
		WITH_ROOM(what_was_answered_is_found_again),
		WITH_ROOM(without_a_file_named_the_answers_stay_below_the_root),
		WITH_ROOM(escape_asks_before_anything_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
