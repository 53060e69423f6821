/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The difference between a fileset and the disk, as data: what an apply would do. Part of the public
 * contract: backend/muster.h includes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/strv.h"

enum change_kind {
	CHANGE_CREATE,	   /* a file or folder that is not there */
	CHANGE_MODIFY,	   /* other content */
	CHANGE_ATTRIBUTES, /* the same content, other mode or owner */
	CHANGE_REMOVE,	   /* a file of an earlier apply that this plan does not ask for */
};

/* Whose bytes a change replaces or removes. */
enum change_owner {
	CHANGE_OURS,   /* muster's, or nobody's */
	CHANGE_EDITED, /* muster wrote it, and somebody has changed it since */
	CHANGE_OTHERS, /* somebody else's: muster never wrote it */
};

struct change {
	enum change_kind kind;
	enum change_owner whose; /* of what is there now */
	char *path;
	bool directory;
	char *diff; /* unified diff with a/ and b/ labels, ends in a newline; "" for folders and attributes */
	char *old_data, *new_data; /* owned; NULL where there is none */
	size_t old_len, new_len;
	mode_t old_mode, new_mode;
	uid_t old_uid, new_uid;
	gid_t old_gid, new_gid;
	char *service; /* that must be restarted for it; "" for none */
	char *owner; /* the user whose ids new_uid and new_gid are; "" for root. Looked up again when it is written */
	char *source; /* a copy whose original comes with a package yet to be installed (new_data is NULL); else "" */
	bool block; /* a marked block in a file that others write too */
};

enum change_action {
	CHANGE_START,	/* a service that does not run, or is not enabled */
	CHANGE_RESTART, /* one whose files change */
	CHANGE_STOP,	/* one that this plan does not want any more */
	CHANGE_RELEASE, /* likewise, but it was the server's before muster came: as it was then */
};

struct change_service {
	enum change_action action;
	bool running, enabled; /* CHANGE_RELEASE: as it was */
	char *name;	       /* service_table's name: "dnsmasq" */
	char *unit;	       /* "muster-dnsmasq.service" */
};

struct changeset {
	struct change *files;
	size_t n_files;
	struct change_service *services;
	size_t n_services;
	struct strv packages;	    /* to be installed */
	struct strv packages_along; /* that come with them, as far as the package manager says */
	struct strv
		packages_changed; /* texts: those that would be upgraded or removed, which apply refuses */
	bool user;		  /* the system user "muster" must be made */
	bool root_build;	  /* a node root or initramfs must be built first: `root_id` says which */
	char *root_id;		  /* "" when known to be there */
	struct strv keys;	  /* nodes whose ssh host keys must be made */
	struct strv nodes;	  /* all nodes that have such keys then, for the server's known_hosts */
};
