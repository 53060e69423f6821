/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The questions of `muster setup` one by one: what is wrong is said beside its field, what is right is kept. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/screens/setup-room.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define SYSTEM "Which kernel do the nodes run?"
#define NODES "How do the nodes get their addresses?"
#define ACCESS "Public ssh keys"
#define REVIEW "A node root to be built"
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1Mo1t1S0Tzq6q5fVxPvYqzj1b2c3d4e5f6g7h8i9jA"

static void press(struct vt *v, const char *key, int times)
{
	for (int i = 0; i < times; i++)
		vt_send(v, key);
}

/* ---- what is wrong ---------------------------------------------------------------------------------------------------------- */

static const char by_range[] = "cluster { name = \"krg\" }\n"
			       "network \"eth1\" { address = \"10.66.0.1/24\" ip_mode = \"range\""
			       " range = \"10.66.0.100-10.66.0.199\" }\n";
static const char own_kernel[] = "cluster { name = \"krg\" }\nboot { kernel = \"vmlinuz\" }\n"
				 "network \"eth1\" { address = \"10.66.0.1/24\" }\nnodes { count = 2 }\n";

struct wrong {
	const char *step;
	int tabs; /* to the field */
	const char *typed, *said;
	const char *answers;
	bool last; /* from this field it goes on to the first, and the form scrolls along */
};

static const struct wrong wrongs[] = {
	{ "This server's address there", 0, "10.66.0.1/31", "/31" },
	{ NODES, 1, "0", "from 1" },
	{ NODES, 2, "Node_", "lower-case" },
	{ NODES, 3, "10.99.0.1", "10.99.0.1" },
	{ NODES, 6, "52:54:00:66:00", "\"52:54:00:66:00\"", NULL, true },
	{ NODES, 2, "10.66.0.9-10.66.0.2", "10.66.0.9", by_range },
	{ SYSTEM, 1, "/no/such/kernel", "such file or directory", own_kernel },
	{ SYSTEM, 2, "nginx;", "nginx;" },
	{ SYSTEM, 3, "init=/bin/sh", "init=", NULL, true },
	{ "The cluster's name", 0, "KRG", "KRG" },
	{ "The cluster's name", 1, "-.-", "-.-" },
	{ "The cluster's name", 4, "70000", "65535", NULL, true },
	{ ACCESS, 0, "ssh-rsa AAAA", "AAAA" },
};

static void try_wrong(const struct room *r, const struct wrong *w)
{
	struct vt *v;

	if (w->answers == own_kernel) {
		_cleanup_free_ char *text = NULL;

		room_write(r, "vmlinuz", "no kernel", 9);
		assert_true(asprintf(&text,
				     "cluster { name = \"krg\" }\nboot { kernel = \"%s/vmlinuz\" }\n"
				     "network \"eth1\" { address = \"10.66.0.1/24\" }\nnodes { count = 2 }\n",
				     r->dir) > 0);
		room_answers(r, text);
	} else if (w->answers) {
		room_answers(r, w->answers);
	}
	v = wizard(r);
	wizard_go(v, w->step);
	press(v, TAB, w->tabs);
	vt_send(v, WIPE);
	vt_send(v, w->typed);
	assert_seen(v, w->typed);
	if (!w->last) {
		vt_send(v, TAB);
		assert_seen(v, "! ");
		assert_seen(v, w->said);
	}
	/* It is not left so. */
	vt_send(v, PAGE_DOWN);
	assert_true(vt_settle(v, 100, VT_PATIENCE));
	assert_seen(v, "! ");
	assert_seen(v, w->said);
	wizard_leave(v);
	unlink(r->answers);
}

static void every_field_is_checked_when_it_is_left(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++)
		try_wrong(*state, &wrongs[i]);
}

static void escape_asks_on_every_step(void **state)
{
	static const char *const steps[] = { "Which interface leads to the nodes?",
					     "This server's address there",
					     NODES,
					     SYSTEM,
					     "The cluster's name",
					     ACCESS,
					     REVIEW };
	struct vt *v = wizard(*state);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		vt_send(v, PAGE_DOWN);
		assert_seen(v, steps[i]);
		vt_send(v, ESCAPE);
		assert_seen(v, "Leave the wizard?");
		vt_send(v, "S");
		assert_gone(v, "Leave the wizard?");
		assert_seen(v, steps[i]);
	}
	wizard_leave(v);
}

