/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tree of an older distribution: one that the operator has, or one from a mirror that the operator names. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#include "backend/image/base.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define COPY_MS (60 * 60 * 1000)

void base_tree_clear(struct base_tree *t)
{
	free(t->from.name);
	free(t->from.place);
	free(t->from.shown);
	free(t->from.file);
	free(t->from.sha256);
	free(t->keyring);
}

/* ---- what was asked for ------------------------------------------------------------------------------------ */

static int refuse(const char *text)
{
	log_error("%s", text);
	return -MUSTER_E_REFUSED;
}

static bool is_plain(const char *s)
{
	return *s && !strpbrk(s, " \t\n\r\"'");
}

static int check_wish(const struct image_base_wish *w)
{
	bool mirror = w->mirror || w->release || w->keyring;

	if (w->mode != PLAN_ROOT_NFS && (w->from || mirror))
		return refuse(_(
			"only a base for root mode nfs stands on a distribution's tree: give --mode nfs with "
			"--from, --mirror, --release and --keyring"));
	if (w->mode != PLAN_ROOT_NFS)
		return 0;
	if (w->from && mirror)
		return refuse(_("the tree is either yours (--from) or a mirror's (--mirror and --release), "
				"not both"));
	if (!w->from && (!w->mirror || !w->release))
		return refuse(_("a base for root mode nfs stands on the tree of an older distribution: name "
				"yours with "
				"--from FOLDER or --from ARCHIVE, or a mirror and the release there with "
				"--mirror URL "
				"--release NAME"));
	if (mirror && (!is_plain(w->mirror) || !strstr(w->mirror, ":/")))
		return refuse(_("--mirror is to be a URL, as http://HOST/debian or file:///srv/mirror"));
	/* It goes into the tree, which every node may read. */
	if (mirror && craft_has_password(w->mirror))
		return refuse(_("--mirror is to be a URL without a user and a password: every node would get "
				"to know them"));
	if (mirror && (!is_plain(w->release) || *w->release == '-' || strchr(w->release, '/')))
		return refuse(_("--release is to be the name of a release on the mirror, as \"squeeze\""));
	return 0;
}

int base_tree_gather(const struct image_env *env, const struct image_base_wish *wish, struct base_tree *ret)
{
	const struct craft_env craft = part_craft(env);
	int r = check_wish(wish);

	ret->wish = wish;
	if (r == 0 && wish->from) {
		ret->from.name = strdup("tree");
		r = ret->from.name ? craft_input_take(&craft, &ret->from, wish->from, "") : -ENOMEM;
	}
	if (r == 0 && wish->keyring) {
		ret->keyring = realpath(wish->keyring, NULL);
		r = ret->keyring ? 0 : -errno;
		if (r < 0)
			log_error(_("%s cannot be read: %s"), wish->keyring, muster_strerror(r));
	}
	return r;
}

