/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * So many nodes without machines: each does over HTTP what a node does, from its own address: it fetches its boot script, its
 * kernel, its initramfs and its personality, its root, and reports; what breaks off, its loader begins again after a while.
 * Prints a line for each node, and ends with 0 when all of them were ready in time and their reports were heard until the
 * end.
 *
 *   fleet --to ADDRESS:PORT --first ADDRESS --count N --seconds N [--pace KB]
 *
 * Node i has the address FIRST + i and the MAC address 52-54-00-00-00-XX with XX = i + 1. --seconds: the time to get ready
 * in. --pace: no more than that a second, each.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/load/endpoint.h"
#include "util/clock.h"
#include "util/ip.h"
#include "util/strbuf.h"

#define PIECE 16384
#define TIMEOUT_S 30  /* as the agent's */
#define AGAIN_MS 1000 /* a loader's pause is 5 s; a test has less time */
#define REPORTS 5     /* after it is ready */
#define REPORT_EVERY_MS 500
#define KEPT_MAX (1024 * 1024) /* of an answer that somebody looks at */

struct options {
	struct sockaddr_in to;
	struct ip4 first;
	unsigned int count;
	int64_t seconds, pace;
};

struct node {
	const struct options *o;
	unsigned int i;
	int64_t end;
	char token[33], generation[128];
	unsigned int tries;
	uint64_t bytes;
};

