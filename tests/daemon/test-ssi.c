/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The single system image, as nodes report it to the real musterd and as the program shows it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/daemon/client.h"
#include "util/fs.h"
#include "util/spawn.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define SCRIPT2 "/boot.ipxe?mac=" MAC2 "&platform=pcbios"
#define KERRIGHED \
	"stage=ready\nkernel=2.6.30-krg\nversion=#1 SMP\nprocessors=4\nmemory_kb=508164\nload=0.02\n"
#define IN_IT(id, present)                                                                               \
	KERRIGHED "ssi_subsession=1\nssi_session=1\nssi_node=" id "\nssi_online=2\nssi_present=" present \
		  "\nssi_processors=8\nssi_memory_kb=1016328\nssi_memory_free_kb=900000\nssi_load=0.31\n"
#define MERGED "ssi_processors=8\nssi_memory_kb=1016328\nssi_memory_free_kb=900000\nssi_load=0.31\n"
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

/* ---- orders: this test plays the nodes' agents while the program waits --------------------------------------------- */

struct agent {
	bool online;
	bool partly; /* what it fails at has brought itself in */
	bool quick;  /* its reports say at once that it begins, and what came of it */
	const char *id;
	const char *fails;  /* the word that it cannot do; NULL: it can all */
	int status;	    /* with which that ends; 0: 5 */
	const char *merged; /* what it tells of the merged machine; NULL: what is right */
	const char *says;   /* of what it does, as a report has it; NULL: nothing */
	char done[256];	    /* "ssi-prepare; ssi-add 2; " */
};

/* The value of a line "key=value" in an answer; "" for none. */
static void value_of(const char *answer, const char *key, char *ret, size_t size)
{
	size_t len = strlen(key);

	ret[0] = '\0';
	for (const char *p = answer; p && *p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, key, len) == 0 && p[len] == '=')
			snprintf(ret, size, "%.*s", (int)strcspn(p + len + 1, "\n"), p + len + 1);
	}
}

/* What a report says of its part in it; owned. */
static char *part_of(const struct agent *agents, int i)
{
	const struct agent *a = &agents[i];
	char *s;

	assert_true(asprintf(&s,
			     "ssi_session=1\nssi_node=%s\nssi_present=2\nssi_online=%d\n"
			     "ssi_subsession=%d\n%s",
			     a->id, agents[0].online + agents[1].online, a->online ? 1 : -1,
			     a->online ? a->merged ? a->merged : MERGED : "") > 0);
	return s;
}

static void obey(struct fixture *f, struct agent *agents, int node, const char *answer)
{
	struct agent *a = &agents[node];
	char id[32], word[32], args[64];
	_cleanup_free_ char *begins = NULL, *ends = NULL, *before = part_of(agents, node), *now = NULL;
	size_t used = strlen(a->done);
	bool fails;

	value_of(answer, "action_id", id, sizeof(id));
	value_of(answer, "action", word, sizeof(word));
	value_of(answer, "action_args", args, sizeof(args));
	if (!*word)
		return;
	snprintf(a->done + used, sizeof(a->done) - used, "%s%s%s; ", word, *args ? " " : "", args);
	fails = a->fails && strcmp(a->fails, word) == 0;
	if (!fails && strcmp(word, "ssi-add") == 0)
		agents[0].online = agents[1].online = true;
	if (!fails && strcmp(word, "ssi-remove") == 0)
		agents[1].online = false;
	if (!fails && strcmp(word, "reboot") == 0)
		a->online = false;
	if (!fails && strcmp(word, "ssi-stop") == 0)
		agents[0].online = agents[1].online = false;
	if (fails && a->partly)
		a->online = true;
	now = part_of(agents, node);
	assert_true(asprintf(&begins, "done=%s\n", id) > 0);
	if (!a->quick) {
		_cleanup_free_ char *first = NULL;

		assert_true(asprintf(&first, KERRIGHED "%s%s", before, begins) > 0);
		report(f, node, first);
		begins[0] = '\0';
	}
	assert_true(asprintf(&ends, KERRIGHED "%s%sresult_id=%s\nresult_status=%d\nresult=%s\n", now, begins,
			     id,
			     !fails	 ? 0
			     : a->status ? a->status
					 : 5,
			     a->says ? a->says
			     : fails ? "not today\\nnor tomorrow"
				     : "") > 0);
	report(f, node, ends);
}

