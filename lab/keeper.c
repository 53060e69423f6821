/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "lab/private.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "util/fs.h"

#define REAP_MS 500
#define NAMESPACES (CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWIPC)

/* The network namespaces of the lab and of where its maker came from; of keeper_run()'s child only. */
static int lab_net = -1, outer_net = -1;

static int loopback_up(void)
{
	_cleanup_close_ int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	return s < 0 || ioctl(s, SIOCSIFFLAGS, &ifr) < 0 ? -errno : 0;
}

/* The keeper's life: process 1 of its namespace, which reaps and waits to be killed. */
_Noreturn static void keep(int ready, int tie)
{
	struct pollfd p = { .fd = tie, .events = POLLIN };
	int null = open("/dev/null", O_RDWR);
	int r = 0;

	setsid();
	prctl(PR_SET_NAME, "muster-lab");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 ||
	    sethostname("muster-lab", 10) < 0)
		r = -errno;
	/* A sysfs of this network namespace, so that only the lab's own interfaces are seen there. */
	if (r == 0 && mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		r = -errno;
	if (r == 0)
		r = loopback_up();
	if (write(ready, &r, sizeof(r)) != sizeof(r) || r < 0)
		_exit(1);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	if (chdir("/") < 0)
		_exit(1);
	if (tie >= 0 && dup2(tie, 3) < 0)
		_exit(1);
	p.fd = tie >= 0 ? 3 : -1;
	syscall(SYS_close_range, tie >= 0 ? 4U : 3U, ~0U, 0U);
	while (tie < 0)
		if (waitpid(-1, NULL, 0) < 0)
			poll(NULL, 0, 1000);
	/* Nobody writes to it: an event is its end. */
	while (poll(&p, 1, REAP_MS) <= 0)
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	_exit(0);
}

int keeper_start(int tie, pid_t *ret)
{
	int ready[2], said[2], r = -EIO;
	pid_t middle, keeper = 0;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(said, O_CLOEXEC) < 0) {
		r = -errno;
		close(ready[0]);
		close(ready[1]);
		return r;
	}
	middle = fork();
	if (middle == 0) {
		pid_t pid;

		for (int sig = 1; sig < NSIG; sig++)
			signal(sig, SIG_DFL);
		if (unshare(NAMESPACES) < 0) {
			r = -errno;
			_exit(write(ready[1], &r, sizeof(r)) == sizeof(r) ? 1 : 2);
		}
		pid = fork();
		if (pid == 0)
			keep(ready[1], tie);
		_exit(pid > 0 && write(said[1], &pid, sizeof(pid)) == sizeof(pid) ? 0 : 1);
	}
	close(ready[1]);
	close(said[1]);
	if (middle > 0) {
		if (read(ready[0], &r, sizeof(r)) != sizeof(r))
			r = -EIO;
		if (read(said[0], &keeper, sizeof(keeper)) != sizeof(keeper) && r == 0)
			r = -EIO;
		waitpid(middle, NULL, 0);
	} else {
		r = -errno;
	}
	close(ready[0]);
	close(said[0]);
	if (r == 0)
		*ret = keeper;
	return r;
}

int keeper_stop(pid_t keeper)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, keeper, 0U);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return errno == ESRCH ? 0 : -errno;
	if (kill(keeper, SIGKILL) < 0)
		return errno == ESRCH ? 0 : -errno;
	/* Process 1 of a namespace ends only when all others in it have ended. */
	return poll(&p, 1, 20000) == 1 ? 0 : -MUSTER_E_TIMEOUT;
}

static int open_namespace(pid_t pid, const char *name)
{
	_cleanup_free_ char *path = NULL;
	int fd;

	if (asprintf(&path, "/proc/%d/ns/%s", (int)pid, name) < 0)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int enter(pid_t keeper)
{
	static const char *const names[] = { "ipc", "uts", "pid", "net", "mnt" };
	int fd[ARRAY_SIZE(names)];

	outer_net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (outer_net < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		fd[i] = open_namespace(keeper, names[i]);
		if (fd[i] < 0)
			return fd[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (setns(fd[i], 0) < 0)
			return -errno;
		if (strcmp(names[i], "net") == 0)
			lab_net = fd[i];
		else
			close(fd[i]);
	}
	return 0;
}

int keeper_network(bool inside)
{
	return setns(inside ? lab_net : outer_net, CLONE_NEWNET) < 0 ? -errno : 0;
}

int keeper_outer_network(void)
{
	return outer_net;
}

/* ---- what a child says: lines of JSON for its events, and at its end "=" and its result ---- */

static void send_event(void *data, const struct muster_event *e)
{
	const int *fd = data;
	_cleanup_free_ char *line = NULL;

	/* Nobody is there to be told of an event that cannot be sent. */
	if (muster_event_encode(e, &line) == 0 && fs_write_all(*fd, line, strlen(line)) < 0)
		return;
}

static int send_result(int fd, int result)
{
	return dprintf(fd, "=%d\n", result) > 0 ? 0 : 1;
}

/* Until the child's result; processes that it leaves behind may hold the pipe longer. -EIO: it ended without one. */
static int hear(int fd, const struct lab_options *o)
{
	_cleanup_free_ char *line = NULL;
	FILE *f = fdopen(fd, "r");
	size_t size = 0;
	int r = -EIO;
	ssize_t len;

	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	while ((len = getline(&line, &size, f)) > 0) {
		if (*line == '=') {
			r = (int)strtol(line + 1, NULL, 10);
			break;
		}
		/* A line that is no event is none of ours: nothing to tell. */
		if (o->on_event && muster_event_decode(line, (size_t)len, o->on_event, o->data) < 0)
			continue;
	}
	fclose(f);
	return r;
}

int keeper_run(pid_t keeper, struct lab_options *o, int (*fn)(void *data), void *data)
{
	_cleanup_free_ char *cwd = getcwd(NULL, 0);
	pid_t outer;
	int answer[2], r = -EIO;

	if (pipe2(answer, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	outer = fork();
	if (outer == 0) {
		pid_t inner;

		if (o->not_inside > 0)
			close(o->not_inside);
		r = enter(keeper);
		/* A process id namespace holds only for children. */
		inner = r == 0 ? fork() : -1;
		if (inner == 0) {
			/* Entering a mount namespace goes to its root. */
			if (!cwd || chdir(cwd) < 0)
				_exit(1);
			o->on_event = send_event;
			o->data = &answer[1];
			r = fn(data);
			fflush(NULL);
			_exit(send_result(answer[1], r));
		}
		if (inner < 0) {
			r = r < 0 ? r : -errno;
			_exit(send_result(answer[1], r));
		}
		waitpid(inner, NULL, 0);
		_exit(0);
	}
	if (outer < 0)
		r = -errno;
	close(answer[1]);
	if (outer < 0)
		close(answer[0]);
	else
		r = hear(answer[0], o);
	while (outer > 0 && waitpid(outer, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
