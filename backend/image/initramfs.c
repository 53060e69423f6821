/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The initramfs of a generation and a root mode:
 *   init                  muster-agent
 *   bin/busybox, bin/sh   for a person on the console, and for what the agent runs; root mode initramfs: all applets, or the
 *                         programs of the base that the root stands on
 *   muster/modules.conf   what to load when (backend/image/modules.h)
 *   muster/ssi.conf       what to load for the single system image, when it is asked for
 *   lib/modules/NAME.ko   the modules, uncompressed, so that the agent needs no unpacker
 * No firmware files: a network card that needs one to run is not served.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "agent/wire.h"
#include "util/archive.h"
#include "backend/image/builder.h"
#include "backend/image/modules.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"

#define STEP NC_("step", "initramfs")
#define INITRAMFS_VERSION "initramfs 1" /* raised when the same inputs give other bytes than before */
#define MODULE_MAX (64UL << 20)
#define PROGRAM_MAX (32UL << 20)
#define INITRAMFS_SPACE (512ULL << 20)
#define BUSYBOX_TIMEOUT_MS 10000

static const char *const forms[] = {
	[PLAN_ROOT_RAM] = "ram",
	[PLAN_ROOT_NFS] = "nfs",
	[PLAN_ROOT_INITRAMFS] = "initramfs",
};

static const char *const folders[] = {
	"bin", "dev",  "etc", "lib", "lib/modules", WIRE_DIR + 1, "newroot",  "proc", "root",
	"run", "sbin", "sys", "tmp", "usr",	    "usr/bin",	  "usr/sbin", "var",
};

/* The kernel learned to unpack zstd with 5.9. */
static enum archive_compression compression_for(const char *release)
{
	char *end;
	unsigned long major = strtoul(release, &end, 10);
	unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return major > 5 || (major == 5 && minor >= 9) ? ARCHIVE_ZSTD : ARCHIVE_GZIP;
}

static int add_program(struct hash *h, const char *path, const char *what)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : hash_add_fd(h, fd);

	if (r == -ENOENT)
		log_error(_("%s is missing: %s is needed for the nodes' initramfs"), path, what);
	else if (r < 0)
		log_error(_("%s cannot be read: %s"), path, muster_strerror(r));
	return r == -ENOENT ? -MUSTER_E_MISSING : r;
}

/* The root is the initramfs, and it stands on a base: nothing of the distribution's is wanted. */
static bool has_programs(const struct plan *p, const struct image_generation *g)
{
	return p->root == PLAN_ROOT_INITRAMFS && *g->on;
}

int image_initramfs_id(const struct image_env *env, const struct plan *p, const struct image_generation *g,
		       char **ret)
{
	_cleanup_(hash_freep) struct hash *h = NULL;
	int r = hash_new(&h);

	if (r < 0)
		return r;
	hash_add_string(h, INITRAMFS_VERSION);
	hash_add_string(h, forms[p->root]);
	hash_add_string(h, g->id);
	hash_add_string(h, g->sha256);
	r = add_program(h, env->agent, "muster-agent");
	if (r == 0 && !has_programs(p, g))
		r = add_program(h, env->distro->busybox, "a static busybox");
	return r < 0 ? r : recipe_id(forms[p->root], TAKE_PTR(h), ret);
}

/* ---- the archive -------------------------------------------------------------------------------------- */

static int read_program(const char *path, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fs_read_fd(fd, PROGRAM_MAX, ret, ret_len);
}

/* busybox itself says which applets it has. */
static int add_applets(struct archive_out *a, const char *busybox)
{
	_cleanup_free_ char *list = NULL;
	char *save = NULL;
	int r = spawn_argv(&list, BUSYBOX_TIMEOUT_MS, busybox, "--list", NULL);

	for (char *name = r == 0 ? strtok_r(list, "\n", &save) : NULL; r == 0 && name;
	     name = strtok_r(NULL, "\n", &save)) {
		_cleanup_free_ char *path = NULL;

		/* init would be in the agent's way, and sh is there already. */
		if (strchr(name, '/') || strcmp(name, "busybox") == 0 || strcmp(name, "sh") == 0 ||
		    strcmp(name, "init") == 0 || strcmp(name, "linuxrc") == 0)
			continue;
		if (asprintf(&path, "bin/%s", name) < 0)
			return -ENOMEM;
		archive_add_link(a, path, "busybox");
	}
	return r;
}

