/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the programs that read the rendered files make of them: each reader here follows the grammar of the real one
 * (named beside it, with the version that was read), and gives the words that it would see.
 */
#pragma once

#include <stddef.h>

#include "util/strv.h"

/* The words of a file, with a "\n" where a directive ends. -EINVAL: its reader would refuse the file, or a part of it. */
int reader_words(const char *path, const char *data, size_t len, struct strv *ret);
/* The same of an iPXE script. */
int reader_ipxe(const char *script, struct strv *ret);

/* ---- among the readers ---- */

int reader_unit(const char *p, size_t len, struct strv *ret);
int reader_lines(const char *p, size_t len, int (*line)(const char *p, size_t len, struct strv *ret),
		 struct strv *ret);
