/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The wizard's screens that look at the network, with real interfaces, a real DHCP server and machines that really ask, in a
 * network namespace of its own: never on this machine's networks.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/daemon/client.h"
#include "tests/screens/golden.h"
#include "tests/screens/setup-room.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/spawn.h"

#define SLOWLY 20000 /* what waits for a search, ms */

static bool able; /* a network namespace of our own was made */

static bool works(const char *const argv[])
{
	const struct spawn s = { .argv = argv, .timeout_ms = 20000 };
	_cleanup_free_ char *output = NULL;
	int status = -1;

	return spawn_run(&s, &status, &output) == 0 && status == 0;
}

#define run(...)                                                         \
	do {                                                             \
		const char *const _argv[] = { __VA_ARGS__, NULL };       \
		if (!works(_argv))                                       \
			fail_msg("%s %s ... fails", _argv[0], _argv[1]); \
	} while (0)

/* The screens shall be the same on every distribution. */
static const char release[] = "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n"
			      "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";

/* A cable whose near end is this server's: 10.9.0.1 on nodes0; machines are at nodes1. */
static int plug(void **state)
{
	int64_t end = clock_mono_ms() + VT_PATIENCE;
	_cleanup_free_ char *up = NULL;

	if (room_setup(state) < 0)
		return -1;
	if (!able)
		return 0;
	assert_int_equal(mkdir("root/etc", 0755), 0);
	room_write(*state, "root/etc/os-release", release, strlen(release));
	run("ip", "link", "add", "nodes0", "type", "veth", "peer", "name", "nodes1");
	run("ip", "link", "set", "nodes0", "address", "52:54:00:66:00:fe");
	run("ip", "address", "add", "10.9.0.1/24", "dev", "nodes0");
	run("ip", "link", "set", "nodes0", "up");
	run("ip", "link", "set", "nodes1", "up");
	while (clock_mono_ms() < end) {
		const char *const argv[] = { "ip", "link", "show", "nodes0", NULL };
		const struct spawn s = { .argv = argv, .timeout_ms = 5000 };
		int status;

		free(TAKE_PTR(up));
		if (spawn_run(&s, &status, &up) == 0 && strstr(up, "state UP"))
			return 0;
	}
	return -1;
}

static int unplug(void **state)
{
	static const char *const argv[] = { "ip", "link", "del", "nodes0", NULL };

	if (able && !works(argv))
		print_message("nodes0 was gone already\n");
	return room_teardown(state);
}

/* On the facts of this machine, which are the namespace's. */
static struct vt *wizard_here(const struct room *r)
{
	const char *const argv[] = { MUSTER, "setup", "--root", r->root, "-f", r->answers, NULL };
	struct vt *v;

	assert_int_equal(vt_start(argv, NULL, 24, 80, &v), 0);
	assert_seen(v, "Enter begin");
	return v;
}

static void asks(const char *last, const char *arch)
{
	run(MUSTER_BUILDDIR "/tests/dhcp-discover", "nodes1", last, arch);
}

#define assert_seen_slowly(v, text)                                                     \
	do {                                                                            \
		if (!vt_wait(v, text, SLOWLY))                                          \
			fail_msg("\"%s\" does not come up on\n%s", text, vt_screen(v)); \
	} while (0)

/* ---- this server ------------------------------------------------------------------------------------------------------------- */

static void interfaces_are_seen_to_come_and_go(void **state)
{
	struct vt *v;

	if (!able)
		skip_because("no network namespace can be made here");
	v = wizard_here(*state);
	vt_send(v, ENTER);
	assert_seen(v, "● nodes0");
	assert_seen(v, "driver veth");
	assert_seen(v, "nodes0 (proposed)");
	assert_seen(v, "none: this server has no way there");
	run("ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1");
	assert_seen(v, "○ late0");
	assert_seen(v, "down");
	run("ip", "address", "add", "10.10.0.1/24", "dev", "late0");
	assert_seen(v, "10.10.0.1/24");
	run("ip", "link", "set", "late0", "up");
	assert_seen(v, "no cable");
	run("ip", "link", "set", "late1", "up");
	assert_gone(v, "no cable");
	run("ip", "route", "add", "default", "via", "10.10.0.2", "dev", "late0");
	assert_seen(v, "leads outside");
	assert_seen(v, "To the outside  late0");
	/* The cards of a bridge are not to be chosen for themselves. */
	run("ip", "link", "add", "br0", "type", "bridge");
	run("ip", "link", "set", "late1", "master", "br0");
	assert_seen(v, "port of br0");
	run("ip", "link", "del", "br0");
	/* The one that was chosen is pulled out. */
	run("ip", "link", "del", "nodes0");
	assert_seen(v, "nodes0, which was chosen, is gone.");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Choose an interface first");
	run("ip", "link", "del", "late0");
	assert_gone(v, "late0");
	wizard_leave(v);
}

