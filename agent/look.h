/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads of the single system's /proc, which never return where it is broken: a child does them, and what it has said when its
 * time is over is thrown away.
 */
#pragma once

#include "agent/common.h"

/*
 * Adds what the child says to out. `lock` is a file below `at`: as long as a child that cannot be killed holds it, no other one
 * is started. 0, or COMMAND_TIMEOUT with a line that says why.
 */
int look_run(int at, const char *lock, int timeout_ms, void (*look)(int at, int what, struct text *out),
	     int what, struct text *out);
