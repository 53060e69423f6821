/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes: libconfuse's syntax into a struct, with every mistake and its line. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

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

struct reading {
	struct kernel_recipe *recipe;
	const struct conf *conf;
	struct plan_mistakes *mistakes;
	int error; /* -ENOMEM; mistakes are on the list */
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

static void wrong(struct reading *d, unsigned int line, const char *fmt, ...) _printf_(3, 4);

static void wrong(struct reading *d, unsigned int line, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text || plan_mistakes_add(d->mistakes, d->recipe->path, line, "%s", text) < 0)
		d->error = -ENOMEM;
}

/* The option's text, or `preset` where it is not given. */
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
			wrong(d, o->v[i].line, _("%s \"%s\" is not %s"), key, o->v[i].text, what);
		else if (strv_add(ret, o->v[i].text) < 0)
			d->error = -ENOMEM;
	}
}

static unsigned int line_of(const struct conf_section *s, const char *key)
{
	const struct conf_option *o = conf_option(s, key);

	return o ? o->line : s ? s->line : 0;
}

/* A path of the recipe begins in the recipe's folder. */
static void make_absolute(struct reading *d, char **path)
{
	const char *slash = strrchr(d->recipe->path, '/');
	char *whole;

	if (d->error || !**path || **path == '/' || !slash)
		return;
	if (asprintf(&whole, "%.*s/%s", (int)(slash - d->recipe->path), d->recipe->path, *path) < 0) {
		d->error = -ENOMEM;
		return;
	}
	free(*path);
	*path = whole;
}

/* ---- which texts are fit ----------------------------------------------------------------------------- */

static bool is_symbol(const char *s)
{
	return text_is_of(s, "_") && strncmp(s, "CONFIG_", 7) != 0;
}

static bool is_setting(const char *s)
{
	_cleanup_free_ char *name = strndup(s, strcspn(s, "="));

	return name && is_symbol(name) && strchr(s, '=') && !strpbrk(s, "\n\r");
}

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

static void check_sha256(struct reading *d, const struct conf_section *s, const char *text)
{
	if (text && *text && !craft_is_sha256(text))
		wrong(d, line_of(s, "sha256"), _("sha256 \"%s\" is not 64 hexadecimal digits"), text);
}

/* ---- sections ---------------------------------------------------------------------------------------- */

static void read_source(struct reading *d, const struct conf_section *s)
{
	struct kernel_source *v = &d->recipe->sources[d->recipe->n_sources++];

	v->name = strdup(s->title);
	v->description = take(d, s, "description", "");
	v->place = take(d, s, "place", "");
	v->sha256 = take(d, s, "sha256", "");
	if (!text_is_label(s->title))
		wrong(d, s->line,
		      _("\"%s\" is no name for a source; take lower-case letters, digits and '-'"), s->title);
	if (v->place && !strstr(v->place, "://"))
		make_absolute(d, &v->place);
	check_sha256(d, s, v->sha256);
}

/* Each source has a folder of its name beside what the build itself makes. */
static void check_sources(struct reading *d, const struct conf *c)
{
	static const char *const taken[] = { "tree", "log", "out", "install", "unpacked" };
	const struct kernel_recipe *r = d->recipe;
	size_t at = 0;

	for (size_t i = 0; i < c->n_sections; i++) {
		const struct conf_section *s = &c->sections[i];

		if (strcmp(s->form->name, "source") != 0)
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(taken); k++)
			if (strcmp(s->title, taken[k]) == 0)
				wrong(d, s->line,
				      _("a source cannot be named \"%s\": the build has a folder of that "
					"name"),
				      s->title);
		for (size_t k = 0; k < at; k++)
			if (strcmp(r->sources[k].name, s->title) == 0)
				wrong(d, s->line, _("there are two sources named \"%s\""), s->title);
		at++;
	}
}

