/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a tree that was built to a generation: the folder "out", which gets the generation's name when it is whole. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define INSTALL_MS (60 * 60 * 1000)
#define CONFIG_MAX (4UL << 20)

/* The x86 boot protocol (Documentation/arch/x86/boot.rst): "HdrS" at 0x202; at 0x20e a little-endian offset, less
 * 0x200, of the version string "RELEASE (builder@host) #1 ...". */
#define BOOT_MAGIC_AT 0x202
#define BOOT_VERSION_AT 0x20e
#define BOOT_HEADER 0x210
#define BOOT_TEXT 512

struct package {
	struct kernel_work *w;
	int out_fd;
	char *release, *version;
	char config_sha256[HASH_TEXT], image_sha256[HASH_TEXT];
	unsigned long long bytes;
};

static const struct fs_attr plain = { .mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1 };

/* ---- the image -------------------------------------------------------------------------------------------- */

static int read_version(struct package *p, int fd)
{
	char header[BOOT_HEADER], text[BOOT_TEXT + 1] = { 0 };
	const char *version;
	unsigned int at;
	size_t n;

	if (pread(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header + BOOT_MAGIC_AT, "HdrS", 4) != 0)
		return -MUSTER_E_FORMAT;
	at = (unsigned char)header[BOOT_VERSION_AT] | (unsigned int)(unsigned char)header[BOOT_VERSION_AT + 1]
							      << 8;
	if (at == 0 || pread(fd, text, BOOT_TEXT, (off_t)at + 0x200) <= 0)
		return -MUSTER_E_FORMAT;
	n = strcspn(text, " ");
	version = strstr(text, ") ");
	/* It becomes the name of a folder. */
	if (!version || n == 0 || *text == '.' || memchr(text, '/', n))
		return -MUSTER_E_FORMAT;
	p->release = strndup(text, n);
	p->version = strdup(version + 2);
	return p->release && p->version ? 0 : -ENOMEM;
}

