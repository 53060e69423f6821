/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A rehearsal: the files of a plan for this server, to the byte, in a lab (lab/lab.h) of its own folder, with the real daemons
 * and a virtual node for each firmware and each kind of node. The plan's interface, addresses and MAC addresses are those of
 * the server; in the lab's mount namespace its folders lie where the server's do. What is built on the server is used as it
 * is, read-only; nothing outside of the folder is written. In there lie, besides what a lab has,
 *   host.json       the server's facts, by which the plan was made
 *   report.txt      what it came to, with the evidence of each failure
 *   rehearsal.json  the same in four numbers, for `muster plan` and `muster apply`
 */
#pragma once

#include "lab/lab.h"

enum lab_outcome {
	LAB_TRY_WAITS, /* was not powered on yet */
	LAB_TRY_RUNS,
	LAB_TRY_READY,
	LAB_TRY_FAILED, /* its agent says so */
	LAB_TRY_LATE,	/* it did not come so far in its time */
	LAB_TRY_ENDED,	/* its machine is gone */
};

struct lab_evidence {
	char *title;
	struct strv lines;
};

/* A virtual node. */
struct lab_try {
	char *node;    /* its name; for any machine of a range, "" until it has got one */
	char *machine; /* how the lab calls it: its console is nodes/MACHINE/serial.log */
	char *mac;
	const char *kind; /* static, not translated: see lab_choose() */
	enum lab_firmware firmware;
	enum lab_outcome outcome;
	int64_t on;			    /* when it was powered on, ms since the epoch */
	int64_t stage_ms[NODE_STAGE_COUNT]; /* how long it was in each; -1: never */
	int64_t ms;			    /* from power-on to its end */
	enum node_stage stage;	       /* the last one on the way to ready; NODE_OFF: it was never seen */
	char *reason;		       /* as its agent gave it; "" */
	struct lab_evidence *evidence; /* of a failure */
	size_t n_evidence;
};

struct lab_rehearsal {
	int64_t at;
	char plan[MUSTER_REHEARSAL_HASH];
	char *folder, *report, *accelerator;
	struct lab_try *tries;
	size_t n, ready;
	struct strv notes; /* what was not tried, what was built */
	/* Why no node was powered on: a daemon refused its configuration, or did not come up. */
	bool stopped;
	struct lab_evidence *evidence;
	size_t n_evidence;
	struct muster_difference *differences; /* of all files, also those that do not differ */
	size_t n_differences;
};

struct lab_rehearse_options {
	struct lab_options lab; /* dir, accelerator, memory_mb, on_event, data, cancel_fd count */
	struct muster *server;	/* of the server, its plan read */
	const struct plan *plan;
	const char *answers;	  /* the file that it was read from */
	const char *server_root;  /* absolute */
	const struct strv *nodes; /* these alone, each with each firmware; NULL: one for each kind */
	bool bios, uefi;
	int64_t timeout_ms; /* of each node */
	bool keep;	    /* what runs goes on afterwards */
};

#define LAB_REHEARSE_TIMEOUT_MS (300 * INT64_C(1000))

/* 0 whatever it came to; negative: it could not be tried (emitted). -MUSTER_E_CANCELLED. */
int lab_rehearse(const struct lab_rehearse_options *o, struct lab_rehearsal *ret) _must_check_;
void lab_rehearsal_clear(struct lab_rehearsal *r);

/*
 * Which nodes are tried. Nodes are of one kind when nothing but name and numbers tells them apart: those that a count makes,
 * those with a section of their own, and, with addresses from a range, any machine. Of each kind each firmware gets a node of
 * its own where there are so many. *ret_notes: what cannot be tried, in sentences. Pure.
 */
int lab_choose(const struct plan *p, const struct strv *only, bool bios, bool uefi, struct lab_try **ret,
	       size_t *ret_n, struct strv *ret_notes) _must_check_;
void lab_tries_free(struct lab_try *v, size_t n);

/* ---- evidence: pure ---- */

/* The last `most` lines in which one of the words stands whole, whatever its case; `words` ends in NULL. */
int lab_lines_about(const char *text, const char *const *words, size_t most, struct strv *ret) _must_check_;
/* The last `most` lines of a console that say anything, without what moves its cursor or colours it. */
int lab_console_lines(const char *text, size_t len, size_t most, struct strv *ret) _must_check_;

/* ---- telling ---- */

/* "bios" or "uefi" as people write it. */
const char *lab_firmware_name(enum lab_firmware f);
/* What became of it, one sentence; owned. NULL when memory runs out. */
char *lab_try_sentence(const struct lab_try *t);
/* What it came to in all, one sentence; owned. */
char *lab_rehearsal_sentence(const struct lab_rehearsal *r);
/* The whole report. */
int lab_rehearsal_text(const struct lab_rehearsal *r, char **ret) _must_check_;
