/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Screens as people are shown them in doc/screens.md, held against what the program draws. Each stands there in a fenced
 * block of its own, headed "```text NAME". With MUSTER_GOLDEN=write in the environment the block is written instead, at
 * the page's end when the page has none of that name: look at the difference before it is committed.
 */
#pragma once

#include <stdbool.h>

#include "tests/screens/vt.h"

/* Whether the screen is the page's within the deadline, blanks at the ends of rows and empty rows at the end aside. It
 * says on standard output where they differ. */
bool golden_is(struct vt *v, const char *name, int ms);

#define assert_golden(v, name)                                                                              \
	do {                                                                                                \
		if (!golden_is(v, name, VT_PATIENCE))                                                       \
			fail_msg("the screen is not \"%s\" of doc/screens.md (MUSTER_GOLDEN=write)", name); \
	} while (0)
