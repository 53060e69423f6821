/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the parts of this room share: names, progress, locks, folders. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define LOCK_RETRY_MS 500
#define NAME_MAX_LEN 48
#define DISK_RESERVE (16ULL << 20)

bool kernel_is_name(const char *s)
{
	if (!*s || *s == '-' || *s == '.' || strlen(s) > NAME_MAX_LEN)
		return false;
	return s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0';
}

struct craft_env kernel_craft(const struct kernel_env *env)
{
	return (struct craft_env){
		.root_fd = env->root_fd,
		.root_path = env->root_path,
		.sources = KERNEL_SOURCES,
		.hashes = KERNEL_HASHES,
		.cancel_fd = env->cancel_fd,
		.progress = env->progress,
		.data = env->data,
	};
}

char *kernel_host_path(const struct kernel_env *env, const char *path)
{
	return fs_join(env->root_path && *env->root_path ? env->root_path : "/", path);
}

void kernel_progress(const struct kernel_env *env, const char *step, const char *text, int permille,
		     const char *line)
{
	if (env->progress)
		env->progress(env->data, step, text, permille, line);
}

bool kernel_cancelled(const struct kernel_env *env)
{
	const struct craft_env craft = kernel_craft(env);

	return craft_cancelled(&craft);
}

int kernel_lock(const struct kernel_env *env, const char *folder, int *ret_fd)
{
	const char *const folders[] = { "/var/lib/muster", folder, NULL };
	struct pollfd p = { .fd = env->cancel_fd > 0 ? env->cancel_fd : -1, .events = POLLIN };
	_cleanup_free_ char *path = fs_join(folder, ".lock");
	_cleanup_close_ int fd = -1;
	bool told = false;
	int r = path ? fs_mkdir_all(env->root_fd, folder, 0755) : -ENOMEM;

	if (r == 0)
		r = craft_let_through(env->root_fd, folders);
	if (r == 0)
		fd = fs_open(env->root_fd, path, O_RDWR | O_CREAT, 0600);
	if (r < 0 || fd < 0) {
		log_error(_("%s cannot be used: %s"), folder, muster_strerror(r < 0 ? r : fd));
		return r < 0 ? r : fd;
	}
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (!told)
			kernel_progress(env, NC_("step", "wait"), _("another muster is at work here"), -1,
					NULL);
		told = true;
		if (poll(&p, 1, LOCK_RETRY_MS) > 0)
			return -MUSTER_E_CANCELLED;
	}
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int kernel_discard(const struct kernel_env *env, const char *path)
{
	int r = fs_remove_tree(env->root_fd, path);

	if (r < 0)
		log_error(_("%s cannot be removed: %s"), path, muster_strerror(r));
	return r;
}

bool kernel_disk_full(const struct kernel_env *env, const char *path)
{
	unsigned long long have;

	return fs_free_bytes(env->root_fd, path, &have) == 0 && have < DISK_RESERVE;
}
