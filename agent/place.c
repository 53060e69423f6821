/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int place_folder(int at, const char *path, mode_t mode, int *ret)
{
	_cleanup_close_ int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (const char *p = path + strspn(path, "/"); *p; p += strspn(p, "/")) {
		size_t len = strcspn(p, "/");
		_cleanup_free_ char *name = strndup(p, len);
		int next;

		if (!name)
			return -ENOMEM;
		p += len;
		if (mkdirat(fd, name, p[strspn(p, "/")] ? 0755 : mode) < 0 && errno != EEXIST)
			return -errno;
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		close(fd);
		fd = next;
	}
	*ret = fd;
	fd = -1;
	return 0;
}

/* The folder that holds path; *ret_name points to the last part of path. */
static int open_parent(int at, const char *path, const char **ret_name, int *ret)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = strndup(path, slash ? (size_t)(slash - path) : 0);
	int r = folder ? place_folder(at, folder, 0755, ret) : -ENOMEM;

	if (r == 0)
		*ret_name = slash ? slash + 1 : path;
	return r;
}

/* A new, empty file in the place of whatever is there. */
static int create(int at, const char *path, mode_t mode, int *ret)
{
	_cleanup_close_ int parent = -1, fd = -1;
	const char *name;
	int r = open_parent(at, path, &name, &parent);

	if (r < 0)
		return r;
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0 || fchmod(fd, mode) < 0)
		return -errno;
	*ret = fd;
	fd = -1;
	return 0;
}

int place_file(int at, const char *path, const void *data, size_t len, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	int r = create(at, path, mode, &fd);

	return r < 0 ? r : write_all(fd, data, len);
}

int place_text(int at, const char *path, const char *text, mode_t mode)
{
	return place_file(at, path, text, strlen(text), mode);
}

int place_link(int at, const char *path, const char *target)
{
	_cleanup_close_ int parent = -1;
	const char *name;
	int r = open_parent(at, path, &name, &parent);

	if (r < 0)
		return r;
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return symlinkat(target, parent, name) < 0 ? -errno : 0;
}

int place_copy(int from, const char *source, int at, const char *path, mode_t mode)
{
	_cleanup_close_ int in = openat(from, source, O_RDONLY | O_CLOEXEC), out = -1;
	char buf[16384];
	ssize_t n;
	int r;

	if (in < 0)
		return -errno;
	r = create(at, path, mode, &out);
	while (r == 0 && (n = read(in, buf, sizeof(buf))) != 0)
		r = n < 0 ? -errno : write_all(out, buf, (size_t)n);
	return r;
}
