/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program of the node, with a deadline and its output caught. */
#pragma once

#include "agent/common.h"
#include "agent/wire.h"

#define COMMAND_OUTPUT_MAX 4096		    /* bytes of output that are kept, of its begin */
#define COMMAND_TIMEOUT WIRE_STATUS_TIMEOUT /* as timeout(1) says it */
#define COMMAND_MISSING WIRE_STATUS_MISSING /* as a shell says it */

/*
 * Runs argv (NULL-terminated; argv[0] is looked for in the usual folders below at) and adds what it writes to out. Its exit
 * status, 128 + the signal that ended it, or one of the above. A program that cannot be killed at the deadline (now_ms())
 * is left behind. `enough` (may be NULL) is asked every 50 ms: when it says true, the program is left to run, and 0 returned.
 */
int command_run(int at, const char *const *argv, long long deadline, bool (*enough)(int at),
		struct text *out);
/* Likewise, for a function that runs in a child and writes what it has to say to a descriptor. */
int command_call(int at, int (*call)(int at, const char *args, int out), const char *args, long long deadline,
		 struct text *out);
