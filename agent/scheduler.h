/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schedulers of the single system, which Kerrighed keeps in configfs, on /config, and sets only from within the container:
 * probes/NAME measures, schedulers/NAME moves processes of its process_set between the nodes of its node_set by its policy.
 */
#pragma once

#include "agent/common.h"

#define SCHEDULER_MS 30000 /* what it takes at most, where it does not hang */

/*
 * "1": the usual ones are set up, unless there are some, for all nodes; "1 IDS": for these, as "1-4,7". "0": all are taken
 * away. "2": nothing changes. Writes a line "NAME IDS" to out for each that is there then, where it returns 0. For
 * command_call(): a broken single system may let it hang.
 */
int scheduler_set(int at, const char *args, int out);
