/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The context behind backend/muster.h, shared by the facade's own files only. */
#pragma once

#include "backend/apply/apply.h"
#include "backend/host/host.h"
#include "backend/image/image.h"
#include "backend/muster.h"
#include "backend/plan/plan.h"
#include "backend/plan/profile.h"

#define CONTEXT_ANSWERS "/etc/muster/answers.conf"
#define CONTEXT_CLUSTER "/etc/muster/cluster.json"
#define CONTEXT_STORE "/var/lib/muster/state/muster.db"

struct muster {
	struct muster_config config; /* its strings are copied into the fields below */
	int root_fd;
	char *root_path; /* absolute; "/" for the running system */
	bool scratch;	 /* another root than "/" */
	char *sbindir, *libexecdir, *profiles_dir;
	struct host *host;	       /* NULL until asked for */
	struct profile_distro *distro; /* likewise */
	struct plan *plan;	       /* of the last muster_plan() */
	char *answers;		       /* the path it was read from */
	struct plan_mistakes mistakes;
	int64_t step_started;
	char *step; /* the present step's name */
};

/* Events; each takes a context that has no handler, too. */
void context_step(struct muster *m, const char *name, const char *fmt, ...) _printf_(3, 4);
void context_done(struct muster *m); /* ends the present step */
void context_progress(struct muster *m, int permille);
void context_line(struct muster *m, const char *line);
void context_note(struct muster *m, const char *fmt, ...) _printf_(2, 3);
void context_error(struct muster *m, const char *fmt, ...) _printf_(2, 3);
bool context_ask(struct muster *m, enum muster_question_type type, bool preset, const char *text);

int context_host(struct muster *m) _must_check_; /* fills m->host and m->distro */

/* Packages that the plan wants and that are not there; without a plan, those that any plan wants. */
int context_missing_packages(struct muster *m, struct strv *ret) _must_check_;
/* As apply_unfinished(); and whether musterd runs: 1, 0, or -1 where nobody can tell. */
void context_services(struct muster *m, int *ret_unfinished, int *ret_musterd);
