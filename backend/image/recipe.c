/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What goes into a root, and the id made of it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "backend/image/builder.h"
#include "util/error.h"
#include "util/i18n.h"
#include "util/log.h"

static const struct root_builder_ops *const builders[] = {
	&root_builder_debian,
};

const struct root_builder_ops *root_builder_find(const char *family)
{
	for (size_t i = 0; i < ARRAY_SIZE(builders); i++)
		if (strcmp(builders[i]->family, family) == 0)
			return builders[i];
	return NULL;
}

void recipe_free(struct recipe *r)
{
	if (!r)
		return;
	free(r->id);
	free(r->suite);
	free(r->architecture);
	free(r->sources);
	strv_free(&r->packages);
	strv_free(&r->exclude);
	free(r->kernel_path);
	free(r->kernel_release);
	free(r->kernel_modules);
	free(r->base);
	free(r->base_image);
	free(r->base_libc);
	free(r);
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The modules' names, sizes and times stand for their content: reading hundreds of megabytes for every id would
 * take seconds. */
static int add_modules(struct hash *h, const char *folder)
{
	char *const paths[] = { (char *)(uintptr_t)folder, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;

	if (!fts)
		return -errno;
	while ((e = fts_read(fts))) {
		const struct stat *st = e->fts_statp;

		if (e->fts_info != FTS_F)
			continue;
		hash_add_string(h, e->fts_path + strlen(folder));
		hash_add(h, &st->st_size, sizeof(st->st_size));
		hash_add(h, &st->st_mtim, sizeof(st->st_mtim));
	}
	fts_close(fts);
	return 0;
}

static int add_kernel(struct hash *h, const struct recipe *r)
{
	_cleanup_close_ int fd = open(r->kernel_path, O_RDONLY | O_CLOEXEC);
	int e = fd < 0 ? -errno : hash_add_fd(h, fd);

	if (e == 0 && r->kernel_modules)
		e = add_modules(h, r->kernel_modules);
	return e;
}

static void add_strings(struct hash *h, const char *title, const char *const *v)
{
	hash_add_string(h, title);
	for (size_t i = 0; v && v[i]; i++)
		hash_add_string(h, v[i]);
}

int recipe_id(const char *form, struct hash *h, char **ret)
{
	char text[HASH_TEXT], *id;

	hash_end(h, text);
	if (asprintf(&id, "%s-%.*s", form, IMAGE_ID_DIGITS, text) < 0)
		return -ENOMEM;
	*ret = id;
	return 0;
}

static int make_id(struct recipe *r, const struct host *host)
{
	_cleanup_(hash_freep) struct hash *h = NULL;
	_cleanup_free_ char *form = NULL;
	int e = hash_new(&h);

	if (e < 0)
		return e;
	hash_add_string(h, r->ops->version);
	hash_add_string(h, r->kernel_only ? "kernel" : "root");
	hash_add_string(h, r->suite);
	hash_add_string(h, r->architecture);
	add_strings(h, "sources", (const char *const[]){ r->sources, NULL });
	add_strings(h, "packages", (const char *const *)r->packages.v);
	add_strings(h, "exclude", (const char *const *)r->exclude.v);
	add_strings(h, "squashfs", r->base ? squashfs_old_options : squashfs_options);
	if (r->base)
		add_strings(h, "base", (const char *const[]){ r->base, NULL });
	if (r->kernel_path)
		e = add_kernel(h, r);
	if (e < 0)
		return e;
	if (asprintf(&form, "%s-%s%s", host->distribution, *host->version ? host->version : host->codename,
		     r->kernel_only ? "-kernel" : "") < 0)
		return -ENOMEM;
	return recipe_id(form, TAKE_PTR(h), &r->id);
}

static int add_packages(struct strv *v, const struct strv *more)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->n; i++)
		if (!strv_has(v, more->v[i]))
			r = strv_add(v, more->v[i]);
	return r;
}

static int choose_kernel(struct recipe *r, const struct image_env *env, const struct plan *p)
{
	const struct profile_kernel *kernel;

	if (p->kernel[0] == '/') {
		r->kernel_path = strdup(p->kernel);
		if (!r->kernel_path)
			return -ENOMEM;
		return kernel_own(r->kernel_path, &r->kernel_release, &r->kernel_modules);
	}
	kernel = profile_kernel_find(env->distro, p->kernel);
	if (!kernel) {
		log_error(_("no kernel is called \"%s\" for nodes of family %s"), p->kernel,
			  env->distro->family);
		return -ENOENT;
	}
	return strv_add(&r->packages, kernel->package);
}

