/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A part of a file as HTTP asks for it (RFC 9110, section 14). Pure. */
#pragma once

#include <stdint.h>

#include "util/macro.h"

struct range_bytes {
	uint64_t first, len;
};

/* Reads the value of a Range field for a file of `size` bytes. 1: *ret is the part; 0: the whole file is the
 * answer (several parts, another unit, or nothing that can be read: RFC 9110 lets a server ignore it);
 * -ERANGE: no byte of it exists. */
int range_bytes(const char *value, uint64_t size, struct range_bytes *ret) _must_check_;
