/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether the agent tells a single system that works from one that does not, and its schedulers; scripts are in the place of
 * Kerrighed's tools, and folders in that of configfs. */
#include "config.h"

#include "tests/unit/agent-room.h"

#include <errno.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "agent/command.h"
#include "agent/inside.h"
#include "agent/probe.h"
#include "agent/scheduler.h"
#include "agent/steps.h"

#define DEADLINE_MS 60000
#define SCHED "config/krg_scheduler/"
/* Where it runs is what the script writes; node N has the processors 8N to 8N + 7. Field 39 is the processor. */
#define MIGRATE                                                                                            \
	"echo \"$@\" >>moved; mkdir -p proc/$1; zeros=; i=0; while [ $i -lt 35 ]; do zeros=\"$zeros 0\"; " \
	"i=$((i+1)); done; echo \"$1 (m) S$zeros $(($2*8+3)) 0 0\" >proc/$1/stat"

static int refuse_mount(const char *target, const char *type)
{
	return -ENODEV;
}

static void put_tool(struct room *room, const char *path, const char *script)
{
	_cleanup_text_ struct text t = { 0 };

	text_addf(&t, "#!/bin/sh\n%s\n", script);
	assert_int_equal(place_text(room->at, path, t.s, 0755), 0);
}

static void put_node(struct room *room, const char *migrate)
{
	put(room, "sys/kerrighed/node_id", "2\n");
	put(room, "sys/devices/system/cpu/kernel_max", "7\n");
	put(room, "proc/empty", "");
	put_tool(room, "bin/krgcapset", "echo \"$@\" >>allowed");
	put_tool(room, "bin/migrate", migrate);
}

static int run(struct room *room, const char *word, const char *args, struct text *out)
{
	const struct steps_env env = { .at = room->at, .self = "/init", .mount = refuse_mount };

	assert_true(steps_know(word, args));
	return steps_run(&env, word, args, out);
}

/* Its line without the time that it took: "leave 0", "result 1 its result is wrong"; "" for none. */
static const char *part(const struct text *out, const char *name)
{
	static char line[200];
	size_t len = strlen(name);

	line[0] = '\0';
	for (const char *p = out->s; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, len) == 0 && p[len] == ' ')
			snprintf(line, sizeof(line), "%s%.*s", name,
				 (int)strcspn(p + len + 1, "\n") - (int)strcspn(p + len + 1, " "),
				 p + len + 1 + strcspn(p + len + 1, " "));
	}
	return line;
}

static void a_single_system_that_works_passes_all_parts(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	_cleanup_free_ char *moved = NULL, *allowed = NULL;
	struct room *room = *state;

	put_node(room, MIGRATE);
	assert_int_equal(run(room, "ssi-probe", "1,2,3", &out), 0);
	assert_string_equal(part(&out, "leave"), "leave 0");
	assert_string_equal(part(&out, "return"), "return 0");
	assert_string_equal(part(&out, "result"), "result 0");
	assert_string_equal(part(&out, "shared"), "shared 0");
	/* There, back, and there again. */
	moved = get(room, "moved");
	assert_non_null(strstr(moved, " 3\n"));
	assert_non_null(strstr(moved, " 2\n"));
	allowed = get(room, "allowed");
	assert_int_equal(strncmp(allowed, "-k ", 3), 0);
	assert_non_null(strstr(allowed, " -e +CAN_MIGRATE\n"));
}

