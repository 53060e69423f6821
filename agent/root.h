/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes the node's root: its squashfs (fetched into memory, on NFS, or on a disk) below an overlay in memory. */
#pragma once

#include "agent/common.h"
#include "agent/conf.h"
#include "agent/modules.h"

#define ROOT_NEW "/new" /* where the root stands before the switch */

/* Mounts the root of c at ROOT_NEW. The network is up. After a failure nothing is left mounted, so that it may be
 * tried again; what has been fetched of a root until the server fell silent is kept for that, in memory. */
int root_mount(int at, const struct conf *c, struct modules *m, int uevents, char **reason) _must_check_;
/* 0 when size bytes more fit into memory and leave enough to run; otherwise -ENOMEM and the reason. */
int root_check_memory(int at, unsigned long long size, char **reason) _must_check_;
