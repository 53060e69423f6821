/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The toolchains on the disk: toolchain.json makes one whole. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/file.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define FACTS "toolchain.json"
#define FACTS_MAX (1UL << 20)

void kernel_toolchain_free(struct kernel_toolchain *t)
{
	if (!t)
		return;
	free(t->name);
	free(t->release);
	free(t->mirror);
	free(t->keyring);
	free(t->hash);
	free(t->made);
	strv_free(&t->packages);
	kernel_compilers_free(t->compilers, t->n_compilers);
	free(t);
}

void kernel_toolchains_free(struct kernel_toolchain **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		kernel_toolchain_free(v[i]);
	free(v);
}

static char *folder_of(const char *name)
{
	return fs_join(KERNEL_TOOLCHAINS, name);
}

char *kernel_toolchain_tree(const struct kernel_env *env, const char *name)
{
	_cleanup_free_ char *folder = folder_of(name), *tree = folder ? fs_join(folder, "tree") : NULL;

	return tree ? kernel_host_path(env, tree) : NULL;
}

/* ---- facts ---------------------------------------------------------------------------------------------- */

int kernel_toolchain_text(const struct kernel_toolchain *t, char **ret)
{
	json_t *packages = json_array(), *compilers = json_array(), *doc;
	char *text;

	for (size_t i = 0; i < t->packages.n; i++)
		json_array_append_new(packages, json_string(t->packages.v[i]));
	for (size_t i = 0; i < t->n_compilers; i++) {
		const struct kernel_compiler *c = &t->compilers[i];

		json_array_append_new(compilers,
				      json_pack("{s:s, s:s, s:s, s:b, s:s, s:s}", "path", c->path, "name",
						c->name, "toolchain", t->name, "clang", c->clang, "version",
						c->version, "identity", c->identity));
	}
	doc = json_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:I, s:o, s:o}", "name", t->name, "release",
			t->release, "mirror", t->mirror, "keyring", t->keyring, "trusted_unsigned",
			t->trusted, "sha256", t->hash, "made", t->made, "bytes", (json_int_t)t->bytes,
			"packages", packages, "compilers", compilers);
	text = doc ? json_dumps(doc, JSON_INDENT(2)) : NULL;
	json_decref(doc);
	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