static void report_all(struct fixture *f, struct agent *agents)
{
	for (int i = 0; i < 2; i++) {
		_cleanup_free_ char *body = NULL, *answer = NULL, *part = part_of(agents, i);

		assert_true(asprintf(&body, KERRIGHED "%s", part) > 0);
		answer = client_report(f->server, i ? NODE2 : NODE1, f->token[i], body);
		obey(f, agents, i, answer);
	}
}

/* Runs `muster ssi` with these words while the nodes report. Its exit status, and what it said. */
static int run_ssi(struct fixture *f, struct agent *agents, char **ret, const char *a, const char *b,
		   const char *c)
{
	const char *const argv[] = {
		MUSTER_BUILDDIR "/muster", "--root", f->server->root, "--yes", "ssi", a, b, c, NULL
	};
	_cleanup_free_ char *path = NULL;
	int status = 0, fd;
	pid_t pid;

	assert_true(asprintf(&path, "%s/said", f->server->root) > 0);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(pid > 0);
	while (waitpid(pid, &status, WNOHANG) == 0)
		report_all(f, agents);
	assert_true(WIFEXITED(status));
	*ret = calloc(1, 8192);
	assert_non_null(*ret);
	assert_true(pread(fd, *ret, 8191, 0) >= 0);
	close(fd);
	return WEXITSTATUS(status);
}

static void the_nodes_agents_form_it_and_part_it(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2", .quick = true } };
	_cleanup_free_ char *start = NULL, *again = NULL, *removed = NULL, *all = NULL, *added = NULL,
			    *moved = NULL, *far = NULL;
	struct fixture *f = *state;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &start, "start", NULL, NULL), 0);
	assert_non_null(strstr(start, "node01  It is online."));
	assert_non_null(strstr(start, "node02  It is online."));
	assert_string_equal(agents[0].done, "ssi-prepare; ssi-boot; ssi-add 2; ");
	assert_string_equal(agents[1].done, "ssi-prepare; ");
	assert_int_equal(run_ssi(f, agents, &again, "start", NULL, NULL), 2);
	assert_non_null(strstr(again, "node02 is in a single system already."));
	assert_int_equal(run_ssi(f, agents, &all, "remove", "-n", "node[01-02]"), 2);
	assert_non_null(strstr(all, "One node at least must stay"));
	agents[0].done[0] = agents[1].done[0] = '\0';
	assert_int_equal(run_ssi(f, agents, &removed, "remove", "-n", "node02"), 0);
	assert_non_null(strstr(removed, "node02  It has left."));
	assert_string_equal(agents[0].done, "ssi-remove 2; ");
	assert_int_equal(run_ssi(f, agents, &added, "add", "-n", "node02"), 0);
	assert_non_null(strstr(added, "node02  It is online."));
	assert_string_equal(agents[0].done, "ssi-remove 2; ssi-add 2; ");
	assert_string_equal(agents[1].done, "ssi-prepare; ");
	agents[0].done[0] = '\0';
	assert_int_equal(run_ssi(f, agents, &moved, "migrate", "6291478", "node02"), 0);
	assert_non_null(strstr(moved, "Process 6291478 moves to node02."));
	assert_string_equal(agents[0].done, "ssi-migrate 6291478 2; ");
	assert_int_equal(run_ssi(f, agents, &far, "migrate", "17", "node02"), 2);
	assert_non_null(strstr(far, "a process of one node alone"));
}

