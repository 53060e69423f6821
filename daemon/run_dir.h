/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder RUN_DIR below the root, where others on this server reach musterd. */
#pragma once

#include <sys/types.h>

#include "util/macro.h"

/* A bound, non-blocking Unix socket of the type (SOCK_DGRAM, SOCK_STREAM) with this name in the folder, in the place of
 * one that was left there. Owner or group -1: whoever runs this; where the right to give it away is missing, it stays
 * whoever runs this. Returns it, or < 0, logged. */
int run_dir_socket(int root_fd, const char *name, int type, mode_t mode, uid_t uid, gid_t gid) _must_check_;
