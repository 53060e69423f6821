/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs services as daemons of its own, without an init: in the lab, and where no service manager runs. They live in
 * the namespaces of the calling process. ROOT/run/muster/NAME.pid holds "PID STARTTIME", the latter being field 22
 * of /proc/PID/stat (proc(5)), so that a process that got the same number later is never taken for the service.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/process.h"
#include "util/spawn.h"

#define STOP_MS 5000
#define KILL_MS 5000
#define START_MARK "-- started by muster --\n"

static int pid_path(const struct service *s, char **ret)
{
	return asprintf(ret, APPLY_RUN "/%s.pid", s->name) < 0 ? -ENOMEM : 0;
}

/* The service's process, or 0 when it does not run. */
static int running_pid(struct apply *a, const struct service *s, long *ret)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	unsigned long long start;
	long pid;
	int r = pid_path(s, &path);

	if (r == 0)
		r = fs_read(a->root_fd, path, 256, &text, NULL);
	if (r < 0 && r != -ENOENT)
		return r;
	*ret = 0;
	if (r == 0 && sscanf(text, "%ld %llu", &pid, &start) == 2 && pid > 1 && start > 0 &&
	    process_start_time(pid) == start)
		*ret = pid;
	return 0;
}

static int direct_is_running(struct apply *a, const struct service *s)
{
	long pid;
	int r;

	if (!s->argv)
		return 1;
	r = running_pid(a, s, &pid);
	return r < 0 ? r : pid > 0;
}

/* ---- starting ---------------------------------------------------------------------------------------------- */

struct launch {
	char *program, *run_env; /* owned */
	struct strv argv;
	int null_fd, log_fd, pid_fd;
};

static void launch_free(struct launch *l)
{
	free(l->program);
	free(l->run_env);
	strv_free(&l->argv);
	closep(&l->null_fd);
	closep(&l->log_fd);
	closep(&l->pid_fd);
}

static int log_path(const struct service *s, char **ret)
{
	return asprintf(ret, APPLY_LOGS "/%s.log", s->name) < 0 ? -ENOMEM : 0;
}

static int launch_prepare(struct apply *a, const struct service *s, struct launch *l)
{
	_cleanup_free_ char *log = NULL, *pid = NULL, *run = NULL;
	int r = s->argv(a, &l->argv);

	if (r == 0)
		r = log_path(s, &log);
	if (r == 0)
		r = pid_path(s, &pid);
	if (r == 0)
		r = fs_mkdir_all(a->root_fd, APPLY_LOGS, 0755);
	if (r == 0)
		r = fs_mkdir_all(a->root_fd, APPLY_RUN, 0755);
	if (r < 0)
		return r;
	l->program = spawn_find(l->argv.v[0]);
	if (!l->program) {
		apply_error(a, _("The service %s cannot be started: the program %s is not installed."),
			    s->name, l->argv.v[0]);
		return -MUSTER_E_MISSING;
	}
	run = fs_join(a->root_path, APPLY_RUN);
	if (!run || asprintf(&l->run_env, "MUSTER_RUN_DIR=%s", run) < 0)
		return -ENOMEM;
	l->null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	l->log_fd = fs_open(a->root_fd, log, O_WRONLY | O_CREAT | O_APPEND, 0640);
	l->pid_fd = fs_open(a->root_fd, pid, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (l->null_fd < 0)
		return -errno;
	return l->log_fd < 0 ? l->log_fd : l->pid_fd < 0 ? l->pid_fd : 0;
}

/* In the daemon to be. It writes its own pid file, so that there is no moment in which it runs unknown. */
_Noreturn static void become(const struct launch *l, int error_fd)
{
	sigset_t none;
	int error = 0, keep;

	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	if (dprintf(l->pid_fd, "%ld %llu\n", (long)getpid(), process_start_time(getpid())) < 0 ||
	    chdir("/") < 0 || dup2(l->null_fd, STDIN_FILENO) < 0 || dup2(l->log_fd, STDOUT_FILENO) < 0 ||
	    dup2(l->log_fd, STDERR_FILENO) < 0)
		error = errno;
	/* What went before is another start's, and explains nothing about this one. */
	if (!error && fs_write_all(l->log_fd, START_MARK, strlen(START_MARK)) < 0)
		error = EIO;
	/* Everything else is left behind: the lock and whatever a test or a terminal had open. */
	keep = dup3(error_fd, STDERR_FILENO + 1, O_CLOEXEC) < 0 && error_fd != STDERR_FILENO + 1 ? -1 : 3;
	if (keep != 3 || syscall(SYS_close_range, 4U, ~0U, 0U) < 0)
		for (int fd = 4; fd < 1024; fd++)
			if (fd != error_fd)
				close(fd);
	putenv(l->run_env);
	if (!error) {
		execv(l->program, l->argv.v);
		error = errno;
	}
	if (keep < 0 || write(keep, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* Forks twice, so that the daemon is nobody's child here. 0 once its program runs. */
static int launch_fork(const struct launch *l)
{
	int error[2], failure = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(error, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid == 0)
			become(l, error[1]);
		_exit(pid < 0 ? 1 : 0);
	}
	close(error[1]);
	if (pid > 0) {
		int status = 0;

		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		do {
			n = read(error[0], &failure, sizeof(failure));
		} while (n < 0 && errno == EINTR);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			failure = EAGAIN;
	} else {
		failure = errno;
	}
	close(error[0]);
	return -failure;
}

static int direct_start(struct apply *a, const struct service *s)
{
	_cleanup_(launch_free) struct launch l = { .null_fd = -1, .log_fd = -1, .pid_fd = -1 };
	long pid;
	int r;

	if (!s->argv)
		return 0;
	r = running_pid(a, s, &pid);
	if (r < 0 || pid > 0)
		return r;
	r = launch_prepare(a, s, &l);
	if (r == 0)
		r = launch_fork(&l);
	if (r < 0 && r != -MUSTER_E_MISSING)
		apply_error(a, _("The service %s cannot be started: %s."), s->name, muster_strerror(r));
	return r;
}

/* ---- stopping ------------------------------------------------------------------------------------------------ */

/* Signals this very process, however old the number is: the descriptor was opened before its start time was read again. */
static int signal_service(long pid, unsigned long long start, int sig, int *ret_pidfd)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);

	if (fd < 0)
		return errno == ESRCH ? -ESRCH : -errno;
	if (process_start_time(pid) != start)
		return -ESRCH;
	if (syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) < 0)
		return -errno;
	if (ret_pidfd)
		*ret_pidfd = TAKE_FD(fd);
	return 0;
}

