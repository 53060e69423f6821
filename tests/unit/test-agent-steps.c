/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the agent does for the single system image, with scripts in the place of Kerrighed's tools. */
#include "config.h"

#include "tests/unit/agent-inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "agent/command.h"
#include "agent/inside.h"
#include "agent/job.h"
#include "agent/power.h"
#include "agent/report.h"
#include "agent/steps.h"

#define DEADLINE_MS INSIDE_DEADLINE_MS

static char mounted[64];

static int fake_mount(const char *target, const char *type)
{
	snprintf(mounted, sizeof(mounted), "%s %s", type, target);
	return -EBUSY;
}

static int no_mount(const char *target, const char *type)
{
	return -ENODEV;
}

static void put_tool(struct room *room, const char *path, const char *script)
{
	_cleanup_text_ struct text t = { 0 };

	text_addf(&t, "#!/bin/sh\n%s\n", script);
	assert_int_equal(place_text(room->at, path, t.s, 0755), 0);
}

static void put_hotplug(struct room *room)
{
	put(room, "sys/kerrighed/node_id", "2\n");
	put(room, "sys/kerrighed/net_devices", "");
	put(room, "sys/kerrighed/hotplug/cluster_init_helper", "");
	put(room, "sys/kerrighed/hotplug/isolate_uts", "");
	put(room, "sys/kerrighed/hotplug/isolate_mnt", "");
}

static int run(struct room *room, const char *word, const char *args, struct text *out)
{
	const struct steps_env env = { .at = room->at, .self = "/init", .mount = fake_mount };

	assert_true(steps_know(word, args));
	return steps_run(&env, word, args, out);
}

static void assert_file(struct room *room, const char *path, const char *text)
{
	_cleanup_free_ char *s = get(room, path);

	assert_string_equal(s, text);
}

static void a_node_of_the_third_generation_is_prepared(void **state)
{
	const struct steps_env bare = { .mount = no_mount, .self = "/init" };
	_cleanup_text_ struct text out = { 0 }, wrong = { 0 };
	struct steps_env env = bare;
	struct room *room = *state;
	char target[64] = "";

	put_hotplug(room);
	mkdirat(room->at, "run", 0755);
	assert_int_equal(run(room, "ssi-prepare", "", &out), 0);
	assert_null(out.s);
	assert_file(room, "sys/kerrighed/hotplug/cluster_init_helper", "/run/muster/ssi-helper");
	assert_file(room, "sys/kerrighed/hotplug/isolate_uts", "1");
	assert_file(room, "sys/kerrighed/hotplug/isolate_mnt", "1");
	assert_file(room, "sys/kerrighed/net_devices", "ALL");
	assert_string_equal(mounted, "configfs /config");
	assert_int_equal(readlinkat(room->at, INSIDE_HELPER, target, sizeof(target) - 1), 5);
	assert_string_equal(target, "/init");
	/* A step that fails ends it, and is named. */
	env.at = room->at;
	assert_int_equal(steps_run(&env, "ssi-prepare", "", &wrong), 1);
	assert_string_equal(wrong.s, "/config: No such device\n");
}

/* As 2.4's module does when it comes; data: what to say of it. */
static int fake_insert(void *data, int at, const char *path)
{
	const int *r = data;

	if (*r == 0 && strstr(path, "lib/modules/kerrighed.ko"))
		mkdirat(at, "sys/kerrighed", 0755);
	return *r;
}

static void the_second_generation_is_a_module_that_preparing_loads(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;
	int says = -ENOEXEC;
	const struct steps_env env = {
		.at = room->at, .self = "/init", .mount = no_mount, .insert = fake_insert, .data = &says
	};
	struct stat st;

	/* Without a table there is nothing to load. */
	assert_int_equal(steps_run(&env, "ssi-prepare", "", &out), 0);
	put(room, "sys/name", "");
	put(room, STEPS_MODULES, "load /lib/modules/kerrighed.ko\n");
	assert_int_equal(steps_run(&env, "ssi-prepare", "", &out), 1);
	assert_non_null(strstr(out.s, "kerrighed.ko"));
	says = 0;
	assert_int_equal(steps_run(&env, "ssi-prepare", "", &out), 0);
	assert_int_equal(fstatat(room->at, "sys/kerrighed", &st, 0), 0);
	/* It is there already. */
	says = -EEXIST;
	assert_int_equal(steps_run(&env, "ssi-prepare", "", &out), 0);
}

