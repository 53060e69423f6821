/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be asked of nodes in `muster console`, and how nodes are chosen for it. */
#include "config.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/screens/console-test.h"
#include "tests/screens/golden.h"

static struct vt *start(struct cluster *c, int rows, int columns)
{
	const char *const env[] = { cluster_zone(c), cluster_path(c), NULL };
	struct vt *v = console_with(c, env, rows, columns);

	assert_seen(v, "node01");
	return v;
}

/* From a node's page. */
static void quit_page(struct vt *v)
{
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

/* Of ssh, that ends when it is ended. */
#define SLOW_SSH "#!/bin/sh\necho it has begun\nread -r forever <>${0%/bin/ssh}/wait\n"

static bool answers_have(struct cluster *c, const char *text)
{
	_cleanup_free_ char *answers = NULL;

	assert_int_equal(fs_read(c->root_fd, CLUSTER_ANSWERS, 65536, &answers, NULL), 0);
	return strstr(answers, text);
}

static void a_node_gets_another_name_that_is_checked_in_its_box(void **state)
{
	struct cluster *c = *state;
	struct vt *v = start(c, 24, 80);

	vt_send(v, "/node05\r");
	assert_gone(v, "node06");
	vt_send(v, "n");
	assert_seen(v, "The new name of node05:");
	vt_send(v, "\x15node06\r");
	assert_seen(v, "There is a node \"node06\" already.");
	assert_golden(v, "console-rename");
	vt_send(v, "\x15gpu05\r");
	assert_seen(v, "Shall it be applied now?");
	assert_true(answers_have(c, "gpu05"));
	/* Later is what Enter says. */
	vt_send(v, "\r");
	assert_gone(v, "Shall it be applied now?");
	quit(v);
}

static void nodes_are_removed_after_asking(void **state)
{
	struct cluster *c = *state;
	struct vt *v = start(c, 24, 80);

	vt_send(v, "jj v jj v x");
	assert_seen(v, "Shall these nodes be removed");
	assert_seen(v, "node[03-07]");
	assert_golden(v, "console-remove");
	vt_send(v, "\r");
	assert_gone(v, "Shall these nodes be removed");
	assert_true(answers_have(c, "52:54:00:66:00:05"));
	vt_send(v, "xy");
	assert_seen(v, "Shall it be applied now?");
	assert_false(answers_have(c, "52:54:00:66:00:03"));
	assert_false(answers_have(c, "52:54:00:66:00:07"));
	assert_true(answers_have(c, "52:54:00:66:00:08"));
	vt_send(v, "\033");
	assert_gone(v, "Shall it be applied now?");
	quit(v);
}

static void an_apply_is_followed_and_its_failure_told(void **state)
{
	struct vt *v = start(*state, 24, 80);

	vt_send(v, "xy");
	assert_seen(v, "Shall it be applied now?");
	/* The cluster's file here was not written by an apply, and nobody is there to be asked. */
	vt_send(v, "a");
	assert_seen(v, "failed");
	assert_seen(v, "Somebody else has changed, or made, what this would replace:");
	assert_seen(v, "/etc/muster/cluster.json.");
	assert_seen(v, "q back");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void a_command_shows_each_nodes_output_and_exit_status(void **state)
{
	struct vt *v = start(*state, 24, 80);

	vt_send(v, "vjjvc");
	assert_seen(v, "A command on these nodes");
	assert_seen(v, "node[01-03]");
	vt_send(v, "ls /scratch\r");
	assert_seen(v, "3 of 3 done, 1 failed");
	assert_seen(v, "node01: I am node01");
	assert_seen(v, "node02: it has no such file");
	assert_seen(v, "node02: exit status 3");
	assert_seen(v, "node03: done");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void a_command_on_one_node_has_its_screen(void **state)
{
	struct vt *v = start(*state, 24, 80);

	vt_send(v, "jc");
	assert_seen(v, "A command on these nodes");
	vt_send(v, "ls /scratch\r");
	assert_seen(v, "exit status 3");
	assert_golden(v, "console-command");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

/* Until musterd has noted what node01 boots next. */
static bool boots_next(struct cluster *c, const char *what, bool always)
{
	for (int i = 0; i < 200; i++) {
		struct store *s = cluster_store(c);
		struct store_next next;
		bool there;

		assert_int_equal(store_next_get(s, "node01", &next), 0);
		there = strcmp(next.what, what) == 0 && (!*what || next.always == always);
		store_next_free(&next);
		store_free(s);
		if (there)
			return true;
		poll(NULL, 0, 50);
	}
	return false;
}

static void what_they_boot_next_is_noted_once_or_from_now_on(void **state)
{
	static const struct {
		int down; /* times, in the menu */
		const char *what;
		bool always;
	} choices[] = { { 2, "disk", true }, { 0, "", false }, { 1, "disk", false } };
	struct vt *v = start(*state, 24, 80);

	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		vt_send(v, "b");
		assert_seen(v, "What do they boot next?");
		for (int k = 0; k < choices[i].down; k++)
			vt_send(v, "\033OB");
		vt_send(v, "\r");
		assert_gone(v, "What do they boot next?");
		assert_true(boots_next(*state, choices[i].what, choices[i].always));
	}
	quit(v);
}

static void only_what_can_boot_is_offered_and_the_rest_explained(void **state)
{
	struct vt *v = start(*state, 24, 80);

	/* The memory test is not installed, and the other root's initramfs was not built. */
	vt_send(v, "b");
	assert_seen(v, "What do they boot next?");
	assert_seen(v, "memory test: the package memtest86+ is not installed");
	assert_seen(v, "debian-12-4b7e89abcdef: no initramfs is built for it");
	/* So the one below the disks is the cluster's own root. */
	vt_send(v, "\033OB\033OB\033OB\r");
	assert_seen(v, "For how long?");
	assert_seen(v, "From now on");
	vt_send(v, "\r");
	assert_true(boots_next(*state, "root:" CLUSTER_ROOT, false));
	vt_send(v, "\r");
	assert_seen(v, "boots next  " CLUSTER_ROOT ", the next time only");
	quit_page(v);
}

static void a_memory_test_is_offered_where_there_is_one(void **state)
{
	struct cluster *c = *state;
	struct vt *v = start(c, 24, 80);

	assert_int_equal(fs_mkdir_all(c->root_fd, "/boot", 0755), 0);
	assert_int_equal(fs_write(c->root_fd, "/boot/memtest86+x64.bin", "x", 1,
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
	vt_send(v, "b");
	assert_seen(v, "memory test");
	vt_send(v, "\033OB\033OB\033OB\r");
	assert_true(boots_next(c, "memtest", false));
	quit(v);
}

static void a_command_that_runs_is_ended_only_after_asking(void **state)
{
	struct cluster *c = *state;
	struct vt *v;

	assert_int_equal(fs_write(c->root_fd, "/bin/ssh", SLOW_SSH, strlen(SLOW_SSH),
				  &(struct fs_attr){ 0755, (uid_t)-1, (gid_t)-1 }),
			 0);
	assert_int_equal(mkfifoat(c->root_fd, "wait", 0600), 0);
	v = start(c, 24, 80);
	vt_send(v, "c");
	assert_seen(v, "A command on these nodes");
	vt_send(v, "wait\r");
	assert_seen(v, "node01: it has begun");
	vt_send(v, "q");
	assert_seen(v, "The command still runs on 1 node.");
	/* Staying is what Enter says. */
	vt_send(v, "\r");
	assert_gone(v, "still runs");
	assert_seen(v, "0 of 1 done");
	vt_send(v, "q");
	assert_seen(v, "still runs");
	vt_send(v, "e");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void a_nodes_page_has_the_actions_too(void **state)
{
	struct vt *v = start(*state, 24, 80);

	vt_send(v, "j\r");
	assert_seen(v, "Facts");
	vt_send(v, "o");
	assert_seen(v, "Shall these nodes be switched off");
	assert_seen(v, "node02");
	vt_send(v, "\033");
	assert_gone(v, "Shall these nodes");
	vt_send(v, "r");
	assert_seen(v, "Shall these nodes be restarted");
	vt_send(v, "y");
	assert_gone(v, "Shall these nodes");
	assert_seen(v, "node02: ");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void a_musterd_that_hangs_holds_no_key_up(void **state)
{
	struct cluster *c = *state;
	struct vt *v = start(c, 24, 80);

	kill(c->pid, SIGSTOP);
	vt_send(v, "\r");
	/* What the console knows is there at once, with the neighbour's page. */
	if (!vt_wait(v, "Facts", 1500))
		fail_msg("the page waits:\n%s", vt_screen(v));
	vt_send(v, "j");
	if (!vt_wait(v, "10.66.0.12", 1500))
		fail_msg("the next page waits:\n%s", vt_screen(v));
	assert_seen(v, "musterd has not answered for");
	vt_send(v, "w");
	if (!vt_wait(v, "musterd does not answer", 4000))
		fail_msg("the action waits:\n%s", vt_screen(v));
	kill(c->pid, SIGCONT);
	assert_gone(v, "musterd has not answered for");
	assert_seen(v, "Last events");
	vt_send(v, "q");
	assert_seen(v, "NODE ▾");
	quit(v);
}

/* ---- choosing ------------------------------------------------------------------------------------------------- */

/* The node in the first row of the table. */
static void assert_first(struct vt *v, const char *node)
{
	char text[32];

	for (int i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), " %s ", node);
		if (strstr(vt_row(v, 2), text))
			return;
		vt_pump(v, 50);
	}
	fail_msg("%s is not the first of\n%s", node, vt_screen(v));
}

static void every_column_is_sorted_by_in_both_directions(void **state)
{
	/* NULL: whichever of those that are the same. */
	static const struct {
		const char *head, *up, *down;
	} columns[] = {
		{ "ADDRESS ▾", "node01", "node16" }, { "MAC ▾", "node01", "node16" },
		{ "STAGE ▾", "node16", "node15" },   { "FOR ▾", "node14", "node16" },
		{ "BOOT ▾", "node01", "node03" },    { "± ▾", NULL, "node03" },
		{ "LOAD ▾", "node11", "node10" },    { "MEM ▾", "node11", NULL },
		{ "KERNEL ▾", "node01", "node01" },  { "ROOT ▾", "node01", "node01" },
		{ "REPORT ▾", "node14", "node16" },  { "NODE ▾", "node01", "node16" },
	};
	struct vt *v = start(*state, 24, 80);

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		vt_send(v, "s");
		assert_seen(v, columns[i].head);
		if (columns[i].up)
			assert_first(v, columns[i].up);
		vt_send(v, "S");
		assert_gone(v, columns[i].head);
		if (columns[i].down)
			assert_first(v, columns[i].down);
		vt_send(v, "S");
		assert_seen(v, columns[i].head);
	}
	quit(v);
}

static void columns_fit_each_width(void **state)
{
	static const struct {
		int width;
		const char *has, *lacks;
	} widths[] = { { 80, "ROOT", "KERNEL" },
		       { 100, "KERNEL", "REPORT" },
		       { 132, "MAC", NULL },
		       { 200, "REPORT", NULL } };
	struct vt *v = start(*state, 24, 80);

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		vt_resize(v, 30, widths[i].width);
		assert_seen(v, widths[i].has);
		if (widths[i].lacks)
			assert_gone(v, widths[i].lacks);
		assert_seen(v, "52 cpus");
	}
	quit(v);
}

static void the_mouse_chooses_sorts_and_scrolls(void **state)
{
	struct vt *v = start(*state, 24, 80);
	int row, column;

	assert_seen(v, "● node07");
	assert_true(vt_find(v, "● node07", &row, &column));
	vt_click(v, row, column + 3);
	assert_seen(v, "─ node07 ─");
	assert_true(vt_find(v, "LOAD", &row, &column));
	vt_click(v, row, column + 1);
	assert_seen(v, "LOAD ▾");
	assert_first(v, "node11");
	assert_true(vt_find(v, "LOAD", &row, &column));
	vt_click(v, row, column + 1);
	assert_first(v, "node10");
	vt_send(v, "g");
	assert_seen(v, "─ node10 ─");
	vt_send(v, "\033[<65;5;5M");
	assert_gone(v, "─ node10 ─");
	vt_send(v, "\033[<64;5;5M");
	assert_seen(v, "─ node10 ─");
	quit(v);
}

static void a_filter_works_while_it_is_typed(void **state)
{
	struct vt *v = start(*state, 24, 80);

	vt_send(v, "/node1");
	assert_gone(v, "node09");
	assert_seen(v, "node16");
	vt_send(v, "6");
	assert_gone(v, "node15");
	vt_send(v, "\x7f\x7f\x7f");
	assert_seen(v, "node09");
	vt_send(v, "\033");
	assert_seen(v, "node01");
	quit(v);
}

static void events_are_narrowed_to_a_node_and_to_a_kind(void **state)
{
	struct vt *v = start(*state, 24, 80);

	vt_send(v, "e");
	assert_seen(v, "Events of cluster krg");
	assert_seen(v, "node14");
	vt_send(v, "/8086\r");
	assert_gone(v, "node14");
	vt_send(v, "nt\033");
	assert_seen(v, "Events of node15  only failed");
	vt_send(v, "t");
	assert_gone(v, "only failed");
	assert_seen(v, "◐ initramfs");
	vt_send(v, "n");
	assert_seen(v, "Events of cluster krg");
	vt_send(v, "\033");
	assert_seen(v, "NODE ▾");
	quit(v);
}

#define SEEDED(test) cmocka_unit_test_setup_teardown(test, setup_seeded, teardown_cluster)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEDED(a_node_gets_another_name_that_is_checked_in_its_box),
		SEEDED(nodes_are_removed_after_asking),
		SEEDED(an_apply_is_followed_and_its_failure_told),
		SEEDED(a_command_shows_each_nodes_output_and_exit_status),
		SEEDED(a_command_on_one_node_has_its_screen),
		SEEDED(what_they_boot_next_is_noted_once_or_from_now_on),
		SEEDED(only_what_can_boot_is_offered_and_the_rest_explained),
		SEEDED(a_memory_test_is_offered_where_there_is_one),
		SEEDED(a_command_that_runs_is_ended_only_after_asking),
		SEEDED(a_nodes_page_has_the_actions_too),
		SEEDED(a_musterd_that_hangs_holds_no_key_up),
		SEEDED(every_column_is_sorted_by_in_both_directions),
		SEEDED(columns_fit_each_width),
		SEEDED(the_mouse_chooses_sorts_and_scrolls),
		SEEDED(a_filter_works_while_it_is_typed),
		SEEDED(events_are_narrowed_to_a_node_and_to_a_kind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
