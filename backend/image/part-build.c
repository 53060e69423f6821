/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a part's source to what it brings into the tree. Each part has a folder below the build's:
 *   source   what apt brought, for a source package
 *   tree     the source, unpacked and built in
 *   out      what was installed
 * All of it is a user's who has no rights, and what runs there has no network.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/image/part.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define BUILD NC_("step", "build")
#define BUILD_MS (60 * 60 * 1000)
#define CONFIG_MAX (1UL << 20)
#define PATCH_MAX (64UL << 20)
#define SAID_MAX 12
#define LAST_MAX 6
/* Old trees' oldconfig asks for each new symbol, and takes the default for an empty line. */
#define ANSWERS 4096

struct making {
	const struct part_work *w;
	const struct part *part;
	struct craft_env craft;
	char *folder, *tree, *out; /* absolute */
	int folder_fd;
	unsigned int jobs;
	char *cc; /* CC=... with all that every file is compiled with */
};

static void on_progress(void *data, const char *step, const char *text, int permille, const char *line)
{
	image_progress(data, step, permille, line ? line : text);
}

struct craft_env part_craft(const struct image_env *env)
{
	return (struct craft_env){
		.root_fd = env->root_fd,
		.root_path = env->root_path,
		.sources = PART_SOURCES,
		.hashes = PART_HASHES,
		.cancel_fd = env->cancel_fd,
		.progress = on_progress,
		.data = (void *)(uintptr_t)env,
	};
}

static void making_clear(struct making *m)
{
	free(m->folder);
	free(m->tree);
	free(m->out);
	free(m->cc);
	closep(&m->folder_fd);
}

/* ---- running programs ---------------------------------------------------------------------------------- */

struct hearing {
	const struct part_work *w;
	struct strv said, last; /* lines that tell why it failed; else its last ones */
	void (*on_line)(void *data, const char *line);
	void *data;
};

static void take_line(void *data, const char *line)
{
	struct hearing *h = data;

	if (h->on_line)
		h->on_line(h->data, line);
	if (craft_tells(line) && h->said.n < SAID_MAX && strv_add(&h->said, line) < 0)
		return;
	if (h->last.n == LAST_MAX) {
		free(h->last.v[0]);
		memmove(h->last.v, h->last.v + 1, LAST_MAX * sizeof(*h->last.v));
		h->last.n--;
	}
	if (strv_add(&h->last, line) < 0)
		return;
	image_progress(h->w->env, BUILD, -1, line);
}

static int say_failure(const struct hearing *h, const struct part *p, const char *what, int status)
{
	const struct strv *lines = h->said.n ? &h->said : &h->last;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < lines->n; i++)
		strbuf_addf(&b, "\n  %s", lines->v[i]);
	log_error(_("%s cannot be built: %s ended with status %d:%s"), p->name, what, status,
		  b.data ? b.data : "");
	return -MUSTER_E_COMMAND;
}

int part_run(const struct part_work *w, const struct part *p, const char *cwd, const struct strv *argv,
	     const char *input, void (*on_line)(void *data, const char *line), void *data)
{
	/* No time of the build gets into what is built. */
	static const char *const set[] = { "SOURCE_DATE_EPOCH=315532800", "KCONFIG_NOTIMESTAMP=1", NULL };
	const struct craft_env craft = part_craft(w->env);
	struct hearing h = { w, STRV_INIT, STRV_INIT, on_line, data };
	const struct craft_run c = {
		.env = &craft,
		.argv = (const char *const *)argv->v,
		.set = set,
		.cwd = cwd,
		.input = input,
		.uid = w->uid,
		.gid = w->gid,
		.timeout_ms = BUILD_MS,
		.on_line = take_line,
		.data = &h,
	};
	int status = 0, r = craft_run(&c, &status);

	/* env(1) runs them: it is what is missing where the program is not, and 127 is its word for that (POSIX). */
	if (r == 0 && status == 127)
		log_error(_("%s cannot be built: %s is not installed"), p->name, argv->v[0]);
	else if (r == 0 && status != 0)
		r = say_failure(&h, p, argv->v[0], status);
	else if (r < 0 && r != -MUSTER_E_CANCELLED)
		log_error(_("%s cannot be built: %s: %s"), p->name, argv->v[0], muster_strerror(r));
	strv_free(&h.said);
	strv_free(&h.last);
	return r == 0 && status == 127 ? -MUSTER_E_MISSING : r;
}

static int run(struct making *m, const char *cwd, const struct strv *argv, const char *input)
{
	return part_run(m->w, m->part, cwd, argv, input, NULL, NULL);
}

