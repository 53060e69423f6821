/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Building a generation. All work is done in a folder beside the finished ones, which gets its name in one step
 * at the very end: what has a generation's name is whole.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backend/image/builder.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"

#define STEP NC_("step", "packages")
/* The tree, the packages and the image at their largest, with room for an operator's further packages. */
#define ROOT_SPACE (2048ULL << 20)
#define KERNEL_SPACE (1024ULL << 20)

struct build {
	const struct image_env *env;
	const struct recipe *recipe;
	char *folder; /* below the environment's root, like the next */
	char *tree;
	char *host_folder, *host_tree; /* the same for programs */
	char *kernel_release;
	struct strv packages;
};

static void build_clear(struct build *b)
{
	free(b->folder);
	free(b->tree);
	free(b->host_folder);
	free(b->host_tree);
	free(b->kernel_release);
	strv_free(&b->packages);
}

static int build_prepare(struct build *b)
{
	static const char *const programs[] = { "mksquashfs", "depmod", NULL };
	int r = image_need_programs(b->env, NEED_ROOT, programs);

	if (r == 0 && b->recipe->packages.n > 0)
		r = image_need_programs(b->env, NEED_ROOT, b->recipe->ops->programs);
	if (r < 0)
		return r;
	if (asprintf(&b->folder, IMAGE_ROOTS "/.building-%s-%ld", b->recipe->id, (long)getpid()) < 0) {
		b->folder = NULL;
		return -ENOMEM;
	}
	b->tree = fs_join(b->folder, "tree");
	b->host_folder = image_host_path(b->env, b->folder);
	b->host_tree = b->tree ? image_host_path(b->env, b->tree) : NULL;
	if (!b->host_folder || !b->host_tree)
		return -ENOMEM;
	r = image_need_space(b->env, IMAGE_ROOTS, b->recipe->kernel_only ? KERNEL_SPACE : ROOT_SPACE);
	if (r < 0)
		return r;
	/* 0755: apt fetches as a user of its own. */
	r = fs_mkdir_all(b->env->root_fd, b->tree, 0755);
	if (r < 0)
		log_error(_("%s cannot be made: %s"), b->host_tree, muster_strerror(r));
	return r;
}

/* The newest vmlinuz-RELEASE in the tree's /boot, by strverscmp(3). */
static int find_kernel(int tree_fd, char **ret_release)
{
	int fd = fs_open(tree_fd, "/boot", O_RDONLY | O_DIRECTORY, 0);
	_cleanup_free_ char *best = NULL;
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d))) {
		if (strncmp(e->d_name, "vmlinuz-", 8) != 0 || (best && strverscmp(e->d_name + 8, best) <= 0))
			continue;
		free(best);
		best = strdup(e->d_name + 8);
	}
	closedir(d);
	if (!best)
		return -ENOENT;
	*ret_release = TAKE_PTR(best);
	return 0;
}

static int copy_kernel(struct build *b, int from_fd)
{
	const struct fs_attr attr = { .mode = 0644, .uid = 0, .gid = 0 };
	_cleanup_free_ char *to = fs_join(b->folder, "vmlinuz");

	return to ? fs_copy(from_fd, b->env->root_fd, to, &attr) : -ENOMEM;
}

static int take_package_kernel(struct build *b, int tree_fd)
{
	_cleanup_free_ char *path = NULL, *modules = NULL;
	_cleanup_close_ int fd = -1;
	int r = find_kernel(tree_fd, &b->kernel_release);

	if (r < 0) {
		log_error(_("the kernel's package brought no /boot/vmlinuz-RELEASE"));
		return r;
	}
	if (asprintf(&path, "/boot/vmlinuz-%s", b->kernel_release) < 0)
		return -ENOMEM;
	if (asprintf(&modules, "/lib/modules/%s", b->kernel_release) < 0)
		return -ENOMEM;
	if (!fs_exists(tree_fd, modules)) {
		log_error(_("the kernel's package brought no %s"), modules);
		return -ENOENT;
	}
	fd = fs_open(tree_fd, path, O_RDONLY, 0);
	return fd < 0 ? fd : copy_kernel(b, fd);
}

