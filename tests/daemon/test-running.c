/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real musterd, asked for the boot of a node that runs, that has said goodbye, or that may run: on the loopback interface. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/daemon/client.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/macro.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define SCRIPT2 "/boot.ipxe?mac=" MAC2 "&platform=efi"
#define READY "stage=ready\nkernel=6.1.0\n"

/* One of the node's own users asks in its place: he gets no secret, and ends no boot. */
static void a_running_node_is_not_booted_again(void **state)
{
	struct server *s = *state;
	struct reply r;
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	r = request(s, NODE1, "GET", SCRIPT1, NULL, NULL);
	assert_int_equal(r.status, 200);
	assert_null(strstr(r.body, "node.cpio"));
	assert_non_null(strstr(r.body, "goto again"));
	reply_free(&r);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	assert_true(wait_for_stage(s, "node01", NODE_READY));
}

static void a_node_that_shuts_down_is_booted_again_at_once(void **state)
{
	struct server *s = *state;
	char token[33], next[33];
	bool secret;

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	assert_int_equal(client_report_once(s, NODE1, token, "stage=off\n"), 204);
	assert_true(wait_for_stage(s, "node01", NODE_OFF));
	/* Its old boot opens nothing any more. */
	assert_int_equal(client_personality(s, NODE1, token, &secret), 403);
	assert_false(secret);
	client_boot(s, NODE1, SCRIPT1, next);
	assert_string_not_equal(token, next);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 403);
	assert_int_equal(client_personality(s, NODE1, next, &secret), 200);
	assert_true(secret);
}

/* Only the agent was stopped, and runs again. */
static void a_node_that_reports_after_its_goodbye_is_running(void **state)
{
	struct server *s = *state;
	struct reply r;
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_report_once(s, NODE1, token, "stage=off\n"), 204);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	assert_true(wait_for_stage(s, "node01", NODE_READY));
	r = request(s, NODE1, "GET", SCRIPT1, NULL, NULL);
	assert_null(strstr(r.body, "node.cpio"));
	reply_free(&r);
}

/* The server's clock, as it was set before. */
static void report_at(struct server *s, int64_t when, const char *node)
{
	const struct store_report ready = { .stage = NODE_READY, .kernel = "", .reason = "", .log = "" };
	_cleanup_free_ char *path = fs_join(s->root, "/var/lib/muster/state/muster.db");
	struct store *store = NULL;

	assert_int_equal(store_open(path, STORE_WRITE, &store), 0);
	assert_int_equal(store_report(store, when, node, &ready), 0);
	store_free(store);
}

/* musterd was away for so long that all nodes seem silent; whatever the clock says by now. */
static void assert_chance_after_outage(struct server *s, int64_t when)
{
	int64_t began;
	char token[33];

	server_start(s, NULL);
	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	assert_int_equal(server_stop(s), 0);
	report_at(s, when, "node01");
	server_start(s, NULL);
	began = clock_mono_ms();
	assert_false(client_is_booted(s, NODE1, SCRIPT1));
	assert_true(client_is_booted(s, NODE2, SCRIPT2));
	while (!client_is_booted(s, NODE1, SCRIPT1)) {
		assert_true(clock_mono_ms() - began < 15000);
		usleep(100000);
	}
	assert_true(clock_mono_ms() - began >= 1500);
}

static void after_an_outage_a_node_has_its_chance_to_report(void **state)
{
	assert_chance_after_outage(*state, clock_wall_ms() - 600000);
}

static void a_report_of_the_future_makes_no_node_silent(void **state)
{
	assert_chance_after_outage(*state, clock_wall_ms() + 600000);
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, client_setup, client_teardown)
#define STOPPED(test) cmocka_unit_test_setup_teardown(test, client_setup_stopped, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(a_running_node_is_not_booted_again),
		RUNNING(a_node_that_shuts_down_is_booted_again_at_once),
		RUNNING(a_node_that_reports_after_its_goodbye_is_running),
		STOPPED(after_an_outage_a_node_has_its_chance_to_report),
		STOPPED(a_report_of_the_future_makes_no_node_silent),
	};

	return cmocka_run_group_tests_name("running", tests, NULL, NULL);
}
