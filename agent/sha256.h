/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (FIPS 180-4), piece by piece: this program has no library but libc. */
#pragma once

#include "agent/common.h"

#define SHA256_TEXT 65 /* 64 lower-case hexadecimal digits and the NUL */

struct sha256 {
	uint32_t state[8];
	unsigned long long bytes;
	unsigned char block[64]; /* what has not been worked in yet */
};

void sha256_begin(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);
/* s is to be begun again after it. */
void sha256_end(struct sha256 *s, char ret[SHA256_TEXT]);
