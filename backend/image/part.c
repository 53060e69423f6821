/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of parts: libconfuse's syntax into a struct, with every mistake and its line. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
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

struct reading {
	struct part *part;
	const struct conf *conf;
	struct plan_mistakes *mistakes;
	int error; /* -ENOMEM; mistakes are on the list */
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

static void wrong(struct reading *d, unsigned int line, const char *fmt, ...) _printf_(3, 4);

static void wrong(struct reading *d, unsigned int line, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text || plan_mistakes_add(d->mistakes, d->part->path, line, "%s", text) < 0)
		d->error = -ENOMEM;
}

static char *take(struct reading *d, const struct conf_section *s, const char *key, const char *preset)
{
	const struct conf_option *o = conf_option(s, key);
	char *text = strdup(o && o->n == 1 ? o->v[0].text : preset);

	if (!text)
		d->error = -ENOMEM;
	return text;
}

static void take_list(struct reading *d, const struct conf_section *s, const char *key, struct strv *ret,
		      bool (*fit)(const char *), const char *what)
{
	const struct conf_option *o = conf_option(s, key);

	for (size_t i = 0; o && d->error == 0 && i < o->n; i++) {
		if (!fit(o->v[i].text))
			wrong(d, o->v[i].line, "%s \"%s\" is not %s", key, o->v[i].text, what);
		else if (strv_add(ret, o->v[i].text) < 0)
			d->error = -ENOMEM;
	}
}

static unsigned int line_of(const struct conf_section *s, const char *key)
{
	const struct conf_option *o = conf_option(s, key);

	return o ? o->line : s ? s->line : 0;
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

static bool is_symbol(const char *s)
{
	return text_is_of(s, "_") && strncmp(s, "CONFIG_", 7) != 0;
}

static bool is_setting(const char *s)
{
	_cleanup_free_ char *name = strndup(s, strcspn(s, "="));

	return name && is_symbol(name) && strchr(s, '=') && !strpbrk(s, "\n\r");
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

static void read_source(struct reading *d)
{
	const struct conf_section *s = conf_section(d->conf, "source");
	struct part *p = d->part;

	for (size_t i = 0, n = 0; i < d->conf->n_sections; i++)
		if (strcmp(d->conf->sections[i].form->name, "source") == 0 && ++n > 1)
			wrong(d, d->conf->sections[i].line, "a part has one source");
	p->source = strdup(s ? s->title : "");
	p->source_description = take(d, s, "description", "");
	p->place = take(d, s, "place", "");
	p->sha256 = take(d, s, "sha256", "");
	p->package = take(d, s, "package", "");
	if (!p->source || d->error) {
		d->error = -ENOMEM;
		return;
	}
	if (!text_is_label(p->source))
		wrong(d, s ? s->line : 0,
		      "a part needs a source, named with lower-case letters, digits and '-'");
	if (*p->sha256 && !craft_is_sha256(p->sha256))
		wrong(d, line_of(s, "sha256"), "sha256 \"%s\" is not 64 hexadecimal digits", p->sha256);
	if (*p->package && !text_is_of(p->package, "-+."))
		wrong(d, line_of(s, "package"), "package \"%s\" is no name of a source package", p->package);
}

static void read_configuration(struct reading *d)
{
	static const char symbol[] = "a symbol's name; leave CONFIG_ out";
	const struct conf_section *config = conf_section(d->conf, "config");
	const struct conf_section *configure = conf_section(d->conf, "configure");
	struct part *p = d->part;

	p->base = take(d, config, "base", config ? "defconfig" : "");
	p->configure = configure != NULL;
	if (d->error)
		return;
	if (config && configure)
		wrong(d, configure->line,
		      "a part is configured by \"config\" or by \"configure\", not by both");
	if (*p->base && !is_path(p->base))
		wrong(d, line_of(config, "base"), "base \"%s\" is no target of make", p->base);
	take_list(d, config, "set", &p->set, is_symbol, symbol);
	take_list(d, config, "unset", &p->unset, is_symbol, symbol);
	take_list(d, config, "value", &p->value, is_setting, "NAME=VALUE; leave CONFIG_ out");
	take_list(d, configure, "arguments", &p->arguments, is_flag, "an option of configure");
}

/* A path of the file begins in its folder. */
static void read_patches(struct reading *d, const struct conf_section *s)
{
	_cleanup_strv_ struct strv said = STRV_INIT;
	struct part *p = d->part;
	const char *slash = strrchr(p->path, '/');

	take_list(d, s, "patches", &said, is_file, "a file");
	for (size_t i = 0; d->error == 0 && i < said.n; i++)
		d->error = *said.v[i] == '/' || !slash
				   ? strv_add(&p->patches, said.v[i])
				   : strv_addf(&p->patches, "%.*s/%s", (int)(slash - p->path), p->path,
					       said.v[i]);
}

static void read_build(struct reading *d)
{
	static const char path[] = "a path in the tree";
	const struct conf_section *s = conf_section(d->conf, "build");
	struct part *p = d->part;

	p->install = take(d, s, "install", "");
	p->links = take(d, s, "links", "");
	if (d->error)
		return;
	if ((*p->install && !is_path(p->install)) || (*p->links && !is_path(p->links)))
		wrong(d, s->line, "install is to be a target of make, and links %s", path);
	read_patches(d, s);
	take_list(d, s, "folders", &p->folders, is_path, path);
	take_list(d, s, "targets", &p->targets, is_path, "a target of make");
	take_list(d, s, "keep", &p->keep, is_path, path);
	take_list(d, s, "files", &p->files, is_pair, "FILE=PLACE");
	take_list(d, s, "names", &p->names, is_pair, "NAME=PROGRAM");
	take_list(d, s, "programs", &p->programs, is_path, path);
	if (d->error == 0 && p->targets.n == 0)
		d->error = strv_add(&p->targets, "all");
	if (d->error == 0 && p->folders.n == 0)
		d->error = strv_add(&p->folders, ".");
}

static int read_sections(struct reading *d)
{
	const struct conf_section *part = conf_section(d->conf, "part");

	d->part->description = take(d, part, "description", "");
	take_list(d, part, "modes", &d->part->modes, is_mode, "\"initramfs\" or \"nfs\"");
	if (d->error == 0)
		take_list(d, conf_section(d->conf, "compiler"), "flags", &d->part->flags, is_flag,
			  "an option of a compiler");
	if (d->error == 0)
		read_source(d);
	if (d->error == 0)
		read_configuration(d);
	if (d->error == 0)
		read_build(d);
	return d->error;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static int read_file(const char *name, const char *path, struct part **ret)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_(part_freep) struct part *part = calloc(1, sizeof(*part));
	_cleanup_free_ char *why = NULL;
	_cleanup_(conf_freep) struct conf *c = NULL;
	size_t len;
	int r = part ? conf_load(path, &part->text, &len, &why) : -ENOMEM;

	if (r < 0) {
		if (r != -ENOENT && why)
			log_error(_("the recipe %s %s"), path, why);
		return r == -MUSTER_E_ANSWERS ? -MUSTER_E_FORMAT : r;
	}
	part->path = strdup(path);
	part->name = strdup(name);
	if (!part->path || !part->name)
		return -ENOMEM;
	r = conf_parse(path, part->text, len, forms, &mistakes, &c);
	if (r == 0)
		r = read_sections(&(struct reading){ part, c, &mistakes, 0 });
	for (size_t i = 0; i < mistakes.n; i++)
		log_error("%s:%u: %s", path, mistakes.v[i].line, mistakes.v[i].text);
	if (r == 0 && mistakes.n > 0)
		r = -MUSTER_E_FORMAT;
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
