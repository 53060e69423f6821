/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests share that drive `muster console` beside a seeded cluster. After <cmocka.h>. */
#pragma once

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/screens/cluster.h"
#include "tests/screens/seen.h"
#include "tests/screens/vt.h"
#include "util/fs.h"

#define MUSTER MUSTER_BUILDDIR "/muster"

static inline struct vt *console_with(struct cluster *c, const char *const env[], int rows, int columns)
{
	_cleanup_free_ char *host = fs_join(c->root, "host.json");
	const char *const argv[] = { MUSTER, "console", "--root", c->root, "--host", host, NULL };
	struct vt *v;

	assert_int_equal(vt_start(argv, env, rows, columns, &v), 0);
	return v;
}

static inline struct vt *console(struct cluster *c, int rows, int columns)
{
	const char *const env[] = { cluster_zone(c), NULL };

	return console_with(c, env, rows, columns);
}

static inline void assert_given_back(struct vt *v)
{
	const char *left = vt_left_behind(v);

	if (left)
		fail_msg("it leaves %s behind", left);
}

static inline void quit(struct vt *v)
{
	int status;

	vt_send(v, "q");
	if (!vt_wait_exit(v, VT_PATIENCE, &status))
		fail_msg("it goes on:\n%s", vt_screen(v));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_given_back(v);
	vt_free(v);
}

static inline int setup_seeded(void **state)
{
	struct cluster *c = cluster_new(16);

	cluster_seed(c, true);
	cluster_start(c);
	*state = c;
	return 0;
}

static inline int setup_empty(void **state)
{
	*state = cluster_new(0);
	cluster_start(*state);
	return 0;
}

static inline int setup_unseen(void **state)
{
	*state = cluster_new(16);
	cluster_start(*state);
	return 0;
}

static inline int teardown_cluster(void **state)
{
	cluster_free(*state);
	return 0;
}
