/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes: libconfuse's syntax into a struct, with every mistake and its line. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "backend/plan/conf.h"
#include "backend/plan/plan.h"
#include "backend/plan/text.h"
#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

static const struct conf_key recipe_keys[] = { { "description" }, { "architecture" }, { NULL } };
static const struct conf_key source_keys[] = {
	{ "description" },
	{ "place" },
	{ "sha256" },
	{ NULL },
};
static const struct conf_key patch_keys[] = {
	{ "file" }, { "source" }, { "match" }, { "sha256" }, { "strip" }, { NULL },
};
static const struct conf_key compiler_keys[] = {
	{ "gcc" }, { "clang" }, { "flags", true }, { "hostflags", true }, { NULL },
};
static const struct conf_key config_keys[] = {
	{ "base" }, { "set", true }, { "module", true }, { "unset", true }, { "value", true }, { NULL },
};
static const struct conf_key check_keys[] = {
	{ "release" },
	{ "symbols", true },
	{ "modules", true },
	{ NULL },
};
static const struct conf_key build_keys[] = { { "targets", true }, { "images", true }, { NULL } };
static const struct conf_key module_keys[] = {
	{ "source" }, { "folder" }, { "configure", true }, { "make", true }, { "products", true }, { NULL },
};
static const struct conf_form forms[] = {
	{ "recipe", false, recipe_keys },
	{ "source", true, source_keys },
	{ "patch", true, patch_keys },
	{ "compiler", false, compiler_keys },
	{ "config", false, config_keys },
	{ "build", false, build_keys },
	{ "module", true, module_keys },
	{ "check", false, check_keys },
	{ NULL },
};

void kernel_recipe_free(struct kernel_recipe *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n_sources; i++) {
		free(r->sources[i].name);
		free(r->sources[i].description);
		free(r->sources[i].place);
		free(r->sources[i].sha256);
	}
	for (size_t i = 0; i < r->n_patches; i++) {
		free(r->patches[i].name);
		free(r->patches[i].file);
		free(r->patches[i].source);
		free(r->patches[i].match);
		free(r->patches[i].sha256);
	}
	for (size_t i = 0; i < r->n_externals; i++) {
		free(r->externals[i].name);
		free(r->externals[i].source);
		free(r->externals[i].folder);
		strv_free(&r->externals[i].configure);
		strv_free(&r->externals[i].make);
		strv_free(&r->externals[i].products);
	}
	free(r->sources);
	free(r->patches);
	free(r->externals);
	free(r->name);
	free(r->path);
	free(r->description);
	free(r->architecture);
	free(r->gcc);
	free(r->clang);
	free(r->base);
	free(r->check_release);
	strv_free(&r->check_symbols);
	strv_free(&r->check_modules);
	strv_free(&r->flags);
	strv_free(&r->hostflags);
	strv_free(&r->set);
	strv_free(&r->module);
	strv_free(&r->unset);
	strv_free(&r->value);
	strv_free(&r->targets);
	strv_free(&r->images);
	free(r);
}

/* A path of the recipe begins in the recipe's folder. */
static void make_absolute(struct conf_reading *d, char **path)
{
	char *whole = d->error ? NULL : conf_beside(d->path, *path);

	if (!whole) {
		d->error = -ENOMEM;
		return;
	}
	free(*path);
	*path = whole;
}

/* ---- which texts are fit ----------------------------------------------------------------------------- */

/* A word for make or the compiler: it cannot be taken for something else there. */
static bool is_flag(const char *s)
{
	return *s == '-' && text_is_of(s, "-=+._,");
}

static bool is_target(const char *s)
{
	return *s != '-' && text_is_of(s, "-_./") && !strstr(s, "..");
}

/* Words for make and configure of a module; they may name folders. */
static bool is_make_word(const char *s)
{
	return *s != '-' && text_is_of(s, "-_./=@,+");
}

static bool is_configure_word(const char *s)
{
	return *s == '-' && text_is_of(s, "-_./=@,+");
}

/* The name of a file, with the signs of fnmatch(3). */
static bool is_product(const char *s)
{
	return *s != '-' && *s != '.' && text_is_of(s, "-_.*?[]");
}

