/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "cli/live.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "util/clock.h"

#define AGAIN_MS 1000 /* between two attempts to reach musterd */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int keep_names(struct live *l)
{
	l->names = calloc(l->n + 1, sizeof(*l->names));
	if (!l->names)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++) {
		l->names[i] = strdup(l->v[i].name);
		if (!l->names[i])
			return -ENOMEM;
		l->n_names++;
	}
	qsort(l->names, l->n_names, sizeof(*l->names), compare_names);
	return 0;
}

static void forget_feed(struct live *l)
{
	muster_feed_free(l->feed);
	l->feed = NULL;
	l->synced = false;
}

static void connect_feed(struct live *l)
{
	int64_t now = clock_mono_ms();

	if (l->feed || (l->tried && now - l->tried < AGAIN_MS))
		return;
	l->tried = now;
	if (muster_feed_open(l->m, l->from, &l->feed) < 0)
		l->feed = NULL;
}

static int read_store(struct live *l)
{
	struct node_state *v;
	size_t n;
	int r = muster_status(l->m, l->range, &v, &n);

	if (r < 0)
		return r;
	muster_status_free(l->v, l->n);
	l->v = v;
	l->n = l->size = n;
	return 0;
}

bool live_whole(const struct live *l)
{
	return !l->feed || l->synced;
}

int live_open(struct live *l, struct muster *m, const char *range)
{
	int r;

	*l = (struct live){ .m = m, .range = range, .from = { 0, -1 } };
	r = read_store(l);
	if (r == 0 && range)
		r = keep_names(l);
	if (r == 0)
		connect_feed(l);
	return r;
}

void live_close(struct live *l)
{
	forget_feed(l);
	muster_status_free(l->v, l->n);
	for (size_t i = 0; i < l->n_names; i++)
		free(l->names[i]);
	free(l->names);
	*l = (struct live){ 0 };
}

/* ---- what the feed tells: a changed node goes to the end, and settle() takes its old state out -------------------- */

static void on_cluster(void *data, const struct muster_cluster *c)
{
	struct live *l = data;

	if (!c->all)
		return;
	for (size_t i = 0; i < l->n; i++)
		node_state_clear(&l->v[i]);
	l->n = 0;
	l->synced = false;
}

static void on_node(void *data, const struct node_state *s)
{
	struct live *l = data;

	if (l->names && !bsearch(&s->name, l->names, l->n_names, sizeof(*l->names), compare_names))
		return;
	if (l->n == l->size) {
		size_t more = MAX(l->size * 2, (size_t)64);
		struct node_state *v = reallocarray(l->v, more, sizeof(*v));

		if (!v) {
			l->error = -ENOMEM;
			return;
		}
		l->v = v;
		l->size = more;
	}
	if (node_state_copy(s, &l->v[l->n]) < 0)
		l->error = -ENOMEM;
	else
		l->n++;
}

static void on_gone(void *data, const char *name)
{
	struct live *l = data;
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (strcmp(l->v[i].name, name) == 0)
			node_state_clear(&l->v[i]);
		else
			l->v[kept++] = l->v[i];
	}
	l->n = kept;
}

static int by_name(const void *a, const void *b, void *data)
{
	const struct node_state *v = data;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(v[x].name, v[y].name);

	return order ? order : x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b)
{
	const struct node_state *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

/* Of states of the same node the last one counts; then all are put in order. */
static int settle(struct live *l)
{
	uint32_t *order = calloc(l->n + 1, sizeof(*order));
	size_t kept = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < l->n; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, l->n, sizeof(*order), by_name, l->v);
	for (size_t i = 0; i + 1 < l->n; i++)
		if (strcmp(l->v[order[i]].name, l->v[order[i + 1]].name) == 0)
			l->v[order[i]].place = -1;
	free(order);
	for (size_t i = 0; i < l->n; i++) {
		if (l->v[i].place < 0)
			node_state_clear(&l->v[i]);
		else
			l->v[kept++] = l->v[i];
	}
	l->n = kept;
	qsort(l->v, l->n, sizeof(*l->v), by_place);
	return 0;
}

static void on_synced(void *data)
{
	struct live *l = data;

	l->synced = true;
	l->from = muster_feed_where(l->feed);
	if (l->error == 0)
		l->error = settle(l);
}

static const struct muster_feed_ops ops = {
	.cluster = on_cluster,
	.node = on_node,
	.gone = on_gone,
	.synced = on_synced,
};

static int take(struct live *l)
{
	int r = muster_feed_read(l->feed, &ops, l);

	if (l->error < 0)
		return l->error;
	if (r == 0)
		return 0;
	/* Half of a batch may be there: the next connection tells its nodes again. */
	l->from = muster_feed_where(l->feed);
	if (!l->synced) {
		forget_feed(l);
		return read_store(l);
	}
	forget_feed(l);
	return settle(l);
}

int live_wait(struct live *l, int cancel_fd, int timeout_ms)
{
	int64_t end = clock_mono_ms() + timeout_ms, now;
	int r;

	do {
		struct pollfd p[] = {
			{ .fd = cancel_fd > 0 ? cancel_fd : -1, .events = POLLIN },
			{ .fd = l->feed ? muster_feed_fd(l->feed) : -1, .events = POLLIN },
		};

		r = poll(p, ARRAY_SIZE(p), (int)MAX(end - clock_mono_ms(), (int64_t)0));
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && p[0].revents)
			return 1;
		if (r > 0 && p[1].revents) {
			r = take(l);
			if (r < 0)
				return r;
		}
		connect_feed(l);
		if (p[1].revents && live_whole(l))
			break;
	} while (clock_mono_ms() < end);
	now = clock_wall_ms();
	for (size_t i = 0; i < l->n; i++)
		node_state_measure(&l->v[i], now);
	return 0;
}