/* ---- network ------------------------------------------------------------------------------------------------------------------- */

static pid_t other;

/* In a network namespace of its own, where the far end of the cable is its only interface. */
_Noreturn static void be_other(const struct room *r, int ready, int go)
{
	_cleanup_free_ char *log = NULL;
	char byte = 0;

	if (unshare(CLONE_NEWNET) < 0 || write(ready, &byte, 1) != 1 || read(go, &byte, 1) != 1 ||
	    asprintf(&log, "--log-facility=%s/dnsmasq.log", r->dir) < 0)
		_exit(127);
	run("ip", "link", "set", "nodes1", "address", "52:54:00:66:00:07");
	run("ip", "address", "add", "10.9.0.7/24", "dev", "nodes1");
	run("ip", "link", "set", "nodes1", "up");
	execlp("dnsmasq", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0",
	       "--interface=nodes1", "--bind-interfaces", "--user=root", "--leasefile-ro", "--pid-file", log,
	       "--dhcp-range=10.9.0.50,10.9.0.50", (char *)NULL);
	_exit(127);
}

/* Waits until it serves. */
static void serve(const struct room *r)
{
	int64_t end = clock_mono_ms() + VT_PATIENCE;
	int ready[2], go[2];
	char pid[16], byte = 0;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	other = fork();
	if (other == 0)
		be_other(r, ready[1], go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	snprintf(pid, sizeof(pid), "%d", (int)other);
	run("ip", "link", "set", "nodes1", "netns", pid);
	assert_int_equal(write(go[1], &byte, 1), 1);
	for (;;) {
		_cleanup_free_ char *text = NULL;
		_cleanup_close_ int dir = fs_root_open(r->dir);

		if (fs_read(dir, "/dnsmasq.log", 65536, &text, NULL) == 0 && strstr(text, "DHCP, IP range"))
			break;
		assert_true(clock_mono_ms() < end);
		usleep(20000);
	}
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(go[i]);
	}
}

static int end_other(void **state)
{
	if (other > 0) {
		kill(other, SIGTERM);
		waitpid(other, NULL, 0);
	}
	other = 0;
	return unplug(state);
}

static void silence_is_told_and_this_server_is_proposed(void **state)
{
	struct vt *v;

	if (!able)
		skip_because("no network namespace can be made here");
	v = wizard_here(*state);
	vt_send(v, ENTER);
	assert_seen(v, "● nodes0");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "10.9.0.1/24");
	assert_seen(v, "Looking for another DHCP server");
	/* Before that is known nothing is proposed, and nothing is gone past. */
	assert_false(vt_find(v, "Who gives the nodes", NULL, NULL));
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "still being looked for");
	assert_seen_slowly(v, "No other DHCP server answers on nodes0.");
	assert_seen(v, "(•) This server gives the addresses");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "How do the nodes get their addresses?");
	wizard_leave(v);
}

static void another_server_is_named_with_its_offer(void **state)
{
	struct room *r = *state;
	struct vt *v;

	if (!able)
		skip_because("no network namespace can be made here");
	serve(r);
	v = wizard_here(r);
	vt_send(v, ENTER);
	assert_seen(v, "● nodes0");
	vt_send(v, PAGE_DOWN);
	assert_seen_slowly(v, "Another DHCP server answers on nodes0");
	assert_seen(v, "10.9.0.7");
	assert_seen(v, "52:54:00:66:00:07");
	assert_seen(v, "10.9.0.50");
	assert_seen(v, "(•) Another DHCP server gives them");
	assert_seen(v, "< Another interface >");
	assert_golden(v, "setup-network-other");
	/* Against advice only with a word. */
	vt_send(v, TAB " ");
	assert_seen(v, "(•) This server gives the addresses");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Stay");
	vt_send(v, "S");
	assert_gone(v, "Stay");
	vt_send(v, " ");
	assert_seen(v, "(•) Another DHCP server gives them");
	/* The third way. */
	vt_send(v, TAB ENTER);
	assert_seen(v, "Which interface leads to the nodes?");
	vt_send(v, PAGE_DOWN);
	assert_seen_slowly(v, "Another DHCP server answers on nodes0");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "How do the nodes get their addresses?");
	wizard_leave(v);
	{
		_cleanup_free_ char *answers = room_read_answers(r);

		assert_non_null(strstr(answers, "\"proxy\""));
	}
}

