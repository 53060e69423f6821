/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Leaving the server as it was before the first apply. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

#define ETC "/etc/muster"
#define VAR "/var/lib/muster"
#define JOURNALS "journal" /* in VAR */

/* What stays in muster's own folder is the operator's: recipes, parts. */
static int remove_etc(struct apply *a)
{
	_cleanup_close_ int parent = -1;
	const char *name;

	parent = fs_open_parent(a->root_fd, ETC, &name);
	if (parent < 0)
		return parent == -ENOENT ? 0 : parent;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	apply_note(a, _("%s stays: what is in it is your own."), ETC);
	return 0;
}

/* Whether undo has kept in a journal what somebody else had written. */
static int has_kept(struct apply *a, bool *ret)
{
	_cleanup_free_ unsigned int *numbers = NULL;
	size_t n = 0;
	int r = journal_list(a->root_fd, &numbers, &n);

	*ret = false;
	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s/%04u/kept", APPLY_JOURNAL, numbers[i]) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		*ret |= fs_exists(a->root_fd, path);
	}
	return r;
}

static int remove_one(struct apply *a, const char *path)
{
	int r = fs_remove_tree(a->root_fd, path);

	if (r < 0 && r != -ENOENT)
		apply_error(a, _("%s cannot be removed: %s."), path, muster_strerror(r));
	return r == -ENOENT ? 0 : r;
}

static int remove_but_journals(struct apply *a)
{
	int fd = fs_open(a->root_fd, VAR, O_RDONLY | O_DIRECTORY, 0), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		closep(&fd);
		return fd < 0 ? fd : -ENOMEM;
	}
	while (r == 0 && (e = readdir(d))) {
		_cleanup_free_ char *path = NULL;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, JOURNALS) == 0)
			continue;
		path = fs_join(VAR, e->d_name);
		r = path ? remove_one(a, path) : -ENOMEM;
	}
	closedir(d);
	if (r == 0)
		apply_note(a, _("%s stays: it has what somebody else had written over muster's files."),
			   APPLY_JOURNAL);
	return r;
}

/* The lock is in the last of them. */
static int remove_all(struct apply *a)
{
	bool kept;
	int r = has_kept(a, &kept);

	if (r == 0)
		r = remove_etc(a);
	if (r < 0)
		return r;
	apply_say(a, NC_("step", "remove"), "%s", VAR);
	r = kept ? remove_but_journals(a) : remove_one(a, VAR);
	if (r == 0)
		r = remove_one(a, APPLY_LOGS);
	return r < 0 ? r : remove_one(a, APPLY_RUN);
}

int apply_uninstall(struct apply *a)
{
	_cleanup_close_ int lock = -1;
	unsigned int n;
	int r = lock_take(a, &lock);

	if (r == 0)
		r = undo_to_locked(a, 0, &n);
	return r < 0 ? r : remove_all(a);
}