static void the_second_generation_needs_no_preparation_and_starts_at_once(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;

	put(room, "sys/kerrighed/node_id", "2\n");
	put_tool(room, "usr/local/bin/krgadm", "echo \"$@\" >>ran; echo started");
	assert_int_equal(run(room, "ssi-prepare", "", &out), 0);
	assert_int_equal(run(room, "ssi-boot", "", &out), 0);
	assert_int_equal(run(room, "ssi-add", "3,5-7", &out), 0);
	assert_int_equal(run(room, "ssi-add", "", &out), 0);
	assert_file(room, "ran", "cluster start -n 2,3,5-7\ncluster start -n 2\n");
	assert_string_equal(out.s, "started\nstarted\n");
	assert_int_equal(run(room, "ssi-remove", "3", &out), 1);
}

static void the_third_boots_a_container_and_adds_from_within(void **state)
{
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;
	pid_t pid;

	put_hotplug(room);
	put(room, "run/muster/node.conf", "");
	put_tool(room, "sbin/krgboot", "echo \"$@\" >booted");
	put_tool(room, "bin/krgadm", "echo \"$@\" >>ran; echo said; [ $4 != 9 ] || exit 3");
	put_tool(room, "bin/krgcapset", "echo krgcapset \"$@\" >>ran");
	put_tool(room, "bin/migrate", "echo migrate \"$@\" >>ran");
	assert_int_equal(run(room, "ssi-add", "3", &out), COMMAND_MISSING);
	assert_non_null(strstr(out.s, "container does not answer"));
	text_free(&out);
	pid = start_inside(room, "booted");
	assert_int_equal(run(room, "ssi-boot", "", &out), 0);
	assert_file(room, "booted", "-u -i -m -p -- /run/muster/ssi-helper\n");
	/* Where it is up already, nothing is booted again. */
	put_tool(room, "sbin/krgboot", "exit 1");
	assert_int_equal(run(room, "ssi-boot", "", &out), 0);
	assert_int_equal(run(room, "ssi-add", "3,5-7", &out), 0);
	assert_int_equal(run(room, "ssi-add", "", &out), 0);
	assert_int_equal(run(room, "ssi-remove", "9", &out), 3);
	assert_int_equal(run(room, "ssi-migrate", "6291478 4", &out), 0);
	assert_string_equal(out.s, "said\nsaid\n");
	assert_file(room, "ran",
		    "nodes add -n 3,5-7\nnodes del -n 9\nkrgcapset -k 6291478 -e +CAN_MIGRATE\n"
		    "migrate 6291478 4\n");
	end_inside(pid);
}

static void the_container_runs_its_own_commands_only(void **state)
{
	static const char *const wrong[][2] = { { "sh", "1" },	    { "add", "" },   { "add", "--all" },
						{ "add", "1 2" },   { "add", "-n" }, { "add", "1;reboot" },
						{ "migrate", "1" }, { "ping", "1" }, { "", "" } };
	_cleanup_text_ struct text out = { 0 };
	struct room *room = *state;
	pid_t pid;

	put(room, "run/muster/node.conf", "");
	put_tool(room, "bin/krgadm", "echo \"$@\" >>ran");
	pid = start_inside(room, NULL);
	wait_for_inside(room);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(inside_ask(room->at, wrong[i][0], wrong[i][1], now_ms() + DEADLINE_MS, &out),
				 COMMAND_MISSING);
	assert_int_equal(faccessat(room->at, "ran", F_OK, 0), -1);
	end_inside(pid);
}

static void only_words_of_the_table_are_known(void **state)
{
	assert_true(steps_know("ssi-prepare", ""));
	assert_true(steps_know("ssi-add", ""));
	assert_true(steps_know("ssi-add", "1,2-9"));
	assert_true(steps_know("ssi-migrate", "6291478 4"));
	assert_false(steps_know("ssi-prepare", "1"));
	assert_false(steps_know("ssi-remove", ""));
	assert_false(steps_know("ssi-add", "-n"));
	assert_false(steps_know("ssi-add", "1 2"));
	assert_false(steps_know("ssi-add", "1;x"));
	assert_false(steps_know("ssi-migrate", "1"));
	assert_false(steps_know("ssi-migrate", "1 2 3"));
	assert_false(steps_know("sh", ""));
	/* Each has its end. */
	assert_true(steps_ms("ssi-prepare") > 0 && steps_ms("ssi-prepare") < steps_ms("ssi-add"));
	assert_int_equal(steps_ms("sh"), 0);
}