static void unsaved_answers_are_named_when_it_is_left(void **state)
{
	struct vt *v = wizard(*state);

	wizard_go(v, "This server's address there");
	vt_send(v, WIPE "10.77.0.1/24");
	assert_seen(v, "not saved yet");
	vt_send(v, ESCAPE);
	assert_seen(v, "What you changed on this screen");
	vt_send(v, "S");
	assert_gone(v, "What you changed on this screen");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "(saved)");
	wizard_leave(v);
}

/* ---- what is right is kept, at each step ---------------------------------------------------------------------------------------- */

static void assert_saved(const struct room *r, const char *text)
{
	_cleanup_free_ char *answers = room_read_answers(r);

	if (!strstr(answers, text))
		fail_msg("no %s in\n%s", text, answers);
}

static void answers_are_saved_at_each_step(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	wizard_go(v, "Which interface leads to the nodes?");
	assert_int_equal(access(r->answers, F_OK), -1);
	vt_send(v, ENTER);
	assert_seen(v, "This server's address there");
	assert_saved(r, "network \"eth1\"");
	vt_send(v, WIPE "10.77.0.1/24" PAGE_DOWN);
	assert_seen(v, NODES);
	assert_saved(r, "10.77.0.1/24");
	vt_send(v, TAB WIPE "5" TAB WIPE "blade" TAB WIPE "10.77.0.21" PAGE_DOWN);
	assert_seen(v, SYSTEM);
	assert_saved(r, "\"blade\"");
	assert_saved(r, "10.77.0.21");
	vt_send(v, " " PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	assert_saved(r, "\"distro-cloud\"");
	vt_send(v, WIPE "mill" PAGE_DOWN);
	assert_seen(v, ACCESS);
	assert_saved(r, "\"mill\"");
	vt_send(v, KEY " me@here" PAGE_DOWN);
	assert_seen(v, REVIEW);
	assert_saved(r, KEY);
	assert_seen(v, "Cluster mill, 5 nodes");
	wizard_leave(v);
	assert_int_equal(room_muster(r, "check", NULL), 0);
}

/* ---- nodes ---------------------------------------------------------------------------------------------------------------------------- */

static void addresses_are_pasted_by_the_dozen(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);
	_cleanup_strbuf_ struct strbuf lines = STRBUF_INIT;

	for (int i = 1; i <= 24; i++)
		strbuf_addf(&lines, "%s:%02x\n", i % 2 ? "a0:36:9f:12:7c" : "A0:36:9F:12:7C", i);
	wizard_go(v, NODES);
	vt_send(v, TAB WIPE "24" TAB TAB TAB TAB TAB);
	vt_paste(v, lines.data);
	assert_seen(v, "a0:36:9f:12:7c:17");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, SYSTEM);
	vt_send(v, PAGE_UP);
	assert_seen(v, "All MAC addresses are known.");
	wizard_leave(v);
	assert_int_equal(room_muster(r, "check", NULL), 0);
	assert_saved(r, "a0:36:9f:12:7c:01");
	assert_saved(r, "A0:36:9F:12:7C:18");
}

/* As the console leaves them when a node was renamed. */
static void nodes_with_names_are_shown_and_can_be_numbered(void **state)
{
	struct vt *v;

	room_answers(*state, "cluster { name = \"krg\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" }\n"
			     "node \"alpha\" { mac = \"52:54:00:66:00:01\" address = \"10.66.0.13\" }\n"
			     "node \"node02\" { mac = \"52:54:00:66:00:02\" address = \"10.66.0.14\" }\n");
	v = wizard(*state);
	wizard_go(v, NODES);
	assert_seen(v, "2 nodes have names of their own: alpha (10.66.0.13)");
	assert_seen(v, "All MAC addresses are known.");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, SYSTEM);
	vt_send(v, PAGE_UP);
	assert_seen(v, NODES);
	/* A range has no room for them, and says so here. */
	vt_send(v, " ");
	assert_seen(v, "(•) From a range");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "there is no node \"alpha\"");
	/* mode, prefix, range, the button */
	press(v, TAB, 3);
	vt_send(v, ENTER);
	assert_seen(v, "2 nodes lose the names");
	vt_send(v, "G");
	assert_gone(v, "of their own");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, SYSTEM);
	vt_send(v, PAGE_UP);
	assert_seen(v, "Room for");
	wizard_leave(v);
	assert_int_equal(room_muster(*state, "check", NULL), 0);
}

