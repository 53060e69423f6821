/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step kinds "file" and "directory". */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/i18n.h"

#define FILE_MAX ((size_t)256 * 1024 * 1024)

/* What muster's own services leave: undo takes it away with the file or folder that this apply was the first to make. Roots,
 * initramfs and journals are not among it. */
static const struct {
	const char *with, *folder, *pattern;
} leftovers[] = {
	{ "/var/lib/muster/state", "/var/lib/muster/state", "muster.db*" },
	{ "/var/lib/muster/ganesha", "/var/lib/muster/ganesha", "v4*" }, /* who had mounted: folders */
	{ APPLY_LOGS, APPLY_LOGS, "*.log" },
	/* These folders hold the journals and musterd's sockets: they are there before the first step. */
	{ APPLY_MANIFEST, APPLY_RUN, "*.pid" },
	{ APPLY_MANIFEST, APPLY_RUN, "*.sock" },
	{ APPLY_MANIFEST, "/var/lib/muster", "dnsmasq.leases" },
};

void present_free(struct present *p)
{
	free(p->data);
	xattrs_free(&p->xattrs);
	*p = (struct present){ 0 };
}

int present_read(struct apply *a, const char *path, struct present *ret)
{
	struct present p = { 0 };
	int r = fs_stat(a->root_fd, path, &p.st);

	if (r == -ENOENT) {
		*ret = (struct present){ 0 };
		return 0;
	}
	if (r == 0 && S_ISLNK(p.st.st_mode))
		r = stat_directory(a->root_fd, path, &p.st);
	if (r < 0 || !(S_ISREG(p.st.st_mode) || S_ISDIR(p.st.st_mode))) {
		apply_error(a,
			    _("%s is in the way: muster writes plain files and folders only, and that is "
			      "neither. Remove or "
			      "rename it."),
			    path);
		return -MUSTER_E_CONFLICT;
	}
	p.exists = true;
	p.directory = S_ISDIR(p.st.st_mode);
	r = attributes_read(a->root_fd, path, p.directory, &p.xattrs);
	if (r == 0 && !p.directory)
		r = fs_read(a->root_fd, path, FILE_MAX, &p.data, &p.len);
	if (r < 0) {
		apply_error(a, _("%s cannot be read: %s."), path, muster_strerror(r));
		present_free(&p);
		return r;
	}
	*ret = p;
	return 0;
}

static struct fs_attr new_attr(const struct change *c)
{
	struct fs_attr attr = { .mode = c->new_mode, .uid = c->new_uid, .gid = c->new_gid };

	/* The user may be a few steps old only. */
	if (!c->block)
		owner_ids(c->owner, &attr.uid, &attr.gid);
	return attr;
}

static int _printf_(3, 4) failed(struct apply *a, int r, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	apply_error(a, "%s", text ? text : muster_strerror(r));
	return r;
}

static int remove_matching(int root_fd, const char *folder, const char *pattern)
{
	int fd = fs_open(root_fd, folder, O_RDONLY | O_DIRECTORY, 0);
	const struct dirent *e;
	DIR *d;
	int r = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(d))) {
		_cleanup_free_ char *path = NULL;

		if (fnmatch(pattern, e->d_name, FNM_PERIOD) != 0)
			continue;
		path = fs_join(folder, e->d_name);
		r = path ? fs_remove_tree(root_fd, path) : -ENOMEM;
	}
	closedir(d);
	return r;
}

static int remove_leftovers(struct apply *a, const char *with)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(leftovers); i++)
		if (strcmp(leftovers[i].with, with) == 0)
			r = remove_matching(a->root_fd, leftovers[i].folder, leftovers[i].pattern);
	return r < 0 ? failed(a, r, _("%s cannot be cleared of what services left: %s."), with,
			      muster_strerror(r))
		     : 0;
}

/* ---- files --------------------------------------------------------------------------------------------- */

/* Bytes that come with a package are there now. */
static int late_data(struct apply *a, const struct change *c, char **ret, size_t *ret_len)
{
	_cleanup_close_ int real = -1;
	int r = fs_read(a->root_fd, c->source, FILE_MAX, ret, ret_len);

	if (r == -ENOENT) {
		real = fs_root_open("/");
		r = real < 0 ? real : fs_read(real, c->source, FILE_MAX, ret, ret_len);
	}
	if (r < 0)
		apply_error(a, _("%s is to be copied from %s, which cannot be read: %s."), c->path, c->source,
			    muster_strerror(r));
	return r;
}

