/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Makes a toolchain: the programs of an older release, from a mirror that the operator names. Its packages are unpacked and not
 * installed: nothing of that release runs with root's rights, and no script of its packages has to work under this kernel. What
 * such a script would have made and a build needs, a few links, is made here.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/plan/text.h"
#include "kernel/private.h"
#include "util/debstrap.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/jail.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define STEP NC_("step", "toolchain")
#define BUILD_MS (4 * 60 * 60 * 1000)
/* A compiler with all that it needs is half of it. */
#define ROOM (1ULL << 30)

/* What each kernel's makefiles and scripts run ... */
static const char *const always[] = { "base-files", "bash", "bzip2", "coreutils", "cpio", "dash", "diffutils",
				      "findutils",  "gawk", "grep",  "gzip",	  "sed",  "tar" };
/* ... and where the operator names nothing else. */
static const char *const usual[] = { "gcc", "make", "libc6-dev", "bc", "bison", "flex", "perl" };
/* Of no use to a build. */
static const char *const left_out[] = { "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*",
					"/usr/share/man/*" };
/* What packages make when they are installed: these names, and what is there under one of the others. */
static const struct {
	const char *path;
	const char *to[3];
} links[] = {
	{ "/bin/sh", { "dash", "bash" } },
	{ "/usr/bin/awk", { "gawk", "mawk" } },
	{ "/usr/bin/cc", { "gcc" } },
};
/* All that a build sees of the tree. */
static const char *const seen[] = { JAIL_SHOWN };

struct making {
	const struct kernel_env *env;
	const char *name;
	const struct kernel_toolchain_wish *wish;
	struct kernel_toolchain *t;
	char *work;	 /* .building-NAME, below the root */
	char *host_work; /* the same for programs */
	char *tree;	 /* in it, for programs */
	struct debstrap_progress progress;
};

/* ---- what was asked for --------------------------------------------------------------------------------- */

static bool is_word(const char *s, const char *more)
{
	return *s && *s != '-' && *s != '.' && text_is_of(s, more);
}

/* A mirror in a folder is copied from: nothing of it has to be mounted. */
static int take_mirror(struct making *k)
{
	const char *said = k->wish->mirror, *path = strchr(said, ':') ? strchr(said, ':') + 1 : said;
	bool copy = strncmp(said, "copy:", 5) == 0, file = strncmp(said, "file:", 5) == 0;
	bool url = strncmp(said, "http://", 7) == 0 || strncmp(said, "https://", 8) == 0;
	_cleanup_free_ char *real = NULL, *release = NULL;

	if (strpbrk(said, " \t\n\r") || (!url && !copy && !file && strstr(said, "://"))) {
		log_error(_("\"%s\" is no mirror: name the URL (http or https) or the folder that has dists/ "
			    "in it"),
			  said);
		return -MUSTER_E_REFUSED;
	}
	if (url && craft_has_password(said)) {
		log_error(_("--mirror is to be a URL without a user and a password: it is kept, and shown"));
		return -MUSTER_E_REFUSED;
	}
	if (url) {
		k->t->mirror = strdup(said);
		return k->t->mirror ? 0 : -ENOMEM;
	}
	real = realpath(path, NULL);
	if (asprintf(&release, "%s/dists/%s", real ? real : path, k->wish->release) < 0)
		release = NULL;
	if (!release)
		return -ENOMEM;
	if (!real || access(release, R_OK) < 0) {
		log_error(_("%s is no mirror of %s: there is no %s"), path, k->wish->release, release);
		return -MUSTER_E_REFUSED;
	}
	return asprintf(&k->t->mirror, "%s:%s", file ? "file" : "copy", real) < 0 ? -ENOMEM : 0;
}

static int take_packages(struct making *k)
{
	const char *const *said = k->wish->packages;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(always); i++)
		r = strv_add(&k->t->packages, always[i]);
	for (size_t i = 0; r == 0 && !(said && said[0]) && i < ARRAY_SIZE(usual); i++)
		r = strv_add(&k->t->packages, usual[i]);
	for (size_t i = 0; r == 0 && said && said[i]; i++) {
		if (!is_word(said[i], "+-.")) {
			log_error(_("\"%s\" is no name of a package"), said[i]);
			return -MUSTER_E_REFUSED;
		}
		if (!strv_has(&k->t->packages, said[i]))
			r = strv_add(&k->t->packages, said[i]);
	}
	return r;
}