/* True when it ended in this time. */
static bool ended_within(int pidfd, int ms)
{
	int64_t end = clock_mono_ms() + ms;
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		int64_t left = end - clock_mono_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r > 0)
			return true;
		if (r == 0 || errno != EINTR)
			return false;
	}
}

static int end_process(long pid)
{
	unsigned long long start = process_start_time(pid);
	_cleanup_close_ int fd = -1;
	int r;

	if (start == 0)
		return 0;
	r = signal_service(pid, start, SIGTERM, &fd);
	if (r < 0)
		return r == -ESRCH ? 0 : r;
	if (ended_within(fd, STOP_MS))
		return 0;
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0)
		return errno == ESRCH ? 0 : -errno;
	return ended_within(fd, KILL_MS) ? 0 : -MUSTER_E_TIMEOUT;
}

static int direct_stop(struct apply *a, const struct service *s)
{
	_cleanup_free_ char *path = NULL;
	long pid;
	int r;

	if (!s->argv)
		return 0;
	r = running_pid(a, s, &pid);
	if (r == 0 && pid > 0)
		r = end_process(pid);
	if (r == 0)
		r = pid_path(s, &path);
	if (r == 0)
		r = fs_unlink(a->root_fd, path);
	if (r < 0)
		apply_error(a, _("The service %s cannot be stopped: %s."), s->name, muster_strerror(r));
	return r;
}

static int direct_restart(struct apply *a, const struct service *s)
{
	long pid;
	int r;

	if (!s->argv)
		return 0;
	r = running_pid(a, s, &pid);
	if (r == 0 && pid > 0 && s->reload) {
		r = signal_service(pid, process_start_time(pid), SIGHUP, NULL);
		if (r != -ESRCH)
			return r;
		r = 0;
	}
	if (r == 0)
		r = direct_stop(a, s);
	return r == 0 ? direct_start(a, s) : r;
}

static int direct_last_lines(struct apply *a, const struct service *s, char **ret)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_close_ int fd = -1;
	char *begin, *tail;
	struct stat st;
	int r = log_path(s, &path);

	if (r < 0)
		return r;
	fd = fs_open(a->root_fd, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && st.st_size > 8192 && lseek(fd, -8192, SEEK_END) < 0)
		return -errno;
	r = fs_read_fd(fd, 1024 * 1024, &text, NULL);
	if (r < 0)
		return r;
	begin = text;
	for (char *next = text; (next = strstr(next, START_MARK)); begin = next)
		next += strlen(START_MARK);
	tail = strdup(last_lines(begin, 20));
	if (!tail)
		return -ENOMEM;
	*ret = tail;
	return 0;
}

const struct service_driver service_driver_direct = {
	.name = "direct",
	.is_running = direct_is_running,
	.is_enabled = direct_is_running,
	.start = direct_start,
	.stop = direct_stop,
	.restart = direct_restart,
	.last_lines = direct_last_lines,
};
