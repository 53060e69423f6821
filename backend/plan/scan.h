/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tokens of libconfuse's syntax, with their lines. A scanner is a value: a copy of it looks ahead. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum scan_type {
	SCAN_END,
	SCAN_WORD,   /* a value or name without quotes */
	SCAN_STRING, /* in single or double quotes, which belong to the token */
	SCAN_SYMBOL, /* one of { } ( ) = , or += */
	SCAN_BAD,    /* none of them */
};

struct scan_token {
	enum scan_type type;
	const char *p; /* borrowed from the text */
	size_t len;
	unsigned int line; /* where it begins, from 1 */
	const char *why;   /* NULL, or what is wrong with it and what would be right; static */
	bool unclosed;	   /* a string without its end: what follows on later lines may belong to it */
};

struct scanner {
	const char *p, *end;
	unsigned int line;
};

struct scan_token scan_next(struct scanner *s);

/* The length of the valid UTF-8 sequence at p (RFC 3629), or 0. */
size_t scan_utf8(const char *p, const char *end);

/* What is wrong with these bytes as a value: no UTF-8, or a control character. NULL, or a static sentence. */
const char *scan_judge(const char *p, const char *end);
