/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>

#include "backend/apply/step.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/process.h"
#include "util/spawn.h"

static const struct step_ops *const step_kinds[] = {
	&step_file, &step_directory, &step_conffile, &step_packages, &step_user, &step_keys, &step_service,
};

const struct step_ops *step_ops_find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(step_kinds); i++)
		if (strcmp(step_kinds[i]->kind, kind) == 0)
			return step_kinds[i];
	return NULL;
}

void apply_error(struct apply *a, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	a->said++;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	else if (a->on_error)
		a->on_error(a->data, text);
	else
		log_error("%s", text);
}

void apply_say(struct apply *a, const char *name, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	else if (a->on_step)
		a->on_step(a->data, name, text);
}

void apply_note(struct apply *a, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	else if (a->on_note)
		a->on_note(a->data, text);
}

static void on_line(void *data, const char *line)
{
	apply_say(data, NULL, "%s", line);
}

int apply_spawn(struct apply *a, const struct strv *argv, const char *const *env, int timeout_ms,
		int *ret_status, char **ret_output)
{
	const struct spawn s = {
		.argv = (const char *const *)argv->v,
		.env = env,
		.timeout_ms = timeout_ms,
		.cancel_fd = a->cancel_fd,
		.max_output = 16 * 1024 * 1024,
		.on_line = on_line,
		.data = a,
	};

	return spawn_run(&s, ret_status, ret_output);
}

const char *last_lines(char *text, size_t n)
{
	char *p = text + strlen(text);

	while (p > text && p[-1] == '\n')
		*--p = '\0';
	for (; p > text; p--)
		if (p[-1] == '\n' && --n == 0)
			break;
	return p + strspn(p, "\n");
}

int apply_command(struct apply *a, int timeout_ms, ...)
{
	static const char *const env[] = { "LC_ALL=C", NULL };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *output = NULL;
	const char *word;
	int status, r = 0;
	va_list ap;

	va_start(ap, timeout_ms);
	while (r == 0 && (word = va_arg(ap, const char *)))
		r = strv_add(&argv, word);
	va_end(ap);
	if (r == 0)
		r = apply_spawn(a, &argv, env, timeout_ms, &status, &output);
	if (r == -ENOENT)
		apply_error(a, _("The program %s is not installed."), argv.v[0]);
	else if (r < 0)
		apply_error(a, "%s: %s.", argv.v[0], muster_strerror(r));
	if (r < 0 || status == 0)
		return r;
	apply_error(a, _("%s failed: %s"), argv.v[0], *output ? last_lines(output, 1) : _("it said nothing"));
	return -MUSTER_E_COMMAND;
}

void owner_ids(const char *owner, uid_t *ret_uid, gid_t *ret_gid)
{
	const struct passwd *pw = owner && *owner && geteuid() == 0 ? getpwnam(owner) : NULL;

	*ret_uid = pw ? pw->pw_uid : geteuid();
	*ret_gid = pw ? pw->pw_gid : getegid();
}

int apply_pause(const struct apply *a, int ms)
{
	struct pollfd p = { .fd = a->cancel_fd > 0 ? a->cancel_fd : -1, .events = POLLIN };

	return poll(&p, 1, ms) == 1 ? -MUSTER_E_CANCELLED : 0;
}

int apply_patience_ms(const struct apply *a)
{
	return a->packages_wait_ms ? (int)a->packages_wait_ms : 10 * 60 * 1000;
}

/* Has the muster that took it ended, so that only what it started holds it? */
static bool is_left_behind(int fd)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long start;
	int pid;

	if (lseek(fd, 0, SEEK_SET) != 0 || fs_read_fd(fd, 64, &text, NULL) < 0 ||
	    sscanf(text, "%d %llu", &pid, &start) != 2)
		return false;
	/* Its number may be another process's by now. */
	return pid > 1 && process_start_time(pid) != start;
}

/* "muster (process 123)", or less where less is known. */
static void name_holder(struct apply *a, int fd)
{
	_cleanup_free_ char *pid = NULL, *path = NULL, *name = NULL;
	_cleanup_close_ int proc = -1;

	if (is_left_behind(fd)) {
		apply_error(a, _("A package manager that an interrupted muster has left is still at work. "
				 "Wait until it is done."));
		return;
	}
	if (lseek(fd, 0, SEEK_SET) == 0 && fs_read_fd(fd, 64, &pid, NULL) == 0)
		pid[strcspn(pid, " \n")] = '\0';
	if (!pid || !*pid) {
		apply_error(a, _("Another muster is changing this server. Wait until it is done."));
		return;
	}
	if (asprintf(&path, "/proc/%s/comm", pid) < 0)
		path = NULL;
	proc = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (proc >= 0 && fs_read_fd(proc, 64, &name, NULL) == 0)
		name[strcspn(name, "\n")] = '\0';
	apply_error(a, _("Another %s (process %s) is changing this server. Wait until it is done."),
		    name && *name ? name : "muster", pid);
}

