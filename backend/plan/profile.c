/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/plan/profile.h"

#include <errno.h>
#include <string.h>

#include "backend/plan/answers.h"
#include "backend/plan/conf.h"
#include "backend/plan/plan.h"
#include "backend/plan/text.h"
#include "util/error.h"
#include "util/log.h"

static const struct conf_key service_keys[] = {
	{ "unit" }, { "packages", true }, { "programs", true }, { "files", true }, { NULL },
};
static const struct conf_key release_keys[] = { { "codename" }, { NULL } };
static const struct conf_key kernel_keys[] = { { "package" }, { "description" }, { NULL } };
static const struct conf_key root_keys[] = {
	{ "packages", true },
	{ "exclude", true },
	{ "busybox" },
	{ NULL },
};
static const struct conf_key loader_keys[] = { { "bios" }, { "efi64" }, { NULL } };
static const struct conf_form forms[] = {
	{ "service", true, service_keys }, { "kernel", true, kernel_keys },
	{ "release", true, release_keys }, { "root", false, root_keys },
	{ "loaders", false, loader_keys }, { NULL },
};

static const struct conf_key cluster_keys[] = {
	{ "description" }, { "kernel" }, { "root" }, { "ssi" }, { "parts", true }, { NULL },
};
const struct conf_form profile_cluster_forms[] = { { "cluster", false, cluster_keys }, { NULL } };

void profile_distro_free(struct profile_distro *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_services; i++) {
		struct profile_service *s = &p->services[i];

		free(s->name);
		free(s->unit);
		strv_free(&s->packages);
		strv_free(&s->programs);
		strv_free(&s->files);
	}
	free(p->services);
	for (size_t i = 0; i < p->n_kernels; i++) {
		free(p->kernels[i].name);
		free(p->kernels[i].package);
		free(p->kernels[i].description);
	}
	free(p->kernels);
	for (size_t i = 0; i < p->n_releases; i++) {
		free(p->releases[i].version);
		free(p->releases[i].codename);
	}
	free(p->releases);
	strv_free(&p->root_packages);
	strv_free(&p->exclude);
	free(p->loader_bios);
	free(p->loader_efi64);
	free(p->busybox);
	free(p->family);
	free(p);
}

/* The option's text, "" where it is not given. */
static int get(const struct conf_section *s, const char *key, char **ret)
{
	const struct conf_option *o = conf_option(s, key);
	char *text = strdup(o && o->n == 1 ? o->v[0].text : "");

	if (!text)
		return -ENOMEM;
	*ret = text;
	return 0;
}

static int get_list(const struct conf_section *s, const char *key, struct strv *ret)
{
	const struct conf_option *o = conf_option(s, key);
	int r = 0;

	for (size_t i = 0; o && r == 0 && i < o->n; i++)
		r = strv_add(ret, o->v[i].text);
	return r;
}

static int read_service(const struct conf_section *s, struct profile_distro *p)
{
	struct profile_service *v = &p->services[p->n_services++];
	int r;

	v->name = strdup(s->title);
	if (!v->name)
		return -ENOMEM;
	r = get(s, "unit", &v->unit);
	if (r == 0)
		r = get_list(s, "packages", &v->packages);
	if (r == 0)
		r = get_list(s, "programs", &v->programs);
	if (r == 0)
		r = get_list(s, "files", &v->files);
	return r;
}

static int read_kernel(const struct conf_section *s, struct profile_distro *p)
{
	struct profile_kernel *v = &p->kernels[p->n_kernels++];
	int r;

	v->name = strdup(s->title);
	if (!v->name)
		return -ENOMEM;
	r = get(s, "package", &v->package);
	if (r == 0)
		r = get(s, "description", &v->description);
	return r;
}

static int read_release(const struct conf_section *s, struct profile_distro *p)
{
	struct profile_release *v = &p->releases[p->n_releases++];

	v->version = strdup(s->title);
	return v->version ? get(s, "codename", &v->codename) : -ENOMEM;
}

