/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An action at work beside the reports, which go on: in a child, whose result comes through a pipe. */
#pragma once

#include "agent/common.h"

#define JOB_LOOK_MS 100	   /* how often to look at one that runs */
#define JOB_HURRY_MS 30000 /* after one the node reports each second for so long: the next may follow */

struct job {
	unsigned long long id; /* 0: there is none, or its result was reported */
	bool done;
	int status;
	char *output;	       /* owned; only when it is done */
	int fd;		       /* of the pipe, while it runs */
	struct text in;	       /* what came through it */
	char word[16];	       /* what it does */
	long long began, took; /* ms; took only when it is done */
	long long deadline, hurry_until;
};

/* Begins it; -EBUSY: another one is at work, or its result was not reported yet. */
int job_start(struct job *j, int at, unsigned long long id, const char *word, const char *args) _must_check_;
/* Looks, and waits for nothing. True: it is done, and to be reported. */
bool job_look(struct job *j);
/* Its result was reported. */
void job_reported(struct job *j);
static inline bool job_runs(const struct job *j)
{
	return j->id && !j->done;
}
/* True once, when it has ended. */
static inline bool job_ended(struct job *j)
{
	return job_runs(j) && job_look(j);
}
/* How long to wait for the next look, where the next report is due in `left` ms; and from one report to the next. */
int job_wait_ms(const struct job *j, long long left);
long long job_interval_ms(const struct job *j, unsigned interval);
