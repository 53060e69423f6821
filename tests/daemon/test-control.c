/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The control socket of the real musterd, asked raw and through the backend's feed. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "backend/muster.h"
#include "backend/nodes/control.h"
#include "tests/daemon/client.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define DEADLINE_MS 20000

/* What the feed has told so far. */
struct seen {
	int clusters, alls, nodes, gone, events, syncs;
	size_t cluster_nodes;
	char names[256]; /* "node01 ready node02 off " since the last look */
	char last_event[64];
};

static void on_cluster(void *data, const struct muster_cluster *c)
{
	struct seen *s = data;

	s->clusters++;
	s->alls += c->all;
	s->cluster_nodes = c->nodes;
	assert_string_equal(c->name, "test");
	assert_int_equal(c->interval, 1);
	assert_string_equal(c->generation, "g1");
}

static void on_node(void *data, const struct node_state *n)
{
	struct seen *s = data;
	size_t used = strlen(s->names);

	s->nodes++;
	snprintf(s->names + used, sizeof(s->names) - used, "%s %s ", n->name, node_stage_text(n->stage));
}

static void on_gone(void *data, const char *name)
{
	struct seen *s = data;

	s->gone++;
	assert_string_equal(name, "node02");
}

static void on_event(void *data, const struct muster_node_event *e)
{
	struct seen *s = data;

	s->events++;
	snprintf(s->last_event, sizeof(s->last_event), "%s %s", e->kind, e->text);
}

static void on_synced(void *data)
{
	struct seen *s = data;

	s->syncs++;
}

static const struct muster_feed_ops ops = { on_cluster, on_node, on_gone, on_event, on_synced };

static struct muster *open_muster(struct server *s)
{
	struct muster_config config = { .root = s->root };
	struct muster *m = NULL;

	assert_int_equal(muster_new(&config, &m), 0);
	return m;
}

/* Reads until one more batch is told; forgets what was seen before. */
static void next_batch(struct muster_feed *f, struct seen *seen)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	*seen = (struct seen){ 0 };
	while (seen->syncs == 0) {
		struct pollfd p = { .fd = muster_feed_fd(f), .events = POLLIN };

		assert_true(clock_mono_ms() < end);
		assert_true(poll(&p, 1, DEADLINE_MS) > 0);
		assert_int_equal(muster_feed_read(f, &ops, seen), 0);
	}
}

/* Reads batches until this is among the changed. */
static void wait_for_change(struct muster_feed *f, struct seen *seen, const char *text)
{
	do
		next_batch(f, seen);
	while (!strstr(seen->names, text));
}

static struct muster_feed *follow(struct muster *m, int64_t seq, int64_t event)
{
	struct muster_feed *f = NULL;

	assert_int_equal(muster_feed_open(m, (struct muster_feed_from){ seq, event }, &f), 0);
	return f;
}

static void boot(struct server *s, char token[33])
{
	client_boot(s, NODE1, SCRIPT1, token);
}

static void report(struct server *s, const char *token, const char *body)
{
	_cleanup_free_ char *answer = client_report(s, NODE1, token, body);

	assert_string_equal(answer, "");
}

/* A connection without the backend. */
static int dial(struct server *s)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s" CONTROL_SOCKET, s->root);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* One line; NULL when the connection was closed. */
static char *hear(int fd)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char c = '\0', *text = NULL;

	while (c != '\n') {
		assert_true(poll(&p, 1, DEADLINE_MS) > 0);
		if (recv(fd, &c, 1, 0) <= 0)
			return NULL;
		strbuf_addc(&b, c);
	}
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}

static void assert_heard(int fd, const char *text)
{
	_cleanup_free_ char *line = hear(fd);

	assert_non_null(line);
	assert_non_null(strstr(line, text));
}

static int setup(void **state)
{
	struct server *s = server_new();

	server_start(s, NULL);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	server_free(*state);
	return 0;
}

static void all_nodes_come_first_and_then_those_that_changed(void **state)
{
	struct server *s = *state;
	_cleanup_(muster_freep) struct muster *m = open_muster(s);
	_cleanup_(muster_feed_freep) struct muster_feed *f = follow(m, 0, 0);
	struct seen seen;
	char token[33];

	next_batch(f, &seen);
	assert_int_equal(seen.clusters, 1);
	assert_int_equal(seen.alls, 1);
	assert_int_equal(seen.cluster_nodes, 2);
	assert_string_equal(seen.names, "node01 off node02 off ");
	assert_int_equal(seen.events, 0);
	boot(s, token);
	wait_for_change(f, &seen, "node01 loader ");
	assert_int_equal(seen.clusters, 0);
	assert_int_equal(seen.nodes, 1);
	assert_string_equal(seen.last_event, "stage loader");
	report(s, token, "stage=failed\nreason=no disk\nlog=a\\nb\n");
	wait_for_change(f, &seen, "node01 failed ");
	assert_int_equal(seen.nodes, 1);
	assert_string_equal(seen.last_event, "failed no disk");
}

