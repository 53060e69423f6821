/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the agent reads of the processes of the single system, on a made-up /proc. */
#include "config.h"

#include "tests/unit/agent-room.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "agent/command.h"
#include "agent/facts.h"
#include "agent/inside.h"
#include "agent/processes.h"
#include "agent/report.h"
#include "agent/steps.h"

#define DEADLINE_MS 30000
#define PID(node, n) ((node) << 22 | 1 << 21 | (n))

/* As the kernel writes it: the name, the state, the ticks, the map's size, the pages, the processor. */
static void put_process(struct room *room, unsigned pid, const char *name, char state, unsigned long ticks,
			unsigned long size, unsigned long pages, unsigned processor)
{
	_cleanup_text_ struct text path = { 0 }, stat = { 0 };

	text_addf(&path, "proc/%u/stat", pid);
	text_addf(&stat,
		  "%u (%s) %c 1 1 1 0 -1 4202496 10 0 0 0 %lu 2 0 0 20 0 1 0 300 %lu %lu "
		  "18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 %u 0 0 0 0 0\n",
		  pid, name, state, ticks, size, pages, processor);
	put(room, path.s, stat.s);
}

static void put_machine(struct room *room)
{
	put(room, "run/muster/node.conf", "");
	put(room, "sys/devices/system/cpu/kernel_max", "7\n");
	put(room, "proc/meminfo", "MemTotal: 1 kB\n");
}

/* The list without its first line; how many there are is asserted. */
static char *list(struct room *room, bool kernel, unsigned total)
{
	struct text out = { 0 };
	unsigned long long at;
	unsigned n = 0;
	char *line;

	assert_int_equal(processes_list(room->at, DEADLINE_MS, kernel, &out), 0);
	assert_int_equal(sscanf(out.s, "%llu %u\n", &at, &n), 2);
	assert_int_equal(n, total);
	assert_true(at > 0 && at <= (unsigned long long)now_ms());
	line = strchr(out.s, '\n') + 1;
	memmove(out.s, line, strlen(line) + 1);
	return out.s;
}

static void each_process_is_told_with_its_node_and_those_that_run_come_first(void **state)
{
	_cleanup_free_ char *some = NULL, *all = NULL;
	struct room *room = *state;

	put_machine(room);
	put_process(room, PID(1, 5), "sh", 'S', 500, 4096000, 300, 8);
	put_process(room, PID(1, 6), "spin", 'R', 98, 4096000, 100, 5 * 8 + 3);
	put_process(room, PID(2, 1), "kswapd0", 'S', 0, 0, 0, 16);
	put_process(room, PID(2, 2), "gone", 'Z', 8, 0, 0, 17);
	some = list(room, false, 3);
	assert_string_equal(some, "6291462 5 R 0 1000 400 spin\n6291461 1 S 0 5020 1200 sh\n"
				  "10485762 2 Z 0 100 0 gone\n");
	all = list(room, true, 4);
	assert_non_null(strstr(all, "10485761 2 Sk 0 20 0 kswapd0\n"));
}

static void a_kernel_that_does_not_tell_its_processors_leaves_the_node_unknown(void **state)
{
	_cleanup_free_ char *s = NULL;
	struct room *room = *state;

	put(room, "run/muster/node.conf", "");
	put_process(room, PID(1, 5), "sh", 'S', 0, 4096, 1, 8);
	s = list(room, false, 1);
	assert_string_equal(s, "6291461 -1 S 0 20 4 sh\n");
}