static int dial(const struct node *n)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr = { htonl(n->o->first.n + n->i) } };
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0 ||
	    bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 ||
	    connect(fd, (const struct sockaddr *)&n->o->to, sizeof(n->o->to)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Sleeps until no more has come than the pace allows. */
static void keep_pace(const struct node *n, int64_t began, uint64_t bytes)
{
	int64_t due = n->o->pace ? began + (int64_t)(bytes / (uint64_t)n->o->pace) : 0, now = clock_mono_ms();

	if (due > now)
		poll(NULL, 0, (int)(due - now));
}

/* One request; the answer's body to `ret`, its first part where it is long. Its status; < 0: no whole answer has come. */
static int ask(struct node *n, const char *request, size_t len, struct strbuf *ret)
{
	_cleanup_close_ int fd = dial(n);
	_cleanup_strbuf_ struct strbuf head = STRBUF_INIT;
	int64_t began = clock_mono_ms();
	uint64_t got = 0, want = UINT64_MAX;
	const char *length = NULL, *end = NULL;
	static char piece[PIECE];
	ssize_t k;

	if (fd < 0 || send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return -1;
	while (got < want && (k = recv(fd, piece, sizeof(piece), 0)) > 0) {
		size_t skip = 0;

		if (!end) {
			strbuf_add(&head, piece, (size_t)k);
			end = head.data ? memmem(head.data, head.len, "\r\n\r\n", 4) : NULL;
			if (!end)
				continue;
			length = memmem(head.data, head.len, "Content-Length: ", 16);
			want = length ? strtoull(length + 16, NULL, 10) : 0;
			skip = (size_t)k - (head.len - (size_t)(end + 4 - head.data));
		}
		if (ret->len < KEPT_MAX)
			strbuf_add(ret, piece + skip, (size_t)k - skip);
		got += (uint64_t)k - skip;
		keep_pace(n, began, got);
	}
	n->bytes += got;
	if (!end || got < want || strncmp(head.data, "HTTP/1.", 7) != 0)
		return -1;
	return (int)strtol(head.data + 9, NULL, 10);
}

static bool get(struct node *n, const char *path, struct strbuf *ret)
{
	_cleanup_strbuf_ struct strbuf q = STRBUF_INIT;

	strbuf_addf(&q, "GET %s HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n", path);
	strbuf_reset(ret);
	return ask(n, q.data, q.len, ret) == 200;
}

static bool report(struct node *n, const char *stage)
{
	_cleanup_strbuf_ struct strbuf q = STRBUF_INIT, body = STRBUF_INIT, answer = STRBUF_INIT;
	int status;

	strbuf_addf(&body,
		    "stage=%s\nkernel=6.1.0\nload=0.50\nmemory_kb=2048000\nmemory_free_kb="
		    "1024000\nprocessors=1\n",
		    stage);
	strbuf_addf(
		&q,
		"POST /report HTTP/1.1\r\nHost: server\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		n->token, body.len, body.data);
	status = ask(n, q.data, q.len, &answer);
	return status == 200 || status == 204;
}

/* The word behind `before` in the text, up to `after`. */
static bool find(const char *text, const char *before, char after, char *ret, size_t size)
{
	const char *p = text ? strstr(text, before) : NULL, *end;

	if (!p)
		return false;
	p += strlen(before);
	end = strchr(p, after);
	if (!end || (size_t)(end - p) >= size)
		return false;
	memcpy(ret, p, (size_t)(end - p));
	ret[end - p] = '\0';
	return true;
}

static bool get_below(struct node *n, const char *folder, const char *id, const char *name,
		      struct strbuf *ret)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;

	strbuf_addf(&path, "%s%s%s", folder, id, name);
	return get(n, path.data, ret);
}

/* As the loader does. */
static bool load(struct node *n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char initramfs[128], path[80];

	snprintf(path, sizeof(path), "/boot.ipxe?mac=52-54-00-00-00-%02x&platform=pcbios", n->i + 1);
	if (!get(n, path, &b) || !find(b.data, "/boot/", '/', n->token, sizeof(n->token)) ||
	    !find(b.data, "/roots/", '/', n->generation, sizeof(n->generation)) ||
	    !find(b.data, "/initramfs/", '.', initramfs, sizeof(initramfs)))
		return false;
	if (!get_below(n, "/roots/", n->generation, "/vmlinuz", &b) ||
	    !get_below(n, "/initramfs/", initramfs, ".img", &b) ||
	    !get_below(n, "/boot/", n->token, "/node.cpio", &b))
		return false;
	/* Its own token stands in the archive, uncompressed. */
	return memmem(b.data, b.len, n->token, 32) != NULL;
}

/* As the agent does, which tries each step again. */
static bool come_up(struct node *n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	while (!report(n, "initramfs") || !get_below(n, "/roots/", n->generation, "/root.squashfs", &b) ||
	       !report(n, "root") || !report(n, "ready")) {
		n->tries++;
		if (clock_mono_ms() > n->end)
			return false;
		poll(NULL, 0, AGAIN_MS);
	}
	return true;
}

static int be_node(struct node *n)
{
	int64_t began = clock_mono_ms(), ready;
	int heard = 0;

	n->end = began + n->o->seconds * 1000;
	while (!load(n)) {
		n->tries++;
		if (clock_mono_ms() > n->end) {
			printf("node %u: not loaded after %u tries\n", n->i + 1, n->tries);
			return 1;
		}
		poll(NULL, 0, AGAIN_MS);
	}
	if (!come_up(n)) {
		printf("node %u: not ready after %u tries\n", n->i + 1, n->tries);
		return 1;
	}
	ready = clock_mono_ms() - began;
	for (int i = 0; i < REPORTS; i++) {
		heard += report(n, "ready");
		poll(NULL, 0, REPORT_EVERY_MS);
	}
	printf("node %u: ready after %" PRId64 " ms, %u tries again, %" PRIu64
	       " bytes, %d of %d reports heard\n",
	       n->i + 1, ready, n->tries, n->bytes, heard, REPORTS);
	return heard == REPORTS ? 0 : 1;
}

static void read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "to", required_argument, NULL, 't' },	     { "first", required_argument, NULL, 'f' },
		{ "count", required_argument, NULL, 'c' },   { "pace", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 's' }, { 0 },
	};
	bool good = true;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 't')
			good = good && endpoint_parse(optarg, &o->to);
		else if (c == 'f')
			good = good && ip4_parse(optarg, &o->first) == 0;
		else if (c == 'c')
			o->count = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'p')
			o->pace = strtoll(optarg, NULL, 10);
		else if (c == 's')
			o->seconds = strtoll(optarg, NULL, 10);
		else
			good = false;
	}
	if (good && o->to.sin_port && o->first.n && o->count > 0 && o->count < 255 && o->seconds > 0)
		return;
	fprintf(stderr, "fleet: --to ADDRESS:PORT --first ADDRESS --count N --seconds N [--pace KB]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	int failed = 0, status;

	read_options(argc, argv, &o);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned int i = 0; i < o.count; i++) {
		struct node n = { .o = &o, .i = i };
		pid_t pid = fork();

		if (pid == 0) {
			status = be_node(&n);
			fflush(stdout);
			_exit(status);
		}
		failed += pid < 0;
	}
	while (wait(&status) > 0 || errno == EINTR)
		failed += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	printf("ready %d of %u\n", (int)o.count - failed, o.count);
	return failed ? 1 : 0;
}
