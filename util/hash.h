/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (FIPS 180-4), by libmd. */
#pragma once

#include <stddef.h>
#include <sys/stat.h>

#include "util/macro.h"

#define HASH_TEXT 65 /* 64 lower-case hexadecimal digits and the NUL */

struct hash; /* opaque; owned by the caller */

int hash_new(struct hash **ret) _must_check_; /* -ENOMEM */
void hash_add(struct hash *h, const void *data, size_t len);
/* Adds the string with its NUL, so that "ab","c" and "a","bc" differ. */
void hash_add_string(struct hash *h, const char *s);
int hash_add_fd(struct hash *h, int fd) _must_check_; /* to the end of the file */
void hash_end(struct hash *h, char ret[HASH_TEXT]);   /* frees h */
void hash_free(struct hash *h);
DEFINE_CLEANUP(struct hash *, hash_free)

void hash_text(const void *data, size_t len, char ret[HASH_TEXT]);

/*
 * Which written file this is: over its inode, its time of change to the nanosecond and its size. Each fs_write() makes another
 * inode at another time while the one before is still there, so no two files that took each other's place under a name have the same;
 * one that was put back with its old time may, and has its old content then. The device does not count: another mount namespace or a
 * restart may number it differently. It is not over the content, so that whoever hears it cannot try guesses at that.
 */
void hash_written(const struct stat *st, char ret[HASH_TEXT]);
