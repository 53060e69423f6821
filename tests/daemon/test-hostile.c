/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real musterd against those who want its time or its memory; on the loopback interface. */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "daemon/limits.h"
#include "tests/daemon/client.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/macro.h"
#include "util/spawn.h"
#include "util/strv.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define READY "stage=ready\nkernel=6.1.0\n"
#define DEADLINE_MS 15000

static int setup(void **state)
{
	struct server *s = server_new();

	s->interval = "10";
	server_start(s, NULL);
	*state = s;
	return 0;
}

/* Whether the other side has closed it, or does within that time. */
static bool is_closed(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char block[4096];
	ssize_t n;

	for (;;) {
		if (poll(&p, 1, ms) <= 0)
			return false;
		n = recv(fd, block, sizeof(block), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return true;
	}
}

static void a_stranger_holds_few_connections_and_keeps_no_node_out(void **state)
{
	struct server *s = *state;
	int held[CONNECTIONS_STRANGER], more;

	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		held[i] = client_dial(s, STRANGER, 0);
		assert_true(held[i] >= 0);
		client_say(held[i], "GET /health HTTP/1.1\r\nX: ");
		assert_false(is_closed(held[i], 20));
	}
	more = client_dial(s, STRANGER, 0);
	assert_true(more < 0 || is_closed(more, DEADLINE_MS));
	assert_int_equal(get_status(s, NODE1, "/health"), 200);
	if (more >= 0)
		close(more);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		close(held[i]);
}

/* How many /metrics says that this limit has cost. */
static unsigned long dropped(const struct reply *r, const char *reason)
{
	char line[80];
	const char *p;

	snprintf(line, sizeof(line), "\nmusterd_http_dropped_total{reason=\"%s\"} ", reason);
	p = strstr(r->body, line);
	assert_non_null(p);
	return strtoul(p + strlen(line), NULL, 10);
}

/* A hundred addresses, eight connections each: some are turned away, the others give way to each other; nodes come in. */
static void a_thousand_slow_ones_keep_no_node_out(void **state)
{
	struct server *s = *state;
	int held[1000];
	size_t alive = 0;
	struct reply r;
	char token[33];
	bool secret;

	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		char from[16];

		snprintf(from, sizeof(from), "127.0.1.%zu", 1 + i / CONNECTIONS_STRANGER);
		held[i] = client_dial(s, from, 0);
		if (held[i] >= 0 && send(held[i], "POST /report HTTP/1.1\r\nContent-Length: 99\r\n\r\ns", 46,
					 MSG_NOSIGNAL) < 0)
			assert_true(errno == EPIPE || errno == ECONNRESET);
	}
	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_personality(s, NODE1, token, &secret), 200);
	free(client_report(s, NODE1, token, READY));
	r = get(s, NODE2, "/metrics");
	assert_int_equal(r.status, 200);
	assert_true(dropped(&r, "rate") + dropped(&r, "displaced") >=
		    ARRAY_SIZE(held) - CONNECTIONS_STRANGERS);
	reply_free(&r);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++) {
		alive += held[i] >= 0 && !is_closed(held[i], 0);
		if (held[i] >= 0)
			close(held[i]);
	}
	assert_in_range(alive, 1, CONNECTIONS_STRANGERS);
}

/* Asks on one connection until it is told to stop. */
static void one_address_asks_at_its_rate_and_another_is_not_hurt(void **state)
{
	static const char ask[] = "GET /no-such-thing HTTP/1.1\r\nHost: x\r\n\r\n";
	struct server *s = *state;
	int fd = client_dial(s, NODE2, 0);
	size_t sent = 0;

	assert_true(fd >= 0);
	while (sent < 3000 && send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) > 0 && !is_closed(fd, 0))
		sent++;
	assert_true(is_closed(fd, DEADLINE_MS));
	close(fd);
	assert_in_range(sent, 1, 2999);
	assert_int_equal(get_status(s, NODE1, "/health"), 200);
	/* It may again in a moment. */
	for (int64_t end = clock_mono_ms() + DEADLINE_MS; get_status(s, NODE2, "/health") != 200;) {
		assert_true(clock_mono_ms() < end);
		poll(NULL, 0, 20);
	}
}