static void a_reload_tells_what_is_gone(void **state)
{
	struct server *s = *state;
	_cleanup_(muster_freep) struct muster *m = open_muster(s);
	_cleanup_(muster_feed_freep) struct muster_feed *f = follow(m, 0, -1);
	struct seen seen;

	next_batch(f, &seen);
	s->plan.n_nodes = 1;
	server_write_plan(s);
	s->plan.n_nodes = 2;
	assert_int_equal(kill(s->pid, SIGHUP), 0);
	next_batch(f, &seen);
	assert_int_equal(seen.clusters, 1);
	assert_int_equal(seen.alls, 0);
	assert_int_equal(seen.cluster_nodes, 1);
	assert_int_equal(seen.gone, 1);
	assert_int_equal(seen.nodes, 0);
	server_write_plan(s);
	assert_int_equal(kill(s->pid, SIGHUP), 0);
	next_batch(f, &seen);
	assert_int_equal(seen.cluster_nodes, 2);
	assert_string_equal(seen.names, "node02 off ");
}

static void numbers_stay_valid_over_a_restart(void **state)
{
	struct server *s = *state;
	_cleanup_(muster_freep) struct muster *m = open_muster(s);
	struct muster_feed *f = follow(m, 0, 0);
	struct muster_feed_from where;
	struct seen seen;
	char token[33];

	next_batch(f, &seen);
	boot(s, token);
	wait_for_change(f, &seen, "node01 loader ");
	where = muster_feed_where(f);
	assert_int_equal(server_stop(s), 0);
	while (muster_feed_read(f, &ops, &seen) == 0)
		poll(NULL, 0, 5);
	assert_int_equal(muster_feed_read(f, &ops, &seen), -ECONNRESET);
	muster_feed_free(f);
	assert_int_equal(muster_feed_open(m, where, &f), -ECONNREFUSED);
	server_start(s, NULL);
	report(s, token, "stage=initramfs\n");
	f = follow(m, where.seq, where.event);
	next_batch(f, &seen);
	assert_int_equal(seen.alls, 0);
	assert_string_equal(seen.names, "node01 initramfs ");
	assert_int_equal(seen.events, 1);
	muster_feed_free(f);
}

static void without_musterd_there_is_no_feed(void **state)
{
	struct server *s = *state;
	_cleanup_(muster_freep) struct muster *m = open_muster(s);
	struct muster_feed *f = NULL;
	struct muster_history *h = NULL;

	assert_int_equal(server_stop(s), 0);
	assert_int_equal(fs_unlink(s->root_fd, CONTROL_SOCKET), 0);
	assert_int_equal(muster_feed_open(m, (struct muster_feed_from){ 0, -1 }, &f), -ENOENT);
	assert_int_equal(muster_history(m, "node01", &h), -ENOENT);
}

static void the_history_of_a_node_can_be_read(void **state)
{
	struct server *s = *state;
	_cleanup_(muster_freep) struct muster *m = open_muster(s);
	_cleanup_(muster_history_freep) struct muster_history *h = NULL;
	struct muster_history *none = NULL;
	char token[33];

	boot(s, token);
	report(s, token, "stage=ready\nkernel=6.1.0\nload=0.50\n");
	assert_int_equal(muster_history(m, "node01", &h), 0);
	assert_string_equal(h->node.kernel, "6.1.0");
	assert_int_equal(h->n_boots, 1);
	assert_int_equal(h->boots[0].stage, NODE_READY);
	assert_int_equal(h->boots[0].n_stages, 2);
	assert_int_equal(h->boots[0].ms, h->node.median_ms);
	assert_true(h->boots[0].ms >= 0);
	assert_int_equal(h->medians[NODE_LOADER], h->boots[0].stages[0].ms);
	assert_int_equal(h->n_events, 2);
	assert_string_equal(h->events[1].text, "ready");
	assert_int_equal(muster_history(m, "node99", &none), -ENOENT);
}

