/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the operator asks of the node: to restart or to power off, or to work for the single system image. */
#pragma once

#include "agent/report.h"

/* Where the last answer asks for something: tells the server that it is done, with the stage ("off" where nobody says that later),
 * and does it. `as_init`: there is no other init than this process. Returns when there was nothing to do, or when init or a job
 * goes on with it. */
void power_obey(int at, const struct conf *c, const char *stage, struct report_state *state, bool as_init);
