/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of parts: libconfuse's syntax into a struct, with every mistake and its line. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/image/part.h"
#include "backend/plan/conf.h"
#include "backend/plan/plan.h"
#include "backend/plan/text.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

static const struct conf_key part_keys[] = { { "description" }, { "modes", true }, { NULL } };
static const struct conf_key source_keys[] = {
	{ "description" }, { "place" }, { "sha256" }, { "package" }, { NULL },
};
static const struct conf_key compiler_keys[] = { { "flags", true }, { NULL } };
static const struct conf_key config_keys[] = {
	{ "base" }, { "set", true }, { "unset", true }, { "value", true }, { NULL },
};
static const struct conf_key configure_keys[] = { { "arguments", true }, { NULL } };
static const struct conf_key build_keys[] = {
	{ "patches", true }, { "folders", true }, { "targets", true }, { "install" },	     { "keep", true },
	{ "files", true },   { "names", true },	  { "links" },	       { "programs", true }, { NULL },
};
static const struct conf_form forms[] = {
	{ "part", false, part_keys },
	{ "source", true, source_keys },
	{ "compiler", false, compiler_keys },
	{ "config", false, config_keys },
	{ "configure", false, configure_keys },
	{ "build", false, build_keys },
	{ NULL },
};

void part_free(struct part *p)
{
	if (!p)
		return;
	struct strv *const lists[] = { &p->modes, &p->patches,	 &p->flags,   &p->set,	   &p->unset,
				       &p->value, &p->arguments, &p->folders, &p->targets, &p->keep,
				       &p->files, &p->names,	 &p->programs };
	char *const texts[] = { p->name,  p->path,    p->description,
				p->text,  p->source,  p->source_description,
				p->place, p->sha256,  p->package,
				p->base,  p->install, p->links };

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		strv_free(lists[i]);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
	free(p);
}

/* ---- which texts are fit ----------------------------------------------------------------------------- */

static bool is_mode(const char *s)
{
	return strcmp(s, "initramfs") == 0 || strcmp(s, "nfs") == 0;
}

static bool is_flag(const char *s)
{
	return *s == '-' && text_is_of(s, "-=+._,/");
}

/* Of a tree: it leads nowhere else, and no program takes it for an option. */
static bool is_path(const char *s)
{
	return *s != '-' && *s != '/' && text_is_of(s, "-_./+") && !strstr(s, "..");
}

static bool is_pair(const char *s)
{
	_cleanup_free_ char *from = strndup(s, strcspn(s, "="));
	const char *to = strchr(s, '=');

	return from && to && is_path(from) && is_path(to + 1);
}

static bool is_file(const char *s)
{
	return *s != '-' && !strpbrk(s, "\n\r");
}

/* ---- sections ---------------------------------------------------------------------------------------- */

static void read_source(struct conf_reading *d, struct part *p)
{
	const struct conf_section *s = conf_section(d->conf, "source");

	for (size_t i = 0, n = 0; i < d->conf->n_sections; i++)
		if (strcmp(d->conf->sections[i].form->name, "source") == 0 && ++n > 1)
			conf_wrong(d, d->conf->sections[i].line, _("a part has one source"));
	p->source = strdup(s ? s->title : "");
	p->source_description = conf_take(d, s, "description", "");
	p->place = conf_take(d, s, "place", "");
	p->sha256 = conf_take(d, s, "sha256", "");
	p->package = conf_take(d, s, "package", "");
	if (!p->source || d->error) {
		d->error = -ENOMEM;
		return;
	}
	if (!text_is_label(p->source))
		conf_wrong(d, s ? s->line : 0,
			   _("a part needs a source, named with lower-case letters, digits and '-'"));
	if (*p->sha256 && !craft_is_sha256(p->sha256))
		conf_wrong(d, conf_line(s, "sha256"), _("sha256 \"%s\" is not 64 hexadecimal digits"),
			   p->sha256);
	if (*p->package && !text_is_of(p->package, "-+."))
		conf_wrong(d, conf_line(s, "package"), _("package \"%s\" is no name of a source package"),
			   p->package);
}