/* Somebody may have written to the file since the changeset was made: it is not what was shown, then. */
static int verify_unchanged(struct apply *a, const struct change *c, const struct present *p)
{
	bool same = c->kind == CHANGE_CREATE
			    ? !p->exists
			    : p->exists && !p->directory && p->len == c->old_len &&
				      (p->len == 0 || memcmp(p->data, c->old_data, p->len) == 0);

	if (same)
		return 0;
	apply_error(
		a, _("%s was changed by somebody else while muster was at work. Look at it and begin again."),
		c->path);
	return -MUSTER_E_CONFLICT;
}

static int file_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	_cleanup_(present_free) struct present p = { 0 };
	const struct change *c = s->change;
	char hash[HASH_TEXT];
	_cleanup_free_ char *late = NULL;
	size_t late_len = 0;
	json_t *old;
	int r;

	r = present_read(a, c->path, &p);
	if (r == 0)
		r = verify_unchanged(a, c, &p);
	/* One that is only written down (conffile) has no source. */
	if (r == 0 && !c->new_data && c->source && (c->kind == CHANGE_CREATE || c->kind == CHANGE_MODIFY))
		r = late_data(a, c, &late, &late_len);
	if (r == 0 && p.exists)
		r = journal_save(j, p.data, p.len);
	if (r < 0)
		return r;
	old = attributes_save(&p);
	if (p.exists) {
		_cleanup_free_ char *saved = NULL;

		if (asprintf(&saved, "old/%u", journal_next(j)) < 0)
			saved = NULL;
		json_object_set_new(old, "saved", json_string(saved));
	}
	json_object_set_new(record, "path", json_string(c->path));
	if (c->block)
		json_object_set_new(record, "block", json_true());
	/* Whatever is found where a file was removed is somebody else's: no hash is "". */
	if (c->new_data || late)
		hash_text(late ? late : c->new_data, late ? late_len : c->new_len, hash);
	if (c->new_data || late || c->kind == CHANGE_REMOVE)
		json_object_set_new(record, "sha256", json_string(c->new_data || late ? hash : ""));
	return json_object_set_new(record, "old", old) < 0 ? -ENOMEM : 0;
}

static int remove_file(struct apply *a, const char *path)
{
	_cleanup_free_ char *parent = parent_of(path);
	int r = parent ? fs_unlink(a->root_fd, path) : -ENOMEM;

	if (r == 0)
		r = fs_fsync_dir(a->root_fd, parent);
	return r < 0 && r != -ENOENT ? failed(a, r, _("%s cannot be removed: %s."), path, muster_strerror(r))
				     : 0;
}

static int file_run(struct apply *a, const struct step *s, json_t *done)
{
	const struct change *c = s->change;
	struct fs_attr attr = new_attr(c);
	_cleanup_xattrs_ struct xattrs xattrs = { 0 };
	_cleanup_free_ char *late = NULL;
	size_t late_len = 0;
	int r;

	if (c->kind == CHANGE_REMOVE)
		return remove_file(a, c->path);
	if (c->kind == CHANGE_ATTRIBUTES) {
		r = attributes_set(a->root_fd, c->path, false, &attr);
		return r < 0 ? failed(a, r, _("%s cannot be given its owner and mode: %s."), c->path,
				      muster_strerror(r))
			     : 0;
	}
	if (!c->new_data) {
		r = late_data(a, c, &late, &late_len);
		if (r < 0)
			return r;
	}
	/* An ACL or a label that somebody gave the file is no part of its content, and stays. */
	if (c->kind == CHANGE_MODIFY) {
		r = attributes_read(a->root_fd, c->path, false, &xattrs);
		if (r < 0)
			return failed(a, r, _("%s cannot be read: %s."), c->path, muster_strerror(r));
		attr.xattrs = &xattrs;
	}
	r = fs_write(a->root_fd, c->path, late ? late : c->new_data, late ? late_len : c->new_len, &attr);
	return r < 0 ? failed(a, r, _("%s cannot be written: %s."), c->path, muster_strerror(r)) : 0;
}

