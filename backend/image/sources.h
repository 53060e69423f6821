/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's own apt sources: sources.list(5) in both its forms, the one-line form and deb822. Kept are the
 * binary sources of one release of one distribution; everything else that is configured on the server is not for
 * nodes: source packages, other suites, backports, third parties. No host name is known here: a mirror is taken
 * because the server uses it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/macro.h"
#include "util/strv.h"

struct source {
	struct strv uris, suites, components;
	char *signed_by;      /* as in deb822, may be several lines; NULL where there is none */
	struct strv settings; /* further fields that nodes need, "Trusted: yes" */
	struct strv architectures;
};

struct sources {
	struct source *v;
	size_t n;
};

#define SOURCES_INIT    \
	{               \
		NULL, 0 \
	}

/* What counts as the distribution's own. */
struct sources_want {
	const char *distribution; /* os-release(5) ID */
	const char *codename;	  /* "bookworm" */
	const char *version;	  /* "" for a release that has no number yet */
	const char *architecture; /* "amd64" */
};

void sources_free(struct sources *s);

/* Adds what a file of this form holds; lines and paragraphs that say nothing usable are passed over. -ENOMEM. */
int sources_parse_list(struct sources *s, const char *text) _must_check_;
int sources_parse_deb822(struct sources *s, const char *text) _must_check_;

/* Reads /etc/apt/sources.list and sources.list.d below root_fd, in apt's order. */
int sources_read(struct sources *s, int root_fd) _must_check_;

/*
 * The chosen sources as one deb822 text without comments, in a fixed form: the same sources always give the same
 * bytes. -ENOENT where none of them has the release itself.
 */
int sources_render(const struct sources *s, const struct sources_want *want, char **ret) _must_check_;
