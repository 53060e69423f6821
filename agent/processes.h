/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The processes of the single system, as /proc has them on a node that is in it. */
#pragma once

#include "agent/common.h"

#define PROCESSES_MAX 240 /* the busiest; the rest is counted */
/* Bytes of the list: what a report has room for. */
#define PROCESSES_BYTES 10000
#define PROCESSES_LOOK_MS 6000 /* what takes longer hangs */

/*
 * Adds the list to out as agent/wire.h has it, WIRE_REPORT_PROCESSES. Returns 0, or a status of agent/command.h where
 * out says why there is none. Where `kernel` is not set, the kernel's own threads are left out.
 *
 * In a broken single system reading it never returns, and the reader cannot be killed: a child reads, timeout_ms long at
 * most. It holds a lock as long as it lives, so that there is never more than one that hangs.
 */
int processes_list(int at, int timeout_ms, bool kernel, struct text *out);

/* What the child adds, without one: reading it may never return. */
void processes_look(int at, int kernel, struct text *out);

/* The single system numbers the processors of each node from its id times this on. 0: the kernel does not tell it. `home` is
 * the id of the node where the caller is; he may be put on its first processor for a moment. */
unsigned long long processes_per_node(int at, int home);
/* The id of the node that it runs on; -1: unknown. It may hang. */
int processes_node(int at, pid_t pid, unsigned long long per_node);