static void an_address_of_the_internet_is_warned_of(void **state)
{
	struct vt *v = wizard(*state);

	wizard_go(v, "This server's address there");
	vt_send(v, WIPE "8.8.8.1/24");
	assert_seen(v, "! This is an address of the Internet.");
	vt_send(v, WIPE "192.168.9.1/24");
	assert_gone(v, "an address of the Internet");
	/* First address follows, until somebody types one. */
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "192.168.9.11");
	press(v, TAB, 3);
	vt_send(v, WIPE "192.168.9.40");
	vt_send(v, PAGE_UP);
	assert_seen(v, "This server's address there");
	vt_send(v, WIPE "192.168.9.2/24");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "[192.168.9.40");
	wizard_leave(v);
}

static void a_list_is_cleared_at_once(void **state)
{
	struct vt *v;

	room_answers(*state, "network \"eth1\" { address = \"10.66.0.1/24\" }\n"
			     "nodes { count = 2 macs = {\"52:54:00:66:00:01\", \"52:54:00:66:00:02\"} }\n");
	v = wizard(*state);
	wizard_go(v, NODES);
	assert_seen(v, "All MAC addresses are known.");
	vt_send(v, "\033[Z");
	assert_seen(v, "< Clear the list >");
	vt_send(v, ENTER);
	assert_seen(v, "Take 2 MAC addresses out of the");
	vt_send(v, "C");
	assert_gone(v, "Clear the list");
	assert_seen(v, "0 of 2 MAC addresses are known.");
	wizard_leave(v);
}

static void addresses_are_read_from_a_file(void **state)
{
	static const char good[] = "# rack 3\n52:54:00:66:00:01  the first\n52:54:00:66:00:02\n",
			  bad[] = "52:54:00:66:00:03\nno address\n";
	struct room *r = *state;
	_cleanup_free_ char *good_path = fs_join(r->dir, "macs.txt"), *bad_path = fs_join(r->dir, "bad.txt");
	struct vt *v;

	room_write(r, "macs.txt", good, strlen(good));
	room_write(r, "bad.txt", bad, strlen(bad));
	v = wizard(r);
	wizard_go(v, NODES);
	press(v, TAB, 4);
	vt_send(v, "\033[C" ENTER);
	assert_seen(v, "A file with MAC addresses");
	vt_send(v, WIPE);
	vt_send(v, good_path);
	vt_send(v, ENTER);
	assert_seen(v, "2 MAC addresses were read.");
	assert_seen(v, "All MAC addresses are known.");
	vt_send(v, ENTER);
	assert_seen(v, "A file with MAC addresses");
	vt_send(v, WIPE);
	vt_send(v, bad_path);
	vt_send(v, ENTER);
	assert_seen(v, "bad.txt:2: \"no\" is no MAC address");
	wizard_leave(v);
}

static void a_range_says_how_many_it_has_room_for(void **state)
{
	struct vt *v = wizard(*state);

	wizard_go(v, NODES);
	vt_send(v, " ");
	assert_seen(v, "(•) From a range");
	assert_seen(v, "Room for ");
	vt_send(v, TAB TAB WIPE "10.66.0.100-10.66.0.149");
	assert_seen(v, "Room for 50 machines");
	assert_seen(v, "node01 … node50");
	assert_gone(v, "Number of nodes");
	/* And back, and once more: nothing of the other way is left in the answers. */
	vt_send(v, "\033[Z\033[Z ");
	assert_seen(v, "Number of nodes");
	assert_seen(v, "node01 … node02");
	vt_send(v, " ");
	assert_seen(v, "Room for 50 machines");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, SYSTEM);
	wizard_leave(v);
	assert_saved(*state, "10.66.0.100-10.66.0.149");
	assert_int_equal(room_muster(*state, "check", NULL), 0);
}

/* ---- kernel and root ------------------------------------------------------------------------------------------------------------------ */

