/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to backend/image: what a base stands on besides its parts: the tree of an older distribution, for root mode nfs, and the
 * operator's own files. */
#pragma once

#include "backend/image/part.h"

struct base_tree {
	const struct image_base_wish *wish;
	struct craft_input from; /* what the operator has; place NULL: it comes from a mirror */
	char *keyring;		 /* absolute; NULL: none was named */
};

/* What of the wish is about the tree, checked. -MUSTER_E_REFUSED (logged). */
int base_tree_gather(const struct image_env *env, const struct image_base_wish *wish,
		     struct base_tree *ret) _must_check_;
void base_tree_clear(struct base_tree *t);
/* Adds all that the tree is made of. */
int base_tree_hash(const struct base_tree *t, struct hash *h) _must_check_;
/* Makes it in the empty folder `folder`/tree, whose absolute path is `host_tree`. *ret_libc is the least kernel of its libc, ""
 * where it does not say; *ret_what where the tree is from, as a fact. Both are owned, and set on success alone. */
int base_tree_make(const struct image_env *env, const struct base_tree *t, const char *folder,
		   const char *host_tree, char **ret_libc, json_t **ret_what) _must_check_;

/* ---- base-own.c ---- */

/* Adds all that is in the folder: names, modes and contents. -MUSTER_E_REFUSED (logged): it is no folder, or has something in it
 * that no root can have. */
int base_own_hash(const char *folder, struct hash *h) _must_check_;
/* Copies what is in it into the tree, over what is there; no link of the tree leads out of it. */
int base_own_copy(const char *folder, int tree_fd) _must_check_;
