/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbers that musterd shows, in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). */
#pragma once

#include <stdatomic.h>

#include "backend/nodes/node.h"
#include "daemon/gate.h"
#include "util/macro.h"

/* X(CODE): the HTTP statuses that musterd answers with. */
#define METRICS_CODES(X) \
	X(200) X(204) X(206) X(400) X(403) X(404) X(405) X(411) X(413) X(416) X(429) X(500) X(503)

enum metrics_code {
#define X(code) METRICS_##code,
	METRICS_CODES(X)
#undef X
		METRICS_CODE_COUNT
};

struct metrics {
	atomic_ullong requests[METRICS_CODE_COUNT];
	atomic_ullong reports_refused, boots_refused;
	atomic_ullong refusals_untold, leases_untaken; /* beyond their rates */
};

void metrics_count(struct metrics *m, unsigned int status);

/* Pure but for the counters; resident is this process's resident memory in bytes. Owned. */
int metrics_text(struct metrics *m, struct gate *g, const struct node_state *v, size_t n,
		 unsigned long long resident, char **ret, size_t *ret_len) _must_check_;

unsigned long long metrics_resident(void); /* of this process, in bytes; 0 when unknown */