static void read_patch(struct reading *d, const struct conf_section *s)
{
	struct kernel_patch *v = &d->recipe->patches[d->recipe->n_patches++];
	_cleanup_free_ char *strip = take(d, s, "strip", "1");

	v->name = strdup(s->title);
	v->file = take(d, s, "file", "");
	v->source = take(d, s, "source", "");
	v->match = take(d, s, "match", "*.patch");
	v->sha256 = take(d, s, "sha256", "");
	if (d->error)
		return;
	if (!*v->file == !*v->source)
		wrong(d, s->line, _("the patch \"%s\" needs either a file or a source that holds it"),
		      s->title);
	if (!text_number(strip, 0, 9, &v->strip))
		wrong(d, line_of(s, "strip"), _("strip \"%s\" is no number from 0 to 9"), strip);
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

static void read_external(struct reading *d, const struct conf_section *s)
{
	struct kernel_external *v = &d->recipe->externals[d->recipe->n_externals++];

	v->name = strdup(s->title);
	v->source = take(d, s, "source", "");
	v->folder = take(d, s, "folder", "");
	take_list(d, s, "configure", &v->configure, is_configure_word, _("an option of configure"));
	take_list(d, s, "make", &v->make, is_make_word, _("a target or a variable of make"));
	take_list(d, s, "products", &v->products, is_product, _("a file's name"));
	if (d->error)
		return;
	if (*v->folder && !is_target(v->folder))
		wrong(d, line_of(s, "folder"), _("folder \"%s\" is not a path in the source"), v->folder);
	if (v->products.n == 0)
		wrong(d, s->line, _("the module \"%s\" needs products: the names of the files that it makes"),
		      s->title);
}

static void check_externals(struct reading *d)
{
	const struct kernel_recipe *r = d->recipe;

	for (size_t i = 0; i < r->n_externals; i++)
		if (!has_source(r, r->externals[i].source))
			wrong(d, 0,
			      _("the module \"%s\" is to come from \"%s\", which is no source of this "
				"recipe"),
			      r->externals[i].name, r->externals[i].source);
}

static void check_patches(struct reading *d)
{
	const struct kernel_recipe *r = d->recipe;

	for (size_t i = 0; i < r->n_patches; i++) {
		if (*r->patches[i].source && !has_source(r, r->patches[i].source))
			wrong(d, 0,
			      _("the patch \"%s\" is to come from \"%s\", which is no source of this recipe"),
			      r->patches[i].name, r->patches[i].source);
	}
}

static void read_compiler(struct reading *d)
{
	const struct conf_section *s = conf_section(d->conf, "compiler");
	struct kernel_recipe *r = d->recipe;

	r->gcc = take(d, s, "gcc", s ? "" : "0-");
	r->clang = take(d, s, "clang", "");
	if (d->error)
		return;
	if (*r->gcc && !kernel_versions_valid(r->gcc))
		wrong(d, line_of(s, "gcc"), _("gcc \"%s\" is no range of versions like 3.2-4.4 or 5.1-"),
		      r->gcc);
	if (*r->clang && !kernel_versions_valid(r->clang))
		wrong(d, line_of(s, "clang"), _("clang \"%s\" is no range of versions like 11- or 11-15.0"),
		      r->clang);
	if (!*r->gcc && !*r->clang)
		wrong(d, s ? s->line : 0, _("no compiler is accepted; give gcc, clang, or both"));
	take_list(d, s, "flags", &r->flags, is_flag, _("an option of a compiler"));
	take_list(d, s, "hostflags", &r->hostflags, is_flag, _("an option of a compiler"));
}

/* A symbol has one state. */
static void check_symbol(struct reading *d, const struct conf_section *s, const char *key, const char *name,
			 struct strv *seen)
{
	_cleanup_free_ char *symbol = strndup(name, strcspn(name, "="));

	if (!symbol)
		d->error = -ENOMEM;
	else if (strv_has(seen, symbol))
		wrong(d, line_of(s, key), _("the symbol %s is named twice: it has one state"), symbol);
	else if (strv_add(seen, symbol) < 0)
		d->error = -ENOMEM;
}

static void check_symbols(struct reading *d, const struct conf_section *s)
{
	const struct kernel_recipe *r = d->recipe;
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

static void read_config(struct reading *d)
{
	const char *symbol = _("a symbol's name; leave CONFIG_ out");
	const struct conf_section *s = conf_section(d->conf, "config");
	struct kernel_recipe *r = d->recipe;

	r->base = take(d, s, "base", "defconfig");
	if (d->error)
		return;
	if (strchr(r->base, '/'))
		make_absolute(d, &r->base);
	else if (!is_target(r->base) || strlen(r->base) < 6 ||
		 strcmp(r->base + strlen(r->base) - 6, "config") != 0)
		wrong(d, line_of(s, "base"),
		      _("base \"%s\" is neither a target of make that ends in \"config\", nor a path with a "
			"/ "
			"in it"),
		      r->base);
	take_list(d, s, "set", &r->set, is_symbol, symbol);
	take_list(d, s, "module", &r->module, is_symbol, symbol);
	take_list(d, s, "unset", &r->unset, is_symbol, symbol);
	take_list(d, s, "value", &r->value, is_setting, _("NAME=VALUE; leave CONFIG_ out"));
	check_symbols(d, s);
}

static void read_build(struct reading *d)
{
	const struct conf_section *s = conf_section(d->conf, "build");
	struct kernel_recipe *r = d->recipe;

	take_list(d, s, "targets", &r->targets, is_target, _("a target of make"));
	take_list(d, s, "images", &r->images, is_target, _("a path in the tree"));
	if (d->error == 0 && r->targets.n == 0)
		d->error = strv_add(&r->targets, "bzImage");
	if (d->error == 0 && r->images.n == 0)
		d->error = strv_add(&r->images, "arch/x86/boot/bzImage");
}

static void read_check(struct reading *d)
{
	const struct conf_section *s = conf_section(d->conf, "check");
	struct kernel_recipe *r = d->recipe;

	r->check_release = take(d, s, "release", "");
	take_list(d, s, "symbols", &r->check_symbols, is_symbol, _("the name of a function or a variable"));
	take_list(d, s, "modules", &r->check_modules, is_symbol,
		  _("a module's name; leave .ko out, and write '_' for '-'"));
}

static int read_sections(struct reading *d)
{
	const struct conf_section *s = conf_section(d->conf, "recipe");
	struct kernel_recipe *r = d->recipe;

	r->sources = calloc(d->conf->n_sections + 1, sizeof(*r->sources));
	r->patches = calloc(d->conf->n_sections + 1, sizeof(*r->patches));
	r->externals = calloc(d->conf->n_sections + 1, sizeof(*r->externals));
	if (!r->sources || !r->patches || !r->externals)
		return -ENOMEM;
	r->description = take(d, s, "description", "");
	r->architecture = take(d, s, "architecture", "x86_64");
	if (d->error == 0 && strcmp(r->architecture, "x86_64") != 0)
		wrong(d, line_of(s, "architecture"),
		      _("architecture \"%s\": nodes are x86_64, and so are the kernels that are built for "
			"them"),
		      r->architecture);
	for (size_t i = 0; d->error == 0 && i < d->conf->n_sections; i++) {
		if (strcmp(d->conf->sections[i].form->name, "source") == 0)
			read_source(d, &d->conf->sections[i]);
		else if (strcmp(d->conf->sections[i].form->name, "patch") == 0)
			read_patch(d, &d->conf->sections[i]);
		else if (strcmp(d->conf->sections[i].form->name, "module") == 0)
			read_external(d, &d->conf->sections[i]);
	}
	if (d->error == 0)
		check_sources(d, d->conf);
	if (d->error == 0)
		check_patches(d);
	if (d->error == 0)
		check_externals(d);
	if (d->error == 0)
		read_compiler(d);
	if (d->error == 0)
		read_config(d);
	if (d->error == 0)
		read_build(d);
	if (d->error == 0)
		read_check(d);
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
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *recipe = calloc(1, sizeof(*recipe));
	_cleanup_free_ char *text = NULL, *why = NULL;
	_cleanup_(conf_freep) struct conf *c = NULL;
	size_t len;
	int r = recipe ? conf_load(path, &text, &len, &why) : -ENOMEM;

	if (r < 0) {
		if (r != -ENOENT && why)
			log_error(_("the recipe %s %s"), path, why);
		return r == -MUSTER_E_ANSWERS ? -MUSTER_E_FORMAT : r;
	}
	recipe->path = strdup(path);
	recipe->name = name_of(path);
	if (!recipe->path || !recipe->name)
		return -ENOMEM;
	if (!kernel_is_name(recipe->name)) {
		log_error(_("%s is no recipe: its name is to be of lower-case letters, digits, '-' and '.', "
			    "and to end in "
			    ".conf"),
			  path);
		return -MUSTER_E_FORMAT;
	}
	r = conf_parse(path, text, len, forms, &mistakes, &c);
	if (r == 0)
		r = read_sections(&(struct reading){ recipe, c, &mistakes, 0 });
	for (size_t i = 0; i < mistakes.n; i++)
		log_error("%s:%u: %s", path, mistakes.v[i].line, mistakes.v[i].text);
	if (r == 0 && mistakes.n > 0)
		r = -MUSTER_E_FORMAT;
	if (r == 0)
		*ret = TAKE_PTR(recipe);
	return r;
}