static void what_a_node_cannot_do_is_told(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2", .fails = "ssi-prepare" } };
	_cleanup_free_ char *prepare = NULL, *boot = NULL;
	struct fixture *f = *state;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &prepare, "start", NULL, NULL), 1);
	assert_non_null(strstr(prepare, "node02  It cannot be prepared: not today (status 5)"));
	assert_non_null(strstr(prepare, "node01  It is prepared, and was not come to."));
	assert_string_equal(agents[0].done, "ssi-prepare; ");
	agents[1].fails = NULL;
	agents[0].fails = "ssi-boot";
	assert_int_equal(run_ssi(f, agents, &boot, "start", NULL, NULL), 1);
	assert_non_null(strstr(boot, "node01  It cannot begin: not today (status 5)"));
}

/* What the tools did of it before they failed counts. */
static void who_came_in_though_the_tools_failed_is_told(void **state)
{
	struct agent agents[] = { { .id = "1", .fails = "ssi-add", .partly = true }, { .id = "2" } };
	_cleanup_free_ char *start = NULL;
	struct fixture *f = *state;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &start, "start", NULL, NULL), 1);
	assert_non_null(strstr(start, "node01  It is online."));
	assert_non_null(strstr(start, "node02  It cannot be added: not today (status 5)"));
	assert_null(strstr(start, "node01  It cannot"));
}

/* What hung is told by its last line: the first may be of anything. */
static void what_did_not_end_in_time_is_told_so(void **state)
{
	struct agent agents[] = { { .id = "1",
				    .fails = "ssi-boot",
				    .status = 124,
				    .says = "one\\nkrgboot did not end in time" },
				  { .id = "2" } };
	_cleanup_free_ char *start = NULL;
	struct fixture *f = *state;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &start, "start", NULL, NULL), 1);
	assert_non_null(strstr(start, "node01  It cannot begin: krgboot did not end in time (status 124)"));
}

static void a_start_with_one_id_twice_is_refused_and_touches_no_node(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "1" } };
	_cleanup_free_ char *said = NULL;
	struct fixture *f = *state;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &said, "start", NULL, NULL), 2);
	assert_non_null(strstr(said, "node02 has the id 1, which node01 has, too."));
	assert_string_equal(agents[0].done, "");
	assert_string_equal(agents[1].done, "");
}

/* Refused, so that no node is told of an order: what an agent would hear with its next report. */
static void assert_refused(struct fixture *f, const char *word, const char *const *words)
{
	const char *argv[12] = { MUSTER_BUILDDIR "/muster", "--root", f->server->root, "--yes", "ssi" };
	const struct spawn spawn = { .argv = argv, .timeout_ms = 30000 };
	_cleanup_free_ char *said = NULL;
	int code = -1;

	for (size_t i = 0; words[i]; i++)
		argv[5 + i] = words[i];
	assert_int_equal(spawn_run(&spawn, &code, &said), 0);
	assert_int_equal(code, 2);
	if (!strstr(said, word))
		fail_msg("no \"%s\" in: %s", word, said);
}

static void a_second_single_system_is_not_begun_beside_the_first(void **state)
{
	const char *const words[] = { "start", "-n", "node02", NULL };
	struct agent agents[] = { { .id = "1", .online = true }, { .id = "2" } };
	struct fixture *f = *state;

	report_all(f, agents);
	assert_refused(f, "node01 is in a single system already; `muster ssi add` takes others into it.",
		       words);
	report_all(f, agents);
	assert_string_equal(agents[1].done, "");
}

static void a_broken_one_gets_no_orders(void **state)
{
	static const char *const verbs[][5] = { { "start", "-n", "node02" },
						{ "add", "-n", "node02" },
						{ "migrate", "4194305", "node01" },
						{ "scheduler", "on" },
						{ "scheduler" } };
	struct fixture *f = *state;

	report(f, 0, IN_IT("1", "1"));
	report(f, 1, WAITS("2"));
	for (size_t i = 1; i < ARRAY_SIZE(verbs); i++)
		assert_refused(f, "The single system is broken", verbs[i]);
	assert_refused(f, "in a single system already", verbs[0]);
}