/* As many connections as he gets, and requests without end: a user of the node, who is not root. */
static void a_user_of_a_node_does_not_keep_its_reports_away(void **state)
{
	struct server *s = *state;
	_cleanup_free_ char *header = NULL;
	int held[CONNECTIONS_NODE + 8];
	char token[33];
	struct reply r;

	if (geteuid() != 0)
		skip(); /* only root has such a port; run.sh, as root, counts what is left out as a failure */
	client_boot(s, NODE1, SCRIPT1, token);
	assert_true(asprintf(&header, "Authorization: Bearer %s\r\n", token) > 0);
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		held[i] = client_dial(s, NODE1, 0);
	r = request(s, NODE1, "POST", "/report", header, READY);
	assert_int_equal(r.status, 0);
	reply_free(&r);
	s->as_root = true;
	for (size_t i = 0; i < 2 * CONNECTIONS_AGENT; i++) {
		r = request(s, NODE1, "POST", "/report", header, READY);
		assert_int_equal(r.status, 204);
		reply_free(&r);
	}
	s->as_root = false;
	for (size_t i = 0; i < ARRAY_SIZE(held); i++)
		if (held[i] >= 0)
			close(held[i]);
	/* The same of the rate. */
	for (size_t i = 0; i < 2 * BURST_REQUESTS; i++)
		get_status(s, NODE1, "/no-such-thing");
	s->as_root = true;
	r = request(s, NODE1, "POST", "/report", header, READY);
	assert_int_equal(r.status, 204);
	reply_free(&r);
	s->as_root = false;
}

static long resident_kb(struct server *s)
{
	_cleanup_close_ int top = fs_root_open(NULL);
	_cleanup_free_ char *path = NULL, *text = NULL;
	const char *p;

	assert_true(asprintf(&path, "/proc/%d/status", (int)s->pid) > 0);
	assert_int_equal(fs_read(top, path, 65536, &text, NULL), 0);
	p = strstr(text, "VmRSS:");
	assert_non_null(p);
	return strtol(p + 6, NULL, 10);
}

/* Sends so much of it, or until it is hung up on; how much that was. */
static uint64_t pour(struct server *s, const char *begin, uint64_t max)
{
	static char block[65536];
	int fd = client_dial(s, NODE1, 0);
	uint64_t sent = 0;
	ssize_t n;

	assert_true(fd >= 0);
	memset(block, 'x', sizeof(block));
	client_say(fd, begin);
	while (sent < max && (n = send(fd, block, sizeof(block), MSG_NOSIGNAL)) > 0)
		sent += (uint64_t)n;
	close(fd);
	return sent;
}

static void a_gigabyte_of_header_or_body_is_not_taken(void **state)
{
	struct server *s = *state;
	uint64_t gigabyte = UINT64_C(1) << 30, little = 32 << 20;
	long before = resident_kb(s);

	assert_true(pour(s, "GET /health HTTP/1.1\r\nX: ", gigabyte) < little);
	assert_true(pour(s, "GET /", gigabyte) < little);
	assert_true(pour(s, "", gigabyte) < little);
	assert_true(pour(s, "POST /report HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n",
			 gigabyte) < little);
	assert_true(pour(s,
			 "POST /report HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n",
			 gigabyte) < little);
	assert_true(resident_kb(s) < before + 8192);
	assert_int_equal(get_status(s, NODE1, "/health"), 200);
}

