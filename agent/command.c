/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/command.h"
#include "agent/basis.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define LOOK_MS 50
#define KILL_MS 500 /* from SIGKILL until a program that can die has died */
#define PATH_DEFAULT "/bin:/sbin:/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"

static char *find_program(int at, const char *name)
{
	static const char *const folders[] = { "bin",	   "sbin",	    "usr/bin",
					       "usr/sbin", "usr/local/bin", "usr/local/sbin" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char *path;

		if (asprintf(&path, "%s/%s", folders[i], name) < 0)
			return NULL;
		if (faccessat(at, path, X_OK, 0) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static _Noreturn void become(int at, const char *path, const char *const *argv, int out, bool left_alone)
{
	int null = open("/dev/null", O_RDWR);

	basis_unblock_signals();
	/* One that outlives its reader must not end by writing. */
	if (left_alone)
		signal(SIGPIPE, SIG_IGN);
	setsid();
	if (null >= 0)
		dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (!getenv("PATH"))
		setenv("PATH", PATH_DEFAULT, 1);
	if (fchdir(at) == 0)
		execv(path, (char *const *)(uintptr_t)argv);
	_exit(COMMAND_MISSING);
}

/* Takes what is there. False: all writers have closed their ends. */
static bool drain(int fd, struct text *out, size_t end)
{
	char buf[1024];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		if (out->len < end)
			text_add(out, buf, MIN((size_t)n, end - out->len));
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* True: it has ended, and this is its status. */
static bool has_ended(pid_t pid, int *ret)
{
	int status = 0;
	pid_t r = waitpid(pid, &status, WNOHANG);

	if (r == 0 || (r < 0 && errno == EINTR))
		return false;
	*ret = r < 0 ? COMMAND_MISSING : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

static int end_program(pid_t pid)
{
	long long deadline = now_ms() + KILL_MS;
	int status;

	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	while (!has_ended(pid, &status) && now_ms() < deadline)
		poll(NULL, 0, LOOK_MS);
	return COMMAND_TIMEOUT;
}

static int wait_for(int at, pid_t pid, int in, long long deadline, bool (*enough)(int at), struct text *out)
{
	size_t end = out->len + COMMAND_OUTPUT_MAX;
	bool open = true;
	int status;

	for (;;) {
		struct pollfd p = { .fd = open ? in : -1, .events = POLLIN };

		poll(&p, 1, LOOK_MS);
		if (open)
			open = drain(in, out, end);
		if (has_ended(pid, &status)) {
			/* Its own children may hold the pipe open. */
			if (open)
				drain(in, out, end);
			return status;
		}
		if (enough && enough(at))
			return 0;
		if (now_ms() >= deadline)
			return end_program(pid);
	}
}

/* The parent of a fork: until the child has ended. */
static int see_through(int at, pid_t pid, const int ends[2], const char *name, long long deadline,
		       bool (*enough)(int at), struct text *out)
{
	int status;

	close(ends[1]);
	if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		close(ends[0]);
		text_addf(out, "no process can be started\n");
		return COMMAND_MISSING;
	}
	status = wait_for(at, pid, ends[0], deadline, enough, out);
	close(ends[0]);
	if (status == COMMAND_TIMEOUT)
		text_addf(out, "%s did not end in time\n", name);
	return status;
}

static bool open_pipe(int ends[2])
{
	if (pipe(ends) < 0)
		return false;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	return true;
}

int command_run(int at, const char *const *argv, long long deadline, bool (*enough)(int at), struct text *out)
{
	_cleanup_free_ char *path = find_program(at, argv[0]);
	int ends[2];
	pid_t pid;

	if (!path || !open_pipe(ends)) {
		text_addf(out, "this node has no %s\n", argv[0]);
		return COMMAND_MISSING;
	}
	pid = fork();
	if (pid == 0)
		become(at, path, argv, ends[1], enough != NULL);
	return see_through(at, pid, ends, argv[0], deadline, enough, out);
}

int command_call(int at, int (*call)(int at, const char *args, int out), const char *args, long long deadline,
		 struct text *out)
{
	int ends[2];
	pid_t pid;

	if (!open_pipe(ends)) {
		text_addf(out, "no process can be started\n");
		return COMMAND_MISSING;
	}
	pid = fork();
	if (pid == 0) {
		basis_unblock_signals();
		setsid();
		_exit(call(at, args, ends[1]));
	}
	return see_through(at, pid, ends, "it", deadline, NULL, out);
}