static int read_sections(const struct conf *c, struct profile_distro *p)
{
	int r;

	p->services = calloc(c->n_sections + 1, sizeof(*p->services));
	p->kernels = calloc(c->n_sections + 1, sizeof(*p->kernels));
	p->releases = calloc(c->n_sections + 1, sizeof(*p->releases));
	if (!p->services || !p->kernels || !p->releases)
		return -ENOMEM;
	r = get(conf_section(c, "loaders"), "bios", &p->loader_bios);
	if (r == 0)
		r = get(conf_section(c, "loaders"), "efi64", &p->loader_efi64);
	if (r == 0)
		r = get(conf_section(c, "root"), "busybox", &p->busybox);
	if (r == 0)
		r = get_list(conf_section(c, "root"), "packages", &p->root_packages);
	if (r == 0)
		r = get_list(conf_section(c, "root"), "exclude", &p->exclude);
	for (size_t i = 0; r == 0 && i < c->n_sections; i++) {
		const struct conf_section *s = &c->sections[i];

		if (strcmp(s->form->name, "service") == 0)
			r = read_service(s, p);
		else if (strcmp(s->form->name, "kernel") == 0)
			r = read_kernel(s, p);
		else if (strcmp(s->form->name, "release") == 0)
			r = read_release(s, p);
	}
	return r;
}

static int read_file(const char *path, struct profile_distro *p)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_free_ char *text = NULL, *why = NULL;
	_cleanup_(conf_freep) struct conf *c = NULL;
	size_t len;
	int r = conf_load(path, &text, &len, &why);

	if (r < 0) {
		if (r != -ENOENT && why)
			log_error("%s %s", path, why);
		return r == -MUSTER_E_ANSWERS ? -MUSTER_E_FORMAT : r;
	}
	r = conf_parse(path, text, len, forms, &mistakes, &c);
	for (size_t i = 0; i < mistakes.n; i++)
		log_error("%s:%u: %s", path, mistakes.v[i].line, mistakes.v[i].text);
	if (r == 0 && mistakes.n > 0)
		r = -MUSTER_E_FORMAT;
	return r < 0 ? r : read_sections(c, p);
}

int profile_distro_read(const char *profiles_dir, const char *family, struct profile_distro **ret)
{
	_cleanup_(profile_distro_freep) struct profile_distro *p = NULL;
	_cleanup_free_ char *path = NULL;
	int r;

	/* The family comes from the server's os-release: it must not lead to another folder. */
	if (!family || !text_is_label(family))
		return -ENOENT;
	p = calloc(1, sizeof(*p));
	if (!p || asprintf(&path, "%s/distro/%s.conf", profiles_dir, family) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	p->family = strdup(family);
	if (!p->family)
		return -ENOMEM;
	r = read_file(path, p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
}

const struct profile_service *profile_service_find(const struct profile_distro *p, const char *name)
{
	for (size_t i = 0; i < p->n_services; i++)
		if (strcmp(p->services[i].name, name) == 0)
			return &p->services[i];
	return NULL;
}

const struct profile_kernel *profile_kernel_find(const struct profile_distro *p, const char *name)
{
	for (size_t i = 0; i < p->n_kernels; i++)
		if (strcmp(p->kernels[i].name, name) == 0)
			return &p->kernels[i];
	return NULL;
}

const char *profile_codename(const struct profile_distro *p, const char *version)
{
	for (size_t i = 0; i < p->n_releases; i++)
		if (strcmp(p->releases[i].version, version) == 0)
			return p->releases[i].codename;
	return NULL;
}

int profile_parts(const char *profiles_dir, const char *cluster, struct strv *ret)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_free_ char *path = NULL, *text = NULL, *why = NULL;
	_cleanup_(conf_freep) struct conf *c = NULL;
	size_t len;
	int r;

	if (!text_is_label(cluster))
		return -ENOENT;
	if (asprintf(&path, "%s/cluster/%s.conf", profiles_dir, cluster) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = conf_load(path, &text, &len, &why);
	if (r < 0)
		return r == -MUSTER_E_ANSWERS ? -MUSTER_E_FORMAT : r;
	r = conf_parse(path, text, len, profile_cluster_forms, &mistakes, &c);
	for (size_t i = 0; i < mistakes.n; i++)
		log_error("%s:%u: %s", path, mistakes.v[i].line, mistakes.v[i].text);
	if (r == 0 && mistakes.n > 0)
		r = -MUSTER_E_FORMAT;
	return r < 0 ? r : get_list(conf_section(c, "cluster"), "parts", ret);
}
