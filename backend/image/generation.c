/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generations on the disk: reading, listing and removing them. root.json is what makes one complete. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/image/builder.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define ROOT_JSON_MAX (4 * 1024 * 1024)
#define STEP NC_("step", "root")

void image_generation_free(struct image_generation *g)
{
	if (!g)
		return;
	free(g->id);
	free(g->kernel_release);
	free(g->distribution);
	free(g->suite);
	free(g->sha256);
	free(g->built);
	free(g->base);
	free(g->mode);
	free(g->on);
	free(g->libc);
	strv_free(&g->programs);
	free(g);
}

static int take_string(json_t *root, const char *key, char **ret)
{
	const char *s = json_string_value(json_object_get(root, key));

	if (!s)
		return -MUSTER_E_FORMAT;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

/* What older generations do not say is "". */
static int take_optional(json_t *root, const char *key, char **ret)
{
	const char *s = json_string_value(json_object_get(root, key));

	*ret = strdup(s ? s : "");
	return *ret ? 0 : -ENOMEM;
}

static int take_base(json_t *root, struct image_generation *g)
{
	json_t *list = json_object_get(root, "programs"), *item;
	size_t i;
	int r = take_optional(root, "base", &g->base);

	if (r == 0)
		r = take_optional(root, "mode", &g->mode);
	if (r == 0)
		r = take_optional(root, "on", &g->on);
	if (r == 0)
		r = take_optional(root, "libc", &g->libc);
	json_array_foreach (list, i, item)
		if (r == 0 && json_is_string(item))
			r = strv_add(&g->programs, json_string_value(item));
	return r;
}

static int from_json(const char *text, size_t len, struct image_generation **ret)
{
	_cleanup_(image_generation_freep) struct image_generation *g = calloc(1, sizeof(*g));
	json_t *root = json_loadb(text, len, 0, NULL);
	const json_t *bytes = json_object_get(root, "root_bytes");
	int r = g ? 0 : -ENOMEM;

	if (r == 0 && (!root || !json_is_integer(bytes)))
		r = -MUSTER_E_FORMAT;
	if (r == 0)
		g->root_bytes = (unsigned long long)json_integer_value(bytes);
	if (r == 0)
		r = take_string(root, "id", &g->id);
	if (r == 0)
		r = take_string(root, "kernel_release", &g->kernel_release);
	if (r == 0)
		r = take_string(root, "distribution", &g->distribution);
	if (r == 0)
		r = take_string(root, "suite", &g->suite);
	if (r == 0)
		r = take_string(root, "sha256", &g->sha256);
	if (r == 0)
		r = take_string(root, "built", &g->built);
	if (r == 0)
		r = take_base(root, g);
	json_decref(root);
	if (r == 0)
		*ret = TAKE_PTR(g);
	return r;
}

/* True where the file of a generation is there and has the size (0: any but none). */
static bool has_file(const struct image_env *env, const char *folder, const char *name,
		     unsigned long long bytes)
{
	_cleanup_free_ char *path = fs_join(folder, name);
	struct stat st;

	return path && fs_stat(env->root_fd, path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	       (bytes == 0 || (unsigned long long)st.st_size == bytes);
}

int image_root_facts(const struct image_env *env, const char *id, struct image_generation **ret)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	_cleanup_free_ char *path = NULL, *text = NULL;
	size_t len;
	int r;

	if (!image_id_valid(id))
		return -ENOENT;
	if (asprintf(&path, IMAGE_ROOTS "/%s/root.json", id) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = fs_read(env->root_fd, path, ROOT_JSON_MAX, &text, &len);
	if (r == 0)
		r = from_json(text, len, &g);
	if (r == -MUSTER_E_FORMAT)
		log_warning(_("%s is not what muster wrote: the generation counts as not built"), path);
	if (r == -MUSTER_E_FORMAT || r == -ENOTDIR || (r == 0 && strcmp(g->id, id) != 0))
		return -ENOENT;
	if (r == 0)
		*ret = TAKE_PTR(g);
	return r;
}

int image_root_find(const struct image_env *env, const char *id, struct image_generation **ret)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	_cleanup_free_ char *folder = fs_join(IMAGE_ROOTS, id);
	int r = folder ? image_root_facts(env, id, &g) : -ENOMEM;

	if (r < 0)
		return r;
	if (!has_file(env, folder, "root.squashfs", g->root_bytes) ||
	    (!*g->base && !has_file(env, folder, "vmlinuz", 0)))
		return -ENOENT;
	*ret = TAKE_PTR(g);
	return 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct image_generation *const *x = a, *const *y = b;
	int c = strcmp((*y)->built, (*x)->built);

	return c ? c : strcmp((*x)->id, (*y)->id);
}

static int read_all(const struct image_env *env, DIR *d, struct image_generation ***list, size_t *n)
{
	struct dirent *e;

	while ((e = readdir(d))) {
		struct image_generation *g, **more;
		int r = image_root_find(env, e->d_name, &g);

		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		more = reallocarray(*list, *n + 1, sizeof(*more));
		if (!more) {
			image_generation_free(g);
			return -ENOMEM;
		}
		*list = more;
		more[(*n)++] = g;
	}
	return 0;
}

int image_list(const struct image_env *env, struct image_generation ***ret, size_t *ret_n)
{
	struct image_generation **list = NULL;
	size_t n = 0;
	int fd = fs_open(env->root_fd, IMAGE_ROOTS, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int r = fd < 0 && fd != -ENOENT ? fd : 0;

	if (fd >= 0 && !d) {
		close(fd);
		return -ENOMEM;
	}
	if (d) {
		r = read_all(env, d, &list, &n);
		closedir(d);
	}
	if (r < 0) {
		while (n > 0)
			image_generation_free(list[--n]);
		free(list);
		return r;
	}
	if (n > 0)
		qsort(list, n, sizeof(*list), newest_first);
	*ret = list;
	*ret_n = n;
	return 0;
}

int image_remove(const struct image_env *env, const char *id)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	_cleanup_free_ char *from = NULL, *to = NULL;
	_cleanup_close_ int lock = -1, roots = -1;
	int r = image_root_find(env, id, &g);

	if (r < 0)
		return r;
	from = fs_join(IMAGE_ROOTS, id);
	if (!from || asprintf(&to, IMAGE_ROOTS "/.removing-%s", id) < 0) {
		to = NULL;
		return -ENOMEM;
	}
	r = image_lock(env, IMAGE_ROOTS, STEP, &lock);
	if (r == 0)
		r = image_sweep(env, IMAGE_ROOTS);
	if (r < 0)
		return r;
	/* Out of sight in one step, so that a generation is never seen half removed. */
	roots = fs_open(env->root_fd, IMAGE_ROOTS, O_RDONLY | O_DIRECTORY, 0);
	if (roots < 0)
		return roots;
	if (renameat(roots, id, roots, strrchr(to, '/') + 1) < 0 || fsync(roots) < 0)
		return -errno;
	r = initramfs_remove_of(env, id);
	return r < 0 ? r : image_discard(env, to);
}
