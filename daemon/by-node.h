/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this run of musterd keeps of each node, by the node's name: a tree of tsearch(3). Its user locks it. */
#pragma once

#include <stddef.h>

/* Begins each entry; what the user keeps stands behind it. */
struct by_node_entry {
	char *node; /* owned */
};

/* Zero it to start. */
struct by_node {
	void *tree;
};

/* The node's entry, which stays the tree's; NULL: it has none. */
void *by_node_find(const struct by_node *t, const char *node);
/* Likewise; one that is not there is made, of so many bytes, all zero behind the name. NULL: out of memory. */
void *by_node_take(struct by_node *t, const char *node, size_t size);
void by_node_free(struct by_node *t);