/* ---- machines that ask -------------------------------------------------------------------------------------------------------- */

static void machines_are_collected_as_they_ask(void **state)
{
	struct room *r = *state;
	struct vt *v;

	if (!able)
		skip_because("no network namespace can be made here");
	room_answers(r, "cluster { name = \"krg\" }\nnetwork \"nodes0\" { address = \"10.9.0.1/24\" }\n"
			"nodes { count = 2 }\n");
	v = wizard_here(r);
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "● nodes0");
	vt_send(v, PAGE_DOWN);
	assert_seen_slowly(v, "No other DHCP server answers on nodes0.");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Collect live");
	/* mode, count, prefix, first address, the buttons */
	vt_send(v, TAB TAB TAB TAB ENTER);
	assert_seen(v, "Machines on nodes0");
	assert_seen(v, "No machine has asked yet.");
	asks("3", "0");
	assert_seen(v, "52:54:00:66:00:03  QEMU");
	assert_seen(v, "BIOS");
	asks("1", "7");
	assert_seen(v, "UEFI");
	asks("2", "0");
	asks("3", "0");
	assert_seen(v, "52:54:00:66:00:02");
	assert_seen(v, "    2"); /* the first has asked twice */
	/* The first and the second in this order; they swap. */
	vt_send(v, ENTER);
	assert_seen(v, "node01");
	vt_send(v, ENTER);
	assert_seen(v, "node02");
	vt_send(v, "k");
	vt_send(v, "K");
	assert_true(vt_settle(v, 200, VT_PATIENCE));
	assert_non_null(strstr(vt_screen(v), "node02"));
	{
		int row, column;

		assert_true(vt_find(v, "52:54:00:66:00:03", &row, &column));
		if (!strstr(vt_row(v, row), "node02"))
			fail_msg("they did not swap:\n%s", vt_screen(v));
	}
	/* The third is taken, and given back, and dropped. */
	vt_send(v, "jj" ENTER);
	assert_seen(v, "node03");
	assert_seen(v, "3 MAC addresses are in the answers.");
	vt_send(v, "u");
	assert_gone(v, "node03");
	vt_send(v, "x");
	assert_gone(v, "52:54:00:66:00:02");
	/* It stays dropped. */
	asks("2", "0");
	assert_true(vt_settle(v, 300, VT_PATIENCE));
	assert_false(vt_find(v, "52:54:00:66:00:02", NULL, NULL));
	/* A name of its own. */
	vt_send(v, "kkn");
	assert_seen(v, "Its name");
	vt_send(v, WIPE "login" ENTER);
	assert_seen(v, "login");
	vt_send(v, "q");
	assert_seen(v, "1 node has a name of its own: login (10.9.0.");
	/* What was heard and dropped is kept. */
	vt_send(v, ENTER);
	assert_seen(v, "Machines on nodes0");
	assert_seen(v, "52:54:00:66:00:03");
	assert_false(vt_find(v, "52:54:00:66:00:02", NULL, NULL));
	vt_send(v, "X");
	assert_seen(v, "52:54:00:66:00:02");
	vt_send(v, "q");
	assert_gone(v, "Machines on nodes0");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Which kernel do the nodes run?");
	wizard_leave(v);
	{
		_cleanup_free_ char *answers = room_read_answers(r);

		assert_non_null(strstr(answers, "52:54:00:66:00:01"));
		assert_non_null(strstr(answers, "52:54:00:66:00:03"));
		assert_null(strstr(answers, "52:54:00:66:00:02"));
		assert_non_null(strstr(answers, "login"));
	}
}

/* ---- the first boot ------------------------------------------------------------------------------------------------------------- */

static struct server server;

/* musterd as the wizard has configured it; waits until it answers. */
static void start_musterd(const struct room *r)
{
	int64_t end = clock_mono_ms() + VT_PATIENCE;

	server = (struct server){ .port = 8066, .at = "10.9.0.1" };
	assert_true(strlen(r->root) < sizeof(server.root));
	snprintf(server.root, sizeof(server.root), "%s", r->root);
	server.pid = fork();
	if (server.pid == 0) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		execl(MUSTER_BUILDDIR "/musterd", "musterd", "--root", r->root, "--interval", "1", "--user",
		      "no-such-user-here", (char *)NULL);
		_exit(127);
	}
	while (get_status(&server, "10.9.0.11", "/health") != 200) {
		assert_true(clock_mono_ms() < end);
		usleep(20000);
	}
}

static int end_musterd(void **state)
{
	if (server.pid > 0)
		server_stop(&server);
	return unplug(state);
}

