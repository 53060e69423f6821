/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every builder from sources needs: the sources brought here and held against their SHA-256, archives unpacked without
 * trust, and programs run on a tree without rights. Errors are logged where they arise, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/hash.h"
#include "util/jail.h"
#include "util/macro.h"
#include "util/strv.h"

struct craft_env {
	int root_fd;	       /* where the two folders lie */
	const char *root_path; /* the same as a path for the programs that want one; "/" or a folder */
	const char
		*sources;   /* what came from a URL, each under its SHA-256; a part of one has .part behind */
	const char *hashes; /* what the content of a file was, under the hash of its name, size and times */
	int cancel_fd;	    /* 0 or negative: none */
	/* A step began when `step` is another than before: a short word, and what it is about. permille -1 when unknown; line
	 * may be NULL. */
	void (*progress)(void *data, const char *step, const char *text, int permille, const char *line);
	void *data;
};

/* ---- room.c ---- */

bool craft_is_sha256(const char *s);
/* Absolute path for programs of a path below the environment's root; owned, NULL when memory runs out. */
char *craft_host_path(const struct craft_env *env, const char *path);
void craft_progress(const struct craft_env *env, const char *step, const char *text, int permille,
		    const char *line);
bool craft_cancelled(const struct craft_env *env);
/* RFC 3339, UTC, of now. */
int craft_time_text(char **ret) _must_check_;

/* ---- input.c: what goes in, found and verified ---- */

/* A source that a recipe wants. No string is NULL. */
struct craft_want {
	const char *name;
	const char *description;
	const char *place;  /* "": the operator names it */
	const char *sha256; /* "": the operator gives it, or it is taken from the file */
};

struct craft_input {
	char *name;
	char *place;  /* as it was named */
	char *shown;  /* the same for people and logs: without a user and password */
	char *file;   /* absolute path on this server; where a URL's file will be */
	char *sha256; /* 64 digits */
	bool url;
	bool folder; /* an unpacked tree: sha256 is over names, sizes and times, which stand for the content */
	int64_t newest; /* of a folder: the time of its newest file */
};

/* Whether a word of the operator, "NAME=PLACE" or "PLACE" for the first, is about the source, and what it says; else NULL. */
const char *craft_said(const struct craft_want *wants, size_t n, size_t index, const char *word);
/* Finds the wanted source: at the place that the operator's words have for it, else at its own. `recipe` is a name to tell. */
int craft_input_said(const struct craft_env *env, const char *recipe, const struct craft_want *wants,
		     size_t n, size_t index, const char *const *words, struct craft_input *in) _must_check_;
/* Fills `in`, whose name is set, from "PLACE" or "PLACE#sha256=HEX"; the recipe's SHA-256 is "" where it has none. */
int craft_input_take(const struct craft_env *env, struct craft_input *in, const char *place,
		     const char *recipe_sha256) _must_check_;
/* Brings it here if it is not, and holds its content against its SHA-256. -MUSTER_E_FORMAT: it is another (logged). */
int craft_input_ready(const struct craft_env *env, const struct craft_input *in) _must_check_;
/*
 * Whether the place could be the wanted source, before anything is built: what a path leads to, and that the SHA-256 ("": none
 * is given) is well formed, there where it has to be, and the file's. Nothing is fetched. Logged what is wrong; *ret_digest:
 * with the SHA-256, else with the place.
 */
int craft_input_check(const struct craft_env *env, const char *recipe, const struct craft_want *want,
		      const char *place, const char *sha256, bool *ret_digest) _must_check_;
/* Whether the open file is what went into the build's id; leaves it at its begin. -MUSTER_E_FORMAT (logged). */
int craft_input_verify(const struct craft_env *env, const struct craft_input *in, int fd) _must_check_;
/* The place without the user and password that a URL may have: for what is shown and kept; owned, NULL when memory runs out. */
char *craft_public_place(const char *place);
/* Whether it has them. */
bool craft_has_password(const char *place);
void craft_inputs_free(struct craft_input *v, size_t n);

/* ---- folder.c: a source that is unpacked already ---- */

/* .git at its top does not count. */
int craft_folder_hash(const struct craft_env *env, const char *folder, char ret[HASH_TEXT],
		      int64_t *ret_newest) _must_check_;
/* Copies it, without .git, into the folder `to`, which is there; both are absolute. uid -1: owners as they come. */
int craft_folder_copy(const struct craft_env *env, const char *folder, const char *to, uid_t uid,
		      gid_t gid) _must_check_;