/* make in a folder of the tree, with the compiler in CC: that is one of the few places which trees of every age obey. */
static int make(struct making *m, const char *folder, const char *target, const char *input)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int r = strv_add_all(&argv, "make", "-C", folder, NULL);

	if (r == 0)
		r = strv_addf(&argv, "-j%u", m->jobs);
	if (r == 0)
		r = strv_add(&argv, m->cc);
	/* configure may have put there what makes errors of warnings. */
	if (r == 0 && m->part->configure)
		r = strv_add_all(&argv, "CFLAGS=", NULL);
	if (r == 0)
		r = strv_addf(&argv, "DESTDIR=%s", m->out);
	if (r == 0)
		r = strv_add(&argv, target);
	return r < 0 ? r : run(m, m->tree, &argv, input);
}

/* ---- the source ------------------------------------------------------------------------------------------ */

/* The one .dsc that apt brought. */
static int unpack_package(struct making *m, char **ret_what, char **ret_sha256)
{
	_cleanup_free_ char *source = fs_join(m->folder, "source"), *dsc = NULL, *path = NULL;
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_(hash_freep) struct hash *h = NULL;
	_cleanup_close_ int fd = -1;
	char sha256[HASH_TEXT];
	const struct root_builder_ops *ops = root_builder_find(m->w->env->host->family);
	int r = source ? 0 : -ENOMEM;

	if (r == 0 && mkdir(source, 0755) < 0)
		r = -errno;
	if (r == 0 && m->w->uid != (uid_t)-1 && chown(source, m->w->uid, m->w->gid) < 0)
		r = -errno;
	if (r == 0)
		r = ops->source(m->w, m->part->package, source, &dsc);
	path = r == 0 ? fs_join(source, dsc) : NULL;
	if (r < 0 || !path)
		return r < 0 ? r : -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	r = fd < 0 ? -errno : hash_new(&h);
	if (r == 0)
		r = hash_add_fd(h, fd);
	if (r < 0)
		return r;
	hash_end(TAKE_PTR(h), sha256);
	r = strv_add_all(&argv, "dpkg-source", "--extract", path, m->tree, NULL);
	if (r == 0)
		r = run(m, m->folder, &argv, NULL);
	if (r < 0)
		return r;
	*ret_what = TAKE_PTR(dsc);
	*ret_sha256 = strdup(sha256);
	return *ret_sha256 ? 0 : -ENOMEM;
}

static int unpack(struct making *m, const struct craft_input *in, char **ret_what, char **ret_sha256)
{
	int64_t newest;
	int r;

	if (!in)
		return unpack_package(m, ret_what, ret_sha256);
	r = craft_input_ready(&m->craft, in);
	if (r == 0)
		r = craft_tree(&m->craft, in, m->folder_fd, m->folder, "tree", m->w->uid, m->w->gid, &newest);
	if (r < 0)
		return r;
	*ret_what = craft_public_place(in->place);
	*ret_sha256 = strdup(in->sha256);
	return *ret_what && *ret_sha256 ? 0 : -ENOMEM;
}

static int apply_patches(struct making *m)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->part->patches.n; i++) {
		_cleanup_close_ int fd = open(m->part->patches.v[i], O_RDONLY | O_CLOEXEC);
		_cleanup_strv_ struct strv argv = STRV_INIT;
		_cleanup_free_ char *text = NULL;

		r = fd < 0 ? -errno : fs_read_fd(fd, PATCH_MAX, &text, NULL);
		if (r < 0) {
			log_error(_("%s cannot be read: %s"), m->part->patches.v[i], muster_strerror(r));
			return r;
		}
		r = strv_add_all(&argv, "patch", "-p1", "--batch", "--forward", NULL);
		if (r == 0)
			r = run(m, m->tree, &argv, text);
	}
	return r;
}

/* ---- how it is configured ----------------------------------------------------------------------------------- */

static int write_config(struct making *m, const struct craft_symbols *symbols)
{
	const struct fs_attr attr = { .mode = 0644, .uid = m->w->uid, .gid = m->w->gid };
	_cleanup_free_ char *config = NULL, *wanted = NULL;
	int r = fs_read(m->folder_fd, "/tree/.config", CONFIG_MAX, &config, NULL);

	if (r == 0)
		r = craft_config_apply(config, symbols, &wanted);
	return r < 0 ? r : fs_write(m->folder_fd, "/tree/.config", wanted, strlen(wanted), &attr);
}

