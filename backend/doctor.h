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

struct doctor {
	const struct host *host;
	const struct profile_distro *distro; /* NULL: none for this distribution */
	const struct plan *plan;	     /* NULL: no answers are there, or they have mistakes */
	const char
		*interface; /* that is to face the nodes; NULL: none was chosen, and none suggests itself */
	bool chosen;	    /* by a person, not only proposed */
	int system_fd;	    /* the machine's /: proc, sys, dev */
	int root_fd;	    /* where muster's own files are */
	bool root;	    /* may do everything */
	int64_t now, built; /* seconds since the epoch; built: of this program */
	int synchronised;   /* the clock: 1, 0, -1 unknown */
	bool entropy;	    /* the kernel's random numbers are ready */
	int unfinished;	    /* of apply_unfinished() */
	bool applied;	    /* a cluster was set up here */
	int musterd;	    /* 1 it runs, 0 it does not, -1 unknown */
	const struct strv *packages; /* that are missing */
	/* Looks for another DHCP server, as dhcp_probe() does; NULL: not looked for. */
	int (*probe)(const struct doctor *d, struct dhcp_offer *ret);
	/* Runs a program that only tells something. 0 and its status and output (owned); -ENOENT: it is not installed. */
	int (*command)(const struct doctor *d, const char *const *argv, int *ret_status, char **ret_output);
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
extern const struct doctor_check doctor_system[], doctor_network[];

void finding_say(struct finding *f, enum muster_check_level level, const char *fmt, ...) _printf_(3, 4);
void finding_remedy(struct finding *f, const char *fmt, ...) _printf_(2, 3);
void finding_command(struct finding *f, const char *fmt, ...) _printf_(2, 3);

/* A small file of the machine, without its newline; NULL where it cannot be read. Owned. */
char *doctor_file(const struct doctor *d, const char *path);
/* Runs all checks. */
int doctor_run(const struct doctor *d, struct muster_check **ret, size_t *ret_n) _must_check_;