static int take(json_t *doc, const char *key, char **ret)
{
	const char *s = json_string_value(json_object_get(doc, key));

	if (!s)
		return -MUSTER_E_FORMAT;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

static int take_compiler(json_t *doc, struct kernel_compiler *c)
{
	int r = take(doc, "path", &c->path);

	if (r == 0)
		r = take(doc, "name", &c->name);
	if (r == 0)
		r = take(doc, "toolchain", &c->toolchain);
	if (r == 0)
		r = take(doc, "version", &c->version);
	c->clang = json_is_true(json_object_get(doc, "clang"));
	return r < 0 ? r : take(doc, "identity", &c->identity);
}

static int take_all(json_t *doc, struct kernel_toolchain *t)
{
	json_t *packages = json_object_get(doc, "packages"), *compilers = json_object_get(doc, "compilers"),
	       *v;
	const struct {
		const char *key;
		char **to;
	} texts[] = { { "name", &t->name },	  { "release", &t->release }, { "mirror", &t->mirror },
		      { "keyring", &t->keyring }, { "sha256", &t->hash },     { "made", &t->made } };
	int r = json_is_array(compilers) ? 0 : -MUSTER_E_FORMAT;
	size_t i;

	for (i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = take(doc, texts[i].key, texts[i].to);
	json_array_foreach (packages, i, v)
		if (r == 0)
			r = json_is_string(v) ? strv_add(&t->packages, json_string_value(v))
					      : -MUSTER_E_FORMAT;
	t->compilers = r == 0 ? calloc(json_array_size(compilers) + 1, sizeof(*t->compilers)) : NULL;
	if (r == 0 && !t->compilers)
		r = -ENOMEM;
	json_array_foreach (compilers, i, v)
		if (r == 0)
			r = take_compiler(v, &t->compilers[t->n_compilers++]);
	t->trusted = json_is_true(json_object_get(doc, "trusted_unsigned"));
	t->bytes = (unsigned long long)json_integer_value(json_object_get(doc, "bytes"));
	return r;
}

int kernel_toolchain_find(const struct kernel_env *env, const char *name, struct kernel_toolchain **ret)
{
	_cleanup_(kernel_toolchain_freep) struct kernel_toolchain *t = NULL;
	_cleanup_free_ char *folder = NULL, *path = NULL, *text = NULL;
	json_t *doc;
	size_t len;
	int r;

	if (!kernel_is_name(name))
		return -ENOENT;
	folder = folder_of(name);
	path = folder ? fs_join(folder, FACTS) : NULL;
	t = calloc(1, sizeof(*t));
	if (!path || !t)
		return -ENOMEM;
	r = fs_read(env->root_fd, path, FACTS_MAX, &text, &len);
	if (r < 0)
		return r == -ENOTDIR ? -ENOENT : r;
	doc = json_loadb(text, len, 0, NULL);
	r = doc ? take_all(doc, t) : -MUSTER_E_FORMAT;
	json_decref(doc);
	if (r == -MUSTER_E_FORMAT || (r == 0 && strcmp(t->name, name) != 0)) {
		log_warning(_("%s is not what muster wrote: the toolchain counts as not there"), path);
		return -ENOENT;
	}
	if (r == 0)
		*ret = TAKE_PTR(t);
	return r;
}

/* ---- all of them ---------------------------------------------------------------------------------------- */

static int read_names(const struct kernel_env *env, struct strv *names)
{
	int fd = fs_open(env->root_fd, KERNEL_TOOLCHAINS, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int r = 0;

	if (!d) {
		closep(&fd);
		return fd == -ENOENT ? 0 : fd < 0 ? fd : -ENOMEM;
	}
	while (r == 0 && (e = readdir(d)))
		if (kernel_is_name(e->d_name))
			r = strv_add(names, e->d_name);
	closedir(d);
	strv_sort(names);
	return r;
}

int kernel_toolchain_list(const struct kernel_env *env, struct kernel_toolchain ***ret, size_t *ret_n)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct kernel_toolchain **v;
	size_t n = 0;
	int r = read_names(env, &names);

	if (r < 0)
		return r;
	v = calloc(names.n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = kernel_toolchain_find(env, names.v[i], &v[n]);
		n += r == 0;
		r = r == -ENOENT ? 0 : r;
	}
	if (r < 0) {
		kernel_toolchains_free(v, n);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* ---- holding and removing --------------------------------------------------------------------------------- */

static int lock_folder(const struct kernel_env *env, const char *name, int how, int *ret_fd)
{
	_cleanup_free_ char *folder = folder_of(name);
	_cleanup_close_ int fd = folder ? fs_open(env->root_fd, folder, O_RDONLY | O_DIRECTORY, 0) : -ENOMEM;

	if (fd < 0)
		return fd;
	if (flock(fd, how | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int kernel_toolchain_hold(const struct kernel_env *env, const char *name, int *ret_fd)
{
	return lock_folder(env, name, LOCK_SH, ret_fd);
}

int kernel_toolchain_remove(const struct kernel_env *env, const char *name)
{
	_cleanup_close_ int lock = -1, held = -1, all = -1;
	_cleanup_free_ char *gone = NULL;
	int r;

	/* What a removal left that was cut off is swept by the next. */
	if (!kernel_is_name(name))
		return -ENOENT;
	if (asprintf(&gone, "%s/.removing-%s", KERNEL_TOOLCHAINS, name) < 0) {
		gone = NULL;
		return -ENOMEM;
	}
	all = fs_open(env->root_fd, KERNEL_TOOLCHAINS, O_RDONLY | O_DIRECTORY, 0);
	if (all < 0)
		return all;
	r = kernel_lock(env, KERNEL_TOOLCHAINS, &lock);
	if (r == 0)
		r = kernel_discard(env, gone);
	if (r == 0)
		r = lock_folder(env, name, LOCK_EX, &held);
	if (r == -EBUSY)
		log_error(_("a kernel is being built in the toolchain %s"), name);
	if (r < 0)
		return r;
	/* Out of sight in one step, so that one is never seen half removed. */
	if (renameat(all, name, all, strrchr(gone, '/') + 1) < 0 || fsync(all) < 0)
		return -errno;
	return kernel_discard(env, gone);
}

/* ---- advice ------------------------------------------------------------------------------------------------ */

/* The compiler that each release of Debian calls gcc, by its package gcc; the newest first. */
static const struct {
	const char *name, *gcc;
} releases[] = {
	{ "trixie", "14.2" }, { "bookworm", "12.2" }, { "bullseye", "10.2" }, { "buster", "8.3" },
	{ "stretch", "6.3" }, { "jessie", "4.9" },    { "wheezy", "4.7" },    { "squeeze", "4.4" },
	{ "lenny", "4.3" },   { "etch", "4.1" },      { "sarge", "3.3" },
};

char *kernel_toolchain_advice(const struct kernel_recipe *r)
{
	char *text;

	for (size_t i = 0; i < ARRAY_SIZE(releases); i++)
		if (kernel_versions_have(r->gcc, releases[i].gcc))
			return asprintf(
				       &text,
				       _("Debian's %s has gcc %s; with the URL of a mirror that has it, this "
					 "makes a toolchain:\n"
					 "  muster kernel toolchain build %s --release %s --mirror URL"),
				       releases[i].name, releases[i].gcc, releases[i].name,
				       releases[i].name) < 0
				       ? NULL
				       : text;
	return NULL;
}
