/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bases: roots without a kernel, of parts that are built from sources. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/image/base.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/units.h"

#define STEP NC_("step", "root")
#define BASE_VERSION "base 1" /* raised when the same ingredients give other programs than before */
#define HEADERS_VERSION "/usr/include/linux/version.h"
#define BASE_SPACE (512ULL << 20)
#define TREE_SPACE (3072ULL << 20)
/* What the loader of an old kernel and a node's memory are asked to take at the most, compressed. */
#define INITRAMFS_MAX 2000000U
#define LARGEST 8

static const char *const modes[] = {
	[PLAN_ROOT_RAM] = "ram",
	[PLAN_ROOT_NFS] = "nfs",
	[PLAN_ROOT_INITRAMFS] = "initramfs",
};

struct base {
	const struct image_env *env;
	const struct image_base_wish *wish;
	struct part **parts;
	struct craft_input *inputs; /* one for each part; without a place where it is a source package */
	size_t n;
	struct part_compiler cc;
	struct base_tree tree;
	char *sources; /* the server's package sources; NULL where no part asks for them */
	char *id;
	/* of the build */
	char *folder, *host_folder, *host_tree;
	json_t *what; /* the sources as they were found */
	size_t initramfs_bytes;
	char *libc; /* the least kernel of the tree's libc; NULL: there is no tree */
};

static void base_clear(struct base *b)
{
	for (size_t i = 0; i < b->n; i++)
		part_free(b->parts[i]);
	free(b->parts);
	craft_inputs_free(b->inputs, b->n);
	part_compiler_clear(&b->cc);
	base_tree_clear(&b->tree);
	free(b->libc);
	free(b->sources);
	free(b->id);
	free(b->folder);
	free(b->host_folder);
	free(b->host_tree);
	json_decref(b->what);
}

/* ---- what goes in ------------------------------------------------------------------------------------------ */

static int read_parts(struct base *b)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = profile_parts(b->env->profiles, b->wish->profile, &names);

	if (r == -ENOENT)
		log_error(_("there is no cluster profile \"%s\""), b->wish->profile);
	if (r < 0)
		return r == -ENOENT ? -MUSTER_E_REFUSED : r;
	if (names.n == 0) {
		log_error(_("nodes of the profile %s have roots of the distribution's packages: there is no "
			    "base "
			    "to build"),
			  b->wish->profile);
		return -MUSTER_E_REFUSED;
	}
	b->parts = calloc(names.n, sizeof(struct part *));
	b->inputs = calloc(names.n, sizeof(*b->inputs));
	if (!b->parts || !b->inputs)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		r = part_read(b->env, names.v[i], &b->parts[b->n]);
		if (r < 0)
			return r;
		if (b->parts[b->n]->modes.n && !strv_has(&b->parts[b->n]->modes, modes[b->wish->mode]))
			part_free(b->parts[b->n]);
		else
			b->n++;
	}
	return r;
}

/* Each word is about a source that there is. */
static int check_words(const struct base *b)
{
	_cleanup_strbuf_ struct strbuf known = STRBUF_INIT;

	for (size_t i = 0; i < b->n; i++)
		strbuf_addf(&known, "%s%s", i ? ", " : "", b->parts[i]->source);
	for (const char *const *w = b->wish->sources; w && *w; w++) {
		bool found = false;

		for (size_t i = 0; i < b->n && !found; i++) {
			size_t n = strlen(b->parts[i]->source);

			found = strncmp(*w, b->parts[i]->source, n) == 0 && (*w)[n] == '=';
		}
		if (found)
			continue;
		log_error(_("\"%s\" names no source; give NAME=PLACE, where NAME is one of these: %s"), *w,
			  known.data ? known.data : "");
		return -MUSTER_E_REFUSED;
	}
	return 0;
}

static bool was_said(const struct base *b, size_t index)
{
	const struct craft_want want = { .name = b->parts[index]->source };

	for (const char *const *w = b->wish->sources; w && *w; w++)
		if (strncmp(*w, want.name, strlen(want.name)) == 0 && (*w)[strlen(want.name)] == '=')
			return true;
	return false;
}

static int take_package_sources(struct base *b)
{
	const struct root_builder_ops *ops = root_builder_find(b->env->host->family);

	if (b->sources)
		return 0;
	if (ops && ops->source)
		return ops->sources(b->env, &b->sources);
	log_error(
		_("this server's distribution has no source packages that muster can fetch: name each source "
		  "with --source NAME=PLACE"));
	return -MUSTER_E_UNSUPPORTED;
}

static int gather_inputs(struct base *b)
{
	const struct craft_env craft = part_craft(b->env);
	int r = check_words(b);

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		const struct part *p = b->parts[i];
		const struct craft_want want = { p->source, p->source_description, p->place, p->sha256 };

		if (!was_said(b, i) && !*p->place && *p->package)
			r = take_package_sources(b);
		else
			r = craft_input_said(&craft, p->name, &want, 1, 0, b->wish->sources, &b->inputs[i]);
	}
	return r;
}