/* A request that trickles in has 20 s; beside it a node fetches slowly for longer, on a connection that it keeps. */
static void slow_requests_end_and_slow_fetches_do_not(void **state)
{
	struct server *s = *state;
	int slow = client_dial(s, NODE2, 0), fetch = client_dial(s, NODE1, 1);
	int64_t began = clock_mono_ms(), ended = 0;
	char block[4096];
	size_t got = 0;

	assert_true(slow >= 0 && fetch >= 0);
	client_say(slow, "GET /health HTTP/1.1\r\nX: ");
	client_say(fetch, "GET /roots/g1/root.squashfs HTTP/1.1\r\nHost: x\r\n\r\n");
	while (clock_mono_ms() - began < REQUEST_MS + DEADLINE_MS && (!ended || got < 100000)) {
		int64_t gone = clock_mono_ms() - began;
		ssize_t n = 1;

		/* 4,500 bytes a second: the 100,000 take 22 s. */
		while (n > 0 && (int64_t)got < gone * 9 / 2) {
			n = recv(fetch, block, sizeof(block), MSG_DONTWAIT);
			got += n > 0 ? (size_t)n : 0;
		}
		if (!ended && (send(slow, "x", 1, MSG_NOSIGNAL) < 0 || is_closed(slow, 0)))
			ended = gone;
		poll(NULL, 0, 200);
	}
	assert_in_range(ended, REQUEST_MS - 1000, REQUEST_MS + DEADLINE_MS);
	assert_true(got >= 100000);
	assert_in_range(clock_mono_ms() - began, REQUEST_MS + 1000, REQUEST_MS + DEADLINE_MS);
	close(slow);
	close(fetch);
}

/* What a rate lets through from a moment on until now. */
static size_t allowed(int64_t began, int64_t period, size_t burst)
{
	return burst + (size_t)((clock_mono_ms() - began) / period) + 1;
}

/* Each asks for something that is refused with an event and a line, from 2,000 addresses. */
static void a_flood_of_refusals_fills_neither_log_nor_store(void **state)
{
	struct server *s = *state;
	_cleanup_free_ char *log = NULL;
	int64_t began = clock_mono_ms();
	char token[33];
	bool secret;
	size_t events;

	for (size_t i = 0; i < 2000; i++) {
		char from[16];

		snprintf(from, sizeof(from), "127.0.%zu.%zu", 2 + i / 200, 1 + i % 200);
		get_status(s, from, "/boot.ipxe?mac=52-54-00-99-99-99&platform=efi");
	}
	/* A node's own is told all the same, and the others are counted. */
	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_personality(s, NODE2, token, &secret), 403);
	while (!log || !strstr(log, " more were refused")) {
		assert_true(clock_mono_ms() - began < 4 * DEADLINE_MS);
		poll(NULL, 0, 100);
		free(log);
		log = server_log(s);
	}
	assert_non_null(strstr(log, NODE2 " asked for the personality of node01"));
	events = count_events(s, "refused");
	assert_in_range(events, 1, 2 + allowed(began, RATE_REFUSALS, BURST_REFUSALS));
	assert_true(strlen(log) < 200 * (BURST_REFUSALS + 100));
}

static void boots_of_one_node_are_made_at_their_rate(void **state)
{
	struct server *s = *state;
	int64_t began = clock_mono_ms();
	size_t made = 0, told = 0;
	struct reply r;

	for (size_t i = 0; i < BURST_BOOTS + 10; i++) {
		r = get(s, NODE1, SCRIPT1);
		assert_int_equal(r.status, 200);
		made += strstr(r.body, "node.cpio") != NULL;
		told += strstr(r.body, "too often") != NULL && strstr(r.body, "goto again") != NULL;
		reply_free(&r);
	}
	assert_in_range(made, BURST_BOOTS, allowed(began, RATE_BOOTS, BURST_BOOTS));
	assert_int_equal(made + told, BURST_BOOTS + 10);
}

