/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `muster console` as a terminal sees it, beside a real musterd on the loopback device. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/daemon/client.h"
#include "tests/screens/seen.h"
#include "tests/screens/vt.h"

#define MUSTER MUSTER_BUILDDIR "/muster"
#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define READY                                                                                              \
	"stage=ready\nkernel=6.1.0-test\nprocessors=4\nmemory_kb=2048000\nmemory_free_kb=1024000\nload=0." \
	"25\n"

static int setup(void **state)
{
	*state = server_new();
	return 0;
}

static int teardown(void **state)
{
	server_free(*state);
	return 0;
}

static struct vt *console(struct server *s, int rows, int columns)
{
	const char *const argv[] = { MUSTER, "console", "--root", s->root, NULL };
	struct vt *v;

	assert_int_equal(vt_start(argv, NULL, rows, columns, &v), 0);
	return v;
}

static void quit(struct vt *v)
{
	const char *left;
	int status;

	vt_send(v, "q");
	if (!vt_wait_exit(v, VT_PATIENCE, &status))
		fail_msg("it goes on:\n%s", vt_screen(v));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	left = vt_left_behind(v);
	if (left)
		fail_msg("it leaves %s behind", left);
	vt_free(v);
}

static void make_ready(struct server *s)
{
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	free(client_report(s, NODE1, token, READY));
}

static void without_musterd_it_says_so_and_goes_on_by_itself(void **state)
{
	struct server *s = *state;
	struct vt *v = console(s, 24, 80);

	assert_seen(v, "musterd does not answer");
	assert_seen(v, "systemctl start musterd");
	server_start(s, NULL);
	assert_seen(v, "Waiting for the first node");
	assert_seen(v, "2 nodes");
	quit(v);
}

static void a_node_is_seen_to_become_ready(void **state)
{
	struct server *s = *state;
	struct vt *v;

	server_start(s, NULL);
	v = console(s, 24, 80);
	assert_seen(v, "Waiting for the first node");
	make_ready(s);
	assert_seen(v, "1 ready");
	assert_seen(v, "1 off");
	assert_seen(v, "4 cpus");
	assert_seen(v, "● node01");
	assert_seen(v, "○ node02");
	assert_seen(v, "0.25");
	quit(v);
}

static void a_nodes_page_shows_its_boot_and_its_facts(void **state)
{
	struct server *s = *state;
	struct vt *v;

	server_start(s, NULL);
	make_ready(s);
	v = console(s, 43, 132);
	assert_seen(v, "node02");
	vt_send(v, "\r");
	assert_seen(v, "6.1.0-test");
	assert_seen(v, "Last events");
	assert_seen(v, "4 processors");
	vt_send(v, "e");
	assert_seen(v, "Events of node01");
	assert_seen(v, "● ready");
	vt_send(v, "q");
	assert_seen(v, "4 processors");
	vt_send(v, "\033");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void a_failed_node_shows_its_reason(void **state)
{
	struct server *s = *state;
	struct vt *v;
	char token[33];

	server_start(s, NULL);
	client_boot(s, NODE1, SCRIPT1, token);
	free(client_report(s, NODE1, token,
			   "stage=failed\nreason=no driver for 8086:15f3\nlog=last words\n"));
	v = console(s, 24, 80);
	assert_seen(v, "1 failed");
	assert_seen(v, "no driver for 8086:15f3");
	vt_send(v, "\r");
	assert_seen(v, "Why it failed");
	assert_seen(v, "last words");
	vt_send(v, "q");
	quit(v);
}

static void a_filter_chooses_and_a_lost_connection_is_said(void **state)
{
	struct server *s = *state;
	struct vt *v;

	server_start(s, NULL);
	make_ready(s);
	v = console(s, 24, 80);
	assert_seen(v, "node02");
	vt_send(v, "/ready\r");
	assert_gone(v, "○ node02");
	assert_seen(v, "● node01");
	assert_int_equal(server_stop(s), 0);
	assert_seen(v, "this is what it last knew");
	assert_seen(v, "● node01");
	server_start(s, NULL);
	assert_gone(v, "this is what it last knew");
	vt_send(v, "\033");
	assert_seen(v, "○ node02");
	quit(v);
}

static void it_follows_every_size(void **state)
{
	static const int sizes[][2] = { { 43, 132 }, { 24, 80 },  { 10, 40 },
					{ 24, 80 },  { 60, 200 }, { 24, 80 } };
	struct server *s = *state;
	struct vt *v;

	server_start(s, NULL);
	make_ready(s);
	v = console(s, 24, 80);
	assert_seen(v, "● node01");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		vt_resize(v, sizes[i][0], sizes[i][1]);
		if (sizes[i][0] < 24)
			assert_seen(v, "80x24");
		else
			assert_seen(v, "● node01");
	}
	quit(v);
}

