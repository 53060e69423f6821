/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step kind "keys": one ssh host key a node, made here so that the server knows its nodes from their first boot on. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define KEY "ssh_host_ed25519_key"
#define KEY_MAX 16384
#define SCRATCH APPLY_WORK "/keys"

static int key_path(const char *node, const char *suffix, char **ret)
{
	return asprintf(ret, APPLY_KEYS "/%s/" KEY "%s", node, suffix) < 0 ? -ENOMEM : 0;
}

static bool has(struct apply *a, const char *node, const char *suffix)
{
	_cleanup_free_ char *path = NULL;

	return key_path(node, suffix, &path) == 0 && fs_exists(a->root_fd, path);
}

bool keys_exist(struct apply *a, const char *node)
{
	return has(a, node, "") && has(a, node, ".pub");
}

int keys_known_hosts(struct apply *a, const struct strv *nodes, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "# Written by muster: the host keys of the nodes.\n");
	for (size_t i = 0; i < nodes->n; i++) {
		_cleanup_free_ char *path = NULL, *key = NULL;
		int r = key_path(nodes->v[i], ".pub", &path);

		if (r == 0)
			r = fs_read(a->root_fd, path, KEY_MAX, &key, NULL);
		if (r < 0) {
			apply_error(a, _("The host key of %s cannot be read: %s."), nodes->v[i],
				    muster_strerror(r));
			return r;
		}
		/* "type key comment": the comment is not for here. The pattern covers the full name in any domain. */
		key[strcspn(key, "\n")] = '\0';
		if (strchr(key, ' '))
			strchr(key, ' ')[1 + strcspn(strchr(key, ' ') + 1, " ")] = '\0';
		strbuf_addf(&b, "%s,%s.* %s\n", nodes->v[i], nodes->v[i], key);
	}
	return strbuf_take(&b, ret, NULL);
}

/* What a node's folder is that is there already. */
static int save_folder(struct apply *a, const char *node, json_t *folders)
{
	_cleanup_(present_free) struct present p = { 0 };
	_cleanup_free_ char *path = fs_join(APPLY_KEYS, node);
	int r = path ? present_read(a, path, &p) : -ENOMEM;

	if (r == 0 && p.exists && json_object_set_new(folders, node, attributes_save(&p)) < 0)
		r = -ENOMEM;
	return r;
}

/* Which of the files are there already: undo leaves these. */
static int keys_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	json_t *nodes = json_array(), *kept = json_array(), *folders = json_object();
	int r = 0;

	for (size_t i = 0; i < s->names->n; i++) {
		const char *node = s->names->v[i];

		json_array_append_new(nodes, json_string(node));
		if (has(a, node, ""))
			json_array_append_new(kept, json_string(node));
		if (r == 0)
			r = save_folder(a, node, folders);
		if (!has(a, node, "") && has(a, node, ".pub")) {
			apply_error(a,
				    _("%s/%s holds a public key without its private one. Remove that folder: "
				      "muster makes a new pair."),
				    APPLY_KEYS, node);
			r = -MUSTER_E_CONFLICT;
		}
	}
	json_object_set_new(record, "nodes", nodes);
	json_object_set_new(record, "had", kept);
	json_object_set_new(record, "folders", folders);
	return r;
}

/* ssh-keygen writes into a folder of its own, and the pair goes to its place from there, whole or not at all. */
static int make_pair(struct apply *a, const char *node, const char *scratch, char **ret_key, char **ret_pub)
{
	_cleanup_free_ char *file = fs_join(scratch, KEY);
	int r;

	if (!file)
		return -ENOMEM;
	r = fs_unlink(a->root_fd, SCRATCH "/" KEY);
	if (r == 0)
		r = fs_unlink(a->root_fd, SCRATCH "/" KEY ".pub");
	if (r == 0)
		r = apply_command(a, 60000, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", node, "-f",
				  file, NULL);
	if (r == 0)
		r = fs_read(a->root_fd, SCRATCH "/" KEY, KEY_MAX, ret_key, NULL);
	if (r == 0)
		r = fs_read(a->root_fd, SCRATCH "/" KEY ".pub", KEY_MAX, ret_pub, NULL);
	return r;
}

/* The public half of a private key that is there. */
static int derive_public(struct apply *a, const char *node, char **ret_pub)
{
	_cleanup_free_ char *below = NULL, *real = NULL, *output = NULL;
	int r = key_path(node, "", &below);

	if (r == 0 && !(real = fs_join(a->root_path, below)))
		r = -ENOMEM;
	if (r == 0)
		r = spawn_argv(&output, 60000, "ssh-keygen", "-y", "-f", real, NULL);
	if (r < 0) {
		apply_error(a, _("The host key of %s is damaged. Remove %s/%s: muster makes a new one."),
			    node, APPLY_KEYS, node);
		return r;
	}
	*ret_pub = TAKE_PTR(output);
	return 0;
}

static int write_one(struct apply *a, const char *node, const char *suffix, const char *text, mode_t mode)
{
	_cleanup_free_ char *path = NULL;
	struct fs_attr attr = { .mode = mode };
	int r = key_path(node, suffix, &path);

	owner_ids(APPLY_USER, &attr.uid, &attr.gid);
	return r < 0 ? r : fs_write(a->root_fd, path, text, strlen(text), &attr);
}

