/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A service manager and a package manager that outlive the process that asks them: their state is in shared memory. Each step of
 * their work is a point for faults.h. As systemctl does, enabling a service makes a link in the root, and disabling removes it; a
 * service with a kernel parameter sets it to 1 as it starts. */
#pragma once

#include "backend/apply/apply.h"

#define WORLD_PARAMETER "/proc/sys/net/ipv4/ip_forward"
#define WORLD_WANTS "/etc/systemd/system/multi-user.target.wants"

/* A package that was removed before, but for its configuration, and that file. */
#define WORLD_REMOVED "ipxe"
#define WORLD_CONFFILE "/etc/ipxe.conf"

extern const struct service_driver world_services;
extern const struct package_driver world_packages;

/* Empty again, but for one package, and the configuration of another. */
void world_reset(void);
/* From now on this service starts, and is not there when it is looked at; NULL: none. */
void world_keep_down(const char *service);
/* From now on the package manager gives up before this package, and says so; NULL: none. */
void world_refuse_package(const char *package);
/* What runs, is enabled and is installed, as text; owned. */
char *world_describe(void);