static int take_wish(struct making *k)
{
	_cleanup_free_ char *keyring = k->wish->keyring ? realpath(k->wish->keyring, NULL) : strdup("");
	int r;

	if (!kernel_is_name(k->name)) {
		log_error(
			_("\"%s\" is no name for a toolchain; take lower-case letters, digits, '-' and '.'"),
			k->name);
		return -MUSTER_E_REFUSED;
	}
	if (!is_word(k->wish->release, "-./") || strstr(k->wish->release, "..")) {
		log_error(_("\"%s\" is no release of a distribution, such as \"squeeze\""), k->wish->release);
		return -MUSTER_E_REFUSED;
	}
	if (!keyring) {
		log_error(_("the keyring %s cannot be read: %s"), k->wish->keyring, muster_strerror(-errno));
		return -MUSTER_E_REFUSED;
	}
	k->t->name = strdup(k->name);
	k->t->release = strdup(k->wish->release);
	k->t->keyring = TAKE_PTR(keyring);
	k->t->trusted = k->wish->trust_unsigned;
	if (!k->t->name || !k->t->release)
		return -ENOMEM;
	r = take_mirror(k);
	return r < 0 ? r : take_packages(k);
}

/* ---- what must be there ----------------------------------------------------------------------------------- */

static int check_server(void)
{
	static const char *const programs[] = { "mmdebstrap", "unshare", "apt-config" };

	if (geteuid() != 0) {
		log_error(_("only root can make a toolchain"));
		return -EPERM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *path = spawn_find(programs[i]);

		if (path)
			continue;
		log_error(
			_("%s is not installed: a toolchain is made with it. On Debian, install the packages "
			  "mmdebstrap, apt and util-linux"),
			programs[i]);
		return -MUSTER_E_MISSING;
	}
	return 0;
}

static int check_room(struct making *k)
{
	unsigned long long have;
	int r = fs_free_bytes(k->env->root_fd, KERNEL_TOOLCHAINS, &have);

	if (r < 0 || have >= ROOM)
		return r;
	log_error(_("%s has %llu MB free, and a toolchain needs %llu MB"), KERNEL_TOOLCHAINS, have >> 20,
		  ROOM >> 20);
	return -ENOSPC;
}

/* ---- the packages ------------------------------------------------------------------------------------------ */

static int write_sources(struct making *k, const char *path)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_close_ int fd = -1;

	strbuf_addf(&b, "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", k->t->mirror, k->t->release);
	if (*k->t->keyring)
		strbuf_addf(&b, "Signed-By: %s\n", k->t->keyring);
	if (k->t->trusted)
		strbuf_adds(&b, "Trusted: yes\n");
	if (b.failed)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return fd < 0 ? -errno : fs_write_all(fd, b.data, b.len);
}

/* The date until which an older release's list was meant to be looked at is long past. */
static int arguments(struct making *k, const char *sources, struct strv *argv)
{
	int r = debstrap_begin(argv, strncmp(k->t->mirror, "http", 4) != 0);

	if (r == 0)
		r = strv_add_all(argv, "--variant=extract", "--aptopt=Acquire::Check-Valid-Until \"false\"",
				 NULL);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(left_out); i++)
		r = strv_addf(argv, "--dpkgopt=path-exclude=%s", left_out[i]);
	if (r == 0)
		r = debstrap_include(argv, &k->t->packages);
	return r < 0 ? r : strv_add_all(argv, k->t->release, k->tree, sources, NULL);
}

static void take_line(void *data, const char *line)
{
	struct making *k = data;

	kernel_progress(k->env, STEP, NULL, debstrap_line(&k->progress, line), line);
}

static int get_packages(struct making *k)
{
	_cleanup_free_ char *sources = fs_join(k->host_work, "toolchain.sources");
	_cleanup_strv_ struct strv argv = STRV_INIT;
	static const char *const settings[] = { "LC_ALL=C.UTF-8", NULL };
	struct spawn s = { .env = settings,
			   .timeout_ms = BUILD_MS,
			   .cancel_fd = k->env->cancel_fd,
			   .max_output = 1,
			   .on_line = take_line,
			   .data = k,
			   .ends_with_us = true };
	int status = 0, r = sources ? write_sources(k, sources) : -ENOMEM;

	if (r == 0)
		r = arguments(k, sources, &argv);
	if (r < 0)
		return r;
	kernel_progress(k->env, STEP, k->t->mirror, 0, NULL);
	s.argv = (const char *const *)argv.v;
	r = spawn_run(&s, &status, NULL);
	if (r == -MUSTER_E_CANCELLED || (r == 0 && status == 0))
		return r;
	if (r < 0)
		log_error(_("the packages of %s cannot be got: %s"), k->t->release, muster_strerror(r));
	else if (k->progress.wrong)
		log_error(_("the packages of %s cannot be got: %s"), k->t->release, k->progress.wrong);
	else
		log_error(_("the packages of %s cannot be got: mmdebstrap ended with status %d"),
			  k->t->release, status);
	return r < 0 ? r : -MUSTER_E_COMMAND;
}

