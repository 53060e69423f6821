/* SPDX-License-Identifier: GPL-3.0-or-later */
/* musterd's state, and the handlers that work on it. */
#pragma once

#include <pthread.h>

#include "agent/wire.h"
#include "backend/nodes/store.h"
#include "daemon/boots.h"
#include "daemon/gate.h"
#include "daemon/heard.h"
#include "daemon/http.h"
#include "daemon/limit.h"
#include "daemon/metrics.h"
#include "daemon/processes.h"
#include "daemon/teller.h"
#include "daemon/view.h"
#include "util/hash.h"

/* A document of the metrics, which all who asked for it in its time share. */
struct document {
	atomic_int references;
	char *text; /* owned */
	size_t len;
	int64_t made; /* steady clock, ms */
};

/* Personalities that are on their way, each to one boot. */
#define HANDING_MAX CONNECTIONS

struct handing {
	pthread_mutex_t lock;
	size_t n;
	char tokens[HANDING_MAX][WIRE_TOKEN_LEN + 1];
};

struct daemon {
	int root_fd;  /* what lies below it is what apply wrote */
	int interval; /* seconds between a node's reports */
	/* The database has one connection; it is held for one short transaction at a time. */
	struct store *store;
	pthread_mutex_t store_lock;
	struct view *view; /* replaced by a reload; taken with daemon_view() */
	pthread_mutex_t view_lock;
	struct metrics metrics;
	struct document *document; /* the newest; NULL: none yet */
	pthread_mutex_t document_lock;
	struct processes processes;
	struct teller teller;
	struct heard heard;
	struct boots since; /* when present boots began */
	/* How often: an address may cause an event, all strangers together may, all nodes may; an address's boots, a boot's reports and a MAC
	 * address's leases count. */
	struct limit refusals_each, refusals, refusals_nodes, boots, reports, leases;
	atomic_ullong refusals_more;   /* that no event has told yet */
	atomic_llong refusals_counted; /* when that was told last; steady clock, ms */
	struct gate gate;
	struct handing handing;
};

/* The limits begin, with secrets of their own. Before anything else; -EIO: there is no chance to be had. */
int daemon_limits_init(struct daemon *d) _must_check_;

/* The present view, with a reference that the caller gives back. */
struct view *daemon_view(struct daemon *d);
void daemon_set_view(struct daemon *d, struct view *v); /* takes the reference over */

struct store *daemon_store_lock(struct daemon *d);
void daemon_store_unlock(struct daemon *d);

void document_unref(void *document); /* NULL is fine */

/* Whether a connection from there may be a node's, or this server's own. */
bool daemon_is_node(void *daemon, struct ip4 from);

/* Adds an event "refused", at most one a minute for each address; the text says who and why. Where it tells of a node, strangers
 * do not use its share up. */
void daemon_refused(struct daemon *d, const char *node, struct ip4 from, const char *fmt, ...) _printf_(4, 5);

/* Once a minute an event for all those refusals that had none. Called now and then. */
void daemon_refusals_tell(struct daemon *d);

/* Beside another DHCP server nobody but the wire tells whose an address is: whether the machine with this MAC address is
 * there. Always, where the plan binds addresses; never at this server's own. */
bool daemon_is_there(const struct plan *p, struct ip4 from, struct mac mac);

/* Whether the text has a token's form. */
bool token_is_one(const char *text);

#define NEXT_ROOT "root:" /* begins the wish for a root that is not the cluster's */
/* A node whose whole root is the initramfs runs no sshd. */
bool boot_wants_host_key(const struct plan *p);
/* When this answer has come to the node, what it was to boot once counts as used. */
int boot_once(struct daemon *d, const char *node, const char *what, struct http_answer *a) _must_check_;
/* Reads a node's host key, or its public half (suffix ".pub"). */
int boot_read_key(struct daemon *d, const char *node, const char *suffix, char **ret) _must_check_;

/* The personality of the boot with this token begins to be sent: false, one is on its way already, or there are too many. */
bool handing_begin(struct handing *h, const char *token);
void handing_end(struct handing *h, const char *token);

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
/* What its build noted of root.squashfs, which is not read here: its SHA-256 and its size. Negative where there is no such note, or
 * no whole one (-ENOENT): nobody could tell then whether a node got what was built. */
int files_sum_of_root(struct daemon *d, const char *id, char ret[HASH_TEXT], uint64_t *ret_size) _must_check_;
int files_size_of_initramfs(struct daemon *d, const char *id, uint64_t *ret) _must_check_;