static void add_folders(struct archive_out *a)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		archive_add_dir(a, folders[i], strcmp(folders[i], "tmp") == 0 ? 01777 : 0755);
	archive_add_device(a, "dev/console", 0600, 5, 1);
	archive_add_device(a, "dev/null", 0666, 1, 3);
}

static int add_agent(struct archive_out *a, const struct image_env *env)
{
	_cleanup_free_ char *agent = NULL;
	size_t len;
	int r = read_program(env->agent, &agent, &len);

	if (r == 0)
		archive_add_file(a, "init", 0755, agent, len);
	return r;
}

static int add_base(struct archive_out *a, const struct image_env *env, const struct plan *p)
{
	_cleanup_free_ char *busybox = NULL;
	size_t busybox_len;
	int r = read_program(env->distro->busybox, &busybox, &busybox_len);

	add_folders(a);
	if (r == 0)
		r = add_agent(a, env);
	if (r < 0)
		return r;
	archive_add_file(a, "bin/busybox", 0755, busybox, busybox_len);
	archive_add_link(a, "bin/sh", "busybox");
	return p->root == PLAN_ROOT_INITRAMFS ? add_applets(a, env->distro->busybox) : 0;
}

/* ---- the programs of a base --------------------------------------------------------------------------- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_modules(const char *path)
{
	return strcmp(path, "lib/modules") == 0 || strcmp(path, "usr/lib/modules") == 0;
}

static bool is_known_folder(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (strcmp(folders[i], path) == 0)
			return true;
	return false;
}

static int add_entry(struct archive_out *a, FTS *fts, FTSENT *e, const char *path)
{
	_cleanup_free_ char *data = NULL;
	char target[PATH_MAX];
	size_t len;
	ssize_t n;
	int r;

	switch (e->fts_info) {
	case FTS_D:
		if (is_modules(path))
			fts_set(fts, e, FTS_SKIP);
		else if (!is_known_folder(path))
			archive_add_dir(a, path, 0755);
		return 0;
	case FTS_SL:
	case FTS_SLNONE:
		n = readlink(e->fts_accpath, target, sizeof(target) - 1);
		if (n < 0)
			return -errno;
		target[n] = '\0';
		archive_add_link(a, path, target);
		return 0;
	case FTS_F:
		r = read_program(e->fts_accpath, &data, &len);
		if (r == 0)
			archive_add_file(a, path, e->fts_statp->st_mode & 0755, data, len);
		return r;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return -e->fts_errno;
	default:
		return 0;
	}
}

static int add_tree(struct archive_out *a, const char *tree)
{
	char *const paths[] = { (char *)(uintptr_t)tree, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	FTSENT *e;
	int r = 0;

	if (!fts)
		return -errno;
	while (r == 0 && (e = fts_read(fts)))
		if (e->fts_level > 0)
			r = add_entry(a, fts, e, e->fts_path + strlen(tree) + 1);
	fts_close(fts);
	return r;
}

static int add_programs(struct archive_out *a, const struct image_env *env, const char *tree)
{
	int r;

	add_folders(a);
	r = add_agent(a, env);
	return r < 0 ? r : add_tree(a, tree);
}

int initramfs_measure(const struct image_env *env, const char *tree, size_t *ret)
{
	_cleanup_(archive_dropp) struct archive_out *a = NULL;
	_cleanup_free_ char *data = NULL;
	int r = archive_new(ARCHIVE_GZIP, &a);

	if (r == 0)
		r = add_programs(a, env, tree);
	return r < 0 ? r : archive_finish(TAKE_PTR(a), &data, ret);
}

static int image_path(const struct image_env *env, const struct image_generation *g, char **ret)
{
	_cleanup_free_ char *image = NULL;

	if (asprintf(&image, IMAGE_ROOTS "/%s/root.squashfs", g->id) < 0) {
		image = NULL;
		return -ENOMEM;
	}
	*ret = image_host_path(env, image);
	return *ret ? 0 : -ENOMEM;
}

static int add_programs_of(struct archive_out *a, const struct image_env *env,
			   const struct image_generation *g, const char *work)
{
	_cleanup_free_ char *image = NULL, *tree = fs_join(work, "programs");
	int r = tree ? image_path(env, g, &image) : -ENOMEM;

	if (r == 0)
		r = squashfs_unpack(env, image, tree);
	return r < 0 ? r : add_programs(a, env, tree);
}

static int add_modules(struct archive_out *a, const struct modules *m)
{
	archive_add_file(a, WIRE_DIR "/modules.conf" + 1, 0644, m->conf, strlen(m->conf));
	if (m->ssi)
		archive_add_file(a, WIRE_DIR "/ssi.conf" + 1, 0644, m->ssi, strlen(m->ssi));
	for (size_t i = 0; i < m->names.n; i++) {
		_cleanup_close_ int fd = open(m->files.v[i], O_RDONLY | O_CLOEXEC);
		_cleanup_free_ char *path = NULL, *data = NULL;
		size_t len;
		int r = fd < 0 ? -errno : archive_read_compressed(fd, MODULE_MAX, &data, &len);

		if (r < 0) {
			log_error(_("the module %s cannot be read: %s"), m->files.v[i], muster_strerror(r));
			return r;
		}
		if (asprintf(&path, MODULES_PATH "/%s.ko", m->names.v[i]) < 0)
			return -ENOMEM;
		archive_add_file(a, path, 0644, data, len);
	}
	return 0;
}

/* Where the image's modules lie once they are unpacked: usr/lib in a merged tree. NULL where it has none. */
static char *modules_folder(const char *target, const char *release)
{
	static const char *const places[] = { "usr/lib/modules", "lib/modules" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *folder;

		if (asprintf(&folder, "%s/%s/%s", target, places[i], release) < 0)
			return NULL;
		if (access(folder, F_OK) == 0)
			return folder;
		free(folder);
	}
	return NULL;
}

