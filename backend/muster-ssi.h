/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The single system image: part of the public contract, which backend/muster.h includes. Errors as there. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "backend/ssi/model.h"
#include "util/macro.h"
#include "util/strv.h"

struct muster;
struct muster_asking;
struct muster_result;
struct node_state;

/* ---- the single system image ----------------------------------------------------------------------------- */

/* By what the nodes last reported, also while musterd is down; `range` chooses the nodes that are listed, all of them are
 * judged. -ENOENT: nothing was applied yet. -EINVAL: the range is wrong (emitted). */
int muster_ssi_status(struct muster *m, const char *range, struct ssi_state *ret) _must_check_;
void muster_ssi_free(struct ssi_state *s);
/* The same of nodes that are known already, as the feed gave them. */
int muster_ssi_judge(const struct node_state *v, size_t n, struct ssi_state *ret) _must_check_;
/* Says of one that seems to be up that it hangs, where looking at its processes has shown it, and what to do. */
int muster_ssi_hangs(struct ssi_state *s) _must_check_;
/* How many processes are on each node, where that can be asked for: a node of it is asked, so that it takes a moment. What takes
 * longer than `ms` is left unknown; where looking at them does not come back, it says that it hangs. */
int muster_ssi_count(struct muster *m, int ms, struct ssi_state *s) _must_check_;
/* What these nodes lack to form it now: sentences, none when nothing is missing. */
int muster_ssi_missing(const struct node_state *v, size_t n, struct strv *ret) _must_check_;

/*
 * Its processes. A node of it is asked, which takes a moment, and ten seconds where it cannot be woken. `kernel`: with the
 * kernel's own threads. -MUSTER_E_UNHEALTHY: it hangs; -MUSTER_E_REFUSED: it is not up; both emitted, with the remedy.
 */
int muster_ssi_ps(struct muster *m, bool kernel, struct ssi_processes **ret) _must_check_;
void muster_ssi_ps_free(struct ssi_processes *p);
DEFINE_CLEANUP(struct ssi_processes *, muster_ssi_ps_free)
/* The same again and again, about every two seconds, until muster_asking_free(). When muster_asking_fd() is readable it is to
 * be read until it says 1; 0: there are new ones. Nothing waits, and while nobody asks, no node looks at them. */
int muster_ssi_ps_ask(struct muster *m, bool kernel, struct muster_asking **ret) _must_check_;
int muster_ssi_ps_read(struct muster *m, struct muster_asking *a, struct ssi_processes **ret) _must_check_;

/* ---- forming the single system image: the nodes' agents do it -------------------------------------------------- */

/*
 * Each waits until the nodes have done it, some seconds where all goes well and minutes at most; a step is emitted for each
 * part. What went wrong with a node stands in its result. -MUSTER_E_REFUSED: emitted every reason, and nothing was done.
 * `range` NULL: all nodes.
 */
int muster_ssi_start(struct muster *m, const char *range, struct muster_result **ret,
		     size_t *ret_n) _must_check_;
int muster_ssi_add(struct muster *m, const char *range, struct muster_result **ret,
		   size_t *ret_n) _must_check_;
int muster_ssi_remove(struct muster *m, const char *range, struct muster_result **ret,
		      size_t *ret_n) _must_check_;
/* Asks MUSTER_QUESTION_POWER, naming the nodes; they restart in the moment they hear of it. */
int muster_ssi_reset(struct muster *m, const char *range, struct muster_result **ret,
		     size_t *ret_n) _must_check_;
/*
 * Ends the whole single system that the nodes of the range are in, in good order; what runs in it ends. Kerrighed 2.4: by
 * `krgadm cluster stop`, where its krgadm has that. 3.0 has nothing of the kind that leaves the nodes up: they are taken out one
 * after the other, from the highest id down, and the last one restarts. Asks MUSTER_QUESTION_POWER, saying so.
 */
int muster_ssi_stop(struct muster *m, const char *range, struct muster_result **ret,
		    size_t *ret_n) _must_check_;

enum muster_scheduler {
	MUSTER_SCHEDULER_SHOW,
	MUSTER_SCHEDULER_ON, /* on the nodes of the range; NULL: on all, also those that come later */
	MUSTER_SCHEDULER_OFF,
};
/* What moves processes by itself. A line "NAME IDS" for each that is there then, IDS as "1-4,7". -MUSTER_E_COMMAND: emitted
 * what was said. */
int muster_ssi_scheduler(struct muster *m, enum muster_scheduler what, const char *range,
			 struct strv *ret) _must_check_;

/*
 * Tries the single system out: its processors and memory are the sum of what its nodes had before they were in it, a process
 * moves to another node and back and keeps its result, and shared memory (SysV) is the same on two nodes. -MUSTER_E_REFUSED:
 * emitted why it cannot be tried. Otherwise 0, whatever comes out; takes minutes at most, also where it hangs.
 */
int muster_ssi_test(struct muster *m, struct ssi_test *ret) _must_check_;
void muster_ssi_test_free(struct ssi_test *t);

/* Moves a process to the node of that name. -MUSTER_E_COMMAND: emitted what was said. */
int muster_ssi_migrate(struct muster *m, long pid, const char *node) _must_check_;

enum muster_ssi_verb {
	MUSTER_SSI_START,
	MUSTER_SSI_ADD,
	MUSTER_SSI_REMOVE,
	MUSTER_SSI_MIGRATE,
	MUSTER_SSI_STOP,
	MUSTER_SSI_TEST,
	MUSTER_SSI_SCHEDULER_ON,
	MUSTER_SSI_SCHEDULER_OFF,
};

struct muster_ssi_wish {
	enum muster_ssi_verb verb;
	const char *range; /* of the nodes; NULL: all */
	long pid;	   /* of MIGRATE */
	const char *node;  /* likewise */
};
/* One of these as a job, for a screen that goes on meanwhile: what became of each node, or of each part of a test, is a note or an
 * error of it. A test that does not pass ends with -MUSTER_E_UNHEALTHY. */
int muster_ssi_job(struct muster *m, const struct muster_ssi_wish *wish) _must_check_;
