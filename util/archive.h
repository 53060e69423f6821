/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Archives, by libarchive.
 *
 * Writing those that the kernel unpacks as its initramfs: cpio "newc"
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Made in memory, with the same bytes for the same
 * entries: no times, inode numbers counted from 1, everything root's. An error is remembered, and what follows it
 * is passed over, so that a caller checks once, at archive_finish().
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/macro.h"

enum archive_compression {
	ARCHIVE_PLAIN,
	ARCHIVE_GZIP, /* every kernel unpacks it */
	ARCHIVE_ZSTD, /* kernels since 5.9 do */
};

struct archive_out;

int archive_new(enum archive_compression compression, struct archive_out **ret) _must_check_;
void archive_drop(struct archive_out *a);
DEFINE_CLEANUP(struct archive_out *, archive_drop)

/* Paths have no slash in front. Folders must come before what is in them. */
void archive_add_dir(struct archive_out *a, const char *path, mode_t mode);
void archive_add_file(struct archive_out *a, const char *path, mode_t mode, const void *data, size_t len);
void archive_add_link(struct archive_out *a, const char *path, const char *target);
void archive_add_device(struct archive_out *a, const char *path, mode_t mode, unsigned int major,
			unsigned int minor);

/* Ends the archive, padded with zeros to 512 bytes, and frees `a` in any case. The data is owned by the caller. */
int archive_finish(struct archive_out *a, char **ret, size_t *ret_len) _must_check_;

/* A file's content, unpacked where it is compressed (gzip, xz, zstd); -EFBIG beyond `max`. */
int archive_read_compressed(int fd, size_t max, char **ret, size_t *ret_len) _must_check_;

/* ---- reading: tar, cpio, zip, compressed or not ---- */

enum archive_type {
	ARCHIVE_FILE,
	ARCHIVE_DIR,
	ARCHIVE_SYMLINK,
	ARCHIVE_HARDLINK,
	ARCHIVE_OTHER, /* devices, sockets, pipes */
};

struct archive_item {
	const char *path;   /* as the archive has it: anything. Borrowed until the next item, like target */
	const char *target; /* of a link */
	enum archive_type type;
	mode_t mode;
	int64_t uid, gid;
	int64_t mtime;
};

struct archive_in;

/* Reads on from where fd stands; fd stays the caller's. */
int archive_in_open(int fd, struct archive_in **ret) _must_check_;
/* 1 with an item, 0 at the end; an error is logged. */
int archive_in_next(struct archive_in *a, struct archive_item *ret) _must_check_;
/* The item's content; *ret_n of 0 is its end. */
int archive_in_read(struct archive_in *a, void *data, size_t size, size_t *ret_n) _must_check_;
/* How many bytes of the file were taken. */
int64_t archive_in_position(const struct archive_in *a);
void archive_in_close(struct archive_in *a);
