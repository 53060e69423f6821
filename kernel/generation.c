/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Generations on the disk: what kernel.json says of one makes it whole. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define FACTS_MAX (1UL << 20)
#define FACTS "kernel.json"

void kernel_generation_free(struct kernel_generation *g)
{
	if (!g)
		return;
	free(g->id);
	free(g->recipe);
	free(g->release);
	free(g->version);
	free(g->compiler);
	free(g->built);
	strv_free(&g->sources);
	free(g);
}

/* ---- facts ---------------------------------------------------------------------------------------------- */

static void add_input(json_t **list, const struct craft_input *in)
{
	_cleanup_free_ char *place = craft_public_place(in->place);

	if (place && json_array_append_new(*list, json_pack("{s:s, s:s, s:s}", "name", in->name, "place",
							    place, "sha256", in->sha256)) == 0)
		return;
	json_decref(*list);
	*list = NULL;
}

static json_t *inputs_json(const struct kernel_facts *f)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < f->n_inputs; i++)
		add_input(&list, &f->inputs[i]);
	return list;
}

static json_t *words_json(const struct strv *v)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < v->n; i++)
		json_array_append_new(list, json_string(v->v[i]));
	return list;
}

int kernel_facts_text(const struct kernel_facts *f, char **ret)
{
	const struct kernel_recipe *r = f->recipe;
	_cleanup_free_ char *compiler = NULL;
	json_t *doc;
	char *text;

	if (asprintf(&compiler, "%s %s", f->cc->clang ? "clang" : "gcc", f->cc->version) < 0) {
		compiler = NULL;
		return -ENOMEM;
	}
	doc = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:o, s:o, s:o, "
			"s:o, s:o, s:o}",
			"id", f->id, "recipe", r->name, "release", f->release, "version", f->version,
			"compiler", compiler, "compiler_path", f->cc->path, "compiler_identity",
			f->cc->identity, "architecture", r->architecture, "base", r->base, "config_sha256",
			f->config_sha256, "built", f->built, "bytes", (json_int_t)f->bytes, "compiled",
			(int)f->compiled, "sources", inputs_json(f), "flags", words_json(&r->flags), "set",
			words_json(&r->set), "module", words_json(&r->module), "unset", words_json(&r->unset),
			"value", words_json(&r->value));
	if (doc && f->cc->toolchain &&
	    json_object_set_new(doc, "toolchain", json_string(f->cc->toolchain)) < 0) {
		json_decref(doc);
		return -ENOMEM;
	}
	if (doc && json_object_set_new(doc, "image_sha256", json_string(f->image_sha256)) < 0) {
		json_decref(doc);
		return -ENOMEM;
	}
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

static int take_all(json_t *doc, struct kernel_generation *g)
{
	const json_t *bytes = json_object_get(doc, "bytes"), *sources = json_object_get(doc, "sources"),
		     *source;
	const struct {
		const char *key;
		char **to;
	} texts[] = { { "id", &g->id },		  { "recipe", &g->recipe },	{ "release", &g->release },
		      { "version", &g->version }, { "compiler", &g->compiler }, { "built", &g->built } };
	size_t i;
	int r = json_is_integer(bytes) && json_is_array(sources) ? 0 : -MUSTER_E_FORMAT;

	for (i = 0; r == 0 && i < ARRAY_SIZE(texts); i++)
		r = take(doc, texts[i].key, texts[i].to);
	json_array_foreach (sources, i, source) {
		const char *sha256 = json_string_value(json_object_get(source, "sha256"));

		if (r == 0)
			r = sha256 ? strv_add(&g->sources, sha256) : -MUSTER_E_FORMAT;
	}
	if (r == 0)
		g->bytes = (unsigned long long)json_integer_value(bytes);
	return r;
}

/* The document of a generation; the caller drops it. */
static int read_facts(const struct kernel_env *env, const char *id, json_t **ret)
{
	_cleanup_free_ char *folder = fs_join(KERNEL_GENERATIONS, id),
			    *path = folder ? fs_join(folder, FACTS) : NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = path ? fs_read(env->root_fd, path, FACTS_MAX, &text, &len) : -ENOMEM;

	if (r < 0)
		return r == -ENOTDIR ? -ENOENT : r;
	*ret = json_loadb(text, len, 0, NULL);
	return *ret ? 0 : -MUSTER_E_FORMAT;
}

int kernel_find(const struct kernel_env *env, const char *id, struct kernel_generation **ret)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = calloc(1, sizeof(*g));
	_cleanup_free_ char *image = NULL;
	json_t *doc = NULL;
	int r = g ? 0 : -ENOMEM;

	if (r == 0 && (strchr(id, '/') || *id == '.' || !*id))
		return -ENOENT;
	if (r == 0)
		r = read_facts(env, id, &doc);
	if (r == 0)
		r = take_all(doc, g);
	json_decref(doc);
	if (r == -MUSTER_E_FORMAT) {
		log_warning(_("%s/%s is not what muster wrote: the kernel counts as not built"),
			    KERNEL_GENERATIONS, id);
		return -ENOENT;
	}
	if (r < 0)
		return r;
	if (asprintf(&image, "%s/%s/vmlinuz", KERNEL_GENERATIONS, id) < 0) {
		image = NULL;
		return -ENOMEM;
	}
	if (strcmp(g->id, id) != 0 || !fs_exists(env->root_fd, image))
		return -ENOENT;
	*ret = TAKE_PTR(g);
	return 0;
}

