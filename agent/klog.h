/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's log, for the report of a failure. */
#pragma once

#include "agent/common.h"

/* The last lines of the kernel's log, owned; NULL when it cannot be read. */
char *klog_tail(unsigned lines);
/* The part of text that its last lines are: pure. */
const char *klog_last_lines(const char *text, unsigned lines);
/* The text without the levels, "<6>", that begin the lines of syslog(2). Pure; owned, NULL when out of memory. */
char *klog_without_levels(const char *text);
