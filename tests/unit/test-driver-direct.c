/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "apply-common.h"
#include "backend/apply/drivers.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"

static const struct service_driver *const direct = &service_driver_direct;

static int sleep_argv(const struct apply *a, struct strv *argv)
{
	return strv_add_all(argv, "sleep", "1000", NULL);
}

static int talk_argv(const struct apply *a, struct strv *argv)
{
	return strv_add_all(argv, "talker", NULL);
}

static int missing_argv(const struct apply *a, struct strv *argv)
{
	return strv_add(argv, "no-such-program-of-muster");
}

static const struct service sleeper = { .name = "sleeper", .unit = "sleeper.service", .argv = sleep_argv };
static const struct service talker = {
	.name = "talker", .unit = "talker.service", .argv = talk_argv, .reload = true
};
static const struct service missing = { .name = "missing", .unit = "missing.service", .argv = missing_argv };
static const struct service nothing = { .name = "nothing", .unit = "nothing.service" };

static long pid_of(struct scratch *s, const char *path)
{
	_cleanup_free_ char *text = get(s, path);
	unsigned long long start;
	long pid;

	assert_int_equal(sscanf(text, "%ld %llu\n", &pid, &start), 2);
	assert_true(start > 0);
	return pid;
}

/* Until the log holds this text; a deadline instead of a nap. */
static bool log_holds(struct scratch *s, const struct service *service, const char *text)
{
	int64_t end = clock_mono_ms() + 10000;

	for (;;) {
		_cleanup_free_ char *lines = NULL;

		if (direct->last_lines(&s->a, service, &lines) == 0 && strstr(lines, text))
			return true;
		if (clock_mono_ms() > end)
			return false;
		poll(NULL, 0, 5);
	}
}

static void a_service_is_started_once_and_stopped(void **state)
{
	struct scratch *s = *state;
	long pid;

	assert_int_equal(direct->is_running(&s->a, &sleeper), 0);
	assert_int_equal(direct->start(&s->a, &sleeper), 0);
	assert_int_equal(direct->is_running(&s->a, &sleeper), 1);
	assert_int_equal(direct->is_enabled(&s->a, &sleeper), 1);
	pid = pid_of(s, "/run/muster/sleeper.pid");
	assert_int_equal(kill((pid_t)pid, 0), 0);
	assert_int_equal(getsid((pid_t)pid) == getsid(0), 0);
	assert_int_equal(direct->start(&s->a, &sleeper), 0);
	assert_int_equal(pid_of(s, "/run/muster/sleeper.pid"), pid);
	assert_int_equal(direct->stop(&s->a, &sleeper), 0);
	assert_int_equal(direct->is_running(&s->a, &sleeper), 0);
	assert_false(there(s, "/run/muster/sleeper.pid"));
	assert_int_equal(direct->stop(&s->a, &sleeper), 0);
}

static void a_restart_is_another_process(void **state)
{
	struct scratch *s = *state;
	long first;

	assert_int_equal(direct->start(&s->a, &sleeper), 0);
	first = pid_of(s, "/run/muster/sleeper.pid");
	assert_int_equal(direct->restart(&s->a, &sleeper), 0);
	assert_int_equal(direct->is_running(&s->a, &sleeper), 1);
	assert_int_not_equal(pid_of(s, "/run/muster/sleeper.pid"), first);
	assert_int_equal(direct->stop(&s->a, &sleeper), 0);
}

/* A number that was given to another process since is no service of ours: that process is left alone. */
static void a_reused_number_is_never_signalled(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *text = NULL;

	assert_true(asprintf(&text, "%ld 1\n", (long)getpid()) > 0);
	put(s, "/run/muster/sleeper.pid", text, 0644);
	assert_int_equal(direct->is_running(&s->a, &sleeper), 0);
	assert_int_equal(direct->stop(&s->a, &sleeper), 0);
	put(s, "/run/muster/sleeper.pid", "1 0\n", 0644);
	assert_int_equal(direct->is_running(&s->a, &sleeper), 0);
	put(s, "/run/muster/sleeper.pid", "nonsense", 0644);
	assert_int_equal(direct->is_running(&s->a, &sleeper), 0);
	put(s, "/run/muster/sleeper.pid", "-1 5\n", 0644);
	assert_int_equal(direct->stop(&s->a, &sleeper), 0);
}

