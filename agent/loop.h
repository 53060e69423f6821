/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Loop devices (loop(4)): a file as a block device. */
#pragma once

#include "agent/common.h"

/* Binds an open file to a free loop device, read-only, freed with its last user. *ret_path, owned, is the device's
 * path; *ret_fd keeps it alive until it is mounted. */
int loop_bind(int file, char **ret_path, int *ret_fd) _must_check_;
