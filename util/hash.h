/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (FIPS 180-4), by libmd. */
#pragma once

#include <stddef.h>

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