static void its_words_and_its_surroundings_are_as_promised(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *run = NULL;

	fake_program(s, "talker",
		     "trap 'echo got a hangup' HUP; trap 'exit 0' TERM\n"
		     "echo run $MUSTER_RUN_DIR; readlink /proc/self/fd/0; ls /proc/self/fd | wc -l; pwd\n"
		     "echo complaint >&2; echo ready; while :; do sleep 0.05; done");
	assert_int_equal(direct->start(&s->a, &talker), 0);
	assert_true(asprintf(&run, "run %s/run/muster\n/dev/null\n", s->root) > 0);
	assert_true(log_holds(s, &talker, run));
	assert_true(log_holds(s, &talker, "complaint"));
	assert_true(log_holds(s, &talker, "ready"));
	assert_int_equal(direct->restart(&s->a, &talker), 0); /* a reload */
	assert_true(log_holds(s, &talker, "got a hangup"));
	assert_int_equal(direct->stop(&s->a, &talker), 0);
}

static void one_that_dies_is_seen(void **state)
{
	struct scratch *s = *state;
	_cleanup_free_ char *lines = NULL;
	int64_t end = clock_mono_ms() + 10000;

	fake_program(s, "talker", "echo I cannot go on; exit 1");
	assert_int_equal(direct->start(&s->a, &talker), 0);
	while (direct->is_running(&s->a, &talker) == 1 && clock_mono_ms() < end)
		poll(NULL, 0, 5);
	assert_int_equal(direct->is_running(&s->a, &talker), 0);
	assert_true(log_holds(s, &talker, "I cannot go on"));
	/* Another start's words are its own. */
	fake_program(s, "talker", "echo another start; exit 1");
	assert_int_equal(direct->start(&s->a, &talker), 0);
	assert_true(log_holds(s, &talker, "another start"));
	assert_int_equal(direct->last_lines(&s->a, &talker, &lines), 0);
	assert_null(strstr(lines, "I cannot"));
}

static void a_missing_program_is_named(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(direct->start(&s->a, &missing), -MUSTER_E_MISSING);
	assert_non_null(strstr(s->errors.data, "no-such-program-of-muster is not installed"));
	assert_int_equal(direct->is_running(&s->a, &missing), 0);
}

static void what_has_nothing_to_run_is_always_up(void **state)
{
	struct scratch *s = *state;

	assert_int_equal(direct->is_running(&s->a, &nothing), 1);
	assert_int_equal(direct->is_enabled(&s->a, &nothing), 1);
	assert_int_equal(direct->start(&s->a, &nothing), 0);
	assert_int_equal(direct->stop(&s->a, &nothing), 0);
	assert_int_equal(direct->restart(&s->a, &nothing), 0);
}

static void every_service_and_driver_is_found_by_its_name(void **state)
{
	static const char *const names[] = { "dnsmasq", "musterd", "nfs-kernel", "nfs-ganesha", "network" };
	static const char *const drivers[] = { "systemd", "direct", "none" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_non_null(service_find(names[i]));
		assert_string_equal(service_find(names[i])->name, names[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		assert_string_equal(service_driver_find(drivers[i])->name, drivers[i]);
	assert_null(service_find("telnetd"));
	assert_null(service_driver_find("upstart"));
}

static void daemons_are_told_where_the_root_is(void **state)
{
	struct scratch *s = *state;
	_cleanup_strv_ struct strv argv = STRV_INIT, dnsmasq = STRV_INIT;
	_cleanup_free_ char *conf = NULL;

	s->a.http_user = "nobody";
	assert_int_equal(service_find("musterd")->argv(&s->a, &argv), 0);
	assert_string_equal(argv.v[0], "/usr/sbin/musterd");
	assert_true(strv_has(&argv, s->root));
	assert_string_equal(argv.v[argv.n - 1], "nobody");
	assert_int_equal(service_find("dnsmasq")->argv(&s->a, &dnsmasq), 0);
	assert_true(asprintf(&conf, "--conf-file=%s/etc/muster/dnsmasq.conf", s->root) > 0);
	assert_true(strv_has(&dnsmasq, conf));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_service_is_started_once_and_stopped),
		TEST(a_restart_is_another_process),
		TEST(a_reused_number_is_never_signalled),
		TEST(its_words_and_its_surroundings_are_as_promised),
		TEST(one_that_dies_is_seen),
		TEST(a_missing_program_is_named),
		TEST(what_has_nothing_to_run_is_always_up),
		TEST(every_service_and_driver_is_found_by_its_name),
		TEST(daemons_are_told_where_the_root_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