static void only_root_and_its_group_reach_it(void **state)
{
	struct server *s = *state;
	struct stat st;

	assert_int_equal(fs_stat(s->root_fd, CONTROL_SOCKET, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void what_is_no_request_is_refused_and_the_connection_goes_on(void **state)
{
	static const char *const wrong[] = {
		"garbage\n",
		"{}\n",
		"[1, 2]\n",
		"{\"follow\": 5}\n",
		"{\"follow\": {\"since\": \"x\"}}\n",
		"{\"history\": []}\n",
		"{\"history\": \"../etc\"}\n",
		"{\"a\": 1, \"a\": 2}\n",
		"\xff\xfe\n",
		"{\"history\": \"node01\\u0000\"}\n",
	};
	struct server *s = *state;
	_cleanup_close_ int fd = dial(s);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		say(fd, wrong[i]);
		assert_heard(fd, "{\"error\":");
	}
	say(fd, "\n\n{\"history\": ");
	say(fd, "\"node01\"}\n{\"history\": \"node02\"}\n");
	assert_heard(fd, "\"name\":\"node01\"");
	assert_heard(fd, "\"name\":\"node02\"");
}

static void a_line_without_an_end_is_not_taken(void **state)
{
	struct server *s = *state;
	_cleanup_close_ int fd = dial(s);
	char block[4096];
	size_t sent = 0;

	memset(block, 'x', sizeof(block));
	while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0) {
		sent += sizeof(block);
		assert_true(sent < 8 * (size_t)CONTROL_REQUEST_MAX);
	}
	assert_true(sent >= CONTROL_REQUEST_MAX);
	assert_int_equal(get_status(s, NODE1, "/health"), 200);
}

static void a_hundred_connections_are_too_many(void **state)
{
	struct server *s = *state;
	_cleanup_(muster_freep) struct muster *m = open_muster(s);
	int fds[100];
	struct seen seen;
	struct muster_feed *f;

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = dial(s);
		if (i < CONTROL_CLIENTS_MAX)
			say(fds[i], "{\"history\": \"node01\"}\n");
		assert_heard(fds[i], i < CONTROL_CLIENTS_MAX ? "{\"history\":" : "{\"error\":");
	}
	assert_int_equal(get_status(s, NODE1, "/health"), 200);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	f = follow(m, 0, 0);
	next_batch(f, &seen);
	assert_int_equal(seen.nodes, 2);
	muster_feed_free(f);
}

/* It asks and asks, and takes no answer. */
static void who_does_not_read_is_closed_and_holds_nobody_up(void **state)
{
	static const char ask[] = "{\"history\": \"node01\"}\n";
	struct server *s = *state;
	_cleanup_(muster_freep) struct muster *m = open_muster(s);
	_cleanup_(muster_feed_freep) struct muster_feed *f = follow(m, 0, 0);
	_cleanup_close_ int fd = dial(s);
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	struct seen seen;
	char token[33];

	next_batch(f, &seen);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLOUT };

		assert_true(clock_mono_ms() < end);
		if (poll(&p, 1, 100) == 0)
			continue;
		if (send(fd, ask, strlen(ask), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
			break;
	}
	boot(s, token);
	wait_for_change(f, &seen, "node01 loader ");
}

static void assert_script(struct server *s, const char *text)
{
	struct reply r = get(s, NODE1, SCRIPT1);

	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, text));
	reply_free(&r);
}

static void another_root_is_booted_once_with_its_own_initramfs(void **state)
{
	struct server *s = *state;
	_cleanup_close_ int fd = dial(s);
	_cleanup_free_ char *path = NULL;
	struct reply r;
	char token[33];

	say(fd, "{\"next\": {\"what\": \"root:g2\", \"initramfs\": \"i2\", \"nodes\": [\"node01\"]}}\n");
	assert_heard(fd, "There is no root g2");
	server_put(s, "/var/lib/muster/roots/g2/vmlinuz", "k", 1);
	server_put_facts(s, "g2", "r", 1);
	say(fd, "{\"next\": {\"what\": \"root:g2\", \"nodes\": [\"node01\"]}}\n");
	assert_heard(fd, "No initramfs is built");
	say(fd, "{\"next\": {\"what\": \"root:../g2\", \"initramfs\": \"i2\", \"nodes\": [\"node01\"]}}\n");
	assert_heard(fd, "no root's id");
	server_put(s, "/var/lib/muster/initramfs/i2.img", "i", 1);
	say(fd,
	    "{\"next\": {\"what\": \"root:g2\", \"initramfs\": \"i2\", \"nodes\": [\"node01\", \"x\"]}}\n");
	assert_heard(fd, "There is no such node");
	assert_script(s, "/roots/g2/vmlinuz");
	assert_script(s, "/initramfs/i2.img");
	client_boot(s, NODE1, SCRIPT1, token);
	assert_true(asprintf(&path, "/boot/%s/node.cpio", token) > 0);
	r = get(s, NODE1, path);
	assert_int_equal(r.status, 200);
	assert_non_null(memmem(r.body, r.len, "root_path=/roots/g2/root.squashfs", 33));
	reply_free(&r);
	assert_script(s, "/roots/g1/vmlinuz");
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(all_nodes_come_first_and_then_those_that_changed),
		RUNNING(a_reload_tells_what_is_gone),
		RUNNING(numbers_stay_valid_over_a_restart),
		RUNNING(without_musterd_there_is_no_feed),
		RUNNING(the_history_of_a_node_can_be_read),
		RUNNING(only_root_and_its_group_reach_it),
		RUNNING(what_is_no_request_is_refused_and_the_connection_goes_on),
		RUNNING(a_line_without_an_end_is_not_taken),
		RUNNING(a_hundred_connections_are_too_many),
		RUNNING(another_root_is_booted_once_with_its_own_initramfs),
		RUNNING(who_does_not_read_is_closed_and_holds_nobody_up),
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
