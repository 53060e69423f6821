/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving root's rights away for good. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "util/macro.h"

struct rights {
	bool is_root;	  /* this process began as root */
	bool has_user;	  /* there is a user to become */
	uid_t uid;	  /* -1 without one */
	gid_t gid;	  /* likewise */
	const char *user; /* as the caller named it */
};

/* Looks the user up; changes nothing. */
void rights_find(const char *user, struct rights *ret);

/*
 * From root to that user, or, where there is none, to a root without any capability and without the way to a
 * new one. Logs which. Fails rather than leaving any right behind. Nothing to do where the process did not
 * begin as root.
 */
int rights_drop(const struct rights *r) _must_check_;
