/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the agent makes of a real single system, as it was recorded (tests/recorded/README.md). */
#include "config.h"

#include "tests/unit/agent-inside.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/command.h"
#include "agent/processes.h"
#include "agent/ssi.h"
#include "agent/steps.h"

#define DEADLINE_MS 20000 /* of reads that come back: never waited for */
#define RECORDED MUSTER_SRCDIR "/tests/recorded/kerrighed-3.0/"

/* Lays a recorded tree over the room. */
static void lay(struct room *room, const char *tree)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		execlp("cp", "cp", "-r", "--no-preserve=mode", "-T", tree, room->path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void put_tool(struct room *room, const char *path, const char *script)
{
	_cleanup_text_ struct text t = { 0 };

	text_addf(&t, "#!/bin/sh\n%s\n", script);
	assert_int_equal(place_text(room->at, path, t.s, 0755), 0);
}

static void three_nodes_are_one_machine(void **state)
{
	struct ssi_probe probe = { .merged = true };
	struct room *room = *state;
	struct ssi s;
	pid_t inside;

	lay(room, RECORDED "up");
	put(room, "sys/kerrighed/hotplug/isolate_uts", "1");
	inside = start_inside(room, NULL);
	wait_for_inside(room);
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	end_inside(inside);
	assert_int_equal(s.node_id, 1);
	assert_int_equal(s.session_id, 25);
	assert_int_equal(s.subsession_id, 0);
	assert_int_equal(s.max_nodes, 256);
	assert_string_equal(s.abi, "1");
	assert_int_equal(s.online, 3);
	assert_int_equal(s.present, 3);
	assert_int_equal(s.possible, 256);
	assert_int_equal(s.processors, 3);
	/* Three times what one node has. */
	assert_int_equal(s.memory_kb, 350508);
	assert_int_equal(s.memory_kb % 3, 0);
	assert_true(s.memory_free_kb > 0 && s.memory_free_kb < s.memory_kb);
	assert_true(*s.load >= '0' && *s.load <= '9');
	assert_string_equal(s.stuck, "");
}

static void after_a_sudden_death_more_are_online_than_are_there(void **state)
{
	struct ssi_probe probe = { 0 };
	struct room *room = *state;
	struct ssi s;

	lay(room, RECORDED "up");
	lay(room, RECORDED "broken");
	put(room, "sys/kerrighed/hotplug/isolate_uts", "1");
	assert_true(ssi_read(room->at, DEADLINE_MS, &probe, &s));
	assert_int_equal(s.online, 3);
	assert_int_equal(s.present, 2);
	assert_int_equal(s.subsession_id, 0);
}

/* By both ways of finding it out: what the kernel tells, and where a program is. */
static void the_numbers_of_processors_tell_the_node(void **state)
{
	struct room *room = *state;

	lay(room, RECORDED "up");
	assert_int_equal(processes_per_node(room->at, 1), 64);
	assert_int_equal(unlinkat(room->at, "sys/devices/system/cpu/kernel_max", 0), 0);
	assert_int_equal(processes_per_node(room->at, 1), 64);
}

/* The tools' words go to the operator as they are. */
static void what_the_tools_say_is_handed_on(void **state)
{
	const struct steps_env env = { .at = ((struct room *)*state)->at, .self = "/init" };
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;
	pid_t inside;

	lay(room, RECORDED "up");
	put(room, "sys/kerrighed/hotplug/isolate_uts", "1");
	put_tool(room, "bin/krgadm", "echo \"$@\" >ran; cat said/krgadm-nodes");
	inside = start_inside(room, NULL);
	wait_for_inside(room);
	assert_int_equal(steps_run(&env, "ssi-add", "2,3", &out), 0);
	end_inside(inside);
	assert_string_equal(out.s, "1:online\n2:online\n3:online\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(three_nodes_are_one_machine),
		IN_ROOM(after_a_sudden_death_more_are_online_than_are_there),
		IN_ROOM(the_numbers_of_processors_tell_the_node),
		IN_ROOM(what_the_tools_say_is_handed_on),
	};

	return cmocka_run_group_tests_name("agent-recorded", tests, NULL, NULL);
}
