/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The node-range syntax of ClusterShell and pdsh: "node[01-16,20],login1". */
#pragma once

#include "util/strv.h"

/* Adds every name that the expression means, in order, once each. Numbers keep the width of the range's
 * first bound. -EINVAL: *ret_why (owned) says what is wrong; more than 100,000 names are refused. */
int range_expand(const char *expression, struct strv *names, char **ret_why) _must_check_;

/* The shortest such expression for these names; owned. */
int range_fold(const struct strv *names, char **ret) _must_check_;