static int check_config(struct making *m, const struct craft_symbols *symbols)
{
	_cleanup_free_ char *config = NULL;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct craft_miss *v = NULL;
	size_t n = 0;
	int r = fs_read(m->folder_fd, "/tree/.config", CONFIG_MAX, &config, NULL);

	if (r == 0)
		r = craft_config_check(config, symbols, &v, &n);
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&b, "%s%s", i ? ", " : "", v[i].symbol);
	craft_misses_free(v, n);
	if (r < 0 || n == 0)
		return r;
	log_error(_("this source of %s does not take the recipe's %s: it has no such choice, or what that "
		    "depends on is not set"),
		  m->part->name, b.data ? b.data : "");
	return -MUSTER_E_REFUSED;
}

static int configure_by_symbols(struct making *m)
{
	static const struct strv none = STRV_INIT;
	const struct craft_symbols symbols = { &m->part->set, &none, &m->part->unset, &m->part->value };
	char answers[ANSWERS + 1];
	int r = make(m, ".", m->part->base, NULL);

	memset(answers, '\n', ANSWERS);
	answers[ANSWERS] = '\0';
	if (r == 0)
		r = write_config(m, &symbols);
	if (r == 0)
		r = make(m, ".", "oldconfig", answers);
	return r < 0 ? r : check_config(m, &symbols);
}

/* As autoconf's scripts take it; those of any age know these. */
static int configure_by_script(struct making *m)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int r = strv_add_all(&argv, "./configure", "--build=x86_64-linux-gnu", "--host=x86_64-linux-musl",
			     "--prefix=/usr", "--sysconfdir=/etc", "--localstatedir=/var", NULL);

	for (size_t i = 0; r == 0 && i < m->part->arguments.n; i++)
		r = strv_add(&argv, m->part->arguments.v[i]);
	if (r == 0)
		r = strv_addf(&argv, "%s", m->cc);
	if (r == 0)
		r = strv_add(&argv, "CFLAGS=");
	if (r == 0 && !fs_exists(m->folder_fd, "/tree/configure")) {
		log_error(_("the source of %s has no configure at its top: give a release's archive, or make "
			    "it with autoreconf before you pack the tree"),
			  m->part->name);
		return -MUSTER_E_FORMAT;
	}
	return r < 0 ? r : run(m, m->tree, &argv, NULL);
}

static int compile(struct making *m)
{
	const struct part *p = m->part;
	int r = 0;

	if (*p->base)
		r = configure_by_symbols(m);
	else if (p->configure)
		r = configure_by_script(m);
	for (size_t i = 0; r == 0 && i < p->folders.n; i++) {
		_cleanup_free_ char *folder = fs_join("/tree", p->folders.v[i]);

		/* What must come out of it is checked in the end. */
		if (!folder || !fs_exists(m->folder_fd, folder)) {
			r = folder ? 0 : -ENOMEM;
			continue;
		}
		for (size_t k = 0; r == 0 && k < p->targets.n; k++)
			r = make(m, p->folders.v[i], p->targets.v[k], NULL);
		if (r == 0 && *p->install)
			r = make(m, p->folders.v[i], p->install, NULL);
	}
	return r;
}

int part_build(const struct part_work *w, const struct part *p, const struct craft_input *in, char **ret_what,
	       char **ret_sha256)
{
	_cleanup_(making_clear) struct making m = {
		.w = w, .part = p, .craft = part_craft(w->env), .folder_fd = -1
	};
	_cleanup_strbuf_ struct strbuf cc = STRBUF_INIT;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int r = 0;

	m.jobs = processors > 0 ? (unsigned int)processors : 1;
	m.folder = fs_join(w->folder, p->name);
	m.tree = m.folder ? fs_join(m.folder, "tree") : NULL;
	m.out = m.folder ? fs_join(m.folder, "out") : NULL;
	if (!m.tree || !m.out)
		return -ENOMEM;
	/* --static, because libtool(1) keeps -static to itself. */
	strbuf_addf(&cc, "CC=%s --static -idirafter %s/headers -ffile-prefix-map=%s=.", w->cc->path,
		    w->folder, m.tree);
	for (size_t i = 0; i < p->flags.n; i++)
		strbuf_addf(&cc, " %s", p->flags.v[i]);
	r = strbuf_take(&cc, &m.cc, NULL);
	if (r < 0)
		return r;
	if (mkdir(m.folder, 0755) < 0 || (w->uid != (uid_t)-1 && chown(m.folder, w->uid, w->gid) < 0))
		return -errno;
	m.folder_fd = open(m.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (m.folder_fd < 0)
		return -errno;
	r = unpack(&m, in, ret_what, ret_sha256);
	image_progress(w->env, BUILD, -1, p->description);
	if (r == 0)
		r = apply_patches(&m);
	if (r == 0)
		r = compile(&m);
	return r < 0 ? r : part_collect(w, p, m.folder, m.folder_fd);
}
