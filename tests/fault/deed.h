/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A deed with a fault in it, in a process of its own. */
#pragma once

#include "tests/fault/faults.h"
#include "tests/unit/apply-common.h"

/* Neither: it failed, and said why. */
struct outcome {
	bool killed;
	bool done;
};

struct deed {
	int (*run)(struct scratch *s, const struct changeset *c);
	const struct changeset *c; /* for an apply */
};

/* A failure that said nothing, and a process that ended in any other way than by the fault, fail the test. */
struct outcome deed_with_fault(struct scratch *s, const struct deed *d, enum fault kind, unsigned int at);
/* Does it without a fault: how many points it has. */
unsigned int deed_points(struct scratch *s, const struct deed *d);
