/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The facade's part for kernels: recipes, generations, and the plan's word for one. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "backend/context.h"
#include "kernel/kernel.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/strbuf.h"

static void on_progress(void *data, const char *step, const char *text, int permille, const char *line)
{
	struct muster *m = data;

	if (text && (!m->step || strcmp(m->step, step) != 0))
		context_step(m, step, "%s", text);
	if (permille >= 0)
		context_progress(m, permille);
	if (line)
		context_line(m, line);
}

void context_kernel_env(struct muster *m, struct kernel_env *ret)
{
	*ret = (struct kernel_env){
		.root_fd = m->root_fd,
		.root_path = m->root_path,
		.recipes = m->recipes_dir,
		.cancel_fd = m->config.cancel_fd > 0 ? m->config.cancel_fd : -1,
		.progress = on_progress,
		.data = m,
	};
}

static struct kernel_env kernel_env(struct muster *m)
{
	struct kernel_env env;

	context_kernel_env(m, &env);
	return env;
}

/* ---- recipes ----------------------------------------------------------------------------------------------- */

int muster_recipe_list(struct muster *m, struct kernel_recipe ***ret, size_t *ret_n)
{
	struct kernel_env env = kernel_env(m);

	return kernel_recipe_list(&env, ret, ret_n);
}

int muster_recipe(struct muster *m, const char *name, struct kernel_recipe **ret)
{
	struct kernel_env env = kernel_env(m);

	return kernel_recipe_read(&env, name, ret);
}

void muster_recipe_free(struct kernel_recipe *r)
{
	kernel_recipe_free(r);
}

void muster_recipes_free(struct kernel_recipe **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		kernel_recipe_free(v[i]);
	free(v);
}

int muster_recipe_compilers(struct muster *m, const struct kernel_recipe *recipe, char **ret_wanted,
			    struct kernel_compiler **ret, bool **ret_fits, size_t *ret_n)
{
	struct kernel_env env = kernel_env(m);
	struct kernel_compiler *v;
	char *wanted;
	bool *fits;
	size_t n;
	int r = kernel_compilers(&env, &v, &n);

	if (r < 0)
		return r;
	wanted = kernel_compiler_wanted(recipe);
	fits = calloc(n + 1, sizeof(*fits));
	if (!wanted || !fits) {
		free(wanted);
		free(fits);
		kernel_compilers_free(v, n);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		fits[i] = kernel_compiler_fits(recipe, &v[i]);
	*ret_wanted = wanted;
	*ret = v;
	*ret_fits = fits;
	*ret_n = n;
	return 0;
}

void muster_compilers_free(struct kernel_compiler *v, size_t n)
{
	kernel_compilers_free(v, n);
}

bool muster_compiler_fits(const struct kernel_recipe *r, const struct kernel_compiler *c)
{
	return kernel_compiler_fits(r, c);
}

char *muster_compiler_wanted(const struct kernel_recipe *r)
{
	return kernel_compiler_wanted(r);
}

char *muster_toolchain_advice(const struct kernel_recipe *r)
{
	return kernel_toolchain_advice(r);
}

int muster_kernel_compiler(struct muster *m, const struct kernel_recipe *r, const char *cc)
{
	struct kernel_env env = kernel_env(m);

	return kernel_compiler_check(&env, r, cc);
}

int muster_kernel_source(struct muster *m, const struct kernel_recipe *r, size_t index, const char *place,
			 const char *sha256, bool *ret_digest)
{
	struct kernel_env env = kernel_env(m);

	/* A step that nobody began must not be told of. */
	env.progress = NULL;
	return kernel_source_check(&env, r, index, place, sha256, ret_digest);
}

/* ---- generations ------------------------------------------------------------------------------------------- */

int muster_kernel_build(struct muster *m, const char *recipe, const struct muster_kernel_wish *wish,
			struct kernel_generation **ret, bool *ret_built)
{
	const struct kernel_wish w = { wish->sources, wish->cc, wish->jobs };
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *read = NULL;
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	struct kernel_env env = kernel_env(m);
	int r = kernel_recipe_read(&env, recipe, &read);

