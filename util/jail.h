/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a program in the folder of another system, as if that were all there is: it sees that system's programs, read-only,
 * a /proc, /dev and /tmp of its own, and one folder of ours, under the path that it has here. No network (but where
 * it is to have ours), no process but its own, no rights.
 *
 * With root's rights its user is the given one. Without them it stays ours, and the kernel must allow user namespaces.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The folders of the system that are seen. Its own /dev, /proc, /run, /tmp and /var are of no use here. */
#define JAIL_SHOWN "bin", "etc", "lib", "lib32", "lib64", "libx32", "opt", "sbin", "usr"

struct jail {
	const char *root;   /* absolute path of the system's folder; NULL: this system's own is seen */
	const char *folder; /* absolute path of the folder that it may write in; NULL: none */
	uid_t uid;	    /* not read without root's rights */
	gid_t gid;
	bool online; /* with our network */
};

/*
 * For a child that has nothing open but its standard streams. The program is looked up in there. What it ends with, this process
 * ends with. SIGTERM to this process reaches all in there; when it is killed, all in there is.
 */
_Noreturn void jail_exec(const struct jail *j, const char *cwd, const char *const *argv);
