/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The management console: the cluster is watched and run from here. */
#pragma once

#include "backend/muster.h"

/* Runs it on standard input and output until it is left. 0, or a negative error: -ENOTTY and -ENXIO where there is no
 * terminal that it can draw on; -MUSTER_E_CANCELLED where the terminal went away or the program was told to end. */
int console_run(struct muster *m) _must_check_;
