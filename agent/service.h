/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent in the running system. */
#pragma once

/* Reports ready as soon as the node answers, and then each interval. Returns only on failure: a program's exit code. */
int service_main(void);
/* The same for the system below this folder. */
int service_run(int at);

/*
 * Tells the server that this node goes down, so that it may be booted again at once. For systemd-shutdown(8), which runs
 * what lies in its folder system-shutdown when every process has been killed: a program of the node's users that was
 * left would get the secrets of that next boot. A program's exit code.
 */
int service_goodbye(void);
