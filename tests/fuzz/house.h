/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the targets of all but the agent. */
#pragma once

#include "backend/host/facts.h"
#include "daemon/daemon.h"
#include "tests/fuzz/fuzz.h"
#include "util/macro.h"

#define HOUSE_PROFILES MUSTER_SRCDIR "/profiles"

/* Nothing of this thread is logged. */
void house_quiet(void);
/* The server that the answers are for, that of tests/unit/test-plan.c: eth0 leads outside, eth1 and eth2 to nodes. */
const struct host *house_server(void);
/* A musterd of three nodes, node01 to node03 at 10.66.0.11 and on, with a database in memory in which node01 has booted with
 * HOUSE_TOKEN; made once. */
struct daemon *house_daemon(void);
#define HOUSE_TOKEN "0123456789abcdef0123456789abcdef"
