/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Builds what nodes boot. A root generation is an immutable folder /var/lib/muster/roots/ID:
 *   root.squashfs   the node's root (for root mode initramfs: the kernel package's files only)
 *   vmlinuz         its kernel
 *   root.json       facts: id, distribution, suite, kernel release, packages, bytes, sha256, built
 * An initramfs is /var/lib/muster/initramfs/ID.img, made for one generation and one root mode from the
 * modules in root.squashfs, busybox and muster-agent; its size is a multiple of 512 bytes, so that the
 * kernel finds an archive appended to it.
 * ids are FORM-HASH where HASH is 12 digits of the SHA-256 over everything that went in: the same build is
 * never done twice.
 */
#pragma once

#include "backend/host/facts.h"
#include "backend/plan/plan.h"
#include "backend/plan/profile.h"
#include "util/macro.h"
#include "util/strv.h"

#define IMAGE_ROOTS "/var/lib/muster/roots"
#define IMAGE_INITRAMFS "/var/lib/muster/initramfs"

struct image_env {
	int root_fd;	       /* where /var/lib/muster lies */
	const char *root_path; /* the same as a path for the programs that want one; "/" or a folder */
	const struct host *host;
	const struct profile_distro *distro;
	const char *agent;    /* absolute path of muster-agent on this machine */
	const char *profiles; /* the folder of what muster brings; NULL: none */
	bool borrow;	      /* a scratch root stands on what the running system has built */
	int cancel_fd;	      /* -1: none */
	/* Progress: step is a short word ("packages", "squashfs", "initramfs"); permille -1 when unknown. line may be
	 * NULL. */
	void (*progress)(void *data, const char *step, int permille, const char *line);
	void *data;
};

struct image_generation {
	char *id;
	char *kernel_release;
	char *distribution, *suite;
	unsigned long long root_bytes;
	char *sha256;	      /* of root.squashfs */
	char *built;	      /* RFC 3339, UTC */
	char *base;	      /* of a base: the kind of cluster it was made for, "kerrighed"; else "" */
	char *mode;	      /* of a base: the root mode, "initramfs" or "nfs"; else "" */
	char *on;	      /* the id of the base that this root stands on; "" for none */
	struct strv programs; /* of a base: what its parts brought, as "usr/sbin/krgadm" */
	char *libc; /* of a base: the least kernel of its libc, "2.6.32"; "" where it has none that says so */
};
void image_generation_free(struct image_generation *g);
DEFINE_CLEANUP(struct image_generation *, image_generation_free)

/* The id that this plan's recipe has; pure but for reading the package sources. */
int image_root_id(const struct image_env *env, const struct plan *p, char **ret) _must_check_;
/* Reads a generation; -ENOENT where it is not built (a half-built one does not count). */
int image_root_find(const struct image_env *env, const char *id, struct image_generation **ret) _must_check_;
/* What its build noted of it, whatever has become of its files since. */
int image_root_facts(const struct image_env *env, const char *id, struct image_generation **ret) _must_check_;
/* Builds the plan's generation unless it is there. Events go through progress; errors are logged. */
int image_root_build(const struct image_env *env, const struct plan *p,
		     struct image_generation **ret) _must_check_;
/* The id of the initramfs for this generation and plan, and its building; likewise. */
int image_initramfs_id(const struct image_env *env, const struct plan *p, const struct image_generation *g,
		       char **ret) _must_check_;
int image_initramfs_build(const struct image_env *env, const struct plan *p, const struct image_generation *g,
			  char **ret_id) _must_check_;
/*
 * A base is a root without a kernel, for kernels for which the distribution's own packages are too new: programs built from
 * sources and static against musl, in root mode nfs in the tree of an older distribution. It is a generation without
 * vmlinuz, and its kernel_release is "". A plan's root stands on the newest base of its kind of cluster and mode.
 */
struct image_base_wish {
	const char *profile;	    /* the kind of cluster */
	enum plan_root mode;	    /* initramfs or nfs */
	const char *const *sources; /* NAME=PLACE, PLACE#sha256=HEX; NULL-terminated; may be NULL */
	/* Where the tree of an older distribution comes from, for mode nfs: a folder or an archive of one that the operator
	 * has, or a mirror and the name of the release there. NULL: not from there. */
	const char *from;
	const char *mirror, *release, *keyring; /* keyring: a file; NULL: the keys that apt trusts here */
	const char *own;			/* a folder whose files the base has besides; NULL: none */
};
int image_base_build(const struct image_env *env, const struct image_base_wish *wish,
		     struct image_generation **ret) _must_check_;
/* The newest of this kind and mode; *ret_image is the path of its image for programs. -ENOENT: there is none. */
int image_base_find(const struct image_env *env, const char *profile, enum plan_root mode,
		    struct image_generation **ret, char **ret_image) _must_check_;
int image_list(const struct image_env *env, struct image_generation ***ret, size_t *ret_n) _must_check_;
/* Removes a generation that no plan uses. */
int image_remove(const struct image_env *env, const char *id) _must_check_;

/* ---- what a kernel brings ---- */

/* The release of the kernel at this path, out of its own header; -MUSTER_E_FORMAT: no kernel that an x86 machine boots.
 * *ret_modules: the folder of its modules, NULL where none lie beside it. Both are owned. Nothing is logged. */
int image_kernel_look(const char *path, char **ret_release, char **ret_modules) _must_check_;
/* The oldest Linux that this 64-bit program or library of the GNU system runs on: .note.ABI-tag. -ENOENT: it does not say. */
int image_abi_read(int fd, unsigned int ret[3]) _must_check_;
/* Whether this 64-bit program starts without another file: no dynamic linker. */
int image_abi_alone(int fd, bool *ret) _must_check_;

/* A personality archive (agent/wire.h) for one boot, in memory, owned; padded to 512 bytes. */
struct image_personality {
	const char *node_conf, *authorized_keys, *hosts, *shadow; /* texts; shadow may be NULL */
	const char *ssh_key, *ssh_key_pub;
};
int image_personality(const struct image_personality *p, char **ret, size_t *ret_len) _must_check_;