/* A kernel without any module has everything built in, or shall not have been chosen. */
static int collect(const struct image_env *env, const struct plan *p, const struct image_generation *g,
		   const char *work, struct modules **ret)
{
	_cleanup_free_ char *image = NULL, *target = fs_join(work, "modules"), *folder = NULL;
	struct modules *none;
	int r = target ? image_path(env, g, &image) : -ENOMEM;

	if (r == 0)
		r = squashfs_unpack_modules(env, image, target);
	if (r < 0)
		return r;
	folder = modules_folder(target, g->kernel_release);
	if (folder)
		return modules_collect(folder, p->root, *g->on, ret);
	none = calloc(1, sizeof(*none));
	if (none)
		none->conf = strdup("# This kernel has no modules.\n");
	if (!none || !none->conf) {
		modules_free(none);
		return -ENOMEM;
	}
	*ret = none;
	return 0;
}

static int write_image(const struct image_env *env, const char *id, const struct image_generation *g,
		       const char *data, size_t len)
{
	const struct fs_attr attr = { .mode = 0644, .uid = 0, .gid = 0 };
	_cleanup_free_ char *path = NULL, *facts_path = NULL, *facts = NULL;
	json_t *root =
		json_pack("{s:s, s:s, s:s}", "id", id, "root", g->id, "kernel_release", g->kernel_release);
	int r;

	facts = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	if (!facts || asprintf(&path, IMAGE_INITRAMFS "/%s.img", id) < 0)
		return -ENOMEM;
	if (asprintf(&facts_path, IMAGE_INITRAMFS "/%s.json", id) < 0)
		return -ENOMEM;
	r = fs_write(env->root_fd, facts_path, facts, strlen(facts), &attr);
	if (r == 0)
		r = fs_write(env->root_fd, path, data, len, &attr);
	if (r < 0)
		log_error(_("%s cannot be written: %s"), path, muster_strerror(r));
	return r;
}

