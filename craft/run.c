/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs that work on a tree. What they run comes from the operator's archives, so it has no rights: as root we hand the
 * tree to a user id that nobody has, and setpriv(1) takes the rest away. It sees nothing of our environment, so that
 * nothing but what is known to go in makes what comes out.
 */
#include "config.h"

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
	for (uid_t id = FIRST_UID; id <= LAST_UID; id++)
		if (!getpwuid(id) && !getgrgid(id)) {
			*ret_uid = *ret_gid = id;
			return 0;
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
		_cleanup_close_ int fd = fs_open(root_fd, *folders, O_RDONLY | O_DIRECTORY, 0);
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

static int add_rights(const struct craft_run *c, struct strv *argv)
{
	int r;

	/* A jail takes the rights by itself. */
	if (c->uid == (uid_t)-1 || c->jail)
		return 0;
	r = c->offline ? strv_add_all(argv, "unshare", "--net", "--", NULL) : 0;
	if (r == 0)
		r = strv_add_all(argv, "setpriv", "--clear-groups", "--no-new-privs", "--pdeathsig=TERM",
				 NULL);
	if (r == 0)
		r = strv_addf(argv, "--reuid=%u", c->uid);
	if (r == 0)
		r = strv_addf(argv, "--regid=%u", c->gid);
	return r < 0 ? r : strv_add(argv, "--");
}

int craft_run(const struct craft_run *c, int *ret_status)
{
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
		.jail = c->jail,
	};
	int r = add_environment(c, &argv);

	if (r == 0)
		r = add_rights(c, &argv);
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