static void it_runs_in_the_container_of_the_third_generation(void **state)
{
	_cleanup_text_ struct text none = { 0 }, out = { 0 };
	struct room *room = *state;
	long long end = now_ms() + DEADLINE_MS;
	pid_t pid;

	put_node(room, MIGRATE);
	put(room, "sys/kerrighed/hotplug/cluster_init_helper", "");
	put(room, "run/muster/node.conf", "");
	assert_int_equal(run(room, "ssi-probe", "2,5", &none), COMMAND_MISSING);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(inside_serve(room->at, NULL) < 0);
	}
	while (!inside_answers(room->at))
		assert_true(now_ms() < end);
	assert_int_equal(run(room, "ssi-probe", "2,5", &out), 0);
	assert_string_equal(part(&out, "shared"), "shared 0");
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_process_that_does_not_move_is_told(void **state)
{
	_cleanup_text_ struct text stays = { 0 }, refused = { 0 }, lost = { 0 }, alone = { 0 };
	struct room *room = *state;

	put_node(room, "echo no such node >&2; exit 3");
	assert_int_equal(run(room, "ssi-probe", "2,3", &refused), 3);
	assert_string_equal(part(&refused, "leave"), "leave 3 no such node");
	assert_string_equal(part(&refused, "return"), "");
	assert_string_equal(part(&refused, "shared"), "");
	/* The tool says that it did it, and it did not. */
	put_tool(room, "bin/migrate", "set -- $1 2; " MIGRATE);
	assert_int_equal(run(room, "ssi-probe", "2,3", &stays), 1);
	assert_string_equal(part(&stays, "leave"), "leave 1 it runs on node 2 and not on node 3");
	put_tool(room, "bin/migrate", "kill -9 $1");
	assert_int_equal(run(room, "ssi-probe", "2,3", &lost), 1);
	assert_string_equal(run(room, "ssi-probe", "2", &alone) == 1 ? part(&alone, "leave") : "",
			    "leave 1 there is no other node");
}

static void what_comes_back_with_another_result_is_told(void **state)
{
	_cleanup_text_ struct text wrong = { 0 }, gone = { 0 };
	struct room *room = *state;

	/* What it says first counts: 16 bytes, of a plausible number of rounds. */
	put_node(room, MIGRATE "; printf '\\003\\0\\0\\0\\0\\0\\0\\0abcdefgh' >/proc/$1/fd/1");
	assert_int_equal(run(room, "ssi-probe", "2,3", &wrong), 1);
	assert_string_equal(part(&wrong, "return"), "return 0");
	assert_string_equal(part(&wrong, "result"), "result 1 its result is wrong");
	assert_string_equal(part(&wrong, "shared"), "");
	put_tool(room, "bin/migrate", MIGRATE "; [ $2 != 2 ] || kill -9 $1");
	assert_int_equal(run(room, "ssi-probe", "2,3", &gone), 1);
	assert_string_equal(part(&gone, "result"), "result 1 it ended without a result");
}

static void shared_memory_that_is_not_shared_is_told(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;

	/* Only the second process, which is moved once, is made to say what was never written. */
	put_node(room, MIGRATE "; echo >>moves; [ $(wc -l <moves) != 3 ] || "
			       "printf '\\001\\0\\0\\0\\0\\0\\0\\0abcdefgh' >/proc/$1/fd/1");
	assert_int_equal(run(room, "ssi-probe", "2,3", &out), 1);
	assert_string_equal(part(&out, "result"), "result 0");
	assert_string_equal(part(&out, "shared"), "shared 1 it read something else than was written");
}

/* 2.6.20 does not tell how many processor numbers a node has: that follows from where this process is, on its first one. */
static void put_place(struct room *room, int processor)
{
	_cleanup_text_ struct text stat = { 0 };

	text_addf(&stat, "1 (probe) R");
	for (int i = 4; i < 39; i++)
		text_addf(&stat, " 0");
	text_addf(&stat, " %d 0 0\n", processor);
	put(room, "proc/self/stat", stat.s);
	unlinkat(room->at, "sys/devices/system/cpu/kernel_max", 0);
}

static void an_older_kernel_says_by_its_numbers_where_a_process_is(void **state)
{
	_cleanup_text_ struct text out = { 0 }, stays = { 0 };
	struct room *room = *state;

	put_node(room, MIGRATE);
	put_place(room, 16);
	assert_int_equal(run(room, "ssi-probe", "1,2,3", &out), 0);
	assert_string_equal(part(&out, "leave"), "leave 0");
	assert_string_equal(part(&out, "shared"), "shared 0");
	put_tool(room, "bin/migrate", "set -- $1 2; " MIGRATE);
	assert_int_equal(run(room, "ssi-probe", "2,3", &stays), 1);
	assert_string_equal(part(&stays, "leave"), "leave 1 it runs on node 2 and not on node 3");
}

