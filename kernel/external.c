/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Modules that lie outside of the kernel's tree: built against it once it is built, and installed beside its own. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fts.h>
#include <string.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

#define MODULE_MS (4 * 60 * 60 * 1000)
#define STRIP_MS 60000

struct external {
	struct kernel_work *w;
	const struct kernel_external *e;
	char *source, *folder; /* absolute */
	char *to;	       /* below the folder of the build */
};

static int find_places(struct external *x, const char *release)
{
	const struct kernel_recipe *r = x->w->recipe;
	bool tree = strcmp(r->sources[0].name, x->e->source) == 0;

	x->source = fs_join(x->w->host_folder, tree ? "tree" : x->e->source);
	x->folder = !x->source ? NULL : *x->e->folder ? fs_join(x->source, x->e->folder) : strdup(x->source);
	if (asprintf(&x->to, "/install/lib/modules/%s/extra", release) < 0)
		x->to = NULL;
	return x->folder && x->to ? 0 : -ENOMEM;
}

/* The word with the places in it. */
static int add_word(const struct external *x, const char *word, struct strv *ret)
{
	const struct {
		const char *name, *place;
	} places[] = { { "@KERNEL@", x->w->host_tree },
		       { "@SOURCE@", x->source },
		       { "@FOLDER@", x->folder } };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char *text;
	int r;

	while (*word) {
		bool found = false;

		for (size_t i = 0; i < ARRAY_SIZE(places) && !found; i++)
			if (strncmp(word, places[i].name, strlen(places[i].name)) == 0) {
				strbuf_adds(&b, places[i].place);
				word += strlen(places[i].name);
				found = true;
			}
		if (!found)
			strbuf_addc(&b, *word++);
	}
	r = strbuf_take(&b, &text, NULL);
	return r < 0 ? r : strv_adopt(ret, text);
}

static int configure(struct external *x)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	int r = strv_add_all(&words, "sh", "./configure", NULL);

	if (x->e->configure.n == 0)
		return 0;
	for (size_t i = 0; r == 0 && i < x->e->configure.n; i++)
		r = add_word(x, x->e->configure.v[i], &words);
	if (r == 0)
		r = strv_addf(&words, "CC=%s", x->w->cc->path);
	return r < 0 ? r
		     : kernel_work_inside(x->w, x->source, "configure", (const char *const *)words.v, NULL,
					  MODULE_MS);
}

/* Without words of the recipe's own, as Documentation/kbuild/modules.rst has it. */
static int compile(struct external *x)
{
	static const char *const usual[] = { "-C", "@KERNEL@", "M=@FOLDER@", "modules" };
	_cleanup_strv_ struct strv words = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && x->e->make.n == 0 && i < ARRAY_SIZE(usual); i++)
		r = add_word(x, usual[i], &words);
	for (size_t i = 0; r == 0 && i < x->e->make.n; i++)
		r = add_word(x, x->e->make.v[i], &words);
	return r < 0 ? r : kernel_work_make_in(x->w, x->folder, NULL, MODULE_MS, &words);
}

/* As the kernel's own are installed, without what only a debugger reads. */
static int strip(struct external *x, const char *path)
{
	const char *const words[] = { "strip", "--strip-debug", path, NULL };
	int status, r = kernel_work_run(x->w, words, NULL, STRIP_MS, &status);

	if (r == 0 && status != 0) {
		log_error(_("%s is no module: strip ended with status %d"), path, status);
		r = -MUSTER_E_FORMAT;
	}
	return r;
}

static int take_file(struct external *x, const char *path, const char *name)
{
	const struct fs_attr attr = { .mode = 0644, .uid = x->w->uid, .gid = x->w->gid };
	_cleanup_free_ char *to = fs_join(x->to, name);
	_cleanup_close_ int fd = -1;
	size_t n = strlen(name);
	int r = to ? 0 : -ENOMEM;

	if (r == 0 && n > 3 && strcmp(name + n - 3, ".ko") == 0)
		r = strip(x, path);
	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fs_copy(fd, x->w->folder_fd, to, &attr);
}

static int take_products(struct external *x, const char *pattern)
{
	FTS *fts = fts_open((char *const[]){ x->folder, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	size_t n = 0;
	int r = 0;

	if (!fts)
		return -errno;
	while (r == 0 && (e = fts_read(fts)))
		if (e->fts_info == FTS_F && fnmatch(pattern, e->fts_name, 0) == 0) {
			r = take_file(x, e->fts_path, e->fts_name);
			n++;
		}
	fts_close(fts);
	if (r == 0 && n == 0) {
		log_error(_("the module %s ended well, and made no %s"), x->e->name, pattern);
		return -ENOENT;
	}
	return r;
}

static int build(struct external *x, const char *release)
{
	int r = find_places(x, release);

	if (r == 0 && access(x->folder, F_OK) < 0) {
		log_error(_("the source %s has no folder %s, in which the module %s is to be built"),
			  x->e->source, x->e->folder, x->e->name);
		r = -MUSTER_E_FORMAT;
	}
	if (r == 0)
		r = fs_mkdir_all(x->w->folder_fd, x->to, 0755);
	if (r == 0)
		r = configure(x);
	if (r == 0)
		r = compile(x);
	for (size_t i = 0; r == 0 && i < x->e->products.n; i++)
		r = take_products(x, x->e->products.v[i]);
	return r;
}

int kernel_step_external(struct kernel_work *w, const char *release)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->recipe->n_externals; i++) {
		struct external x = { .w = w, .e = &w->recipe->externals[i] };

		kernel_work_step(w, NC_("step", "module"), x.e->name);
		r = build(&x, release);
		free(x.source);
		free(x.folder);
		free(x.to);
	}
	if (w->recipe->n_externals > 0 && r == 0)
		kernel_work_step(w, NC_("step", "package"), w->id);
	return r;
}
