/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's HTTP over real connections, to a server of the test's own. */
#include "config.h"

#include "tests/unit/agent-room.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "agent/http.h"

#define DEADLINE_MS 15000

static int listening(struct http_server *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret = (struct http_server){ a.sin_addr, ntohs(a.sin_port), a.sin_addr };
	return fd;
}

/* What the server makes of one connection. */
static int take(int listener, struct sockaddr_in *ret_from)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };
	socklen_t len = sizeof(*ret_from);
	int fd;

	assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
	fd = accept(listener, (struct sockaddr *)ret_from, &len);
	assert_true(fd >= 0);
	return fd;
}

static pid_t post(const struct http_server *server)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct http_post p = { .server = *server,
				       .path = "/report",
				       .token = TOKEN,
				       .body = "",
				       .timeout_ms = DEADLINE_MS };
		char *answer = NULL;
		int status = 0;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(http_post(&p, &status, &answer) == 0 && status == 204 ? 0 : 1);
	}
	return pid;
}

/* By that musterd knows it from a user of the node. Each connection is ended by the agent's side, whose kernel then keeps it. */
static void an_agent_speaks_from_a_port_that_only_root_gets(void **state)
{
	static const char says[] = "HTTP/1.0 204 No Content\r\n\r\n";
	struct http_server server;
	int listener = listening(&server);

	for (int i = 0; i < 20; i++) {
		struct sockaddr_in from = { 0 };
		pid_t pid = post(&server);
		char block[1024];
		int fd = take(listener, &from), status = -1;

		assert_true(read(fd, block, sizeof(block)) > 0);
		assert_int_equal(write(fd, says, sizeof(says) - 1), sizeof(says) - 1);
		while (read(fd, block, sizeof(block)) > 0)
			;
		close(fd);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		assert_int_equal(ntohs(from.sin_port) < 1024, geteuid() == 0);
	}
	close(listener);
}

/* A child that fetches in two calls, the first of which loses its patience. 0: all of it is there, and its sum is right. */
static int fetch_twice(int at, const struct http_server *server, const char *sha256)
{
	struct http_progress kept = { 0 };
	struct sha256 sum;
	struct http_get g = {
		.server = *server,
		.path = "/f",
		.fd = openat(at, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600),
		.want = 10,
		.sum = &sum,
		.kept = &kept,
		.stall_ms = 1000,
		.patience_ms = 100,
	};
	_cleanup_free_ char *reason = NULL;
	unsigned long long size = 0;
	char got[SHA256_TEXT];
	int r;

	sha256_begin(&sum);
	r = http_get(&g, &size, &reason);
	if (r != -ETIMEDOUT || kept.done != 4)
		return 1;
	g.patience_ms = DEADLINE_MS;
	r = http_get(&g, &size, &reason);
	sha256_end(&sum, got);
	return r == 0 && size == 10 && strcmp(got, sha256) == 0 ? 0 : 2;
}

/* Answers a connection and ends it; what it was asked. */
static void answer(int listener, const char *says, char asked[1024])
{
	struct sockaddr_in from;
	int fd = take(listener, &from);
	ssize_t n = read(fd, asked, 1023);

	assert_true(n > 0);
	asked[n] = '\0';
	assert_int_equal(write(fd, says, strlen(says)), (ssize_t)strlen(says));
	close(fd);
}

static void a_fetch_that_lost_its_patience_goes_on_where_it_was(void **state)
{
	struct room *room = *state;
	_cleanup_free_ char *file = NULL;
	struct http_server server;
	int listener = listening(&server), status = -1;
	char asked[1024], sha256[SHA256_TEXT];
	struct sha256 sum;
	pid_t pid;

	sha256_begin(&sum);
	sha256_add(&sum, "0123456789", 10);
	sha256_end(&sum, sha256);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(fetch_twice(room->at, &server, sha256));
	}
	answer(listener, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123", asked);
	assert_null(strstr(asked, "Range:"));
	/* Out of order, until the first call has lost its patience and the second one asks. */
	for (int i = 0; i < 5; i++) {
		answer(listener, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", asked);
		assert_non_null(strstr(asked, "\r\nRange: bytes=4-\r\n"));
	}
	answer(listener,
	       "HTTP/1.1 206 Partial\r\nContent-Length: 6\r\nContent-Range: bytes 4-9/10\r\n\r\n456789",
	       asked);
	assert_non_null(strstr(asked, "\r\nRange: bytes=4-\r\n"));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	file = get(room, "file");
	assert_string_equal(file, "0123456789");
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_agent_speaks_from_a_port_that_only_root_gets),
		IN_ROOM(a_fetch_that_lost_its_patience_goes_on_where_it_was),
	};

	return cmocka_run_group_tests_name("agent-http", tests, NULL, NULL);
}
