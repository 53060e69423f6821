/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The step kind "conffile": a file that was there before a package came, and that the package manager might change as it installs,
 * or take away as it removes. Nothing is done to it; it is only written down. Its undo comes after that of the packages.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/i18n.h"

/* A folder goes with the last file in it. */
static int folder_before(struct apply *a, const char *path, json_t *record)
{
	_cleanup_(present_free) struct present p = { 0 };
	_cleanup_free_ char *folder = parent_of(path);
	int r = folder ? present_read(a, folder, &p) : -ENOMEM;

	if (r < 0 || !p.exists)
		return r;
	return json_object_set_new(record, "folder", attributes_save(&p)) < 0 ? -ENOMEM : 0;
}

static int conffile_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	_cleanup_(present_free) struct present p = { 0 };
	struct change c = { .path = s->change->path };
	const struct step file = { .change = &c };
	int r = present_read(a, c.path, &p);

	if (r < 0)
		return r;
	c.kind = p.exists ? CHANGE_MODIFY : CHANGE_CREATE;
	c.old_data = p.data;
	c.old_len = p.len;
	r = step_file.before(a, j, &file, record);
	return r < 0 ? r : folder_before(a, c.path, record);
}

static int conffile_run(struct apply *a, const struct step *s, json_t *done)
{
	return 0;
}

static int folder_undo(struct apply *a, const char *path, const json_t *old)
{
	_cleanup_(attributes_free) struct attributes was = { 0 };
	_cleanup_free_ char *folder = parent_of(path);
	int r = folder ? attributes_load(old, &was) : -ENOMEM;

	if (r < 0 || !old || fs_exists(a->root_fd, folder))
		return r;
	r = fs_mkdir_all(a->root_fd, folder, 0755);
	if (r == 0)
		r = attributes_set(a->root_fd, folder, true, &was.attr);
	if (r < 0)
		apply_error(a, _("%s cannot be put back: %s."), folder, muster_strerror(r));
	return r;
}

static int conffile_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	const char *path = json_string_value(json_object_get(record, "path"));
	int r = path ? folder_undo(a, path, json_object_get(record, "folder")) : -MUSTER_E_FORMAT;

	return r < 0 ? r : step_file.undo(a, j, record, done);
}

const struct step_ops step_conffile = {
	.kind = "conffile",
	.before = conffile_before,
	.run = conffile_run,
	.undo = conffile_undo,
};

/* The hash of what is there; "" for nothing. */
static int hash_present(struct apply *a, const char *path, struct present *p, char ret[HASH_TEXT])
{
	int r = present_read(a, path, p);

	if (r < 0)
		return r;
	*ret = '\0';
	if (p->exists && !p->directory)
		hash_text(p->data, p->len, ret);
	return 0;
}

int conffiles_note(struct apply *a, const struct strv *paths, json_t *done)
{
	json_t *files = json_object();
	int r = files && json_object_set_new(done, "conffiles", files) == 0 ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && paths && i < paths->n; i++) {
		_cleanup_(present_free) struct present p = { 0 };
		char hash[HASH_TEXT];

		r = hash_present(a, paths->v[i], &p, hash);
		if (r == 0 && json_object_set_new(files, paths->v[i], json_string(hash)) < 0)
			r = -ENOMEM;
	}
	return r;
}

static int keep(struct apply *a, struct journal *j, const json_t *record, const json_t *installed)
{
	const char *path = json_string_value(json_object_get(record, "path"));
	const char *was = json_string_value(json_object_get(json_object_get(record, "old"), "sha256"));
	const char *then = path ? json_string_value(json_object_get(installed, path)) : NULL;
	_cleanup_(present_free) struct present p = { 0 };
	_cleanup_free_ char *kept = NULL;
	char hash[HASH_TEXT];
	int r;

	if (!then)
		return 0;
	r = hash_present(a, path, &p, hash);
	if (r < 0 || !*hash || strcmp(hash, then) == 0 || (was && strcmp(hash, was) == 0))
		return r;
	r = journal_keep(j, (unsigned int)json_integer_value(json_object_get(record, "step")), p.data, p.len,
			 &kept);
	if (r < 0)
		apply_error(a, _("%s cannot be saved before it is taken back: %s."), path,
			    muster_strerror(r));
	else
		apply_note(a, _("%s was changed by somebody since; that version is kept in %s"), path, kept);
	return r;
}

int conffiles_keep(struct apply *a, struct journal *j, const json_t *done)
{
	const json_t *installed = json_object_get(done, "conffiles");
	json_t *record;
	size_t i;
	int r = 0;

	json_array_foreach (j->steps, i, record) {
		const char *kind = json_string_value(json_object_get(record, "kind"));

		if (r == 0 && kind && strcmp(kind, step_conffile.kind) == 0)
			r = keep(a, j, record, installed);
	}
	return r;
}
