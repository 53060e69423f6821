/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files below a root directory. Paths are absolute as seen from that root ("/etc/muster/x"), and are
 * resolved as if it were "/": a symbolic link or a ".." never leads out of it (openat2(2),
 * RESOLVE_IN_ROOT). The last component is never followed when it is a link.
 *
 * All functions return 0 (or a descriptor) or a negative errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "util/macro.h"
#include "util/xattr.h"

/* Opens the root directory itself; NULL or "" means "/". The caller closes it. */
int fs_root_open(const char *path);

int fs_open(int root_fd, const char *path, int flags, mode_t mode);
/* Opens the directory that holds `path`; *ret_name points into `path`, at its last component. */
int fs_open_parent(int root_fd, const char *path, const char **ret_name);
int fs_stat(int root_fd, const char *path, struct stat *ret); /* does not follow a last link */
bool fs_exists(int root_fd, const char *path);

/* Reads a regular file of at most `max` bytes (-EFBIG beyond). The data is owned by the caller and has
 * a NUL behind its end, which ret_len (may be NULL) does not count. */
int fs_read(int root_fd, const char *path, size_t max, char **ret, size_t *ret_len) _must_check_;
int fs_read_fd(int fd, size_t max, char **ret, size_t *ret_len) _must_check_;

/* Creates the directory with `mode`, and those above it that are not there, which others may pass (0755 at least). */
int fs_mkdir_all(int root_fd, const char *path, mode_t mode) _must_check_;

/* Owner and group -1 leave what the process gives. */
struct fs_attr {
	mode_t mode;
	uid_t uid;
	gid_t gid;
	const struct xattrs *xattrs;  /* NULL: those that a new file gets */
	const struct timespec *mtime; /* NULL: now */
};

/* Replaces the file whole or not at all: a temporary beside it, fsync, rename, fsync of the folder. */
int fs_write(int root_fd, const char *path, const void *data, size_t len,
	     const struct fs_attr *attr) _must_check_;
/* The same, with the content of in_fd from its current offset to its end. */
int fs_copy(int in_fd, int root_fd, const char *path, const struct fs_attr *attr) _must_check_;
/* Removes the temporary that a writer of `path` left when it was killed in fs_write() or fs_copy(). */
int fs_drop_temporary(int root_fd, const char *path) _must_check_;
int fs_write_all(int fd, const void *data, size_t len) _must_check_;
int fs_fsync_dir(int root_fd, const char *path) _must_check_;

int fs_unlink(int root_fd, const char *path) _must_check_; /* a file that is not there is fine */
/* Likewise; never crosses a mount. What cannot be removed does not keep the rest from it; the first error is returned. */
int fs_remove_tree(int root_fd, const char *path) _must_check_;

/* Free bytes on the file system that holds `path` or its nearest existing parent. */
int fs_free_bytes(int root_fd, const char *path, unsigned long long *ret) _must_check_;

/* "/a/b" + "c" → "/a/b/c", owned; NULL when memory runs out. */
char *fs_join(const char *a, const char *b);
