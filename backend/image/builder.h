/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Private to backend/image: what the steps of a build share. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "backend/image/image.h"
#include "util/hash.h"
#include "util/macro.h"
#include "util/strv.h"

/* The digits of the hash in an id. */
#define IMAGE_ID_DIGITS 12

struct root_builder_ops;
struct part_work;

enum squashfs_form {
	SQUASHFS_NEW,
	SQUASHFS_OLD,  /* for old kernels */
	SQUASHFS_SAME, /* likewise, and with a fixed time: the same bytes for the same files */
};

/* Everything that goes into a root, resolved. Its id is made of nothing else. */
struct recipe {
	const struct root_builder_ops *ops;
	char *id;
	char *suite, *architecture;
	char *sources;	      /* the package sources as one deb822 text */
	struct strv packages; /* sorted, the kernel's package among them */
	struct strv exclude;  /* sorted */
	bool kernel_only;     /* nothing but the kernel's files */
	bool important;	      /* with all that an ordinary system of that release has, its init among it */
	char *kernel_path;    /* a kernel of the operator's own; NULL where a package brings it */
	char *kernel_release; /* of kernel_path; NULL with a package */
	char *kernel_modules; /* folder with the modules of kernel_path; NULL where there are none */
	char *base; /* the id of the base that the root stands on; NULL: none. Then kernel_only is true */
	char *base_libc;  /* the least kernel of its libc, "" where it has none that says so */
	char *base_image; /* the path of its image for programs */
};

/* How one family of distributions makes a root. */
struct root_builder_ops {
	const char *family;
	const char *version;	     /* part of the id: raised when a builder makes other roots than before */
	const char *const *programs; /* what build() runs; NULL-terminated */
	/* The server's own package sources for its own release, as one text without comments. */
	int (*sources)(const struct image_env *env, char **ret);
	/* The distribution's word for a machine type of uname(2). */
	const char *(*architecture)(const char *machine);
	/* Makes the tree in the empty folder `work`/tree. */
	int (*build)(const struct image_env *env, const struct recipe *r, const char *work);
	/* The packages in a tree, as "NAME VERSION", sorted. */
	int (*packages)(const struct image_env *env, const char *tree, struct strv *ret);
	/* Brings a source package from the server's own package sources (w->sources) into the folder `to`; *ret is the name
	 * of its .dsc there. */
	int (*source)(const struct part_work *w, const char *package, const char *to, char **ret);
};

/* NULL where roots of this family cannot be built. */
const struct root_builder_ops *root_builder_find(const char *family);
extern const struct root_builder_ops root_builder_debian;

int recipe_new(const struct image_env *env, const struct plan *p, struct recipe **ret) _must_check_;
void recipe_free(struct recipe *r);
DEFINE_CLEANUP(struct recipe *, recipe_free)

/* FORM-HASH; the hash is ended and freed in any case. */
int recipe_id(const char *form, struct hash *h, char **ret) _must_check_;

/* Packs the tree (an absolute path) as a build's root.squashfs, and writes its root.json: these facts, which it takes, and
 * those of the image. */
int generation_pack(const struct image_env *env, const char *folder, const char *tree,
		    enum squashfs_form form, json_t *facts) _must_check_;
/* Everything goes but what makes the generation, then the folder gets its name. */
int generation_seal(const struct image_env *env, const char *folder, const char *id,
		    const char *const *leftovers) _must_check_;

/* Takes what is particular to one machine, or useless to a node without a disk, out of a fresh tree. */
int neutral_tree(int tree_fd) _must_check_;

/* What mksquashfs is told about the form of the image, and of one that old kernels read; part of the id. NULL-terminated. */
extern const char *const squashfs_options[], *const squashfs_old_options[];
/* Packs the folder `tree` as the file `image`, both absolute. */
int squashfs_pack(const struct image_env *env, const char *tree, const char *image,
		  enum squashfs_form form) _must_check_;
/* Unpacks all of it into a folder, which may hold something already. */
int squashfs_unpack(const struct image_env *env, const char *image, const char *target) _must_check_;
/* Unpacks only the kernel modules of `image` into the new folder `target`. */
int squashfs_unpack_modules(const struct image_env *env, const char *image, const char *target) _must_check_;

/* The kernel's release out of an x86 boot image; -MUSTER_E_FORMAT where it is none. */
int kernel_release_read(int fd, char **ret) _must_check_;
/* Finds the release and the modules of the operator's own kernel at `path`, below the server's "/". */
int kernel_own(const char *path, char **ret_release, char **ret_modules) _must_check_;

#define NEED_ROOT "root-build"
#define NEED_BASE "base-build"

/* Absolute path for programs of a path below the environment's root; owned, NULL when memory runs out. */
char *image_host_path(const struct image_env *env, const char *path);
void image_progress(const struct image_env *env, const char *step, int permille, const char *line);
bool image_cancelled(const struct image_env *env);
/* Only letters, digits, '.', '_', '-', and no '.' first: fit for a file's name. */
bool image_id_valid(const char *id);
/* Holds the folder against other builds until *ret_fd is closed; waits for a build that goes on. */
int image_lock(const struct image_env *env, const char *folder, const char *step, int *ret_fd) _must_check_;
/* Removes what builds that were cut off left in the folder; for the holder of its lock. */
int image_sweep(const struct image_env *env, const char *folder) _must_check_;
/* Removes a tree of a build; refuses where something is mounted in it. */
int image_discard(const struct image_env *env, const char *path) _must_check_;
/* -MUSTER_E_MISSING, logged, where a program is not installed; the list is NULL-terminated. The profile's service says which
 * packages bring them. */
int image_need_programs(const struct image_env *env, const char *service,
			const char *const *programs) _must_check_;
/* -ENOSPC, logged, where fewer bytes than these are free for `path`. */
int image_need_space(const struct image_env *env, const char *path, unsigned long long bytes) _must_check_;
/* How long an initramfs of the agent and the programs of this tree is, compressed for an old kernel. */
int initramfs_measure(const struct image_env *env, const char *tree, size_t *ret) _must_check_;
/* Removes the initramfs files that were made for a generation. */
int initramfs_remove_of(const struct image_env *env, const char *generation) _must_check_;
