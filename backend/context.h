/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The context behind backend/muster.h, shared by the facade's own files only. */
#pragma once

#include <jansson.h>

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
	char *sbindir, *libexecdir, *profiles_dir, *recipes_dir;
	struct host *host;	       /* NULL until asked for */
	struct profile_distro *distro; /* likewise */
	struct plan *plan;	       /* of the last muster_plan() */
	char *answers;		       /* the path it was read from */
	struct plan_mistakes mistakes;
	int64_t step_started;
	char *step;		       /* the present step's name */
	char *error;		       /* see muster_take_error(); NULL: none */
	const struct changeset *shown; /* while it is applied */
	struct strv taken;	       /* whose replacing the operator has said yes to: paths */
	int patience_ms;	       /* see muster_patience(); 0: what is usual */
};

/* Events; each takes a context that has no handler, too. */
void context_step(struct muster *m, const char *name, const char *fmt, ...) _printf_(3, 4);
void context_done(struct muster *m); /* ends the present step */
void context_progress(struct muster *m, int permille);
void context_line(struct muster *m, const char *line);
void context_note(struct muster *m, const char *fmt, ...) _printf_(2, 3);
void context_error(struct muster *m, const char *fmt, ...) _printf_(2, 3);
void context_listen(struct muster *m); /* what the rooms below log is emitted */
bool context_ask(struct muster *m, enum muster_question_type type, bool preset, const char *text);

/* A connection to musterd's control socket. -ENOENT, -ECONNREFUSED: it does not run. */
int context_connect(struct muster *m, int *ret) _must_check_;
/* Asks musterd one thing, and waits for the line of the answer, at most 10 s or muster_patience(). Takes the request over; *ret is a new
 * reference. What goes wrong is emitted; an answer {"error"} is emitted, too, and gives its code. */
int context_ask_daemon(struct muster *m, json_t *request, json_t **ret) _must_check_;
/* The same without waiting: the request, which is taken over and must be short, goes out; no event tells when it cannot. Then
 * what has arrived is read: 1, when more is to come. Where more lines than one are told, each call gives the next. */
int context_ask_begin(struct muster *m, json_t *request, struct muster_asking **ret) _must_check_;
int context_ask_work(struct muster_asking *a, json_t **ret) _must_check_;

/* Waits; -MUSTER_E_CANCELLED: the operator wants no more. */
int context_pause(struct muster *m, int ms) _must_check_;
/* A list of the names; NULL when memory runs out. */
json_t *context_names_json(const struct strv *names);
/* The names that the range means, those of all nodes for NULL. -EINVAL (emitted), -ENOENT: nothing is applied. */
int context_names(struct muster *m, const char *range, struct strv *ret) _must_check_;
/* For the builders of roots; *ret_agent is owned, and goes into *ret. */
int context_image_env(struct muster *m, struct image_env *ret, char **ret_agent) _must_check_;
/* What the nodes will boot, as far as it is known: "" for what must be built first. */
struct context_built {
	char *root_id, *initramfs, *kernel_release;
};
void context_built_free(struct context_built *b);
/* With `build`, what is not there is built. */
int context_find_built(struct muster *m, bool build, struct context_built *ret) _must_check_;
bool context_initramfs_exists(struct muster *m, const char *id);
/* The files of the plan that was read last. */
int context_render(struct muster *m, const struct context_built *b, struct fileset *f) _must_check_;
/* Into the network namespace where packages come from; *ret leads back, and stays as it is where there is none to go to. */
int context_go_outside(const struct muster *m, int *ret) _must_check_;
/* The initramfs that belongs to a root with the applied answers; "" where it is not built. Owned. */
int context_initramfs(struct muster *m, const char *root_id, char **ret) _must_check_;

/* Where kernels are built and found. */
struct kernel_env;
void context_kernel_env(struct muster *m, struct kernel_env *ret);
/* The kernel of this id, or the newest one of this recipe; -ENOENT. */
struct kernel_generation;
int context_kernel_find(const struct kernel_env *env, const char *word,
			struct kernel_generation **ret) _must_check_;
/* Whether the plan's word means one that is built here, and the path of its image; -ENOENT: it is not there. */
bool context_kernel_is_built(struct muster *m, const char *word);
/* Whether a recipe of that name is there, or made a kernel of that id. */
bool context_kernel_recipe(struct muster *m, const char *word);
int context_kernel_path(struct muster *m, const char *word, char **ret) _must_check_;
/* That it is not built, and what builds it: a sentence; owned. */
int context_kernel_missing(struct muster *m, const char *word, char **ret) _must_check_;
/* Also below "/", where a scratch root has none; env is then that room's, whose descriptor the caller closes. */
int context_kernel_seek(struct muster *m, const char *word, struct kernel_env *env, int *real_fd,
			struct kernel_generation **ret) _must_check_;
/* Puts the path of the kernel that was built in the place of the plan's word for it. */
int context_kernel(struct muster *m) _must_check_;

int context_host(struct muster *m) _must_check_; /* fills m->host and m->distro */

/* What the plan that was read last wants of the server. */
int context_wish(struct muster *m, struct apply_wish *ret) _must_check_;
void context_wish_free(struct apply_wish *w);
/* Packages that the plan wants and that are not there; without a plan, those that any plan wants. */
int context_missing_packages(struct muster *m, struct strv *ret) _must_check_;
/* As apply_unfinished(); and whether musterd runs: 1, 0, or -1 where nobody can tell. */
/* The apply of the plan that was read last, if any; the host's facts are there. */
void context_apply(struct muster *m, struct apply *ret);
void context_services(struct muster *m, int *ret_unfinished, int *ret_musterd);