/* Where a base of the plan's kind is there, the root stands on it; the distribution's packages are for newer kernels. */
static int choose_base(struct recipe *r, const struct image_env *env, const struct plan *p)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	int e = image_base_find(env, p->profile, p->root, &g, &r->base_image);

	if (e < 0)
		return e == -ENOENT ? 0 : e;
	r->kernel_only = true;
	r->base = strdup(g->id);
	r->base_libc = TAKE_PTR(g->libc);
	return r->base ? 0 : -ENOMEM;
}

/* A package's kernel is newer than any base. */
static int check_libc(const struct recipe *r)
{
	unsigned int libc[3] = { 0 }, kernel[3] = { 0 };

	if (!r->base || !r->kernel_release ||
	    sscanf(r->base_libc, "%4u.%4u.%4u", &libc[0], &libc[1], &libc[2]) < 2 ||
	    sscanf(r->kernel_release, "%4u.%4u.%4u", &kernel[0], &kernel[1], &kernel[2]) < 2)
		return 0;
	for (size_t i = 0; i < 3; i++) {
		if (kernel[i] > libc[i])
			return 0;
		if (kernel[i] == libc[i])
			continue;
		log_error(_("the libc of the base %s wants Linux %s or later, and the nodes' kernel is %s: "
			    "no program "
			    "of it would start. Build a base on an older release, or take the root mode "
			    "initramfs"),
			  r->base, r->base_libc, r->kernel_release);
		return -MUSTER_E_REFUSED;
	}
	return 0;
}

static int fill(struct recipe *r, const struct image_env *env, const struct plan *p)
{
	const char *arch = r->ops->architecture(env->host->architecture);
	int e;

	if (!arch || !*env->host->codename) {
		log_error(
			_("node roots cannot be made for %s: the facts about the server do not name %s that "
			  "muster "
			  "knows; `muster host --json` prints them"),
			*env->host->pretty ? env->host->pretty : "this system",
			arch ? "its release (\"codename\")" : "a machine type (\"architecture\")");
		return -MUSTER_E_UNSUPPORTED;
	}
	r->kernel_only = p->root == PLAN_ROOT_INITRAMFS;
	r->suite = strdup(env->host->codename);
	r->architecture = strdup(arch);
	if (!r->suite || !r->architecture)
		return -ENOMEM;
	e = choose_base(r, env, p);
	if (e == 0)
		e = choose_kernel(r, env, p);
	if (e == 0)
		e = check_libc(r);
	if (e == 0 && !r->kernel_only)
		e = add_packages(&r->packages, &env->distro->root_packages);
	if (e == 0 && !r->kernel_only)
		e = add_packages(&r->packages, &p->packages);
	if (e == 0 && !r->kernel_only)
		e = add_packages(&r->exclude, &env->distro->exclude);
	if (e < 0)
		return e;
	strv_sort(&r->packages);
	strv_sort(&r->exclude);
	/* A kernel of the operator's own without a root around it comes from no package source. */
	if (r->kernel_only && r->kernel_path)
		r->sources = strdup("");
	else
		e = r->ops->sources(env, &r->sources);
	return e < 0 ? e : r->sources ? make_id(r, env->host) : -ENOMEM;
}

int recipe_new(const struct image_env *env, const struct plan *p, struct recipe **ret)
{
	_cleanup_(recipe_freep) struct recipe *r = calloc(1, sizeof(*r));
	int e;

	if (!r)
		return -ENOMEM;
	r->ops = root_builder_find(env->host->family);
	if (!r->ops) {
		log_error(_("roots cannot be built on %s yet: its family is \"%s\""), env->host->pretty,
			  env->host->family);
		return -MUSTER_E_UNSUPPORTED;
	}
	e = fill(r, env, p);
	if (e == 0)
		*ret = TAKE_PTR(r);
	return e;
}

int image_root_id(const struct image_env *env, const struct plan *p, char **ret)
{
	_cleanup_(recipe_freep) struct recipe *recipe = NULL;
	char *id;
	int r;

	if (*p->generation) {
		id = strdup(p->generation);
		if (!id)
			return -ENOMEM;
		*ret = id;
		return 0;
	}
	r = recipe_new(env, p, &recipe);
	if (r == 0)
		*ret = TAKE_PTR(recipe->id);
	return r;
}
