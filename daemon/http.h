/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP without its library: a request as data, an answer as data. daemon/http.c carries both through
 * libmicrohttpd, with limits (daemon/limits.h) for everything that a client can make large, slow or many.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/ip.h"
#include "util/macro.h"

enum http_method {
	HTTP_OTHER = 0,
	HTTP_GET = 1 << 0,
	HTTP_HEAD = 1 << 1,
	HTTP_POST = 1 << 2,
};

/* All strings live until the handler returns. */
struct http_request {
	enum http_method method;
	const char *path; /* as it was sent: percent signs are not resolved */
	struct ip4 from;
	const char *body; /* body_len bytes and a NUL; "" where there is none */
	size_t body_len;
	const char *authorization, *range; /* the header fields; NULL where absent */
	/* A parameter of the query as it was sent, or NULL. */
	const char *(*query)(const struct http_request *q, const char *name);
	void *connection; /* for query() */
};

struct http_answer {
	unsigned int status;
	const char *type; /* static; NULL: none */
	/* The body is `data`... (owned, freed by http.c, but where `release` is set) */
	char *data;
	size_t len;
	/* ...or, where fd is not negative, `len` bytes of that file from `offset` on. fd is owned. */
	int fd;
	uint64_t offset;
	uint64_t total;	   /* the file's size, where status is 206 or 416 */
	const char *allow; /* of 405; static */
	bool no_store;	   /* it must not be kept by anyone on the way */
	/* Called once, when the answer has been sent, or was given up: not complete. May be NULL. Where `arrival` is set, sent
	 * means that it has come to the other end. */
	void (*done)(void *data, bool complete);
	void *done_data;
	bool arrival;
	bool close; /* the connection ends with it */
	/* The longest time that it may take, in ms; 0: what its length allows. */
	int64_t within;
	/* Where it is set, `data` is borrowed until it is called with `holder`, and not freed. */
	void (*release)(void *holder);
	void *holder;
};

struct gate;

struct http_config {
	int listen_fd; /* taken over, also on failure */
	size_t body_max;
	/* Called from several threads at a time. */
	void (*handle)(void *data, const struct http_request *q, struct http_answer *a);
	void (*count)(void *data,
		      unsigned int status); /* of every answer, also those that http.c gives itself */
	/* Whether the address is one of those that the most places are for. */
	bool (*is_node)(void *data, struct ip4 from);
	struct gate *gate; /* borrowed; may be shared with another server */
	void *data;
};

struct http;

/* A listening socket; the address need not be on an interface yet (ip(7), IP_FREEBIND). Returns it, or < 0. */
int http_listen(struct ip4 address, unsigned int port) _must_check_;
int http_start(const struct http_config *config, struct http **ret) _must_check_;
/* Accepts nothing more, ends what is under way. NULL is fine. */
void http_stop(struct http *h);
