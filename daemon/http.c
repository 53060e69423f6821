/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "daemon/head.h"
#include "util/error.h"
#include "util/log.h"

#define THREADS 2
#define CONNECTIONS 2000
#define CONNECTIONS_EACH 64	      /* of one address */
#define IDLE_S 30		      /* a connection on which nothing moves */
#define CONNECTION_MEMORY (32 * 1024) /* for a request's line and header */
#define BACKLOG 1024
/* A body that is too long is read to its end, so that the client gets to the answer, up to this many times the
 * limit; beyond, the connection is closed on it. */
#define DRAIN_FACTOR 16

struct http {
	struct MHD_Daemon *daemon;
	struct http_config config;
};

/* What is kept of a request between the calls of the library. */
struct pending {
	char *body;
	size_t len;
	bool too_long;
};

/* A body that someone wants to hear the end of. */
struct held {
	char *data;
	size_t len;
	void (*release)(void *data);
	void *release_data;
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

static bool from_of(struct MHD_Connection *c, struct ip4 *ret)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct sockaddr_in a;

	if (!info || !info->client_addr || info->client_addr->sa_family != AF_INET)
		return false;
	memcpy(&a, info->client_addr, sizeof(a));
	ret->n = ntohl(a.sin_addr.s_addr);
	return true;
}

static ssize_t held_read(void *data, uint64_t position, char *buf, size_t max)
{
	const struct held *h = data;
	size_t n = MIN(max, h->len - (size_t)position);

	memcpy(buf, h->data + position, n);
	return (ssize_t)n;
}

static void held_free(void *data)
{
	struct held *h = data;

	h->release(h->release_data);
	free(h->data);
	free(h);
}

static struct MHD_Response *held_response(struct http_answer *a)
{
	struct held *h = malloc(sizeof(*h));
	struct MHD_Response *response;

	if (!h)
		return NULL;
	*h = (struct held){ a->data, a->len, a->release, a->release_data };
	response = MHD_create_response_from_callback(a->len, 65536, held_read, h, held_free);
	if (!response) {
		free(h);
		return NULL;
	}
	a->data = NULL;
	a->release = NULL;
	return response;
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
	if (a->release && a->data)
		return held_response(a);
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

static enum MHD_Result send_answer(struct http *h, struct MHD_Connection *c, struct http_answer *a)
{
	bool is_file = a->fd >= 0;
	struct MHD_Response *response = make_response(a);
	enum MHD_Result result = MHD_NO;

	h->config.count(h->config.data, a->status);
	if (response) {
		add_headers(response, a, is_file);
		result = MHD_queue_response(c, a->status, response);
		MHD_destroy_response(response);
	}
	free(a->data);
	closep(&a->fd);
	if (a->release)
		a->release(a->release_data);
	return result;
}

static enum MHD_Result send_status(struct http *h, struct MHD_Connection *c, unsigned int status)
{
	struct http_answer a = { .status = status, .fd = -1 };

	return send_answer(h, c, &a);
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
	if (!from_of(c, &q.from))
		return MHD_NO;
	if (p->body) {
		q.body = p->body;
		q.body_len = p->len;
	}
	q.authorization = header(c, MHD_HTTP_HEADER_AUTHORIZATION);
	q.range = header(c, MHD_HTTP_HEADER_RANGE);
	h->config.handle(h->config.data, &q, &a);
	return send_answer(h, c, &a);
}

static void on_completed(void *data, struct MHD_Connection *c, void **state,
			 enum MHD_RequestTerminationCode why)
{
	struct pending *p = *state;

	if (p)
		free(p->body);
	free(p);
	*state = NULL;
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

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= 2 * CONNECTIONS + 64)
		return;
	limit.rlim_cur = MIN(limit.rlim_max, (rlim_t)(2 * CONNECTIONS + 64));
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_warning("the limit of open files stays low: %s", strerror(errno));
}

int http_start(const struct http_config *config, struct http **ret)
{
	struct http *h = malloc(sizeof(*h));

	if (!h) {
		close(config->listen_fd);
		return -ENOMEM;
	}
	h->config = *config;
	raise_descriptor_limit();
	/* The logger comes first: the library reports the other options' faults through it. */
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL,
				     on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				     MHD_OPTION_LISTEN_SOCKET, config->listen_fd, MHD_OPTION_THREAD_POOL_SIZE,
				     (unsigned int)THREADS, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned int)CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
				     (unsigned int)CONNECTIONS_EACH, MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned int)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				     (size_t)CONNECTION_MEMORY, MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes,
				     NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (!h->daemon) {
		log_error("the HTTP server does not start"); /* and has closed the socket */
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
	free(h);
}
