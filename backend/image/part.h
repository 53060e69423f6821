/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Private to backend/image: parts of a root that are built from sources, static against musl, so that they run on kernels
 * of any age. A part is data: profiles/parts/NAME.conf, or the operator's own /etc/muster/parts/NAME.conf.
 */
#pragma once

#include "backend/image/builder.h"
#include "craft/craft.h"

#define PART_OWN "/etc/muster/parts"
#define PART_SOURCES IMAGE_ROOTS "/.sources"
#define PART_HASHES IMAGE_ROOTS "/.hashes"

/* All strings are owned and never NULL. */
struct part {
	char *name, *path, *description;
	char *text;	   /* of its file */
	struct strv modes; /* the root modes that it is for; none: each */
	/* the source */
	char *source, *source_description;
	char *place, *sha256; /* "": the operator's to say */
	char *package;	      /* the distribution's source package, where no place is named; "": none */
	struct strv patches;  /* absolute paths, in their order, for patch -p1 */
	struct strv flags;    /* for the compiler */
	/* how it is configured: by symbols over a target of make, by configure, or not at all */
	char *base;
	struct strv set, unset, value;
	bool configure;
	struct strv arguments;
	/* how it is built, and what of it is kept */
	struct strv folders; /* in which make runs; none: at the top */
	struct strv targets; /* of make */
	char *install;	     /* the target that installs it below DESTDIR; "": none */
	struct strv keep;    /* folders of what was installed */
	struct strv files;   /* FILE=PLACE: a file of the tree, and where it goes */
	struct strv names;   /* NAME=PROGRAM: a further name, where another part brings none */
	char *links; /* a program that tells its other names with --list-full, as busybox does; "": none */
	struct strv programs; /* must have come out of it */
};

void part_free(struct part *p);
DEFINE_CLEANUP(struct part *, part_free)
/* -ENOENT (logged): there is none. -MUSTER_E_FORMAT: its mistakes were logged. */
int part_read(const struct image_env *env, const char *name, struct part **ret) _must_check_;

/* The same environment for craft/. */
struct craft_env part_craft(const struct image_env *env);

/* ---- the compiler against musl ---- */

struct part_compiler {
	char *path;
	char *identity; /* all that it says about itself, its linker and its libc */
	char *version;	/* one line of it */
};
/* -MUSTER_E_MISSING (logged): there is none. */
int part_compiler_find(const struct image_env *env, struct part_compiler *ret) _must_check_;
void part_compiler_clear(struct part_compiler *c);

/* ---- building ---- */

struct part_work {
	const struct image_env *env;
	const struct part_compiler *cc;
	const char *folder;  /* absolute, of all parts */
	const char *sources; /* the server's package sources as one text */
	const char *tree;    /* absolute: what is kept of each part goes there */
	uid_t uid;
	gid_t gid;
};
/* Runs a program without rights and without a network. Another status than 0 is logged with what it said, and is
 * -MUSTER_E_COMMAND. input and on_line may be NULL. */
int part_run(const struct part_work *w, const struct part *p, const char *cwd, const struct strv *argv,
	     const char *input, void (*on_line)(void *data, const char *line), void *data) _must_check_;
/* Puts what the part's folder, which was built in, has for a node into the tree. part-collect.c */
int part_collect(const struct part_work *w, const struct part *p, const char *folder,
		 int folder_fd) _must_check_;
/* Builds it and puts into the tree what it brings. *ret_what says which source it was, *ret_sha256 its hash; both owned. */
int part_build(const struct part_work *w, const struct part *p, const struct craft_input *in, char **ret_what,
	       char **ret_sha256) _must_check_;
