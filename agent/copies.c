/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/copies.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define DEPTH_MAX 32

/* What a system of any age writes into as it runs. The rest of the root is the same for all nodes, and stays so. */
static const char *const written[] = { "etc", "var", "root", "home", "srv", "mnt", "media", "tmp" };

static int copy_folder(int from, int to, int depth);

static int copy_data(int from, const char *name, int out)
{
	_cleanup_close_ int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	static char block[65536];
	ssize_t n;
	int r = in < 0 ? -errno : 0;

	while (r == 0 && (n = read(in, block, sizeof(block))) != 0)
		r = n < 0 ? -errno : write_all(out, block, (size_t)n);
	return r;
}

static int copy_file(int from, int to, const char *name, const struct stat *st)
{
	_cleanup_close_ int out =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = out < 0 ? -errno : copy_data(from, name, out);

	if (r == 0 && fchown(out, st->st_uid, st->st_gid) < 0)
		r = -errno;
	/* After the owner, which takes the bits away that give rights. */
	if (r == 0 && fchmod(out, st->st_mode & 07777) < 0)
		r = -errno;
	return r;
}

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0 ||
	    fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int copy_below(int from, int to, const char *name, const struct stat *st, int depth)
{
	_cleanup_close_ int source = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int target = -1;
	int r;

	if (source < 0 || (mkdirat(to, name, 0700) < 0 && errno != EEXIST))
		return -errno;
	target = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = target < 0 ? -errno : copy_folder(source, target, depth + 1);
	if (r == 0 && (fchown(target, st->st_uid, st->st_gid) < 0 || fchmod(target, st->st_mode & 07777) < 0))
		r = -errno;
	return r;
}

static int copy_entry(int from, int to, const char *name, int depth)
{
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st);
	if (S_ISDIR(st.st_mode))
		r = copy_below(from, to, name, &st, depth);
	else if (S_ISREG(st.st_mode))
		r = copy_file(from, to, name, &st);
	else
		return 0; /* a socket or a pipe is made anew by who wants it */
	if (r == 0) {
		const struct timespec times[2] = { st.st_mtim, st.st_mtim };

		/* Kernels before 2.6.22 cannot; then the copy is newer than what it is of. */
		(void)!utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
	}
	return r;
}

static int copy_folder(int from, int to, int depth)
{
	_cleanup_closedir_ DIR *d = NULL;
	struct dirent *e;
	int r = 0, fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (depth > DEPTH_MAX) {
		if (fd >= 0)
			close(fd);
		return -ELOOP;
	}
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = copy_entry(from, to, e->d_name, depth);
	return r;
}

int copies_tree(int from, int to)
{
	return copy_folder(from, to, 0);
}

/* One folder: copied below `upper`, and mounted over the one of `new`. What the root has not, or has as a link, stays. */
static int mount_copy(int from, int to, const char *upper, const char *new, const char *name)
{
	_cleanup_free_ char *source = NULL, *target = NULL;
	struct stat st;
	int r;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISDIR(st.st_mode))
		return 0;
	r = copy_below(from, to, name, &st, 0);
	if (r < 0)
		return r;
	if (asprintf(&source, "%s/%s", upper, name) < 0)
		source = NULL;
	if (asprintf(&target, "%s/%s", new, name) < 0)
		target = NULL;
	if (!source || !target)
		return -ENOMEM;
	return mount(source, target, NULL, MS_BIND, NULL) < 0 ? -errno : 0;
}

int copies_mount(const char *lower, const char *upper, const char *new, char **reason)
{
	_cleanup_close_ int from = open(lower, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int to = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = from < 0 || to < 0 ? -errno : 0;

	if (r == 0 &&
	    ((mkdir(new, 0755) < 0 && errno != EEXIST) || mount(lower, new, NULL, MS_BIND, NULL) < 0))
		r = -errno;
	if (r < 0)
		return fail_with(reason, r, "the root does not mount: %s", strerror(-r));
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		r = mount_copy(from, to, upper, new, written[i]);
		if (r < 0)
			return fail_with(reason, r, "the root's /%s cannot be copied into memory: %s",
					 written[i], strerror(-r));
	}
	return 0;
}
