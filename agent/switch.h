/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the initramfs into the node's root. */
#pragma once

#include "agent/common.h"

/* The program to run as init: the kernel argument init= where it is given, else /sbin/init. Pure. Owned. */
char *switch_init_path(const char *cmdline);

/* Moves /dev, /proc, /sys and /run into the new root, gives the initramfs's memory back, makes the folder the root
 * and runs its init with argv (argv[0] is replaced). Returns only on failure; *ret_moved tells whether the old root
 * is gone. */
int switch_root(const char *new, const char *init, char **argv, bool *ret_moved, char **reason) _must_check_;
