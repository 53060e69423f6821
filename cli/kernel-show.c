/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernel show: what a recipe wants, and what a kernel was built of. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

/* ---- a recipe ---------------------------------------------------------------------------------------------- */

struct shown {
	const struct kernel_recipe *recipe;
	char *wanted;
	struct kernel_compiler *compilers;
	bool *fits;
	size_t n;
};

static json_t *words_json(const struct strv *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->n; i++)
		json_array_append_new(list, cli_json_text(v->v[i]));
	return list;
}

static json_t *show_json(const struct shown *w)
{
	const struct kernel_recipe *r = w->recipe;
	json_t *sources = json_array(), *compilers = json_array();

	for (size_t i = 0; i < r->n_sources; i++)
		json_array_append_new(sources,
				      json_pack("{so so so so}", "name", cli_json_text(r->sources[i].name),
						"description", cli_json_text(r->sources[i].description),
						"place", cli_json_text(r->sources[i].place), "sha256",
						cli_json_text(r->sources[i].sha256)));
	for (size_t i = 0; i < w->n; i++)
		json_array_append_new(compilers,
				      json_pack("{so so ss so sb}", "name",
						cli_json_text(w->compilers[i].name), "path",
						cli_json_text(w->compilers[i].path), "kind",
						w->compilers[i].clang ? "clang" : "gcc", "version",
						cli_json_text(w->compilers[i].version), "fits", w->fits[i]));
	return json_pack("{so so so so so so so so so so so so so}", "name", cli_json_text(r->name),
			 "description", cli_json_text(r->description), "file", cli_json_text(r->path),
			 "sources", sources, "compiler_wanted", cli_json_text(w->wanted), "compilers",
			 compilers, "base", cli_json_text(r->base), "set", words_json(&r->set), "module",
			 words_json(&r->module), "unset", words_json(&r->unset), "value",
			 words_json(&r->value), "targets", words_json(&r->targets), "flags",
			 words_json(&r->flags));
}

static void add_words(struct strbuf *b, const struct style *s, const char *title, const struct strv *v)
{
	size_t column = 0, width = s->columns > 40 ? (size_t)s->columns : 80;

	for (size_t i = 0; i < v->n; i++) {
		size_t n = strlen(v->v[i]);

		if (i == 0 || column + 1 + n > width) {
			strbuf_addf(b, "%s%-14s%s", i ? "\n" : "", i ? "" : title, v->v[i]);
			column = 14 + n;
		} else {
			strbuf_addf(b, " %s", v->v[i]);
			column += 1 + n;
		}
	}
	if (v->n)
		strbuf_addc(b, '\n');
}

static void add_sources(struct strbuf *b, const struct kernel_recipe *r)
{
	for (size_t i = 0; i < r->n_sources; i++) {
		const struct kernel_source *s = &r->sources[i];

		strbuf_addf(b, "%-14s%s: %s\n%-14s", i ? "" : "sources", s->name, s->description, "");
		if (*s->place)
			strbuf_addf(b, "%s\n", s->place);
		else
			strbuf_addf(b, _("yours to name: --source %s=PLACE\n"), s->name);
		if (*s->sha256)
			strbuf_addf(b, "%-14ssha256 %s\n", "", s->sha256);
	}
	for (size_t i = 0; i < r->n_patches; i++) {
		const struct kernel_patch *p = &r->patches[i];

		if (*p->source)
			strbuf_addf(b, _("%-14s%s: %s of the source %s\n"), i ? "" : "patches", p->name,
				    p->match, p->source);
		else
			strbuf_addf(b, "%-14s%s: %s\n", i ? "" : "patches", p->name, p->file);
	}
}

static int print_show(const struct style *s, const struct shown *w)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const struct kernel_recipe *r = w->recipe;

	strbuf_addf(&b, "%s: %s\n%-14s%s\n", r->name, r->description, "file", r->path);
	if (r->n_sources == 0)
		return cli_print(&b);
	add_sources(&b, r);
	strbuf_addf(&b, "%-14s%s\n", "compiler", w->wanted);
	for (size_t i = 0; i < w->n; i++)
		strbuf_addf(&b, "%-14s%s is %s %s%s%s%s\n", "", w->compilers[i].name,
			    w->compilers[i].clang ? "clang" : "gcc", w->compilers[i].version,
			    style_on(s, w->fits[i] ? COLOUR_GREEN : COLOUR_YELLOW),
			    w->fits[i] ? _(": fits") : _(": does not fit"),
			    style_off(s, w->fits[i] ? COLOUR_GREEN : COLOUR_YELLOW));
	add_words(&b, s, "flags", &r->flags);
	strbuf_addf(&b, "%-14s%s\n", "configuration", r->base);
	add_words(&b, s, "  set", &r->set);
	add_words(&b, s, "  module", &r->module);
	add_words(&b, s, "  not set", &r->unset);
	add_words(&b, s, "  value", &r->value);
	add_words(&b, s, "targets", &r->targets);
	if (*r->check_release)
		strbuf_addf(&b, "%-14srelease %s\n", "checks", r->check_release);
	add_words(&b, s, *r->check_release ? "" : "checks", &r->check_symbols);
	add_words(&b, s, *r->check_release || r->check_symbols.n ? "" : "checks", &r->check_modules);
	return cli_print(&b);
}

