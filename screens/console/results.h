/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen that tells what became of an action. Each function opens it above the others and returns at once. */
#pragma once

#include "screens/console/private.h"

extern const struct screen_ops results_screen;

/* One node's answer goes into the bottom line, more have the screen. The results are freed. */
int results_show(struct console *c, const char *title, struct muster_result *v, size_t n) _must_check_;
/* A command on so many nodes, line by line. The run is taken over, also when this fails. */
int results_run(struct console *c, const char *title, struct muster_run *run, size_t nodes) _must_check_;
/* The job at work, or what the last one said. -ENOENT: there was none. */
int results_job(struct console *c, const char *title) _must_check_;
