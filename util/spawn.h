/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one way to run another program: an argument vector, never a shell. The child gets /dev/null or
 * the given bytes on standard input, has every other descriptor closed, default signals, and dies with
 * its process group when the time is up or the caller cancels, unless it is a lasting one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/macro.h"

struct jail;

struct spawn {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	 /* NAME=value to add to the environment; may be NULL */
	const char *cwd;	 /* may be NULL */
	const void *input;	 /* bytes for standard input; may be NULL */
	size_t input_len;
	int timeout_ms;	   /* 0: no limit */
	int cancel_fd;	   /* becomes readable to cancel; 0 or negative: none */
	size_t max_output; /* what is kept for ret_output; 0: 1 MiB. More is read and dropped. */
	/* Called for every complete line of standard output and error, without its newline. */
	void (*on_line)(void *data, const char *line);
	void *data;
	/* When this process is killed the child gets SIGTERM, and works on nothing that a next run begins anew. Never for
	 * what must come to its end, such as a package manager. */
	bool ends_with_us;
	/* What must come to its end once it is begun: it has a session of its own, neither cancel_fd nor timeout_ms ends it
	 * (after that time it is left at work, with -MUSTER_E_TIMEOUT), and its output goes into memory of its own, so that it
	 * does not notice when this process is killed. */
	bool lasting;
	/* Called once when cancel_fd becomes readable meanwhile; may be NULL. */
	void (*on_cancel)(void *data);
	/* A descriptor that the child keeps, as its 3: a lock that is held for as long as either lives. 0: none. */
	int keep_fd;
	/* Runs in there; argv[0] and cwd are looked up in there, too. NULL: here. */
	const struct jail *jail;
	bool keep_stderr; /* standard error is not captured but goes where the caller's goes */
};

/*
 * Runs it to its end. 0 whatever its exit status was: *ret_status is that (0..255), or 128 + signal.
 * ret_output (may be NULL) gets both streams, NUL-terminated, owned by the caller.
 * -ENOENT (no such program), -MUSTER_E_TIMEOUT, -MUSTER_E_CANCELLED, or another errno.
 */
int spawn_run(const struct spawn *spawn, int *ret_status, char **ret_output) _must_check_;

/* As spawn_run(), but another exit status than 0 is -MUSTER_E_COMMAND, logged with its last lines. */
int spawn_check(const struct spawn *spawn, char **ret_output) _must_check_;

/* Shorthand: spawn_argv(&output, timeout_ms, "ip", "link", NULL) is spawn_check() of those words. */
int spawn_argv(char **ret_output, int timeout_ms, ...) _must_check_ __attribute__((sentinel));

/* Starts it and returns at once: *ret_output reads both streams without waiting, and is the caller's, as is the process,
 * the leader of a group of its own, to wait for. Of `spawn` argv, env, cwd, ends_with_us and keep_stderr count; its
 * standard input is /dev/null. */
int spawn_start(const struct spawn *spawn, pid_t *ret_pid, int *ret_output) _must_check_;

/* As execvp(3), but a file that is no program is not given to /bin/sh. Returns only where it fails, with errno. */
void spawn_exec(const char *const *argv);

/* The program's absolute path as PATH (and /usr/sbin, /sbin) has it, owned; NULL where there is none. */
char *spawn_find(const char *name);
