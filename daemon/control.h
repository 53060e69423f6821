/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control socket: the changes for those who show the nodes, and the operator's requests. What is said over it, and
 * its limits, stand in backend/nodes/control.h.
 *
 * Runs in the main loop: it never waits for a client, and does a bounded piece of work at a time.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "daemon/daemon.h"
#include "util/strbuf.h"

struct control;

/* The socket below the root, for root, this user and this group (-1: whoever runs this). Needs the rights that are then
 * dropped. Returns it, or < 0. */
int control_listen(int root_fd, gid_t gid) _must_check_;
/* Takes the socket over, also on failure. */
int control_new(struct daemon *d, int listen_fd, struct control **ret) _must_check_;
void control_free(struct control *c);
DEFINE_CLEANUP(struct control *, control_free)

int control_fd(const struct control *c); /* readable: control_work() has something to do */
void control_work(struct control *c);
void control_reloaded(struct control *c); /* there is another plan */

/* ---- control-answers.c: requests to lines; a failure to write one is remembered in the buffer ------------------------ */

/* Where a follower is. */
struct control_follow {
	bool on, told; /* told: it knows the cluster as it is now */
	int64_t seq, event;
	bool more; /* there are changes that it has not got */
};

/* Who asks. */
struct control_peer {
	uid_t uid;
	struct control_follow follow;
	bool looks, kernel; /* at the processes; with the kernel's own threads */
	uint64_t seen;	    /* which list of them */
};

/* Answers one request, its newline left out. */
void control_answer(struct daemon *d, struct control_peer *p, const char *line, size_t len,
		    struct strbuf *out);
/* Adds the next piece of what the follower has not got. */
void control_follow(struct daemon *d, struct control_follow *f, struct strbuf *out);
/* Requests of control-actions.c. */
void control_power(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out);
void control_next(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out);
void control_order(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out);
void control_poke(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out);
/* Some nodes of the single system report now. */
void control_poke_joined(struct daemon *d);
void control_outcomes(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out);
void control_refuse(struct strbuf *out, int code, const char *fmt, ...) _printf_(3, 4);
/* Adds the object as a line; takes it over. */
void control_line(struct strbuf *out, json_t *o);