/* The saved bytes, if they are still what was saved. */
static int saved_bytes(struct apply *a, struct journal *j, const json_t *record, char **ret, size_t *ret_len)
{
	const char *want = json_string_value(json_object_get(json_object_get(record, "old"), "sha256"));
	unsigned int step = (unsigned int)json_integer_value(json_object_get(record, "step"));
	_cleanup_free_ char *data = NULL;
	char hash[HASH_TEXT];
	size_t len;
	int r = journal_saved(j, step, &data, &len);

	if (r == 0) {
		hash_text(data, len, hash);
		if (!want || strcmp(hash, want) != 0)
			r = -MUSTER_E_FORMAT;
	}
	if (r < 0) {
		apply_error(a, _("What %s was before is saved in %s/old/%u, which cannot be read back: %s."),
			    json_string_value(json_object_get(record, "path")), j->path, step,
			    muster_strerror(r));
		return r;
	}
	*ret = TAKE_PTR(data);
	*ret_len = len;
	return 0;
}

/* True when the file is what this step wrote, so that nobody's work is lost with it. */
static bool is_ours(const struct present *p, const json_t *record)
{
	const char *ours = json_string_value(json_object_get(record, "sha256"));
	char hash[HASH_TEXT];

	if (!ours)
		return true;
	hash_text(p->data, p->len, hash);
	return strcmp(hash, ours) == 0;
}

/* In place of the old file: the present one, with the old block, or without one. */
static int old_block_into(const struct present *p, char **data, size_t *len)
{
	_cleanup_free_ char *block = NULL, *merged = NULL;
	size_t block_len = 0, merged_len;
	int r = *data ? block_get(*data, *len, &block, &block_len) : -ENOENT;

	if (r < 0 && r != -ENOENT)
		return r;
	r = block_set(p->data, p->len, block, block_len, &merged, &merged_len);
	if (r < 0)
		return r;
	free(*data);
	*data = TAKE_PTR(merged);
	*len = merged_len;
	return 0;
}

static int keep_foreign(struct apply *a, struct journal *j, const json_t *record, const struct present *p)
{
	const char *path = json_string_value(json_object_get(record, "path"));
	unsigned int step = (unsigned int)json_integer_value(json_object_get(record, "step"));
	_cleanup_free_ char *kept = NULL;
	int r = journal_keep(j, step, p->data, p->len, &kept);

	if (r < 0)
		return failed(a, r, _("%s cannot be saved before it is taken back: %s."), path,
			      muster_strerror(r));
	apply_note(a, _("%s was changed by somebody since; that version is kept in %s"), path, kept);
	return 0;
}

static int restore(struct apply *a, const char *path, const struct fs_attr *attr, const struct present *p,
		   const char *data, size_t len)
{
	int r;

	if (p->exists && p->len == len && (len == 0 || memcmp(p->data, data, len) == 0))
		r = attributes_set(a->root_fd, path, false, attr);
	else
		r = fs_write(a->root_fd, path, data, len, attr);
	return r < 0 ? failed(a, r, _("%s cannot be put back: %s."), path, muster_strerror(r)) : 0;
}

