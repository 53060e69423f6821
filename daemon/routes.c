/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which handler answers which path, and the handlers that need no file of their own. */
#include "config.h"

#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>

#include "agent/wire.h"
#include "backend/apply/health.h"
#include "daemon/daemon.h"
#include "daemon/neighbour.h"
#include "util/clock.h"
#include "util/log.h"

/* Behind "ok" it says which cluster.json is served, so that an apply sees whether that is the one which it wrote. */
static void health(struct daemon *d, const struct http_request *q, const char *part, struct http_answer *a)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);
	int len = asprintf(&a->data, "ok\n" HEALTH_PLAN "%s\n", v->written);

	if (len < 0)
		a->data = NULL;
	a->len = a->data ? (size_t)len : 0;
	a->status = a->data ? 200 : 500;
	a->type = "text/plain";
}

void document_unref(void *document)
{
	struct document *doc = document;

	if (!doc || atomic_fetch_sub(&doc->references, 1) > 1)
		return;
	free(doc->text);
	free(doc);
	malloc_trim(0);
}

static int make_document(struct daemon *d, struct document **ret)
{
	struct document *doc = calloc(1, sizeof(*doc));
	struct node_state *v = NULL;
	size_t n = 0;
	int r;

	if (!doc)
		return -ENOMEM;
	r = store_nodes(daemon_store_lock(d), clock_wall_ms(), NULL, &v, &n);
	daemon_store_unlock(d);
	if (r == 0)
		r = metrics_text(&d->metrics, &d->gate, v, n, metrics_resident(), &doc->text, &doc->len);
	node_states_free(v, n);
	if (r < 0) {
		free(doc);
		return r;
	}
	doc->made = clock_mono_ms();
	atomic_init(&doc->references, 1);
	*ret = doc;
	return 0;
}

/* The newest one, with a reference for the caller. */
static int newest_document(struct daemon *d, struct document **ret)
{
	struct document *made = NULL;
	int r = 0;

	pthread_mutex_lock(&d->document_lock);
	if (!d->document || clock_mono_ms() - d->document->made >= METRICS_AGE_MS)
		r = make_document(d, &made);
	if (made) {
		document_unref(d->document);
		d->document = made;
	}
	if (r == 0) {
		atomic_fetch_add(&d->document->references, 1);
		*ret = d->document;
	}
	pthread_mutex_unlock(&d->document_lock);
	return r;
}

static void metrics(struct daemon *d, const struct http_request *q, const char *part, struct http_answer *a)
{
	struct document *doc = NULL;
	int r = newest_document(d, &doc);

	a->status = r == 0 ? 200 : 500;
	a->type = "text/plain; version=0.0.4; charset=utf-8";
	if (r < 0)
		return;
	a->data = doc->text;
	a->len = doc->len;
	a->release = document_unref;
	a->holder = doc;
	a->within = METRICS_MS;
}

/* The pattern's "*" stands for one or more letters, digits, '-', '_' and '.', not beginning with a '.': no
 * path below can lead out of its folder. */
static const struct route {
	const char *pattern;
	int methods;
	const char *allow;
	void (*handle)(struct daemon *d, const struct http_request *q, const char *part,
		       struct http_answer *a);
} routes[] = {
	{ WIRE_REPORT_PATH, HTTP_POST, "POST", report_take },
	{ "/boot.ipxe", HTTP_GET, "GET", boot_script },
	{ "/boot/*/node.cpio", HTTP_GET, "GET", boot_personality },
	{ "/boot/*/memtest.bin", HTTP_GET, "GET", boot_memtest_bios },
	{ "/boot/*/memtest.efi", HTTP_GET, "GET", boot_memtest_efi },
	{ "/roots/*/vmlinuz", HTTP_GET | HTTP_HEAD, "GET, HEAD", files_kernel },
	{ "/roots/*/root.squashfs", HTTP_GET | HTTP_HEAD, "GET, HEAD", files_root },
	{ "/initramfs/*.img", HTTP_GET | HTTP_HEAD, "GET, HEAD", files_initramfs },
	{ "/health", HTTP_GET | HTTP_HEAD, "GET, HEAD", health },
	{ "/metrics", HTTP_GET | HTTP_HEAD, "GET, HEAD", metrics },
};

#define PART_MAX 128

static bool is_part_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_' || c == '.';
}

/* Whether the path is the pattern's; what stands for its "*" goes to `part`. */
static bool match(const char *pattern, const char *path, char part[PART_MAX + 1])
{
	const char *star = strchr(pattern, '*');
	size_t head, tail, len = strlen(path);

	part[0] = '\0';
	if (!star)
		return strcmp(pattern, path) == 0;
	head = (size_t)(star - pattern);
	tail = strlen(star + 1);
	if (len <= head + tail || len - head - tail > PART_MAX)
		return false;
	if (memcmp(path, pattern, head) != 0 || memcmp(path + len - tail, star + 1, tail) != 0)
		return false;
	len -= head + tail;
	path += head;
	if (path[0] == '.')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_part_char(path[i]))
			return false;
	memcpy(part, path, len);
	part[len] = '\0';
	return true;
}

/* The cluster's network only: a packet for this address may come in through another interface too. */
static bool is_from_cluster(struct daemon *d, struct ip4 from)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);

	return ip4_net_has(v->plan->net, from);
}

