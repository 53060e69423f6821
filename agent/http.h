/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small HTTP client (RFC 9110, RFC 9112): a file into a descriptor, resumed where it broke off, and a report. */
#pragma once

#include <netinet/in.h>

#include "agent/common.h"
#include "agent/sha256.h"

struct http_server {
	struct in_addr address;
	uint16_t port;	     /* host order */
	struct in_addr from; /* this node's address, which the server knows it by; 0: whichever leads there */
};

#define HTTP_HEAD_MAX 4096 /* bytes of an answer's status line and headers */

/* The head of an answer. */
struct http_head {
	int status;
	long long length;      /* Content-Length; -1 where there is none */
	long long range_start; /* of Content-Range; -1 */
	long long range_total; /* the whole file's size by Content-Range; -1 */
	size_t size;	       /* of the head itself */
};

/* Reads the head of an answer out of data. -EAGAIN when it is not all there, -EPROTO when it is none. */
int http_parse_head(const char *data, size_t len, struct http_head *ret) _must_check_;

/* How far a file has come. */
struct http_progress {
	unsigned long long done, size; /* 0: nothing is known of it yet */
};

struct http_get {
	struct http_server server;
	const char *path;
	int fd;			 /* the file: written from its start */
	unsigned long long want; /* bytes that the file must have; 0: what the server says */
	struct sha256 *sum;	 /* begun, or of the bytes that are there; NULL: nobody wants it */
	struct http_progress
		*kept; /* where an earlier call, that has failed with -ETIMEDOUT, left it; NULL: it begins */
	int stall_ms;  /* silence after which the connection is given up and made anew */
	int patience_ms; /* without a single new byte; then it fails */
	/* Called once the size is known and before anything is written; a negative result ends it. */
	int (*begin)(void *data, unsigned long long size, char **reason);
	void (*progress)(void *data, unsigned long long done, unsigned long long size);
	void *data;
};

/* Fetches a file. A broken connection is made anew and the file goes on where it was; a refusal (4xx) is final.
 * -ETIMEDOUT: the patience is at its end; another call with the same file, sum and `kept` goes on. */
int http_get(const struct http_get *g, unsigned long long *ret_size, char **reason) _must_check_;

/* The same over a connection that stands (the request is sent on it): what one attempt does. *done is the number of
 * bytes that the file has and grows; returns 0 when it is whole, -EAGAIN when another attempt may help. */
int http_get_once(int sock, const struct http_get *g, unsigned long long *done, unsigned long long *size,
		  char **reason) _must_check_;

struct http_post {
	struct http_server server;
	const char *path, *token;
	const char *body;
	size_t len;
	int timeout_ms; /* for the connection, and for each silence after it */
};

#define HTTP_ANSWER_MAX 4096 /* bytes of the answer's body that are read */

/* Posts; *ret_status is the answer's status and *ret_body, owned, its body (may be empty). */
int http_post(const struct http_post *p, int *ret_status, char **ret_body) _must_check_;
/* The same over a connection that stands. */
int http_post_once(int sock, const struct http_post *p, int *ret_status, char **ret_body) _must_check_;