static int make_link(int tree, const char *path, const char *const *to)
{
	const char *slash = strrchr(path, '/');

	if (fs_exists(tree, path))
		return 0;
	for (; *to; to++) {
		_cleanup_free_ char *there = NULL;
		_cleanup_close_ int folder = -1;
		const char *name;

		if (asprintf(&there, "%.*s/%s", (int)(slash - path), path, *to) < 0)
			return -ENOMEM;
		if (!fs_exists(tree, there))
			continue;
		folder = fs_open_parent(tree, path, &name);
		return folder < 0 ? folder : symlinkat(*to, folder, name) < 0 ? -errno : 0;
	}
	return 0;
}

static int make_links(struct making *k)
{
	_cleanup_close_ int tree = fs_root_open(k->tree);
	int r = tree < 0 ? tree : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++)
		r = make_link(tree, links[i].path, links[i].to);
	return r;
}

/* ---- what it is -------------------------------------------------------------------------------------------- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_file(struct hash *h, const FTSENT *e)
{
	_cleanup_close_ int fd = open(e->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : hash_add_fd(h, fd);
}

static int add_entry(struct making *k, struct hash *h, const FTSENT *e)
{
	char target[PATH_MAX];
	ssize_t n;

	hash_add_string(h, e->fts_path + strlen(k->tree));
	hash_add(h, &e->fts_statp->st_mode, sizeof(e->fts_statp->st_mode));
	if (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE) {
		n = readlink(e->fts_accpath, target, sizeof(target));
		hash_add(h, target, n > 0 ? (size_t)n : 0);
	} else if (e->fts_info == FTS_F) {
		k->t->bytes += (unsigned long long)e->fts_statp->st_size;
		return add_file(h, e);
	}
	return 0;
}

static int add_tree(struct making *k, struct hash *h)
{
	char *paths[ARRAY_SIZE(seen) + 1] = { NULL };
	FTSENT *e;
	FTS *fts = NULL;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(seen); i++) {
		paths[n] = fs_join(k->tree, seen[i]);
		r = paths[n] ? 0 : -ENOMEM;
		n += r == 0;
	}
	if (r == 0 && !(fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name)))
		r = -errno;
	while (r == 0 && (e = fts_read(fts))) {
		if (e->fts_info == FTS_DP || (e->fts_info == FTS_NS && e->fts_errno == ENOENT))
			continue;
		r = e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS ? -e->fts_errno
		    : kernel_cancelled(k->env) ? -MUSTER_E_CANCELLED
					       : add_entry(k, h, e);
	}
	if (fts)
		fts_close(fts);
	for (size_t i = 0; i < n; i++)
		free(paths[i]);
	return r;
}

static int take_hash(struct making *k)
{
	char text[HASH_TEXT];
	struct hash *h;
	int r = hash_new(&h);

	if (r < 0)
		return r;
	kernel_progress(k->env, STEP, NULL, 990, NULL);
	r = add_tree(k, h);
	hash_end(h, text);
	if (r == 0)
		k->t->hash = strdup(text);
	return r < 0 || k->t->hash ? r : -ENOMEM;
}

/* It says what it is in there, without rights; and what it is, is this toolchain and no other. */
static int take_compiler(struct making *k, const struct jail *jail, struct kernel_compiler *c)
{
	_cleanup_free_ char *says = NULL;
	int r = kernel_compiler_complete(k->env, jail, c);

	if (r < 0)
		return r;
	free(c->name);
	c->name = NULL;
	c->toolchain = strdup(k->name);
	if (asprintf(&c->name, "%s:%s", k->name, strrchr(c->path, '/') + 1) < 0)
		c->name = NULL;
	says = TAKE_PTR(c->identity);
	if (asprintf(&c->identity, "toolchain %s\n%s", k->t->hash, says) < 0)
		c->identity = NULL;
	return c->toolchain && c->name && c->identity ? 0 : -ENOMEM;
}

