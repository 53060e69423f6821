/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's announcements of devices, to wait for one without sleeping. */
#pragma once

#include "agent/common.h"

/* A netlink socket that hears them, or -1 where the kernel has none: uevent_wait() then polls. */
int uevent_open(void);
/* Waits until something was announced, at most timeout_ms; takes all that is there. */
void uevent_wait(int fd, int timeout_ms);
