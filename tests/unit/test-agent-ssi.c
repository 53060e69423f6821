/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the agent reads of the single system image, from made-up trees of /sys/kerrighed and /proc/kerrighed. */
#include "config.h"

#include "tests/unit/agent-inside.h"

#include <signal.h>
#include <sys/wait.h>

#include "agent/report.h"
#include "agent/ssi.h"
#include "agent/wire.h"

#define DEADLINE_MS 20000 /* of reads that come back: never waited for */

static void put_node(struct room *room, const char *subsession)
{
	put(room, "sys/kerrighed/node_id", "2\n");
	put(room, "sys/kerrighed/session_id", "7\n");
	put(room, "sys/kerrighed/subsession_id", subsession);
	put(room, "sys/kerrighed/max_nodes", "256\n");
	put(room, "sys/kerrighed/abi", "14\n");
}

static void put_cluster(struct room *room)
{
	_cleanup_text_ struct text cpuinfo = { 0 };

	for (int i = 0; i < 16; i++)
		text_addf(&cpuinfo, "processor\t: %d\nmodel name\t: a processor of its kind\n\n", i);
	put(room, "proc/kerrighed/nodes/nrnodes", "ONLINE:4\nPRESENT:4\nPOSSIBLE:256\n");
	put(room, "proc/kerrighed/nodes/cluster/cpuinfo", cpuinfo.s);
	put(room, "proc/kerrighed/nodes/cluster/meminfo",
	    "MemTotal:      2033040 kB\nMemFree:       1900000 kB\n");
	put(room, "proc/kerrighed/nodes/cluster/loadavg", "0.31 0.20 0.10 1/240 8388700\n");
}

static void assert_node_of_four(struct room *room)
{
	struct ssi_probe probe = { .merged = true };
	struct ssi s;

	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.node_id, 2);
	assert_int_equal(s.session_id, 7);
	assert_int_equal(s.subsession_id, 1);
	assert_int_equal(s.max_nodes, 256);
	assert_string_equal(s.abi, "14");
	assert_int_equal(s.online, 4);
	assert_int_equal(s.present, 4);
	assert_int_equal(s.possible, 256);
	assert_int_equal(s.processors, 16);
	assert_int_equal(s.memory_kb, 2033040);
	assert_int_equal(s.memory_free_kb, 1900000);
	assert_string_equal(s.load, "0.31");
	assert_string_equal(s.stuck, "");
	assert_int_equal(probe.child, 0);
}

static void a_node_of_four_reads_the_merged_machine(void **state)
{
	struct room *room = *state;

	put_node(room, "1\n");
	put_cluster(room);
	assert_node_of_four(room);
}

/* Where the kernel's own /proc is merged, the nodes have their folder beside it. */
static void in_a_container_the_merged_machine_is_asked_of_it(void **state)
{
	struct room *room = *state;
	pid_t inside;

	put_node(room, "1\n");
	put(room, "sys/kerrighed/hotplug/isolate_uts", "1");
	put_cluster(room);
	assert_int_equal(renameat(room->at, "proc/kerrighed/nodes", room->at, "proc/nodes"), 0);
	inside = start_inside(room, NULL);
	wait_for_inside(room);
	assert_node_of_four(room);
	end_inside(inside);
}

static void without_its_container_a_node_knows_no_merged_machine(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;

	put_node(room, "1\n");
	put(room, "sys/kerrighed/hotplug/isolate_uts", "1");
	put_cluster(room);
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.online, 4);
	assert_int_equal(s.processors, 0);
	assert_int_equal(s.memory_kb, 0);
	assert_string_equal(s.stuck, "");
}

static void who_is_not_to_tell_of_the_merged_machine_does_not_look_at_it(void **state)
{
	struct ssi_probe probe = { .merged = false };
	struct room *room = *state;
	struct ssi s;

	put_node(room, "1\n");
	put_cluster(room);
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.online, 4);
	assert_int_equal(s.subsession_id, 1);
	assert_int_equal(s.processors, 0);
	assert_string_equal(s.load, "");
}

static void before_the_start_nothing_merged_is_asked_for(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;

	put_node(room, "-1\n");
	put_cluster(room);
	put(room, "proc/kerrighed/nodes/nrnodes", "ONLINE:0\nPRESENT:4\nPOSSIBLE:256\n");
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.subsession_id, -1);
	assert_int_equal(s.online, 0);
	assert_int_equal(s.present, 4);
	assert_int_equal(s.processors, 0);
	assert_int_equal(s.memory_kb, 0);
	assert_string_equal(s.load, "");
}