static void schedulers_are_taken_away_for_all_or_not_at_all(void **state)
{
	const char *const words[] = { "scheduler", "off", "-n", "node02", NULL };
	struct agent agents[] = { { .id = "1", .online = true }, { .id = "2", .online = true } };
	struct fixture *f = *state;

	report_all(f, agents);
	assert_refused(f, "leave the range out", words);
	report_all(f, agents);
	assert_string_equal(agents[0].done, "");
}

static void a_reset_is_asked_of_all_its_nodes(void **state)
{
	struct agent agents[] = { { .id = "1", .online = true }, { .id = "2", .online = true } };
	_cleanup_free_ char *said = NULL;
	struct fixture *f = *state;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &said, "reset", NULL, NULL), 0);
	assert_non_null(strstr(said, "node01  Asked"));
	report_all(f, agents);
	assert_string_equal(agents[0].done, "reset; ");
	assert_string_equal(agents[1].done, "reset; ");
}

static void a_reset_of_a_part_is_refused(void **state)
{
	struct agent agents[] = { { .id = "1", .online = true }, { .id = "2", .online = true } };
	_cleanup_free_ char *said = NULL, *all = NULL;
	struct fixture *f = *state;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &said, "reset", "-n", "node02"), 2);
	assert_non_null(strstr(said, "node01 would be left in a single system that hangs"));
	report_all(f, agents);
	assert_string_equal(agents[1].done, "");
	assert_int_equal(run_ssi(f, agents, &all, "reset", "-n", "node[01-02]"), 0);
	report_all(f, agents);
	assert_string_equal(agents[0].done, "reset; ");
	assert_string_equal(agents[1].done, "reset; ");
}

/* Two nodes that have become one machine; their agents may then be told what to say. */
static void begin(struct fixture *f, struct agent *agents)
{
	_cleanup_free_ char *said = NULL;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &said, "start", NULL, NULL), 0);
	agents[0].done[0] = agents[1].done[0] = '\0';
}

static void what_works_passes_the_test(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2" } };
	_cleanup_free_ char *said = NULL, *kept = NULL, *path = NULL;
	_cleanup_close_ int root = -1;
	struct fixture *f = *state;
	size_t len;

	begin(f, agents);
	agents[0].says = "leave 140 0\\nreturn 80 0\\nresult 120 0\\nshared 540 0";
	assert_true(asprintf(&path, "%s/report.txt", f->server->root) > 0);
	assert_int_equal(run_ssi(f, agents, &said, "test", "-o", path), 0);
	assert_string_equal(agents[0].done, "ssi-probe 1,2; ");
	assert_non_null(strstr(said, "It has 8 processors; its nodes have 8."));
	assert_non_null(strstr(said, "It has 1016328 kB of memory; its nodes have 1016328 kB."));
	assert_non_null(strstr(said, "0.14 s  A process has moved to another node."));
	assert_non_null(strstr(said, "0.54 s  Shared memory is the same on two nodes."));
	assert_non_null(strstr(said, "It passes."));
	root = fs_root_open(f->server->root);
	assert_true(root >= 0);
	assert_int_equal(fs_read(root, "/report.txt", 65536, &kept, &len), 0);
	assert_non_null(strstr(kept, "The single system of node[01-02], tried on "));
	assert_non_null(strstr(kept, "It passes."));
}