static void check_sha256(struct conf_reading *d, const struct conf_section *s, const char *text)
{
	if (text && *text && !craft_is_sha256(text))
		conf_wrong(d, conf_line(s, "sha256"), _("sha256 \"%s\" is not 64 hexadecimal digits"), text);
}

/* ---- sections ---------------------------------------------------------------------------------------- */

static void read_source(struct conf_reading *d, struct kernel_recipe *r, const struct conf_section *s)
{
	struct kernel_source *v = &r->sources[r->n_sources++];

	v->name = strdup(s->title);
	v->description = conf_take(d, s, "description", "");
	v->place = conf_take(d, s, "place", "");
	v->sha256 = conf_take(d, s, "sha256", "");
	if (!text_is_label(s->title))
		conf_wrong(d, s->line,
			   _("\"%s\" is no name for a source; take lower-case letters, digits and '-'"),
			   s->title);
	if (v->place && !strstr(v->place, "://"))
		make_absolute(d, &v->place);
	check_sha256(d, s, v->sha256);
}

/* Each source has a folder of its name beside what the build itself makes. */
static void check_sources(struct conf_reading *d, struct kernel_recipe *r, const struct conf *c)
{
	static const char *const taken[] = { "tree", "log", "out", "install", "unpacked" };
	size_t at = 0;

	for (size_t i = 0; i < c->n_sections; i++) {
		const struct conf_section *s = &c->sections[i];

		if (strcmp(s->form->name, "source") != 0)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(taken); k++)
			if (strcmp(s->title, taken[k]) == 0)
				conf_wrong(
					d, s->line,
					_("a source cannot be named \"%s\": the build has a folder of that "
					  "name"),
					s->title);
		for (size_t k = 0; k < at; k++)
			if (strcmp(r->sources[k].name, s->title) == 0)
				conf_wrong(d, s->line, _("there are two sources named \"%s\""), s->title);
		at++;
	}
}

static void read_patch(struct conf_reading *d, struct kernel_recipe *r, const struct conf_section *s)
{
	struct kernel_patch *v = &r->patches[r->n_patches++];
	_cleanup_free_ char *strip = conf_take(d, s, "strip", "1");

	v->name = strdup(s->title);
	v->file = conf_take(d, s, "file", "");
	v->source = conf_take(d, s, "source", "");
	v->match = conf_take(d, s, "match", "*.patch");
	v->sha256 = conf_take(d, s, "sha256", "");
	if (d->error)
		return;
	if (!*v->file == !*v->source)
		conf_wrong(d, s->line, _("the patch \"%s\" needs either a file or a source that holds it"),
			   s->title);
	if (!text_number(strip, 0, 9, &v->strip))
		conf_wrong(d, conf_line(s, "strip"), _("strip \"%s\" is no number from 0 to 9"), strip);
	make_absolute(d, &v->file);
	check_sha256(d, s, v->sha256);
}

static bool has_source(const struct kernel_recipe *r, const char *name)
{
	for (size_t k = 0; k < r->n_sources; k++)
		if (strcmp(r->sources[k].name, name) == 0)
			return true;
	return false;
}

static void read_external(struct conf_reading *d, struct kernel_recipe *r, const struct conf_section *s)
{
	struct kernel_external *v = &r->externals[r->n_externals++];

	v->name = strdup(s->title);
	v->source = conf_take(d, s, "source", "");
	v->folder = conf_take(d, s, "folder", "");
	conf_take_list(d, s, "configure", &v->configure, is_configure_word, _("an option of configure"));
	conf_take_list(d, s, "make", &v->make, is_make_word, _("a target or a variable of make"));
	conf_take_list(d, s, "products", &v->products, is_product, _("a file's name"));
	if (d->error)
		return;
	if (*v->folder && !is_target(v->folder))
		conf_wrong(d, conf_line(s, "folder"), _("folder \"%s\" is not a path in the source"),
			   v->folder);
	if (v->products.n == 0)
		conf_wrong(d, s->line,
			   _("the module \"%s\" needs products: the names of the files that it makes"),
			   s->title);
}

