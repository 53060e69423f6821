/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real musterd on the loopback interface, whose plan is written anew while it runs. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/apply/step.h"
#include "tests/daemon/client.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/macro.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define READY "stage=ready\nkernel=6.1.0\n"

static void hang_up(struct server *s)
{
	assert_int_equal(kill(s->pid, SIGHUP), 0);
}

/* Waits until the log says it so many times. */
static void wait_for_log(struct server *s, const char *text, int times)
{
	int64_t end = clock_mono_ms() + 15000;

	for (;;) {
		_cleanup_free_ char *log = server_log(s);
		int n = 0;

		for (const char *p = log; (p = strstr(p, text)); p++)
			n++;
		if (n >= times)
			return;
		assert_true(clock_mono_ms() < end);
		usleep(10000);
	}
}

/* Another name for one of the two, which the running musterd takes up: its so many-th reload. */
static void rename_node(struct server *s, size_t node, const char *name, int reload)
{
	free(s->plan.nodes[node].name);
	s->plan.nodes[node].name = strdup(name);
	server_write_plan(s);
	hang_up(s);
	wait_for_log(s, "reload: 2 nodes", reload);
}

static void a_node_that_runs_goes_on_under_another_name(void **state)
{
	struct server *s = *state;
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	rename_node(s, 0, "gpu01", 1);
	assert_true(wait_for_stage(s, "gpu01", NODE_READY));
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
}

static void a_reload_takes_a_good_plan_and_leaves_a_bad_one(void **state)
{
	struct server *s = *state;
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	server_put(s, "/etc/muster/cluster.json", "{\"plan\": 5", 10);
	hang_up(s);
	wait_for_log(s, "the old plan stays", 1);
	server_put(s, "/etc/muster/cluster.json", "{}", 2);
	hang_up(s);
	wait_for_log(s, "the old plan stays", 2);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	rename_node(s, 1, "login", 1);
	assert_true(wait_for_stage(s, "node01", NODE_READY));
	assert_true(wait_for_stage(s, "login", NODE_OFF));
	/* Another port is taken at once, too. */
	s->plan.http_port = s->port == 65535 ? 65534 : s->port + 1;
	server_write_plan(s);
	hang_up(s);
	wait_for_log(s, "reload: 2 nodes", 2);
	s->port = s->plan.http_port;
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
}

static void written_mark(struct server *s, char ret[HASH_TEXT])
{
	struct stat st;

	assert_int_equal(fs_stat(s->root_fd, "/etc/muster/cluster.json", &st), 0);
	hash_written(&st, ret);
}

static void assert_health(struct server *s, const char *mark)
{
	struct reply r = get(s, STRANGER, "/health");
	_cleanup_free_ char *want = NULL;

	assert_true(asprintf(&want, "ok\nplan %s\n", mark) > 0);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, want);
	reply_free(&r);
}

static int always(struct apply *a, const struct service *service)
{
	return 1;
}

static int log_of(struct apply *a, const struct service *service, char **ret)
{
	*ret = server_log(a->data);
	return 0;
}

static char *apply_said;

static void hear(void *data, const char *text)
{
	free(apply_said);
	apply_said = strdup(text);
}

/* As an apply does it, behind its SIGHUP. */
static int wait_as_apply(struct server *s, unsigned int health_ms)
{
	static const struct service_driver driver = { .is_running = always, .last_lines = log_of };
	struct apply a = {
		.root_fd = s->root_fd,
		.root_path = s->root,
		.services = &driver,
		.http_address = SERVER,
		.http_port = s->port,
		.health_ms = health_ms,
		.cancel_fd = -1,
		.on_error = hear,
		.data = s,
	};

	free(TAKE_PTR(apply_said));
	return service_wait(&a, service_find("musterd"));
}

static void an_apply_waits_for_its_own_plan(void **state)
{
	struct server *s = *state;
	char first[HASH_TEXT], second[HASH_TEXT];

	written_mark(s, first);
	assert_health(s, first);
	assert_int_equal(wait_as_apply(s, 15000), 0);
	/* Every writing is another file, though its bytes are the same: this one was not taken up. */
	server_write_plan(s);
	written_mark(s, second);
	assert_string_not_equal(first, second);
	assert_int_equal(wait_as_apply(s, 1), -MUSTER_E_UNHEALTHY);
	hang_up(s);
	assert_int_equal(wait_as_apply(s, 15000), 0);
	assert_health(s, second);
	assert_null(apply_said);
	/* It cannot be taken up: musterd answers as well as ever, with the plan of before. */
	server_put(s, "/etc/muster/cluster.json", "{\"plan\": 5", 10);
	hang_up(s);
	wait_for_log(s, "the old plan stays", 1);
	assert_int_equal(wait_as_apply(s, 1), -MUSTER_E_UNHEALTHY);
	assert_non_null(strstr(apply_said, "still serves the plan of before"));
	assert_non_null(strstr(apply_said, "reload: the old plan stays"));
	assert_health(s, second);
	server_write_plan(s);
	hang_up(s);
	assert_int_equal(wait_as_apply(s, 15000), 0);
	free(TAKE_PTR(apply_said));
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, client_setup, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(a_node_that_runs_goes_on_under_another_name),
		RUNNING(a_reload_takes_a_good_plan_and_leaves_a_bad_one),
		RUNNING(an_apply_waits_for_its_own_plan),
	};

	return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
