/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Orders reach the nodes at once: the real musterd, the real command, and agents that report once a minute. */
#include "config.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "agent/wire.h"
#include "tests/daemon/client.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/spawn.h"

#define DEADLINE_MS 20000
#define NODES 2

/* Generation 2.4, with a script in the place of its tool: what it forms, it writes into both nodes' trees. */
static const char tool[] =
	"#!/bin/sh\n"
	"for node in node01 node02; do echo 1 >../$node/sys/kerrighed/subsession_id; done\n"
	"echo \"$@\" >>ran\n";

static const char *const names[NODES] = { "node01", "node02" };
static const char *const addresses[NODES] = { NODE1, NODE2 };

struct fixture {
	struct server *server;
	pid_t agent[NODES];
};

/* A network of its own: the port is a fixed one, and other tests may be at work on this machine. */
static void enter_own_network(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	_cleanup_close_ int fd = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
}

static void put_in(struct fixture *f, int node, const char *path, const char *text)
{
	_cleanup_free_ char *full = NULL;

	assert_true(asprintf(&full, "/trees/%s/%s", names[node], path) > 0);
	server_put(f->server, full, text, strlen(text));
}

static void make_tree(struct fixture *f, int node)
{
	char token[33];
	_cleanup_free_ char *conf = NULL, *boot = NULL, *id = NULL, *path = NULL;

	assert_true(asprintf(&boot, "/boot.ipxe?mac=%s&platform=pcbios", node ? MAC2 : MAC1) > 0);
	client_boot(f->server, addresses[node], boot, token);
	assert_true(asprintf(&conf,
			     "node=%s\ndomain=test.lan\nmac=52:54:00:00:00:0%d\naddress=%s\nprefix="
			     "8\nserver=" SERVER
			     "\nport=%u\ntoken=%s\nroot=nfs\nroot_path=x\nnfs_export=" SERVER ":/x\n"
			     "interval=%s\n",
			     names[node], node + 1, addresses[node], f->server->port, token,
			     f->server->interval) > 0);
	assert_true(asprintf(&id, "%d\n", node + 1) > 0);
	put_in(f, node, "run/muster/node.conf", conf);
	put_in(f, node, "sys/kerrighed/node_id", id);
	put_in(f, node, "sys/kerrighed/session_id", "1\n");
	put_in(f, node, "sys/kerrighed/subsession_id", "-1\n");
	put_in(f, node, "proc/kerrighed/nodes/nrnodes", "ONLINE:0\nPRESENT:2\nPOSSIBLE:256\n");
	put_in(f, node, "bin/krgadm", tool);
	assert_true(asprintf(&path, "%s/trees/%s/bin/krgadm", f->server->root, names[node]) > 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void start_agent(struct fixture *f, int node)
{
	_cleanup_free_ char *dir = NULL;

	assert_true(asprintf(&dir, "%s/trees/%s", f->server->root, names[node]) > 0);
	f->agent[node] = fork();
	assert_true(f->agent[node] >= 0);
	if (f->agent[node] > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(MUSTER_BUILDDIR "/tests/daemon/agent-at", "agent-at", dir, (char *)NULL);
	_exit(127);
}

static void start_all(struct fixture *f, const char *interval)
{
	f->server->interval = interval;
	server_start(f->server, NULL);
	for (int i = 0; i < NODES; i++) {
		make_tree(f, i);
		start_agent(f, i);
	}
	for (int i = 0; i < NODES; i++)
		assert_true(wait_for_stage(f->server, names[i], NODE_READY));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->server = server_new();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < NODES; i++)
		if (f->agent[i] > 0) {
			kill(f->agent[i], SIGKILL);
			waitpid(f->agent[i], NULL, 0);
		}
	server_free(f->server);
	free(f);
	return 0;
}

static int muster_start(struct fixture *f, char **ret)
{
	const char *const argv[] = {
		MUSTER_BUILDDIR "/muster", "--root", f->server->root, "ssi", "start", NULL
	};
	struct spawn spawn = { .argv = argv, .timeout_ms = 120000 };
	int code = -1;

	assert_int_equal(spawn_run(&spawn, &code, ret), 0);
	return code;
}

static void assert_formed(struct fixture *f)
{
	_cleanup_free_ char *said = NULL, *ran = NULL;

	assert_int_equal(muster_start(f, &said), 0);
	assert_non_null(strstr(said, "node01  It is online."));
	assert_non_null(strstr(said, "node02  It is online."));
	assert_int_equal(fs_read(f->server->root_fd, "/trees/node01/ran", 4096, &ran, NULL), 0);
	assert_string_equal(ran, "cluster start -n 1,2\n");
}

/* Each of its parts would take up to a minute, and be given up before that. */
static void nodes_that_report_each_minute_do_at_once_what_they_are_told(void **state)
{
	struct fixture *f = *state;
	int64_t began;

	start_all(f, "60");
	began = clock_mono_ms();
	assert_formed(f);
	assert_in_range(clock_mono_ms() - began, 0, DEADLINE_MS);
}

static void where_pokes_are_lost_it_is_done_at_the_next_report(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(WIRE_POKE_PORT) };
	struct fixture *f = *state;
	int fd[NODES];

	for (int i = 0; i < NODES; i++) {
		fd[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		assert_int_equal(inet_pton(AF_INET, addresses[i], &a.sin_addr), 1);
		assert_int_equal(bind(fd[i], (struct sockaddr *)&a, sizeof(a)), 0);
	}
	start_all(f, "1");
	assert_formed(f);
	for (int i = 0; i < NODES; i++)
		close(fd[i]);
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(nodes_that_report_each_minute_do_at_once_what_they_are_told),
		RUNNING(where_pokes_are_lost_it_is_done_at_the_next_report),
	};

	enter_own_network();
	return cmocka_run_group_tests_name("daemon-poke", tests, NULL, NULL);
}