static void reports_of_one_node_are_kept_at_their_rate(void **state)
{
	struct server *s = *state;
	_cleanup_free_ char *header = NULL;
	size_t kept = 0, refused = 0;
	char token[33];
	int64_t began;

	client_boot(s, NODE1, SCRIPT1, token);
	assert_true(asprintf(&header, "Authorization: Bearer %s\r\n", token) > 0);
	began = clock_mono_ms();
	for (size_t i = 0; i < BURST_REPORTS + 40; i++) {
		struct reply r = request(s, NODE1, "POST", "/report", header,
					 i % 2 ? READY : "stage=failed\nreason=x\n");

		kept += r.status == 204;
		refused += r.status == 429;
		reply_free(&r);
	}
	assert_in_range(kept, BURST_REPORTS, allowed(began, RATE_REPORTS, BURST_REPORTS));
	assert_int_equal(kept + refused, BURST_REPORTS + 40);
}

static void metrics_are_made_once_a_second(void **state)
{
	struct server *s = *state;
	size_t different = 0;
	struct reply first = get(s, NODE1, "/metrics");
	int64_t began = clock_mono_ms();

	assert_int_equal(first.status, 200);
	for (size_t i = 0; i < 50; i++) {
		struct reply r = get(s, NODE1, "/metrics");

		assert_int_equal(r.status, 200);
		different += strcmp(r.body, first.body) != 0;
		reply_free(&r);
	}
	assert_true(different == 0 || clock_mono_ms() - began >= METRICS_AGE_MS);
	while (different == 0 && clock_mono_ms() - began < DEADLINE_MS) {
		struct reply r = get(s, NODE2, "/metrics");

		different += r.status == 200 && strcmp(r.body, first.body) != 0;
		reply_free(&r);
		poll(NULL, 0, 100);
	}
	assert_true(different > 0);
	reply_free(&first);
}

/* Many nodes, so that a document is more than the system's buffers take from one that does not read. */
static void slow_readers_keep_nobody_from_the_metrics(void **state)
{
	struct server *s = *state;
	int slow[8];
	struct reply r;

	for (size_t i = 2; i < 8000; i++) {
		s->plan.nodes = reallocarray(s->plan.nodes, i + 1, sizeof(*s->plan.nodes));
		assert_non_null(s->plan.nodes);
		s->plan.nodes[i] =
			(struct plan_node){ .arch = strdup("x86_64"), .address.n = 0x7f030000 + (uint32_t)i };
		assert_true(asprintf(&s->plan.nodes[i].name, "a-node-with-a-long-name-of-its-own-%05zu", i) >
			    0);
		s->plan.n_nodes = i + 1;
	}
	server_write_plan(s);
	server_start(s, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		slow[i] = client_fetch_slowly(s, STRANGER, "/metrics");
	r = get(s, NODE2, "/metrics");
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.body, "\nprocess_resident_memory_bytes "));
	reply_free(&r);
	poll(NULL, 0, METRICS_MS + 1000);
	r = get(s, NODE2, "/metrics");
	assert_int_equal(dropped(&r, "slow_answer"), ARRAY_SIZE(slow));
	reply_free(&r);
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		close(slow[i]);
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, setup, client_teardown)
#define STOPPED(test) cmocka_unit_test_setup_teardown(test, client_setup_stopped, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(a_stranger_holds_few_connections_and_keeps_no_node_out),
		RUNNING(a_thousand_slow_ones_keep_no_node_out),
		RUNNING(one_address_asks_at_its_rate_and_another_is_not_hurt),
		RUNNING(a_user_of_a_node_does_not_keep_its_reports_away),
		RUNNING(a_gigabyte_of_header_or_body_is_not_taken),
		RUNNING(slow_requests_end_and_slow_fetches_do_not),
		RUNNING(a_flood_of_refusals_fills_neither_log_nor_store),
		RUNNING(boots_of_one_node_are_made_at_their_rate),
		RUNNING(reports_of_one_node_are_kept_at_their_rate),
		RUNNING(metrics_are_made_once_a_second),
		STOPPED(slow_readers_keep_nobody_from_the_metrics),
	};

	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
