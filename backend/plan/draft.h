/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers that are being written: read tolerantly, checked by the plan's own rules, written back. */
#pragma once

#include "backend/host/facts.h"
#include "backend/plan/draft-model.h"
#include "backend/plan/plan.h"
#include "util/macro.h"

/* What a draft is judged by. */
struct draft_env {
	const struct host *host;
	const char *profiles_dir;
	const char *path; /* of the answer file: relative paths in it begin in its folder */
};

int draft_new(struct draft **ret) _must_check_; /* nothing is given */
int draft_copy(const struct draft *d, struct draft **ret) _must_check_;
void draft_free(struct draft *d);
DEFINE_CLEANUP(struct draft *, draft_free)

/* Reads what is there, and passes over what is wrong. -ENOENT where there is no file. */
int draft_load(const char *path, struct draft **ret) _must_check_;
int draft_parse(const char *text, size_t len, struct draft **ret) _must_check_;

/* The answer file, with comments. -EILSEQ where a value cannot stand in such a file: bytes that are no UTF-8, or
 * control characters. */
int draft_format(const struct draft *d, char **ret) _must_check_;
/* Replaces the file whole or not at all, mode 0640, where it does not have that text already; the folder is made where it is missing. */
int draft_save(const struct draft *d, const char *path) _must_check_;

/*
 * Every mistake, by its place. *ret_n is 0 where there is none; then *ret_plan (owned; may be asked for with a
 * non-NULL pointer) is what the answers mean, else it is NULL.
 */
int draft_check(const struct draft *d, const struct draft_env *env, struct draft_mistake **ret, size_t *ret_n,
		struct plan **ret_plan) _must_check_;
void draft_mistakes_free(struct draft_mistake *v, size_t n);

/*
 * One node gets another name, or goes; every other node keeps its name, address and MAC address: the counted nodes
 * become sections of their own where that needs it. -EINVAL: nothing was changed, and *ret_why (owned) says why.
 */
int draft_node_rename(struct draft *d, const struct draft_env *env, const char *from, const char *to,
		      char **ret_why) _must_check_;
int draft_node_remove(struct draft *d, const struct draft_env *env, const char *name,
		      char **ret_why) _must_check_;

struct draft_facts {
	const struct host *host;
	const char *hostname; /* as uname(2) says it, with a domain or without; may be NULL */
	const struct strv
		*ssh_keys; /* public keys found on this server, lines of authorized_keys(5); may be NULL */
};

/* Fills in what is not given yet with what the facts suggest. Pure. */
int draft_propose(struct draft *d, const struct draft_facts *facts) _must_check_;
/* The interface that most likely leads to the nodes; NULL where none does. */
const struct host_interface *draft_propose_interface(const struct host *h);

/* ---- within the room ---- */

struct draft_field {
	const char *section, *key;
	bool list;
	bool always;   /* written also where it is not given: no default stands for it */
	bool bare;     /* a word or a number, without quotes where it is one */
	size_t offset; /* of its char * or struct strv in struct draft */
	const char *example, *comment;
};

extern const struct draft_field draft_fields[]; /* in the order of the file; ends without a section */
char *const *draft_text(const struct draft *d, const struct draft_field *f);
const struct strv *draft_list(const struct draft *d, const struct draft_field *f);
/* Adds a node's section to the end. */
int draft_add_node(struct draft *d, const char *name, const char *mac, const char *address,
		   const char *arch) _must_check_;
void draft_drop_node(struct draft *d, size_t at);

struct draft_place {
	const char *section, *key;
	int index;
};

struct draft_places {
	struct draft_place *v; /* of line i + 1 */
	size_t n;
};

/* As draft_format(), and says what stands in which line. An unfit value is written as \xNN; `unfit` is told its place and
 * what is wrong with it. */
int draft_lay_out(const struct draft *d, char **ret, struct draft_places *ret_places,
		  int (*unfit)(void *data, struct draft_place place, const char *why),
		  void *data) _must_check_;
