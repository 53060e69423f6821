/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mmdebstrap(1): how it is called for the folders of another Debian, and what its lines say of the way that is left. */
#pragma once

#include <stdbool.h>

#include "util/macro.h"
#include "util/strv.h"

/*
 * "unshare ... mmdebstrap ..." up to the options that are the caller's. It runs in a mount and a process namespace of its own: when
 * it is ended in the middle, its mounts in the tree and every process that a package started end with it, and the tree can be
 * removed. `local`: some of the packages come from a folder of this server, as file: or copy:.
 */
int debstrap_begin(struct strv *argv, bool local) _must_check_;
int debstrap_include(struct strv *argv, const struct strv *packages) _must_check_;
/* From the output of `apt-config dump`: the settings for proxies, each as "Acquire::http::Proxy \"…\"". */
int debstrap_proxies(const char *dump, struct strv *ret) _must_check_;

struct debstrap_progress {
	const struct debstrap_stage *stage;
	int expected; /* events in this stage */
	int seen;
	char *wrong; /* the first error that says more than that something failed; owned */
};

/* How far it is by this line of its output, in permille; -1: the line does not say. */
int debstrap_line(struct debstrap_progress *p, const char *line);
