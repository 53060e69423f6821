/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/boots.h"

#include <string.h>

#include "util/hash.h"
#include "util/log.h"

struct boots_node {
	struct by_node_entry entry;
	char token[HASH_TEXT];	/* the SHA-256 of it, as in the store */
	int64_t at[BOOT_MARKS]; /* steady clock, ms; 0: not in this run */
};

void boots_mark(struct boots *b, const char *node, const char *token, enum boot_mark mark, int64_t now)
{
	char hashed[HASH_TEXT];
	struct boots_node *n;

	hash_text(token, strlen(token), hashed);
	pthread_mutex_lock(&b->lock);
	n = by_node_take(&b->nodes, node, sizeof(*n));
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
	const struct boots_node *n;
	int64_t at = 0;

	hash_text(token, strlen(token), hashed);
	pthread_mutex_lock(&b->lock);
	n = by_node_find(&b->nodes, node);
	if (n && strcmp(n->token, hashed) == 0)
		at = n->at[mark];
	pthread_mutex_unlock(&b->lock);
	return at ? now - at > age : wall.now < wall.at || wall.now - wall.at > age;
}

void boots_free(struct boots *b)
{
	by_node_free(&b->nodes);
}
