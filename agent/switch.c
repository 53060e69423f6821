/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/switch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* statfs(2) */
#define RAMFS_MAGIC 0x858458f6
#define TMPFS_MAGIC 0x01021994

char *switch_init_path(const char *cmdline)
{
	const char *found = NULL;
	size_t len = 0;

	/* The kernel takes the last of several. */
	for (const char *p = cmdline; *p; p += strspn(p, " \n")) {
		size_t n = strcspn(p, " \n");

		if (strncmp(p, "init=/", 6) == 0) {
			found = p + 5;
			len = n - 5;
		}
		p += n;
	}
	return found ? strndup(found, len) : strdup("/sbin/init");
}

/* Deletes all below a folder that is on the device dev; takes fd. Mount points stay. */
static void empty_folder(int fd, dev_t dev)
{
	_cleanup_closedir_ DIR *d = fdopendir(fd);
	struct dirent *e;

	if (!d) {
		close(fd);
		return;
	}
	while ((e = readdir(d))) {
		struct stat st;
		int sub;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_dev != dev)
			continue;
		if (S_ISDIR(st.st_mode)) {
			sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			if (sub >= 0)
				empty_folder(sub, dev);
		}
		unlinkat(dirfd(d), e->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
	}
}

/* Gives the initramfs's memory back; only ever in an initramfs. */
static void empty_initramfs(void)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return;
	if (getpid() != 1 || fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0 ||
	    ((unsigned long)fs.f_type != RAMFS_MAGIC && (unsigned long)fs.f_type != TMPFS_MAGIC)) {
		close(fd);
		return;
	}
	empty_folder(fd, st.st_dev);
}

static int move_mounts(const char *new, char **reason)
{
	static const char *const mounts[] = { "/dev", "/proc", "/sys", "/run" };

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		_cleanup_free_ char *target = NULL;

		if (asprintf(&target, "%s%s", new, mounts[i]) < 0) {
			target = NULL;
			return fail_with(reason, -ENOMEM, "out of memory");
		}
		if (mkdir(target, 0755) < 0 && errno != EEXIST)
			return fail_with(reason, -errno, "the root has no %s: %s", mounts[i],
					 strerror(errno));
		if (mount(mounts[i], target, NULL, MS_MOVE, NULL) < 0)
			return fail_with(reason, -errno, "%s cannot be moved into the root: %s", mounts[i],
					 strerror(errno));
	}
	return 0;
}

int switch_root(const char *new, const char *init, char **argv, bool *ret_moved, char **reason)
{
	_cleanup_close_ int fd = open(new, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int r;

	*ret_moved = false;
	if (fd < 0)
		return fail_with(reason, -errno, "%s cannot be entered: %s", new, strerror(errno));
	/* A link may lead anywhere; whether that can be run shows below. */
	if (fstatat(fd, init + 1, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_with(reason, -errno, "the root has no %s: is it a whole system?", init);
	*ret_moved = true;
	r = move_mounts(new, reason);
	if (r < 0)
		return r;
	empty_initramfs();
	if (fchdir(fd) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return fail_with(reason, -errno, "the root cannot be switched to: %s", strerror(errno));
	argv[0] = (char *)init;
	execv(init, argv);
	return fail_with(reason, -errno, "%s of the root does not run: %s", init, strerror(errno));
}
