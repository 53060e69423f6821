/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/arrival.h"
#include "daemon/gate.h"
#include "daemon/head.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

#define THREADS 2
#define DESCRIPTORS (2 * GATE_PLACES + ARRIVALS + 128) /* each connection may have a file */

struct http {
	struct MHD_Daemon *daemon;
	struct http_config config;
	struct arrivals arrivals;
	/* Looks after what takes too long, as long as there is anything. */
	pthread_t sweeper;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool busy, ends;
};

/* What is kept of a request between the calls of the library. */
struct pending {
	char *body;
	size_t len;
	bool too_long;
	/* who wants to hear the end of the answer */
	void (*done)(void *data, bool complete);
	void *done_data;
	bool arrival;
};

int http_listen(struct ip4 address, unsigned int port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(address.n) },
	};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	int r = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0) {
		log_error("cannot listen on %s port %u: %s", IP4(address), port, muster_strerror(r));
		return r;
	}
	return TAKE_FD(fd);
}

static const char *query(const struct http_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* What was handed to the response is taken out of the answer. */
static struct MHD_Response *make_response(struct http_answer *a)
{
	struct MHD_Response *response;

	if (a->fd >= 0) {
		response = MHD_create_response_from_fd_at_offset64(a->len, a->fd, a->offset);
		if (response)
			a->fd = -1;
		return response;
	}
	if (a->release) {
		response = MHD_create_response_from_buffer_with_free_callback_cls(a->len, a->data, a->release,
										  a->holder);
		if (response)
			a->data = NULL;
		else
			a->release(a->holder);
		a->release = NULL;
		return response;
	}
	response = MHD_create_response_from_buffer(a->len, a->data ? a->data : (char[]){ "" },
						   a->data ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_MUST_COPY);
	if (response)
		a->data = NULL;
	return response;
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (value && MHD_add_response_header(response, name, value) == MHD_NO)
		log_debug("the header %s could not be added", name);
}

static void add_headers(struct MHD_Response *response, const struct http_answer *a, bool is_file)
{
	_cleanup_free_ char *range = NULL;
	int n = 0;

	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	add_header(response, MHD_HTTP_HEADER_ALLOW, a->allow);
	if (a->no_store)
		add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (a->close)
		add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (is_file)
		add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
	if (a->status == MHD_HTTP_PARTIAL_CONTENT)
		n = asprintf(&range, "bytes %llu-%llu/%llu", (unsigned long long)a->offset,
			     (unsigned long long)(a->offset + a->len - 1), (unsigned long long)a->total);
	else if (a->status == MHD_HTTP_RANGE_NOT_SATISFIABLE)
		n = asprintf(&range, "bytes */%llu", (unsigned long long)a->total);
	if (n < 0)
		range = NULL;
	add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
}

static struct gate_place *place_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* p: of the request; NULL: nobody wants to hear of the answer's end. */
static enum MHD_Result send_answer(struct http *h, struct MHD_Connection *c, struct pending *p,
				   struct http_answer *a)
{
	bool is_file = a->fd >= 0, is_shared = a->release != NULL;
	struct MHD_Response *response = make_response(a);
	enum MHD_Result result = MHD_NO;

	h->config.count(h->config.data, a->status);
	gate_answer(h->config.gate, place_of(c), a->len, a->within, clock_mono_ms());
	if (response) {
		add_headers(response, a, is_file);
		result = MHD_queue_response(c, a->status, response);
		MHD_destroy_response(response);
	}
	if (!is_shared)
		free(a->data);
	closep(&a->fd);
	if (p && result == MHD_YES) {
		p->done = a->done;
		p->done_data = a->done_data;
		p->arrival = a->arrival;
	} else if (a->done) {
		a->done(a->done_data, false);
	}
	return result;
}

static enum MHD_Result send_status(struct http *h, struct MHD_Connection *c, unsigned int status)
{
	struct http_answer a = { .status = status, .fd = -1, .close = status == MHD_HTTP_TOO_MANY_REQUESTS };

	return send_answer(h, c, NULL, &a);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* The first call for a request: its header is there. */
static enum MHD_Result begin(struct http *h, struct MHD_Connection *c, void **state)
{
	long long length = http_body_length(header(c, MHD_HTTP_HEADER_CONTENT_LENGTH),
					    header(c, MHD_HTTP_HEADER_TRANSFER_ENCODING));
	struct pending *p;

	if (!gate_request(h->config.gate, place_of(c), clock_mono_ms()))
		return send_status(h, c, MHD_HTTP_TOO_MANY_REQUESTS);
	if (length < 0)
		return send_status(h, c, MHD_HTTP_LENGTH_REQUIRED);
	if (length > (long long)h->config.body_max * DRAIN_FACTOR)
		return send_status(h, c, MHD_HTTP_CONTENT_TOO_LARGE);
	p = calloc(1, sizeof(*p));
	if (!p)
		return MHD_NO;
	p->too_long = length > (long long)h->config.body_max;
	*state = p;
	return MHD_YES;
}

static enum MHD_Result add_body(struct pending *p, size_t max, const char *data, size_t *len)
{
	char *bigger;

	if (p->len + *len > max)
		p->too_long = true;
	if (!p->too_long) {
		bigger = realloc(p->body, p->len + *len + 1);
		if (!bigger)
			return MHD_NO;
		p->body = bigger;
		memcpy(p->body + p->len, data, *len);
		p->len += *len;
		p->body[p->len] = '\0';
	}
	*len = 0;
	return MHD_YES;
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *upload, size_t *upload_len, void **state)
{
	struct http *h = data;
	struct pending *p = *state;
	struct http_request q = {
		.method = http_method_of(method),
		.path = url,
		.query = query,
		.connection = c,
		.body = "",
	};
	struct http_answer a = { .status = MHD_HTTP_INTERNAL_SERVER_ERROR, .fd = -1 };

	if (!p)
		return begin(h, c, state);
	if (*upload_len > 0)
		return add_body(p, h->config.body_max, upload, upload_len);
	if (p->too_long)
		return send_status(h, c, MHD_HTTP_CONTENT_TOO_LARGE);
	if (!place_of(c))
		return MHD_NO;
	q.from = place_of(c)->from;
	if (p->body) {
		q.body = p->body;
		q.body_len = p->len;
	}
	q.authorization = header(c, MHD_HTTP_HEADER_AUTHORIZATION);
	q.range = header(c, MHD_HTTP_HEADER_RANGE);
	h->config.handle(h->config.data, &q, &a);
	return send_answer(h, c, p, &a);
}

static void wake_sweeper(struct http *h)
{
	pthread_mutex_lock(&h->lock);
	if (!h->busy)
		pthread_cond_signal(&h->wake);
	h->busy = true;
	pthread_mutex_unlock(&h->lock);
}

static int descriptor_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

static void tell_done(struct http *h, struct MHD_Connection *c, const struct pending *p, bool complete)
{
	int fd = descriptor_of(c);

	if (!p->done)
		return;
	if (!complete || !p->arrival || fd < 0) {
		p->done(p->done_data, complete);
		return;
	}
	arrivals_watch(&h->arrivals, fd, clock_mono_ms(), p->done, p->done_data);
	wake_sweeper(h);
}

static void on_completed(void *data, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct http *h = data;
	struct pending *p = *state;

	gate_wait(h->config.gate, place_of(c), clock_mono_ms());
	if (p) {
		tell_done(h, c, p, why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
		free(p->body);
	}
	free(p);
	*state = NULL;
}

/* ---- connections ----------------------------------------------------------------------------------------------- */

/* Whose it is: of a node's users none but root gets a port below IPPORT_RESERVED (ip(7)). */
static bool peer_of(struct http *h, const struct sockaddr *sa, struct ip4 *ret, enum gate_kind *ret_kind)
{
	struct sockaddr_in a;

	if (!sa || sa->sa_family != AF_INET)
		return false;
	memcpy(&a, sa, sizeof(a));
	ret->n = ntohl(a.sin_addr.s_addr);
	*ret_kind = !h->config.is_node(h->config.data, *ret) ? GATE_STRANGER
		    : ntohs(a.sin_port) < IPPORT_RESERVED    ? GATE_AGENT
							     : GATE_NODE;
	return true;
}

static enum MHD_Result may_come(void *data, const struct sockaddr *sa, socklen_t len)
{
	struct http *h = data;
	enum gate_kind kind;
	struct ip4 from;

	if (!peer_of(h, sa, &from, &kind))
		return MHD_NO;
	return gate_admit(h->config.gate, from, kind, clock_mono_ms()) ? MHD_YES : MHD_NO;
}

static void on_connection(void *data, struct MHD_Connection *c, void **place,
			  enum MHD_ConnectionNotificationCode what)
{
	const int buffer = STRANGER_BUFFER;
	struct http *h = data;
	int fd = descriptor_of(c);
	const union MHD_ConnectionInfo *info;
	enum gate_kind kind;
	struct ip4 from;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		gate_leave(h->config.gate, *place);
		*place = NULL;
		return;
	}
	info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (fd < 0 || !info || !peer_of(h, info->client_addr, &from, &kind))
		return;
	if (kind == GATE_STRANGER && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)) < 0)
		log_debug("a connection's buffer stays as it is: %s", strerror(errno));
	*place = gate_enter(h->config.gate, fd, from, kind, clock_mono_ms());
	wake_sweeper(h);
}

