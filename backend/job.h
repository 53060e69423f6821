/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A job's files, below the root:
 *   JOB_FOLDER/lock         held by the job's process for as long as it lives (fcntl(2), F_OFD_SETLK): never stale
 *   JOB_FOLDER/current.log  {"job": KIND, "pid": N, "started": MS}, then its events (muster_event_encode()), last
 *                           {"end": CODE, "at": MS}; it stays until the next job begins
 * Private to the facade.
 */
#pragma once

#include "backend/muster.h"

#define JOB_FOLDER "/var/lib/muster/job"
#define JOB_LOCK JOB_FOLDER "/lock"
#define JOB_LOG JOB_FOLDER "/current.log"
/* What the newest building of a kernel was asked for: {"recipe", "sources", "cc", "jobs", "id"}. */
#define JOB_KERNEL JOB_FOLDER "/kernel.json"

/* Of a rehearsal: runs the program that does it. */
int rehearse_work(struct muster *m, const char *answers) _must_check_;

/* muster_job_start() with the work as a function, which runs in the job's process with a context of its own. */
int job_start(struct muster *m, enum muster_job_kind kind, const char *answers,
	      int (*work)(struct muster *m, const char *answers)) _must_check_;
/* The same for work on something else than answers: `data` is the job's own copy of the starter's memory. */
int job_start_with(struct muster *m, enum muster_job_kind kind, const void *data,
		   int (*work)(struct muster *m, const void *data)) _must_check_;