static bool is_package(const struct base *b, size_t index)
{
	return !b->inputs[index].place;
}

static int add_patches(struct hash *h, const struct part *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->patches.n; i++) {
		_cleanup_close_ int fd = open(p->patches.v[i], O_RDONLY | O_CLOEXEC);

		r = fd < 0 ? -errno : hash_add_fd(h, fd);
		if (r < 0)
			log_error(_("%s cannot be read: %s"), p->patches.v[i], muster_strerror(r));
	}
	return r;
}

/* Which headers of the kernel are used: the file that says their version. What is missing is told when they are wanted. */
static int add_headers(struct hash *h)
{
	_cleanup_close_ int fd = open(HEADERS_VERSION, O_RDONLY | O_CLOEXEC);

	hash_add_string(h, "headers");
	return fd < 0 ? 0 : hash_add_fd(h, fd);
}

static int make_id(struct base *b)
{
	_cleanup_(hash_freep) struct hash *h = NULL;
	_cleanup_free_ char *form = NULL;
	int r = hash_new(&h);

	if (r < 0)
		return r;
	hash_add_string(h, BASE_VERSION);
	hash_add_string(h, modes[b->wish->mode]);
	hash_add_string(h, b->cc.identity);
	r = add_headers(h);
	for (size_t i = 0; r == 0 && i < b->n; i++) {
		hash_add_string(h, b->parts[i]->text);
		hash_add_string(h, is_package(b, i) ? b->sources : b->inputs[i].sha256);
		r = add_patches(h, b->parts[i]);
	}
	if (r == 0)
		r = base_tree_hash(&b->tree, h);
	if (r == 0 && b->wish->own) {
		hash_add_string(h, "own");
		r = base_own_hash(b->wish->own, h);
	}
	if (r < 0)
		return r;
	if (asprintf(&form, "%s-%s", b->wish->profile, modes[b->wish->mode]) < 0) {
		form = NULL;
		return -ENOMEM;
	}
	return recipe_id(form, TAKE_PTR(h), &b->id);
}

static int gather(struct base *b)
{
	int r = read_parts(b);

	if (r == 0)
		r = base_tree_gather(b->env, b->wish, &b->tree);
	if (r == 0)
		r = gather_inputs(b);
	if (r == 0)
		r = part_compiler_find(b->env, &b->cc);
	return r < 0 ? r : make_id(b);
}

/* ---- the build --------------------------------------------------------------------------------------------- */

/* The kernel's headers, which musl does not bring. */
static int make_headers(const struct base *b)
{
	static const struct {
		const char *name, *places[2];
	} links[] = {
		{ "linux", { "/usr/include/linux", NULL } },
		{ "asm-generic", { "/usr/include/asm-generic", NULL } },
		{ "mtd", { "/usr/include/mtd", NULL } },
		{ "asm", { "/usr/include/x86_64-linux-gnu/asm", "/usr/include/asm" } },
	};
	_cleanup_free_ char *folder = fs_join(b->host_folder, "headers");

	if (!folder)
		return -ENOMEM;
	if (mkdir(folder, 0755) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		_cleanup_free_ char *path = fs_join(folder, links[i].name);
		const char *place = NULL;

		if (!path)
			return -ENOMEM;
		for (size_t k = 0; k < 2 && !place; k++)
			if (links[i].places[k] && access(links[i].places[k], F_OK) == 0)
				place = links[i].places[k];
		if (place && symlink(place, path) < 0)
			return -errno;
		if (!place && strcmp(links[i].name, "mtd") != 0) {
			log_error(
				_("the kernel's headers (%s) are missing on this server: install the package "
				  "linux-libc-dev or its counterpart"),
				links[i].places[0]);
			return -MUSTER_E_MISSING;
		}
	}
	return 0;
}

static int prepare(struct base *b)
{
	static const char *const programs[] = { "mksquashfs", "unsquashfs", "make", "gcc", "strip", NULL };
	static const char *const package_programs[] = { "apt-get", "dpkg-source", NULL };
	static const char *const through[] = { "/var/lib/muster", IMAGE_ROOTS, NULL };
	_cleanup_free_ char *tree = NULL;
	int r = image_need_programs(b->env, NEED_BASE, programs);

	if (r == 0 && b->sources)
		r = image_need_programs(b->env, NEED_BASE, package_programs);
	if (r == 0)
		r = image_need_space(b->env, IMAGE_ROOTS,
				     b->wish->mode == PLAN_ROOT_NFS ? TREE_SPACE : BASE_SPACE);
	if (r == 0)
		r = craft_let_through(b->env->root_fd, through);
	if (r < 0)
		return r;
	if (asprintf(&b->folder, IMAGE_ROOTS "/.building-%s-%ld", b->id, (long)getpid()) < 0) {
		b->folder = NULL;
		return -ENOMEM;
	}
	tree = fs_join(b->folder, "tree");
	b->host_folder = image_host_path(b->env, b->folder);
	b->host_tree = tree ? image_host_path(b->env, tree) : NULL;
	if (!b->host_folder || !b->host_tree)
		return -ENOMEM;
	r = fs_mkdir_all(b->env->root_fd, tree, 0755);
	if (r == 0)
		r = craft_check_way(b->host_tree, "a node root");
	return r < 0 ? r : make_headers(b);
}

