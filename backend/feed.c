/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The feed: musterd's lines (backend/nodes/control.h) turned into calls, one line in memory at a time. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

#include "backend/context.h"
#include "backend/nodes/control.h"
#include "util/clock.h"
#include "util/strbuf.h"

#define PIECE 65536
#define PIECES 4 /* at a time, so that a key is answered in between */

struct muster_feed {
	int fd;
	struct strbuf line; /* the beginning of one that has not come whole */
	struct muster_feed_from where;
};

static int send_request(int fd, struct muster_feed_from from)
{
	char text[128];
	int len;

	if (from.event < 0)
		len = snprintf(text, sizeof(text), "{\"follow\": {\"since\": %lld}}\n", (long long)from.seq);
	else
		len = snprintf(text, sizeof(text),
			       "{\"follow\": {\"since\": %lld, \"events_since\": %lld}}\n",
			       (long long)from.seq, (long long)from.event);
	/* A new socket has room for it. */
	if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len)
		return errno == EPIPE ? -ECONNRESET : -errno;
	return 0;
}

int muster_feed_open(struct muster *m, struct muster_feed_from from, struct muster_feed **ret)
{
	_cleanup_(muster_feed_freep) struct muster_feed *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->fd = -1;
	f->where = from;
	r = context_connect(m, &f->fd);
	if (r == 0)
		r = send_request(f->fd, from);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

void muster_feed_free(struct muster_feed *f)
{
	if (!f)
		return;
	closep(&f->fd);
	strbuf_free(&f->line);
	free(f);
}

int muster_feed_fd(const struct muster_feed *f)
{
	return f->fd;
}

struct muster_feed_from muster_feed_where(const struct muster_feed *f)
{
	return f->where;
}

/* ---- one line ----------------------------------------------------------------------------------------------- */

struct reader {
	struct muster_feed *feed;
	const struct muster_feed_ops *ops;
	void *data;
};

static int take_cluster(struct reader *r, const json_t *o, const json_t *line)
{
	struct muster_cluster c = { 0 };
	json_int_t nodes = 0;
	int all = 0;

	if (json_unpack((json_t *)(uintptr_t)o, "{s:s, s:s, s:s, s:s, s:I, s:i, s:b}", "name", &c.name,
			"domain", &c.domain, "generation", &c.generation, "version", &c.version, "nodes",
			&nodes, "interval", &c.interval, "all", &all) < 0 ||
	    nodes < 0)
		return -MUSTER_E_FORMAT;
	c.nodes = (size_t)nodes;
	c.all = all != 0;
	if (r->ops->cluster)
		r->ops->cluster(r->data, &c);
	return 0;
}

static int take_node(struct reader *r, const json_t *o, const json_t *line)
{
	struct node_state s;
	int err;

	if (!r->ops->node)
		return 0;
	err = control_state_parse(o, clock_wall_ms(), &s);
	if (err < 0)
		return err == -EINVAL ? -MUSTER_E_FORMAT : err;
	if (*s.reason) {
		char *said = muster_said(s.reason);

		if (!said) {
			node_state_clear(&s);
			return -ENOMEM;
		}
		free(s.reason);
		s.reason = said;
	}
	r->ops->node(r->data, &s);
	node_state_clear(&s);
	return 0;
}

static int take_gone(struct reader *r, const json_t *o, const json_t *line)
{
	if (!json_is_string(o))
		return -MUSTER_E_FORMAT;
	if (r->ops->gone)
		r->ops->gone(r->data, json_string_value(o));
	return 0;
}

static int take_event(struct reader *r, const json_t *o, const json_t *line)
{
	_cleanup_free_ char *said = NULL;
	struct muster_node_event e;
	json_int_t id, at;

	if (json_unpack((json_t *)(uintptr_t)o, "{s:I, s:I, s:s, s:s, s:s}", "id", &id, "at", &at, "node",
			&e.node, "kind", &e.kind, "text", &e.text) < 0)
		return -MUSTER_E_FORMAT;
	/* A stage is a word of the protocol, which who shows it knows. */
	if (strcmp(e.kind, "stage") != 0) {
		said = muster_said(e.text);
		if (!said)
			return -ENOMEM;
		e.text = said;
	}
	e.id = id;
	e.at = at;
	if (r->ops->event)
		r->ops->event(r->data, &e);
	return 0;
}

static int take_seq(struct reader *r, const json_t *o, const json_t *line)
{
	const json_t *event = json_object_get(line, "event");

	if (!json_is_integer(o) || !json_is_integer(event))
		return -MUSTER_E_FORMAT;
	r->feed->where = (struct muster_feed_from){ json_integer_value(o), json_integer_value(event) };
	if (r->ops->synced)
		r->ops->synced(r->data);
	return 0;
}

static int take_error(struct reader *r, const json_t *o, const json_t *line)
{
	json_int_t code = json_integer_value(json_object_get(line, "code"));

	return code > 0 && code < 2000 ? -(int)code : -EIO;
}

/* A line is known by its key. "seq" stands before "event": its line has both. */
static const struct {
	const char *key;
	int (*take)(struct reader *r, const json_t *o, const json_t *line);
} kinds[] = {
	{ "node", take_node }, { "seq", take_seq },	    { "event", take_event },
	{ "gone", take_gone }, { "cluster", take_cluster }, { "error", take_error },
};

static int take_line(struct reader *r, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);
	int err = json_is_object(line) ? 0 : -MUSTER_E_FORMAT;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(kinds); i++) {
		const json_t *o = json_object_get(line, kinds[i].key);

		if (!o)
			continue;
		err = kinds[i].take(r, o, line);
		break;
	}
	json_decref(line);
	return err;
}

/* ---- all that has come ------------------------------------------------------------------------------------- */

static int take_piece(struct reader *r, const char *p, size_t len)
{
	struct strbuf *b = &r->feed->line;
	int err = 0;

	while (err == 0 && len > 0) {
		const char *end = memchr(p, '\n', len);
		size_t n = end ? (size_t)(end - p) : len;

		if (end && b->len == 0) {
			err = take_line(r, p, n);
		} else {
			strbuf_add(b, p, n);
			if (b->failed)
				return -ENOMEM;
			if (b->len > CONTROL_LINE_MAX)
				return -MUSTER_E_FORMAT;
			if (end) {
				err = take_line(r, b->data, b->len);
				strbuf_reset(b);
			}
		}
		n += end ? 1 : 0;
		p += n;
		len -= n;
	}
	return err;
}

int muster_feed_read(struct muster_feed *f, const struct muster_feed_ops *ops, void *data)
{
	struct reader reader = { f, ops, data };
	char piece[PIECE];
	int r = 0;

	for (int i = 0; r == 0 && i < PIECES; i++) {
		ssize_t n = recv(f->fd, piece, sizeof(piece), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return 0;
		if (n <= 0)
			return -ECONNRESET;
		r = take_piece(&reader, piece, (size_t)n);
	}
	return r;
}
