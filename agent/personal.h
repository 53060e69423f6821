/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes a node's root its own: names, keys and access from the personality, and the agent beside it in /run. */
#pragma once

#include "agent/common.h"
#include "agent/conf.h"

/* The text of an /etc/shadow in which root has this password field; root's line is added where there is none. Owned,
 * and the same text when nothing had to change. -EINVAL for a field that would break the file. Pure. */
int personal_shadow(const char *old, const char *field, char **ret) _must_check_;

/* The text of an inittab(5), or of an rc.local, that starts this program, too. Owned. -ENOENT: it is no text of such a file. Pure. */
int personal_inittab(const char *old, const char *program, char **ret) _must_check_;
int personal_rc_local(const char *old, const char *program, char **ret) _must_check_;

/* Writes the personality (below at: agent/wire.h) into the root folder new. What the root has in the places is
 * replaced; no link of it is followed out of it. */
int personal_root(int at, int new, const struct conf *c, char **reason) _must_check_;

/* Fills the folder run, the running system's /run: a copy of the agent (the file exe below at), its node.conf, its
 * unit, and what keeps the system's own network managers and time eaters off. new is the root folder. One that has no systemd
 * gets the agent into /etc/muster and a line in its inittab or rc.local. */
int personal_run(int at, const char *exe, int new, int run, const struct conf *c, char **reason) _must_check_;
