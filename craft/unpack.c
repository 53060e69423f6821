/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Unpacks what the operator named. An archive is not trusted: no name of it leads out of the folder, neither by itself nor
 * through a link, and it makes nothing but files, folders and links.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "craft/craft.h"
#include "util/archive.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define TELL_MS 100

struct unpacking {
	const struct craft_env *env;
	const char *name; /* of the archive */
	int folder;
	uid_t uid;
	gid_t gid;
	bool system; /* a whole system's tree: owners and modes are kept */
	int64_t newest;
};

static int refuse(const struct unpacking *u, const char *path, const char *why)
{
	log_error(_("the archive %s is refused: %s %s"), u->name, path, why);
	return -MUSTER_E_REFUSED;
}

/* The name without "./" in front and "/" behind; NULL with *ret_why where it is none. "" is the folder itself. */
static const char *clean_name(const char *path, char **ret, const char **ret_why)
{
	size_t n;
	char *copy;

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if (strcmp(path, ".") == 0)
		path++;
	if (*path == '/') {
		*ret_why = _("is an absolute path");
		return NULL;
	}
	for (const char *p = path; *p; p += strcspn(p, "/"), p += strspn(p, "/"))
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2])) {
			*ret_why = _("leads out of the archive's folder");
			return NULL;
		}
	n = strlen(path);
	while (n > 0 && path[n - 1] == '/')
		n--;
	*ret_why = _("is too long");
	if (asprintf(&copy, "/%.*s", (int)n, path) < 0)
		return NULL;
	*ret = copy;
	return copy;
}

/*
 * Whether a link at `path` ("/a/b") with this target stays below the folder. A ".." behind a name counts as leading out: the name
 * may be another link's, and what is above its target is elsewhere than it seems ("d/.." where d leads to ".").
 */
static bool link_stays(const char *path, const char *target)
{
	bool named = false;
	int depth = 0;

	if (*target == '/')
		return false;
	for (const char *p = path + strspn(path, "/"); *p; p += strcspn(p, "/"), p += strspn(p, "/"))
		depth += strcspn(p, "/") > 1 || *p != '.';
	depth--; /* its own name */
	for (const char *p = target; *p; p += strcspn(p, "/"), p += strspn(p, "/")) {
		size_t n = strcspn(p, "/");

		if (n == 2 && strncmp(p, "..", 2) == 0)
			depth--;
		else if (n > 1 || *p != '.')
			named = true;
		if (depth < 0 || (named && n == 2 && strncmp(p, "..", 2) == 0))
			return false;
	}
	return true;
}

/* The item is NULL for what the archive does not name. */
static void owner_of(const struct unpacking *u, const struct archive_item *item, uid_t *ret_uid,
		     gid_t *ret_gid)
{
	bool keeps = u->system && geteuid() == 0;

	*ret_uid = keeps ? item ? (uid_t)item->uid : 0 : u->uid;
	*ret_gid = keeps ? item ? (gid_t)item->gid : 0 : u->gid;
}

static int own(const struct unpacking *u, const struct archive_item *item, int fd)
{
	uid_t uid;
	gid_t gid;

	owner_of(u, item, &uid, &gid);
	return uid != (uid_t)-1 && fchown(fd, uid, gid) < 0 ? -errno : 0;
}

/* After its owner: chown(2) takes the bits away with which a program gets other rights. */
static int set_mode(const struct unpacking *u, const struct archive_item *item, int fd, mode_t least)
{
	mode_t mode = item ? item->mode : 0755;

	return fchmod(fd, u->system ? mode & 07777 : (mode & 0755) | least) < 0 ? -errno : 0;
}

static int open_folder_of(const struct unpacking *u, const char *path, const char **ret_name);

static int make_folder(const struct unpacking *u, const char *path, const struct archive_item *item)
{
	_cleanup_close_ int parent = -1, fd = -1;
	const char *name;
	int r;

	if (strcmp(path, "/") == 0)
		return 0;
	parent = open_folder_of(u, path, &name);
	if (parent < 0)
		return parent;
	if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? -errno : own(u, item, fd);
	return r < 0 ? r : set_mode(u, item, fd, 0700);
}

/* Not every archive has its folders before what is in them. */
static int open_folder_of(const struct unpacking *u, const char *path, const char **ret_name)
{
	int fd = fs_open_parent(u->folder, path, ret_name);

	for (const char *p = path + 1; fd == -ENOENT && (p = strchr(p, '/')); p++) {
		_cleanup_free_ char *above = strndup(path, (size_t)(p - path));
		int r = above ? make_folder(u, above, NULL) : -ENOMEM;

		if (r < 0)
			return r;
	}
	return fd == -ENOENT ? fs_open_parent(u->folder, path, ret_name) : fd;
}

static int copy_data(struct archive_in *a, int fd)
{
	static char block[65536];
	size_t n;
	int r;

	while ((r = archive_in_read(a, block, sizeof(block), &n)) == 0 && n > 0) {
		r = fs_write_all(fd, block, n);
		if (r < 0)
			return r;
	}
	return r;
}

static int make_file(struct unpacking *u, struct archive_in *a, const char *path,
		     const struct archive_item *item)
{
	const struct timespec times[2] = { { .tv_sec = item->mtime }, { .tv_sec = item->mtime } };
	_cleanup_close_ int parent = -1, fd = -1;
	const char *name;
	int r;

	parent = open_folder_of(u, path, &name);
	if (parent < 0)
		return parent;
	/* A name that comes twice is made anew: what is there may be a link. */
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return -errno;
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = copy_data(a, fd);
	if (r < 0)
		return r;
	if (futimens(fd, times) < 0)
		return -errno;
	u->newest = MAX(u->newest, item->mtime);
	r = own(u, item, fd);
	return r < 0 ? r : set_mode(u, item, fd, 0600);
}