static void check_externals(struct conf_reading *d, struct kernel_recipe *r)
{

	for (size_t i = 0; i < r->n_externals; i++)
		if (!has_source(r, r->externals[i].source))
			conf_wrong(d, 0,
				   _("the module \"%s\" is to come from \"%s\", which is no source of this "
				     "recipe"),
				   r->externals[i].name, r->externals[i].source);
}

static void check_patches(struct conf_reading *d, struct kernel_recipe *r)
{

	for (size_t i = 0; i < r->n_patches; i++) {
		if (*r->patches[i].source && !has_source(r, r->patches[i].source))
			conf_wrong(d, 0,
				   _("the patch \"%s\" is to come from \"%s\", which is no source of this "
				     "recipe"),
				   r->patches[i].name, r->patches[i].source);
	}
}

static void read_compiler(struct conf_reading *d, struct kernel_recipe *r)
{
	const struct conf_section *s = conf_section(d->conf, "compiler");

	r->gcc = conf_take(d, s, "gcc", s ? "" : "0-");
	r->clang = conf_take(d, s, "clang", "");
	if (d->error)
		return;
	if (*r->gcc && !kernel_versions_valid(r->gcc))
		conf_wrong(d, conf_line(s, "gcc"),
			   _("gcc \"%s\" is no range of versions like 3.2-4.4 or 5.1-"), r->gcc);
	if (*r->clang && !kernel_versions_valid(r->clang))
		conf_wrong(d, conf_line(s, "clang"),
			   _("clang \"%s\" is no range of versions like 11- or 11-15.0"), r->clang);
	if (!*r->gcc && !*r->clang)
		conf_wrong(d, s ? s->line : 0, _("no compiler is accepted; give gcc, clang, or both"));
	conf_take_list(d, s, "flags", &r->flags, is_flag, _("an option of a compiler"));
	conf_take_list(d, s, "hostflags", &r->hostflags, is_flag, _("an option of a compiler"));
}

/* A symbol has one state. */
static void check_symbol(struct conf_reading *d, const struct conf_section *s, const char *key,
			 const char *name, struct strv *seen)
{
	_cleanup_free_ char *symbol = strndup(name, strcspn(name, "="));

	if (!symbol)
		d->error = -ENOMEM;
	else if (strv_has(seen, symbol))
		conf_wrong(d, conf_line(s, key), _("the symbol %s is named twice: it has one state"), symbol);
	else if (strv_add(seen, symbol) < 0)
		d->error = -ENOMEM;
}

static void check_symbols(struct conf_reading *d, struct kernel_recipe *r, const struct conf_section *s)
{
	const struct {
		const char *key;
		const struct strv *list;
	} lists[] = {
		{ "set", &r->set }, { "module", &r->module }, { "unset", &r->unset }, { "value", &r->value }
	};
	_cleanup_strv_ struct strv seen = STRV_INIT;

	for (size_t k = 0; k < ARRAY_SIZE(lists); k++)
		for (size_t i = 0; d->error == 0 && i < lists[k].list->n; i++)
			check_symbol(d, s, lists[k].key, lists[k].list->v[i], &seen);
}

static void read_config(struct conf_reading *d, struct kernel_recipe *r)
{
	const char *symbol = _("a symbol's name; leave CONFIG_ out");
	const struct conf_section *s = conf_section(d->conf, "config");

	r->base = conf_take(d, s, "base", "defconfig");
	if (d->error)
		return;
	if (strchr(r->base, '/'))
		make_absolute(d, &r->base);
	else if (!is_target(r->base) || strlen(r->base) < 6 ||
		 strcmp(r->base + strlen(r->base) - 6, "config") != 0)
		conf_wrong(d, conf_line(s, "base"),
			   _("base \"%s\" is neither a target of make that ends in \"config\", nor a path "
			     "with a "
			     "/ "
			     "in it"),
			   r->base);
	conf_take_list(d, s, "set", &r->set, conf_is_symbol, symbol);
	conf_take_list(d, s, "module", &r->module, conf_is_symbol, symbol);
	conf_take_list(d, s, "unset", &r->unset, conf_is_symbol, symbol);
	conf_take_list(d, s, "value", &r->value, conf_is_setting, _("NAME=VALUE; leave CONFIG_ out"));
	check_symbols(d, r, s);
}

