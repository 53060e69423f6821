/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Within the room: one reading of an answer file, section by section. */
#pragma once

#include "backend/host/facts.h"
#include "backend/plan/conf.h"
#include "backend/plan/plan.h"
#include "backend/plan/profile.h"

#define ANSWERS_NODES_MAX 65536

/* The sections and keys that there are. */
extern const struct conf_form answers_forms[];

struct answers {
	const char *file; /* as the caller named it */
	const struct host *host;
	const char *profiles_dir;
	struct profile_distro *distro; /* NULL where this server's distribution has none */
	struct conf *conf;
	struct plan_mistakes *mistakes;
	struct plan *plan;
	bool net_known;	  /* plan->net is sound */
	bool range_known; /* plan->range is sound */
	bool ssi;	  /* the profile makes one machine of the nodes */
	unsigned int network_line;
	unsigned int last_line; /* of the file: there something is missing that is nowhere in it */
	int error;		/* sticky: -ENOMEM and the like, no mistake of the operator */
};

/* What a profiles/cluster/NAME.conf may hold. */
extern const struct conf_form profile_cluster_forms[];

/* Notes a mistake; memory running out ends up in a->error. */
void answers_wrong(struct answers *a, unsigned int line, const char *fmt, ...) _printf_(3, 4);
void answers_wrong_in(struct answers *a, const char *file, unsigned int line, const char *fmt, ...)
	_printf_(4, 5);
/* Replaces an owned string of the plan. */
void answers_set(struct answers *a, char **to, const char *text);

/* A single value; NULL where it is not given, empty, or a mistake was noted already. */
const struct conf_value *answers_value(const struct conf_section *s, const char *key);
/* One of the NULL-terminated names, as its index; `otherwise` where none is given or it is none of them. */
int answers_choice(struct answers *a, const struct conf_section *s, const char *key, const char *const *names,
		   int otherwise);
/* true or false. */
bool answers_bool(struct answers *a, const struct conf_section *s, const char *key, bool otherwise);
/* The path in this value, resolved from the answer file's folder; owned, NULL when memory ran out. */
char *answers_path(struct answers *a, const char *value);
/* Loads the file that the value names; on failure the mistake was noted and false is returned. */
bool answers_load(struct answers *a, const struct conf_value *v, const char *key, char **ret_path, char **ret,
		  size_t *ret_len);

/* One function a section, in this order; answers.c goes through a table of them. */
void answers_cluster(struct answers *a);
void answers_boot(struct answers *a);
void answers_network(struct answers *a);
void answers_nodes(struct answers *a);
void answers_services(struct answers *a);
void answers_access(struct answers *a);
void answers_single(struct answers *a);

/* nodes.c calls these for ip_mode mac. */
struct answers_mac {
	struct mac mac;
	const char *file;
	unsigned int line;
	char *name; /* of the node it is for, from the second word of a line in macs_file; or NULL */
};

struct answers_macs {
	struct answers_mac *v;
	size_t n;
	char *path; /* of macs_file; or NULL */
};

void answers_macs_free(struct answers_macs *m);
/* Reads macs or macs_file of the section `nodes`. */
void answers_macs_read(struct answers *a, const struct conf_section *s, struct answers_macs *ret);
/* Parses one MAC address; notes what is wrong with it. */
bool answers_mac(struct answers *a, const char *file, unsigned int line, const char *text, struct mac *ret);
/* Notes every address that is there twice. `v` is sorted by it. */
void answers_macs_twice(struct answers *a, struct answers_mac *v, size_t n);