static void what_an_old_kernel_does_not_tell_is_no_failure(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2" } };
	_cleanup_free_ char *said = NULL;
	struct fixture *f = *state;

	begin(f, agents);
	agents[0].says =
		"leave 140 0 the kernel does not tell where a process is\\n"
		"return 80 0 the kernel does not tell where a process is\\nresult 120 0\\nshared 540 0";
	assert_int_equal(run_ssi(f, agents, &said, "test", NULL, NULL), 0);
	assert_non_null(
		strstr(said, "0.14 s  `migrate` says so; this kernel does not tell where a process is."));
	assert_non_null(strstr(said, "It passes."));
}

static void what_fails_in_a_test_is_told_and_fails_it(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2" } };
	_cleanup_free_ char *hangs = NULL, *wrong = NULL, *sums = NULL;
	struct fixture *f = *state;

	begin(f, agents);
	agents[0].fails = "ssi-probe";
	agents[0].status = 124;
	agents[0].says = "leave 140 0\\nreturn 30000 124 it does not come back";
	assert_int_equal(run_ssi(f, agents, &hangs, "test", "--json", NULL), 1);
	assert_non_null(strstr(hangs, "\"passed\": false"));
	assert_non_null(strstr(hangs, "\"verdict\": \"hangs\""));
	assert_non_null(strstr(hangs, "A process cannot move back: it does not come back"));
	assert_non_null(strstr(hangs, "\"verdict\": \"not tried\""));
	agents[0].status = 1;
	agents[0].says = "leave 140 0\\nreturn 80 0\\nresult 120 1 it is 17, and not 42\\nshared 540 0";
	assert_int_equal(run_ssi(f, agents, &wrong, "test", NULL, NULL), 1);
	assert_non_null(strstr(wrong, "A process that was moved fails: it is 17, and not 42"));
	assert_non_null(strstr(wrong, "It does not pass."));
	agents[0].fails = NULL;
	agents[0].says = "leave 140 0\\nreturn 80 0\\nresult 120 0\\nshared 540 0";
	agents[0].merged = agents[1].merged = "ssi_processors=4\nssi_memory_kb=508164\n";
	assert_int_equal(run_ssi(f, agents, &sums, "test", NULL, NULL), 1);
	assert_non_null(strstr(sums, "It has 4 processors; its nodes have 8."));
	assert_non_null(strstr(sums, "It has 508164 kB of memory; its nodes have 1016328 kB."));
}

static void a_test_wants_a_single_system_that_is_up(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2" } };
	_cleanup_free_ char *said = NULL;
	struct fixture *f = *state;

	report_all(f, agents);
	assert_int_equal(run_ssi(f, agents, &said, "test", NULL, NULL), 2);
	assert_non_null(strstr(said, "The single system is not started"));
	assert_string_equal(agents[0].done, "");
}

static void schedulers_are_set_up_shown_and_taken_away(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2" } };
	_cleanup_free_ char *on = NULL, *off = NULL, *show = NULL, *wrong = NULL;
	struct fixture *f = *state;

	begin(f, agents);
	agents[0].says = "mosix 1-2\\nrr";
	assert_int_equal(run_ssi(f, agents, &on, "scheduler", "on", NULL), 0);
	assert_non_null(strstr(on, "mosix, on the nodes with the ids 1-2"));
	assert_non_null(strstr(on, "rr, on all nodes"));
	assert_int_equal(run_ssi(f, agents, &show, "scheduler", NULL, NULL), 0);
	agents[0].says = NULL;
	assert_int_equal(run_ssi(f, agents, &off, "scheduler", "off", NULL), 0);
	assert_non_null(strstr(off, "No scheduler moves processes."));
	assert_string_equal(agents[0].done, "ssi-scheduler 1; ssi-scheduler 2; ssi-scheduler 0; ");
	assert_int_equal(run_ssi(f, agents, &wrong, "scheduler", "sometimes", NULL), 2);
	assert_non_null(strstr(wrong, "\"sometimes\" is neither on nor off"));
}

