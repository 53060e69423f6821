/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why a node is where it is, and what to do about it. */
#pragma once

#include "backend/nodes/node.h"
#include "util/macro.h"

struct node_why {
	const char *what;   /* a sentence; static */
	const char *advice; /* one or more sentences; static; "" where there is nothing to do */
	bool trouble;	    /* it will not go on by itself */
};

/* By the stage, the time in it until `now`, and the reason of a failure: the first row of a table that fits. Pure. */
void node_why(const struct node_state *s, int64_t now, struct node_why *ret);