static int lock_failed(struct apply *a, int r)
{
	apply_error(a,
		    r == -ENOSPC
			    ? _("The lock %s/lock cannot be taken: %s. Make room on that file system and try "
				"again.")
			    : _("The lock %s/lock cannot be taken: %s."),
		    APPLY_WORK, muster_strerror(r));
	return r;
}

#define LOCK_LOOK_MS 200
#define LOCK_TELL 5 /* looks, after which it is told also where nobody can be named */

/* By the package manager's own locks its process can be named. */
static int wait_for_left_behind(struct apply *a, int looks)
{
	bool names = a->packages && a->packages->wait;
	int r = names ? a->packages->wait(a) : 0;

	if (r == 0 && looks == (names ? LOCK_TELL : 0))
		apply_say(a, NC_("step", "packages"),
			  _("waiting for the package manager, which an interrupted muster has left at work"));
	return r == 0 ? apply_pause(a, LOCK_LOOK_MS) : r;
}

/* The kernel gives the lock back when its holder ends, however it ends: it is never stale. */
static int lock_try(struct apply *a, int fd)
{
	int64_t end = clock_mono_ms() + apply_patience_ms(a);

	for (int looks = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; looks++) {
		int r;

		if (errno != EWOULDBLOCK)
			return lock_failed(a, -errno);
		if (!is_left_behind(fd) || clock_mono_ms() > end) {
			name_holder(a, fd);
			return -MUSTER_E_BUSY;
		}
		r = wait_for_left_behind(a, looks);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The folder that nobody else gets into, also where it was there with another mode. */
static int work_folder(struct apply *a)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r = fs_mkdir_all(a->root_fd, APPLY_WORK, 0700);

	if (r == 0) {
		fd = fs_open(a->root_fd, APPLY_WORK, O_RDONLY | O_DIRECTORY, 0);
		r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;
	}
	if (r == 0 && st.st_uid != geteuid())
		r = -EPERM;
	if (r == 0 && (st.st_mode & 07777) != 0700 && fchmod(fd, 0700) < 0)
		r = -errno;
	if (r < 0)
		apply_error(a, _("The folder %s cannot be made: %s."), APPLY_WORK, muster_strerror(r));
	return r;
}

static int lock_open(struct apply *a, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int r = work_folder(a);

	if (r < 0)
		return r;
	fd = fs_open(a->root_fd, APPLY_LOCK, O_RDWR | O_CREAT, 0600);
	if (fd < 0) {
		apply_error(a, _("The lock %s/lock cannot be opened: %s."), APPLY_WORK, muster_strerror(fd));
		return fd;
	}
	r = lock_try(a, fd);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

/* An uninstall removes the lock with everything else: whoever had opened it by then holds one that nobody sees. */
static bool lock_is_seen(struct apply *a, int fd)
{
	struct stat held, seen;

	return fstat(fd, &held) == 0 && fs_stat(a->root_fd, APPLY_LOCK, &seen) == 0 &&
	       held.st_dev == seen.st_dev && held.st_ino == seen.st_ino;
}

int lock_take(struct apply *a, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	int r;

	do {
		closep(&fd);
		fd = -1;
		r = lock_open(a, &fd);
		if (r < 0)
			return r;
	} while (!lock_is_seen(a, fd));
	errno = EIO;
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d %llu\n", (int)getpid(), process_start_time(getpid())) < 0)
		return lock_failed(a, -errno);
	r = services_check_swept(a);
	if (r < 0)
		return lock_failed(a, r);
	a->lock_fd = fd;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int stat_directory(int root_fd, const char *path, struct stat *ret)
{
	_cleanup_free_ char *inside = fs_join(path, ".");
	struct stat st;
	int r;

	if (!inside)
		return -ENOMEM;
	/* The "." makes a link to a folder be followed: whoever made it wants the folder to lie there. */
	r = fs_stat(root_fd, inside, &st);
	if (r < 0)
		return r;
	*ret = st;
	return 0;
}

char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash != path ? strndup(path, (size_t)(slash - path)) : strdup("/");
}

bool path_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}