static void more_online_than_present_is_told_as_it_is(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;

	put_node(room, "1\n");
	put_cluster(room);
	put(room, "proc/kerrighed/nodes/nrnodes", "ONLINE:4\nPRESENT:3\nPOSSIBLE:256\n");
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.online, 4);
	assert_int_equal(s.present, 3);
}

static void a_common_kernel_has_no_single_system(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s = { .node_id = 77 };

	assert_false(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	put(room, "sys/kerrighed", "a file\n");
	assert_false(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.node_id, 77);
}

static void what_cannot_be_read_is_left_unknown(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;

	put(room, "sys/kerrighed/node_id", "two\n");
	put(room, "sys/kerrighed/session_id", "\n");
	put(room, "sys/kerrighed/subsession_id", "1\n");
	put(room, "sys/kerrighed/abi", "a word that is longer than any of them could ever be in earnest\n");
	put(room, "proc/kerrighed/nodes/nrnodes", "ONLINE\nPRESENT:x\n\nONLINE:99999999999999999999");
	put(room, "proc/kerrighed/nodes/cluster/meminfo", "nothing\n");
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.node_id, -1);
	assert_int_equal(s.session_id, -1);
	assert_int_equal(s.subsession_id, 1);
	assert_string_equal(s.abi, "");
	assert_int_equal(s.present, 0);
	assert_int_equal(s.online, 0);
	assert_int_equal(s.processors, 0);
	assert_int_equal(s.memory_kb, 0);
}

/* A report with a number of no sense would be refused whole. */
static void numbers_of_no_sense_are_left_out(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;

	put_node(room, "-7\n");
	put(room, "proc/kerrighed/nodes/nrnodes", "ONLINE:99999999999999999999\nPRESENT:2\n");
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.subsession_id, -1);
	assert_int_equal(s.online, 0);
	put_node(room, "1\n");
	put_cluster(room);
	put(room, "proc/kerrighed/nodes/cluster/loadavg", "nan 0.20 0.10 1/240 8388700\n");
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_string_equal(s.load, "");
	assert_int_equal(s.processors, 16);
	assert_true(facts_is_load("0.02") && facts_is_load("999999.999999"));
	assert_false(facts_is_load("") || facts_is_load("-1.00") || facts_is_load("1234567.00") ||
		     facts_is_load("1") || facts_is_load("1.") || facts_is_load("1.0x") ||
		     facts_is_load("inf"));
}

static void make_hang(struct room *room, const char *path)
{
	unlinkat(room->at, path, 0);
	assert_int_equal(mkfifoat(room->at, path, 0600), 0);
}

static long long long_ago(void)
{
	return now_ms() - SSI_PATIENCE_MS - 1;
}

/* Nobody ever writes into the pipe: reading it does not come back. */
static void a_read_that_hangs_costs_its_deadline_and_no_more(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	long long start = now_ms();
	struct ssi s;

	probe.slow_since = long_ago();
	put_node(room, "1\n");
	put_cluster(room);
	make_hang(room, "proc/kerrighed/nodes/cluster/cpuinfo");
	assert_true(ssi_read(room->at, 100, &probe, &s));
	assert_true(now_ms() - start >= 100);
	assert_true(now_ms() - start < 10000);
	assert_string_equal(s.stuck, "/proc/kerrighed/nodes/cluster/cpuinfo");
	assert_int_equal(s.online, 4);
	assert_int_equal(s.node_id, 2);
	assert_int_equal(s.memory_kb, 0);
	/* Its child could be killed, so the next read begins anew. */
	assert_int_equal(probe.child, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	put_cluster(room);
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_string_equal(s.stuck, "");
	assert_int_equal(s.memory_kb, 2033040);
}

static void a_hanging_container_is_told_by_what_it_reads(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;
	pid_t inside;

	put_node(room, "1\n");
	put(room, "sys/kerrighed/hotplug/isolate_uts", "1");
	put_cluster(room);
	probe.slow_since = long_ago();
	make_hang(room, "proc/kerrighed/nodes/cluster/meminfo");
	inside = start_inside(room, NULL);
	wait_for_inside(room);
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_string_equal(s.stuck, "/proc/kerrighed/nodes/cluster");
	assert_int_equal(s.online, 4);
	assert_int_equal(s.processors, 0);
	end_inside(inside);
}

static void a_slow_read_is_told_when_it_has_been_slow_for_long(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;

	put_node(room, "1\n");
	put_cluster(room);
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	make_hang(room, "proc/kerrighed/nodes/cluster/cpuinfo");
	for (int i = 0; i < 2; i++) {
		assert_true(ssi_read(room->at, 50, &probe, &s));
		assert_string_equal(s.stuck, "");
		assert_int_equal(s.processors, 16);
		assert_int_equal(s.memory_kb, 2033040);
		assert_string_equal(s.load, "0.31");
	}
	probe.slow_since = long_ago();
	assert_true(ssi_read(room->at, 50, &probe, &s));
	assert_string_equal(s.stuck, "/proc/kerrighed/nodes/cluster/cpuinfo");
	put_cluster(room);
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(probe.slow_since, 0);
}

static void when_the_first_read_hangs_only_that_is_known(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;

	put_node(room, "1\n");
	make_hang(room, "sys/kerrighed/node_id");
	assert_true(ssi_read(room->at, 50, &probe, &s));
	assert_string_equal(s.stuck, "/sys/kerrighed/node_id");
	assert_int_equal(s.node_id, -1);
	assert_int_equal(s.subsession_id, -1);
}

/* A child that only the test can end stands for one that nobody can. */
static void beside_a_child_that_is_stuck_no_other_is_started(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;
	pid_t pid;

	put_node(room, "1\n");
	put_cluster(room);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	assert_true(pid > 0);
	probe = (struct ssi_probe){ .child = pid,
				    .last = { .node_id = 9, .stuck = "/proc/x" },
				    .slow_since = long_ago() };
	for (int i = 0; i < 3; i++) {
		assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
		assert_int_equal(s.node_id, 9);
		assert_string_equal(s.stuck, "/proc/x");
		assert_int_equal(probe.child, pid);
	}
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* Buried by another part of this program: that is seen, too. */
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.node_id, 2);
	assert_string_equal(s.stuck, "");
	assert_int_equal(probe.child, 0);
}

