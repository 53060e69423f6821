/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a kernel recipe says, and what was built by one: data, shown by whoever includes backend/muster.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/strv.h"

/* Something that goes in: a path on this server, or a URL, and the SHA-256 that it must have. */
struct kernel_source {
	char *name;
	char *description;
	char *place;  /* "": the operator names it */
	char *sha256; /* "": the operator gives it, or it is taken from the file */
};

struct kernel_patch {
	char *name;
	char *file;   /* absolute path; "" where it comes from a source */
	char *source; /* the source that holds it; "" for none */
	char *match; /* which of the source's files, as fnmatch(3) has it; they are applied in order of names */
	char *sha256;	    /* "": taken from the file */
	unsigned int strip; /* as patch(1) has it: 1 for a/ and b/ */
};

/* A module that is built outside of the kernel's tree, against it. */
struct kernel_external {
	char *name;
	char *source; /* the source that holds it */
	char *folder; /* in it; "": its top */
	/* The options of the source's ./configure (none: it is not run), and the words for make in the folder. In both
	 * @KERNEL@ is the kernel's tree, @SOURCE@ and @FOLDER@ where the module is. */
	struct strv configure, make;
	struct strv products; /* names of files below the folder, as fnmatch(3) has them */
};

/* Recipes are files kernel/recipes/NAME.conf and /etc/muster/recipes/NAME.conf; all strings are owned and never NULL. */
struct kernel_recipe {
	char *name;
	char *path; /* of its file */
	char *description;
	char *architecture;	       /* as make's ARCH has it: "x86_64" */
	struct kernel_source *sources; /* the first is the kernel's tree; none: there is nothing to build */
	size_t n_sources;
	struct kernel_patch *patches; /* in the order in which they are applied */
	size_t n_patches;
	char *gcc, *clang;	      /* versions accepted: "3.2-4.4", "5.1-"; "": none */
	struct strv flags, hostflags; /* for the compiler, and for the one of the tree's own programs */
	char *base; /* a target of make ("defconfig"), or an absolute path of a configuration */
	struct strv set, module, unset; /* symbols, without CONFIG_ */
	struct strv value;		/* NAME=VALUE as a .config has it, strings in quotes */
	struct strv targets;		/* of make */
	struct kernel_external *externals;
	size_t n_externals;
	/* What must be true of the kernel: its release, as fnmatch(3) has it ("": any); functions and variables that System.map
	 * names; modules that are there or built in. It makes no other kernel. */
	char *check_release;
	struct strv check_symbols, check_modules;
	struct strv images; /* where the boot image may lie; the first that is there counts */
};

/* An immutable folder /var/lib/muster/kernels/ID: vmlinuz, System.map, config, lib/modules/RELEASE, kernel.json. */
struct kernel_generation {
	char *id;
	char *recipe;
	char *release;	     /* "6.1.55" */
	char *version;	     /* UTS_VERSION: "#1 SMP Thu Jan ..." */
	char *compiler;	     /* "gcc 12.2.0" */
	char *built;	     /* RFC 3339, UTC */
	struct strv sources; /* the SHA-256 of each */
	unsigned long long bytes;
	bool used; /* by the applied answers */
};

/* What a job that builds was asked for, and what came of it. */
struct kernel_order {
	char *recipe, *cc; /* cc: "" for the first that fits */
	struct strv sources;
	unsigned int jobs;
	char *id; /* of the generation; "" for none */
};

/* A compiler of this server, or of one of its toolchains. */
struct kernel_compiler {
	char *path;	 /* as seen by who runs it */
	char *name;	 /* for people and --cc: the path, or "NAME:gcc-4.4" */
	char *toolchain; /* its name; NULL: it is the server's own */
	bool clang;	 /* else gcc */
	char *version;	 /* "12.2.0" */
	char *identity;	 /* all that it says about itself and its linker */
};

/*
 * A folder /var/lib/muster/toolchains/NAME: "tree", which has the programs of an older release, and toolchain.json. It is made
 * whole or not at all, and never changed.
 */
struct kernel_toolchain {
	char *name;
	char *release; /* "squeeze" */
	char *mirror;  /* as apt has it: a URL, copy:PATH or file:PATH */
	char *keyring; /* "": the server's own keys */
	bool trusted;  /* the operator said to take it unsigned */
	char *hash;    /* SHA-256 over all that a build sees of it */
	char *made;    /* RFC 3339, UTC */
	struct strv packages;
	struct kernel_compiler *compilers;
	size_t n_compilers;
	unsigned long long bytes;
};