static int node_folder(struct apply *a, const char *node)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	uid_t uid;
	gid_t gid;
	int r;

	if (asprintf(&path, APPLY_KEYS "/%s", node) < 0)
		return -ENOMEM;
	r = fs_mkdir_all(a->root_fd, path, 0700);
	if (r < 0)
		return r;
	fd = fs_open(a->root_fd, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	owner_ids(APPLY_USER, &uid, &gid);
	return fchown(fd, uid, gid) < 0 ? -errno : 0;
}

static int make_node_keys(struct apply *a, const char *node, const char *scratch)
{
	_cleanup_free_ char *key = NULL, *pub = NULL;
	bool had = has(a, node, "");
	int r = node_folder(a, node);

	if (r == 0)
		r = had ? derive_public(a, node, &pub) : make_pair(a, node, scratch, &key, &pub);
	if (r == 0 && !had)
		r = write_one(a, node, "", key, 0600);
	if (r == 0)
		r = write_one(a, node, ".pub", pub, 0644);
	return r;
}

static int keys_run(struct apply *a, const struct step *s, json_t *done)
{
	_cleanup_free_ char *scratch = fs_join(a->root_path, SCRATCH);
	int r, e;

	if (!scratch)
		return -ENOMEM;
	r = fs_remove_tree(a->root_fd, SCRATCH);
	if (r == 0)
		r = fs_mkdir_all(a->root_fd, SCRATCH, 0700);
	if (r < 0)
		apply_error(a, _("%s cannot be made: %s."), SCRATCH, muster_strerror(r));
	for (size_t i = 0; r == 0 && i < s->names->n; i++)
		if (!keys_exist(a, s->names->v[i])) {
			r = make_node_keys(a, s->names->v[i], scratch);
			if (r < 0)
				apply_error(a, _("No ssh host key could be made for %s: %s."), s->names->v[i],
					    muster_strerror(r));
		}
	e = fs_remove_tree(a->root_fd, SCRATCH);
	if (r == 0 && e < 0)
		apply_error(a, _("%s cannot be removed: %s."), SCRATCH, muster_strerror(e));
	return r < 0 ? r : e;
}

static bool array_has(const json_t *array, const char *name)
{
	size_t i;
	json_t *v;

	json_array_foreach (array, i, v)
		if (strcmp(json_string_value(v), name) == 0)
			return true;
	return false;
}

/* The folder goes, or (`was`) is again what it was. */
static int undo_folder(struct apply *a, const char *node, const json_t *was)
{
	_cleanup_free_ char *folder = fs_join(APPLY_KEYS, node);
	_cleanup_(attributes_free) struct attributes old = { 0 };
	_cleanup_close_ int keys = -1;
	const char *name;
	int r;

	if (!folder)
		return -ENOMEM;
	if (was) {
		/* The folder above is musterd's user's: a link in it is not followed. */
		_cleanup_close_ int fd = fs_open(a->root_fd, folder, O_RDONLY | O_DIRECTORY, 0);

		r = fd < 0 ? fd : attributes_load(was, &old);
		if (r == 0)
			r = attributes_set(fd, "", true, &old.attr);
		/* What it is now is no folder of muster's. */
		return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 0 : r;
	}
	keys = fs_open_parent(a->root_fd, folder, &name);
	if (keys < 0 || unlinkat(keys, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == ENOTEMPTY)
		return 0;
	if (errno != EBUSY)
		return -errno;
	apply_note(a, _("%s stays: something is mounted there. Unmount it, and remove the folder."), folder);
	return 0;
}

static int undo_node(struct apply *a, const char *node, bool had, const json_t *was)
{
	static const char *const suffixes[] = { "", ".pub" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_free_ char *path = NULL;

		r = key_path(node, suffixes[i], &path);
		if (r == 0)
			r = fs_drop_temporary(a->root_fd, path);
		if (r == 0 && !(had && i == 0))
			r = fs_unlink(a->root_fd, path);
	}
	/* A folder with a key in it was there, also where a journal of before says nothing of it. */
	return r == 0 && (was || !had) ? undo_folder(a, node, was) : r;
}

static int keys_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	const json_t *had = json_object_get(record, "had"), *folders = json_object_get(record, "folders");
	int r = fs_remove_tree(a->root_fd, SCRATCH);
	size_t i;
	json_t *v;

	json_array_foreach (json_object_get(record, "nodes"), i, v) {
		const char *node = json_string_value(v);
		int e = node && !strchr(node, '/')
				? undo_node(a, node, array_has(had, node), json_object_get(folders, node))
				: -MUSTER_E_FORMAT;

		if (e < 0 && r == 0) {
			apply_error(a, _("The host key of %s cannot be removed: %s."),
				    node ? node : _("a node"), muster_strerror(e));
			r = e;
		}
	}
	return r;
}

const struct step_ops step_keys = {
	.kind = "keys",
	.before = keys_before,
	.run = keys_run,
	.undo = keys_undo,
};
