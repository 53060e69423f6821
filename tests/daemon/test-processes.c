/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes of the single system, as a node tells of them to the real musterd and as the program shows them. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "backend/muster.h"
#include "tests/daemon/client.h"
#include "util/clock.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define SCRIPT2 "/boot.ipxe?mac=" MAC2 "&platform=pcbios"
#define DEADLINE_MS 20000
#define IN_IT(id)                                                                                         \
	"stage=ready\nkernel=2.6.30-krg\nversion=#1 SMP\nprocessors=4\nssi_subsession=1\nssi_session=1\n" \
	"ssi_node=" id "\nssi_online=2\nssi_present=2\n"
/* node01 has node id 1; 6291461 began there, 10485761 on node02. */
#define LIST                                                                                           \
	"processes_status=0\nprocesses=5000 9\\n6291461 1 R 0 61000 2048 spin\\n6291462 2 S 1000 20 "  \
	"400 a  b\033[2J\\n10485761 2 S 0 10 0 sh\\nnonsense\\n-4 2 S 0 10 0 x\\n10485762 7 Sk 0 0 0 " \
	"kswapd\\n\n"

struct fixture {
	struct server *server;
	struct muster *muster;
	char token[2][33];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct muster_config config = { 0 };

	assert_non_null(f);
	f->server = server_new();
	config.root = f->server->root;
	server_start(f->server, NULL);
	assert_int_equal(muster_new(&config, &f->muster), 0);
	client_boot(f->server, NODE1, SCRIPT1, f->token[0]);
	client_boot(f->server, NODE2, SCRIPT2, f->token[1]);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	muster_free(f->muster);
	server_free(f->server);
	free(f);
	return 0;
}

/* Whether the answer to its report asks the node, and how. */
static char asked(struct fixture *f, int node, const char *body)
{
	_cleanup_free_ char *answer = client_report(f->server, node ? NODE2 : NODE1, f->token[node], body);
	const char *line = strstr(answer, "processes=");

	return line ? line[strlen("processes=")] : '-';
}

static void wait_until_asked(struct fixture *f, int node, const char *body, char how)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	while (asked(f, node, body) != how) {
		assert_true(clock_mono_ms() < end);
		poll(NULL, 0, 20);
	}
}

static struct muster_asking *look(struct fixture *f, bool kernel)
{
	struct muster_asking *a = NULL;

	assert_int_equal(muster_ssi_ps_ask(f->muster, kernel, &a), 0);
	return a;
}

static struct ssi_processes *next(struct fixture *f, struct muster_asking *a)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	struct ssi_processes *p = NULL;
	int r;

	while ((r = muster_ssi_ps_read(f->muster, a, &p)) > 0) {
		struct pollfd fd = { .fd = muster_asking_fd(a), .events = POLLIN };

		assert_true(clock_mono_ms() < end);
		poll(&fd, 1, 100);
	}
	assert_int_equal(r, 0);
	return p;
}

static void only_one_node_is_asked_and_only_while_somebody_looks(void **state)
{
	struct fixture *f = *state;
	struct muster_asking *a, *b;
	struct ssi_processes *p;

	assert_int_equal(asked(f, 0, IN_IT("1")), '-');
	a = look(f, false);
	wait_until_asked(f, 0, IN_IT("1"), '0');
	assert_int_equal(asked(f, 1, IN_IT("2")), '-');
	assert_int_equal(asked(f, 0, IN_IT("1") LIST), '0');
	p = next(f, a);
	assert_int_equal(p->look, SSI_LOOK_DONE);
	assert_string_equal(p->node, "node01");
	assert_int_equal(p->clock, 5000);
	assert_int_equal(p->total, 9);
	assert_int_equal(p->n, 4);
	assert_int_equal(p->v[0].pid, 6291461);
	assert_int_equal(p->v[0].node, 1);
	assert_int_equal(p->v[0].home, 1);
	assert_int_equal(p->v[0].state, 'R');
	assert_int_equal(p->v[0].ms, 61000);
	assert_int_equal(p->v[0].memory_kb, 2048);
	assert_string_equal(p->v[0].name, "spin");
	assert_int_equal(p->v[1].node, 2);
	assert_int_equal(p->v[1].home, 1);
	assert_int_equal(p->v[1].uid, 1000);
	/* What would act on a terminal does not get through. */
	assert_string_equal(p->v[1].name, "a  b\xef\xbf\xbd[2J");
	assert_true(p->v[3].kernel);
	muster_ssi_ps_free(p);
	/* A second one gets the newest at once, and has the node asked for more. */
	b = look(f, true);
	p = next(f, b);
	assert_int_equal(p->n, 4);
	muster_ssi_ps_free(p);
	wait_until_asked(f, 0, IN_IT("1"), '1');
	muster_asking_free(b);
	wait_until_asked(f, 0, IN_IT("1"), '0');
	muster_asking_free(a);
	wait_until_asked(f, 0, IN_IT("1"), '-');
	assert_int_equal(asked(f, 0, IN_IT("1") LIST), '-');
}

