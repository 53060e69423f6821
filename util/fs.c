/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

int fs_root_open(const char *path)
{
	int fd = open(path && *path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* For kernels before 5.6: walks component by component and follows no link at all. */
static int open_by_walking(int root_fd, const char *path, int flags, mode_t mode)
{
	_cleanup_close_ int dir = dup(root_fd);
	_cleanup_free_ char *copy = strdup(path);
	char *save = NULL, *part, *next;

	if (dir < 0 || !copy)
		return -ENOMEM;
	part = strtok_r(copy, "/", &save);
	if (!part) {
		int fd = openat(dir, ".", flags | O_CLOEXEC, mode);

		return fd < 0 ? -errno : fd;
	}
	for (;; part = next) {
		int fd;

		if (strcmp(part, "..") == 0)
			return -EXDEV;
		next = strtok_r(NULL, "/", &save);
		fd = openat(dir, part, (next ? O_PATH | O_DIRECTORY : flags) | O_NOFOLLOW | O_CLOEXEC,
			    next ? 0 : mode);
		if (fd < 0)
			return -errno;
		if (!next)
			return fd;
		close(dir);
		dir = fd;
	}
}

static int open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned int)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, root_fd, *path ? path : "/", &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	if (fd < 0 && errno == ENOSYS)
		return open_by_walking(root_fd, path, flags, mode);
	return fd < 0 ? -errno : (int)fd;
}

int fs_open(int root_fd, const char *path, int flags, mode_t mode)
{
	return open_in_root(root_fd, path, flags | O_NOFOLLOW, mode);
}

int fs_open_parent(int root_fd, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = NULL;
	int fd;

	if (!slash || !slash[1] || strcmp(slash + 1, ".") == 0 || strcmp(slash + 1, "..") == 0)
		return -EINVAL;
	parent = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!parent)
		return -ENOMEM;
	fd = open_in_root(root_fd, parent, O_RDONLY | O_DIRECTORY, 0);
	if (fd >= 0)
		*ret_name = slash + 1;
	return fd;
}

