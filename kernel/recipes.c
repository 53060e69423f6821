/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where recipes lie: those that muster brings, and the operator's own before them. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/private.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

/* The folders in which recipes are looked for; the operator's come first. */
static int recipe_folders(const struct kernel_env *env, char *ret[2])
{
	ret[0] = fs_join(env->root_path && *env->root_path ? env->root_path : "/", KERNEL_OWN_RECIPES);
	ret[1] = strdup(env->recipes);
	if (ret[0] && ret[1])
		return 0;
	free(ret[0]);
	free(ret[1]);
	return -ENOMEM;
}

static int read_named(const struct kernel_env *env, const char *name, struct kernel_recipe **ret)
{
	char *folders[2];
	int r = recipe_folders(env, folders);

	if (r < 0)
		return r;
	r = -ENOENT;
	for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s.conf", folders[i], name) < 0) {
			path = NULL;
			r = -ENOMEM;
		} else {
			r = kernel_recipe_parse(path, ret);
		}
	}
	free(folders[0]);
	free(folders[1]);
	return r;
}

int kernel_recipe_read(const struct kernel_env *env, const char *name, struct kernel_recipe **ret)
{
	_cleanup_free_ char *real = NULL;
	int r = -ENOENT;

	if (strchr(name, '/')) {
		real = realpath(name, NULL);
		r = real ? kernel_recipe_parse(real, ret) : -errno;
	} else if (kernel_is_name(name)) {
		r = read_named(env, name, ret);
	}
	if (r == -ENOENT)
		log_error(_("there is no kernel recipe %s; `muster kernel list` names those that there are"),
			  name);
	return r;
}

static int add_names(const char *folder, struct strv *names)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(d))) {
		size_t n = strlen(e->d_name);
		_cleanup_free_ char *name = n > 5 ? strndup(e->d_name, n - 5) : NULL;

		if (n > 5 && !name)
			r = -ENOMEM;
		else if (name && strcmp(e->d_name + n - 5, ".conf") == 0 && kernel_is_name(name) &&
			 !strv_has(names, name))
			r = strv_add(names, name);
	}
	closedir(d);
	return r;
}

int kernel_recipe_list(const struct kernel_env *env, struct kernel_recipe ***ret, size_t *ret_n)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct kernel_recipe **list;
	char *folders[2];
	size_t n = 0;
	int r = recipe_folders(env, folders);

	if (r < 0)
		return r;
	r = add_names(folders[0], &names);
	if (r == 0)
		r = add_names(folders[1], &names);
	free(folders[0]);
	free(folders[1]);
	if (r < 0)
		return r;
	strv_sort(&names);
	list = calloc(names.n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < names.n; i++)
		if (read_named(env, names.v[i], &list[n]) == 0)
			n++;
	*ret = list;
	*ret_n = n;
	return 0;
}