static int make_tree(struct base *b)
{
	json_t *what = NULL;
	int r;

	b->what = json_array();
	if (b->wish->mode != PLAN_ROOT_NFS)
		return b->what ? 0 : -ENOMEM;
	r = base_tree_make(b->env, &b->tree, b->folder, b->host_tree, &b->libc, &what);
	return r == 0 && json_array_append_new(b->what, what) < 0 ? -ENOMEM : r;
}

static int build_parts(struct base *b)
{
	struct part_work w = {
		.env = b->env,
		.cc = &b->cc,
		.folder = b->host_folder,
		.sources = b->sources,
		.tree = b->host_tree,
	};
	_cleanup_close_ int folder = fs_open(b->env->root_fd, b->folder, O_RDONLY | O_DIRECTORY, 0);
	int r = folder < 0 ? folder : craft_user(folder, "/none", &w.uid, &w.gid);

	for (size_t i = 0; r == 0 && i < b->n; i++) {
		_cleanup_free_ char *what = NULL, *sha256 = NULL;

		r = part_build(&w, b->parts[i], is_package(b, i) ? NULL : &b->inputs[i], &what, &sha256);
		if (r == 0 &&
		    json_array_append_new(b->what, json_pack("{s:s, s:s, s:s}", "name", b->parts[i]->source,
							     "place", what, "sha256", sha256)) < 0)
			r = -ENOMEM;
	}
	return r;
}

static int add_own(struct base *b)
{
	_cleanup_close_ int tree = -1;
	json_t *what;

	if (!b->wish->own)
		return 0;
	tree = open(b->host_tree, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	what = json_pack("{s:s, s:s}", "name", "own", "place", b->wish->own);
	if (!what || json_array_append_new(b->what, what) < 0)
		return -ENOMEM;
	return tree < 0 ? -errno : base_own_copy(b->wish->own, tree);
}

/* ---- what came out ------------------------------------------------------------------------------------------- */

struct listed {
	const char *path;
	unsigned long long bytes;
};

static int largest_first(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : strcmp(x->path, y->path);
}

/* bin, usr/sbin, usr/local/bin and the like. */
static bool is_program(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash - path >= 3 && strncmp(slash - 3, "bin", 3) == 0;
}

/* Every program of the tree with its size; links are names of one of them. */
static int list_programs(const char *tree, json_t *names, json_t *sizes)
{
	char *const paths[] = { (char *)(uintptr_t)tree, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;
	int r = fts ? 0 : -errno;

	while (r == 0 && (e = fts_read(fts))) {
		const char *path = e->fts_level > 0 ? e->fts_path + strlen(tree) + 1 : "";

		if (!is_program(path))
			continue;
		if (e->fts_info == FTS_F)
			r = json_array_append_new(sizes, json_pack("{s:s, s:I}", "path", path, "bytes",
								   (json_int_t)e->fts_statp->st_size));
		if (r == 0 && (e->fts_info == FTS_F || e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE))
			r = json_array_append_new(names, json_string(path));
		if (r < 0)
			r = -ENOMEM;
	}
	if (fts)
		fts_close(fts);
	return r;
}

static int say_too_large(const struct base *b, const json_t *sizes)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	_cleanup_free_ struct listed *v = calloc(json_array_size(sizes) + 1, sizeof(*v));
	size_t n = json_array_size(sizes) + 1;
	struct stat st;

	if (!v)
		return -ENOMEM;
	v[0] = (struct listed){ "init", stat(b->env->agent, &st) == 0 ? (unsigned long long)st.st_size : 0 };
	for (size_t i = 1; i < n; i++) {
		const json_t *item = json_array_get(sizes, i - 1);

		v[i].path = json_string_value(json_object_get(item, "path"));
		v[i].bytes = (unsigned long long)json_integer_value(json_object_get(item, "bytes"));
	}
	qsort(v, n, sizeof(*v), largest_first);
	for (size_t i = 0; i < n && i < LARGEST; i++)
		strbuf_addf(&text, "\n  %s: %s", v[i].path, BYTES(v[i].bytes));
	log_error(_("this root is %s as an initramfs, and is to be 2 MB at the most. The largest in it, "
		    "before they are "
		    "compressed:%s"),
		  BYTES((unsigned long long)b->initramfs_bytes), text.data ? text.data : "");
	return -EFBIG;
}

static int measure(struct base *b, const json_t *sizes)
{
	int r;

	if (b->wish->mode != PLAN_ROOT_INITRAMFS)
		return 0;
	r = initramfs_measure(b->env, b->host_tree, &b->initramfs_bytes);
	return r < 0 || b->initramfs_bytes <= INITRAMFS_MAX ? r : say_too_large(b, sizes);
}

static int pack(struct base *b)
{
	json_t *names = json_array(), *sizes = json_array(), *facts;
	int r = names && sizes ? list_programs(b->host_tree, names, sizes) : -ENOMEM;

	if (r == 0)
		r = measure(b, sizes);
	if (r < 0) {
		json_decref(names);
		json_decref(sizes);
		return r;
	}
	facts = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:o, s:o, s:I}", "id", b->id, "base",
			  b->wish->profile, "mode", modes[b->wish->mode], "distribution",
			  b->env->host->distribution, "suite", b->env->host->codename, "kernel_release", "",
			  "libc", b->libc ? b->libc : "", "compiler", b->cc.version, "sources", b->what,
			  "programs", names, "files", sizes, "initramfs_bytes",
			  (json_int_t)b->initramfs_bytes);
	return generation_pack(b->env, b->folder, b->host_tree,
			       b->wish->mode == PLAN_ROOT_NFS ? SQUASHFS_OLD : SQUASHFS_SAME, facts);
}

