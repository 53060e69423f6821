/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A service manager and a package manager that outlive the process that asks them: their state is in shared memory. Each step of
 * their work is a point for faults.h. As systemctl does, enabling a service makes a link in the root, and disabling removes it; a
 * service with a kernel parameter sets it to 1 as it starts. */
#pragma once

#include "backend/apply/apply.h"

#define WORLD_PARAMETER "/proc/sys/net/ipv4/ip_forward"
#define WORLD_WANTS "/etc/systemd/system/multi-user.target.wants"

struct world_trouble {
	char never_up[32];	/* this service starts, and is not there when looked at */
	char not_installed[32]; /* before this package, the package manager gives up */
};

extern const struct service_driver world_services;
extern const struct package_driver world_packages;

/* Empty again, but for one package. */
void world_reset(void);
struct world_trouble *world_trouble(void);
/* What runs, is enabled and is installed, as text; owned. */
char *world_describe(void);