/* Programs follow links. Those of an operator's tree are not to lead them out of it. */
static int check_modules_place(const struct build *b)
{
	static const char *const places[] = { "usr/lib/modules", "lib/modules", "usr/lib", "lib", "usr" };
	_cleanup_free_ char *tree = realpath(b->host_tree, NULL);

	if (!tree)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *path = fs_join(b->host_tree, places[i]), *real = NULL;

		if (!path)
			return -ENOMEM;
		real = realpath(path, NULL);
		if (!real && (errno != ENOENT || faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0))
			return -errno;
		if (real && (strncmp(real, tree, strlen(tree)) != 0 || real[strlen(tree)] != '/')) {
			log_error(_("the root's /%s leads out of its tree: make it a folder, or a link like "
				    "\"usr/lib\" without a slash in front"),
				  places[i]);
			return -MUSTER_E_REFUSED;
		}
	}
	return 0;
}

/* Where /lib is a link, it is one to usr/lib; old trees have both folders, and their modules in /lib. */
static const char *modules_place(int tree_fd)
{
	struct stat st;

	return fs_stat(tree_fd, "/lib", &st) == 0 && S_ISLNK(st.st_mode) ? "/usr/lib/modules"
									 : "/lib/modules";
}

/* The operator's own modules go where the tree has its modules; the links to the kernel's sources stay behind. */
static int copy_modules(struct build *b, int tree_fd)
{
	const char *modules = modules_place(tree_fd);
	_cleanup_free_ char *to = fs_join(b->host_tree, modules);
	_cleanup_free_ char *release = fs_join(modules, b->kernel_release);
	_cleanup_free_ char *build = release ? fs_join(release, "build") : NULL;
	_cleanup_free_ char *source = release ? fs_join(release, "source") : NULL;
	const char *argv[] = { "cp", "-a", "--no-preserve=ownership", "--", b->recipe->kernel_modules,
			       to,   NULL };
	const struct spawn s = { .argv = argv, .cancel_fd = b->env->cancel_fd, .ends_with_us = true };
	int r;

	if (!to || !build || !source)
		return -ENOMEM;
	r = fs_mkdir_all(tree_fd, modules, 0755);
	if (r == 0)
		r = spawn_check(&s, NULL);
	if (r == 0)
		r = fs_unlink(tree_fd, build);
	return r < 0 ? r : fs_unlink(tree_fd, source);
}

