/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A root for kernels without overlayfs (before Linux 3.18): read-only as it is, with copies in memory in the place of those
 * folders that a system writes into.
 */
#pragma once

#include "agent/common.h"

/* Copies what is in the folder `from` into the folder `to`, with owners, modes and times. Both stay the caller's. */
int copies_tree(int from, int to) _must_check_;
/* Mounts the root at `lower` read-only at `new`, and over its folders the copies, which are made in `upper`. */
int copies_mount(const char *lower, const char *upper, const char *new, char **reason) _must_check_;
