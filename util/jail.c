/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Three processes: the caller's, which stays outside and waits; the first one inside, which reaps; and the program. All mounts are
 * made in a namespace that ends with them, so that nothing is left however they end.
 */
#include "config.h"

#include "util/jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "util/macro.h"
#include "util/spawn.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS)
#define PROGRAMS "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const shown[] = { JAIL_SHOWN };
static const char *const devices[] = { "null", "zero", "full", "random", "urandom" };

static volatile sig_atomic_t inside; /* the first process inside, as seen from outside; 0: this is it */

_Noreturn static void give_up(const char *what, const char *path)
{
	dprintf(STDERR_FILENO, "muster: what the build runs in cannot be entered: %s %s: %s\n", what, path,
		strerror(errno));
	_exit(127);
}

static void forward(int sig)
{
	kill(inside ? (pid_t)inside : -1, sig);
}

static void forward_signals(void)
{
	const struct sigaction act = { .sa_handler = forward, .sa_flags = SA_RESTART };

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
}

_Noreturn static void end_as(int status)
{
	_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/* ---- what is seen there: paths below the working directory, which is the new root --------------------------- */

static void bind_fd(int fd, const char *to, unsigned long flags)
{
	char from[40];

	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	if (mount(from, to, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | flags, NULL) < 0)
		give_up("mount", to);
}

static void make_folder(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		give_up("mkdir", path);
}

/* All of a path's folders; it begins with a slash, which is left out. */
static void make_folders(const char *path)
{
	_cleanup_free_ char *copy = strdup(path + 1);

	if (!copy)
		give_up("mkdir", path);
	for (char *p = copy; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		make_folder(copy, 0755);
	}
	make_folder(copy, 0755);
}

static void show(int root, const char *name)
{
	_cleanup_close_ int fd = openat(root, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char link[256];
	struct stat st;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || fstat(fd, &st) < 0)
		give_up("open", name);
	if (S_ISDIR(st.st_mode)) {
		make_folder(name, 0755);
		bind_fd(fd, name, MS_RDONLY | MS_NODEV);
	} else if (S_ISLNK(st.st_mode)) {
		n = readlinkat(root, name, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = '\0';
		if (n <= 0 || symlink(link, name) < 0)
			give_up("link", name);
	}
}

static void show_devices(void)
{
	make_folder("dev", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++) {
		char from[32], to[32];
		int fd;

		snprintf(from, sizeof(from), "/dev/%s", devices[i]);
		snprintf(to, sizeof(to), "dev/%s", devices[i]);
		fd = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || mount(from, to, NULL, MS_BIND, NULL) < 0)
			give_up("mount", from);
		close(fd);
	}
	if (symlink("/proc/self/fd", "dev/fd") < 0 || symlink("fd/0", "dev/stdin") < 0 ||
	    symlink("fd/1", "dev/stdout") < 0 || symlink("fd/2", "dev/stderr") < 0)
		give_up("link", "/dev");
}

static void mount_proc(const char *at)
{
	if (mount("proc", at, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		give_up("mount", "/proc");
}

/* In the first process of the new process namespace, whose /proc it is to be. */
static void make_view(const struct jail *j)
{
	_cleanup_close_ int root = open(j->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder = -1;

	if (root < 0)
		give_up("open", j->root);
	if (j->folder && (folder = open(j->folder, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		give_up("open", j->folder);
	if (mount("tmpfs", j->root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0 || chdir(j->root) < 0)
		give_up("mount", j->root);
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++)
		show(root, shown[i]);
	make_folder("tmp", 0777);
	if (chmod("tmp", 01777) < 0)
		give_up("chmod", "/tmp");
	if (j->folder) {
		make_folders(j->folder);
		bind_fd(folder, j->folder + 1, MS_NODEV);
	}
	show_devices();
	make_folder("proc", 0555);
	mount_proc("proc");
	/* The old root, put over the new one and taken off it (pivot_root(2), "pivot_root(".", ".")"). */
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		give_up("pivot_root", j->root);
}

/* ---- rights ---------------------------------------------------------------------------------------------------- */

static void write_text(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		give_up("write", path);
}

/* Without root's rights: a user namespace, in which we are who we were (user_namespaces(7)). */
static void map_user(uid_t uid, gid_t gid)
{
	char text[64];

	write_text("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "%u %u 1", uid, uid);
	write_text("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1", gid, gid);
	write_text("/proc/self/gid_map", text);
}

static void drop_rights(const struct jail *j)
{
	if (setgroups(0, NULL) < 0 || setresgid(j->gid, j->gid, j->gid) < 0 ||
	    setresuid(j->uid, j->uid, j->uid) < 0)
		give_up("become", "the user without rights");
}

/* ---- the processes --------------------------------------------------------------------------------------------- */

/* Ends when the pipe's other end does, which is when the process outside does: also when that was before prctl(2). */
static void end_with(int pipe_fd)
{
	struct pollfd p = { .fd = pipe_fd };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP)))
		_exit(127);
}

_Noreturn static void run_program(const char *cwd, const char *const *argv)
{
	if (cwd && chdir(cwd) < 0)
		give_up("open", cwd);
	if (setenv("PATH", PROGRAMS, 1) < 0)
		_exit(127);
	spawn_exec(argv);
	dprintf(STDERR_FILENO, "muster: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

_Noreturn static void be_first(const struct jail *j, bool as_root, int pipe_fd, const char *cwd,
			       const char *const *argv)
{
	int status = 127 << 8;
	pid_t program, pid;

	inside = 0;
	if (j->root)
		make_view(j);
	else
		mount_proc("/proc");
	if (sethostname("muster", 6) < 0)
		give_up("name", "muster");
	if (as_root)
		drop_rights(j);
	/* After the user was changed, which takes the signal back. */
	end_with(pipe_fd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		give_up("give up", "rights");
	program = fork();
	if (program < 0)
		give_up("make", "a process");
	if (program == 0)
		run_program(cwd, argv);
	forward_signals();
	while ((pid = wait(&status)) != program)
		if (pid < 0 && errno != EINTR)
			_exit(127);
	end_as(status);
}

void jail_exec(const struct jail *j, const char *cwd, const char *const *argv)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	bool as_root = uid == 0;
	int ends[2], status, signal_number = 0;
	pid_t pid;

	prctl(PR_GET_PDEATHSIG, &signal_number);

	if (unshare(NAMESPACES | (j->online ? 0 : CLONE_NEWNET) | (as_root ? 0 : CLONE_NEWUSER)) < 0)
		give_up("make", "namespaces");
	if (!as_root)
		map_user(uid, gid);
	/* A new user namespace takes it back. */
	prctl(PR_SET_PDEATHSIG, signal_number);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		give_up("mount", "/");
	if (pipe2(ends, O_CLOEXEC) < 0)
		give_up("make", "a pipe");
	pid = fork();
	if (pid < 0)
		give_up("make", "a process");
	if (pid == 0) {
		close(ends[1]);
		be_first(j, as_root, ends[0], cwd, argv);
	}
	close(ends[0]);
	inside = pid;
	forward_signals();
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			_exit(127);
	end_as(status);
}