static void read_build(struct conf_reading *d, struct kernel_recipe *r)
{
	const struct conf_section *s = conf_section(d->conf, "build");

	conf_take_list(d, s, "targets", &r->targets, is_target, _("a target of make"));
	conf_take_list(d, s, "images", &r->images, is_target, _("a path in the tree"));
	if (d->error == 0 && r->targets.n == 0)
		d->error = strv_add(&r->targets, "bzImage");
	if (d->error == 0 && r->images.n == 0)
		d->error = strv_add(&r->images, "arch/x86/boot/bzImage");
}

static void read_check(struct conf_reading *d, struct kernel_recipe *r)
{
	const struct conf_section *s = conf_section(d->conf, "check");

	r->check_release = conf_take(d, s, "release", "");
	conf_take_list(d, s, "symbols", &r->check_symbols, conf_is_symbol,
		       _("the name of a function or a variable"));
	conf_take_list(d, s, "modules", &r->check_modules, conf_is_symbol,
		       _("a module's name; leave .ko out, and write '_' for '-'"));
}

static int read_sections(struct conf_reading *d, void *data)
{
	struct kernel_recipe *r = data;
	const struct conf_section *s = conf_section(d->conf, "recipe");

	r->sources = calloc(d->conf->n_sections + 1, sizeof(*r->sources));
	r->patches = calloc(d->conf->n_sections + 1, sizeof(*r->patches));
	r->externals = calloc(d->conf->n_sections + 1, sizeof(*r->externals));
	if (!r->sources || !r->patches || !r->externals)
		return -ENOMEM;
	r->description = conf_take(d, s, "description", "");
	r->architecture = conf_take(d, s, "architecture", "x86_64");
	if (d->error == 0 && strcmp(r->architecture, "x86_64") != 0)
		conf_wrong(
			d, conf_line(s, "architecture"),
			_("architecture \"%s\": nodes are x86_64, and so are the kernels that are built for "
			  "them"),
			r->architecture);
	for (size_t i = 0; d->error == 0 && i < d->conf->n_sections; i++) {
		if (strcmp(d->conf->sections[i].form->name, "source") == 0)
			read_source(d, r, &d->conf->sections[i]);
		else if (strcmp(d->conf->sections[i].form->name, "patch") == 0)
			read_patch(d, r, &d->conf->sections[i]);
		else if (strcmp(d->conf->sections[i].form->name, "module") == 0)
			read_external(d, r, &d->conf->sections[i]);
	}
	if (d->error == 0)
		check_sources(d, r, d->conf);
	if (d->error == 0)
		check_patches(d, r);
	if (d->error == 0)
		check_externals(d, r);
	if (d->error == 0)
		read_compiler(d, r);
	if (d->error == 0)
		read_config(d, r);
	if (d->error == 0)
		read_build(d, r);
	if (d->error == 0)
		read_check(d, r);
	return d->error;
}

/* ---- files ------------------------------------------------------------------------------------------- */

/* "…/vanilla.conf" → "vanilla" */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t n = strlen(name);

	return strndup(name, n > 5 && strcmp(name + n - 5, ".conf") == 0 ? n - 5 : n);
}

int kernel_recipe_parse(const char *path, struct kernel_recipe **ret)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *recipe = calloc(1, sizeof(*recipe));
	int r;

	if (!recipe)
		return -ENOMEM;
	recipe->path = strdup(path);
	recipe->name = name_of(path);
	if (!recipe->path || !recipe->name)
		return -ENOMEM;
	if (!kernel_is_name(recipe->name) && access(path, F_OK) == 0) {
		log_error(_("%s is no recipe: its name is to be of lower-case letters, digits, '-' and '.', "
			    "and to end in "
			    ".conf"),
			  path);
		return -MUSTER_E_FORMAT;
	}
	r = conf_read_recipe(path, forms, read_sections, recipe, NULL);
	if (r == 0)
		*ret = TAKE_PTR(recipe);
	return r;
}
