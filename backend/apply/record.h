/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an apply did, as its journal tells it: data. Part of the public contract: backend/muster.h includes it. */
#pragma once

#include <stddef.h>

enum apply_state {
	APPLY_STANDS,
	APPLY_CUT_OFF, /* at work just now, or to be taken back by the next muster */
	APPLY_TAKEN_BACK,
};

struct apply_deed {
	const char *what; /* static: "create", "modify", "remove", "install", "start", "restart", "stop",
			 * "release" */
	const char *kind; /* static: "file", "folder", "package", "user", "ssh key", "service" */
	char *name;	  /* a path, or a name; owned */
};

struct apply_record {
	unsigned int number;
	char *when; /* RFC 3339, UTC */
	char *who;
	char *answers; /* the answers' file, as it was named */
	enum apply_state state;
	struct apply_deed *deeds; /* in the order of their doing */
	size_t n_deeds;
};