static void a_name_does_no_harm_and_a_broken_file_is_no_process(void **state)
{
	_cleanup_free_ char *s = NULL;
	struct room *room = *state;

	put_machine(room);
	put_process(room, PID(1, 5), "a) R 1\n\033[2J \\b", 'S', 0, 4096, 1, 8);
	put_process(room, PID(1, 6), "a name that is longer than any of the kernel's", 'S', 0, 4096, 1, 8);
	put(room, "proc/77/stat", "77 (x) R 1 2 3\n");
	put(room, "proc/78/stat", "");
	put(room, "proc/79/cmdline", "no stat");
	put(room, "proc/self/stat", "1 (self) R 1\n");
	s = list(room, false, 2);
	assert_non_null(strstr(s, "6291461 1 S 0 20 4 a) R 1??[2J \\b\n"));
	assert_non_null(strstr(s, "6291462 1 S 0 20 4 a name that is longer than any \n"));
}

static void of_many_the_busiest_are_told_and_all_are_counted(void **state)
{
	_cleanup_free_ char *s = NULL;
	struct room *room = *state;
	size_t lines = 0;

	put_machine(room);
	for (unsigned i = 1; i <= PROCESSES_MAX + 60; i++)
		put_process(room, PID(1, i), "p", 'S', i * 1000, 4096, 1, 8);
	put_process(room, PID(3, 1), "newest", 'R', 0, 4096, 1, 24);
	s = list(room, false, PROCESSES_MAX + 61);
	for (const char *p = s; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, PROCESSES_MAX);
	assert_true(strlen(s) < PROCESSES_BYTES);
	assert_int_equal(strncmp(s, "14680065 3 R ", 13), 0);
	assert_non_null(strstr(s, "\n6291756 1 S 0 3000020 "));
	assert_null(strstr(s, "\n6291457 1 "));
}

/* Reading a FIFO does not come back, as reading /proc does in a broken single system; but this reader can be killed. */
static void a_look_that_hangs_is_ended_in_time(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;
	long long start = now_ms();

	put_machine(room);
	put_process(room, PID(1, 5), "sh", 'S', 0, 4096, 1, 8);
	assert_int_equal(mkdirat(room->at, "proc/9", 0755), 0);
	assert_int_equal(mkfifoat(room->at, "proc/9/stat", 0600), 0);
	assert_int_equal(processes_list(room->at, 200, false, &out), COMMAND_TIMEOUT);
	assert_string_equal(out.s, "reading /proc does not come back\n");
	assert_true(now_ms() - start < DEADLINE_MS);
	/* It is not there any more: the next one may look. */
	assert_int_equal(unlinkat(room->at, "proc/9/stat", 0), 0);
	text_free(&out);
	assert_int_equal(processes_list(room->at, DEADLINE_MS, false, &out), 0);
}

