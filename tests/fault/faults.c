/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/fault/faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "util/macro.h"

static struct {
	enum fault kind;
	unsigned int at, n;
	int lost_fd;
	bool armed;
} now = { .lost_fd = -1 };

/* What the disk has not been told for sure yet, the oldest first. */
static struct lost {
	enum {
		LOST_BYTES,
		LOST_NAME,
		LOST_FOLDER,
		LOST_REMOVAL,
		LOST_FOLDER_REMOVAL,
		LOST_RENAME,
		LOST_MODE
	} what;
	int fd; /* of the file (bytes, mode), or of the folder that has the name */
	ino_t ino;
	char name[256], old_name[256];
	bool saved; /* what had the name before is in the folder for it, under the entry's number */
	struct stat st;
} lost[1024];
static size_t n_lost;

ssize_t __real_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __real_openat(int dir, const char *name, int flags, ...);
int __real_mkdirat(int dir, const char *name, mode_t mode);
int __real_renameat(int from, const char *name, int to, const char *other);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_fchmod(int fd, mode_t mode);
int __real_fchmodat(int dir, const char *name, mode_t mode, int flags);
int __real_fchown(int fd, uid_t uid, gid_t gid);
int __real_ftruncate(int fd, off_t len);
int __real_futimens(int fd, const struct timespec times[2]);
int __real_fsetxattr(int fd, const char *name, const void *value, size_t len, int flags);
int __real_fremovexattr(int fd, const char *name);
long __real_syscall(long number, ...);

ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_fsync(int fd);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);
int __wrap_renameat(int from, const char *name, int to, const char *other);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchmodat(int dir, const char *name, mode_t mode, int flags);
int __wrap_fchown(int fd, uid_t uid, gid_t gid);
int __wrap_ftruncate(int fd, off_t len);
int __wrap_futimens(int fd, const struct timespec times[2]);
int __wrap_fsetxattr(int fd, const char *name, const void *value, size_t len, int flags);
int __wrap_fremovexattr(int fd, const char *name);
long __wrap_syscall(long number, ...);

void fault_arm(enum fault kind, unsigned int at, int lost_fd)
{
	now.kind = kind;
	now.at = at;
	now.n = 0;
	now.lost_fd = lost_fd;
	now.armed = true;
	n_lost = 0;
}

unsigned int fault_points(void)
{
	return now.n;
}

/* ---- power that goes ------------------------------------------------------------------------------------------- */

static void broken(const char *why)
{
	dprintf(STDERR_FILENO, "faults: %s: %s\n", why, strerror(errno));
	_exit(99);
}

static struct lost *note(int what, int fd, const char *name)
{
	struct lost *l = &lost[n_lost];
	struct stat st;

	if (now.kind != FAULT_POWER)
		return NULL;
	if (n_lost == ARRAY_SIZE(lost))
		broken("more is unflushed than there is room for");
	if (fstat(fd, &st) < 0)
		broken("fstat");
	*l = (struct lost){ .what = what, .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), .ino = st.st_ino, .st = st };
	if (l->fd < 0 || snprintf(l->name, sizeof(l->name), "%s", name ? name : "") >= (int)sizeof(l->name))
		broken("note");
	n_lost++;
	return l;
}

