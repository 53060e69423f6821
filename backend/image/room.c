/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the builds of this room share: progress, locks, folders that are being made. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>

#include "backend/image/builder.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define LOCK_RETRY_MS 500
#define MOUNTINFO_MAX (16UL << 20)

char *image_host_path(const struct image_env *env, const char *path)
{
	return fs_join(env->root_path && *env->root_path ? env->root_path : "/", path);
}

void image_progress(const struct image_env *env, const char *step, int permille, const char *line)
{
	if (env->progress)
		env->progress(env->data, step, permille, line);
}

bool image_cancelled(const struct image_env *env)
{
	struct pollfd p = { .fd = env->cancel_fd > 0 ? env->cancel_fd : -1, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

bool image_id_valid(const char *id)
{
	if (!*id || *id == '.')
		return false;
	return id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")] == '\0';
}

int image_lock(const struct image_env *env, const char *folder, const char *step, int *ret_fd)
{
	_cleanup_free_ char *path = fs_join(folder, ".lock");
	struct pollfd p = { .fd = env->cancel_fd > 0 ? env->cancel_fd : -1, .events = POLLIN };
	_cleanup_close_ int fd = -1;
	bool told = false;
	int r;

	if (!path)
		return -ENOMEM;
	r = fs_mkdir_all(env->root_fd, folder, 0755);
	if (r < 0) {
		log_error(_("%s cannot be made: %s"), folder, muster_strerror(r));
		return r;
	}
	fd = fs_open(env->root_fd, path, O_RDWR | O_CREAT, 0600);
	if (fd < 0) {
		log_error(_("%s cannot be opened: %s"), path, muster_strerror(fd));
		return fd;
	}
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (!told)
			image_progress(env, step, -1, _("another muster is building here: waiting for it"));
		told = true;
		if (poll(&p, 1, LOCK_RETRY_MS) > 0)
			return -MUSTER_E_CANCELLED;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* A path as proc_pid_mountinfo(5) has it, with a slash behind: white space and backslashes are octal there. */
static int mountinfo_path(const char *path, char **ret)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (!real)
		return -errno;
	strbuf_addc(&b, ' ');
	for (const char *c = real; *c; c++)
		if (strchr(" \t\n\\", *c))
			strbuf_addf(&b, "\\%03o", (unsigned int)*c);
		else
			strbuf_addc(&b, *c);
	strbuf_addc(&b, '/');
	return strbuf_take(&b, ret, NULL);
}

/* True where a mount of this process's namespace lies below the path, or where that cannot be told. A bind mount
 * from the same disk does not show in device numbers. */
static bool has_mounts(const char *path)
{
	_cleanup_free_ char *text = NULL, *needle = NULL;
	_cleanup_close_ int fd = -1;
	int r = mountinfo_path(path, &needle);

	if (r < 0)
		return r != -ENOENT;
	fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	return fd < 0 || fs_read_fd(fd, MOUNTINFO_MAX, &text, NULL) < 0 || strstr(text, needle);
}

int image_discard(const struct image_env *env, const char *path)
{
	_cleanup_free_ char *full = image_host_path(env, path);
	int r;

	if (!full)
		return -ENOMEM;
	if (has_mounts(full)) {
		log_error(_("%s is left as it is: something is mounted in it. Unmount that, then remove the "
			    "folder"),
			  full);
		return -EBUSY;
	}
	r = fs_remove_tree(env->root_fd, path);
	if (r < 0)
		log_error(_("%s cannot be removed: %s"), full, muster_strerror(r));
	return r;
}

int image_sweep(const struct image_env *env, const char *folder)
{
	int fd = fs_open(env->root_fd, folder, O_RDONLY | O_DIRECTORY, 0);
	struct dirent *e;
	DIR *d;
	int r = 0;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(d))) {
		_cleanup_free_ char *path = NULL;

		if (strncmp(e->d_name, ".building-", 10) != 0 && strncmp(e->d_name, ".removing-", 10) != 0)
			continue;
		path = fs_join(folder, e->d_name);
		if (!path)
			r = -ENOMEM;
		else if (image_discard(env, path) < 0)
			log_warning(
				_("what an earlier build left stays in the way of nothing but disk space"));
	}
	closedir(d);
	return r;
}

int image_need_programs(const struct image_env *env, const char *service, const char *const *programs)
{
	const struct profile_service *s = profile_service_find(env->distro, service);
	_cleanup_strbuf_ struct strbuf packages = STRBUF_INIT;
	int r = 0;

	for (size_t i = 0; s && i < s->packages.n; i++)
		strbuf_addf(&packages, "%s%s", i ? " " : "", s->packages.v[i]);

	for (size_t i = 0; programs[i]; i++) {
		_cleanup_free_ char *path = spawn_find(programs[i]);

		if (path)
			continue;
		log_error(_("%s is not installed: roots of nodes cannot be built without it. Install these "
			    "packages: %s"),
			  programs[i], packages.data ? packages.data : "");
		r = -MUSTER_E_MISSING;
	}
	return r;
}

int image_need_space(const struct image_env *env, const char *path, unsigned long long bytes)
{
	unsigned long long have;
	int r = fs_free_bytes(env->root_fd, path, &have);

	if (r < 0)
		return r;
	if (have >= bytes)
		return 0;
	log_error(_("%s has %llu MB free, and building there needs %llu MB"), path, have >> 20, bytes >> 20);
	return -ENOSPC;
}
