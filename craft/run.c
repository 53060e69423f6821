/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs that work on a tree. What they run comes from the operator's archives, so it has no rights: as root we hand the
 * tree to a user id that nobody has, in namespaces of its own. It sees nothing of our environment, so that nothing but
 * what is known to go in makes what comes out.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "craft/craft.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strv.h"

/* Neither for people, nor for packages, nor handed out by systemd (its UIDS-GIDS document: "unused"). */
#define FIRST_UID 60578
#define LAST_UID 61183
#define USERS (LAST_UID - FIRST_UID + 1)

/* Whether a process of the user is there. */
static bool is_at_work(uid_t uid)
{
	DIR *d = opendir("/proc");
	bool found = false;
	struct dirent *e;
	struct stat st;

	while (d && !found && (e = readdir(d)))
		found = e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
			fstatat(dirfd(d), e->d_name, &st, 0) == 0 && st.st_uid == uid;
	if (d)
		closedir(d);
	return found;
}

int craft_user(int folder_fd, const char *mine, uid_t *ret_uid, gid_t *ret_gid)
{
	struct stat st;

	*ret_uid = *ret_gid = (uid_t)-1;
	if (geteuid() != 0)
		return 0;
	if (fs_stat(folder_fd, mine, &st) == 0 && st.st_uid >= FIRST_UID && st.st_uid <= LAST_UID) {
		*ret_uid = *ret_gid = st.st_uid;
		return 0;
	}
	/* Two that begin at once do not take the same one: what one of them runs could write into the other's tree. */
	for (uid_t i = 0, first = (uid_t)getpid() % USERS; i < USERS; i++) {
		uid_t id = FIRST_UID + (first + i) % USERS;

		if (!getpwuid(id) && !getgrgid(id) && !is_at_work(id)) {
			*ret_uid = *ret_gid = id;
			return 0;
		}
	}
	log_error(_("no user id from %d to %d is free to build with"), FIRST_UID, LAST_UID);
	return -MUSTER_E_CONFLICT;
}

int craft_check_way(const char *path, const char *what)
{
	for (const char *p = path; geteuid() == 0 && (p = strchr(p + 1, '/'));) {
		_cleanup_free_ char *above = strndup(path, (size_t)(p - path));
		struct stat st;

		if (!above)
			return -ENOMEM;
		if (stat(above, &st) < 0)
			return -errno;
		if (st.st_mode & S_IXOTH)
			continue;
		log_error(_("%s is built by a user without rights, who cannot get through %s: chmod o+x %s"),
			  what, above, above);
		return -MUSTER_E_REFUSED;
	}
	return 0;
}

int craft_let_through(int root_fd, const char *const *folders)
{
	for (; *folders; folders++) {
		/* What is a link, as to a larger disk, leads to the folder that is meant. */
		_cleanup_free_ char *path = fs_join(*folders, ".");
		_cleanup_close_ int fd = path ? fs_open(root_fd, path, O_RDONLY | O_DIRECTORY, 0) : -ENOMEM;
		struct stat st;

		if (fd < 0)
			return fd;
		if (fstat(fd, &st) < 0)
			return -errno;
		if (!(st.st_mode & S_IXOTH) && fchmod(fd, (st.st_mode & 07777) | S_IXGRP | S_IXOTH) < 0)
			return -errno;
	}
	return 0;
}

static int add_environment(const struct craft_run *c, struct strv *argv)
{
	int r = strv_add_all(argv, "env", "-i",
			     "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			     "HOME=/nonexistent", "LC_ALL=C", "TZ=UTC", NULL);

	for (size_t i = 0; r == 0 && c->set && c->set[i]; i++)
		r = strv_add(argv, c->set[i]);
	return r < 0 ? r : strv_add_all(argv, "nice", "-n", "10", NULL);
}

int craft_run(const struct craft_run *c, int *ret_status)
{
	/* Whatever it leaves running ends with it, sees no other process, and reaches no network. */
	const struct jail here = { .uid = c->uid, .gid = c->gid, .online = c->online };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct spawn s = {
		.cwd = c->cwd,
		.input = c->input,
		.input_len = c->input ? strlen(c->input) : 0,
		.timeout_ms = c->timeout_ms,
		.cancel_fd = c->env->cancel_fd,
		.max_output = 1,
		.on_line = c->on_line,
		.data = c->data,
		.ends_with_us = true,
		.jail = c->jail		      ? c->jail
			: c->uid != (uid_t)-1 ? &here
					      : NULL,
	};
	int r = add_environment(c, &argv);

	for (size_t i = 0; r == 0 && c->argv[i]; i++)
		r = strv_add(&argv, c->argv[i]);
	if (r < 0)
		return r;
	s.argv = (const char *const *)argv.v;
	return spawn_run(&s, ret_status, NULL);
}

bool craft_tells(const char *line)
{
	static const char *const signs[] = { ": error:",
					     ": fatal error:",
					     "cannot be entered:",
					     "undefined reference",
					     "No space left on device",
					     "*** ",
					     "not found",
					     "FAILED" };

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i]))
			return true;
	return false;
}
