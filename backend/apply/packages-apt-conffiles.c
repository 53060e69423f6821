/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files of before that dpkg might change as it installs a package, or take away as it purges it: its configuration files, wherever a
 * link leads, and what lies beside them. Which names beside one dpkg takes for its own is in its dpkg.h (REMOVECONFFEXTS) and
 * remove.c (removal_bulk_remove_configfiles()), 1.21.
 */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

static const char *const beside[] = { "",	   "~",		".bak",	     "%",
				      ".dpkg-tmp", ".dpkg-new", ".dpkg-old", ".dpkg-dist" };

/* Besides these, X.~N~ and #X#, which Emacs makes. */
static bool goes_with(const char *name, const char *conffile)
{
	size_t n = strlen(conffile);
	const char *rest;

	if (name[0] == '#' && strncmp(name + 1, conffile, n) == 0 && strcmp(name + 1 + n, "#") == 0)
		return true;
	if (strncmp(name, conffile, n) != 0)
		return false;
	rest = name + n;
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++)
		if (strcmp(rest, beside[i]) == 0)
			return true;
	if (strncmp(rest, ".~", 2) != 0)
		return false;
	rest += 2;
	while (isdigit((unsigned char)*rest))
		rest++;
	return strcmp(rest, "~") == 0;
}

/* A link or folder in its place is not touched. */
static int add(struct apply *a, const char *path, bool absent_too, struct strv *ret)
{
	struct stat st;
	int e = fs_stat(a->root_fd, path, &st);

	if ((e == 0 ? S_ISREG(st.st_mode) : e == -ENOENT && absent_too) && !strv_has(ret, path))
		return strv_add(ret, path);
	return 0;
}

static int add_those_beside(struct apply *a, const char *folder, const char *conffile, struct strv *ret)
{
	int fd = fs_open(a->root_fd, folder, O_RDONLY | O_DIRECTORY, 0), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(d))) {
		_cleanup_free_ char *path =
			goes_with(e->d_name, conffile) ? fs_join(folder, e->d_name) : NULL;

		if (path)
			r = add(a, path, false, ret);
		else if (goes_with(e->d_name, conffile))
			r = -ENOMEM;
	}
	closedir(d);
	return r;
}

/* Where the file really is, owned: dpkg follows links. The path itself where nothing is there. */
static int follow(struct apply *a, const char *path, char **ret)
{
	char link[] = "/proc/self/fd/2147483647", target[PATH_MAX];
	_cleanup_free_ char *at = strdup(path);

	/* As many links as dpkg follows. */
	for (int i = 0; at && i < 25; i++) {
		const char *name;
		_cleanup_close_ int parent = fs_open_parent(a->root_fd, at, &name);
		_cleanup_free_ char *next = NULL;
		char folder[PATH_MAX];
		ssize_t n, k;

		if (parent < 0) {
			*ret = TAKE_PTR(at);
			return parent == -ENOENT || parent == -ENOTDIR ? 0 : parent;
		}
		snprintf(link, sizeof(link), "/proc/self/fd/%d", parent);
		k = readlink(link, folder, sizeof(folder) - 1);
		n = readlinkat(parent, name, target, sizeof(target) - 1);
		if (k < 0 || n >= (ssize_t)sizeof(target) - 1)
			return k < 0 ? -errno : -ENAMETOOLONG;
		folder[k] = target[n < 0 ? 0 : n] = '\0';
		/* As it is seen below the root. */
		if (strcmp(a->root_path, "/") != 0 && path_below(folder, a->root_path))
			memmove(folder, folder + strlen(a->root_path),
				strlen(folder + strlen(a->root_path)) + 1);
		next = n < 0		? fs_join(*folder ? folder : "/", name)
		       : *target == '/' ? strdup(target)
					: fs_join(*folder ? folder : "/", target);
		free(at);
		at = TAKE_PTR(next);
		if (n < 0)
			break;
	}
	if (!at)
		return -ENOMEM;
	*ret = TAKE_PTR(at);
	return 0;
}

/* The file and what lies beside it. absent_too: dpkg may also make what is not there. */
static int add_with_those_beside(struct apply *a, const char *conffile, bool absent_too, struct strv *ret)
{
	_cleanup_free_ char *folder = parent_of(conffile);
	const char *name = strrchr(conffile, '/');
	int r = folder && name ? add_those_beside(a, folder, name + 1, ret) : -ENOMEM;

	for (size_t i = 0; absent_too && r == 0 && i < ARRAY_SIZE(beside); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s%s", conffile, beside[i]) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		r = add(a, path, true, ret);
	}
	return r;
}

static int add_conffile(struct apply *a, const char *conffile, bool absent_too, struct strv *ret)
{
	_cleanup_free_ char *real = NULL;
	int r = follow(a, conffile, &real);

	if (r == 0)
		r = add_with_those_beside(a, real, absent_too, ret);
	/* What is unpacked lies beside the link first, and may stay there. */
	return r < 0 || strcmp(real, conffile) == 0 ? r : add_with_those_beside(a, conffile, true, ret);
}