/* Every third id of 254 lacks: no list is longer. */
static void the_longest_list_of_ids_comes_through(void **state)
{
	_cleanup_text_ struct text ids = { 0 }, answer = { 0 }, ran = { 0 }, out = { 0 };
	struct report_state s = { .interval = 10 };
	struct room *room = *state;
	pid_t pid;

	for (int id = 1; id < 255; id++)
		if (id % 3)
			text_addf(&ids, "%s%d", ids.len ? "," : "", id);
	assert_true(ids.len > 600);
	text_addf(&answer, "action_id=4\naction_args=%s\naction=ssi-add\n", ids.s);
	report_obey(answer.s, &s);
	assert_int_equal(s.action, ACTION_STEPS);
	assert_string_equal(s.args, ids.s);
	put_hotplug(room);
	put(room, "run/muster/node.conf", "");
	put_tool(room, "bin/krgadm", "echo \"$@\" >ran");
	pid = start_inside(room, NULL);
	wait_for_inside(room);
	assert_int_equal(run(room, "ssi-add", ids.s, &out), 0);
	text_addf(&ran, "nodes add -n %s\n", ids.s);
	assert_file(room, "ran", ran.s);
	end_inside(pid);
}

static void a_program_that_hangs_is_ended(void **state)
{
	static const char *const hang[] = { "hang", NULL }, *const die[] = { "die", NULL };
	static const char *const many[] = { "many", NULL }, *const none[] = { "none", NULL };
	_cleanup_text_ struct text out = { 0 }, lots = { 0 };
	struct room *room = *state;
	long long start = now_ms();

	put_tool(room, "bin/hang", "echo begun; exec sleep 1000");
	put_tool(room, "bin/die", "kill -9 $$");
	put_tool(room, "bin/many", "i=0; while [ $i -lt 3000 ]; do echo a line; i=$((i+1)); done");
	assert_int_equal(command_run(room->at, hang, now_ms() + 300, NULL, &out), COMMAND_TIMEOUT);
	assert_true(now_ms() - start < 20000);
	assert_non_null(strstr(out.s, "hang did not end in time\n"));
	assert_int_equal(command_run(room->at, die, now_ms() + DEADLINE_MS, NULL, &out), 128 + 9);
	assert_int_equal(command_run(room->at, none, now_ms() + DEADLINE_MS, NULL, &out), COMMAND_MISSING);
	assert_int_equal(command_run(room->at, many, now_ms() + DEADLINE_MS, NULL, &lots), 0);
	assert_int_equal(lots.len, COMMAND_OUTPUT_MAX);
}

static void wait_for_job(struct job *j)
{
	long long deadline = now_ms() + DEADLINE_MS;

	while (!job_look(j)) {
		assert_true(now_ms() < deadline);
		poll(NULL, 0, 10);
	}
}

static void a_job_works_beside_the_reports_and_tells_its_result(void **state)
{
	struct report_state s = { .interval = 10 };
	_cleanup_free_ char *body = NULL;
	const struct facts f = { 0 };
	struct conf c = { .port = 1 };
	struct room *room = *state;
	size_t len;

	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &c.server), 1);
	put(room, "sys/kerrighed/node_id", "2\n");
	put_tool(room, "bin/krgadm", "while [ ! -e go ]; do sleep 0.01; done; echo \"it\\\\s\"; exit 5");
	report_obey("action_id=4\naction_args=3\naction=ssi-add\n", &s);
	assert_int_equal(s.action, ACTION_STEPS);
	power_obey(room->at, &c, "ready", &s, false);
	assert_true(job_runs(&s.job));
	assert_int_equal(s.action_done, 4);
	assert_false(job_look(&s.job));
	assert_int_equal(job_wait_ms(&s.job, 10000), JOB_LOOK_MS);
	/* Another one waits until this one is done. */
	report_obey("action_id=5\naction_args=7\naction=ssi-add\n", &s);
	power_obey(room->at, &c, "ready", &s, false);
	assert_int_equal(s.job.id, 4);
	assert_int_equal(s.action_done, 4);
	put(room, "go", "");
	wait_for_job(&s.job);
	assert_int_equal(s.job.status, 5);
	assert_int_equal(job_wait_ms(&s.job, 10000), 10000);
	assert_int_equal(job_interval_ms(&s.job, 10), 1000);
	assert_int_equal(report_body(&(struct report){ .stage = "ready", .job = &s.job }, &f, &body, &len),
			 0);
	assert_non_null(strstr(body, "\nresult_id=4\nresult_status=5\nresult=it\\\\s\\n\n"));
	job_reported(&s.job);
	assert_false(job_look(&s.job));
	assert_int_equal(job_interval_ms(&s.job, 10), 1000);
}

static void a_wrong_action_is_none(void **state)
{
	struct report_state s = { .interval = 10 };

	report_obey("action_id=4\naction_args=3;reboot\naction=ssi-add\n", &s);
	assert_int_equal(s.action, ACTION_NONE);
	report_obey("action_id=4\naction=ssi-format\n", &s);
	assert_int_equal(s.action, ACTION_NONE);
	/* Arguments belong to the answer that they came with. */
	report_obey("action_id=4\naction_args=3\n", &s);
	report_obey("action_id=4\naction=ssi-remove\n", &s);
	assert_int_equal(s.action, ACTION_NONE);
}

