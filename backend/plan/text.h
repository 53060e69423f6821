/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which texts are fit to be names and words, and which known name a wrong one was meant to be. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/strv.h"

/* RFC 1123, section 2.1, in lower case: letters, digits and '-', neither first nor last; 1 to 63. */
bool text_is_label(const char *s);
/* Labels with dots between, 253 characters at most, the last not all digits. */
bool text_is_domain(const char *s);
/* Not empty, and of letters, digits and the characters in `others` only. */
bool text_is_of(const char *s, const char *others);
/* A decimal number from min to max, without sign and spaces. */
bool text_number(const char *s, unsigned int min, unsigned int max, unsigned int *ret);
/* A hash as crypt(5) writes them: $id$...$hash. */
bool text_is_crypt(const char *s);
/* A public key as in authorized_keys(5), without options; *ret_why (static) is the end of a sentence. */
bool text_is_ssh_key(const char *s, const char **ret_why);

/* The candidate that `name` was probably meant to be, or NULL where none is near. */
const char *text_nearest(const char *name, const struct strv *candidates);
/* "a, b or c"; owned, NULL when memory runs out. `none` stands for an empty list. */
char *text_list(const struct strv *v, const char *none);
