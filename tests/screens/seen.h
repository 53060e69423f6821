/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of screens assert of a screen, and how one is left out. To be included after cmocka.h. */
#pragma once

#include <stdio.h>

#include "tests/screens/vt.h"

/* cmocka cuts what is longer than a screen's half. */
static inline void seen_tell(struct vt *v)
{
	fflush(stdout);
	fputs(vt_screen(v), stderr);
}

#define assert_seen(v, text)                                       \
	do {                                                       \
		if (!vt_wait(v, text, VT_PATIENCE)) {              \
			seen_tell(v);                              \
			fail_msg("\"%s\" does not come up", text); \
		}                                                  \
	} while (0)
#define assert_gone(v, text)                                       \
	do {                                                       \
		if (!vt_wait_gone(v, text, VT_PATIENCE)) {         \
			seen_tell(v);                              \
			fail_msg("\"%s\" does not go away", text); \
		}                                                  \
	} while (0)

/* Only where the test cannot be made; ./run test takes it for a failure. */
#define skip_because(why)                               \
	do {                                            \
		print_message("# left out: %s\n", why); \
		skip();                                 \
	} while (0)
