/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What nfs-ganesha's own parser makes of a configuration: each name and value of the tree that it builds, a line each.
 * The library of version 4.3 (config_parsing/config_parsing.c, analyse.h) is loaded; 77 where it is not installed.
 */
#include "config.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "/usr/lib/ganesha/libganesha_nfsd.so.4.3"

struct list {
	struct list *next, *prev;
};

enum { TYPE_ROOT = 1, TYPE_BLOCK, TYPE_STMT, TYPE_TERM };

struct node {
	struct list node, blocks;
	char *filename;
	int line;
	bool found;
	int type;
	union {
		struct {
			int type;
			char *op_code, *value;
		} term;
		struct {
			char *name;
			struct node *parent;
			struct list sub_nodes;
		} inner;
	} u;
};

static void show(const struct node *n)
{
	if (n->type == TYPE_TERM) {
		printf("%s\n", n->u.term.value);
		return;
	}
	if (n->u.inner.name)
		printf("%s\n", n->u.inner.name);
	for (const struct list *l = n->u.inner.sub_nodes.next; l != &n->u.inner.sub_nodes; l = l->next)
		show((const struct node *)l);
}

int main(int argc, char **argv)
{
	/* Its errors are counted in here; how much of it there is differs a little. */
	static struct {
		uint32_t bits, errors;
		char rest[248];
	} errors;
	void *(*parse)(char *path, void *errors);
	void *library = dlopen(LIBRARY, RTLD_NOW);
	const struct node *root;

	if (argc != 2 || !library)
		return 77;
	*(void **)&parse = dlsym(library, "config_ParseFile");
	if (!parse)
		return 77;
	root = parse(argv[1], &errors);
	if (!root || errors.bits || errors.errors)
		return 1;
	show(root);
	return fflush(stdout) == 0 ? 0 : 1;
}