/* Kerrighed 3.0 has no command that ends it: the agents say that there is none. */
static void the_last_node_of_one_that_is_stopped_restarts(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2", .fails = "ssi-stop", .status = 127 } };
	_cleanup_free_ char *said = NULL;
	struct fixture *f = *state;

	begin(f, agents);
	assert_int_equal(run_ssi(f, agents, &said, "stop", NULL, NULL), 0);
	assert_non_null(strstr(said, "node02  It has left."));
	assert_non_null(strstr(said, "node01  It was the last one, and restarts."));
	report_all(f, agents);
	assert_string_equal(agents[0].done, "ssi-remove 2; reboot; ");
	assert_string_equal(agents[1].done, "ssi-stop; ");
}

static void generation_two_is_stopped_by_its_own_command(void **state)
{
	struct agent agents[] = { { .id = "1" }, { .id = "2" } };
	_cleanup_free_ char *said = NULL, *again = NULL;
	struct fixture *f = *state;

	begin(f, agents);
	assert_int_equal(run_ssi(f, agents, &said, "stop", NULL, NULL), 0);
	assert_non_null(strstr(said, "node01  It has left."));
	assert_non_null(strstr(said, "node02  It has left."));
	assert_string_equal(agents[1].done, "ssi-stop; ");
	assert_int_equal(run_ssi(f, agents, &again, "stop", NULL, NULL), 2);
	assert_non_null(strstr(again, "No such node is in a single system."));
}

/* Whether the answer to this report asks the node for the merged machine. */
static bool is_to_tell(struct fixture *f, int node, const char *subsession)
{
	_cleanup_free_ char *body = NULL, *answer = NULL;
	char value[8];

	assert_true(asprintf(&body, KERRIGHED "ssi_session=1\nssi_node=%d\nssi_subsession=%s\n", node + 1,
			     subsession) > 0);
	answer = client_report(f->server, node ? NODE2 : NODE1, f->token[node], body);
	value_of(answer, "merged", value, sizeof(value));
	return strcmp(value, "1") == 0;
}

static void one_node_alone_is_asked_for_the_merged_machine(void **state)
{
	struct fixture *f = *state;

	assert_false(is_to_tell(f, 1, "-1"));
	assert_true(is_to_tell(f, 0, "1"));
	assert_false(is_to_tell(f, 1, "1"));
	assert_true(is_to_tell(f, 0, "1"));
	/* It has left. */
	assert_false(is_to_tell(f, 0, "-1"));
	assert_true(is_to_tell(f, 1, "1"));
	assert_false(is_to_tell(f, 0, "1"));
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
		RUNNING(the_nodes_agents_form_it_and_part_it),
		RUNNING(what_a_node_cannot_do_is_told),
		RUNNING(who_came_in_though_the_tools_failed_is_told),
		RUNNING(what_did_not_end_in_time_is_told_so),
		RUNNING(a_start_with_one_id_twice_is_refused_and_touches_no_node),
		RUNNING(a_second_single_system_is_not_begun_beside_the_first),
		RUNNING(a_broken_one_gets_no_orders),
		RUNNING(schedulers_are_taken_away_for_all_or_not_at_all),
		RUNNING(a_reset_is_asked_of_all_its_nodes),
		RUNNING(a_reset_of_a_part_is_refused),
		RUNNING(what_works_passes_the_test),
		RUNNING(what_an_old_kernel_does_not_tell_is_no_failure),
		RUNNING(what_fails_in_a_test_is_told_and_fails_it),
		RUNNING(a_test_wants_a_single_system_that_is_up),
		RUNNING(schedulers_are_set_up_shown_and_taken_away),
		RUNNING(the_last_node_of_one_that_is_stopped_restarts),
		RUNNING(generation_two_is_stopped_by_its_own_command),
		RUNNING(one_node_alone_is_asked_for_the_merged_machine),
		RUNNING(a_range_that_names_no_node_is_refused),
	};

	return cmocka_run_group_tests_name("daemon-ssi", tests, NULL, NULL);
}