/* Behind a link it would stand elsewhere than its name says, and lead elsewhere. */
static bool is_behind_link(const struct unpacking *u, const char *path)
{
	for (const char *p = path + 1; (p = strchr(p, '/')); p++) {
		_cleanup_free_ char *above = strndup(path, (size_t)(p - path));
		struct stat st;

		if (!above || (fs_stat(u->folder, above, &st) == 0 && S_ISLNK(st.st_mode)))
			return true;
	}
	return false;
}

static int make_link(const struct unpacking *u, const char *path, const struct archive_item *item)
{
	_cleanup_close_ int parent = -1;
	const char *name;
	uid_t uid;
	gid_t gid;

	/* A system's links are about its own root, and whoever follows them in its tree takes that for theirs (util/fs.h). */
	if (!item->target || (!u->system && (!link_stays(path, item->target) || is_behind_link(u, path))))
		return refuse(u, path,
			      _("is a link that leads out of the archive's folder; tar --dereference packs "
				"what it leads to"));
	parent = open_folder_of(u, path, &name);
	if (parent < 0)
		return parent;
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return -errno;
	if (symlinkat(item->target, parent, name) < 0)
		return -errno;
	owner_of(u, item, &uid, &gid);
	if (uid != (uid_t)-1 && fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

static int make_hardlink(const struct unpacking *u, const char *path, const struct archive_item *item)
{
	_cleanup_free_ char *target = NULL;
	_cleanup_close_ int parent = -1, other = -1;
	const char *name, *other_name, *why = _("is a link to nothing");
	struct stat st;

	if (!item->target || !clean_name(item->target, &target, &why))
		return refuse(u, item->target ? item->target : path, why);
	parent = open_folder_of(u, path, &name);
	other = fs_open_parent(u->folder, target, &other_name);
	if (parent < 0 || other < 0)
		return parent < 0 ? parent : other;
	/* A link leads elsewhere from there than from where it was looked at. */
	if (!u->system && fstatat(other, other_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
		return refuse(u, path, _("is a second name of a link"));
	if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return linkat(other, other_name, parent, name, 0) < 0 ? -errno : 0;
}

static int make_item(struct unpacking *u, struct archive_in *a, const struct archive_item *item)
{
	_cleanup_free_ char *path = NULL;
	const char *why;

	if (!clean_name(item->path, &path, &why))
		return refuse(u, item->path, why);
	switch (item->type) {
	case ARCHIVE_DIR:
		return make_folder(u, path, item);
	case ARCHIVE_FILE:
		return make_file(u, a, path, item);
	case ARCHIVE_SYMLINK:
		return make_link(u, path, item);
	case ARCHIVE_HARDLINK:
		return make_hardlink(u, path, item);
	case ARCHIVE_OTHER:
		/* A node's devices are made when it boots. */
		if (u->system)
			return 0;
		break;
	}
	return refuse(u, path, _("is neither a file nor a folder nor a link"));
}

static int make_items(struct unpacking *u, struct archive_in *a, int64_t size)
{
	struct archive_item item;
	int64_t told = 0;
	int r;

	while ((r = archive_in_next(a, &item)) > 0) {
		int64_t now = clock_mono_ms();

		if (now - told >= TELL_MS) {
			craft_progress(u->env, NC_("step", "unpack"), NULL,
				       size > 0 ? (int)(archive_in_position(a) * 1000 / size) : -1, NULL);
			told = now;
			if (craft_cancelled(u->env))
				return -MUSTER_E_CANCELLED;
		}
		r = make_item(u, a, &item);
		if (r < 0) {
			if (r != -MUSTER_E_REFUSED)
				log_error(_("%s of %s cannot be unpacked: %s"), item.path, u->name,
					  r == -ENOSPC ? _("the disk is full") : muster_strerror(r));
			return r;
		}
	}
	return r;
}

static int unpack(struct unpacking *u, int archive_fd, int64_t *ret_newest)
{
	struct archive_in *a;
	struct stat st;
	int r;

	if (fstat(archive_fd, &st) < 0)
		return -errno;
	r = archive_in_open(archive_fd, &a);
	if (r < 0)
		return r;
	r = make_items(u, a, st.st_size);
	archive_in_close(a);
	if (r == 0)
		r = own(u, NULL, u->folder);
	if (r == 0)
		*ret_newest = u->newest;
	return r;
}

int craft_unpack(const struct craft_env *env, int archive_fd, const char *name, int folder_fd, uid_t uid,
		 gid_t gid, int64_t *ret_newest)
{
	struct unpacking u = { .env = env, .name = name, .folder = folder_fd, .uid = uid, .gid = gid };

	return unpack(&u, archive_fd, ret_newest);
}

int craft_unpack_system(const struct craft_env *env, int archive_fd, const char *name, int folder_fd)
{
	struct unpacking u = { .env = env,
			       .name = name,
			       .folder = folder_fd,
			       .uid = (uid_t)-1,
			       .gid = (gid_t)-1,
			       .system = true };
	int64_t newest;

	return unpack(&u, archive_fd, &newest);
}
