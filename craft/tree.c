/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a source to a folder of a build. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "craft/craft.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define UNPACKED "unpacked"

int craft_only_folder(int fd, char **ret)
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
static int copy_folder(const struct craft_env *env, const struct craft_input *in, int folder_fd,
		       const char *folder, const char *name, uid_t uid, gid_t gid)
{
	_cleanup_free_ char *to = fs_join(folder, name), *place = fs_join("/", name);
	char sha256[HASH_TEXT];
	int64_t newest;
	int r = to && place ? fs_mkdir_all(folder_fd, place, 0755) : -ENOMEM;

	if (r < 0)
		return r;
	craft_progress(env, NC_("step", "copy"), in->place, -1, NULL);
	r = craft_folder_copy(env, in->file, to, uid, gid);
	if (r == 0)
		r = craft_folder_hash(env, in->file, sha256, &newest);
	if (r == 0 && strcmp(sha256, in->sha256) != 0) {
		log_error(_("the folder %s was changed while the build began"), in->place);
		r = -MUSTER_E_CONFLICT;
	}
	return r;
}

int craft_tree(const struct craft_env *env, const struct craft_input *in, int folder_fd, const char *folder,
	       const char *name, uid_t uid, gid_t gid, int64_t *ret_newest)
{
	_cleanup_close_ int archive = -1, top = -1;
	_cleanup_free_ char *only = NULL;
	int r;

	if (in->folder) {
		r = copy_folder(env, in, folder_fd, folder, name, uid, gid);
		if (r == 0)
			*ret_newest = in->newest;
		return r;
	}
	archive = open(in->file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	r = archive < 0 ? -errno : fs_mkdir_all(folder_fd, "/" UNPACKED, 0755);
	if (r == 0)
		top = fs_open(folder_fd, "/" UNPACKED, O_RDONLY | O_DIRECTORY, 0);
	if (top < 0)
		return r < 0 ? r : top;
	r = craft_input_verify(env, in, archive);
	if (r < 0)
		return r;
	craft_progress(env, NC_("step", "unpack"), in->place, -1, NULL);
	r = craft_unpack(env, archive, in->place, top, uid, gid, ret_newest);
	if (r < 0)
		return r;
	r = craft_only_folder(top, &only);
	if (r == -MUSTER_E_FORMAT)
		log_error(_("the archive %s is empty"), in->place);
	if (r < 0)
		return r;
	if (renameat(only ? top : folder_fd, only ? only : UNPACKED, folder_fd, name) < 0)
		return -errno;
	return only && unlinkat(folder_fd, UNPACKED, AT_REMOVEDIR) < 0 ? -errno : 0;
}