static int hash_of(int fd, char ret[HASH_TEXT])
{
	struct hash *h;
	int r = lseek(fd, 0, SEEK_SET) < 0 ? -errno : hash_new(&h);

	if (r < 0)
		return r;
	r = hash_add_fd(h, fd);
	if (r < 0) {
		hash_free(h);
		return r;
	}
	hash_end(h, ret);
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* What the build's user made may be a pipe that nobody writes into. -ENOENT; -EINVAL: it is no plain file. */
static int open_plain(int root_fd, const char *path)
{
	_cleanup_close_ int fd = fs_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EINVAL;
}

static int take_image(struct package *p)
{
	const struct strv *images = &p->w->recipe->images;
	_cleanup_close_ int fd = -1;
	int r;

	for (size_t i = 0; fd < 0 && i < images->n; i++)
		fd = open_plain(p->w->tree_fd, images->v[i]);
	if (fd < 0) {
		log_error(_("the build ended well, and made no %s"), images->v[0]);
		return -ENOENT;
	}
	r = read_version(p, fd);
	if (r == -MUSTER_E_FORMAT)
		log_error(_("what the tree built is no kernel that an x86 machine boots"));
	if (r == 0)
		r = hash_of(fd, p->image_sha256);
	return r < 0 ? r : fs_copy(fd, p->out_fd, "/vmlinuz", &plain);
}

static int take_file(struct package *p, const char *from, const char *to)
{
	_cleanup_close_ int fd = open_plain(p->w->tree_fd, from);

	if (fd == -ENOENT)
		return 0;
	if (fd == -EINVAL)
		log_error(_("the build made %s, and it is no plain file"), from + 1);
	return fd < 0 ? fd : fs_copy(fd, p->out_fd, to, &plain);
}

/* ---- modules ------------------------------------------------------------------------------------------------ */

static bool has_modules(struct package *p)
{
	_cleanup_free_ char *config = NULL, *value = NULL;
	size_t len;

	return fs_read(p->w->tree_fd, "/.config", CONFIG_MAX, &config, &len) == 0 &&
	       craft_config_get(config, "MODULES", &value) == 0 && strcmp(value, "y") == 0;
}

/* make installs them as the user without rights, into a folder of his. */
static int install_modules(struct package *p)
{
	struct kernel_work *w = p->w;
	_cleanup_free_ char *place = NULL;
	_cleanup_close_ int fd = -1;
	int r = fs_mkdir_all(w->folder_fd, "/install", 0755);

	if (r == 0)
		fd = fs_open(w->folder_fd, "/install", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return r < 0 ? r : fd;
	if (w->uid != (uid_t)-1 && fchown(fd, w->uid, w->gid) < 0)
		return -errno;
	if (asprintf(&place, "INSTALL_MOD_PATH=%s/install", w->host_folder) < 0) {
		place = NULL;
		return -ENOMEM;
	}
	return kernel_work_make(w, NULL, INSTALL_MS, "modules_install", place, "INSTALL_MOD_STRIP=1", NULL);
}

/* libkmod refuses a folder without this list, and `muster kernel check` looks for drivers in it. */
static int list_builtin(struct package *p)
{
	struct kernel_work *w = p->w;
	_cleanup_free_ char *path = NULL, *config = NULL, *list = NULL;
	size_t len;
	int r;

	if (asprintf(&path, "/install/lib/modules/%s/modules.builtin", p->release) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (fs_exists(w->folder_fd, path))
		return 0;
	r = fs_read(w->tree_fd, "/.config", CONFIG_MAX, &config, &len);
	if (r == 0)
		r = kernel_list_builtin(w->tree_fd, config, w->recipe->architecture, &list);
	return r < 0 ? r : fs_write(w->folder_fd, path, list, strlen(list), &plain);
}

/* By the server's own depmod: a toolchain may have none, and the kernel's makefile saw neither the list nor other modules. */
static int index_modules(struct package *p)
{
	_cleanup_free_ char *base = fs_join(p->w->host_folder, "install");
	int status, r = base ? 0 : -ENOMEM;

	if (r == 0)
		r = kernel_work_run(p->w, (const char *const[]){ "depmod", "-b", base, p->release, NULL },
				    NULL, INSTALL_MS, &status);
	if (r == 0 && status != 0) {
		log_error(_("depmod for %s ended with status %d"), p->release, status);
		r = -MUSTER_E_COMMAND;
	}
	return r;
}

/* The links to the tree lead nowhere once the tree is gone. */
static int move_modules(struct package *p)
{
	_cleanup_free_ char *from = NULL, *to = NULL, *build = NULL, *source = NULL;
	_cleanup_close_ int parent = -1;
	const char *name;
	struct stat st;
	int r = fs_mkdir_all(p->out_fd, "/lib/modules", 0755);

	if (asprintf(&from, "/install/lib/modules/%s", p->release) < 0)
		from = NULL;
	if (asprintf(&to, "lib/modules/%s", p->release) < 0)
		to = NULL;
	build = to ? fs_join(to, "build") : NULL;
	source = to ? fs_join(to, "source") : NULL;
	if (!from || !build || !source)
		return -ENOMEM;
	/* What the build's user made may hold links: none of them leads us out of the folder. */
	if (r == 0)
		parent = fs_open_parent(p->w->folder_fd, from, &name);
	if (r == 0 && (parent < 0 || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0))
		r = parent < 0 ? parent : -errno;
	if (r == 0 && !S_ISDIR(st.st_mode))
		r = -ENOTDIR;
	if (r == 0 && renameat(parent, name, p->out_fd, to) < 0)
		r = -errno;
	if (r < 0)
		log_error(_("the build installed no modules for %s: %s"), p->release, muster_strerror(r));
	if (r == 0)
		r = fs_unlink(p->out_fd, build);
	return r < 0 ? r : fs_unlink(p->out_fd, source);
}

static int rewrite(const char *path, unsigned int *n)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	unsigned int changed = 0;
	int r = fd < 0 ? -errno : kernel_rewrite_relocations(fd, &changed);

	if (r < 0)
		log_error(_("the relocations of %s cannot be rewritten: %s"), path, muster_strerror(r));
	*n += changed;
	return r;
}

static bool is_module(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && strcmp(name + n - 3, ".ko") == 0;
}

/* Over all of the generation: it becomes ours, nobody may change it, and old loaders get what they know. */
static int finish_files(struct package *p)
{
	_cleanup_free_ char *out = fs_join(p->w->host_folder, "out");
	char *const paths[] = { out, NULL };
	bool old = kernel_is_old_loader(p->release);
	unsigned int rewritten = 0;
	FTSENT *e;
	FTS *fts = out ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL) : NULL;
	int r = 0;

	if (!fts)
		return -ENOMEM;
	while (r == 0 && (e = fts_read(fts))) {
		if (e->fts_info == FTS_DP)
			continue;
		if (geteuid() == 0 && lchown(e->fts_accpath, 0, 0) < 0)
			r = -errno;
		if (r == 0 && e->fts_info == FTS_F && old && strstr(e->fts_name, ".ko.")) {
			log_error(_("%s is compressed: its relocations cannot be rewritten for this kernel's "
				    "loader. "
				    "Build without MODULE_COMPRESS"),
				  e->fts_name);
			r = -MUSTER_E_UNSUPPORTED;
		}
		if (r == 0 && e->fts_info == FTS_F && old && is_module(e->fts_name))
			r = rewrite(e->fts_accpath, &rewritten);
		if (r == 0 && e->fts_info == FTS_F && chmod(e->fts_accpath, 0644) < 0)
			r = -errno;
		if (r == 0 && e->fts_info == FTS_D && chmod(e->fts_accpath, 0755) < 0)
			r = -errno;
		if (e->fts_info == FTS_F)
			p->bytes += (unsigned long long)e->fts_statp->st_size;
	}
	fts_close(fts);
	if (r == 0 && rewritten)
		log_debug("%u relocations were rewritten for the old loader", rewritten);
	return r;
}

/* ---- the generation -------------------------------------------------------------------------------------------- */

static int write_facts(struct package *p, const struct craft_input *inputs, size_t n)
{
	_cleanup_free_ char *text = NULL, *built = NULL;
	_cleanup_close_ int config = fs_open(p->out_fd, "/config", O_RDONLY, 0);
	int r = config < 0 ? config : hash_of(config, p->config_sha256);

	if (r == 0)
		r = craft_time_text(&built);
	if (r < 0)
		return r;
	r = kernel_facts_text(&(struct kernel_facts){ .id = p->w->id,
						      .recipe = p->w->recipe,
						      .cc = p->w->cc,
						      .inputs = inputs,
						      .n_inputs = n,
						      .release = p->release,
						      .version = p->version,
						      .built = built,
						      .config_sha256 = p->config_sha256,
						      .image_sha256 = p->image_sha256,
						      .bytes = p->bytes,
						      .compiled = p->w->all_compiled },
			      &text);
	return r < 0 ? r : fs_write(p->out_fd, "/kernel.json", text, strlen(text), &plain);
}

static int fill(struct package *p)
{
	int r = take_image(p);

	if (r == 0)
		r = take_file(p, "/System.map", "/System.map");
	if (r == 0)
		r = take_file(p, "/.config", "/config");
	if (r == 0 && has_modules(p)) {
		r = install_modules(p);
		if (r == 0)
			r = kernel_step_external(p->w, p->release);
		if (r == 0)
			r = list_builtin(p);
		if (r == 0)
			r = index_modules(p);
		if (r == 0)
			r = move_modules(p);
	} else if (r == 0 && p->w->recipe->n_externals > 0) {
		log_error(_("the recipe %s builds the module %s, and this kernel takes none: set MODULES"),
			  p->w->recipe->name, p->w->recipe->externals[0].name);
		r = -MUSTER_E_REFUSED;
	}
	if (r == 0)
		r = kernel_check_outcome(p->w->recipe, p->out_fd, p->release);
	return r < 0 ? r : finish_files(p);
}

static int give_name(struct package *p)
{
	_cleanup_close_ int all = fs_open(p->w->env->root_fd, KERNEL_GENERATIONS, O_RDONLY | O_DIRECTORY, 0);

	if (all < 0)
		return all;
	if (syncfs(all) < 0 || renameat(p->w->folder_fd, "out", all, p->w->id) < 0 || fsync(all) < 0)
		return -errno;
	return 0;
}

/* What an earlier attempt left in the folder. */
static int clear(struct kernel_work *w)
{
	int r = fs_remove_tree(w->folder_fd, "/out");

	return r < 0 ? r : fs_remove_tree(w->folder_fd, "/install");
}

int kernel_step_package(struct kernel_work *w, const struct craft_input *inputs, size_t n)
{
	struct package p = { .w = w, .out_fd = -1 };
	int r;

	kernel_work_step(w, NC_("step", "package"), w->id);
	r = clear(w);
	if (r == 0)
		r = fs_mkdir_all(w->folder_fd, "/out", 0755);
	if (r == 0)
		p.out_fd = fs_open(w->folder_fd, "/out", O_RDONLY | O_DIRECTORY, 0);
	if (r == 0 && p.out_fd < 0)
		r = p.out_fd;
	if (r == 0)
		r = fill(&p);
	if (r == 0)
		r = write_facts(&p, inputs, n);
	if (r == 0 && kernel_cancelled(w->env))
		r = -MUSTER_E_CANCELLED;
	if (r == 0)
		r = give_name(&p);
	if (r == -ENOSPC)
		log_error(_("the disk that holds %s is full"), w->host_folder);
	closep(&p.out_fd);
	free(p.release);
	free(p.version);
	return r;
}