int fs_stat(int root_fd, const char *path, struct stat *ret)
{
	_cleanup_close_ int fd = open_in_root(root_fd, path, O_PATH | O_NOFOLLOW, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = st;
	return 0;
}

bool fs_exists(int root_fd, const char *path)
{
	struct stat st;

	return fs_stat(root_fd, path, &st) == 0;
}

int fs_read_fd(int fd, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_free_ char *data = NULL;
	size_t len = 0, size = 0;

	for (;;) {
		ssize_t n;

		if (size - len < 2) {
			size_t more = size ? size * 2 : 4096;
			char *bigger = realloc(data, more);

			if (!bigger)
				return -ENOMEM;
			data = bigger;
			size = more;
		}
		n = read(fd, data + len, size - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return -EFBIG;
	}
	data[len] = '\0';
	if (ret_len)
		*ret_len = len;
	*ret = TAKE_PTR(data);
	return 0;
}

int fs_read(int root_fd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = fs_open(root_fd, path, O_RDONLY | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	return fs_read_fd(fd, max, ret, ret_len);
}

int fs_mkdir_all(int root_fd, const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	for (char *p = copy; *p;) {
		_cleanup_close_ int parent = -1;
		const char *name;
		mode_t own;
		char end;

		while (*p == '/')
			p++;
		while (*p && *p != '/')
			p++;
		end = *p;
		own = end ? mode | 0755 : mode;
		*p = '\0';
		if (copy[0] && strcmp(copy, "/") != 0) {
			parent = fs_open_parent(root_fd, copy, &name);
			if (parent < 0)
				return parent;
			if (mkdirat(parent, name, own) < 0) {
				if (errno != EEXIST)
					return -errno;
			} else if (fchmodat(parent, name, own, 0) < 0 || fsync(parent) < 0) {
				return -errno;
			}
		}
		*p = end;
	}
	return 0;
}

int fs_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int copy_all(int in_fd, int out_fd)
{
	char block[65536];

	for (;;) {
		ssize_t n = read(in_fd, block, sizeof(block));
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		r = fs_write_all(out_fd, block, (size_t)n);
		if (r < 0)
			return r;
	}
}

static char *temporary_name(const char *name)
{
	char *temp;

	return asprintf(&temp, ".%.200s.muster-new", name) < 0 ? NULL : temp;
}

int fs_drop_temporary(int root_fd, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(root_fd, path, &name);
	_cleanup_free_ char *temp = NULL;

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	temp = temporary_name(name);
	if (!temp)
		return -ENOMEM;
	return unlinkat(dir, temp, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Writes a temporary from `data`, or from in_fd where that is not negative, and renames it. */
static int replace(int root_fd, const char *path, int in_fd, const void *data, size_t len,
		   const struct fs_attr *attr)
{
	_cleanup_free_ char *temp = NULL;
	_cleanup_close_ int dir = -1, fd = -1;
	const char *name;
	int r;

	dir = fs_open_parent(root_fd, path, &name);
	if (dir < 0)
		return dir;
	temp = temporary_name(name);
	if (!temp)
		return -ENOMEM;
	if (unlinkat(dir, temp, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = in_fd >= 0 ? copy_all(in_fd, fd) : fs_write_all(fd, data, len);
	if (r == 0 && (attr->uid != (uid_t)-1 || attr->gid != (gid_t)-1) &&
	    fchown(fd, attr->uid, attr->gid) < 0)
		r = -errno;
	/* The owner first, whose change takes rights away; the mode last, which an ACL sets, too. */
	if (r == 0 && attr->xattrs)
		r = xattrs_write(fd, attr->xattrs);
	if (r == 0 && fchmod(fd, attr->mode) < 0)
		r = -errno;
	if (r == 0 && attr->mtime &&
	    futimens(fd, (const struct timespec[]){ { .tv_nsec = UTIME_OMIT }, *attr->mtime }) < 0)
		r = -errno;
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir, temp, dir, name) < 0)
		r = -errno;
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	else if (r < 0)
		unlinkat(dir, temp, 0);
	return r;
}

int fs_write(int root_fd, const char *path, const void *data, size_t len, const struct fs_attr *attr)
{
	return replace(root_fd, path, -1, data, len, attr);
}

int fs_copy(int in_fd, int root_fd, const char *path, const struct fs_attr *attr)
{
	return replace(root_fd, path, in_fd, NULL, 0, attr);
}

int fs_fsync_dir(int root_fd, const char *path)
{
	_cleanup_close_ int fd = open_in_root(root_fd, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return fd;
	return fsync(fd) < 0 ? -errno : 0;
}

int fs_unlink(int root_fd, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(root_fd, path, &name);

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return dir;
	return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int remove_in(int dir, const char *name, dev_t dev)
{
	struct stat st;
	struct dirent *e;
	DIR *d;
	int fd, r = 0;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(dir, name, 0) < 0 && errno != ENOENT ? -errno : 0;
	if (st.st_dev != dev)
		return -EXDEV;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	/* What cannot be removed does not keep the rest. */
	while ((e = readdir(d))) {
		int one = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0
				  ? 0
				  : remove_in(fd, e->d_name, dev);

		r = r < 0 ? r : one;
	}
	closedir(d);
	if (r == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

int fs_remove_tree(int root_fd, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(root_fd, path, &name);
	struct stat st;

	if (dir == -ENOENT)
		return 0;
	if (dir < 0)
		return dir;
	if (fstat(dir, &st) < 0)
		return -errno;
	return remove_in(dir, name, st.st_dev);
}

int fs_free_bytes(int root_fd, const char *path, unsigned long long *ret)
{
	_cleanup_free_ char *p = strdup(path);
	struct statvfs v;

	if (!p)
		return -ENOMEM;
	for (;;) {
		_cleanup_close_ int fd = open_in_root(root_fd, p, O_RDONLY, 0);
		char *slash;

		if (fd >= 0) {
			if (fstatvfs(fd, &v) < 0)
				return -errno;
			*ret = (unsigned long long)v.f_bavail * v.f_frsize;
			return 0;
		}
		slash = strrchr(p, '/');
		if (fd != -ENOENT || !slash || strcmp(p, "/") == 0)
			return fd;
		slash[slash == p ? 1 : 0] = '\0';
	}
}

char *fs_join(const char *a, const char *b)
{
	size_t len = strlen(a);
	char *path;

	while (len > 0 && a[len - 1] == '/')
		len--;
	while (*b == '/')
		b++;
	if (asprintf(&path, "%.*s/%s", (int)len, a, b) < 0)
		return NULL;
	return path;
}