static int show_recipe(struct cli *c, struct muster *m)
{
	_cleanup_(muster_recipe_freep) struct kernel_recipe *recipe = NULL;
	struct shown w = { 0 };
	int r = muster_recipe(m, c->argv[1], &recipe);

	if (r == 0)
		r = muster_recipe_compilers(m, recipe, &w.wanted, &w.compilers, &w.fits, &w.n);
	if (r < 0)
		return r;
	w.recipe = recipe;
	r = c->json ? cli_print_json(c, show_json(&w)) : print_show(&c->out, &w);
	muster_compilers_free(w.compilers, w.n);
	free(w.wanted);
	free(w.fits);
	return r;
}

/* ---- a built kernel ------------------------------------------------------------------------------------------- */

/* "" where there is no such text. */
static const char *text_of(const json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s ? s : "";
}

static void add_built_sources(struct strbuf *b, const json_t *sources)
{
	const json_t *source;
	size_t i;

	json_array_foreach (sources, i, source) {
		strbuf_addf(b, "%-14s%s: %s\n", i ? "" : "sources", text_of(source, "name"),
			    text_of(source, "place"));
		strbuf_addf(b, "%-14ssha256 %s\n", "", text_of(source, "sha256"));
	}
}

static int add_list(struct strbuf *b, const struct style *s, const char *title, const json_t *list)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	const json_t *word;
	size_t i;
	int r = 0;

	json_array_foreach (list, i, word)
		if (r == 0 && json_is_string(word))
			r = strv_add(&words, json_string_value(word));
	add_words(b, s, title, &words);
	return r;
}

static int print_facts(const struct style *s, const char *folder, const json_t *doc)
{
	static const struct {
		const char *key, *title;
	} lists[] = {
		{ "set", "  set" }, { "module", "  module" }, { "unset", "  not set" }, { "value", "  value" }
	};
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r;

	strbuf_addf(&b, "%s: %s\n%-14s%s\n", text_of(doc, "id"), text_of(doc, "release"), "folder", folder);
	strbuf_addf(&b, "%-14s%s\n%-14s%s\n", "recipe", text_of(doc, "recipe"), "built",
		    text_of(doc, "built"));
	strbuf_addf(&b, "%-14s%s\n", "version", text_of(doc, "version"));
	strbuf_addf(&b, "%-14s%s\n", "size", BYTES(json_integer_value(json_object_get(doc, "bytes"))));
	add_built_sources(&b, json_object_get(doc, "sources"));
	strbuf_addf(&b, "%-14s%s, %s\n", "compiler", text_of(doc, "compiler"), text_of(doc, "compiler_path"));
	if (*text_of(doc, "toolchain"))
		strbuf_addf(&b, _("%-14sin the toolchain %s\n"), "", text_of(doc, "toolchain"));
	r = add_list(&b, s, "flags", json_object_get(doc, "flags"));
	strbuf_addf(&b, "%-14s%s\n%-14ssha256 %s\n", "configuration", text_of(doc, "base"), "",
		    text_of(doc, "config_sha256"));
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(lists); i++)
		r = add_list(&b, s, lists[i].title, json_object_get(doc, lists[i].key));
	return r < 0 ? r : cli_print(&b);
}

static int show_built(struct cli *c, const char *folder, const char *facts)
{
	json_t *doc = json_loads(facts, 0, NULL);
	int r;

	if (!doc)
		return -ENOMEM;
	if (c->json) {
		json_object_set_new(doc, "folder", cli_json_text(folder));
		return cli_print_json(c, doc);
	}
	r = print_facts(&c->out, folder, doc);
	json_decref(doc);
	return r;
}

int kernel_show_verb(struct cli *c, struct muster *m)
{
	_cleanup_free_ char *folder = NULL, *facts = NULL;
	int r = muster_kernel_facts(m, c->argv[1], &folder, &facts);

	return r == -ENOENT ? show_recipe(c, m) : r < 0 ? r : show_built(c, folder, facts);
}