	if (r == 0)
		r = kernel_build(&env, read, &w, &g);
	if (r < 0)
		return r;
	*ret_built = m->step && strcmp(m->step, "package") == 0;
	context_done(m);
	*ret = TAKE_PTR(g);
	return 0;
}

/* The kernel that the applied cluster boots, as the plan has it; "" for none. */
static int applied_kernel(struct muster *m, char **ret)
{
	_cleanup_free_ char *text = NULL;
	const char *kernel = "";
	json_t *doc = NULL;
	size_t len;

	if (fs_read(m->root_fd, CONTEXT_CLUSTER, 64 * 1024 * 1024, &text, &len) == 0) {
		doc = json_loadb(text, len, 0, NULL);
		json_unpack(doc, "{s:{s:s}}", "plan", "kernel", &kernel);
	}
	*ret = strdup(kernel);
	json_decref(doc);
	return *ret ? 0 : -ENOMEM;
}

static int generation_path(const char *root, const char *id, char **ret)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s/vmlinuz", KERNEL_GENERATIONS, id) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	*ret = fs_join(root, path);
	return *ret ? 0 : -ENOMEM;
}

int muster_kernel_facts(struct muster *m, const char *id, char **ret_folder, char **ret_json)
{
	struct kernel_env env = kernel_env(m);
	_cleanup_free_ char *folder = fs_join(m->root_path, KERNEL_GENERATIONS), *json = NULL;
	int r = folder ? kernel_facts_read(&env, id, &json) : -ENOMEM;

	if (r == 0)
		*ret_folder = fs_join(folder, id);
	if (r < 0 || !*ret_folder)
		return r < 0 ? r : -ENOMEM;
	*ret_json = TAKE_PTR(json);
	return 0;
}

static int is_used(struct muster *m, const char *id, bool *ret)
{
	_cleanup_free_ char *applied = NULL, *path = NULL;
	int r = applied_kernel(m, &applied);

	if (r == 0)
		r = generation_path(m->root_path, id, &path);
	if (r == 0)
		*ret = strcmp(applied, path) == 0;
	return r;
}