/* Beside the kernel there are modules now, but none for that card; and that is little memory. */
static void what_the_node_reported_is_held_against_the_answers(const struct room *r)
{
	const char *const argv[] = { MUSTER, "check", "--root", r->root, "-f", r->answers, NULL };
	const struct spawn s = { .argv = argv, .timeout_ms = 20000 };
	_cleanup_close_ int dir = fs_root_open(r->dir);
	_cleanup_free_ char *output = NULL;
	int status = -1;

	assert_int_equal(fs_mkdir_all(dir, "/lib/modules/6.1.0-test", 0755), 0);
	run("depmod", "-b", r->dir, "6.1.0-test");
	assert_int_equal(spawn_run(&s, &status, &output), 0);
	if (status != 0 ||
	    !strstr(output, "kernel 6.1.0-test has no driver for the network card 8086:15f3 of node01") ||
	    !strstr(output, "node01 has 97.7 MiB of memory, and needs about 128.0 MiB"))
		fail_msg("status %d: %s", status, output);
}

static void the_first_boot_is_watched_until_a_node_is_ready(void **state)
{
	struct room *r = *state;
	_cleanup_free_ char *answers = NULL;
	char token[33];
	struct vt *v;

	if (!able || !room_can_apply())
		skip_because("no network namespace can be made here");
	room_kernel(r, "vmlinuz", "6.1.0-test");
	assert_true(
		asprintf(&answers,
			 "cluster { name = \"krg\" }\nboot { kernel = \"%s/vmlinuz\" root = \"initramfs\" }\n"
			 "network \"nodes0\" { address = \"10.9.0.1/24\" }\n"
			 "nodes { count = 2 macs = {\"52:54:00:66:00:01\", \"52:54:00:66:00:02\"} }\n"
			 "access { ssh_keys = {} }\n",
			 r->dir) > 0);
	room_answers(r, answers);
	v = wizard_here(r);
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "● nodes0");
	vt_send(v, PAGE_DOWN);
	assert_seen_slowly(v, "No other DHCP server answers on nodes0.");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "All MAC addresses are known.");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Which kernel do the nodes run?");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Public ssh keys");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "A node root to be built");
	vt_send(v, "a");
	assert_seen(v, "Enter begins.");
	vt_send(v, ENTER);
	assert_seen(v, "All is done.");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Switch the nodes on now.");
	assert_seen(v, "musterd has not answered");
	/* The node's address is this machine's own here, so that its reports can be sent. */
	run("ip", "address", "add", "10.9.0.11/32", "dev", "lo");
	run("ip", "link", "set", "lo", "up");
	start_musterd(r);
	assert_gone(v, "musterd has not answered");
	assert_seen(v, "○ node01");
	assert_seen(v, "○ node02");
	assert_golden(v, "setup-boot");
	client_boot(&server, "10.9.0.11", "/boot.ipxe?mac=52-54-00-66-00-01&platform=pcbios", token);
	assert_seen(v, "◐ node01");
	free(client_report(&server, "10.9.0.11", token, "stage=initramfs\n"));
	assert_seen(v, "initramfs");
	free(client_report(&server, "10.9.0.11", token, "stage=failed\nreason=no driver for it\n"));
	assert_seen(v, "✗ node01");
	assert_seen(v, "no driver for it");
	free(client_report(&server, "10.9.0.11", token,
			   "stage=ready\nkernel=6.1.0-test\nmemory_kb=100000\ncard=8086:15f3\n"));
	assert_seen(v, "node01 is ready: ssh root@node01");
	assert_seen(v, "● node01");
	/* The whole screen for them, and back. */
	vt_send(v, ENTER);
	assert_seen(v, "1 ready");
	vt_send(v, "q");
	assert_seen(v, "node01 is ready: ssh root@node01");
	vt_send(v, "q");
	wizard_ended(v);
	what_the_node_reported_is_held_against_the_answers(r);
	run("ip", "address", "del", "10.9.0.11/32", "dev", "lo");
}

#define PLUGGED(test) cmocka_unit_test_setup_teardown(test, plug, unplug)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLUGGED(interfaces_are_seen_to_come_and_go),
		PLUGGED(silence_is_told_and_this_server_is_proposed),
		cmocka_unit_test_setup_teardown(another_server_is_named_with_its_offer, plug, end_other),
		PLUGGED(machines_are_collected_as_they_ask),
		cmocka_unit_test_setup_teardown(the_first_boot_is_watched_until_a_node_is_ready, plug,
						end_musterd),
	};
	_cleanup_free_ char *ip = spawn_find("ip"), *dnsmasq = spawn_find("dnsmasq");

	able = geteuid() == 0 && ip && dnsmasq && unshare(CLONE_NEWNET) == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
