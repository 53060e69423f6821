/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A build from its begin to its end: what goes in, the id made of it, and the steps, each of which is done once. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

/* Raised when the builder makes other kernels of the same ingredients than before. */
#define BUILDER "1"
#define BUILD_MS (24 * 60 * 60 * 1000)
#define CONFIG_MAX (4UL << 20)
#define ABANDONED_S (30L * 24 * 60 * 60)

struct ingredients {
	struct craft_input *inputs;
	size_t n;
	struct kernel_compiler cc;
	char *base; /* the bytes of the configuration to begin with; NULL: a target makes it */
	size_t base_len;
	char *id;
};

static void ingredients_clear(struct ingredients *g)
{
	craft_inputs_free(g->inputs, g->n);
	kernel_compiler_clear(&g->cc);
	free(g->base);
	free(g->id);
}

/* ---- the id ----------------------------------------------------------------------------------------------- */

static void add_list(struct hash *h, const char *title, const struct strv *v)
{
	hash_add_string(h, title);
	for (size_t i = 0; i < v->n; i++)
		hash_add_string(h, v->v[i]);
}

/* Read once: what the id is made of is what the tree begins with. */
static int read_base(const char *base, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (!strchr(base, '/'))
		return 0;
	fd = open(base, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	r = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0 && !S_ISREG(st.st_mode)) {
		log_error(_("the configuration %s is not a plain file"), base);
		return -MUSTER_E_REFUSED;
	}
	if (r == 0)
		r = fs_read_fd(fd, CONFIG_MAX, ret, ret_len);
	if (r < 0)
		log_error(_("the configuration %s cannot be read: %s"), base, muster_strerror(r));
	if (r == 0 && strlen(*ret) != *ret_len) {
		log_error(_("the configuration %s is not a text"), base);
		return -MUSTER_E_REFUSED;
	}
	return r;
}

static int make_id(const struct kernel_recipe *r, struct ingredients *g)
{
	char text[HASH_TEXT];
	struct hash *h;
	int e = hash_new(&h);

	if (e < 0)
		return e;
	hash_add_string(h, BUILDER);
	hash_add_string(h, r->architecture);
	hash_add_string(h, "sources");
	for (size_t i = 0; i < g->n; i++) {
		hash_add_string(h, i < r->n_sources ? g->inputs[i].name : "patch");
		hash_add_string(h, g->inputs[i].sha256);
	}
	hash_add_string(h, "patches");
	for (size_t i = 0; i < r->n_patches; i++) {
		hash_add(h, &r->patches[i].strip, sizeof(r->patches[i].strip));
		hash_add_string(h, r->patches[i].source);
		hash_add_string(h, *r->patches[i].source ? r->patches[i].match : "");
	}
	hash_add_string(h, g->cc.identity);
	add_list(h, "flags", &r->flags);
	add_list(h, "hostflags", &r->hostflags);
	add_list(h, "set", &r->set);
	add_list(h, "module", &r->module);
	add_list(h, "unset", &r->unset);
	add_list(h, "value", &r->value);
	add_list(h, "targets", &r->targets);
	add_list(h, "images", &r->images);
	for (size_t i = 0; i < r->n_externals; i++) {
		hash_add_string(h, "external");
		hash_add_string(h, r->externals[i].source);
		hash_add_string(h, r->externals[i].folder);
		add_list(h, "configure", &r->externals[i].configure);
		add_list(h, "make", &r->externals[i].make);
		add_list(h, "products", &r->externals[i].products);
	}
	hash_add_string(h, "base");
	if (g->base)
		hash_add(h, g->base, g->base_len);
	else
		hash_add_string(h, r->base);
	hash_end(h, text);
	if (asprintf(&g->id, "%s-%.*s", r->name, KERNEL_ID_DIGITS, text) < 0) {
		g->id = NULL;
		e = -ENOMEM;
	}
	return e;
}

static int gather(const struct kernel_env *env, const struct kernel_recipe *r, const struct kernel_wish *wish,
		  struct ingredients *g)
{
	int e;

	if (r->n_sources == 0) {
		log_error(_("%s has nothing to build: %s"), r->name, r->description);
		return -MUSTER_E_REFUSED;
	}
	e = kernel_compiler_choose(env, r, wish->cc, &g->cc);
	if (e == 0)
		e = kernel_inputs(env, r, wish, &g->inputs, &g->n);
	if (e == 0)
		e = read_base(r->base, &g->base, &g->base_len);
	return e < 0 ? e : make_id(r, g);
}

/* ---- the steps ---------------------------------------------------------------------------------------------- */

static int make_tree(struct kernel_work *w, const struct ingredients *g)
{
	int r;

	if (kernel_work_did(w, "tree", &w->epoch))
		return kernel_work_open_tree(w);
	r = kernel_step_unpack(w, g->inputs, g->n);
	if (r == 0)
		r = kernel_step_patch(w, g->inputs, g->n);
	if (r == 0)
		r = kernel_work_mark(w, "tree", w->epoch);
	/* Half a tree is of no use to the next attempt. */
	if (r < 0 && kernel_discard(w->env, w->folder) < 0)
		log_warning(_("the unfinished tree stays in %s"), w->host_folder);
	return r;
}

static int configure(struct kernel_work *w)
{
	int r;

	if (kernel_work_did(w, "configure", NULL))
		return 0;
	r = kernel_step_configure(w);
	/* Another recipe is another build, and this one will not be asked for again. */
	if (r == -MUSTER_E_REFUSED && kernel_discard(w->env, w->folder) < 0)
		log_warning(_("the tree stays in %s"), w->host_folder);
	return r < 0 ? r : kernel_work_mark(w, "configure", 0);
}