int muster_kernel_list(struct muster *m, struct kernel_generation ***ret, size_t *ret_n)
{
	struct kernel_env env = kernel_env(m);
	struct kernel_generation **v;
	size_t n;
	int r = kernel_list(&env, &v, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = is_used(m, v[i]->id, &v[i]->used);
	if (r < 0)
		return r;
	*ret = v;
	*ret_n = n;
	return 0;
}

void muster_kernel_free(struct kernel_generation *g)
{
	kernel_generation_free(g);
}

void muster_kernels_free(struct kernel_generation **v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		kernel_generation_free(v[i]);
	free(v);
}

int muster_kernel_remove(struct muster *m, const char *id)
{
	struct kernel_env env = kernel_env(m);
	_cleanup_free_ char *text = NULL;
	bool used = false;
	int r = is_used(m, id, &used);

	if (r < 0)
		return r;
	if (used) {
		context_error(m, _("The nodes boot %s; apply answers with another kernel first."), id);
		return -MUSTER_E_REFUSED;
	}
	if (asprintf(&text, _("Remove the kernel %s?"), id) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (!context_ask(m, MUSTER_QUESTION_REMOVE_KERNEL, true, text))
		return -MUSTER_E_CANCELLED;
	r = kernel_remove(&env, id);
	if (r == -ENOENT)
		context_error(m, _("There is no kernel %s; `muster kernel list` names those that there are."),
			      id);
	return r;
}

/* ---- the plan's word ----------------------------------------------------------------------------------------- */

int context_kernel_find(const struct kernel_env *env, const char *word, struct kernel_generation **ret)
{
	int r = kernel_find(env, word, ret);

	return r == -ENOENT ? kernel_newest(env, word, ret) : r;
}

int context_kernel_seek(struct muster *m, const char *word, struct kernel_env *env, int *real_fd,
			struct kernel_generation **ret)
{
	int r;

	context_kernel_env(m, env);
	r = context_kernel_find(env, word, ret);
	/* A scratch root, such as a lab's, boots what the running system has built. */
	if (r == -ENOENT && m->scratch) {
		*real_fd = fs_root_open("/");
		env->root_fd = *real_fd;
		env->root_path = "/";
		r = *real_fd < 0 ? *real_fd : context_kernel_find(env, word, ret);
	}
	return r;
}

int context_kernel_path(struct muster *m, const char *word, char **ret)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	_cleanup_close_ int real = -1;
	struct kernel_env env;
	int r = context_kernel_seek(m, word, &env, &real, &g);

	return r < 0 ? r : generation_path(env.root_path, g->id, ret);
}

/* The recipe that the word names, or that the kernel of this id came from. */
static int recipe_of(const struct kernel_env *env, const char *word, struct kernel_recipe **ret)
{
	const char *dash = strrchr(word, '-');
	_cleanup_free_ char *name = strdup(word);
	int r = -ENOENT;

	if (!name)
		return -ENOMEM;
	for (int i = 0; r == -ENOENT && i < 2; i++) {
		struct kernel_recipe **v;
		size_t n;

		if (i == 1 && dash)
			name[dash - word] = '\0';
		r = kernel_recipe_list(env, &v, &n);
		if (r < 0)
			return r;
		r = -ENOENT;
		for (size_t k = 0; k < n; k++)
			if (strcmp(v[k]->name, name) == 0) {
				*ret = TAKE_PTR(v[k]);
				r = 0;
			}
		muster_recipes_free(v, n);
	}
	return r;
}

/* "muster kernel build RECIPE --source NAME=PLACE" */
static int command_for(struct muster *m, const char *word, char **ret)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *recipe = NULL;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct kernel_env env = kernel_env(m);
	int r = recipe_of(&env, word, &recipe);

	if (r < 0 && r != -ENOENT)
		return r;
	strbuf_addf(&b, "muster kernel build %s", recipe ? recipe->name : "RECIPE");
	for (size_t i = 0; recipe && i < recipe->n_sources; i++)
		if (!*recipe->sources[i].place)
			strbuf_addf(&b, " --source %s=PLACE", recipe->sources[i].name);
	return strbuf_take(&b, ret, NULL);
}

bool context_kernel_recipe(struct muster *m, const char *word)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *recipe = NULL;
	struct kernel_env env = kernel_env(m);

	return recipe_of(&env, word, &recipe) == 0;
}

int context_kernel_missing(struct muster *m, const char *word, char **ret)
{
	_cleanup_free_ char *command = NULL;
	char *text;
	int r = command_for(m, word, &command);

	if (r < 0)
		return r;
	if (asprintf(&text,
		     _("The kernel %s is not built on this server yet. The wizard builds it at its step "
		       "\"Kernel, root\", and so does `%s`."),
		     word, command) < 0)
		return -ENOMEM;
	*ret = text;
	return 0;
}

bool context_kernel_is_built(struct muster *m, const char *word)
{
	return *word != '/' && !(m->distro && profile_kernel_find(m->distro, word));
}

int context_kernel(struct muster *m)
{
	_cleanup_free_ char *missing = NULL;
	char *path;
	int r;

	if (!context_kernel_is_built(m, m->plan->kernel))
		return 0;
	r = context_kernel_path(m, m->plan->kernel, &path);
	if (r == -ENOENT) {
		r = context_kernel_missing(m, m->plan->kernel, &missing);
		if (r == 0)
			context_error(m, "%s", missing);
		return r < 0 ? r : -MUSTER_E_MISSING;
	}
	if (r < 0)
		return r;
	free(m->plan->kernel);
	m->plan->kernel = path;
	return 0;
}