/* In milliseconds from now. */
static struct timespec in(int64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static void *sweep(void *data)
{
	struct http *h = data;
	int64_t swept = 0;

	pthread_mutex_lock(&h->lock);
	while (!h->ends) {
		size_t arrivals, connections = 1;
		struct timespec next;

		if (!h->busy) {
			pthread_cond_wait(&h->wake, &h->lock);
			continue;
		}
		h->busy = false;
		pthread_mutex_unlock(&h->lock);
		arrivals = arrivals_sweep(&h->arrivals, clock_mono_ms());
		if (clock_mono_ms() - swept >= SWEEP_MS) {
			swept = clock_mono_ms();
			connections = gate_sweep(h->config.gate, swept);
		}
		pthread_mutex_lock(&h->lock);
		/* It may have been set again by a connection that has come since. */
		h->busy |= arrivals > 0 || connections > 0;
		next = in(arrivals > 0 ? SWEEP_ARRIVALS_MS : SWEEP_MS);
		while (h->busy && !h->ends && pthread_cond_timedwait(&h->wake, &h->lock, &next) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* Percent signs stay: no path of ours has one, and a resolved "%00" would end the text. */
static size_t leave_escapes(void *data, struct MHD_Connection *c, char *s)
{
	return strlen(s);
}

static void on_log(void *data, const char *fmt, va_list ap) _printf_(2, 0);

static void on_log(void *data, const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	if (text)
		log_debug("http: %s", text);
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)DESCRIPTORS);
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warning("the limit of open files stays low: %s", strerror(errno));
}

static int start_sweeper(struct http *h)
{
	pthread_condattr_t attr;
	int r;

	pthread_mutex_init(&h->lock, NULL);
	pthread_mutex_init(&h->arrivals.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	r = pthread_create(&h->sweeper, NULL, sweep, h);
	return -r;
}

static void stop_sweeper(struct http *h)
{
	pthread_mutex_lock(&h->lock);
	h->ends = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->sweeper, NULL);
	arrivals_end(&h->arrivals);
}

/*
 * The library's own limits are wider than the gate's, so that the gate decides: at its own, the library would not take
 * connections at all any more.
 */
static struct MHD_Daemon *start_library(struct http *h)
{
	/* The logger comes first: the library reports the other options' faults through it. */
	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, may_come, h, on_request,
				h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET,
				h->config.listen_fd, MHD_OPTION_THREAD_POOL_SIZE, (unsigned int)THREADS,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned int)(THREADS * (GATE_PLACES + 64)),
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
				MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_NOTIFY_CONNECTION,
				on_connection, h, MHD_OPTION_END);
}

int http_start(const struct http_config *config, struct http **ret)
{
	struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h) {
		close(config->listen_fd);
		return -ENOMEM;
	}
	h->config = *config;
	r = start_sweeper(h);
	if (r < 0) {
		close(config->listen_fd);
		free(h);
		return r;
	}
	raise_descriptor_limit();
	h->daemon = start_library(h);
	if (!h->daemon) {
		log_error("the HTTP server does not start"); /* and has closed the socket */
		stop_sweeper(h);
		free(h);
		return -EIO;
	}
	*ret = h;
	return 0;
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon); /* closes the listening socket too */
	stop_sweeper(h);
	free(h);
}
