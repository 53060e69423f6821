/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "util/macro.h"

/* Who listens on a port, as "name (process 12)", owned; *ret is NULL where nobody does. proc_fd is /proc, or what
 * looks like it. `own`, in network byte order, is the address that it matters for; INADDR_ANY: whichever. */
int port_owner(int proc_fd, bool udp, unsigned int port, in_addr_t own, char **ret) _must_check_;