static void read_configuration(struct conf_reading *d, struct part *p)
{
	const char *symbol = _("a symbol's name; leave CONFIG_ out");
	const struct conf_section *config = conf_section(d->conf, "config");
	const struct conf_section *configure = conf_section(d->conf, "configure");

	p->base = conf_take(d, config, "base", config ? "defconfig" : "");
	p->configure = configure != NULL;
	if (d->error)
		return;
	if (config && configure)
		conf_wrong(d, configure->line,
			   _("a part is configured by \"config\" or by \"configure\", not by both"));
	if (*p->base && !is_path(p->base))
		conf_wrong(d, conf_line(config, "base"), _("base \"%s\" is no target of make"), p->base);
	conf_take_list(d, config, "set", &p->set, conf_is_symbol, symbol);
	conf_take_list(d, config, "unset", &p->unset, conf_is_symbol, symbol);
	conf_take_list(d, config, "value", &p->value, conf_is_setting, _("NAME=VALUE; leave CONFIG_ out"));
	conf_take_list(d, configure, "arguments", &p->arguments, is_flag, _("an option of configure"));
}

/* A path of the file begins in its folder. */
static void read_patches(struct conf_reading *d, struct part *p, const struct conf_section *s)
{
	_cleanup_strv_ struct strv said = STRV_INIT;

	conf_take_list(d, s, "patches", &said, is_file, _("a file"));
	for (size_t i = 0; d->error == 0 && i < said.n; i++) {
		_cleanup_free_ char *whole = conf_beside(p->path, said.v[i]);

		d->error = whole ? strv_add(&p->patches, whole) : -ENOMEM;
	}
}

static void read_build(struct conf_reading *d, struct part *p)
{
	const char *path = _("a path in the tree");
	const struct conf_section *s = conf_section(d->conf, "build");

	p->install = conf_take(d, s, "install", "");
	p->links = conf_take(d, s, "links", "");
	if (d->error)
		return;
	if ((*p->install && !is_path(p->install)) || (*p->links && !is_path(p->links)))
		conf_wrong(d, s->line, _("install is to be a target of make, and links %s"), path);
	read_patches(d, p, s);
	conf_take_list(d, s, "folders", &p->folders, is_path, path);
	conf_take_list(d, s, "targets", &p->targets, is_path, _("a target of make"));
	conf_take_list(d, s, "keep", &p->keep, is_path, path);
	conf_take_list(d, s, "files", &p->files, is_pair, _("FILE=PLACE"));
	conf_take_list(d, s, "names", &p->names, is_pair, _("NAME=PROGRAM"));
	conf_take_list(d, s, "programs", &p->programs, is_path, path);
	if (d->error == 0 && p->targets.n == 0)
		d->error = strv_add(&p->targets, "all");
	if (d->error == 0 && p->folders.n == 0)
		d->error = strv_add(&p->folders, ".");
}

static int read_sections(struct conf_reading *d, void *data)
{
	struct part *p = data;
	const struct conf_section *part = conf_section(d->conf, "part");

	p->description = conf_take(d, part, "description", "");
	conf_take_list(d, part, "modes", &p->modes, is_mode, _("\"initramfs\" or \"nfs\""));
	if (d->error == 0)
		conf_take_list(d, conf_section(d->conf, "compiler"), "flags", &p->flags, is_flag,
			       _("an option of a compiler"));
	if (d->error == 0)
		read_source(d, p);
	if (d->error == 0)
		read_configuration(d, p);
	if (d->error == 0)
		read_build(d, p);
	return d->error;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int read_file(const char *name, const char *path, struct part **ret)
{
	_cleanup_(part_freep) struct part *part = calloc(1, sizeof(*part));
	int r;

	if (!part)
		return -ENOMEM;
	part->path = strdup(path);
	part->name = strdup(name);
	if (!part->path || !part->name)
		return -ENOMEM;
	r = conf_read_recipe(path, forms, read_sections, part, &part->text);
	if (r == 0)
		*ret = TAKE_PTR(part);
	return r;
}

int part_read(const struct image_env *env, const char *name, struct part **ret)
{
	_cleanup_free_ char *own = image_host_path(env, PART_OWN);
	_cleanup_free_ char *shipped =
		env->profiles ? fs_join(env->profiles, "parts") : strdup(own ? own : "");
	const char *const folders[] = { own, shipped };
	int r = own && shipped ? -ENOENT : -ENOMEM;

	for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%s.conf", folders[i], name) < 0) {
			path = NULL;
			r = -ENOMEM;
		} else {
			r = read_file(name, path, ret);
		}
	}
	if (r == -ENOENT)
		log_error(_("there is no recipe %s.conf of a part of node roots"), name);
	return r;
}