int kernel_facts_read(const struct kernel_env *env, const char *id, char **ret_json)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	json_t *doc;
	int r = kernel_find(env, id, &g);

	if (r == 0)
		r = read_facts(env, id, &doc);
	if (r < 0)
		return r;
	*ret_json = json_dumps(doc, JSON_INDENT(2));
	json_decref(doc);
	return *ret_json ? 0 : -ENOMEM;
}

/* ---- all of them --------------------------------------------------------------------------------------------- */

static int newest_first(const void *a, const void *b)
{
	const struct kernel_generation *const *x = a, *const *y = b;
	int c = strcmp((*y)->built, (*x)->built);

	return c ? c : strcmp((*x)->id, (*y)->id);
}

static int read_all(const struct kernel_env *env, DIR *d, struct kernel_generation ***list, size_t *n)
{
	struct dirent *e;

	while ((e = readdir(d))) {
		struct kernel_generation *g, **more;
		int r = kernel_find(env, e->d_name, &g);

		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		more = reallocarray(*list, *n + 1, sizeof(*more));
		if (!more) {
			kernel_generation_free(g);
			return -ENOMEM;
		}
		*list = more;
		more[(*n)++] = g;
	}
	return 0;
}

static void drop(struct kernel_generation **list, size_t n)
{
	while (n > 0)
		kernel_generation_free(list[--n]);
	free(list);
}

int kernel_list(const struct kernel_env *env, struct kernel_generation ***ret, size_t *ret_n)
{
	struct kernel_generation **list = NULL;
	size_t n = 0;
	int fd = fs_open(env->root_fd, KERNEL_GENERATIONS, O_RDONLY | O_DIRECTORY, 0);
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
		drop(list, n);
		return r;
	}
	if (n > 0)
		qsort(list, n, sizeof(*list), newest_first);
	*ret = list;
	*ret_n = n;
	return 0;
}

int kernel_newest(const struct kernel_env *env, const char *recipe, struct kernel_generation **ret)
{
	struct kernel_generation **list = NULL, *found = NULL;
	size_t n = 0;
	int r = kernel_list(env, &list, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n && !found; i++)
		if (strcmp(list[i]->recipe, recipe) == 0)
			found = TAKE_PTR(list[i]);
	drop(list, n);
	if (!found)
		return -ENOENT;
	*ret = found;
	return 0;
}

unsigned int kernel_compiled_before(const struct kernel_env *env, const char *recipe)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	json_int_t n = 0;
	json_t *doc;

	if (kernel_newest(env, recipe, &g) < 0 || read_facts(env, g->id, &doc) < 0)
		return 0;
	n = json_integer_value(json_object_get(doc, "compiled"));
	json_decref(doc);
	return n > 0 && n < 1000000 ? (unsigned int)n : 0;
}

/* ---- removing ------------------------------------------------------------------------------------------------- */

/* What was fetched for it and is no other's. */
static int remove_sources(const struct kernel_env *env, const struct kernel_generation *g)
{
	struct kernel_generation **list = NULL;
	size_t n = 0;
	int r = kernel_list(env, &list, &n);

	for (size_t i = 0; r == 0 && i < g->sources.n; i++) {
		_cleanup_free_ char *path = fs_join(KERNEL_SOURCES, g->sources.v[i]);
		bool needed = false;

		for (size_t k = 0; k < n; k++)
			needed = needed || strv_has(&list[k]->sources, g->sources.v[i]);
		if (!needed)
			r = path ? fs_unlink(env->root_fd, path) : -ENOMEM;
		if (r == -ENOENT)
			r = 0;
	}
	drop(list, n);
	return r;
}

int kernel_remove(const struct kernel_env *env, const char *id)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	_cleanup_close_ int lock = -1, folder = -1;
	_cleanup_free_ char *gone = NULL;
	int r = kernel_find(env, id, &g);

	if (r < 0)
		return r;
	if (asprintf(&gone, "%s/.removing-%s", KERNEL_GENERATIONS, id) < 0) {
		gone = NULL;
		return -ENOMEM;
	}
	r = kernel_lock(env, KERNEL_GENERATIONS, &lock);
	if (r < 0)
		return r;
	folder = fs_open(env->root_fd, KERNEL_GENERATIONS, O_RDONLY | O_DIRECTORY, 0);
	if (folder < 0)
		return folder;
	/* Out of sight in one step, so that one is never seen half removed. */
	if (renameat(folder, id, folder, strrchr(gone, '/') + 1) < 0 || fsync(folder) < 0)
		return -errno;
	r = kernel_discard(env, gone);
	return r < 0 ? r : remove_sources(env, g);
}
