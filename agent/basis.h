/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ground that process 1 stands on: /proc, /sys, /dev, /run, a console, and the kernel's signals to it. */
#pragma once

#include "agent/common.h"

/* Mounts the kernel's file systems, makes device files where the kernel does not (before devtmpfs, 2.6.32), and sees
 * to standard input and output. */
void basis_set_up(void);
/* What a system that stays in the initramfs has beside that: devpts, /dev/shm and busybox's commands. */
void basis_complete(void);
/* Blocks the signals that basis_wait() takes; once, at the start. */
void basis_block_signals(void);
/* The signal mask that a program started by process 1 needs. */
void basis_unblock_signals(void);
/* Waits timeout_ms as process 1 has to: buries children, and halts, powers off or restarts the machine when the usual
 * signal of busybox's halt, poweroff or reboot asks for it. Returns early for a SIGIO (agent/poke.h). */
void basis_wait(int timeout_ms);
/* Whether this child has ended; someone else may have buried it, as process 1 does. */
bool basis_is_gone(pid_t pid);
/* Kills it: false, when it cannot die and is left behind. */
bool basis_end_child(pid_t pid);
/* A failure in a block that an operator sees on the screen. */
void basis_show_failure(const char *node, const char *mac, const char *reason, const char *next);