static void a_change_redraws_its_own_cells_only(void **state)
{
	struct server *s = *state;
	struct vt *v;
	char token[33];
	size_t whole, before;

	server_start(s, NULL);
	client_boot(s, NODE1, SCRIPT1, token);
	free(client_report(s, NODE1, token, READY));
	v = console(s, 24, 80);
	assert_seen(v, "0.25");
	assert_seen(v, "q quit");
	before = vt_bytes(v);
	vt_send(v, "\x0c");
	assert_true(vt_pump(v, VT_PATIENCE));
	vt_settle(v, 200, VT_PATIENCE);
	whole = vt_bytes(v) - before;
	before = vt_bytes(v);
	free(client_report(s, NODE1, token, "stage=ready\nload=3.75\n"));
	assert_seen(v, "3.75");
	/* Beside the load, how long it is ready may have changed, once or twice. */
	assert_in_range(vt_bytes(v) - before, 1, whole / 4);
	quit(v);
}

static void in_ascii_no_sign_is_lost(void **state)
{
	static const char *const env[] = { "LC_ALL=C", "TERM=vt100", NULL };
	struct server *s = *state;
	const char *const argv[] = { MUSTER, "console", "--root", s->root, NULL };
	struct vt *v;

	server_start(s, NULL);
	make_ready(s);
	assert_int_equal(vt_start(argv, env, 24, 80, &v), 0);
	assert_seen(v, "* node01");
	assert_seen(v, ". node02");
	quit(v);
}

static void a_closed_terminal_ends_it(void **state)
{
	struct server *s = *state;
	struct vt *v;
	int status;

	server_start(s, NULL);
	v = console(s, 24, 80);
	assert_seen(v, "Waiting for the first node");
	vt_hang_up(v);
	assert_true(vt_wait_exit(v, VT_PATIENCE, &status));
	assert_true(WIFEXITED(status));
	vt_free(v);
}

static void the_help_names_every_key(void **state)
{
	struct server *s = *state;
	struct vt *v;

	server_start(s, NULL);
	v = console(s, 43, 100);
	assert_seen(v, "Waiting for the first node");
	vt_send(v, "?");
	assert_seen(v, "Leave the console");
	assert_seen(v, "Sort by the next column");
	vt_send(v, "\033");
	assert_gone(v, "Leave the console");
	quit(v);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SERVER(without_musterd_it_says_so_and_goes_on_by_itself),
		WITH_SERVER(a_node_is_seen_to_become_ready),
		WITH_SERVER(a_nodes_page_shows_its_boot_and_its_facts),
		WITH_SERVER(a_failed_node_shows_its_reason),
		WITH_SERVER(a_filter_chooses_and_a_lost_connection_is_said),
		WITH_SERVER(it_follows_every_size),
		WITH_SERVER(a_change_redraws_its_own_cells_only),
		WITH_SERVER(in_ascii_no_sign_is_lost),
		WITH_SERVER(a_closed_terminal_ends_it),
		WITH_SERVER(the_help_names_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
