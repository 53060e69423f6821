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

static int cannot_remove(struct apply *a, const char *path, int r)
{
	if (r == -EXDEV || r == -EBUSY)
		apply_error(
			a,
			_("%s cannot be removed: something is mounted on it or in it. Unmount that, then run "
			  "`muster uninstall` again."),
			path);
	else
		apply_error(a, _("%s cannot be removed: %s."), path, muster_strerror(r));
	return r;
}

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
		return cannot_remove(a, ETC, -errno);
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

	return r < 0 && r != -ENOENT ? cannot_remove(a, path, r) : 0;
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
	while ((e = readdir(d))) {
		_cleanup_free_ char *path = NULL;
		int one;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, JOURNALS) == 0)
			continue;
		path = fs_join(VAR, e->d_name);
		one = path ? remove_one(a, path) : -ENOMEM;
		r = r < 0 ? r : one;
	}
	closedir(d);
	if (r == 0)
		apply_note(a, _("%s stays: it has what somebody else had written over muster's files."),
			   APPLY_JOURNAL);
	return r;
}

/* One that cannot be removed does not keep the others from it. The lock is in the last of them. */
static int remove_all(struct apply *a)
{
	bool kept;
	int r = has_kept(a, &kept), results[5];

	if (r < 0)
		return r;
	results[0] = remove_etc(a);
	apply_say(a, NC_("step", "remove"), "%s", VAR);
	results[1] = kept ? remove_but_journals(a) : remove_one(a, VAR);
	results[2] = remove_one(a, APPLY_LOGS);
	results[3] = remove_one(a, APPLY_RUN);
	results[4] = remove_one(a, APPLY_WORK);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(results); i++)
		r = results[i];
	return r;
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