static const struct route *find(const char *path, char part[PART_MAX + 1])
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		if (match(routes[i].pattern, path, part))
			return &routes[i];
	return NULL;
}

/* With a boot's token a path is a secret, and what is none of ours may be anything: neither is said. */
static void say(const struct http_request *q, const struct route *route, unsigned int status)
{
	bool secret = route && strncmp(route->pattern, "/boot/", 6) == 0;

	log_debug("%s %s of %s: %u",
		  q->method & HTTP_POST	  ? "POST"
		  : q->method & HTTP_HEAD ? "HEAD"
					  : "GET",
		  !route   ? "another path"
		  : secret ? route->pattern
			   : q->path,
		  IP4(q->from), status);
}

void routes_handle(void *data, const struct http_request *q, struct http_answer *a)
{
	struct daemon *d = data;
	char part[PART_MAX + 1];
	const struct route *route;

	if (!is_from_cluster(d, q->from)) {
		a->status = 403;
		return;
	}
	route = find(q->path, part);
	if (!route) {
		a->status = 404;
	} else if (q->method & route->methods) {
		route->handle(d, q, part, a);
	} else {
		a->status = 405;
		a->allow = route->allow;
	}
	say(q, route, a->status);
}

void routes_count(void *data, unsigned int status)
{
	struct daemon *d = data;

	metrics_count(&d->metrics, status);
}

int daemon_limits_init(struct daemon *d)
{
	uint64_t secrets[8];

	if (getrandom(secrets, sizeof(secrets), 0) != (ssize_t)sizeof(secrets))
		return -EIO;
	limit_init(&d->refusals_each, secrets[0], RATE_REFUSALS_EACH, BURST_REFUSALS_EACH);
	limit_init(&d->refusals, secrets[1], RATE_REFUSALS, BURST_REFUSALS);
	limit_init(&d->boots, secrets[2], RATE_BOOTS, BURST_BOOTS);
	limit_init(&d->reports, secrets[3], RATE_REPORTS, BURST_REPORTS);
	limit_init(&d->leases, secrets[4], RATE_LEASES, BURST_LEASES);
	limit_init(&d->refusals_nodes, secrets[7], RATE_REFUSALS, BURST_REFUSALS);
	gate_init(&d->gate, &secrets[5]);
	return 0;
}

/* Beside another DHCP server any address of the network may be a node's. */
bool daemon_is_node(void *daemon, struct ip4 from)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(daemon);
	const struct plan *p = v->plan;

	if (from.n == p->net.address.n)
		return true;
	return p->dhcp == PLAN_DHCP_PROXY ? ip4_net_has(p->net, from) : view_by_address(v, from) != NULL;
}

bool daemon_is_there(const struct plan *p, struct ip4 from, struct mac mac)
{
	int r;

	if (p->dhcp != PLAN_DHCP_PROXY)
		return true;
	if (from.n == p->net.address.n)
		return false;
	r = neighbour_has(from, mac);
	if (r < 0 && r != -ENOENT)
		log_error("who is at %s cannot be asked: %s", IP4(from), strerror(-r));
	return r == 0;
}

struct view *daemon_view(struct daemon *d)
{
	struct view *v;

	pthread_mutex_lock(&d->view_lock);
	v = view_ref(d->view);
	pthread_mutex_unlock(&d->view_lock);
	return v;
}

void daemon_set_view(struct daemon *d, struct view *v)
{
	struct view *old;

	pthread_mutex_lock(&d->view_lock);
	old = d->view;
	d->view = v;
	pthread_mutex_unlock(&d->view_lock);
	view_unref(old);
}

struct store *daemon_store_lock(struct daemon *d)
{
	pthread_mutex_lock(&d->store_lock);
	return d->store;
}

void daemon_store_unlock(struct daemon *d)
{
	pthread_mutex_unlock(&d->store_lock);
}

static void keep_refusal(struct daemon *d, const char *node, const char *text)
{
	int r = store_event(daemon_store_lock(d), clock_wall_ms(), node, "refused", text);

	daemon_store_unlock(d);
	if (r < 0)
		log_debug("the event was not kept");
}

void daemon_refused(struct daemon *d, const char *node, struct ip4 from, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	int64_t now = clock_mono_ms();
	va_list ap;

	if (!limit_pass(&d->refusals_each, from.n, now) ||
	    !limit_pass(node ? &d->refusals_nodes : &d->refusals, 0, now)) {
		atomic_fetch_add(&d->refusals_more, 1);
		atomic_fetch_add(&d->metrics.refusals_untold, 1);
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text)
		return;
	log_warning("refused: %s", text);
	keep_refusal(d, node, text);
}

void daemon_refusals_tell(struct daemon *d)
{
	_cleanup_free_ char *text = NULL;
	int64_t now = clock_mono_ms();
	unsigned long long more;

	if (atomic_load(&d->refusals_more) == 0 ||
	    now - atomic_load(&d->refusals_counted) < RATE_REFUSALS_EACH)
		return;
	atomic_store(&d->refusals_counted, now);
	more = atomic_exchange(&d->refusals_more, 0);
	if (asprintf(&text, "and %llu more were refused", more) < 0) {
		text = NULL;
		return;
	}
	log_warning("refused: %s", text);
	keep_refusal(d, NULL, text);
}