static void a_node_that_cannot_tell_or_leaves_is_not_asked_again(void **state)
{
	struct fixture *f = *state;
	struct muster_asking *a = look(f, false);
	struct ssi_processes *p;

	wait_until_asked(f, 0, IN_IT("1"), '0');
	assert_int_equal(asked(f, 0, IN_IT("1") "processes_status=127\nprocesses=no such thing\\n\n"), '-');
	p = next(f, a);
	assert_int_equal(p->look, SSI_LOOK_FAILED);
	assert_string_equal(p->text, "no such thing\n");
	muster_ssi_ps_free(p);
	assert_int_equal(asked(f, 1, IN_IT("2")), '0');
	assert_int_equal(asked(f, 0, IN_IT("1")), '-');
	assert_int_equal(asked(f, 1, "stage=ready\n"), '-');
	assert_int_equal(asked(f, 0, IN_IT("1")), '-');
	wait_until_asked(f, 1, IN_IT("2"), '0');
	/* What another one tells unasked is nobody's business. */
	assert_int_equal(asked(f, 0, IN_IT("1") LIST), '-');
	assert_int_equal(asked(f, 1, IN_IT("2") "processes_status=124\nprocesses=it hangs\\n\n"), '0');
	p = next(f, a);
	assert_int_equal(p->look, SSI_LOOK_HANGS);
	assert_string_equal(p->node, "node02");
	muster_ssi_ps_free(p);
	muster_asking_free(a);
}

/* Runs `muster ssi ps` with these words while node01 tells this; its exit status, and what it said. */
static int run_ps(struct fixture *f, const char *tells, char **ret, const char *a, const char *b)
{
	const char *const argv[] = {
		MUSTER_BUILDDIR "/muster", "--root", f->server->root, "ssi", "ps", a, b, NULL
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
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (asked(f, 0, tells) != '-')
			free(client_report(f->server, NODE1, f->token[0], tells));
		poll(NULL, 0, 10);
	}
	assert_true(WIFEXITED(status));
	*ret = calloc(1, 8192);
	assert_non_null(*ret);
	assert_true(pread(fd, *ret, 8191, 0) >= 0);
	close(fd);
	return WEXITSTATUS(status);
}

static void processes_are_listed_by_node(void **state)
{
	_cleanup_free_ char *all = NULL, *some = NULL, *json = NULL;
	struct fixture *f = *state;
	json_t *doc, *one;

	free(client_report(f->server, NODE2, f->token[1], IN_IT("2")));
	free(client_report(f->server, NODE1, f->token[0], IN_IT("1")));
	assert_int_equal(run_ps(f, IN_IT("1") LIST, &all, "--all", NULL), 0);
	assert_string_equal(all, "NODE         PID  FROM    USER  S   TIME     MEMORY  COMMAND\n"
				 "node01   6291461          root  R  1m01s    2.0 MiB  spin\n"
				 "node02   6291462  node01  1000  S    0 s  400.0 KiB  a  b\xef\xbf\xbd[2J\n"
				 "node02  10485761          root  S    0 s        0 B  sh\n"
				 "#7      10485762  node02  root  S    0 s        0 B  [kswapd]\n"
				 "5 more processes are not shown: those that have used less.\n");
	assert_int_equal(run_ps(f, IN_IT("1") LIST, &some, "-n", "node02"), 0);
	assert_non_null(strstr(some, "10485761"));
	assert_null(strstr(some, "spin"));
	assert_int_equal(run_ps(f, IN_IT("1") LIST, &json, "--json", NULL), 0);
	doc = json_loads(json, 0, NULL);
	assert_non_null(doc);
	assert_int_equal(json_integer_value(json_object_get(doc, "left_out")), 5);
	one = json_array_get(json_object_get(doc, "processes"), 1);
	assert_string_equal(json_string_value(json_object_get(one, "node")), "node02");
	assert_string_equal(json_string_value(json_object_get(one, "began_on")), "node01");
	json_decref(doc);
}

static void what_hangs_or_is_not_up_is_said_and_waits_for_nothing(void **state)
{
	_cleanup_free_ char *down = NULL, *hangs = NULL, *broken = NULL, *wrong = NULL;
	struct fixture *f = *state;

	assert_int_equal(run_ps(f, "stage=ready\n", &down, NULL, NULL), 2);
	assert_non_null(strstr(down, "No node runs a kernel with the single system."));
	free(client_report(f->server, NODE1, f->token[0], IN_IT("1")));
	assert_int_equal(run_ps(f, IN_IT("1"), &wrong, "-n", "node77"), 2);
	assert_int_equal(run_ps(f, IN_IT("1") "processes_status=124\nprocesses=it hangs\\n\n", &hangs, NULL,
				NULL),
			 1);
	assert_non_null(strstr(hangs, "looking at its processes does not come back"));
	assert_non_null(strstr(hangs, "Reset all nodes of its session together: node01."));
	free(client_report(f->server, NODE1, f->token[0], IN_IT("1") "ssi_stuck=/proc/x\n"));
	assert_int_equal(run_ps(f, IN_IT("1") "ssi_stuck=/proc/x\n", &broken, NULL, NULL), 1);
	assert_non_null(strstr(broken, "The single system is broken: 1 of 2 nodes shows it."));
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(only_one_node_is_asked_and_only_while_somebody_looks),
		RUNNING(a_node_that_cannot_tell_or_leaves_is_not_asked_again),
		RUNNING(processes_are_listed_by_node),
		RUNNING(what_hangs_or_is_not_up_is_said_and_waits_for_nothing),
	};

	return cmocka_run_group_tests_name("daemon-processes", tests, NULL, NULL);
}