static int take_own_kernel(struct build *b, int tree_fd)
{
	_cleanup_close_ int fd = open(b->recipe->kernel_path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : copy_kernel(b, fd);

	if (r < 0) {
		log_error(_("%s cannot be copied: %s"), b->recipe->kernel_path, muster_strerror(r));
		return r;
	}
	b->kernel_release = strdup(b->recipe->kernel_release);
	if (!b->kernel_release)
		return -ENOMEM;
	return b->recipe->kernel_modules ? copy_modules(b, tree_fd) : 0;
}

/* Of a tree that was only unpacked to have the kernel, the modules stay: in a new tree at the old one's place. */
static int keep_modules_only(struct build *b)
{
	_cleanup_free_ char *old = fs_join(b->folder, "packages");
	_cleanup_close_ int folder = fs_open(b->env->root_fd, b->folder, O_RDONLY | O_DIRECTORY, 0);
	_cleanup_close_ int from = -1, to = -1, old_fd = -1, tree_fd = -1;
	int r;

	if (folder < 0 || !old)
		return folder < 0 ? folder : -ENOMEM;
	if (renameat(folder, "tree", folder, "packages") < 0)
		return -errno;
	r = fs_mkdir_all(b->env->root_fd, b->tree, 0755);
	if (r == 0 && b->recipe->base)
		r = squashfs_unpack(b->env, b->recipe->base_image, b->host_tree);
	if (r == 0)
		r = check_modules_place(b);
	if (r < 0)
		return r;
	old_fd = fs_open(b->env->root_fd, old, O_RDONLY | O_DIRECTORY, 0);
	tree_fd = fs_open(b->env->root_fd, b->tree, O_RDONLY | O_DIRECTORY, 0);
	if (old_fd < 0 || tree_fd < 0)
		return old_fd < 0 ? old_fd : tree_fd;
	r = fs_mkdir_all(tree_fd, "/lib/modules", 0755);
	if (r < 0)
		return r;
	from = fs_open(old_fd, "/lib/modules", O_RDONLY | O_DIRECTORY, 0);
	to = fs_open(tree_fd, "/lib/modules", O_RDONLY | O_DIRECTORY, 0);
	if (from == -ENOENT)
		return 0;
	if (from < 0 || to < 0)
		return from < 0 ? from : to;
	if (renameat(from, b->kernel_release, to, b->kernel_release) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

/* Unpacked packages were not configured, and nobody ran depmod(8). */
static int index_modules(struct build *b)
{
	_cleanup_free_ char *modules = NULL;

	if (asprintf(&modules, "%s/lib/modules/%s", b->host_tree, b->kernel_release) < 0)
		return -ENOMEM;
	if (access(modules, F_OK) < 0)
		return 0;
	return spawn_argv(NULL, 120000, "depmod", "-b", b->host_tree, b->kernel_release, NULL);
}

static int make_tree(struct build *b)
{
	const struct recipe *recipe = b->recipe;
	_cleanup_close_ int tree_fd = -1;
	bool with_packages = recipe->packages.n > 0;
	int r = with_packages ? recipe->ops->build(b->env, recipe, b->host_folder) : 0;

	if (r == 0 && !with_packages && recipe->base)
		r = squashfs_unpack(b->env, recipe->base_image, b->host_tree);
	if (r == 0)
		r = check_modules_place(b);
	if (r < 0)
		return r;
	tree_fd = fs_open(b->env->root_fd, b->tree, O_RDONLY | O_DIRECTORY, 0);
	if (tree_fd < 0)
		return tree_fd;
	if (with_packages)
		r = recipe->ops->packages(b->env, b->host_tree, &b->packages);
	if (r == 0)
		r = recipe->kernel_path ? take_own_kernel(b, tree_fd) : take_package_kernel(b, tree_fd);
	if (r == 0 && recipe->kernel_only && with_packages)
		r = keep_modules_only(b);
	if (r == 0 && (recipe->kernel_only || recipe->kernel_modules))
		r = index_modules(b);
	if (r == 0 && !recipe->kernel_only)
		r = neutral_tree(tree_fd);
	return r;
}

static json_t *package_list(const struct strv *packages)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < packages->n; i++)
		json_array_append_new(list, json_string(packages->v[i]));
	return list;
}

/* RFC 3339, UTC. */
static void time_text(char *buf, size_t size)
{
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm tm;

	gmtime_r(&now, &tm);
	if (strftime(buf, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		*buf = '\0';
}

static int write_facts(const struct image_env *env, const char *folder, json_t *facts, int image_fd)
{
	_cleanup_(hash_freep) struct hash *h = NULL;
	_cleanup_free_ char *path = fs_join(folder, "root.json"), *text = NULL;
	char sha256[HASH_TEXT], built[32];
	struct stat st;
	int r = path ? hash_new(&h) : -ENOMEM;

	if (r == 0)
		r = hash_add_fd(h, image_fd);
	if (r == 0 && fstat(image_fd, &st) < 0)
		r = -errno;
	if (r < 0)
		return r;
	hash_end(TAKE_PTR(h), sha256);
	time_text(built, sizeof(built));
	if (json_object_set_new(facts, "root_bytes", json_integer((json_int_t)st.st_size)) < 0 ||
	    json_object_set_new(facts, "sha256", json_string(sha256)) < 0 ||
	    json_object_set_new(facts, "built", json_string(built)) < 0)
		return -ENOMEM;
	text = json_dumps(facts, JSON_INDENT(2));
	if (!text)
		return -ENOMEM;
	return fs_write(env->root_fd, path, text, strlen(text),
			&(struct fs_attr){ .mode = 0644, .uid = 0, .gid = 0 });
}

int generation_pack(const struct image_env *env, const char *folder, const char *tree,
		    enum squashfs_form form, json_t *facts)
{
	_cleanup_free_ char *image = fs_join(folder, "root.squashfs");
	_cleanup_free_ char *host_image = image ? image_host_path(env, image) : NULL;
	_cleanup_close_ int fd = -1;
	int r = host_image && facts ? squashfs_pack(env, tree, host_image, form) : -ENOMEM;

	if (r == 0)
		fd = fs_open(env->root_fd, image, O_RDWR, 0);
	if (r == 0 && fd < 0)
		r = fd;
	if (r == 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0))
		r = -errno;
	if (r == 0)
		r = write_facts(env, folder, facts, fd);
	json_decref(facts);
	return r;
}

static int make_image(struct build *b)
{
	json_t *facts = json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", b->recipe->id, "distribution",
				  b->env->host->distribution, "suite", b->recipe->suite, "kernel_release",
				  b->kernel_release, "packages", package_list(&b->packages));

	if (facts && b->recipe->base && json_object_set_new(facts, "on", json_string(b->recipe->base)) < 0) {
		json_decref(facts);
		return -ENOMEM;
	}
	return generation_pack(b->env, b->folder, b->host_tree, b->recipe->base ? SQUASHFS_OLD : SQUASHFS_NEW,
			       facts);
}

/* What stands under the generation's name without being one is of no use to anybody. */
static int clear_place(const struct image_env *env, const char *id)
{
	_cleanup_free_ char *path = fs_join(IMAGE_ROOTS, id);

	return path ? image_discard(env, path) : -ENOMEM;
}

int generation_seal(const struct image_env *env, const char *folder, const char *id,
		    const char *const *leftovers)
{
	_cleanup_close_ int roots = -1;
	int r = clear_place(env, id);

	for (size_t i = 0; r == 0 && leftovers[i]; i++) {
		_cleanup_free_ char *path = fs_join(folder, leftovers[i]);

		r = path ? image_discard(env, path) : -ENOMEM;
	}
	if (r == 0)
		r = fs_fsync_dir(env->root_fd, folder);
	if (r == 0)
		roots = fs_open(env->root_fd, IMAGE_ROOTS, O_RDONLY | O_DIRECTORY, 0);
	if (r < 0 || roots < 0)
		return r < 0 ? r : roots;
	if (renameat(roots, strrchr(folder, '/') + 1, roots, id) < 0 || fsync(roots) < 0)
		return -errno;
	return 0;
}

static int build(const struct image_env *env, const struct recipe *recipe)
{
	static const char *const leftovers[] = { "tree", "packages", "muster.sources", NULL };
	_cleanup_(build_clear) struct build b = { .env = env, .recipe = recipe };
	int r = build_prepare(&b);

	if (r == 0)
		r = make_tree(&b);
	if (r == 0)
		r = make_image(&b);
	if (r == 0 && image_cancelled(env))
		r = -MUSTER_E_CANCELLED;
	if (r == 0)
		r = generation_seal(env, b.folder, recipe->id, leftovers);
	if (r < 0 && b.folder && image_discard(env, b.folder) < 0)
		log_warning(_("the unfinished build stays in %s"), b.folder);
	return r;
}

static int find_chosen(const struct image_env *env, const char *id, struct image_generation **ret)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	int r = image_root_find(env, id, &g);

	if (r == -ENOENT)
		log_error(_("the root generation \"%s\" that the answers choose is not on this server"), id);
	if (r == 0 && *g->base) {
		log_error(_("%s, which the answers choose, is a base: a root without a kernel. Leave "
			    "\"generation\" out, and the root is made on it"),
			  id);
		return -MUSTER_E_REFUSED;
	}
	if (r == 0)
		*ret = TAKE_PTR(g);
	return r;
}

int image_root_build(const struct image_env *env, const struct plan *p, struct image_generation **ret)
{
	_cleanup_(recipe_freep) struct recipe *recipe = NULL;
	_cleanup_close_ int lock = -1;
	int r;

	if (*p->generation)
		return find_chosen(env, p->generation, ret);
	r = recipe_new(env, p, &recipe);
	if (r == 0)
		r = image_root_find(env, recipe->id, ret);
	if (r != -ENOENT || !recipe)
		return r;
	r = image_lock(env, IMAGE_ROOTS, STEP, &lock);
	if (r < 0)
		return r;
	/* The one that held the lock may have built this very generation. */
	r = image_root_find(env, recipe->id, ret);
	if (r != -ENOENT)
		return r;
	r = image_sweep(env, IMAGE_ROOTS);
	if (r == 0)
		r = build(env, recipe);
	return r < 0 ? r : image_root_find(env, recipe->id, ret);
}
