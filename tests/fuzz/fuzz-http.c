/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What musterd makes of a request, once the library has cut it up: path, query, header fields, body. The input is an HTTP
 * request as text, its lines ended by a newline; the body begins behind the empty line. "From: LAST" is the last number of
 * the address in the cluster's network that it comes from; 11 where it is absent, which is node01's.
 */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "daemon/head.h"
#include "daemon/range.h"
#include "tests/fuzz/house.h"

#define FIELDS 16

struct parts {
	char *method, *path, *query;
	char *names[FIELDS], *values[FIELDS];
	size_t n;
};

/* Cuts at the first of these characters; what is behind it, or "" at the end. */
static char *cut(char *s, const char *at)
{
	char *end = s + strcspn(s, at);

	if (!*end)
		return end;
	*end = '\0';
	return end + 1;
}

static void take_apart(char *head, struct parts *p)
{
	char *line = head, *rest = cut(line, "\n");

	p->method = line;
	p->path = cut(line, " ");
	cut(p->path, " ");
	p->query = cut(p->path, "?");
	while (*rest && p->n < FIELDS) {
		line = rest;
		rest = cut(line, "\n");
		p->names[p->n] = line;
		p->values[p->n] = cut(line, ":");
		p->values[p->n] += strspn(p->values[p->n], " ");
		p->n++;
	}
}

static const char *field(const struct parts *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcasecmp(p->names[i], name) == 0)
			return p->values[i];
	return NULL;
}

/* As the library does it, whose percent signs musterd leaves. */
static const char *query(const struct http_request *q, const char *name)
{
	const struct parts *p = q->connection;
	static char value[4096];
	size_t len = strlen(name);

	for (const char *s = p->query; *s; s += strcspn(s, "&"), s += *s == '&') {
		size_t n = strcspn(s, "&");

		if (n < len || strncmp(s, name, len) != 0 || (n > len && s[len] != '='))
			continue;
		if (n == len)
			return NULL;
		n = MIN(n - len - 1, sizeof(value) - 1);
		memcpy(value, s + len + 1, n);
		value[n] = '\0';
		return value;
	}
	return NULL;
}

static void look_at(const struct http_request *q, struct http_answer *a)
{
	fuzz_need(a->status >= 200 && a->status < 600);
	fuzz_need(a->status != 405 || a->allow);
	fuzz_need(a->fd < 0 || a->offset + a->len <= a->total);
	fuzz_need(!a->data || a->fd < 0);
	/* Who is not in the cluster's network gets nothing. */
	fuzz_need(q->from.n >> 8 == 0x0a4200 || (a->status >= 400 && !a->data && a->fd < 0));
	if (a->data && a->type && strcmp(a->type, "text/plain") == 0)
		fuzz_need(strlen(a->data) == a->len && fuzz_is_clean(a->data, true));
	if (a->release)
		a->release(a->holder);
	else
		free(a->data);
	closep(&a->fd);
	if (a->done)
		a->done(a->done_data, q->body_len % 2 == 0);
}

static void lengths(const struct parts *p)
{
	long long n = http_body_length(field(p, "Content-Length"), field(p, "Transfer-Encoding"));
	const char *range = field(p, "Range");
	struct range_bytes part;

	fuzz_need(n >= -1);
	for (uint64_t size = 0; range && size < 1000; size = size * 3 + 1)
		if (range_bytes(range, size, &part) == 1)
			fuzz_need(part.len > 0 && part.first < size && part.len <= size - part.first);
}

FUZZ_TARGET(http)
{
	const uint8_t *body = memmem(data, size, "\n\n", 2);
	size_t head_len = body ? (size_t)(body - data) + 1 : size;
	size_t body_len = body ? size - head_len - 1 : 0;
	_cleanup_free_ char *head = fuzz_text(data, head_len),
			    *text = fuzz_text(body ? body + 2 : data, body_len);
	struct daemon *d = house_daemon();
	struct parts p = { 0 };
	struct http_request q = { .query = query, .connection = &p, .body = text, .body_len = body_len };
	struct http_answer a = { .status = 500, .fd = -1 };

	house_quiet();
	/* No library lets a NUL of the head through. */
	if (memchr(head, '\0', head_len))
		return 0;
	take_apart(head, &p);
	q.method = http_method_of(p.method);
	q.path = p.path;
	q.from.n = 0x0a420000U + (field(&p, "From") ? (uint32_t)strtoul(field(&p, "From"), NULL, 10) : 11);
	q.authorization = field(&p, "Authorization");
	q.range = field(&p, "Range");
	lengths(&p);
	routes_handle(d, &q, &a);
	routes_count(d, a.status);
	look_at(&q, &a);
	return 0;
}