/* Keeps what has the name now. */
static void save(struct lost *l, int dir, const char *name)
{
	char number[24];

	if (!l || fstatat(dir, name, &l->st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	snprintf(number, sizeof(number), "%zu", (size_t)(l - lost));
	if (__real_unlinkat(now.lost_fd, number, 0) < 0)
		__real_unlinkat(now.lost_fd, number, AT_REMOVEDIR);
	if (S_ISDIR(l->st.st_mode))
		return;
	if (linkat(dir, name, now.lost_fd, number, 0) < 0)
		broken("a second link");
	l->saved = true;
}

static void flushed(int fd)
{
	struct stat st;
	size_t kept = 0;

	if (now.kind != FAULT_POWER || fstat(fd, &st) < 0)
		return;
	for (size_t i = 0; i < n_lost; i++)
		if (lost[i].ino == st.st_ino) {
			close(lost[i].fd);
			lost[i].ino = 0; /* numbers stay: saved files are named by them */
			lost[i].fd = -1;
		} else {
			kept = i + 1;
		}
	n_lost = kept;
}

static void take_back(const struct lost *l, size_t i)
{
	char number[24];
	struct stat st;

	snprintf(number, sizeof(number), "%zu", i);
	/* What was in a folder that is gone for sure is gone with it. */
	if (fstat(l->fd, &st) < 0 || st.st_nlink == 0)
		return;
	switch (l->what) {
	case LOST_BYTES:
		if (__real_ftruncate(l->fd, l->st.st_size) < 0)
			broken("bytes");
		break;
	case LOST_MODE:
		if (__real_fchown(l->fd, l->st.st_uid, l->st.st_gid) < 0 ||
		    __real_fchmod(l->fd, l->st.st_mode & 07777) < 0)
			broken("mode");
		break;
	case LOST_NAME:
		__real_unlinkat(l->fd, l->name, 0);
		break;
	case LOST_FOLDER:
		__real_unlinkat(l->fd, l->name, AT_REMOVEDIR);
		break;
	case LOST_RENAME:
		if (__real_renameat(l->fd, l->name, l->fd, l->old_name) < 0 && errno != ENOENT)
			broken("rename");
		/* fall through */
	case LOST_REMOVAL:
		if (l->saved && linkat(now.lost_fd, number, l->fd, l->name, 0) < 0 && errno != EEXIST)
			broken("removal");
		break;
	case LOST_FOLDER_REMOVAL:
		if (__real_renameat(now.lost_fd, number, l->fd, l->name) < 0)
			broken("folder");
		break;
	}
}

static void die(void)
{
	if (now.kind == FAULT_POWER)
		for (size_t i = n_lost; i-- > 0;)
			if (lost[i].ino)
				take_back(&lost[i], i);
	raise(SIGKILL);
}

/* ---- a disk that is full ----------------------------------------------------------------------------------------- */

static void fill(void)
{
	int fd = __real_openat(now.lost_fd, "filler", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	off_t size = 0;

	if (fd < 0)
		broken("filler");
	for (off_t more = 64 << 20; more >= 4096; more /= 2)
		while (fallocate(fd, 0, size, more) == 0)
			size += more;
	if (errno != ENOSPC)
		broken("fallocate");
	close(fd);
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

/* An error to fail with, or 0. */
static int at_point(bool wants_space, bool flushes)
{
	if (!now.armed)
		return 0;
	now.n++;
	if (now.at == 0 || now.n < now.at)
		return 0;
	switch (now.kind) {
	case FAULT_KILL:
	case FAULT_HALF:
	case FAULT_POWER:
		die();
		return 0;
	case FAULT_FULL_ONCE:
		return now.n == now.at && wants_space ? ENOSPC : 0;
	case FAULT_FULL:
		return wants_space ? ENOSPC : 0;
	case FAULT_FILL:
		if (now.n == now.at)
			fill();
		return 0;
	case FAULT_IO:
		return now.n == now.at && flushes ? EIO : 0;
	case FAULT_READ_ONLY:
		return flushes ? 0 : EROFS;
	default:
		return 0;
	}
}

void fault_point(void)
{
	/* A disk of ours that is full or broken is nothing to others here. */
	at_point(false, false);
}

static bool on_disk(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

#define FAIL_AT_POINT(space, flushes)                  \
	do {                                           \
		int error_ = at_point(space, flushes); \
                                                       \
		if (error_) {                          \
			errno = error_;                \
			return -1;                     \
		}                                      \
	} while (0)

ssize_t __wrap_write(int fd, const void *data, size_t len)
{
	if (!now.armed || !on_disk(fd))
		return __real_write(fd, data, len);
	if (now.kind == FAULT_HALF && now.n + 1 == now.at && __real_write(fd, data, len / 2) < 0)
		broken("half a write");
	FAIL_AT_POINT(true, false);
	note(LOST_BYTES, fd, NULL);
	return __real_write(fd, data, len);
}

int __wrap_fsync(int fd)
{
	int r;

	FAIL_AT_POINT(false, true);
	r = __real_fsync(fd);
	if (r == 0)
		flushed(fd);
	return r;
}

int __wrap_ftruncate(int fd, off_t len)
{
	FAIL_AT_POINT(false, false);
	return __real_ftruncate(fd, len);
}

int __wrap_openat(int dir, const char *name, int flags, ...)
{
	mode_t mode = 0;
	struct stat st;
	va_list ap;
	int fd;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	if (!(flags & O_CREAT) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return __real_openat(dir, name, flags, mode);
	FAIL_AT_POINT(true, false);
	fd = __real_openat(dir, name, flags, mode);
	if (fd >= 0)
		note(LOST_NAME, dir, name);
	return fd;
}

/* openat2() as util/fs.c calls it; only journals and the lock are made with it. */
long __wrap_syscall(long number, ...)
{
	long a, b, c, d, r;
	struct open_how *how;
	struct stat st;
	va_list ap;

	va_start(ap, number);
	a = va_arg(ap, long);
	b = va_arg(ap, long);
	c = va_arg(ap, long);
	d = va_arg(ap, long);
	va_end(ap);
	how = (struct open_how *)(uintptr_t)c;
	if (number != SYS_openat2 || !(how->flags & O_CREAT))
		return __real_syscall(number, a, b, c, d);
	/* Paths are below the first argument, which is a root of no links in these tests. */
	if (fstatat((int)a, (const char *)(uintptr_t)b + 1, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return __real_syscall(number, a, b, c, d);
	FAIL_AT_POINT(true, false);
	r = __real_syscall(number, a, b, c, d);
	if (r >= 0 && now.kind == FAULT_POWER) {
		const char *path = (const char *)(uintptr_t)b + 1, *slash = strrchr(path, '/');
		char parent[512];
		int dir;

		snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
		dir = __real_openat((int)a, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0)
			broken("the folder of a new file");
		note(LOST_NAME, dir, slash ? slash + 1 : path);
		close(dir);
	}
	return r;
}

int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	struct stat st;
	int r;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return __real_mkdirat(dir, name, mode);
	FAIL_AT_POINT(true, false);
	r = __real_mkdirat(dir, name, mode);
	if (r == 0)
		note(LOST_FOLDER, dir, name);
	return r;
}

int __wrap_renameat(int from, const char *name, int to, const char *other)
{
	struct lost *l;

	FAIL_AT_POINT(true, false);
	l = note(LOST_RENAME, to, other);
	save(l, to, other);
	if (l)
		snprintf(l->old_name, sizeof(l->old_name), "%s", name);
	return __real_renameat(from, name, to, other);
}

static bool is_empty(int fd)
{
	DIR *d = fdopendir(dup(fd));
	const struct dirent *e;
	int n = 0;

	if (!d)
		broken("fdopendir");
	while ((e = readdir(d)))
		n++;
	closedir(d);
	return n == 2;
}

/* It is kept itself, for it may have to be there again with what was in it: an empty one is moved away instead. */
static int remove_folder(int dir, const char *name)
{
	char number[24];
	int fd, r;

	if (now.kind != FAULT_POWER)
		return __real_unlinkat(dir, name, AT_REMOVEDIR);
	fd = __real_openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!is_empty(fd)) {
		close(fd);
		errno = ENOTEMPTY;
		return -1;
	}
	close(fd);
	snprintf(number, sizeof(number), "%zu", n_lost);
	__real_unlinkat(now.lost_fd, number, 0);
	__real_unlinkat(now.lost_fd, number, AT_REMOVEDIR);
	note(LOST_FOLDER_REMOVAL, dir, name);
	r = __real_renameat(dir, name, now.lost_fd, number);
	if (r < 0)
		broken("a folder's removal");
	return r;
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	FAIL_AT_POINT(false, false);
	if (flags & AT_REMOVEDIR)
		return remove_folder(dir, name);
	save(note(LOST_REMOVAL, dir, name), dir, name);
	return __real_unlinkat(dir, name, flags);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	FAIL_AT_POINT(false, false);
	note(LOST_MODE, fd, NULL);
	return __real_fchmod(fd, mode);
}

int __wrap_fchmodat(int dir, const char *name, mode_t mode, int flags)
{
	FAIL_AT_POINT(false, false);
	return __real_fchmodat(dir, name, mode, flags);
}

int __wrap_fchown(int fd, uid_t uid, gid_t gid)
{
	FAIL_AT_POINT(false, false);
	note(LOST_MODE, fd, NULL);
	return __real_fchown(fd, uid, gid);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	FAIL_AT_POINT(false, false);
	return __real_futimens(fd, times);
}

int __wrap_fsetxattr(int fd, const char *name, const void *value, size_t len, int flags)
{
	FAIL_AT_POINT(true, false);
	return __real_fsetxattr(fd, name, value, len, flags);
}

int __wrap_fremovexattr(int fd, const char *name)
{
	FAIL_AT_POINT(false, false);
	return __real_fremovexattr(fd, name);
}
