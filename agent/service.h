/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent in the running system. */
#pragma once

/* Reports ready as soon as the node answers, and then each interval. Returns a program's exit code: 0 after
 * SIGTERM, of which it tells the server where the whole node is shutting down. */
int service_main(void);