static int take_compilers(struct making *k)
{
	struct jail jail = { .root = k->tree };
	int r = craft_user(k->env->root_fd, KERNEL_TOOLCHAINS, &jail.uid, &jail.gid);

	if (r == 0)
		r = kernel_compilers_look(k->env, &jail, &k->t->compilers, &k->t->n_compilers);
	for (size_t i = 0; r == 0 && i < k->t->n_compilers; i++)
		r = take_compiler(k, &jail, &k->t->compilers[i]);
	if (r == 0 && k->t->n_compilers == 0) {
		log_error(_("the packages brought no compiler that runs on this server: name it in "
			    "--packages, as "
			    "gcc or gcc-4.4"));
		r = -MUSTER_E_MISSING;
	}
	return r;
}

/* ---- the whole --------------------------------------------------------------------------------------------- */

static int finish(struct making *k)
{
	const struct fs_attr attr = { .mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	_cleanup_close_ int all = fs_open(k->env->root_fd, KERNEL_TOOLCHAINS, O_RDONLY | O_DIRECTORY, 0);
	_cleanup_free_ char *text = NULL, *path = fs_join(k->work, "toolchain.json"),
			    *sources = fs_join(k->work, "toolchain.sources");
	int r = all < 0 ? all : !path || !sources ? -ENOMEM : craft_time_text(&k->t->made);

	if (r == 0)
		r = kernel_toolchain_text(k->t, &text);
	if (r == 0)
		r = fs_write(k->env->root_fd, path, text, strlen(text), &attr);
	if (r == 0)
		r = fs_unlink(k->env->root_fd, sources);
	if (r < 0)
		return r;
	if (syncfs(all) < 0 || renameat(all, strrchr(k->work, '/') + 1, all, k->name) < 0 || fsync(all) < 0)
		return -errno;
	return 0;
}

static int make(struct making *k)
{
	int r = kernel_discard(k->env, k->work);

	if (r == 0)
		r = check_room(k);
	if (r == 0)
		r = fs_mkdir_all(k->env->root_fd, k->work, 0755);
	if (r == 0)
		r = get_packages(k);
	if (r == 0)
		r = make_links(k);
	if (r == 0)
		r = take_hash(k);
	if (r == 0)
		r = take_compilers(k);
	if (r == 0)
		r = finish(k);
	if (r == -ENOSPC || (r < 0 && kernel_disk_full(k->env, KERNEL_TOOLCHAINS)))
		log_error(_("the disk that holds %s is full"), KERNEL_TOOLCHAINS);
	/* Nothing goes on with half of one. */
	if (r < 0 && kernel_discard(k->env, k->work) < 0)
		log_warning(_("%s stays"), k->host_work);
	return r;
}

static int build(struct making *k)
{
	_cleanup_close_ int lock = -1;
	int r = take_wish(k);

	if (r == 0)
		r = check_server();
	if (asprintf(&k->work, "%s/.building-%s", KERNEL_TOOLCHAINS, k->name) < 0)
		k->work = NULL;
	k->host_work = k->work ? kernel_host_path(k->env, k->work) : NULL;
	k->tree = k->host_work ? fs_join(k->host_work, "tree") : NULL;
	if (!k->tree)
		return -ENOMEM;
	if (r == 0)
		r = kernel_lock(k->env, KERNEL_TOOLCHAINS, &lock);
	if (r < 0)
		return r;
	{
		_cleanup_(kernel_toolchain_freep) struct kernel_toolchain *there = NULL;

		r = kernel_toolchain_find(k->env, k->name, &there);
	}
	if (r == 0) {
		log_error(_("there is a toolchain %s already; remove it first, or take another name"),
			  k->name);
		return -EEXIST;
	}
	return r == -ENOENT ? make(k) : r;
}

int kernel_toolchain_build(const struct kernel_env *env, const char *name,
			   const struct kernel_toolchain_wish *wish, struct kernel_toolchain **ret)
{
	_cleanup_(kernel_toolchain_freep) struct kernel_toolchain *t = calloc(1, sizeof(*t));
	struct making k = { .env = env, .name = name, .wish = wish, .t = t };
	int r = t ? build(&k) : -ENOMEM;

	free(k.work);
	free(k.host_work);
	free(k.tree);
	free(k.progress.wrong);
	if (r == 0)
		*ret = TAKE_PTR(t);
	return r;
}