static int build(struct base *b)
{
	struct strv leftovers = STRV_INIT;
	int r = prepare(b);

	if (r == 0)
		r = make_tree(b);
	if (r == 0)
		r = build_parts(b);
	if (r == 0)
		r = add_own(b);
	if (r == 0)
		r = pack(b);
	if (r == 0 && image_cancelled(b->env))
		r = -MUSTER_E_CANCELLED;
	if (r == 0)
		r = strv_add_all(&leftovers, "tree", "headers", "muster.sources", NULL);
	for (size_t i = 0; r == 0 && i < b->n; i++)
		r = strv_add(&leftovers, b->parts[i]->name);
	if (r == 0)
		r = generation_seal(b->env, b->folder, b->id, (const char *const *)leftovers.v);
	if (r < 0 && b->folder && image_discard(b->env, b->folder) < 0)
		log_warning(_("the unfinished build stays in %s"), b->folder);
	strv_free(&leftovers);
	return r;
}

int image_base_build(const struct image_env *env, const struct image_base_wish *wish,
		     struct image_generation **ret)
{
	_cleanup_(base_clear) struct base b = { .env = env, .wish = wish };
	_cleanup_close_ int lock = -1;
	int r = gather(&b);

	if (r == 0)
		r = image_root_find(env, b.id, ret);
	if (r != -ENOENT || !b.id)
		return r;
	r = image_lock(env, IMAGE_ROOTS, STEP, &lock);
	if (r < 0)
		return r;
	/* The one that held the lock may have built this very base. */
	r = image_root_find(env, b.id, ret);
	if (r != -ENOENT)
		return r;
	r = image_sweep(env, IMAGE_ROOTS);
	if (r == 0)
		r = build(&b);
	return r < 0 ? r : image_root_find(env, b.id, ret);
}

/* ---- finding ------------------------------------------------------------------------------------------------- */

static int find_in(const struct image_env *env, const char *profile, const char *mode,
		   struct image_generation **ret, char **ret_image)
{
	struct image_generation **list, *found = NULL;
	_cleanup_free_ char *image = NULL;
	size_t n;
	int r = image_list(env, &list, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		if (!found && strcmp(list[i]->base, profile) == 0 && strcmp(list[i]->mode, mode) == 0)
			found = list[i];
		else
			image_generation_free(list[i]);
	free(list);
	if (!found)
		return -ENOENT;
	if (asprintf(&image, IMAGE_ROOTS "/%s/root.squashfs", found->id) < 0)
		image = NULL;
	*ret_image = image ? image_host_path(env, image) : NULL;
	if (!*ret_image) {
		image_generation_free(found);
		return -ENOMEM;
	}
	*ret = found;
	return 0;
}

int image_base_find(const struct image_env *env, const char *profile, enum plan_root mode,
		    struct image_generation **ret, char **ret_image)
{
	int r = find_in(env, profile, modes[mode], ret, ret_image);

	if (r == -ENOENT && env->borrow) {
		_cleanup_close_ int real = fs_root_open("/");
		struct image_env there = *env;

		there.root_fd = real;
		there.root_path = "/";
		r = real < 0 ? real : find_in(&there, profile, modes[mode], ret, ret_image);
	}
	return r;
}
