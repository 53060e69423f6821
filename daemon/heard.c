/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/heard.h"

#include "util/log.h"

/* From the end of an outage to a report: an attempt that began before it may wait so long in vain (TIMEOUT_MS of
 * agent/service.c), and the next one comes after an interval. */
#define ATTEMPT_MS 5000

struct heard_node {
	struct by_node_entry entry;
	int64_t at; /* steady clock, ms; 0: it has said that it shuts down */
};

void heard_take(struct heard *h, const char *node, bool off, int64_t now)
{
	struct heard_node *n;

	pthread_mutex_lock(&h->lock);
	n = by_node_take(&h->nodes, node, sizeof(*n));
	if (n)
		n->at = off ? 0 : now;
	pthread_mutex_unlock(&h->lock);
	if (!n)
		log_error("that %s was heard of is not kept: out of memory", node);
}

bool heard_runs(struct heard *h, const char *node, bool before, int64_t age, int64_t now)
{
	const struct heard_node *n;
	bool runs;

	pthread_mutex_lock(&h->lock);
	n = by_node_find(&h->nodes, node);
	if (n)
		runs = n->at && now - n->at < age;
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
	by_node_free(&h->nodes);
}
