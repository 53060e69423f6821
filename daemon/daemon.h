/* SPDX-License-Identifier: GPL-3.0-or-later */
/* musterd's state, and the handlers that work on it. */
#pragma once

#include <pthread.h>

#include "backend/nodes/store.h"
#include "daemon/http.h"
#include "daemon/limit.h"
#include "daemon/metrics.h"
#include "daemon/processes.h"
#include "daemon/teller.h"
#include "daemon/view.h"

struct daemon {
	int root_fd;  /* what lies below it is what apply wrote */
	int interval; /* seconds between a node's reports */
	/* The database has one connection; it is held for one short transaction at a time. */
	struct store *store;
	pthread_mutex_t store_lock;
	struct view *view; /* replaced by a reload; taken with daemon_view() */
	pthread_mutex_t view_lock;
	struct metrics metrics;
	atomic_int metrics_under_way;
	struct processes processes;
	struct teller teller;
	struct limit refusals; /* how often an address may cause an event */
};

/* The present view, with a reference that the caller gives back. */
struct view *daemon_view(struct daemon *d);
void daemon_set_view(struct daemon *d, struct view *v); /* takes the reference over */

struct store *daemon_store_lock(struct daemon *d);
void daemon_store_unlock(struct daemon *d);

/* Adds an event "refused", at most one a minute for each address; the text says who and why. */
void daemon_refused(struct daemon *d, const char *node, struct ip4 from, const char *fmt, ...) _printf_(4, 5);

/* Whether the text has a token's form. */
bool token_is_one(const char *text);

/* Answers any request, and counts any answer (routes.c): `handle` and `count` of http_config. */
void routes_handle(void *daemon, const struct http_request *q, struct http_answer *a);
void routes_count(void *daemon, unsigned int status);

/* ---- handlers: `part` is what stands for the route's "*"; owned by the caller ------------------------------ */

void boot_script(struct daemon *d, const struct http_request *q, const char *part, struct http_answer *a);
void boot_personality(struct daemon *d, const struct http_request *q, const char *token,
		      struct http_answer *a);
void boot_memtest_bios(struct daemon *d, const struct http_request *q, const char *token,
		       struct http_answer *a);
void boot_memtest_efi(struct daemon *d, const struct http_request *q, const char *token,
		      struct http_answer *a);
void report_take(struct daemon *d, const struct http_request *q, const char *part, struct http_answer *a);
void files_kernel(struct daemon *d, const struct http_request *q, const char *id, struct http_answer *a);
void files_root(struct daemon *d, const struct http_request *q, const char *id, struct http_answer *a);
void files_initramfs(struct daemon *d, const struct http_request *q, const char *id, struct http_answer *a);

/* The memory test of the server's distribution (Debian's package memtest86+). */
void files_memtest(struct daemon *d, const struct http_request *q, bool efi, struct http_answer *a);
bool files_has_memtest(struct daemon *d, bool efi);

/* Whether the file can be served, and its size; -ENOENT. kind as in the path: "vmlinuz", "root.squashfs". */
int files_size_of_root(struct daemon *d, const char *id, const char *kind, uint64_t *ret) _must_check_;
int files_size_of_initramfs(struct daemon *d, const char *id, uint64_t *ret) _must_check_;
