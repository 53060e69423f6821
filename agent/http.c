/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>

/* One recv(2) at a time: large enough that the calls do not count, small enough to stay in a cache. */
#define CHUNK 131072

static const char *next_line(const char *p, const char *end)
{
	const char *nl = memchr(p, '\n', (size_t)(end - p));

	return nl ? nl + 1 : end;
}

/* The value of a header when the line has that name; NULL otherwise. */
static const char *header(const char *line, const char *end, const char *name)
{
	size_t len = strlen(name);

	if ((size_t)(end - line) <= len || strncasecmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	for (line += len + 1; line < end && (*line == ' ' || *line == '\t');)
		line++;
	return line;
}

/* Digits at *p up to end; moves *p behind them. */
static int read_digits(const char **p, const char *end, long long *ret)
{
	const char *start = *p;
	long long n = 0;

	for (; *p < end && **p >= '0' && **p <= '9'; (*p)++) {
		if (n > (INT64_MAX - 9) / 10)
			return -EPROTO;
		n = n * 10 + (**p - '0');
	}
	if (*p == start)
		return -EPROTO;
	*ret = n;
	return 0;
}

/* bytes FIRST-LAST/TOTAL, or TOTAL as *. */
static int read_range(const char *p, const char *end, struct http_head *h)
{
	long long last;

	if (end - p < 6 || strncasecmp(p, "bytes ", 6) != 0)
		return -EPROTO;
	p += 6;
	if (read_digits(&p, end, &h->range_start) < 0 || p == end || *p++ != '-' ||
	    read_digits(&p, end, &last) < 0 || p == end || *p++ != '/')
		return -EPROTO;
	return p < end && *p == '*' ? 0 : read_digits(&p, end, &h->range_total);
}

static int read_header(const char *p, const char *end, struct http_head *h)
{
	const char *v;

	v = header(p, end, "Content-Length");
	if (v)
		return read_digits(&v, end, &h->length);
	v = header(p, end, "Content-Range");
	if (v && h->status == 206)
		return read_range(v, end, h);
	v = header(p, end, "Transfer-Encoding");
	return v ? -EPROTO : 0;
}

int http_parse_head(const char *data, size_t len, struct http_head *ret)
{
	struct http_head h = { .length = -1, .range_start = -1, .range_total = -1 };
	const char *end = data + len, *p = data, *line_end;
	long long status;
	int r;

	/* The status line: "HTTP/1.x NNN ..." (RFC 9112 section 4). */
	if (memcmp(p, "HTTP/1.", MIN(len, (size_t)7)) != 0)
		return -EPROTO;
	for (p = next_line(p, end); p < end; p = line_end) {
		line_end = next_line(p, end);
		if (line_end[-1] == '\n' && (*p == '\n' || (*p == '\r' && p[1] == '\n')))
			break;
	}
	if (p >= end)
		return -EAGAIN;
	h.size = (size_t)(line_end - data);
	if (h.size < 13 || data[8] != ' ')
		return -EPROTO;
	p = data + 9;
	r = read_digits(&p, data + 12, &status);
	if (r < 0 || p != data + 12 || status < 100)
		return -EPROTO;
	h.status = (int)status;
	for (p = next_line(data, end); p < data + h.size; p = next_line(p, end)) {
		r = read_header(p, next_line(p, end), &h);
		if (r < 0)
			return r;
	}
	*ret = h;
	return 0;
}

static ssize_t receive(int sock, void *buf, size_t size)
{
	ssize_t n;

	do
		n = recv(sock, buf, size, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return n;
}

/* Reads until the head is there; what came behind it stays in buf (*ret_len bytes in all). */
static int receive_head(int sock, char *buf, size_t size, size_t *ret_len, struct http_head *ret)
{
	size_t len = 0;
	ssize_t n;
	int r;

	while (len < size) {
		n = receive(sock, buf + len, size - len);
		if (n < 0)
			return (int)n;
		if (n == 0)
			return -ECONNRESET;
		len += (size_t)n;
		r = http_parse_head(buf, len, ret);
		if (r != -EAGAIN) {
			*ret_len = len;
			return r;
		}
	}
	return -EPROTO;
}

static int send_all(int sock, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(sock, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A port that only root gets, so that the server tells the agent from the node's users: one of those that no service is
 * asked for at (600 to 1023, as of bindresvport(3)). Where none can be had, the kernel chooses. */
static void bind_low(int fd, struct in_addr own)
{
	static unsigned next;
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = own };
	const unsigned first = 600, n = IPPORT_RESERVED - first;
	const int on = 1;

	if (next == 0)
		next = (unsigned)getpid() + (unsigned)now_ms();
	/* One that was used a moment ago may be used again, also by a service; one where somebody listens may not. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		sa.sin_port = htons((uint16_t)(first + next++ % n));
		if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) == 0)
			return;
		if (errno != EADDRINUSE)
			break;
	}
	sa.sin_port = 0;
	if (own.s_addr)
		bind(fd, (const struct sockaddr *)&sa, sizeof(sa));
}

static int begin_connecting(const struct http_server *s, int fd)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr = s->address, .sin_port = htons(s->port) };

	if (fd < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	bind_low(fd, s->from);
	return connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
}

static int wait_for_connection(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0, n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ETIMEDOUT;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? -errno : -error;
}

/* A blocking socket whose connecting and whose every silence end after timeout_ms. */
static int connect_to(const struct http_server *s, int timeout_ms, int *ret)
{
	struct timeval tv = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
	_cleanup_close_ int fd = -1;
	int r, tries = 0;

	/* A port's last connection to the server may be kept for a minute after its end. */
	do {
		if (fd >= 0)
			close(fd);
		fd = socket(AF_INET, SOCK_STREAM, 0);
		r = begin_connecting(s, fd);
	} while (r == -EADDRNOTAVAIL && ++tries < 16);
	if (r == -EINPROGRESS)
		r = wait_for_connection(fd, timeout_ms);
	if (r < 0)
		return r;
	if (fcntl(fd, F_SETFL, 0) < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0)
		return -errno;
	*ret = fd;
	fd = -1;
	return 0;
}

/* Where the answer's body begins in the file, and what size the whole has; or the reason why it is no file. */
static int judge_head(const struct http_get *g, const struct http_head *h, unsigned long long *done,
		      unsigned long long *size, char **reason)
{
	unsigned long long total;

	if (h->status >= 500 || h->status == 408 || h->status == 429)
		return fail_with(reason, -EAGAIN, "the server answered %d for %s", h->status, g->path);
	if (h->status == 404)
		return fail_with(reason, -ENOENT, "the server answered 404 for %s: is the root built?",
				 g->path);
	if (h->status != 200 && h->status != 206)
		return fail_with(reason, -EPROTO, "the server answered %d for %s", h->status, g->path);
	if (h->length < 0)
		return fail_with(reason, -EPROTO, "the server does not say the size of %s", g->path);
	if (h->status == 206 && (h->range_start < 0 || (unsigned long long)h->range_start != *done))
		return fail_with(reason, -EPROTO, "the server sent another part of %s than asked for",
				 g->path);
	if (h->status == 200) {
		*done = 0;
		if (g->sum)
			sha256_begin(g->sum);
	}
	total = *done + (unsigned long long)h->length;
	if (g->want && total != g->want)
		return fail_with(reason, -EPROTO, "%s has %llu bytes on the server, %llu were announced",
				 g->path, total, g->want);
	if (*size && total != *size)
		return fail_with(reason, -EPROTO, "%s changed on the server while it was fetched", g->path);
	if (lseek(g->fd, (off_t)*done, SEEK_SET) < 0)
		return fail_with(reason, -errno, "the fetched file cannot be written: %s", strerror(errno));
	if (!*size && g->begin) {
		int r = g->begin(g->data, total, reason);

		if (r < 0)
			return r;
	}
	*size = total;
	return 0;
}

static int store(const struct http_get *g, const char *data, size_t len, unsigned long long *done,
		 unsigned long long size, char **reason)
{
	size_t take = (size_t)MIN((unsigned long long)len, size - *done);
	int r = write_all(g->fd, data, take);

	if (r < 0)
		return fail_with(reason, r, "the fetched file cannot be written: %s", strerror(-r));
	*done += take;
	if (g->sum)
		sha256_add(g->sum, data, take);
	if (g->progress)
		g->progress(g->data, *done, size);
	return 0;
}

int http_get_once(int sock, const struct http_get *g, unsigned long long *done, unsigned long long *size,
		  char **reason)
{
	_cleanup_text_ struct text request = { 0 };
	_cleanup_free_ char *buf = malloc(CHUNK);
	struct http_head h;
	size_t len = 0;
	ssize_t n;
	int r;

	text_addf(&request,
		  "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUser-Agent: muster-agent\r\nConnection: close\r\n",
		  g->path, inet_ntoa(g->server.address), g->server.port);
	if (*done)
		text_addf(&request, "Range: bytes=%llu-\r\n", *done);
	text_addf(&request, "\r\n");
	if (request.failed || !buf)
		return fail_with(reason, -ENOMEM, "out of memory");
	r = send_all(sock, request.s, request.len);
	if (r == 0)
		r = receive_head(sock, buf, HTTP_HEAD_MAX, &len, &h);
	if (r == -EPROTO)
		return fail_with(reason, r, "what answered for %s is no HTTP server", g->path);
	if (r < 0)
		return fail_with(reason, -EAGAIN, "the server did not answer for %s: %s", g->path,
				 strerror(-r));
	r = judge_head(g, &h, done, size, reason);
	if (r == 0)
		r = store(g, buf + h.size, len - h.size, done, *size, reason);
	while (r == 0 && *done < *size) {
		n = receive(sock, buf, CHUNK);
		if (n > 0)
			r = store(g, buf, (size_t)n, done, *size, reason);
		else
			r = fail_with(reason, -EAGAIN, "%s arrived short, %llu of %llu bytes: %s", g->path,
				      *done, *size,
				      n < 0 ? strerror((int)-n) : "the server closed the connection");
	}
	return r;
}

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

int http_get(const struct http_get *g, unsigned long long *ret_size, char **reason)
{
	struct http_progress begun = { 0 }, *p = g->kept ? g->kept : &begun;
	unsigned long long best = p->done;
	long long last_gain = now_ms();
	int wait = 50;

	for (;;) {
		_cleanup_close_ int sock = -1;
		int r = connect_to(&g->server, MIN(g->stall_ms, 3000), &sock);

		if (r < 0)
			r = fail_with(reason, -EAGAIN, "the server %s port %u cannot be reached: %s",
				      inet_ntoa(g->server.address), g->server.port, strerror(-r));
		else
			r = http_get_once(sock, g, &p->done, &p->size, reason);
		if (r != -EAGAIN) {
			if (r == 0)
				*ret_size = p->size;
			return r;
		}
		if (p->done > best) {
			best = p->done;
			last_gain = now_ms();
			wait = 50;
		}
		if (now_ms() - last_gain > g->patience_ms)
			return -ETIMEDOUT;
		pause_ms(wait);
		wait = MIN(wait * 2, 2000);
	}
}

int http_post_once(int sock, const struct http_post *p, int *ret_status, char **ret_body)
{
	char buf[HTTP_HEAD_MAX + HTTP_ANSWER_MAX];
	_cleanup_text_ struct text t = { 0 };
	struct http_head h;
	size_t len, room;
	ssize_t n = 1;
	char *body;
	int r;

	text_addf(
		&t,
		"POST %s HTTP/1.0\r\nHost: %s:%u\r\nUser-Agent: muster-agent\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: text/plain\r\nContent-Length: %zu\r\n\r\n",
		p->path, inet_ntoa(p->server.address), p->server.port, p->token, p->len);
	text_add(&t, p->body, p->len);
	if (t.failed)
		return -ENOMEM;
	r = send_all(sock, t.s, t.len);
	if (r == 0)
		r = receive_head(sock, buf, HTTP_HEAD_MAX, &len, &h);
	if (r < 0)
		return r;
	/* A body is as long as announced, or ends with the connection; what is beyond the limit does not count. */
	room = h.size + HTTP_ANSWER_MAX;
	if (h.status == 204)
		room = h.size;
	else if (h.length >= 0)
		room = h.size + (size_t)MIN(h.length, (long long)HTTP_ANSWER_MAX);
	while (len < room && n > 0) {
		n = receive(sock, buf + len, room - len);
		if (n < 0)
			return (int)n;
		len += (size_t)n;
	}
	body = strndup(buf + h.size, MIN(len, room) - h.size);
	if (!body)
		return -ENOMEM;
	*ret_status = h.status;
	*ret_body = body;
	return 0;
}

int http_post(const struct http_post *p, int *ret_status, char **ret_body)
{
	_cleanup_close_ int sock = -1;
	int r = connect_to(&p->server, p->timeout_ms, &sock);

	return r < 0 ? r : http_post_once(sock, p, ret_status, ret_body);
}