static void where_no_kernel_tells_the_place_the_rest_is_tried_all_the_same(void **state)
{
	_cleanup_text_ struct text out = { 0 }, refused = { 0 }, gone = { 0 };
	struct room *room = *state;

	put_node(room, MIGRATE);
	put_place(room, 1);
	assert_int_equal(run(room, "ssi-probe", "1,2,3", &out), 0);
	assert_string_equal(part(&out, "leave"), "leave 0 the kernel does not tell where a process is");
	assert_string_equal(part(&out, "return"), "return 0 the kernel does not tell where a process is");
	assert_string_equal(part(&out, "result"), "result 0");
	assert_string_equal(part(&out, "shared"), "shared 0");
	put_tool(room, "bin/migrate", "echo no such node >&2; exit 3");
	assert_int_equal(run(room, "ssi-probe", "2,3", &refused), 3);
	assert_string_equal(part(&refused, "leave"), "leave 3 no such node");
	put_tool(room, "bin/migrate", "[ $2 != 2 ] || kill -9 $1");
	assert_int_equal(run(room, "ssi-probe", "2,3", &gone), 1);
	assert_string_equal(part(&gone, "result"), "result 1 it ended without a result");
}

/* What a test that was ended in the middle leaves behind lasts until the next one. */
static void shared_memory_that_was_left_behind_goes(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;
	int left = shmget(PROBE_SHARED_KEY, 4096, IPC_CREAT | 0600);
	struct shmid_ds is;

	assert_true(left >= 0);
	put_node(room, MIGRATE);
	assert_int_equal(run(room, "ssi-probe", "2,3", &out), 0);
	assert_string_equal(part(&out, "shared"), "shared 0");
	assert_int_equal(shmctl(left, IPC_STAT, &is), -1);
	assert_int_equal(shmget(PROBE_SHARED_KEY, 0, 0), -1);
}

static int hang(int at, const char *args, int out)
{
	int r = write_all(out, "begun\n", 6);

	while (r == 0)
		pause();
	return r;
}

static void a_call_that_hangs_is_ended_with_what_it_has_said(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;

	assert_int_equal(command_call(room->at, hang, "", now_ms() + 300, &out), COMMAND_TIMEOUT);
	assert_string_equal(out.s, "begun\nit did not end in time\n");
}

/* ---- schedulers ---------------------------------------------------------------------------------------------- */

static void assert_there(struct room *room, const char *path, bool there)
{
	struct stat st;

	assert_int_equal(fstatat(room->at, path, &st, AT_SYMLINK_NOFOLLOW), there ? 0 : -1);
}

/* Kerrighed's program, as this kernel without its modules would let it: two schedulers and a probe. */
#define SETS_UP "cd " SCHED " && mkdir -p schedulers/rr/process_set schedulers/even probes/load && echo done"

static void the_schedulers_are_set_up_and_taken_away(void **state)
{
	_cleanup_text_ struct text none = { 0 }, some = { 0 }, now = { 0 }, all = { 0 }, off = { 0 };
	_cleanup_free_ char *nodes = NULL, *fit = NULL;
	struct room *room = *state;

	put(room, SCHED "schedulers/.keep", "");
	put(room, SCHED "probes/.keep", "");
	put_tool(room, "bin/krg_legacy_scheduler", "echo >>began; " SETS_UP);
	assert_int_equal(run(room, "ssi-scheduler", "2", &none), 0);
	assert_null(none.s);
	assert_there(room, "began", false);
	assert_int_equal(run(room, "ssi-scheduler", "1 1-3,5", &some), 0);
	assert_non_null(strstr(some.s, "rr 1-3,5\n"));
	assert_non_null(strstr(some.s, "even 1-3,5\n"));
	assert_null(strstr(some.s, "done"));
	nodes = get(room, SCHED "schedulers/rr/node_set");
	assert_string_equal(nodes, "1-3,5");
	assert_int_equal(run(room, "ssi-scheduler", "2", &now), 0);
	assert_string_equal(now.s, some.s);
	/* Once more, for all nodes: what is there stays, and is not set up again. */
	assert_int_equal(unlinkat(room->at, "began", 0), 0);
	assert_int_equal(run(room, "ssi-scheduler", "1", &all), 0);
	assert_there(room, "began", false);
	fit = get(room, SCHED "schedulers/even/node_set_max_fit");
	assert_string_equal(fit, "1\n");
	assert_int_equal(run(room, "ssi-scheduler", "0", &off), 0);
	assert_null(off.s);
	assert_there(room, SCHED "schedulers/rr", false);
	assert_there(room, SCHED "schedulers/even", false);
	assert_there(room, SCHED "probes/load", false);
}

