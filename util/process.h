/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes by their ids, which the kernel gives again: only with the start time does a number name one. */
#pragma once

#include <sys/types.h>

/* In clock ticks since the system's start: field 22 of /proc/PID/stat, proc(5). 0: it is gone, or a zombie. */
unsigned long long process_start_time(pid_t pid);
