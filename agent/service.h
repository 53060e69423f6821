/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent in the running system. */
#pragma once

/* Reports ready as soon as the node answers, and then each interval. Returns only on failure: a program's exit code. */
int service_main(void);