/* The program reads the load of a single process as only some shells can; with the others it writes 0. */
static void a_threshold_of_nothing_is_mended(void **state)
{
	static const char way[] =
		"schedulers/mosix/mosix_load_balancer/local_load/freq_limit_filter/threshold_filter";
	_cleanup_text_ struct text script = { 0 }, on = { 0 };
	_cleanup_free_ char *mended = NULL, *kept = NULL;
	struct room *room = *state;
	char path[200];

	snprintf(path, sizeof(path), SCHED "%s/threshold", way);
	put(room, SCHED "schedulers/.keep", "");
	put(room, SCHED "probes/mosix_probe/norm_single_process_load/value", "1000\n");
	text_addf(&script, "cd " SCHED " && mkdir -p %s && echo ${THRESHOLD-0} >%s/threshold", way, way);
	put_tool(room, "bin/krg_legacy_scheduler", script.s);
	assert_int_equal(run(room, "ssi-scheduler", "1", &on), 0);
	mended = get(room, path);
	assert_string_equal(mended, "1500\n");
	/* What has a value keeps it. */
	assert_int_equal(unlinkat(room->at, path, 0), 0);
	put(room, SCHED "schedulers/.keep", "");
	assert_int_equal(run(room, "ssi-scheduler", "0", &on), 0);
	put(room, SCHED "probes/mosix_probe/norm_single_process_load/value", "1000\n");
	assert_int_equal(setenv("THRESHOLD", "7", 1), 0);
	assert_int_equal(run(room, "ssi-scheduler", "1", &on), 0);
	unsetenv("THRESHOLD");
	kept = get(room, path);
	assert_string_equal(kept, "7\n");
}

static void what_keeps_schedulers_from_being_set_up_is_told(void **state)
{
	_cleanup_text_ struct text kernel = { 0 }, tool = { 0 }, half = { 0 }, nothing = { 0 };
	struct room *room = *state;

	assert_int_equal(run(room, "ssi-scheduler", "1", &kernel), 1);
	assert_string_equal(kernel.s, "this kernel has no schedulers on /config\n");
	put(room, SCHED "schedulers/.keep", "");
	assert_int_equal(run(room, "ssi-scheduler", "1", &tool), 1);
	assert_non_null(strstr(tool.s, "krg_legacy_scheduler"));
	/* What it did before it failed is taken back. */
	put_tool(room, "bin/krg_legacy_scheduler", SETS_UP "; echo no probe; exit 1");
	assert_int_equal(run(room, "ssi-scheduler", "1", &half), 1);
	assert_non_null(strstr(half.s, "no probe"));
	assert_there(room, SCHED "schedulers/rr", false);
	assert_there(room, SCHED "probes/load", false);
	put_tool(room, "bin/krg_legacy_scheduler", "exit 0");
	assert_int_equal(run(room, "ssi-scheduler", "1", &nothing), 1);
	assert_string_equal(nothing.s, "it has ended well, but there is no scheduler\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(a_single_system_that_works_passes_all_parts),
		IN_ROOM(it_runs_in_the_container_of_the_third_generation),
		IN_ROOM(a_process_that_does_not_move_is_told),
		IN_ROOM(what_comes_back_with_another_result_is_told),
		IN_ROOM(shared_memory_that_is_not_shared_is_told),
		IN_ROOM(an_older_kernel_says_by_its_numbers_where_a_process_is),
		IN_ROOM(where_no_kernel_tells_the_place_the_rest_is_tried_all_the_same),
		IN_ROOM(shared_memory_that_was_left_behind_goes),
		IN_ROOM(a_call_that_hangs_is_ended_with_what_it_has_said),
		IN_ROOM(the_schedulers_are_set_up_and_taken_away),
		IN_ROOM(a_threshold_of_nothing_is_mended),
		IN_ROOM(what_keeps_schedulers_from_being_set_up_is_told),
	};

	return cmocka_run_group_tests_name("agent-probe", tests, NULL, NULL);
}
