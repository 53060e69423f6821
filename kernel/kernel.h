/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Builds kernels by recipes. A generation is an immutable folder, see kernel/model.h. Its id is RECIPE-HASH, where HASH is
 * 12 digits of the SHA-256 over everything that goes in: recipe, sources, patches, compiler. The same build is never done
 * twice, and a changed symbol is another build.
 *
 * While it is built, all is in .building-ID beside it. A build that was cut off goes on from there.
 */
#pragma once

#include "kernel/model.h"
#include "util/macro.h"

#define KERNEL_GENERATIONS "/var/lib/muster/kernels"
#define KERNEL_TOOLCHAINS "/var/lib/muster/toolchains"
#define KERNEL_OWN_RECIPES "/etc/muster/recipes"

struct kernel_env {
	int root_fd;	       /* where /var/lib/muster lies */
	const char *root_path; /* the same as a path for the programs that want one; "/" or a folder */
	const char *recipes;   /* the folder of the recipes that muster brings */
	int cancel_fd;	       /* 0 or negative: none */
	/* A step began when `step` is another than before: a short word, and what it is about. permille -1 when unknown; line
	 * may be NULL. */
	void (*progress)(void *data, const char *step, const char *text, int permille, const char *line);
	void *data;
};

/* What the operator says besides the recipe. */
struct kernel_wish {
	const char *const *
		sources; /* "PLACE" for the first one, "NAME=PLACE" for any; PLACE#sha256=HEX; NULL-terminated */
	const char *cc;	   /* a compiler by name, path or TOOLCHAIN:NAME; NULL: the first that fits */
	unsigned int jobs; /* 0: as many as there are processors */
};

/* Errors are logged where they arise, once. */

/* By its name, or by the path of its file when there is a slash in it. -ENOENT (logged): there is none. */
int kernel_recipe_read(const struct kernel_env *env, const char *name,
		       struct kernel_recipe **ret) _must_check_;
/* All recipes by their names; one that has mistakes is left out, after they were logged. */
int kernel_recipe_list(const struct kernel_env *env, struct kernel_recipe ***ret, size_t *ret_n) _must_check_;
void kernel_recipe_free(struct kernel_recipe *r);
DEFINE_CLEANUP(struct kernel_recipe *, kernel_recipe_free)

/* Builds the generation unless it is there. */
int kernel_build(const struct kernel_env *env, const struct kernel_recipe *recipe,
		 const struct kernel_wish *wish, struct kernel_generation **ret) _must_check_;

/* -ENOENT where it is not built. */
int kernel_find(const struct kernel_env *env, const char *id, struct kernel_generation **ret) _must_check_;
/* What its kernel.json says, owned: compiler, configuration, sources with their hashes. -ENOENT where it is not built. */
int kernel_facts_read(const struct kernel_env *env, const char *id, char **ret_json) _must_check_;
/* The newest first. */
int kernel_list(const struct kernel_env *env, struct kernel_generation ***ret, size_t *ret_n) _must_check_;
/* Of this recipe; -ENOENT. */
int kernel_newest(const struct kernel_env *env, const char *recipe,
		  struct kernel_generation **ret) _must_check_;
/* With the sources that no other generation came from. */
int kernel_remove(const struct kernel_env *env, const char *id) _must_check_;
void kernel_generation_free(struct kernel_generation *g);
DEFINE_CLEANUP(struct kernel_generation *, kernel_generation_free)

/* The compilers of this server, then those of its toolchains, whatever their versions. */
int kernel_compilers(const struct kernel_env *env, struct kernel_compiler **ret, size_t *ret_n) _must_check_;
void kernel_compilers_free(struct kernel_compiler *v, size_t n);
/* Whether the recipe takes it. */
bool kernel_compiler_fits(const struct kernel_recipe *r, const struct kernel_compiler *c);
/* "gcc 3.2 to 4.4 or clang 11 and later"; owned, NULL when memory runs out. */
char *kernel_compiler_wanted(const struct kernel_recipe *r);

