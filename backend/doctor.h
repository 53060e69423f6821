/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is this server fit? A const table of checks over facts that are handed in, so that each can be tried with facts of
 * another machine. Private to the facade.
 */
#pragma once

#include "backend/apply/dhcp-probe.h"
#include "backend/host/host.h"
#include "backend/muster.h"
#include "backend/plan/profile.h"
#include "util/strbuf.h"

#define DOCTOR_HTTP_PORT 8066 /* musterd's where no plan says another */

/* Where the plan is from that the checks go by. */
enum doctor_plan {
	DOCTOR_PLAN_NONE,
	DOCTOR_PLAN_GIVEN,   /* the answers that the operator names */
	DOCTOR_PLAN_ANSWERS, /* those of the last apply */
	DOCTOR_PLAN_APPLIED, /* what musterd was given: the answers are gone, or have mistakes */
};

struct doctor_room {
	unsigned long long bytes, inodes; /* that are free; inodes are ULLONG_MAX where there is no limit */
	bool read_only;
};

struct doctor {
	const struct host *host;
	const struct profile_distro *distro; /* NULL: none for this distribution */
	const struct plan *plan;	     /* NULL: no answers are there, or they have mistakes */
	enum doctor_plan plan_from;
	const char
		*interface; /* that is to face the nodes; NULL: none was chosen, and none suggests itself */
	bool chosen;	    /* by a person, not only proposed */
	int system_fd;	    /* the machine's /: proc, sys, dev */
	int root_fd;	    /* where muster's own files are */
	bool root;	    /* may do everything */
	bool scratch;	    /* root_fd is another folder than / */
	int64_t now, built; /* seconds since the epoch; built: of this program */
	int synchronised;   /* the clock: 1, 0, -1 unknown */
	bool entropy;	    /* the kernel's random numbers are ready */
	unsigned long long root_bytes; /* of the root that the nodes boot, packed; 0: there is none yet */
	int unfinished;		       /* of apply_unfinished() */
	bool applied;		       /* a cluster was set up here */
	int musterd;		       /* 1 it runs, 0 it does not, -1 unknown */
	const struct strv *packages;   /* that are missing */
	/* Looks for another DHCP server, as dhcp_probe() does; NULL: not looked for. */
	int (*probe)(const struct doctor *d, struct dhcp_offer *ret);
	/* Runs a program that only tells something. 0 and its status and output (owned); -ENOENT: it is not installed. */
	int (*command)(const struct doctor *d, const char *const *argv, int *ret_status, char **ret_output);
	/* Does a guest run under /dev/kvm? As kvm_try(); NULL: not tried. */
	int (*kvm)(const struct doctor *d);
	/* How full the file system is that holds the path, which is below root_fd, or what would. */
	int (*room)(const struct doctor *d, const char *path, struct doctor_room *ret);
	void *data;
};

/* What a check found; its texts are sentences. */
struct finding {
	enum muster_check_level level;
	struct strbuf text, remedy, command;
};

struct doctor_check {
	const char *name; /* a short word */
	void (*run)(const struct doctor *d, struct finding *f);
};

/* The checks, in their order; each file's ends without a name. */
extern const struct doctor_check doctor_system[], doctor_resources[], doctor_network[], doctor_firewall[];

void finding_say(struct finding *f, enum muster_check_level level, const char *fmt, ...) _printf_(3, 4);
void finding_remedy(struct finding *f, const char *fmt, ...) _printf_(2, 3);
void finding_command(struct finding *f, const char *fmt, ...) _printf_(2, 3);

/* A small file of the machine, without its newline; NULL where it cannot be read. Owned. Below another root, one that is
 * there counts before the machine's. */
char *doctor_file(const struct doctor *d, const char *path);
/* Where it is, by the same rule: root_fd or system_fd. */
int doctor_where(const struct doctor *d, const char *path);
/* Runs all checks. */
int doctor_run(const struct doctor *d, struct muster_check **ret, size_t *ret_n) _must_check_;
