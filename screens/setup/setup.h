/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The first-time wizard: from a bare server to booting nodes, one question after the other. */
#pragma once

#include "backend/muster.h"

/*
 * Runs it on standard input and output. `answers` is the file that it begins with and writes; NULL: the one of the last
 * apply, /etc/muster/answers.conf below the root. 0, or a negative error: -ENOTTY and -ENXIO where there is no terminal that it can draw
 * on; -MUSTER_E_CANCELLED where the terminal went away or the program was told to end.
 */
int setup_run(struct muster *m, const char *answers) _must_check_;