static void a_report_says_what_is_known_of_it(void **state)
{
	const struct ssi s = { .node_id = 2,
			       .session_id = 7,
			       .subsession_id = 1,
			       .max_nodes = 256,
			       .abi = "14",
			       .online = 4,
			       .present = 4,
			       .possible = 256,
			       .processors = 16,
			       .memory_kb = 2033040,
			       .memory_free_kb = 1900000,
			       .load = "0.31" };
	const struct ssi off = { .node_id = -1, .session_id = -1, .subsession_id = -1, .stuck = "/proc/x" };
	const struct facts f = { .uptime_ms = 1 };
	_cleanup_free_ char *body = NULL, *less = NULL, *none = NULL;
	size_t len;

	assert_int_equal(report_body(&(struct report){ .stage = "ready", .ssi = &s }, &f, &body, &len), 0);
	assert_non_null(strstr(body, "\nssi_subsession=1\nssi_session=7\nssi_node=2\nssi_max_nodes=256\n"
				     "ssi_abi=14\nssi_online=4\nssi_present=4\nssi_possible=256\n"
				     "ssi_processors=16\nssi_memory_kb=2033040\nssi_memory_free_kb=1900000\n"
				     "ssi_load=0.31\n"));
	assert_null(strstr(body, "ssi_stuck"));
	assert_int_equal(report_body(&(struct report){ .stage = "ready", .ssi = &off }, &f, &less, &len), 0);
	assert_non_null(strstr(less, "\nssi_subsession=-1\nssi_stuck=/proc/x\n"));
	assert_null(strstr(less, "ssi_session"));
	assert_int_equal(report_body(&(struct report){ .stage = "ready" }, &f, &none, &len), 0);
	assert_null(strstr(none, "ssi_"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(a_node_of_four_reads_the_merged_machine),
		IN_ROOM(in_a_container_the_merged_machine_is_asked_of_it),
		IN_ROOM(without_its_container_a_node_knows_no_merged_machine),
		IN_ROOM(who_is_not_to_tell_of_the_merged_machine_does_not_look_at_it),
		IN_ROOM(before_the_start_nothing_merged_is_asked_for),
		IN_ROOM(more_online_than_present_is_told_as_it_is),
		IN_ROOM(a_common_kernel_has_no_single_system),
		IN_ROOM(what_cannot_be_read_is_left_unknown),
		IN_ROOM(numbers_of_no_sense_are_left_out),
		IN_ROOM(a_read_that_hangs_costs_its_deadline_and_no_more),
		IN_ROOM(a_hanging_container_is_told_by_what_it_reads),
		IN_ROOM(a_slow_read_is_told_when_it_has_been_slow_for_long),
		IN_ROOM(when_the_first_read_hangs_only_that_is_known),
		IN_ROOM(beside_a_child_that_is_stuck_no_other_is_started),
		cmocka_unit_test(a_report_says_what_is_known_of_it),
	};

	return cmocka_run_group_tests_name("agent-ssi", tests, NULL, NULL);
}