static int file_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	const char *path = json_string_value(json_object_get(record, "path"));
	const json_t *old = json_object_get(record, "old");
	bool existed = json_is_true(json_object_get(old, "exists")), same, foreign;
	_cleanup_(attributes_free) struct attributes was = { 0 };
	_cleanup_(present_free) struct present p = { 0 };
	_cleanup_free_ char *data = NULL;
	size_t len = 0;
	int r;

	if (!path)
		return -MUSTER_E_FORMAT;
	r = attributes_load(old, &was);
	if (r < 0)
		return r;
	r = fs_drop_temporary(a->root_fd, path);
	if (r == 0)
		r = present_read(a, path, &p);
	if (r == 0 && p.directory)
		return failed(a, -EISDIR, _("%s cannot be put back: %s."), path, muster_strerror(-EISDIR));
	if (r == 0 && existed)
		r = saved_bytes(a, j, record, &data, &len);
	if (r < 0)
		return r;
	same = existed && p.exists && p.len == len && (len == 0 || memcmp(p.data, data, len) == 0);
	foreign = p.exists && !same && !is_ours(&p, record);
	if (foreign && json_is_true(json_object_get(record, "block"))) {
		r = old_block_into(&p, &data, &len);
		/* Others have written into a file that muster began: it is theirs now. */
		if (r == 0 && !existed && len > 0) {
			was.attr = (struct fs_attr){ .mode = p.st.st_mode & 07777,
						     .uid = p.st.st_uid,
						     .gid = p.st.st_gid,
						     .xattrs = &p.xattrs };
			existed = true;
		}
	} else if (foreign) {
		r = keep_foreign(a, j, record, &p);
	}
	if (r < 0)
		return r;
	if (existed)
		return restore(a, path, &was.attr, &p, data, len);
	r = remove_leftovers(a, path);
	return r == 0 && p.exists ? remove_file(a, path) : r;
}

const struct step_ops step_file = {
	.kind = "file",
	.before = file_before,
	.run = file_run,
	.undo = file_undo,
};

/* ---- directories ------------------------------------------------------------------------------------------ */

static int directory_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	_cleanup_(present_free) struct present p = { 0 };
	int r = present_read(a, s->change->path, &p);

	if (r == 0 && p.exists && !p.directory) {
		apply_error(a, _("%s is a file, where muster wants a folder. Remove or rename it."),
			    s->change->path);
		r = -MUSTER_E_CONFLICT;
	}
	if (r < 0)
		return r;
	json_object_set_new(record, "path", json_string(s->change->path));
	if (s->change->kind == CHANGE_REMOVE)
		json_object_set_new(record, "removed", json_true());
	return json_object_set_new(record, "old", attributes_save(&p)) < 0 ? -ENOMEM : 0;
}

/* One that is not empty stays, and so does one that somebody has mounted something on. */
static int remove_if_empty(struct apply *a, const char *path)
{
	const char *name;
	_cleanup_close_ int dir = fs_open_parent(a->root_fd, path, &name);

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return fsync(dir) < 0 ? -errno : 0;
	if (errno == EBUSY) {
		apply_note(a, _("%s stays: something is mounted there. Unmount it, and remove the folder."),
			   path);
		return 0;
	}
	return errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR ? 0 : -errno;
}

static int directory_run(struct apply *a, const struct step *s, json_t *done)
{
	const struct change *c = s->change;
	const struct fs_attr attr = new_attr(c);
	int r;

	if (c->kind == CHANGE_REMOVE) {
		r = remove_if_empty(a, c->path);
		return r < 0 ? failed(a, r, _("%s cannot be removed: %s."), c->path, muster_strerror(r)) : 0;
	}
	r = fs_mkdir_all(a->root_fd, c->path, 0700);
	if (r == 0)
		r = attributes_set(a->root_fd, c->path, true, &attr);
	return r < 0 ? failed(a, r, _("%s cannot be made: %s."), c->path, muster_strerror(r)) : 0;
}

static int directory_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	const char *path = json_string_value(json_object_get(record, "path"));
	const json_t *old = json_object_get(record, "old");
	_cleanup_(attributes_free) struct attributes was = { 0 };
	struct stat st;
	int r = path ? attributes_load(old, &was) : -MUSTER_E_FORMAT;

	if (r < 0)
		return r;
	if (json_is_true(json_object_get(old, "exists"))) {
		if (stat_directory(a->root_fd, path, &st) == -ENOENT)
			r = fs_mkdir_all(a->root_fd, path, 0700);
		if (r == 0)
			r = attributes_set(a->root_fd, path, true, &was.attr);
		return r < 0 ? failed(a, r, _("%s cannot be put back: %s."), path, muster_strerror(r)) : 0;
	}
	r = remove_leftovers(a, path);
	if (r < 0)
		return r;
	r = remove_if_empty(a, path);
	return r < 0 ? failed(a, r, _("%s cannot be removed: %s."), path, muster_strerror(r)) : 0;
}

const struct step_ops step_directory = {
	.kind = "directory",
	.before = directory_before,
	.run = directory_run,
	.undo = directory_undo,
};
