/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's part inside Kerrighed 3.0's container. The tools that add, remove and migrate work only in there. The
 * container's init is this program under another name; it listens at a socket in /run/muster, which both sides see, and
 * runs the commands of a fixed table. Request: "WORD ARGUMENTS\n"; answer: "STATUS\n", then the output.
 */
#pragma once

#include "agent/common.h"

#define INSIDE_HELPER "run/muster/ssi-helper" /* what Kerrighed starts first in the container */
#define INSIDE_INIT "run/muster/ssi-init"     /* what its krginit then starts */
/* Of the node's root, where it has one: started in the container as it begins, on each of its nodes. A way in for people (an
 * sshd of its own), or what shall run there. */
#define INSIDE_OWN "etc/muster/ssi-start"

#define INSIDE_CLUSTER_MS 120000 /* what krgadm may take in there to add nodes, or take them out */

/* As INSIDE_HELPER: mounts the container's /proc and becomes krginit. Returns only on failure: an exit code. */
int inside_helper_main(void);
/* As INSIDE_INIT. Returns only on failure: an exit code. */
int inside_init_main(void);
/* The loop of it, at a root folder, until stop (may be NULL) says so. */
int inside_serve(int at, bool (*stop)(void)) _must_check_;

/* True when the container's part answers. */
bool inside_answers(int at);
/* Has it run a command of its table: its status, or COMMAND_MISSING when nobody answers. Adds to out what was said. */
int inside_ask(int at, const char *word, const char *args, long long deadline, struct text *out);