/* Bytes of a request, as its head says. */
static size_t whole(const char *request)
{
	const char *length = strstr(request, "Content-Length: "), *body = strstr(request, "\r\n\r\n");

	assert_true(length && body);
	return (size_t)(body + 4 - request) + strtoul(length + 16, NULL, 10);
}

/* A server that takes one report, and keeps it in the file "heard". Its port. */
static uint16_t hear(struct room *room, pid_t *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), from;
	socklen_t len = sizeof(a);
	char buf[4096];
	ssize_t n;

	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &a.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret = fork();
	if (*ret == 0) {
		alarm(10);
		from = accept(fd, NULL, NULL);
		for (size_t at = 0; (n = read(from, buf + at, sizeof(buf) - 1 - at)) > 0;) {
			at += (size_t)n;
			buf[at] = '\0';
			if (strstr(buf, "\ndone=") && at >= whole(buf))
				break;
		}
		_exit(write_all(from, "HTTP/1.0 204 No Content\r\n\r\n", 27) < 0 ||
		      place_text(room->at, "heard", buf, 0644) < 0);
	}
	close(fd);
	return ntohs(a.sin_port);
}

/* The file stands for the kernel's; a restart in the common way follows for the case that it did nothing. */
static void a_reset_waits_for_nothing(void **state)
{
	struct report_state s = { .interval = 10 };
	_cleanup_free_ char *heard = NULL;
	struct room *room = *state;
	struct conf c = { 0 };
	int status;
	pid_t pid;

	c.port = hear(room, &pid);
	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &c.server), 1);
	put(room, "proc/sysrq-trigger", "");
	put_tool(room, "sbin/reboot", "echo done >done");
	report_obey("action_id=9\naction=reset\n", &s);
	power_obey(room->at, &c, "ready", &s, false);
	assert_file(room, "proc/sysrq-trigger", "b");
	assert_file(room, "done", "done\n");
	/* Nothing says goodbye after it. */
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	heard = get(room, "heard");
	assert_non_null(strstr(heard, "stage=off\n"));
	assert_non_null(strstr(heard, "done=9\n"));
}

/* Else a node that begins with something would look as if it had left the single system. */
static void the_report_that_an_order_begins_says_again_what_was_known(void **state)
{
	_cleanup_free_ char *heard = NULL;
	struct report_state s = { .interval = 10 };
	struct room *room = *state;
	struct conf c = { 0 };
	struct ssi is;
	int status;
	pid_t pid;

	put(room, "sys/kerrighed/node_id", "2\n");
	put(room, "sys/kerrighed/session_id", "7\n");
	put(room, "sys/kerrighed/subsession_id", "1\n");
	put_tool(room, "bin/krgadm", "exit 0");
	assert_false(ssi_again(&s.ssi, &is));
	assert_true(ssi_read(room->at, DEADLINE_MS, &s.ssi, &is));
	c.port = hear(room, &pid);
	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &c.server), 1);
	report_obey("action_id=9\naction_args=3\naction=ssi-add\n", &s);
	power_obey(room->at, &c, "ready", &s, false);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	heard = get(room, "heard");
	assert_non_null(strstr(heard, "stage=ready\n"));
	assert_non_null(strstr(heard, "done=9\n"));
	assert_non_null(strstr(heard, "ssi_subsession=1\n"));
	assert_non_null(strstr(heard, "ssi_node=2\n"));
	wait_for_job(&s.job);
	job_reported(&s.job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_ROOM(a_node_of_the_third_generation_is_prepared),
		IN_ROOM(the_second_generation_is_a_module_that_preparing_loads),
		IN_ROOM(the_second_generation_needs_no_preparation_and_starts_at_once),
		IN_ROOM(the_third_boots_a_container_and_adds_from_within),
		IN_ROOM(the_container_runs_its_own_commands_only),
		cmocka_unit_test(only_words_of_the_table_are_known),
		IN_ROOM(the_longest_list_of_ids_comes_through),
		IN_ROOM(a_program_that_hangs_is_ended),
		IN_ROOM(a_job_works_beside_the_reports_and_tells_its_result),
		cmocka_unit_test(a_wrong_action_is_none),
		IN_ROOM(a_reset_waits_for_nothing),
		IN_ROOM(the_report_that_an_order_begins_says_again_what_was_known),
	};

	return cmocka_run_group_tests_name("agent-steps", tests, NULL, NULL);
}