static int build(const struct image_env *env, const struct plan *p, const struct image_generation *g,
		 const char *id, const char *work)
{
	_cleanup_(modules_freep) struct modules *m = NULL;
	_cleanup_(archive_dropp) struct archive_out *a = NULL;
	_cleanup_free_ char *data = NULL;
	size_t len;
	int r = collect(env, p, g, work, &m);

	if (r == 0)
		image_progress(env, STEP, 300, NULL);
	if (r == 0)
		r = archive_new(compression_for(g->kernel_release), &a);
	if (r == 0)
		r = has_programs(p, g) ? add_programs_of(a, env, g, work) : add_base(a, env, p);
	if (r == 0)
		r = add_modules(a, m);
	if (r == 0 && image_cancelled(env))
		r = -MUSTER_E_CANCELLED;
	if (r == 0)
		image_progress(env, STEP, 600, NULL);
	if (r == 0)
		r = archive_finish(TAKE_PTR(a), &data, &len);
	return r < 0 ? r : write_image(env, id, g, data, len);
}

static bool built_already(const struct image_env *env, const char *id)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	return asprintf(&path, IMAGE_INITRAMFS "/%s.img", id) >= 0 && fs_stat(env->root_fd, path, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size > 0;
}

static int build_in_folder(const struct image_env *env, const struct plan *p,
			   const struct image_generation *g, const char *id)
{
	_cleanup_free_ char *folder = NULL, *host_folder = NULL;
	int r;

	if (asprintf(&folder, IMAGE_INITRAMFS "/.building-%s-%ld", id, (long)getpid()) < 0)
		return -ENOMEM;
	host_folder = image_host_path(env, folder);
	if (!host_folder)
		return -ENOMEM;
	r = image_need_space(env, IMAGE_INITRAMFS, INITRAMFS_SPACE);
	if (r == 0)
		r = fs_mkdir_all(env->root_fd, folder, 0700);
	if (r == 0)
		r = build(env, p, g, id, host_folder);
	if (image_discard(env, folder) < 0)
		log_warning(_("the work folder of the initramfs stays in %s"), folder);
	return r;
}

int image_initramfs_build(const struct image_env *env, const struct plan *p, const struct image_generation *g,
			  char **ret_id)
{
	_cleanup_free_ char *id = NULL;
	_cleanup_close_ int lock = -1;
	int r = image_initramfs_id(env, p, g, &id);

	if (r < 0)
		return r;
	if (!built_already(env, id)) {
		r = image_lock(env, IMAGE_INITRAMFS, STEP, &lock);
		if (r == 0)
			r = image_sweep(env, IMAGE_INITRAMFS);
		image_progress(env, STEP, 0, NULL);
		if (r == 0 && !built_already(env, id))
			r = build_in_folder(env, p, g, id);
		if (r == 0)
			image_progress(env, STEP, 1000, NULL);
	}
	if (r == 0)
		*ret_id = TAKE_PTR(id);
	return r;
}

/* ---- removing ----------------------------------------------------------------------------------------- */

static int remove_one(const struct image_env *env, const char *facts_name, const char *generation)
{
	_cleanup_free_ char *path = fs_join(IMAGE_INITRAMFS, facts_name), *image = NULL, *text = NULL;
	const char *of;
	json_t *root;
	size_t len;
	int r = path ? fs_read(env->root_fd, path, 65536, &text, &len) : -ENOMEM;

	if (r < 0)
		return r;
	root = json_loadb(text, len, 0, NULL);
	of = json_string_value(json_object_get(root, "root"));
	if (of && strcmp(of, generation) == 0) {
		if (asprintf(&image, "%.*s.img", (int)(strlen(path) - strlen(".json")), path) < 0)
			r = -ENOMEM;
		if (r == 0)
			r = fs_unlink(env->root_fd, image);
		if (r == 0)
			r = fs_unlink(env->root_fd, path);
	}
	json_decref(root);
	return r;
}

int initramfs_remove_of(const struct image_env *env, const char *generation)
{
	int fd = fs_open(env->root_fd, IMAGE_INITRAMFS, O_RDONLY | O_DIRECTORY, 0);
	struct dirent *e;
	int r = 0;
	DIR *d;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (*e->d_name != '.' && len > 5 && strcmp(e->d_name + len - 5, ".json") == 0)
			r = remove_one(env, e->d_name, generation);
	}
	closedir(d);
	return r;
}
