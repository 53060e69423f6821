/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/heard.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/macro.h"

/* From the end of an outage to a report: an attempt that began before it may wait so long in vain (TIMEOUT_MS of
 * agent/service.c), and the next one comes after an interval. */
#define ATTEMPT_MS 5000

/* Where it is, or belongs. */
static size_t place_of(const struct heard *h, const char *node)
{
	size_t low = 0, high = h->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(h->v[middle].node, node) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct heard *h, size_t i, const char *node)
{
	return i < h->n && strcmp(h->v[i].node, node) == 0;
}

static bool add(struct heard *h, size_t i, const char *node)
{
	char *name = strdup(node);

	if (name && h->n == h->size) {
		size_t more = MAX(h->size * 2, (size_t)16);
		struct heard_node *v = reallocarray(h->v, more, sizeof(*v));

		if (v) {
			h->v = v;
			h->size = more;
		}
	}
	if (!name || h->n == h->size) {
		free(name);
		return false;
	}
	memmove(h->v + i + 1, h->v + i, (h->n - i) * sizeof(*h->v));
	h->v[i] = (struct heard_node){ .node = name };
	h->n++;
	return true;
}

void heard_take(struct heard *h, const char *node, bool off, int64_t now)
{
	size_t i;

	pthread_mutex_lock(&h->lock);
	i = place_of(h, node);
	if (is_at(h, i, node) || add(h, i, node))
		h->v[i].at = off ? 0 : now;
	else
		log_error("that %s was heard of is not kept: out of memory", node);
	pthread_mutex_unlock(&h->lock);
}

bool heard_runs(struct heard *h, const char *node, bool before, int64_t age, int64_t now)
{
	bool runs;
	size_t i;

	pthread_mutex_lock(&h->lock);
	i = place_of(h, node);
	if (is_at(h, i, node))
		runs = h->v[i].at && now - h->v[i].at < age;
	else
		runs = before && now - h->began < age + ATTEMPT_MS;
	pthread_mutex_unlock(&h->lock);
	return runs;
}

void heard_renew(struct heard *h, int64_t now)
{
	pthread_mutex_lock(&h->lock);
	h->began = now;
	pthread_mutex_unlock(&h->lock);
}

void heard_free(struct heard *h)
{
	for (size_t i = 0; i < h->n; i++)
		free(h->v[i].node);
	free(h->v);
	h->v = NULL;
	h->n = h->size = 0;
}
