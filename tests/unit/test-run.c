/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command on many nodes, with a program in ssh's place. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "backend/muster.h"
#include "backend/nodes/store.h"
#include "util/clock.h"
#include "util/fs.h"

#define NODES 40

/* Its last but one argument is the address, the last the command. */
static const char fake_ssh[] =
	"#!/bin/sh\n"
	"for a; do case $a in HostKeyAlias=*) node=${a#*=};; esac; before=$last; last=$a; done\n"
	"case $last in\n"
	"same) echo hello; echo world;;\n"
	"where) printf '%s %s' \"$node\" \"$before\";;\n"
	"words) for a; do echo \"<$a>\"; done;;\n"
	"fail) [ $node != node02 ] || exit 7;;\n"
	"hang) echo first; exec sleep 600;;\n"
	"leave) sleep 600 & echo left;;\n"
	"esac\n";

struct fixture {
	char root[32];
	struct muster *m;
	char *path; /* PATH as it was */
};

struct seen {
	size_t lines, done, ok;
	int last_status;
	char text[4096];
};

static void on_line(void *data, const char *node, const char *line)
{
	struct seen *s = data;
	size_t used = strlen(s->text);

	s->lines++;
	snprintf(s->text + used, sizeof(s->text) - used, "%s: %s\n", node, line);
}

static void on_done(void *data, const char *node, int status)
{
	struct seen *s = data;

	s->done++;
	s->ok += status == 0;
	if (status != 0)
		s->last_status = status;
}

static const struct muster_run_ops ops = { on_line, on_done };

