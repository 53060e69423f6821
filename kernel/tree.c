/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From archives to the folders of a build: the first source becomes "tree", each other one has its own name. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define UNPACKED "unpacked"
#define CLEAN_MS (10 * 60 * 1000)

/* The one folder that the archive has at its top, as "linux-6.1"; NULL where there is more than that. */
static int only_folder(int fd, char **ret)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	_cleanup_free_ char *name = NULL;
	struct dirent *e;
	struct stat st;
	size_t n = 0;

	if (!d) {
		closep(&copy);
		return -errno;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		free(name);
		name = strdup(e->d_name);
		n++;
	}
	closedir(d);
	if (n > 0 && !name)
		return -ENOMEM;
	if (n == 1 && fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		*ret = TAKE_PTR(name);
	return n > 0 ? 0 : -MUSTER_E_FORMAT;
}

/* What is unpacked already is copied: the tree is built in, and the operator's stays as it is. */
static int copy_folder(struct kernel_work *w, const struct kernel_input *in, const char *name)
{
	_cleanup_free_ char *to = fs_join(w->host_folder, name), *place = fs_join("/", name);
	int r = to && place ? fs_mkdir_all(w->folder_fd, place, 0755) : -ENOMEM;

	if (r < 0)
		return r;
	kernel_work_step(w, NC_("step", "copy"), in->place);
	return kernel_folder_copy(w->env, in->file, to, w->uid, w->gid);
}

static int unpack(struct kernel_work *w, const struct kernel_input *in, const char *name, int64_t *ret_newest)
{
	_cleanup_close_ int archive = open(in->file, O_RDONLY | O_CLOEXEC), folder = -1;
	_cleanup_free_ char *only = NULL;
	int r = archive < 0 ? -errno : 0;

	if (r == 0)
		r = fs_mkdir_all(w->folder_fd, "/" UNPACKED, 0755);
	if (r == 0)
		folder = fs_open(w->folder_fd, "/" UNPACKED, O_RDONLY | O_DIRECTORY, 0);
	if (folder < 0)
		return r < 0 ? r : folder;
	kernel_work_step(w, NC_("step", "unpack"), in->place);
	r = kernel_unpack(w->env, archive, in->place, folder, w->uid, w->gid, ret_newest);
	if (r < 0)
		return r;
	r = only_folder(folder, &only);
	if (r == -MUSTER_E_FORMAT)
		log_error(_("the archive %s is empty"), in->place);
	if (r < 0)
		return r;
	if (renameat(only ? folder : w->folder_fd, only ? only : UNPACKED, w->folder_fd, name) < 0)
		return -errno;
	return only && unlinkat(w->folder_fd, UNPACKED, AT_REMOVEDIR) < 0 ? -errno : 0;
}

int kernel_step_unpack(struct kernel_work *w, const struct kernel_input *inputs, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = kernel_input_ready(w->env, &inputs[i]);
	for (size_t i = 0; r == 0 && i < w->recipe->n_sources; i++) {
		int64_t newest = 0;

		if (inputs[i].folder)
			r = copy_folder(w, &inputs[i], i == 0 ? "tree" : inputs[i].name);
		else
			r = unpack(w, &inputs[i], i == 0 ? "tree" : inputs[i].name, &newest);
		newest = inputs[i].folder ? inputs[i].newest : newest;
		if (i == 0)
			w->epoch = newest;
	}
	if (r == 0)
		r = kernel_work_open_tree(w);
	if (r == 0 && (!fs_exists(w->tree_fd, "/Makefile") ||
		       (!fs_exists(w->tree_fd, "/Kconfig") && !fs_exists(w->tree_fd, "/arch")))) {
		log_error(_("%s is no kernel's tree: it has no Makefile and Kconfig at its top"),
			  inputs[0].place);
		return -MUSTER_E_FORMAT;
	}
	/* Somebody may have built in it. */
	if (r == 0 && inputs[0].folder)
		r = kernel_work_make(w, NULL, CLEAN_MS, "mrproper", NULL);
	return r;
}
