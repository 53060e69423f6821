/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/boots.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/macro.h"

/* Where it is, or belongs. */
static size_t place_of(const struct boots *b, const char *node)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(b->v[middle].node, node) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: no memory. */
static struct boots_node *take_place(struct boots *b, const char *node)
{
	size_t i = place_of(b, node);
	char *name;

	if (i < b->n && strcmp(b->v[i].node, node) == 0)
		return &b->v[i];
	if (b->n == b->size) {
		size_t more = MAX(b->size * 2, (size_t)16);
		struct boots_node *v = reallocarray(b->v, more, sizeof(*v));

		if (!v)
			return NULL;
		b->v = v;
		b->size = more;
	}
	name = strdup(node);
	if (!name)
		return NULL;
	memmove(b->v + i + 1, b->v + i, (b->n - i) * sizeof(*b->v));
	b->v[i] = (struct boots_node){ .node = name };
	b->n++;
	return &b->v[i];
}

void boots_mark(struct boots *b, const char *node, const char *token, enum boot_mark mark, int64_t now)
{
	char hashed[HASH_TEXT];
	struct boots_node *n;

	hash_text(token, strlen(token), hashed);
	pthread_mutex_lock(&b->lock);
	n = take_place(b, node);
	if (n && strcmp(n->token, hashed) != 0) {
		memcpy(n->token, hashed, sizeof(n->token));
		memset(n->at, 0, sizeof(n->at));
	}
	if (n && !n->at[mark])
		n->at[mark] = now;
	pthread_mutex_unlock(&b->lock);
	if (!n)
		log_error("when %s began its boot is not kept: out of memory", node);
}

bool boots_older(struct boots *b, const char *node, const char *token, enum boot_mark mark, int64_t age,
		 int64_t now, struct boots_wall wall)
{
	char hashed[HASH_TEXT];
	int64_t at = 0;
	size_t i;

	hash_text(token, strlen(token), hashed);
	pthread_mutex_lock(&b->lock);
	i = place_of(b, node);
	if (i < b->n && strcmp(b->v[i].node, node) == 0 && strcmp(b->v[i].token, hashed) == 0)
		at = b->v[i].at[mark];
	pthread_mutex_unlock(&b->lock);
	return at ? now - at > age : wall.now < wall.at || wall.now - wall.at > age;
}

void boots_free(struct boots *b)
{
	for (size_t i = 0; i < b->n; i++)
		free(b->v[i].node);
	free(b->v);
	b->v = NULL;
	b->n = b->size = 0;
}
