/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests that drive tui-demo share: starting it, waiting for a text, and its end. After <cmocka.h>. */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/screens/seen.h"
#include "vt.h"

#define DEMO MUSTER_BUILDDIR "/tests/screens/tui-demo"

/* Fails with what is on the screen, which says more than a line number; cmocka's own messages are cut. */

static int synced; /* see sync_screen() */

static inline struct vt *start_with(const char *rows, const char *const env[], int height, int width)
{
	const char *const argv[] = { DEMO, rows, NULL };
	struct vt *v;

	synced = 0;
	assert_int_equal(vt_start(argv, env, height, width, &v), 0);
	return v;
}

static inline struct vt *start(void)
{
	struct vt *v = start_with("40", NULL, 24, 80);

	assert_seen(v, "node00001");
	assert_seen(v, "quit");
	return v;
}

static inline void assert_ended(struct vt *v, int want)
{
	const char *left;
	int status;

	if (!vt_wait_exit(v, VT_PATIENCE, &status))
		fail_msg("it goes on:\n%s", vt_screen(v));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
		fail_msg("it ended with status 0x%x:\n%s", status, vt_screen(v));
	left = vt_left_behind(v);
	if (left)
		fail_msg("it leaves %s behind", left);
}

static inline void quit(struct vt *v)
{
	vt_send(v, "q");
	assert_ended(v, 0);
	assert_seen(v, "bye 0");
	vt_free(v);
}

/* Waits until all that was typed has been worked on: the answer to this key comes after it, and is numbered. */
static inline void sync_screen(struct vt *v)
{
	char text[64];

	snprintf(text, sizeof(text), "moment %d has come", ++synced);
	vt_send(v, "t");
	assert_seen(v, text);
}