/* ---- download.c ---- */

/* Goes on where the file ends. The server's refusal of that begins it anew. */
int craft_download(const struct craft_env *env, const char *url, int fd) _must_check_;

/* ---- unpack.c ---- */

/*
 * Unpacks the archive into the empty folder, as owner uid:gid (-1: as it comes). -MUSTER_E_REFUSED (logged): the archive
 * wants to write outside of it, or has what no source has, such as devices. *ret_newest is the time of its newest file.
 */
int craft_unpack(const struct craft_env *env, int archive_fd, const char *name, int folder_fd, uid_t uid,
		 gid_t gid, int64_t *ret_newest) _must_check_;

/* Unpacks a whole system's tree: with owners (as root) and modes, without its devices, and with links wherever they lead. So
 * whoever works in the tree afterwards goes through util/fs.h, which takes the tree for their root. */
int craft_unpack_system(const struct craft_env *env, int archive_fd, const char *name,
			int folder_fd) _must_check_;

/* ---- tree.c ---- */

/* The one folder that an archive had at its top, as "linux-6.1", in the folder that it was unpacked into; *ret stays NULL where
 * there is more than that. -MUSTER_E_FORMAT: there is nothing. */
int craft_only_folder(int fd, char **ret) _must_check_;
/*
 * Makes the folder `name` of a source in `folder_fd`, whose absolute path is `folder`: what an archive has in its one folder
 * at the top, or a copy of the operator's own tree. *ret_newest is the time of its newest file.
 */
int craft_tree(const struct craft_env *env, const struct craft_input *in, int folder_fd, const char *folder,
	       const char *name, uid_t uid, gid_t gid, int64_t *ret_newest) _must_check_;

/* ---- config.c: the text of a .config; pure ---- */

/* What symbols are to be, without CONFIG_; none is NULL. */
struct craft_symbols {
	const struct strv *set, *module, *unset;
	const struct strv *value; /* NAME=VALUE as a .config has it, strings in quotes */
};
/* The value of a symbol: "y", "m", "n", or what stands behind the =; owned. */
int craft_config_get(const char *config, const char *symbol, char **ret) _must_check_;
/* The configuration with these symbols in place of what it said of them. */
int craft_config_apply(const char *config, const struct craft_symbols *r, char **ret) _must_check_;

struct craft_miss {
	char *symbol, *wanted, *got; /* "y", "m", "n" or a value */
};
/* The symbols that are other than they are to be. */
int craft_config_check(const char *config, const struct craft_symbols *r, struct craft_miss **ret,
		       size_t *ret_n) _must_check_;
void craft_misses_free(struct craft_miss *v, size_t n);

/* ---- run.c: programs that work on a tree, without rights ---- */

/*
 * A user id for a build, as which nothing else runs: the owner of `mine` (a path in folder_fd) where that is one already,
 * so that a build that is gone on with keeps its user, else one that is free. -1, -1 where we are not root ourselves.
 */
int craft_user(int folder_fd, const char *mine, uid_t *ret_uid, gid_t *ret_gid) _must_check_;
/* Whoever made muster's folders first may have made them for himself alone; the build's user must get through.
 * NULL-terminated. */
int craft_let_through(int root_fd, const char *const *folders) _must_check_;
/* Refuses a path that a user without rights cannot get through; `what` is built there. */
int craft_check_way(const char *path, const char *what) _must_check_;

struct craft_run {
	const struct craft_env *env;
	const char *const *argv; /* NULL-terminated */
	const char *const *set;	 /* NAME=value besides what all get; NULL-terminated; may be NULL */
	const char *cwd;
	const char *input; /* for standard input; may be NULL */
	uid_t uid;	   /* -1: ours, when we are not root */
	gid_t gid;
	const struct jail *jail; /* in that system, as its user, in place of uid and gid; NULL: in this one */
	bool online;		 /* for what fetches: with our network */
	int timeout_ms;		 /* 0: no limit */
	void (*on_line)(void *data, const char *line);
	void *data;
};

/* Runs a program with nothing of our environment and without rights; where we are root also without a network, and without any
 * process but its own, all of which end with it. *ret_status is its exit status. */
int craft_run(const struct craft_run *c, int *ret_status) _must_check_;
/* A line that tells why a build failed; make's own come after them and tell less. */
bool craft_tells(const char *line);
