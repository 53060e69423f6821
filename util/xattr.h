/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The extended attributes of a file or folder (xattr(7)): ACLs, security labels and whatever else somebody gave it. */
#pragma once

#include <stddef.h>

#include "util/macro.h"

struct xattr {
	char *name;  /* "user.comment", owned */
	void *value; /* owned; may hold any bytes */
	size_t len;
};

struct xattrs {
	struct xattr *v;
	size_t n;
};

void xattrs_free(struct xattrs *x);
#define _cleanup_xattrs_ _cleanup_(xattrs_free)

/* Copies name and value. */
int xattrs_add(struct xattrs *x, const char *name, const void *value, size_t len) _must_check_;
/* Adds all that the open file has, as far as this user may see them; nothing on file systems that know none. */
int xattrs_read(int fd, struct xattrs *ret) _must_check_;
/* Afterwards the open file has these values, and no other attribute but the security label that its folder gave it. */
int xattrs_write(int fd, const struct xattrs *x) _must_check_;