static void a_kernel_by_path_is_looked_into(void **state)
{
	struct room *r = *state;
	_cleanup_free_ char *path = fs_join(r->dir, "vmlinuz"), *text = fs_join(r->dir, "text");
	struct vt *v;

	room_kernel(r, "vmlinuz", "2.6.20-krg");
	room_write(r, "text", "no kernel", 9);
	v = wizard(r);
	wizard_go(v, SYSTEM);
	vt_send(v, "  ");
	assert_seen(v, "(•) A kernel of your own");
	vt_send(v, TAB WIPE);
	vt_send(v, text);
	vt_send(v, TAB);
	assert_seen(v, "bzImage");
	vt_send(v, "\033[Z" WIPE);
	vt_send(v, path);
	assert_seen(v, "Linux 2.6.20-krg");
	assert_seen(v, "No modules lie beside this kernel");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	wizard_leave(v);
	assert_saved(r, path);
}

static void a_kernel_of_a_recipe_is_named(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	wizard_go(v, SYSTEM);
	vt_send(v, "  " TAB WIPE TAB);
	assert_seen(v, "Give the path of a kernel");
	vt_send(v, ENTER);
	assert_seen(v, "None was built here yet.");
	vt_send(v, ENTER);
	assert_gone(v, "None was built here yet.");
	vt_send(v, "\033[Z" WIPE "windows" TAB);
	assert_seen(v, "there is no kernel");
	vt_send(v, "\033[Z" WIPE "vanilla" PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	wizard_leave(v);
	assert_saved(r, "kernel = \"vanilla\"");
	/* It stands there again. */
	v = wizard(r);
	wizard_go(v, SYSTEM);
	assert_seen(v, "(•) A kernel of your own");
	assert_seen(v, "[vanilla ");
	wizard_leave(v);
}

static void the_small_kernel_is_warned_of_on_real_machines(void **state)
{
	struct vt *v;

	room_answers(*state, "cluster { name = \"krg\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" }\n"
			     "nodes { count = 1 macs = {\"00:00:00:66:00:01\"} }\n");
	v = wizard(*state);
	wizard_go(v, SYSTEM);
	assert_false(vt_find(v, "looks like a real machine", NULL, NULL));
	vt_send(v, " ");
	assert_seen(v, "looks like a real machine");
	vt_send(v, "  ");
	assert_gone(v, "looks like a real machine");
	wizard_leave(v);
}

/* ---- access ---------------------------------------------------------------------------------------------------------------------------- */

static void keys_that_lie_here_are_offered(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int root = fs_root_open(r->root);
	static const char line[] = KEY " operator@here\n";
	static const struct fs_attr attr = { 0600, (uid_t)-1, (gid_t)-1 };
	struct vt *v;

	/* Answers with no key, so that they are not proposed by themselves. */
	room_answers(r, "cluster { name = \"krg\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" }\n"
			"nodes { count = 1 }\naccess { ssh_keys = {} root_password_file = \"\" }\n");
	v = wizard(r);
	wizard_go(v, ACCESS);
	vt_send(v, TAB ENTER);
	assert_seen(v, "No public key was found");
	vt_send(v, ENTER);
	assert_gone(v, "No public key was found");
	assert_int_equal(fs_mkdir_all(root, "/root/.ssh", 0700), 0);
	assert_int_equal(fs_write(root, "/root/.ssh/id_ed25519.pub", line, strlen(line), &attr), 0);
	vt_send(v, ENTER);
	assert_seen(v, "These were found on this server");
	assert_seen(v, "operator@here");
	vt_send(v, ENTER);
	assert_gone(v, "These were found on this server");
	assert_gone(v, "nobody can log in");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "1 ssh key opens the nodes");
	wizard_leave(v);
	assert_saved(r, KEY);
}