/* Of a package whose configuration alone is there: dpkg knows its files, and may bring another version of them. */
static int add_known(struct apply *a, const char *package, struct strv *ret)
{
	const char *const query[] = { "dpkg-query", "-W", "-f", "${Conffiles}\n", "--", package, NULL };
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = package_lines(a, query, &lines);

	/* " PATH MD5", or " PATH MD5 obsolete" */
	for (size_t i = 0; r == 0 && i < lines.n; i++) {
		char *path = lines.v[i] + strspn(lines.v[i], " "), *end = strrchr(path, ' ');

		if (end && !isxdigit((unsigned char)end[1])) {
			*end = '\0';
			end = strrchr(path, ' ');
		}
		if (*path != '/' || !end)
			continue;
		*end = '\0';
		r = add_conffile(a, path, true, ret);
	}
	return r;
}

/* Of a package that nobody has had here: somebody may have written its files by hand. */
static int add_of_archive(struct apply *a, const char *archive, struct strv *ret)
{
	const char *const words[] = { "dpkg-deb", "-I", archive, "conffiles", NULL };
	_cleanup_free_ char *output = NULL;
	char *save = NULL;
	int status, r = package_quietly(a, words, NULL, &status, &output);

	if (r < 0 || status != 0) /* it has none */
		return r;
	for (char *line = strtok_r(output, "\n", &save); r == 0 && line; line = strtok_r(NULL, "\n", &save)) {
		const char *path = strchr(line, '/'); /* before it, there may be a flag */

		if (path)
			r = add_conffile(a, path, false, ret);
	}
	return r;
}

/* ---- where the archives are --------------------------------------------------------------------------------------- */

/* The folder of what apt-get has fetched, owned. */
static int archives_folder(struct apply *a, char **ret)
{
	static const char *const ask[] = { "apt-config", "shell", "folder", "Dir::Cache::archives/d", NULL };
	_cleanup_free_ char *output = NULL;
	int status, r = package_quietly(a, ask, NULL, &status, &output);
	char *begin = r < 0 ? NULL : strchr(output, '\''), *end = begin ? strchr(begin + 1, '\'') : NULL;

	if (r < 0 || status != 0 || !end) {
		apply_error(a, _("apt-config does not say where apt-get keeps what it fetches."));
		return r < 0 ? r : -MUSTER_E_COMMAND;
	}
	*end = '\0';
	*ret = strdup(begin + 1);
	return *ret ? 0 : -ENOMEM;
}

/* What apt-get does not have to fetch since it lies on this server: "'file:/PATH' NAME SIZE SUM". As many names as paths. */
static int local_archives(struct apply *a, const struct strv *packages, struct strv *ret_names,
			  struct strv *ret_paths)
{
	static const char *const ask[] = {
		"apt-get", "install", "--print-uris", "-y", "--no-install-recommends", "--no-upgrade",
		"--",	   NULL
	};
	_cleanup_free_ char *output = NULL;
	char *save = NULL;
	int status, r = package_quietly(a, ask, packages, &status, &output);

	for (char *line = r < 0 ? NULL : strtok_r(output, "\n", &save); r == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *path = line + 6, *end, *name;

		if (strncmp(line, "'file:", 6) != 0 || !(end = strchr(path, '\'')) || end[1] != ' ')
			continue;
		*end = '\0';
		name = end + 2;
		name[strcspn(name, " ")] = '\0';
		path += strncmp(path, "//", 2) == 0 ? 2 : 0;
		r = strv_add(ret_names, name);
		if (r == 0)
			r = strv_add(ret_paths, path);
	}
	return r;
}

static int add_of_archives(struct apply *a, const struct package_forecast *f, struct strv *ret)
{
	_cleanup_strv_ struct strv names = STRV_INIT, paths = STRV_INIT;
	_cleanup_free_ char *folder = NULL;
	int r;

	if (f->archives.n == 0)
		return 0;
	r = archives_folder(a, &folder);
	if (r == 0)
		r = local_archives(a, &f->added, &names, &paths);
	for (size_t i = 0; r == 0 && i < f->archives.n; i++) {
		const char *name = f->archives.v[i];
		_cleanup_free_ char *path = fs_join(folder, name);

		for (size_t k = 0; path && k < names.n && !fs_exists(a->root_fd, path); k++) {
			if (strcmp(names.v[k], name) != 0)
				continue;
			free(path);
			path = strdup(paths.v[k]);
		}
		if (!path)
			return -ENOMEM;
		if (fs_exists(a->root_fd, path)) {
			r = add_of_archive(a, path, ret);
			continue;
		}
		apply_error(
			a,
			_("%s is not where apt-get keeps what it fetches (%s): which of this server's files "
			  "it would replace cannot be seen. Copy it there, then begin again."),
			name, folder);
		r = -MUSTER_E_MISSING;
	}
	return r;
}

int apt_endangered(struct apply *a, const struct package_list *now, const struct package_forecast *f,
		   struct strv *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < now->configured.n; i++) {
		const char *name = now->configured.v[i];
		_cleanup_free_ char *plain = strndup(name, strcspn(name, ":"));

		if (!plain)
			return -ENOMEM;
		/* For a package of this machine's own architecture, apt-get leaves that out. */
		if (strv_has(&f->added, name) || strv_has(&f->added, plain))
			r = add_known(a, name, ret);
	}
	return r < 0 ? r : add_of_archives(a, f, ret);
}