int base_tree_hash(const struct base_tree *t, struct hash *h)
{
	_cleanup_close_ int fd = -1;

	if (t->from.place) {
		hash_add_string(h, t->from.sha256);
		return 0;
	}
	if (!t->wish->mirror)
		return 0;
	hash_add_string(h, t->wish->mirror);
	hash_add_string(h, t->wish->release);
	if (!t->keyring)
		return 0;
	fd = open(t->keyring, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : hash_add_fd(h, fd);
}

/* ---- the operator's own ------------------------------------------------------------------------------------------ */

static int copy(const struct image_env *env, const char *folder, const char *to)
{
	_cleanup_free_ char *all = fs_join(folder, ".");
	const char *argv[] = { "cp", "-a", "--one-file-system", "--reflink=auto", "--", all, to, NULL };
	const struct spawn s = {
		.argv = argv, .timeout_ms = COPY_MS, .cancel_fd = env->cancel_fd, .ends_with_us = true
	};

	return all ? spawn_check(&s, NULL) : -ENOMEM;
}

static int unpack(const struct image_env *env, const struct base_tree *t, int folder_fd)
{
	const struct craft_env craft = part_craft(env);
	_cleanup_close_ int archive = open(t->from.file, O_RDONLY | O_CLOEXEC), tree = -1;
	_cleanup_free_ char *only = NULL;
	int r = archive < 0 ? -errno : 0;

	if (r == 0)
		tree = fs_open(folder_fd, "/tree", O_RDONLY | O_DIRECTORY, 0);
	if (r == 0 && tree < 0)
		r = tree;
	if (r == 0)
		r = craft_input_verify(&craft, &t->from, archive);
	image_progress(env, NC_("step", "unpack"), -1, t->from.place);
	if (r == 0)
		r = craft_unpack_system(&craft, archive, t->from.place, tree);
	if (r == 0)
		r = craft_only_folder(tree, &only);
	/* An archive with nothing in it is no system, which is said below. */
	if (r == -MUSTER_E_FORMAT)
		return 0;
	if (r < 0 || !only)
		return r;
	if (renameat(tree, only, folder_fd, "only") < 0 || unlinkat(folder_fd, "tree", AT_REMOVEDIR) < 0 ||
	    renameat(folder_fd, "only", folder_fd, "tree") < 0)
		return -errno;
	return 0;
}

/* ---- a mirror's -------------------------------------------------------------------------------------------------- */

static int install(const struct image_env *env, const struct base_tree *t, const char *host_folder)
{
	const struct root_builder_ops *ops = root_builder_find(env->host->family);
	const char *machine = ops ? ops->architecture(env->host->architecture) : NULL;
	_cleanup_strbuf_ struct strbuf sources = STRBUF_INIT;
	struct recipe recipe = { .ops = ops, .important = true };
	int r;

	if (!machine)
		return refuse(_("muster cannot make the tree of an older release on this server's "
				"distribution: bring "
				"one of your own with --from"));
	r = image_need_programs(env, NEED_ROOT, ops->programs);
	strbuf_addf(&sources, "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n", t->wish->mirror,
		    t->wish->release);
	if (t->keyring)
		strbuf_addf(&sources, "Signed-By: %s\n", t->keyring);
	recipe.suite = strdup(t->wish->release);
	recipe.architecture = strdup(machine);
	recipe.sources = sources.failed ? NULL : sources.data;
	if (r == 0 && (!recipe.suite || !recipe.architecture || !recipe.sources))
		r = -ENOMEM;
	if (r == 0)
		r = ops->build(env, &recipe, host_folder);
	free(recipe.suite);
	free(recipe.architecture);
	return r;
}

/* ---- what the boot needs of it ---------------------------------------------------------------------------------------- */

/* Without an overlay nothing can be made at the root's top when it boots. */
static int make_folders(int tree_fd)
{
	static const struct {
		const char *path;
		mode_t mode;
	} folders[] = {
		{ "/dev", 0755 },	  { "/proc", 0755 }, { "/sys", 0755 },
		{ "/run", 0755 },	  { "/tmp", 01777 }, { "/root", 0700 },
		{ "/etc/default", 0755 }, { "/var", 0755 },  { "/config", 0755 },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++)
		if (!fs_exists(tree_fd, folders[i].path))
			r = fs_mkdir_all(tree_fd, folders[i].path, folders[i].mode);
	return r;
}

/* glibc is one file since 2.34, and a link to libc-2.N.so before. */
static int read_libc(int tree_fd, char **ret)
{
	static const char *const folders[] = { "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64",
					       "/usr/lib64", "/lib" };
	unsigned int v[3];
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(folders) && !found; i++) {
		int fd = fs_open(tree_fd, folders[i], O_RDONLY | O_DIRECTORY, 0);
		DIR *d = fd < 0 ? NULL : fdopendir(fd);
		struct dirent *e;

		if (!d) {
			closep(&fd);
			continue;
		}
		while (!found && (e = readdir(d))) {
			_cleanup_close_ int file = -1;

			if (fnmatch("libc.so.6", e->d_name, 0) != 0 &&
			    fnmatch("libc-2.*.so", e->d_name, 0) != 0)
				continue;
			file = openat(dirfd(d), e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
			found = file >= 0 && image_abi_read(file, v) == 0;
		}
		closedir(d);
	}
	if (!found)
		*ret = strdup("");
	else if (asprintf(ret, "%u.%u.%u", v[0], v[1], v[2]) < 0)
		*ret = NULL;
	return *ret ? 0 : -ENOMEM;
}

static int complete(int tree_fd, char **ret_libc)
{
	int r = 0;

	if (!fs_exists(tree_fd, "/sbin/init") || !fs_exists(tree_fd, "/etc")) {
		log_error(_("the tree has no /sbin/init or no /etc: it is no whole system"));
		return -MUSTER_E_FORMAT;
	}
	r = make_folders(tree_fd);
	if (r == 0)
		r = neutral_tree(tree_fd);
	return r < 0 ? r : read_libc(tree_fd, ret_libc);
}

static json_t *what_of(const struct base_tree *t)
{
	_cleanup_free_ char *place = t->from.place ? craft_public_place(t->from.place) : NULL;

	if (t->from.place)
		return place ? json_pack("{s:s, s:s, s:s}", "name", "tree", "place", place, "sha256",
					 t->from.sha256)
			     : NULL;
	return json_pack("{s:s, s:s, s:s}", "name", "tree", "place", t->wish->mirror, "release",
			 t->wish->release);
}

int base_tree_make(const struct image_env *env, const struct base_tree *t, const char *folder,
		   const char *host_tree, char **ret_libc, json_t **ret_what)
{
	const struct craft_env craft = part_craft(env);
	_cleanup_close_ int folder_fd = fs_open(env->root_fd, folder, O_RDONLY | O_DIRECTORY, 0), tree = -1;
	_cleanup_free_ char *host_folder = image_host_path(env, folder), *libc = NULL;
	json_t *what;
	int r = folder_fd < 0 ? folder_fd : host_folder ? 0 : -ENOMEM;

	if (r == 0 && t->from.place)
		r = craft_input_ready(&craft, &t->from);
	if (r < 0)
		return r;
	if (!t->from.place)
		r = install(env, t, host_folder);
	else if (t->from.folder)
		r = copy(env, t->from.file, host_tree);
	else
		r = unpack(env, t, folder_fd);
	if (r < 0)
		return r;
	tree = fs_open(folder_fd, "/tree", O_RDONLY | O_DIRECTORY, 0);
	r = tree < 0 ? tree : complete(tree, &libc);
	if (r < 0)
		return r;
	what = what_of(t);
	if (!what)
		return -ENOMEM;
	*ret_libc = TAKE_PTR(libc);
	*ret_what = what;
	return 0;
}
