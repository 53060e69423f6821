/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rehearsal's own view of the file system, in its mount namespace, which ends with it: what the server has built lies
 * read-only below the rehearsal's root, and /etc/muster, /var/lib/muster and /run are the rehearsal's. So the daemons read the
 * same bytes as on the server, paths and all, and find none of its daemons' sockets. Nothing of this is seen outside, and
 * nothing is written there.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab/rehearse-private.h"
#include "util/fs.h"
#include "util/i18n.h"

#define VAR "/var/lib/muster"

/* A path that goes by a descriptor's own mount, wherever something was mounted since. */
#define FD_PATH 32
static const char *fd_path(int fd, char buf[FD_PATH])
{
	snprintf(buf, FD_PATH, "/proc/self/fd/%d", fd);
	return buf;
}

static int open_path(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* ---- what the server has built ---- */

static int bind_read_only(const char *from, const char *to)
{
	if (mount(from, to, NULL, MS_BIND, NULL) < 0 ||
	    mount(NULL, to, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) < 0)
		return -errno;
	return 0;
}

static int mount_built(const char *server, const char *root, const char *folder)
{
	_cleanup_free_ char *from = fs_join(server, folder), *to = fs_join(root, folder);
	_cleanup_close_ int slash = fs_root_open("/");
	int r = !from || !to ? -ENOMEM : slash < 0 ? slash : 0;

	if (r == 0 && access(from, F_OK) < 0)
		return 0;
	if (r == 0)
		r = fs_mkdir_all(slash, to, 0755);
	return r < 0 ? r : bind_read_only(from, to);
}

int lab_mount_built(const struct lab_options *o, const struct lab_borrow *b)
{
	const struct {
		const char *folder;
		bool wanted;
	} folders[] = {
		{ VAR "/roots", b->roots },
		{ VAR "/initramfs", b->initramfs },
		{ VAR "/kernels", true },
	};
	_cleanup_free_ char *root = fs_join(o->dir, "root");
	int r = root ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++)
		if (folders[i].wanted)
			r = mount_built(b->server, root, folders[i].folder);
	if (r < 0)
		lab_error(o, _("What is built on the server cannot be mounted read-only: %s"),
			  muster_strerror(r));
	return r;
}

/* ---- the server's paths ---- */

/* A folder that the server does not have yet needs a place: over its parent lies a layer in memory, in which it is made. */
static int lay_over(const char *parent, const char *dir)
{
	_cleanup_free_ char *memory = fs_join(dir, "layer"), *options = NULL;
	_cleanup_close_ int slash = fs_root_open("/"), fd = -1;
	char path[FD_PATH];
	int r = memory ? fs_mkdir_all(slash, memory, 0700) : -ENOMEM;

	if (r < 0)
		return r;
	if (mount("tmpfs", memory, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m") < 0)
		return -errno;
	fd = open_path(memory);
	if (fd < 0)
		return fd;
	if (mkdirat(fd, "upper", 0755) < 0 || mkdirat(fd, "work", 0755) < 0)
		return -errno;
	/* By number: the folder's own path may hold what overlayfs takes for its syntax. */
	fd_path(fd, path);
	if (asprintf(&options, "lowerdir=%s,upperdir=%s/upper,workdir=%s/work", parent, path, path) < 0)
		return -ENOMEM;
	return mount("overlay", parent, "overlay", 0, options) < 0 ? -errno : 0;
}

/* `own` is the rehearsal's folder that is seen at `parent`/`name` from now on. */
static int put(const char *dir, const char *parent, const char *name, int own)
{
	_cleanup_free_ char *path = fs_join(parent, name);
	char from[FD_PATH];
	int r = 0;

	if (!path)
		return -ENOMEM;
	if (access(path, F_OK) < 0) {
		r = lay_over(parent, dir);
		if (r == 0 && mkdir(path, 0755) < 0 && errno != EEXIST)
			r = -errno;
	}
	if (r == 0 && mount(fd_path(own, from), path, NULL, MS_BIND | MS_REC, NULL) < 0)
		r = -errno;
	return r;
}

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && path[n] == '/';
}

/* The folder in /run that names the server's resolvers, where there is one: a root may still have to be built. */
static char *resolver_folder(void)
{
	_cleanup_free_ char *path = realpath("/etc/resolv.conf", NULL);
	char *slash = path ? strrchr(path, '/') : NULL;

	if (!slash || !is_below(path, "/run"))
		return NULL;
	*slash = '\0';
	return is_below(path, "/run") ? TAKE_PTR(path) : NULL;
}

/* An empty /run: the server's D-Bus, rpcbind and the like listen in its own. */
static int put_run(const struct lab_options *o)
{
	_cleanup_free_ char *folder = resolver_folder();
	_cleanup_close_ int slash = fs_root_open("/"), resolvers = folder ? open_path(folder) : -1;
	char path[FD_PATH];
	int r = slash < 0 ? slash : 0;

	if (r == 0 && mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64m") < 0)
		r = -errno;
	if (r == 0 && (mkdir("/run/lock", 0700) < 0 || chmod("/run/lock", 01777) < 0))
		r = -errno;
	if (r == 0 && resolvers >= 0)
		r = fs_mkdir_all(slash, folder, 0755);
	if (r == 0 && resolvers >= 0 &&
	    mount(fd_path(resolvers, path), folder, NULL, MS_BIND | MS_REC, NULL) < 0)
		r = -errno;
	if (r == 0 && is_below(o->dir, "/run"))
		r = fs_mkdir_all(slash, o->dir, 0755);
	return r;
}

int lab_mount_over(const struct lab_options *o)
{
	static const struct {
		const char *parent, *name, *path;
	} folders[] = { { "/etc", "muster", "/etc/muster" }, { "/var/lib", "muster", VAR } };
	_cleanup_free_ char *root = fs_join(o->dir, "root");
	_cleanup_close_ int dir = open_path(o->dir), root_fd = root ? fs_root_open(root) : -ENOMEM;
	char path[FD_PATH];
	int r = dir < 0 ? dir : root_fd < 0 ? root_fd : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++) {
		_cleanup_close_ int own = -1;

		r = fs_mkdir_all(root_fd, folders[i].path, 0755);
		/* Where the rehearsal's own folder is in there, it must be found again. */
		if (r == 0 && is_below(o->dir, folders[i].path))
			r = fs_mkdir_all(root_fd, o->dir, 0755);
		if (r == 0) {
			own = fs_open(root_fd, folders[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
			r = own < 0 ? own : put(o->dir, folders[i].parent, folders[i].name, own);
		}
	}
	if (r == 0)
		r = put_run(o);
	/* At its own place again, whatever lies above it now. */
	if (r == 0 && mount(fd_path(dir, path), o->dir, NULL, MS_BIND | MS_REC, NULL) < 0)
		r = -errno;
	if (r < 0)
		lab_error(o, _("The rehearsal's folders cannot be put in the place of the server's: %s"),
			  muster_strerror(r));
	return r;
}
