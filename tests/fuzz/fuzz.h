/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the targets share. A target is a file fuzz-NAME.c with FUZZ_TARGET(NAME): libFuzzer's LLVMFuzzerTestOneInput() where it
 * is built by clang for a search (fuzz.sh), a function of the table in targets.h where it is built into the program that gives
 * it the kept inputs again (replay.c). Nothing of the house is included here, so that the agent's targets can include it, too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef FUZZ_REPLAY
#define FUZZ_TARGET(name)                                      \
	int fuzz_one_##name(const uint8_t *data, size_t size); \
	int fuzz_one_##name(const uint8_t *data, size_t size)
#else
#define FUZZ_TARGET(name)                                             \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); \
	int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
#endif

/* What must hold whatever comes in. */
#define fuzz_need(condition)                                                                     \
	do {                                                                                     \
		if (!(condition)) {                                                              \
			fprintf(stderr, "%s:%d: it does not hold that %s\n", __FILE__, __LINE__, \
				#condition);                                                     \
			abort();                                                                 \
		}                                                                                \
	} while (0)

/* A copy of exactly that size with a NUL behind, so that a byte read beyond it is seen; owned. */
char *fuzz_text(const uint8_t *data, size_t size);
/* Some targets take several texts in one input, with a line "%%" between. Cuts the next one off; empty where there is none. */
struct fuzz_part {
	const uint8_t *data;
	size_t size;
};
struct fuzz_part fuzz_cut(const uint8_t **data, size_t *size);
/* As fuzz_cut() and fuzz_text(). */
char *fuzz_cut_text(const uint8_t **data, size_t *size);

/* A scratch folder of this process, which goes with it: its path, and a descriptor of it. */
const char *fuzz_dir(void);
int fuzz_dir_fd(void);
/* Writes a file below it, with the folders above; its path is relative to it. */
void fuzz_put(const char *path, const void *data, size_t size);
/* Everything below the folder goes. */
void fuzz_empty(int fd);
/* A file without a name that holds this, to be read from its begin; the caller closes it. */
int fuzz_file(const void *data, size_t size);

/* Whether it is UTF-8 (RFC 3629) without control characters, but for newlines and tabs where `lines` says so. */
bool fuzz_is_clean(const char *text, bool lines);
