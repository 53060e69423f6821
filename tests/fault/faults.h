/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Faults at every call that changes a disk. The test program is linked with --wrap for each of these calls, so that the
 * project's own sources run here as they are, and the fault comes from below them. A *point* is one such call; they are
 * counted from 1 on. Calls on pipes, sockets and devices are none.
 */
#pragma once

enum fault {
	FAULT_NONE,
	FAULT_KILL,	 /* SIGKILL before the call */
	FAULT_HALF,	 /* SIGKILL in the middle of a write(); before any other call */
	FAULT_POWER,	 /* as FAULT_KILL, and what was not flushed by fsync() is lost: bytes, names, modes */
	FAULT_FULL_ONCE, /* this call finds no space; the next one does */
	FAULT_FULL,	 /* neither this call nor any one after it finds space */
	FAULT_FILL, /* the folder for what is lost is filled until nothing more goes in; what comes of it is real */
	FAULT_IO, /* this call, if it flushes, finds the disk broken */
	FAULT_READ_ONLY, /* this call and all after it find the file system read-only, as Linux makes it after an error */
};

/* From now on, in this process: the fault at this point (0: none, only count). `lost_fd` is a folder on the same file
 * system, where FAULT_POWER keeps what it needs; -1 otherwise. */
void fault_arm(enum fault kind, unsigned int at, int lost_fd);
unsigned int fault_points(void);
/* A point that is no call of ours: something in a daemon's or package manager's work. */
void fault_point(void);
