/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operator's own files, which a base has besides what is built for it: all of it becomes root's. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/image/base.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

/* What is done with each entry below the folder, by its path there ("/etc/motd"). */
typedef int (*visitor)(void *data, const char *path, const FTSENT *e);

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int visit(const char *folder, visitor fn, void *data)
{
	char *const paths[] = { (char *)(uintptr_t)folder, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;
	int r = fts ? 0 : -errno;

	while (r == 0 && (e = fts_read(fts))) {
		if (e->fts_level == 0 && e->fts_info == FTS_D)
			continue;
		if (e->fts_info == FTS_DP)
			continue;
		if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS) {
			r = -e->fts_errno;
			log_error(_("%s cannot be read: %s"), e->fts_path, muster_strerror(r));
			break;
		}
		r = fn(data, e->fts_path + strlen(folder), e);
	}
	if (fts)
		fts_close(fts);
	return r;
}

static int open_file(const FTSENT *e)
{
	int fd = open(e->fts_accpath, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;

	if (r < 0)
		log_error(_("%s cannot be read: %s"), e->fts_path, muster_strerror(r));
	return r < 0 ? r : fd;
}

static int read_link(const FTSENT *e, char ret[PATH_MAX])
{
	ssize_t n = readlink(e->fts_accpath, ret, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	ret[n] = '\0';
	return 0;
}

/* ---- what it is ------------------------------------------------------------------------------------------------ */

static int hash_one(void *data, const char *path, const FTSENT *e)
{
	const mode_t mode = e->fts_statp->st_mode & 0777;
	_cleanup_close_ int fd = -1;
	struct hash *h = data;
	char target[PATH_MAX];
	int r = 0;

	switch (e->fts_info) {
	case FTS_D:
		hash_add_string(h, "folder");
		break;
	case FTS_F:
		hash_add_string(h, "file");
		fd = open_file(e);
		r = fd < 0 ? fd : hash_add_fd(h, fd);
		break;
	case FTS_SL:
	case FTS_SLNONE:
		r = read_link(e, target);
		hash_add_string(h, "link");
		hash_add_string(h, r < 0 ? "" : target);
		break;
	default:
		log_error(_("%s is neither a file nor a folder nor a link: it cannot be a part of a root"),
			  e->fts_path);
		return -MUSTER_E_REFUSED;
	}
	hash_add_string(h, path);
	hash_add(h, &mode, sizeof(mode));
	return r;
}

int base_own_hash(const char *folder, struct hash *h)
{
	struct stat st;
	int r = stat(folder, &st) < 0 ? -errno : 0;

	if (r < 0) {
		log_error(_("%s cannot be read: %s"), folder, muster_strerror(r));
		return r;
	}
	if (!S_ISDIR(st.st_mode)) {
		log_error(_("--add wants a folder with what the root is to have besides, as FOLDER/etc/motd; "
			    "%s is "
			    "none"),
			  folder);
		return -MUSTER_E_REFUSED;
	}
	return visit(folder, hash_one, h);
}

/* ---- into the tree --------------------------------------------------------------------------------------------- */

/* What is there stays, as a link to a folder. */
static int make_folder(int tree_fd, const char *path, mode_t mode)
{
	return fs_exists(tree_fd, path) ? 0 : fs_mkdir_all(tree_fd, path, mode);
}

static int make_link(int tree_fd, const char *path, const FTSENT *e)
{
	_cleanup_close_ int parent = -1;
	char target[PATH_MAX];
	const char *name;
	int r = read_link(e, target);

	if (r < 0)
		return r;
	parent = fs_open_parent(tree_fd, path, &name);
	if (parent < 0)
		return parent;
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return symlinkat(target, parent, name) < 0 ? -errno : 0;
}

static int copy_one(void *data, const char *path, const FTSENT *e)
{
	const struct fs_attr attr = { .mode = e->fts_statp->st_mode & 0777,
				      .uid = geteuid() == 0 ? 0 : (uid_t)-1,
				      .gid = geteuid() == 0 ? 0 : (gid_t)-1 };
	const int tree_fd = *(int *)data;
	_cleanup_close_ int fd = -1;
	int r;

	switch (e->fts_info) {
	case FTS_D:
		r = make_folder(tree_fd, path, attr.mode);
		break;
	case FTS_F:
		fd = open_file(e);
		r = fd < 0 ? fd : fs_copy(fd, tree_fd, path, &attr);
		break;
	default:
		r = make_link(tree_fd, path, e);
	}
	if (r < 0)
		log_error(_("%s cannot be put into the root: %s"), path, muster_strerror(r));
	return r;
}

int base_own_copy(const char *folder, int tree_fd)
{
	return visit(folder, copy_one, &tree_fd);
}
