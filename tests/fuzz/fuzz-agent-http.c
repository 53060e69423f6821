/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent: whatever answers it over HTTP, for a file and for a report. The first byte says how. */
#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "agent/http.h"
#include "tests/fuzz/fuzz.h"

/* A connection on which the answer waits already. */
static int answered(const uint8_t *data, size_t size)
{
	int ends[2], big = 1 << 20;

	fuzz_need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
	fuzz_need(size == 0 || send(ends[1], data, size, MSG_DONTWAIT) == (ssize_t)size);
	fuzz_need(shutdown(ends[1], SHUT_WR) == 0);
	/* What it sends goes nowhere, and disturbs nobody. */
	close(dup(ends[1]));
	static int other = -1;
	if (other >= 0)
		close(other);
	other = ends[1];
	return ends[0];
}

static int begin(void *data, unsigned long long size, char **reason)
{
	return size > 1 << 20 ? fail_with(reason, -1, "too large") : 0;
}

static void get(const uint8_t *data, size_t size, unsigned how)
{
	unsigned long long done = how & 2 ? 5 : 0, whole = how & 4 ? 10 : 0, before = done;
	int file = fuzz_file("12345", 5), sock = answered(data, size);
	struct http_get g = { .path = "/file", .fd = file, .want = how & 8 ? 10 : 0, .begin = begin };
	char *reason = NULL;
	struct stat st;
	int r = http_get_once(sock, &g, &done, &whole, &reason);

	fuzz_need(r == 0 || (reason && *reason));
	fuzz_need(r < 0 || done == whole);
	fuzz_need(fstat(file, &st) == 0);
	/* No more than came is in the file. */
	fuzz_need((unsigned long long)st.st_size <= before + size + 5);
	fuzz_need(r < 0 || !g.want || whole == g.want);
	free(reason);
	close(file);
	close(sock);
}

static void post(const uint8_t *data, size_t size)
{
	int sock = answered(data, size), status = 0;
	struct http_post p = { .path = "/report", .token = "t", .body = "stage=ready\n", .len = 12 };
	char *body = NULL;

	if (http_post_once(sock, &p, &status, &body) == 0) {
		fuzz_need(status >= 100 && status <= 999 && body && strlen(body) <= HTTP_ANSWER_MAX);
		free(body);
	}
	close(sock);
}

FUZZ_TARGET(agent_http)
{
	struct http_head h;
	char *text;

	if (size < 1 || size > 100000)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	if (http_parse_head(text, size - 1, &h) == 0)
		fuzz_need(h.size <= size - 1 && h.status >= 100 && h.length >= -1 && h.range_start >= -1);
	free(text);
	if (data[0] & 1)
		post(data + 1, size - 1);
	else
		get(data + 1, size - 1, data[0]);
	return 0;
}