static void the_password_is_asked_twice_and_only_its_hash_is_kept(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int root = fs_root_open(r->root);
	_cleanup_free_ char *hash = NULL, *answers = NULL;
	struct stat st;
	struct vt *v = wizard(r);

	wizard_go(v, ACCESS);
	vt_send(v, TAB "\033[C" ENTER);
	assert_seen(v, "It is asked twice");
	vt_send(v, "short" ENTER);
	assert_seen(v, "at least 8 characters");
	vt_send(v, "correct horse" ENTER);
	assert_seen(v, "Once more");
	vt_send(v, "correct hose" ENTER);
	assert_seen(v, "not the same");
	vt_send(v, "correct horse" ENTER);
	assert_seen(v, "Once more");
	assert_false(vt_find(v, "horse", NULL, NULL));
	vt_send(v, "correct horse" ENTER);
	assert_seen(v, "Root has a password");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, REVIEW);
	wizard_leave(v);
	assert_int_equal(fs_read(root, "/etc/muster/root-password", 4096, &hash, NULL), 0);
	assert_int_equal(hash[0], '$');
	assert_null(strstr(hash, "horse"));
	assert_int_equal(fs_stat(root, "/etc/muster/root-password", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	answers = room_read_answers(r);
	assert_null(strstr(answers, "horse"));
	assert_non_null(strstr(answers, "root_password_file"));
}

/* ---- review ----------------------------------------------------------------------------------------------------------------------------- */

static void the_review_shows_all_that_would_change(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard_in(r, 43, 132, NULL);
	int row, column;

	wizard_go(v, REVIEW);
	assert_seen(v, "Cluster ");
	assert_seen(v, "behind eth1, where this server is 10.66.0.1/24");
	assert_seen(v, "kernel: distro   root: in memory");
	assert_seen(v, "/etc/muster/dnsmasq.conf");
	assert_seen(v, "new ");
	/* The differences below, in colour: search for one. */
	vt_send(v, "/+dhcp-range" ENTER);
	assert_seen(v, "+dhcp-range");
	assert_true(vt_find(v, "+dhcp-range", &row, &column));
	assert_true(vt_cell(v, row, column).coloured);
	vt_send(v, ESCAPE);
	assert_true(vt_settle(v, 100, VT_PATIENCE));
	if (vt_find(v, "Leave the wizard?", NULL, NULL))
		vt_send(v, "S");
	vt_send(v, "s");
	wizard_ended(v);
	assert_int_equal(room_muster(r, "check", NULL), 0);
}

static void what_stands_in_the_way_is_named_in_the_review(void **state)
{
	struct room *r = *state;
	struct vt *v;
	_cleanup_close_ int root = fs_root_open(r->root);

	assert_int_equal(fs_mkdir_all(root, "/etc/hosts/in-the-way", 0755), 0);
	v = wizard(r);
	wizard_go(v, ACCESS);
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "/etc/hosts is a folder");
	wizard_leave(v);
}

static void a_mistake_in_the_answers_leads_to_its_step(void **state)
{
	struct vt *v;

	/* Too many addresses for the count, and a domain that is none. */
	room_answers(
		*state,
		"cluster { name = \"krg\" domain = \"-\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" }\n"
		"nodes { count = 2 }\n");
	v = wizard(*state);
	wizard_go(v, "The cluster's name");
	vt_send(v, PAGE_DOWN);
	/* Not past its own step. */
	assert_seen(v, "The cluster's name");
	assert_seen(v, "! ");
	wizard_leave(v);
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, room_setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(every_field_is_checked_when_it_is_left),
		WITH_ROOM(escape_asks_on_every_step),
		WITH_ROOM(unsaved_answers_are_named_when_it_is_left),
		WITH_ROOM(answers_are_saved_at_each_step),
		WITH_ROOM(addresses_are_pasted_by_the_dozen),
		WITH_ROOM(nodes_with_names_are_shown_and_can_be_numbered),
		WITH_ROOM(an_address_of_the_internet_is_warned_of),
		WITH_ROOM(a_list_is_cleared_at_once),
		WITH_ROOM(addresses_are_read_from_a_file),
		WITH_ROOM(a_range_says_how_many_it_has_room_for),
		WITH_ROOM(a_kernel_by_path_is_looked_into),
		WITH_ROOM(a_kernel_of_a_recipe_is_named),
		WITH_ROOM(the_small_kernel_is_warned_of_on_real_machines),
		WITH_ROOM(keys_that_lie_here_are_offered),
		WITH_ROOM(the_password_is_asked_twice_and_only_its_hash_is_kept),
		WITH_ROOM(the_review_shows_all_that_would_change),
		WITH_ROOM(what_stands_in_the_way_is_named_in_the_review),
		WITH_ROOM(a_mistake_in_the_answers_leads_to_its_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