/* How long the bar is: what the last build by this recipe compiled, else what the makefiles say. */
static void expect(struct kernel_work *w)
{
	_cleanup_free_ char *config = NULL;
	size_t len;

	w->expected = kernel_compiled_before(w->env, w->recipe->name);
	if (w->expected == 0 && fs_read(w->tree_fd, "/.config", CONFIG_MAX, &config, &len) == 0)
		w->expected = kernel_count_objects(w->tree_fd, config, w->recipe->architecture);
}

static int compile(struct kernel_work *w)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	const struct strv *targets = &w->recipe->targets;
	int r = 0;

	strbuf_addf(&text, _("%s, %u at a time"), w->id, w->jobs);
	if (!text.data)
		return -ENOMEM;
	kernel_work_step(w, NC_("step", "build"), text.data);
	expect(w);
	/* One that was cut off goes on where its bar was. */
	w->compiled = kernel_work_compiled(w);
	for (size_t i = 0; r == 0 && i < targets->n; i++)
		r = kernel_work_make(w, NULL, BUILD_MS, targets->v[i], NULL);
	w->all_compiled = w->compiled;
	return r;
}

/* Since when nobody has worked there. */
static bool is_abandoned(const struct kernel_env *env, const char *path)
{
	struct stat st;

	return fs_stat(env->root_fd, path, &st) == 0 && time(NULL) - st.st_mtime > ABANDONED_S;
}

/* Builds that were cut off, and that nobody will go on with: by this recipe, their ingredients are others; by another one, they have
 * lain there for a month. */
static int sweep(const struct kernel_env *env, const char *recipe, const char *id)
{
	int fd = fs_open(env->root_fd, KERNEL_GENERATIONS, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	_cleanup_free_ char *prefix = NULL, *ours = NULL;
	struct dirent *e;
	int r = 0;

	if (!d) {
		closep(&fd);
		return fd < 0 ? fd : -ENOMEM;
	}
	if (asprintf(&prefix, ".building-%s-", recipe) < 0)
		prefix = NULL;
	if (asprintf(&ours, ".building-%s", id) < 0)
		ours = NULL;
	while (prefix && ours && r == 0 && (e = readdir(d))) {
		_cleanup_free_ char *path = NULL;
		bool building = strncmp(e->d_name, ".building-", 10) == 0 && strcmp(e->d_name, ours) != 0;
		bool same = building && strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
			    strlen(e->d_name) == strlen(ours);

		if (!building && strncmp(e->d_name, ".removing-", 10) != 0)
			continue;
		path = fs_join(KERNEL_GENERATIONS, e->d_name);
		if (!path)
			r = -ENOMEM;
		else if (!building || same || is_abandoned(env, path))
			r = kernel_discard(env, path);
	}
	closedir(d);
	return prefix && ours ? r : -ENOMEM;
}

/* A tree that was not whole when it was cut off is made anew. */
static int clear_half(const struct kernel_env *env, const char *id)
{
	_cleanup_free_ char *folder = NULL, *mark = NULL, *host = NULL;
	int r;

	if (asprintf(&folder, "%s/.building-%s", KERNEL_GENERATIONS, id) < 0)
		folder = NULL;
	mark = folder ? fs_join(folder, "done-tree") : NULL;
	host = folder ? kernel_host_path(env, folder) : NULL;
	if (!mark || !host)
		return -ENOMEM;
	r = fs_exists(env->root_fd, folder) ? kernel_wait_for_leftovers(env, host) : 0;
	if (r == -EBUSY)
		log_error(_("processes work in %s that cannot be ended"), host);
	if (r < 0 || fs_exists(env->root_fd, mark))
		return r;
	return kernel_discard(env, folder);
}

static int build(const struct kernel_env *env, const struct kernel_recipe *recipe,
		 const struct kernel_wish *wish, const struct ingredients *g)
{
	_cleanup_(kernel_work_freep) struct kernel_work *w = NULL;
	int r = sweep(env, recipe->name, g->id);

	if (r == 0)
		r = clear_half(env, g->id);
	if (r == 0)
		r = kernel_work_new(env, recipe, &g->cc, g->id, wish->jobs, &w);
	if (r == 0) {
		w->base = g->base;
		r = make_tree(w, g);
	}
	if (r == 0)
		r = configure(w);
	if (r == 0)
		r = compile(w);
	if (r == 0)
		r = kernel_step_package(w, g->inputs, g->n);
	return r < 0 ? r : kernel_discard(env, w->folder);
}

int kernel_build(const struct kernel_env *env, const struct kernel_recipe *recipe,
		 const struct kernel_wish *wish, struct kernel_generation **ret)
{
	_cleanup_(ingredients_clear) struct ingredients g = { 0 };
	_cleanup_close_ int lock = -1;
	int r = gather(env, recipe, wish, &g);

	if (r == 0)
		r = kernel_find(env, g.id, ret);
	if (r != -ENOENT || !g.id)
		return r;
	r = kernel_lock(env, KERNEL_GENERATIONS, &lock);
	if (r < 0)
		return r;
	/* The one that held the lock may have built this very kernel. */
	r = kernel_find(env, g.id, ret);
	if (r != -ENOENT)
		return r;
	r = build(env, recipe, wish, &g);
	return r < 0 ? r : kernel_find(env, g.id, ret);
}
