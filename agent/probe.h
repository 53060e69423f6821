/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether the single system works: processes of this program are moved to another node and back, and what they come back with
 * is compared with the same computed here. Run where Kerrighed's tools work: in the container, or on a node of generation 2.4.
 */
#pragma once

#include "agent/common.h"

#define PROBE_SHARED_KEY 0x6d757374 /* of its shared memory (shmget(2)) */
#define PROBE_MS 150000		    /* more than all of its parts, each of which has its own end */

/*
 * args: the ids of nodes that are in it, "2,4-16"; the last one that is not this node's is where they go. Writes a line
 * "PART MS STATUS[ WHY]" to out as each part ends, STATUS as of agent/command.h; a part that fails ends what builds on it:
 * A part with status 0 and a WHY was done, but not seen: the kernel does not tell where a process is.
 *   leave    a process with 1 MB of memory moves there while it computes
 *   return   it comes back
 *   result   its result is right
 *   shared   another one, moved there, reads the shared memory (SysV) that was written here, and here its answer is read
 * Returns 0 when all are fine. For command_call().
 */
int probe_run(int at, const char *args, int out);
