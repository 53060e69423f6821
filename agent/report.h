/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reports to musterd, and what its answers ask for (agent/wire.h). */
#pragma once

#include "agent/common.h"
#include "agent/conf.h"
#include "agent/facts.h"
#include "agent/job.h"
#include "agent/ssi.h"
#include "agent/wire.h"

struct report {
	const char *stage;	  /* initramfs, root, ready, failed */
	const char *reason, *log; /* of failed; NULL otherwise */
	unsigned long long done;  /* the action that the node does now; 0: none */
	const struct job *job;	  /* whose result it tells; NULL: none */
	const struct job *list;	  /* of the processes, likewise */
	bool busy;		  /* an action that has a result is at work */
	const struct ssi *ssi;	  /* NULL: it has no part in one, or it is not told now */
};

/* The body of a report, at most WIRE_REPORT_MAX bytes: of a long log the first lines are left out. Pure. */
int report_body(const struct report *report, const struct facts *f, char **ret, size_t *ret_len) _must_check_;

enum report_action {
	ACTION_NONE,
	ACTION_REBOOT,
	ACTION_POWEROFF,
	ACTION_RESET,
	ACTION_STEPS, /* what `word` says (agent/steps.h) */
};

/* What the server's answers may change. */
struct report_state {
	enum report_action action; /* what the server asks for */
	char word[16], args[WIRE_ARGS_MAX];
	struct job job;
	unsigned long long action_id, action_done; /* its number; that of the last one that was done */
	unsigned interval;			   /* seconds */
	struct ssi_probe ssi;
	struct job list;    /* looks at the processes */
	char list_wish[2];  /* its argument; "": nobody wants it */
	long long list_due; /* not before */
	int told; /* the status or error that was logged last, so that a lasting one is logged once */
};

/* Obeys the lines of an answer; unknown keys and wrong values are left out. */
void report_obey(const char *answer, struct report_state *state);

/* Begins to look at the processes where that is wanted, and due. True once, when that is done and to be reported. */
bool report_list(int at, struct report_state *state);
/* How long to wait for the next look at what is at work, where the next report is due in `left` ms. */
int report_wait_ms(const struct report_state *state, long long left);

/* Sends one report, of a ready node with its part in the single system image, and obeys the answer. A failure is logged when it is another one than the last time. Takes at
 * most timeout_ms for each silence. */
int report_send(int at, const struct conf *c, const struct report *report, int timeout_ms,
		struct report_state *state);
