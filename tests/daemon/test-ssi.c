/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The single system image, as nodes report it to the real musterd and as the program shows it. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/daemon/client.h"
#include "util/spawn.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define SCRIPT2 "/boot.ipxe?mac=" MAC2 "&platform=pcbios"
#define KERRIGHED \
	"stage=ready\nkernel=2.6.30-krg\nversion=#1 SMP\nprocessors=4\nmemory_kb=508164\nload=0.02\n"
#define IN_IT(id, present)                                                                               \
	KERRIGHED "ssi_subsession=1\nssi_session=1\nssi_node=" id "\nssi_online=2\nssi_present=" present \
		  "\nssi_processors=8\nssi_memory_kb=1016328\nssi_memory_free_kb=900000\nssi_load=0.31\n"
#define WAITS(id) KERRIGHED "ssi_subsession=-1\nssi_session=1\nssi_node=" id "\nssi_present=2\n"

struct fixture {
	struct server *server;
	char token[2][33];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->server = server_new();
	server_start(f->server, NULL);
	client_boot(f->server, NODE1, SCRIPT1, f->token[0]);
	client_boot(f->server, NODE2, SCRIPT2, f->token[1]);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	server_free(f->server);
	free(f);
	return 0;
}

static void report(struct fixture *f, int node, const char *body)
{
	free(client_report(f->server, node ? NODE2 : NODE1, f->token[node], body));
}

/* `muster ssi status` and further words; its exit status, and what it said. */
static int status(struct fixture *f, char **ret, const char *a, const char *b)
{
	const char *const argv[] = {
		MUSTER_BUILDDIR "/muster", "--root", f->server->root, "ssi", "status", a, b, NULL
	};
	struct spawn spawn = { .argv = argv, .timeout_ms = 30000 };
	int code = -1;

	assert_int_equal(spawn_run(&spawn, &code, ret), 0);
	return code;
}

static void assert_stage(struct fixture *f, const char *name, enum node_stage stage)
{
	struct node_state *v = node_now(f->server, name);

	assert_int_equal(v->stage, stage);
	node_states_free(v, 1);
}

static void two_nodes_become_one_machine_and_part_again(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = NULL, *up = NULL, *one = NULL, *after = NULL;

	report(f, 0, WAITS("1"));
	report(f, 1, "stage=ready\nkernel=6.1.0\n");
	assert_int_equal(status(f, &before, NULL, NULL), 0);
	assert_non_null(strstr(before, "The single system is not started; 1 of 2 nodes could form it."));
	assert_non_null(strstr(before, "its kernel has no single system"));
	report(f, 0, IN_IT("1", "2"));
	report(f, 1, IN_IT("2", "2"));
	assert_stage(f, "node01", NODE_JOINED);
	assert_int_equal(status(f, &up, NULL, NULL), 0);
	assert_non_null(strstr(up, "The single system is up on 2 of 2 nodes."));
	assert_non_null(strstr(up, "    8 processors, 992.5 MiB of memory (878.9 MiB free), load 0.31\n"));
	assert_non_null(strstr(up, "node02   2  online"));
	assert_int_equal(status(f, &one, "-n", "node02"), 0);
	assert_non_null(strstr(one, "up on 2 of 2 nodes"));
	assert_null(strstr(one, "node01"));
	report(f, 0, WAITS("1"));
	report(f, 1, WAITS("2"));
	assert_stage(f, "node01", NODE_READY);
	assert_int_equal(status(f, &after, NULL, NULL), 0);
	assert_non_null(strstr(after, "2 of 2 nodes could form it"));
}

static void a_broken_one_is_told_with_its_remedy_and_an_exit_status(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL, *json = NULL;
	json_t *doc, *node;

	report(f, 0, IN_IT("1", "1"));
	report(f, 1, IN_IT("2", "2") "ssi_stuck=/proc/kerrighed/nodes/cluster/cpuinfo\n");
	assert_int_equal(status(f, &text, NULL, NULL), 1);
	assert_non_null(strstr(text, "The single system is broken: 2 of 2 nodes show it."));
	assert_non_null(strstr(text, "it counts 2 nodes online, and only 1 are there"));
	assert_non_null(strstr(text, "reading /proc/kerrighed/nodes/cluster/cpuinfo does not come back"));
	assert_non_null(strstr(text, "Reset all nodes of its session together: node[01-02]."));
	assert_int_equal(status(f, &json, "--json", NULL), 1);
	doc = json_loads(json, 0, NULL);
	assert_non_null(doc);
	assert_string_equal(json_string_value(json_object_get(doc, "state")), "broken");
	assert_true(json_is_string(json_object_get(doc, "remedy")));
	assert_true(json_is_null(json_object_get(doc, "processors")));
	node = json_array_get(json_object_get(doc, "nodes"), 0);
	assert_string_equal(json_string_value(json_object_get(node, "state")), "broken");
	assert_int_equal(json_integer_value(json_object_get(node, "id")), 1);
	json_decref(doc);
}

static void a_range_that_names_no_node_is_refused(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *text = NULL;

	assert_int_equal(status(f, &text, "-n", "node77"), 2);
	assert_non_null(strstr(text, "node77 names a node that this cluster does not have"));
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(two_nodes_become_one_machine_and_part_again),
		RUNNING(a_broken_one_is_told_with_its_remedy_and_an_exit_status),
		RUNNING(a_range_that_names_no_node_is_refused),
	};

	return cmocka_run_group_tests_name("daemon-ssi", tests, NULL, NULL);
}