static void while_one_hangs_no_other_is_begun(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;
	_cleanup_close_ int lock = -1;

	put_machine(room);
	lock = openat(room->at, "run/muster/ssi-ps.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(processes_list(room->at, DEADLINE_MS, false, &out), COMMAND_TIMEOUT);
	assert_string_equal(out.s, "an earlier reading of /proc still hangs\n");
}

static void the_container_is_asked_where_there_is_one(void **state)
{
	const struct steps_env env = { .self = "/init" };
	_cleanup_text_ struct text none = { 0 }, out = { 0 };
	long long deadline = now_ms() + DEADLINE_MS;
	struct steps_env here = env;
	struct room *room = *state;
	pid_t pid;

	here.at = room->at;
	put_machine(room);
	put_process(room, PID(1, 5), "sh", 'S', 0, 4096, 1, 8);
	put_process(room, PID(1, 6), "kthreadd", 'S', 0, 0, 0, 8);
	put(room, "sys/kerrighed/hotplug/isolate_uts", "");
	assert_true(steps_know("ssi-ps", "0"));
	assert_false(steps_know("ssi-ps", ""));
	assert_int_equal(steps_run(&here, "ssi-ps", "0", &none), COMMAND_MISSING);
	pid = fork();
	if (pid == 0)
		_exit(inside_serve(room->at, NULL) < 0);
	assert_true(pid > 0);
	while (!inside_answers(room->at)) {
		assert_true(now_ms() < deadline);
		poll(NULL, 0, 10);
	}
	assert_int_equal(steps_run(&here, "ssi-ps", "1", &out), 0);
	assert_non_null(strstr(out.s, " 2\n"));
	assert_non_null(strstr(out.s, "Sk 0 20 0 kthreadd\n"));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void wait_for_list(struct room *room, struct report_state *s)
{
	long long deadline = now_ms() + DEADLINE_MS;

	while (!report_list(room->at, s)) {
		assert_true(now_ms() < deadline);
		poll(NULL, 0, 10);
	}
}

static void it_is_told_as_long_as_the_server_asks(void **state)
{
	struct report_state s = { .interval = 10 };
	_cleanup_free_ char *body = NULL;
	const struct facts f = { 0 };
	struct room *room = *state;
	size_t len;

	put_machine(room);
	put_process(room, PID(1, 5), "a\\b", 'S', 0, 4096, 1, 8);
	assert_false(report_list(room->at, &s));
	assert_int_equal(report_wait_ms(&s, 10000), 10000);
	report_obey("processes=2\n", &s);
	assert_false(report_list(room->at, &s));
	assert_int_equal(s.list.id, 0);
	report_obey("processes=0\n", &s);
	assert_int_equal(report_wait_ms(&s, 10000), 0);
	assert_false(report_list(room->at, &s));
	assert_int_equal(report_wait_ms(&s, 10000), JOB_LOOK_MS);
	wait_for_list(room, &s);
	assert_int_equal(report_body(&(struct report){ .stage = "ready", .list = &s.list }, &f, &body, &len),
			 0);
	assert_non_null(strstr(body, "\nprocesses_status=0\nprocesses="));
	assert_non_null(strstr(body, " 1\\n6291461 1 S 0 20 4 a\\\\b\\n\n"));
	job_reported(&s.list);
	/* The next look is due two seconds after the last one. */
	assert_false(report_list(room->at, &s));
	assert_int_equal(s.list.id, 0);
	assert_in_range(report_wait_ms(&s, 10000), 1, 2000);
	s.list_due = now_ms();
	assert_false(report_list(room->at, &s));
	assert_int_equal(s.list.id, 1);
	wait_for_list(room, &s);
	job_reported(&s.list);
	/* An answer that does not ask ends it. */
	report_obey("", &s);
	s.list_due = now_ms();
	assert_false(report_list(room->at, &s));
	assert_int_equal(s.list.id, 0);
}

static void a_list_is_cut_where_the_report_is_full(void **state)
{
	_cleanup_text_ struct text t = { 0 };
	struct job list = { .id = 1, .done = true };
	_cleanup_free_ char *body = NULL;
	const struct facts f = { 0 };
	size_t len;

	for (int i = 0; i < 500; i++)
		text_addf(&t, "%d 1 S 0 20 4 \\\\\\\\\\\\\\\\\\\\\\\\\\\\\n", 6291461 + i);
	list.output = t.s;
	assert_int_equal(report_body(&(struct report){ .stage = "ready", .list = &list }, &f, &body, &len),
			 0);
	assert_in_range(len, WIRE_REPORT_MAX - 900, WIRE_REPORT_MAX);
	assert_int_equal(strcmp(body + len - 5, "\\\\\\n\n"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(each_process_is_told_with_its_node_and_those_that_run_come_first),
		IN_ROOM(a_kernel_that_does_not_tell_its_processors_leaves_the_node_unknown),
		IN_ROOM(a_name_does_no_harm_and_a_broken_file_is_no_process),
		IN_ROOM(of_many_the_busiest_are_told_and_all_are_counted),
		IN_ROOM(a_look_that_hangs_is_ended_in_time),
		IN_ROOM(while_one_hangs_no_other_is_begun),
		IN_ROOM(the_container_is_asked_where_there_is_one),
		IN_ROOM(it_is_told_as_long_as_the_server_asks),
		cmocka_unit_test(a_list_is_cut_where_the_report_is_full),
	};

	return cmocka_run_group_tests_name("agent-processes", tests, NULL, NULL);
}
