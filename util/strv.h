/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A growable, NULL-terminated list of owned strings: argument vectors, lists of names. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/macro.h"

struct strv {
	char **v; /* owned, NULL-terminated; NULL while empty */
	size_t n;
};

#define STRV_INIT       \
	{               \
		NULL, 0 \
	}

void strv_free(struct strv *s);
int strv_add(struct strv *s, const char *string) _must_check_; /* copies; -ENOMEM */
int strv_addf(struct strv *s, const char *fmt, ...) _must_check_ _printf_(2, 3);
int strv_adopt(struct strv *s, char *string) _must_check_; /* owns it, also when it fails */
/* Copies every string of a NULL-terminated argument list: strv_add_all(&v, "a", "b", NULL). */
int strv_add_all(struct strv *s, ...) _must_check_ __attribute__((sentinel));
bool strv_has(const struct strv *s, const char *string);
void strv_sort(struct strv *s);

#define _cleanup_strv_ _cleanup_(strv_free)
