/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growable byte string, always NUL-terminated once something was added. When memory runs out the
 * buffer remembers it and ignores what follows, so a caller checks once, at strbuf_take().
 */
#pragma once

#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>

#include "util/macro.h"

struct strbuf {
	char *data; /* owned; NULL while empty */
	size_t len;
	size_t size;
	bool failed;
};

#define STRBUF_INIT               \
	{                         \
		NULL, 0, 0, false \
	}

void strbuf_free(struct strbuf *b);
void strbuf_reset(struct strbuf *b); /* empties, keeps the memory */
void strbuf_add(struct strbuf *b, const void *data, size_t len);
void strbuf_adds(struct strbuf *b, const char *s);
void strbuf_addc(struct strbuf *b, char c);
void strbuf_addf(struct strbuf *b, const char *fmt, ...) _printf_(2, 3);
void strbuf_vaddf(struct strbuf *b, const char *fmt, va_list ap) _printf_(2, 0);

/* Hands the string over (never NULL on success) and leaves the buffer empty. -ENOMEM. */
int strbuf_take(struct strbuf *b, char **ret, size_t *ret_len) _must_check_;

#define _cleanup_strbuf_ _cleanup_(strbuf_free)