static void fill_store(int root, const char *root_path)
{
	struct plan_node nodes[NODES] = { 0 };
	struct plan p = { .nodes = nodes, .n_nodes = NODES };
	_cleanup_free_ char *path = fs_join(root_path, "/var/lib/muster/state/muster.db");
	struct store *s = NULL;

	assert_int_equal(fs_mkdir_all(root, "/var/lib/muster/state", 0755), 0);
	for (size_t i = 0; i < NODES; i++) {
		assert_true(asprintf(&nodes[i].name, "node%02zu", i + 1) > 0);
		nodes[i].address.n = i == NODES - 1 ? 0 : 0x0a420000U + (uint32_t)i;
	}
	assert_int_equal(store_open(path, STORE_WRITE, &s), 0);
	assert_int_equal(store_sync(s, &p), 0);
	store_free(s);
	for (size_t i = 0; i < NODES; i++)
		free(nodes[i].name);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct muster_config config = { 0 };
	struct fs_attr attr = { 0755, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int root = -1;
	_cleanup_free_ char *path = NULL;

	snprintf(f->root, sizeof(f->root), "/tmp/muster-run.XXXXXX");
	assert_non_null(mkdtemp(f->root));
	root = fs_root_open(f->root);
	fill_store(root, f->root);
	assert_int_equal(fs_mkdir_all(root, "/bin", 0755), 0);
	assert_int_equal(fs_write(root, "/bin/ssh", fake_ssh, strlen(fake_ssh), &attr), 0);
	f->path = strdup(getenv("PATH"));
	assert_true(asprintf(&path, "%s/bin:%s", f->root, f->path) > 0);
	setenv("PATH", path, 1);
	config.root = f->root;
	*state = f;
	return muster_new(&config, &f->m);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	_cleanup_close_ int top = fs_root_open(NULL);
	int r;

	muster_free(f->m);
	setenv("PATH", f->path, 1);
	r = fs_remove_tree(top, f->root);
	free(f->path);
	free(f);
	return r;
}

static struct seen run(struct fixture *f, const char *range, const char *word, int timeout_ms)
{
	const char *const argv[] = { word, NULL };
	struct muster_run_options options = { .timeout_ms = timeout_ms };
	struct muster_run *run = NULL;
	int64_t end = clock_mono_ms() + 30000;
	struct seen seen = { 0 };
	int r = 0;

	assert_int_equal(muster_run_start(f->m, range, argv, &options, &run), 0);
	while (r == 0) {
		struct pollfd p = { .fd = muster_run_fd(run), .events = POLLIN };

		assert_true(clock_mono_ms() < end);
		assert_true(poll(&p, 1, 10000) > 0);
		r = muster_run_work(run, &ops, &seen);
	}
	assert_int_equal(r, 1);
	muster_run_free(run);
	return seen;
}

static void every_node_runs_it_and_its_lines_come(void **state)
{
	struct seen s = run(*state, "node[01-39]", "same", 0);

	assert_int_equal(s.done, 39);
	assert_int_equal(s.ok, 39);
	assert_int_equal(s.lines, 78);
	assert_non_null(strstr(s.text, "node39: hello\n"));
}

static void each_node_is_reached_by_its_address_and_known_by_its_name(void **state)
{
	struct seen s = run(*state, "node03", "where", 0);

	assert_string_equal(s.text, "node03: node03 10.66.0.2\n");
}

static void ssh_asks_nobody_and_trusts_the_keys_of_muster(void **state)
{
	struct fixture *f = *state;
	struct seen s = run(f, "node01", "words", 0);

	assert_non_null(strstr(s.text, "<BatchMode=yes>"));
	assert_non_null(strstr(s.text, "<StrictHostKeyChecking=yes>"));
	assert_non_null(strstr(s.text, f->root));
	assert_non_null(strstr(s.text, "/etc/muster/known_hosts\">"));
	assert_non_null(strstr(s.text, "<-->\nnode01: <10.66.0.0>\nnode01: <words>\n"));
}

static void the_servers_own_key_to_the_nodes_is_the_only_one_offered(void **state)
{
	struct fixture *f = *state;
	struct fs_attr attr = { 0600, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int root = fs_root_open(f->root);
	struct seen s = run(f, "node01", "words", 0);
	char want[128];

	assert_null(strstr(s.text, "<-i>"));
	assert_int_equal(fs_mkdir_all(root, "/etc/muster", 0755), 0);
	assert_int_equal(fs_write(root, MUSTER_IDENTITY, "key", 3, &attr), 0);
	s = run(f, "node01", "words", 0);
	snprintf(want, sizeof(want),
		 "<IdentitiesOnly=yes>\nnode01: <-i>\nnode01: <%s/etc/muster/id_ed25519>\n", f->root);
	assert_non_null(strstr(s.text, want));
}

static void a_failure_has_its_status(void **state)
{
	struct seen s = run(*state, "node[01-03]", "fail", 0);

	assert_int_equal(s.done, 3);
	assert_int_equal(s.ok, 2);
	assert_int_equal(s.last_status, 7);
}

static void a_node_without_an_address_is_not_reached(void **state)
{
	struct seen s = run(*state, "node40", "same", 0);

	assert_int_equal(s.done, 1);
	assert_int_equal(s.last_status, -EADDRNOTAVAIL);
}

static void what_takes_too_long_is_ended(void **state)
{
	struct seen s = run(*state, "node[01-02]", "hang", 300);

	assert_int_equal(s.done, 2);
	assert_int_equal(s.last_status, -MUSTER_E_TIMEOUT);
	assert_int_equal(s.lines, 2);
}

static void what_is_left_running_is_not_waited_for(void **state)
{
	struct seen s = run(*state, "node01", "leave", 0);

	assert_int_equal(s.ok, 1);
	assert_string_equal(s.text, "node01: left\n");
}

static void freeing_it_ends_what_runs(void **state)
{
	static const char *const argv[] = { "hang", NULL };
	struct fixture *f = *state;
	struct muster_run *run = NULL;
	struct seen s = { 0 };

	assert_int_equal(muster_run_start(f->m, "node01", argv, NULL, &run), 0);
	while (s.lines == 0) {
		struct pollfd p = { .fd = muster_run_fd(run), .events = POLLIN };

		assert_true(poll(&p, 1, 10000) > 0);
		assert_int_equal(muster_run_work(run, &ops, &s), 0);
	}
	muster_run_free(run);
	assert_int_equal(s.done, 0);
	assert_int_equal(muster_run_start(f->m, "node77", argv, NULL, &run), -EINVAL);
}

#define WITH_NODES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_NODES(every_node_runs_it_and_its_lines_come),
		WITH_NODES(each_node_is_reached_by_its_address_and_known_by_its_name),
		WITH_NODES(ssh_asks_nobody_and_trusts_the_keys_of_muster),
		WITH_NODES(the_servers_own_key_to_the_nodes_is_the_only_one_offered),
		WITH_NODES(a_failure_has_its_status),
		WITH_NODES(a_node_without_an_address_is_not_reached),
		WITH_NODES(what_takes_too_long_is_ended),
		WITH_NODES(what_is_left_running_is_not_waited_for),
		WITH_NODES(freeing_it_ends_what_runs),
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
