/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the body of a node's report (agent/wire.h). Pure: bytes in, values out; whoever sent them. */
#pragma once

#include "backend/nodes/store.h"
#include "util/macro.h"

struct report {
	struct store_report values; /* its texts point to those below */
	char *kernel, *version, *reason, *log, *result, *processes;
	bool has_stage;	   /* READY, of a node that is in the single system, is JOINED */
	int64_t done;	   /* the action that it does now; 0: none */
	int64_t busy;	   /* 1: it could begin no order now */
	int64_t result_id; /* the one whose outcome `result` is, with its exit status; 0: none */
	int64_t result_status;
	int64_t processes_status; /* 0 with processes "": it tells none */
};

/*
 * -EINVAL: no stage, an unknown stage, a line without "=", a number that is none or out of bounds, an
 * escape that is none. Unknown keys are ignored, a later line wins over an earlier one. Texts come out as
 * clean UTF-8 of bounded length: what is no UTF-8, and what would move a terminal's cursor or turn its text, is
 * U+FFFD; the log, a result and the list of processes keep their newlines, and tabs.
 */
int report_parse(const char *body, size_t len, struct report *ret) _must_check_;
void report_free(struct report *r);
