/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to kernel/: what the steps of a build share. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "craft/craft.h"
#include "kernel/kernel.h"
#include "util/hash.h"
#include "util/jail.h"

#define KERNEL_ID_DIGITS 12
/* Sources that came from a URL, each under its SHA-256; a part of one has .part behind. */
#define KERNEL_SOURCES KERNEL_GENERATIONS "/.sources"
/* What the content of a file was, under the hash of its name, size and times. */
#define KERNEL_HASHES KERNEL_GENERATIONS "/.hashes"

/* ---- room.c: small things that all share ---- */

/* Lower-case letters, digits, '-' and '.', neither of these first; fit for a file's name. */
bool kernel_is_name(const char *s);
/* The same environment for craft/. */
struct craft_env kernel_craft(const struct kernel_env *env);
/* Absolute path for programs of a path below the environment's root; owned, NULL when memory runs out. */
char *kernel_host_path(const struct kernel_env *env, const char *path);
void kernel_progress(const struct kernel_env *env, const char *step, const char *text, int permille,
		     const char *line);
bool kernel_cancelled(const struct kernel_env *env);
/* Holds the folder against other builds until *ret_fd is closed; waits for one that goes on. Makes it if need be. */
int kernel_lock(const struct kernel_env *env, const char *folder, int *ret_fd) _must_check_;
/* Removes a tree; refuses where something is mounted in it. */
int kernel_discard(const struct kernel_env *env, const char *path) _must_check_;
/* True where the file system of a path below the root has no room left to speak of. */
bool kernel_disk_full(const struct kernel_env *env, const char *path);

/* ---- compiler.c ---- */

/* "A-B", "A-", "-B" or "A": both ends belong to it, and 4.4.7 belongs to 4.4. */
bool kernel_versions_valid(const char *range);
bool kernel_versions_have(const char *range, const char *version);
/* What a compiler says of itself: "gcc (Debian 12.2.0-14) 12.2.0\nCopyright ..." → its kind and version. Pure. */
int kernel_compiler_parse(const char *says, bool *ret_clang, char **ret_version) _must_check_;
/* The compilers in the folders for programs, in the jail or here (NULL). */
int kernel_compilers_look(const struct kernel_env *env, const struct jail *jail, struct kernel_compiler **ret,
			  size_t *ret_n) _must_check_;
/* Adds to its identity what its assembler and linker say. */
int kernel_compiler_complete(const struct kernel_env *env, const struct jail *jail,
			     struct kernel_compiler *c) _must_check_;
int kernel_compiler_copy(const struct kernel_compiler *from, struct kernel_compiler *ret) _must_check_;
/* The one that was asked for, or the first that fits. Logged why none does: -MUSTER_E_MISSING. */
int kernel_compiler_choose(const struct kernel_env *env, const struct kernel_recipe *r, const char *cc,
			   struct kernel_compiler *ret) _must_check_;
void kernel_compiler_clear(struct kernel_compiler *c);

/* ---- toolchain.c ---- */

/* toolchain.json. */
int kernel_toolchain_text(const struct kernel_toolchain *t, char **ret) _must_check_;
/* The folder of its programs, for jails; owned, NULL when memory runs out. */
char *kernel_toolchain_tree(const struct kernel_env *env, const char *name);
/* It is not removed until *ret_fd is closed. */
int kernel_toolchain_hold(const struct kernel_env *env, const char *name, int *ret_fd) _must_check_;

/* ---- source.c: what goes in ---- */

/* The inputs of all sources, in the recipe's order, and of all patch files after them. */
int kernel_inputs(const struct kernel_env *env, const struct kernel_recipe *r, const struct kernel_wish *wish,
		  struct craft_input **ret, size_t *ret_n) _must_check_;

/* ---- kconfig.c ---- */

/* The recipe's wishes. */
struct craft_symbols kernel_symbols(const struct kernel_recipe *r);

/* Why a tree gives a symbol another value than it was told: sentences, made of its Kconfig files. */
int kernel_kconfig_explain(int tree_fd, const char *config, const struct craft_miss *miss,
			   char **ret) _must_check_;

/* ---- objects.c ---- */

/* How many files a tree compiles with this configuration, by its makefiles: an estimate. 0: nothing can be said. */
unsigned int kernel_count_objects(int tree_fd, const char *config, const char *architecture);
/* What the tree's own modules.builtin would say (Documentation/kbuild/kbuild.rst), for trees before 2.6.33, which make none.
 * The tree was built. More than tristate symbols are in it. */
int kernel_list_builtin(int tree_fd, const char *config, const char *architecture, char **ret) _must_check_;

/* ---- generation.c ---- */

struct kernel_facts {
	const char *id;
	const struct kernel_recipe *recipe;
	const struct kernel_compiler *cc;
	const struct craft_input *inputs;
	size_t n_inputs;
	const char *release, *version, *built;
	const char *config_sha256, *image_sha256;
	unsigned long long bytes;
	unsigned int compiled; /* files */
};
int kernel_facts_text(const struct kernel_facts *f, char **ret) _must_check_;
/* How many files the last build of this recipe compiled; 0: there was none. */
unsigned int kernel_compiled_before(const struct kernel_env *env, const char *recipe);

/* ---- work.c: programs that work on a tree, without rights ---- */

/* The file at this path; every mistake in it is logged with its line. -MUSTER_E_FORMAT: it is no recipe. */
int kernel_recipe_parse(const char *path, struct kernel_recipe **ret) _must_check_;

