/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/by-node.h"

#include <search.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	const struct by_node_entry *x = a, *y = b;

	return strcmp(x->node, y->node);
}

static void free_entry(void *entry)
{
	struct by_node_entry *e = entry;

	free(e->node);
	free(e);
}

void *by_node_find(const struct by_node *t, const char *node)
{
	const struct by_node_entry key = { .node = (char *)(uintptr_t)node };
	struct by_node_entry **found = tfind(&key, &t->tree, by_name);

	return found ? *found : NULL;
}

void *by_node_take(struct by_node *t, const char *node, size_t size)
{
	struct by_node_entry *e = by_node_find(t, node);

	if (e)
		return e;
	e = calloc(1, size);
	if (!e)
		return NULL;
	e->node = strdup(node);
	if (e->node && tsearch(e, &t->tree, by_name))
		return e;
	free_entry(e);
	return NULL;
}

void by_node_free(struct by_node *t)
{
	tdestroy(t->tree, free_entry);
	t->tree = NULL;
}
