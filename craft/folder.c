/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A source that is unpacked already: an operator's own tree. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "craft/craft.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"

#define COPY_MS (60 * 60 * 1000)
#define LEFT_OUT ".git"

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* A tree has some ten thousand files: reading them all for every id would take seconds. */
static void add_entry(struct hash *h, const FTSENT *e, const char *below)
{
	const struct stat *st = e->fts_statp;
	char target[PATH_MAX];
	ssize_t n;

	hash_add_string(h, below);
	hash_add(h, &st->st_mode, sizeof(st->st_mode));
	if (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE) {
		n = readlink(e->fts_accpath, target, sizeof(target));
		hash_add(h, target, n > 0 ? (size_t)n : 0);
		return;
	}
	hash_add(h, &st->st_size, sizeof(st->st_size));
	hash_add(h, &st->st_mtim.tv_sec, sizeof(st->st_mtim.tv_sec));
	hash_add(h, &st->st_mtim.tv_nsec, sizeof(st->st_mtim.tv_nsec));
}

static int add_all(const struct craft_env *env, FTS *fts, size_t skip, struct hash *h, int64_t *newest)
{
	size_t seen = 0;
	FTSENT *e;

	while ((e = fts_read(fts))) {
		if (e->fts_level == 1 && strcmp(e->fts_name, LEFT_OUT) == 0) {
			fts_set(fts, e, FTS_SKIP);
			continue;
		}
		if (e->fts_info == FTS_ERR || e->fts_info == FTS_DNR || e->fts_info == FTS_NS)
			return -e->fts_errno;
		if (e->fts_info == FTS_D || e->fts_info == FTS_DP)
			continue;
		add_entry(h, e, e->fts_path + skip);
		*newest = MAX(*newest, (int64_t)e->fts_statp->st_mtime);
		if (++seen % 1024 == 0 && craft_cancelled(env))
			return -MUSTER_E_CANCELLED;
	}
	return 0;
}

int craft_folder_hash(const struct craft_env *env, const char *folder, char ret[HASH_TEXT],
		      int64_t *ret_newest)
{
	char *const paths[] = { (char *)(uintptr_t)folder, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	int64_t newest = 0;
	struct hash *h;
	int r;

	if (!fts)
		return -errno;
	r = hash_new(&h);
	if (r == 0) {
		r = add_all(env, fts, strlen(folder), h, &newest);
		hash_end(h, ret);
	}
	fts_close(fts);
	if (r < 0 && r != -MUSTER_E_CANCELLED)
		log_error(_("%s cannot be read: %s"), folder, muster_strerror(r));
	if (r == 0)
		*ret_newest = newest;
	return r;
}

static int add_entries(const char *folder, struct strv *argv)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int r = 0;

	if (!d)
		return -errno;
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, LEFT_OUT) != 0)
			r = strv_addf(argv, "%s/%s", folder, e->d_name);
	closedir(d);
	return r;
}

static int run(const struct craft_env *env, const struct strv *argv)
{
	const struct spawn s = { .argv = (const char *const *)argv->v,
				 .timeout_ms = COPY_MS,
				 .cancel_fd = env->cancel_fd,
				 .ends_with_us = true };

	return spawn_check(&s, NULL);
}

int craft_folder_copy(const struct craft_env *env, const char *folder, const char *to, uid_t uid, gid_t gid)
{
	_cleanup_strv_ struct strv copy = STRV_INIT, own = STRV_INIT;
	size_t words;
	int r = strv_add_all(&copy, "cp", "-a", "--reflink=auto", "--no-preserve=ownership", "-t", to, "--",
			     NULL);

	words = copy.n;
	if (r == 0)
		r = add_entries(folder, &copy);
	if (r == 0 && copy.n == words) {
		log_error(_("the folder %s is empty"), folder);
		return -MUSTER_E_FORMAT;
	}
	if (r == 0)
		r = run(env, &copy);
	if (r < 0 || uid == (uid_t)-1)
		return r;
	r = strv_add_all(&own, "chown", "-R", "-h", NULL);
	if (r == 0)
		r = strv_addf(&own, "%u:%u", uid, gid);
	if (r == 0)
		r = strv_add_all(&own, "--", to, NULL);
	return r < 0 ? r : run(env, &own);
}
