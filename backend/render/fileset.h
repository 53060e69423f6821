/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every file that a plan asks for, rendered, in memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/macro.h"

enum fileset_kind {
	FILESET_DIRECTORY,
	FILESET_FILE,  /* muster's own: the whole content */
	FILESET_BLOCK, /* a marked block in a file that others write too (/etc/hosts) */
	FILESET_COPY,  /* a copy of a file of this server: `source` */
};

struct fileset_entry {
	enum fileset_kind kind;
	char *path; /* absolute, below the root */
	char *data; /* FILE, BLOCK: owned bytes; else NULL */
	size_t len;
	char *source; /* COPY: absolute path below the same root, falling back to "/"; else NULL */
	mode_t mode;
	char *owner;   /* user and group of this name where it exists; NULL: root */
	char *service; /* this service (apply/service.h) must be restarted when it changes; NULL: none */
};

struct fileset {
	struct fileset_entry *v; /* in the order of their making: directories before what they hold */
	size_t n;
};

#define FILESET_INIT    \
	{               \
		NULL, 0 \
	}

void fileset_free(struct fileset *f);
/* All copy their strings. -EEXIST: the path is in the set already; the same directory with the same mode and
 * owner may be added as often as one likes. -ENOMEM. */
int fileset_add_directory(struct fileset *f, const char *path, mode_t mode, const char *owner) _must_check_;
/* Takes `data` over, also when it fails. */
int fileset_add_file(struct fileset *f, enum fileset_kind kind, const char *path, char *data, size_t len,
		     mode_t mode, const char *owner, const char *service) _must_check_;
int fileset_add_copy(struct fileset *f, const char *path, const char *source, mode_t mode,
		     const char *service) _must_check_;
/* NULL where there is none. */
const struct fileset_entry *fileset_find(const struct fileset *f, const char *path);
