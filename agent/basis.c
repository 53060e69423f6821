/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/basis.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#define KILL_MS 500 /* from SIGKILL until a child that can die has died */
#define LOOK_MS 10

static const struct {
	const char *source, *target, *type, *options;
	unsigned long flags;
} mounts[] = {
	{ "proc", "/proc", "proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", "sysfs", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "tmpfs", "/run", "tmpfs", "mode=0755,size=20%", MS_NOSUID | MS_NODEV },
};

/* Linux's Documentation/admin-guide/devices.txt */
static const struct {
	const char *path;
	mode_t mode;
	unsigned major, minor;
} devices[] = {
	{ "/dev/console", S_IFCHR | 0600, 5, 1 }, { "/dev/kmsg", S_IFCHR | 0644, 1, 11 },
	{ "/dev/null", S_IFCHR | 0666, 1, 3 },	  { "/dev/zero", S_IFCHR | 0666, 1, 5 },
	{ "/dev/full", S_IFCHR | 0666, 1, 7 },	  { "/dev/random", S_IFCHR | 0666, 1, 8 },
	{ "/dev/urandom", S_IFCHR | 0666, 1, 9 }, { "/dev/mem", S_IFCHR | 0640, 1, 1 },
	{ "/dev/tty", S_IFCHR | 0666, 5, 0 },	  { "/dev/ptmx", S_IFCHR | 0666, 5, 2 },
	{ "/dev/tty0", S_IFCHR | 0600, 4, 0 },	  { "/dev/tty1", S_IFCHR | 0600, 4, 1 },
	{ "/dev/ttyS0", S_IFCHR | 0600, 4, 64 },  { "/dev/loop0", S_IFBLK | 0600, 7, 0 },
};

static int try_mount(const char *source, const char *target, const char *type, unsigned long flags,
		     const char *options)
{
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		return -errno;
	return mount(source, target, type, flags, options) < 0 && errno != EBUSY ? -errno : 0;
}

static void make_devices(void)
{
	if (try_mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755") == 0)
		return;
	/* On a tmpfs, so that it can be moved into the root. */
	if (try_mount("tmpfs", "/dev", "tmpfs", MS_NOSUID, "mode=0755,size=1m") < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (mknod(devices[i].path, devices[i].mode, makedev(devices[i].major, devices[i].minor)) == 0)
			chmod(devices[i].path, devices[i].mode & 07777);
}

static void open_console(void)
{
	int fd;

	if (fcntl(STDIN_FILENO, F_GETFD) >= 0 && fcntl(STDOUT_FILENO, F_GETFD) >= 0 &&
	    fcntl(STDERR_FILENO, F_GETFD) >= 0)
		return;
	fd = open("/dev/console", O_RDWR);
	if (fd < 0)
		fd = open("/dev/null", O_RDWR);
	for (int i = 0; fd >= 0 && i <= STDERR_FILENO; i++)
		if (fd != i)
			dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

void basis_set_up(void)
{
	umask(022);
	make_devices();
	open_console();
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		int r = try_mount(mounts[i].source, mounts[i].target, mounts[i].type, mounts[i].flags,
				  mounts[i].options);

		if (r < 0)
			fprintf(stderr, "muster: %s does not mount: %s\n", mounts[i].target, strerror(-r));
	}
}

void basis_complete(void)
{
	static const char *const folders[] = { "/bin", "/sbin", "/usr", "/usr/bin", "/usr/sbin", "/tmp" };
	char *const install[] = { (char *)"busybox", (char *)"--install", (char *)"-s", NULL };
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		mkdir(folders[i], 0755);
	chmod("/tmp", 01777);
	try_mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5");
	try_mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
	if (access("/bin/busybox", X_OK) < 0 || access("/bin/sh", X_OK) == 0)
		return;
	pid = fork();
	if (pid == 0) {
		execv("/bin/busybox", install);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static sigset_t our_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGIO);
	return set;
}

void basis_block_signals(void)
{
	sigset_t set = our_signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

void basis_unblock_signals(void)
{
	sigset_t set = our_signals();

	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void end_machine(int how)
{
	sync();
	reboot(how);
}

void basis_wait(int timeout_ms)
{
	long long deadline = now_ms() + timeout_ms;
	sigset_t set = our_signals();

	for (;;) {
		long long left = MAX(deadline - now_ms(), 0);
		struct timespec ts = { .tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000 };
		int s = sigtimedwait(&set, NULL, &ts);

		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		if (s == SIGTERM)
			end_machine(RB_AUTOBOOT);
		else if (s == SIGUSR2)
			end_machine(RB_POWER_OFF);
		else if (s == SIGUSR1)
			end_machine(RB_HALT_SYSTEM);
		else if (s == SIGIO)
			return;
		else if (s < 0 && left == 0)
			return;
	}
}

bool basis_is_gone(pid_t pid)
{
	pid_t r = waitpid(pid, NULL, WNOHANG);

	return r == pid || (r < 0 && errno == ECHILD);
}

bool basis_end_child(pid_t pid)
{
	long long deadline = now_ms() + KILL_MS;

	kill(pid, SIGKILL);
	while (!basis_is_gone(pid)) {
		if (now_ms() >= deadline)
			return false;
		poll(NULL, 0, LOOK_MS);
	}
	return true;
}

void basis_show_failure(const char *node, const char *mac, const char *reason, const char *next)
{
	static const char line[] = "************************************************************************";
	_cleanup_text_ struct text t = { 0 };

	text_addf(&t, "\r\n%s\r\n", line);
	text_addf(&t, "  muster: this node could not go on booting.\r\n");
	if (*node)
		text_addf(&t, "  Node:   %s (%s)\r\n", node, mac);
	text_addf(&t, "  Reason: %s\r\n", reason);
	text_addf(&t, "  %s\r\n%s\r\n\r\n", next, line);
	/* An operator may not watch: a full or missing console is no reason to stop. */
	if (!t.failed && write_all(STDOUT_FILENO, t.s, t.len) < 0)
		return;
}