struct kernel_work {
	const struct kernel_env *env;
	const struct kernel_recipe *recipe;
	const struct kernel_compiler *cc;
	const char *
		base; /* the configuration to begin with, where the recipe names a file: its bytes; NULL: a target makes it */
	const char *id;
	char *folder;	   /* .building-ID, below the root */
	char *host_folder; /* the same for programs */
	char *host_tree;   /* the kernel's tree */
	int folder_fd, tree_fd;
	int log_fd;
	uid_t uid; /* whose the tree is; ours where we are not root */
	gid_t gid;
	int held;    /* the compiler's toolchain; -1: it has none */
	char *tools; /* its folder */
	unsigned int jobs;
	int64_t epoch; /* of the sources */
	/* of the step at work */
	const char *step, *text;
	unsigned int compiled, expected;
	unsigned int all_compiled;		       /* by the whole build, in however many attempts */
	struct strv said;			       /* lines that tell what failed */
	void (*on_line)(void *data, const char *line); /* besides; may be NULL */
	void *line_data;
};

int kernel_work_new(const struct kernel_env *env, const struct kernel_recipe *r,
		    const struct kernel_compiler *cc, const char *id, unsigned int jobs,
		    struct kernel_work **ret) _must_check_;
void kernel_work_free(struct kernel_work *w);
DEFINE_CLEANUP(struct kernel_work *, kernel_work_free)
/* The folder "tree" is there: make runs in it. */
int kernel_work_open_tree(struct kernel_work *w) _must_check_;
/* Whether a step was done in this folder before, and that it is now; a number is kept with it. ret may be NULL. */
bool kernel_work_did(const struct kernel_work *w, const char *step, int64_t *ret);
int kernel_work_mark(struct kernel_work *w, const char *step, int64_t number) _must_check_;
/* How many files were compiled in this folder until now. */
unsigned int kernel_work_compiled(const struct kernel_work *w);
/* The step begins. */
void kernel_work_step(struct kernel_work *w, const char *step, const char *text);
/* Runs a program in the tree, with nothing of our environment and without rights. *ret_status is its exit status. */
int kernel_work_run(struct kernel_work *w, const char *const *argv, const char *input, int timeout_ms,
		    int *ret_status) _must_check_;
/* Runs a program in the folder cwd, with the compiler's own programs about it where it is a toolchain's. Another status than 0
 * is logged with what failed; `what` is its name there. */
int kernel_work_inside(struct kernel_work *w, const char *cwd, const char *what, const char *const *words,
		       const char *input, int timeout_ms) _must_check_;
/* make with the recipe's compiler and these words, in a folder; logged likewise. */
int kernel_work_make_in(struct kernel_work *w, const char *cwd, const char *input, int timeout_ms,
			const struct strv *words) _must_check_;
/* make with the recipe's compiler and these words; NULL-terminated. Another status than 0 is logged with what failed. */
int kernel_work_make(struct kernel_work *w, const char *input, int timeout_ms, ...) _must_check_
	__attribute__((sentinel));

/* ---- leftover.c ---- */

/* Waits until no process works in the folder, an absolute path; in the end it ends them. -EBUSY: they cannot be ended. */
int kernel_wait_for_leftovers(const struct kernel_env *env, const char *folder) _must_check_;

/* ---- the steps ---- */

int kernel_step_unpack(struct kernel_work *w, const struct craft_input *inputs,
		       size_t n) _must_check_; /* tree.c */
int kernel_step_patch(struct kernel_work *w, const struct craft_input *inputs,
		      size_t n) _must_check_;		       /* patch.c */
int kernel_step_configure(struct kernel_work *w) _must_check_; /* configure.c */
/* The recipe's own modules, against the kernel that was built, into the folder "install"; external.c. */
int kernel_step_external(struct kernel_work *w, const char *release) _must_check_;
int kernel_step_package(struct kernel_work *w, const struct craft_input *inputs,
			size_t n) _must_check_; /* package.c */

/* ---- cards.c ---- */

struct kernel_drivers;
/* The indexes of a folder lib/modules/RELEASE; those that are not there are empty. */
int kernel_drivers_read(int root_fd, const char *folder, struct kernel_drivers **ret) _must_check_;
void kernel_drivers_free(struct kernel_drivers *d);
DEFINE_CLEANUP(struct kernel_drivers *, kernel_drivers_free)
/* The driver that a card has here; NULL: it has none, and *ret_wanted is the one that it wants by the list `others`, the
 * modules.alias of another kernel (NULL: unknown). Both owned. -EINVAL: it is no card's id. */
int kernel_driver_of(const struct kernel_drivers *d, const char *card, const char *others, char **ret_driver,
		     bool *ret_built_in, char **ret_wanted) _must_check_;

/* Whether a list as modules.builtin ("kernel/lib/x.ko") or modules.dep ("kernel/lib/x.ko: kernel/lib/y.ko") has the module in
 * front; a '-' of a file is a '_' of a module. The list may be NULL. */
bool kernel_lists_module(const char *list, const char *module);

/* ---- outcome.c ---- */

/* Whether the files of a generation are what the recipe's section "check" says of them. -MUSTER_E_REFUSED, logged with all that is
 * not so. */
int kernel_check_outcome(const struct kernel_recipe *r, int out_fd, const char *release) _must_check_;

/* ---- reloc.c ---- */

/*
 * Old loaders: modules assembled by binutils 2.31 and later carry R_X86_64_PLT32, which kernels before 4.16 refuse;
 * R_X86_64_PC32 means the same to them. Rewrites it in the ELF file. *ret_n: how many. -MUSTER_E_FORMAT: it is no x86_64
 * object.
 */
int kernel_rewrite_relocations(int fd, unsigned int *ret_n) _must_check_;
/* Whether a kernel of this release refuses them. */
bool kernel_is_old_loader(const char *release);