/* ---- toolchains: the programs of an older release, in which a build runs ---- */

struct kernel_toolchain_wish {
	const char *mirror;	     /* URL, copy:PATH, file:PATH or PATH */
	const char *release;	     /* as the mirror has it below dists/ */
	const char *const *packages; /* NULL-terminated; NULL: what most kernels need */
	const char *keyring;	     /* NULL: the server's own keys */
	bool trust_unsigned;	     /* whoever answers for the mirror is believed */
};
int kernel_toolchain_build(const struct kernel_env *env, const char *name,
			   const struct kernel_toolchain_wish *wish,
			   struct kernel_toolchain **ret) _must_check_;
/* -ENOENT where there is none. */
int kernel_toolchain_find(const struct kernel_env *env, const char *name,
			  struct kernel_toolchain **ret) _must_check_;
/* By their names. */
int kernel_toolchain_list(const struct kernel_env *env, struct kernel_toolchain ***ret,
			  size_t *ret_n) _must_check_;
/* -EBUSY (logged): a build runs in it. */
int kernel_toolchain_remove(const struct kernel_env *env, const char *name) _must_check_;
void kernel_toolchain_free(struct kernel_toolchain *t);
DEFINE_CLEANUP(struct kernel_toolchain *, kernel_toolchain_free)
void kernel_toolchains_free(struct kernel_toolchain **v, size_t n);
/* Which release has a compiler for the recipe, and the command that makes one of it; owned. NULL: none is known. */
char *kernel_toolchain_advice(const struct kernel_recipe *r);
/* Whether this could be the recipe's source of that index: as craft_input_check() looks. */
int kernel_source_check(const struct kernel_env *env, const struct kernel_recipe *r, size_t index,
			const char *place, const char *sha256, bool *ret_digest) _must_check_;
/* Whether the recipe takes this compiler, by name or path; logged why it does not. */
int kernel_compiler_check(const struct kernel_env *env, const struct kernel_recipe *r,
			  const char *cc) _must_check_;

/* ---- will it run there? ---- */

enum kernel_level {
	KERNEL_OK,
	KERNEL_WARNING, /* it cannot be told, or something is odd */
	KERNEL_PROBLEM, /* it will not */
};

struct kernel_verdict {
	const char *name; /* a short word, static: "libc", "root mode", "card" */
	enum kernel_level level;
	char *text; /* a sentence */
};

/* What it is held against; what is not known stays 0 or NULL. */
struct kernel_place {
	const char *mode;	/* "ram", "nfs" or "initramfs"; NULL: each of them */
	const char *root;	/* the root's name; NULL: none was named */
	const char *libc_least; /* the least kernel of the root's libc; NULL: it has none that says so */
	unsigned long long root_bytes;	/* of the node's memory that the root takes */
	const char *const *cards;	/* PCI ids "8086:100e"; NULL-terminated */
	const char *const *other_cards; /* likewise, over which no node boots */
	const char *drivers;		/* modules.alias of another kernel: says which driver a card wants */
	unsigned long long memory;	/* bytes; of the node with the least */
	const char *least_node;		/* its name */
};
int kernel_check(const struct kernel_env *env, const struct kernel_generation *g,
		 const struct kernel_place *place, struct kernel_verdict **ret, size_t *ret_n) _must_check_;
/* A kernel that was not built here: its configuration, and its lib/modules/RELEASE, below root_fd. */
struct kernel_files {
	const char *name, *release, *config, *modules;
};
int kernel_check_files(int root_fd, const struct kernel_files *k, const struct kernel_place *place,
		       struct kernel_verdict **ret, size_t *ret_n) _must_check_;
void kernel_verdicts_free(struct kernel_verdict *v, size_t n);
/* Whether the kernel whose lib/modules/RELEASE the absolute path is drives the card. -ENOENT: there are no indexes; -EINVAL: it is
 * no card's id. */
int kernel_drives(const char *folder, const char *card, bool *ret) _must_check_;
/* "8086:100e", in any case. */
bool kernel_is_card(const char *s);
