/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an apply would do: the fileset held against the disk and against the manifest of the last apply. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/changeset.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/i18n.h"

/* Muster's own folders: their modes are kept as wanted. Of others' folders it only wants that they exist. */
static const char *const own_folders[] = { "/etc/muster", "/var/lib/muster", APPLY_LOGS, APPLY_RUN,
					   APPLY_WORK };

static void change_free(struct change *c)
{
	free(c->path);
	free(c->diff);
	free(c->old_data);
	free(c->new_data);
	free(c->service);
	free(c->owner);
	free(c->source);
}

void changeset_free(struct changeset *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_files; i++)
		change_free(&c->files[i]);
	for (size_t i = 0; i < c->n_services; i++) {
		free(c->services[i].name);
		free(c->services[i].unit);
	}
	free(c->files);
	free(c->services);
	strv_free(&c->packages);
	strv_free(&c->packages_along);
	strv_free(&c->packages_changed);
	strv_free(&c->keys);
	strv_free(&c->nodes);
	free(c->root_id);
	free(c);
}

bool changeset_empty(const struct changeset *c)
{
	return c->n_files == 0 && c->n_services == 0 && c->packages.n == 0 && c->keys.n == 0 && !c->user &&
	       !c->root_build;
}

/* Takes over what `c` points to, also when it fails. */
static int push(struct maker *m, struct change *c, const char *path, const char *service, const char *owner,
		const char *source)
{
	struct change *v = reallocarray(m->c->files, m->c->n_files + 1, sizeof(*v));

	c->path = strdup(path);
	c->service = strdup(service ? service : "");
	c->owner = strdup(owner ? owner : "");
	c->source = strdup(source ? source : "");
	if (!c->diff)
		c->diff = strdup("");
	if (v)
		m->c->files = v;
	if (!v || !c->path || !c->service || !c->owner || !c->source || !c->diff) {
		change_free(c);
		return -ENOMEM;
	}
	v[m->c->n_files++] = *c;
	return 0;
}

static int own(struct maker *m, const char *path, const char *kind, const char *hash, const char *service,
	       bool made)
{
	json_t *entry = json_pack("{s:s, s:s, s:s, s:b}", "kind", kind, "sha256", hash ? hash : "", "service",
				  service ? service : "", "made", made);

	return json_object_set_new(m->owned, path, entry) < 0 ? -ENOMEM : 0;
}

static bool made_before(const struct maker *m, const char *path)
{
	return json_is_true(json_object_get(json_object_get(m->before, path), "made"));
}

/* ---- folders ------------------------------------------------------------------------------------------------ */

static int add_directory(struct maker *m, const char *path, mode_t mode, const char *owner);

/* Every folder above `path` exists, or is made. */
static int add_parents(struct maker *m, const char *path)
{
	_cleanup_free_ char *parent = parent_of(path);

	if (!parent)
		return -ENOMEM;
	if (strcmp(parent, "/") == 0 || json_object_get(m->owned, parent))
		return 0;
	return add_directory(m, parent, 0, NULL);
}

static bool attributes_ours(const struct maker *m, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_folders); i++)
		if (path_below(path, own_folders[i]))
			return true;
	return made_before(m, path);
}

/* The owner will be there once the user step is done. */
static bool owner_to_come(const struct maker *m, const char *owner)
{
	return m->c->user && owner && strcmp(owner, APPLY_USER) == 0;
}

/* mode 0: a folder that only has to be there. */
static int add_directory(struct maker *m, const char *path, mode_t mode, const char *owner)
{
	_cleanup_(present_free) struct present p = { 0 };
	struct change c = { .directory = true, .new_mode = mode ? mode : 0755 };
	int r;

	if (json_object_get(m->owned, path))
		return 0;
	r = add_parents(m, path);
	if (r == 0)
		r = present_read(m->a, path, &p);
	if (r < 0)
		return r;
	if (p.exists && !p.directory) {
		apply_error(m->a, _("%s is a file, where muster wants a folder. Remove or rename it."), path);
		return -MUSTER_E_CONFLICT;
	}
	owner_ids(owner, &c.new_uid, &c.new_gid);
	if (mode || !p.exists || made_before(m, path))
		r = own(m, path, "directory", NULL, NULL, !p.exists || made_before(m, path));
	if (r < 0)
		return r;
	if (!p.exists) {
		c.kind = CHANGE_CREATE;
		return push(m, &c, path, NULL, owner, NULL);
	}
	c.kind = CHANGE_ATTRIBUTES;
	c.old_mode = p.st.st_mode & 07777;
	c.old_uid = p.st.st_uid;
	c.old_gid = p.st.st_gid;
	if (mode == 0 || !attributes_ours(m, path) ||
	    (c.old_mode == mode && c.old_uid == c.new_uid && c.old_gid == c.new_gid &&
	     !owner_to_come(m, owner)))
		return 0;
	return push(m, &c, path, NULL, owner, NULL);
}

/* ---- files ---------------------------------------------------------------------------------------------------- */

static int read_source(struct maker *m, const char *source, char **ret, size_t *ret_len)
{
	_cleanup_close_ int real = -1;
	int r = fs_read(m->a->root_fd, source, SOURCE_MAX, ret, ret_len);

	if (r != -ENOENT)
		return r;
	real = fs_root_open("/");
	return real < 0 ? real : fs_read(real, source, SOURCE_MAX, ret, ret_len);
}

static int copy_bytes(const char *data, size_t len, char **ret)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, data, len);
	copy[len] = '\0';
	*ret = copy;
	return 0;
}

/* The whole content that the file is to have. */
static int wanted_bytes(struct maker *m, const struct fileset_entry *e, const struct present *p,
			struct change *c)
{
	int r;

	switch (e->kind) {
	case FILESET_FILE:
		c->new_len = e->len;
		return copy_bytes(e->data, e->len, &c->new_data);
	case FILESET_BLOCK:
		c->block = true;
		return block_set(p->data ? p->data : "", p->len, e->data ? e->data : "", e->len, &c->new_data,
				 &c->new_len);
	case FILESET_COPY:
		r = read_source(m, e->source, &c->new_data, &c->new_len);
		if (r == -ENOENT && m->c->packages.n)
			return 0; /* a package brings it */
		if (r < 0)
			apply_error(m->a, _("%s is to be copied from %s, which cannot be read: %s."), e->path,
				    e->source, muster_strerror(r));
		return r;
	default:
		return -EINVAL;
	}
}

/* Private keys are never shown. */
static int picture(const struct change *c, const char *path, char **ret)
{
	if (path_below(path, APPLY_KEYS))
		return copy_bytes("", 0, ret);
	if (!c->new_data && c->kind != CHANGE_REMOVE)
		return asprintf(ret, "Binary files a%s and b%s differ\n", path, path) < 0 ? -ENOMEM : 0;
	return diff_make(path, c->old_data ? c->old_data : "", c->old_len, c->new_data ? c->new_data : "",
			 c->new_len, ret);
}

/* By the hash that the manifest has of what muster wrote. One without a hash is made anew by muster itself. */
static enum change_owner whose(const struct maker *m, const char *path, const struct present *p, bool block)
{
	const json_t *entry = json_object_get(m->before, path);
	const char *wrote = json_string_value(json_object_get(entry, "sha256"));
	_cleanup_free_ char *ours = NULL;
	char hash[HASH_TEXT];
	size_t len;

	if (!p->exists || p->directory || (entry && (!wrote || !*wrote)))
		return CHANGE_OURS;
	/* What is around a block was never muster's. */
	if (!entry)
		return block ? CHANGE_OURS : CHANGE_OTHERS;
	if (block && block_get(p->data, p->len, &ours, &len) < 0)
		return CHANGE_OURS;
	hash_text(block ? ours : p->data, block ? len : p->len, hash);
	return strcmp(hash, wrote) == 0 ? CHANGE_OURS : CHANGE_EDITED;
}

/* Decides what kind of change it is, and keeps it unless there is none. Takes *c over. */
static int settle_file(struct maker *m, const char *path, struct present *p, struct change *c,
		       const char *service, const char *owner, const char *source)
{
	bool same = p->exists && c->new_data && p->len == c->new_len &&
		    (p->len == 0 || memcmp(p->data, c->new_data, p->len) == 0);
	int r = 0;

	if (p->exists) {
		c->old_mode = p->st.st_mode & 07777;
		c->old_uid = p->st.st_uid;
		c->old_gid = p->st.st_gid;
		c->old_data = TAKE_PTR(p->data);
		c->old_len = p->len;
	}
	if (c->kind != CHANGE_REMOVE)
		c->kind = !p->exists ? CHANGE_CREATE : same ? CHANGE_ATTRIBUTES : CHANGE_MODIFY;
	if (c->kind == CHANGE_ATTRIBUTES && c->old_mode == c->new_mode && c->old_uid == c->new_uid &&
	    c->old_gid == c->new_gid && !owner_to_come(m, owner)) {
		change_free(c);
		return 0;
	}
	if (c->kind == CHANGE_ATTRIBUTES)
		c->whose = CHANGE_OURS;
	else
		r = picture(c, path, &c->diff);
	if (r < 0) {
		change_free(c);
		return r;
	}
	return push(m, c, path, service, owner, source);
}

static int plain_file(struct maker *m, const char *path, struct present *ret)
{
	int r = present_read(m->a, path, ret);

	if (r == 0 && ret->exists && ret->directory) {
		apply_error(m->a, _("%s is a folder, where muster wants a file. Remove or rename it."), path);
		r = -MUSTER_E_CONFLICT;
	}
	return r;
}

static int add_file(struct maker *m, const struct fileset_entry *e)
{
	_cleanup_(present_free) struct present p = { 0 };
	struct change c = { .new_mode = e->mode };
	char hash[HASH_TEXT] = "";
	bool made;
	int r = add_parents(m, e->path);

	if (r == 0)
		r = plain_file(m, e->path, &p);
	if (r == 0)
		r = wanted_bytes(m, e, &p, &c);
	if (r < 0)
		return r;
	owner_ids(e->owner, &c.new_uid, &c.new_gid);
	if (e->kind == FILESET_BLOCK && p.exists) { /* others' file: its mode and owner are theirs */
		c.new_mode = p.st.st_mode & 07777;
		c.new_uid = p.st.st_uid;
		c.new_gid = p.st.st_gid;
	}
	made = !p.exists || made_before(m, e->path);
	c.whose = whose(m, e->path, &p, e->kind == FILESET_BLOCK);
	if (e->kind != FILESET_COPY) /* a copy's content may come with a package only */
		hash_text(e->data ? e->data : "", e->len, hash);
	r = settle_file(m, e->path, &p, &c, e->service, e->owner, c.new_data ? NULL : e->source);
	return r < 0 ? r
		     : own(m, e->path, e->kind == FILESET_BLOCK ? "block" : "file", hash, e->service, made);
}

/* ---- what muster itself adds: keys, the manifest ------------------------------------------------------------ */

static int add_key_files(struct maker *m, const char *node)
{
	_cleanup_free_ char *folder = NULL, *key = NULL, *pub = NULL;
	int r;

	if (asprintf(&folder, APPLY_KEYS "/%s", node) < 0)
		return -ENOMEM;
	key = fs_join(folder, "ssh_host_ed25519_key");
	pub = fs_join(folder, "ssh_host_ed25519_key.pub");
	if (!key || !pub)
		return -ENOMEM;
	r = own(m, folder, "directory", NULL, NULL, true);
	if (r == 0)
		r = own(m, key, "file", NULL, NULL, true);
	return r < 0 ? r : own(m, pub, "file", NULL, NULL, true);
}

static int known_hosts_change(struct maker *m)
{
	_cleanup_(present_free) struct present p = { 0 };
	struct change c = { .new_mode = 0644 };
	int r = plain_file(m, APPLY_KNOWN_HOSTS, &p);

	if (r == 0)
		r = keys_known_hosts(m->a, &m->c->nodes, &c.new_data);
	if (r < 0)
		return r;
	c.new_len = strlen(c.new_data);
	owner_ids(NULL, &c.new_uid, &c.new_gid);
	return settle_file(m, APPLY_KNOWN_HOSTS, &p, &c, NULL, NULL, NULL);
}

static int add_keys(struct maker *m)
{
	const struct strv *nodes = &m->wish->keys;
	int r;

	if (nodes->n == 0)
		return 0;
	r = add_parents(m, APPLY_KNOWN_HOSTS);
	if (r == 0 && !json_object_get(m->owned, APPLY_KEYS))
		r = add_directory(m, APPLY_KEYS, 0700, APPLY_USER);
	for (size_t i = 0; r == 0 && i < nodes->n; i++) {
		r = strv_add(&m->c->nodes, nodes->v[i]);
		if (r == 0)
			r = add_key_files(m, nodes->v[i]);
		if (r == 0 && !keys_exist(m->a, nodes->v[i]))
			r = strv_add(&m->c->keys, nodes->v[i]);
	}
	if (r == 0)
		r = own(m, APPLY_KNOWN_HOSTS, "file", NULL, NULL, true);
	return r < 0 || m->c->keys.n ? r : known_hosts_change(m);
}

static int add_manifest(struct maker *m)
{
	_cleanup_(present_free) struct present p = { 0 };
	struct change c = { .new_mode = 0600 };
	json_t *services = json_array(), *found, *whole;
	_cleanup_free_ char *text = NULL;
	int r = changeset_found(m, &found), n;

	if (r < 0) {
		json_decref(services);
		return r;
	}
	for (size_t i = 0; i < m->wish->services.n; i++)
		json_array_append_new(services, json_string(m->wish->services.v[i]));
	whole = json_pack("{s:i, s:O, s:o}", "version", 1, "files", m->owned, "services", services);
	if (json_object_size(found))
		json_object_set(whole, "services_found", found);
	json_decref(found);
	text = whole ? json_dumps(whole, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	json_decref(whole);
	n = text ? asprintf(&c.new_data, "%s\n", text) : -1;
	if (n < 0)
		return -ENOMEM;
	c.new_len = (size_t)n;
	owner_ids(NULL, &c.new_uid, &c.new_gid);
	r = add_parents(m, APPLY_MANIFEST);
	if (r == 0)
		r = plain_file(m, APPLY_MANIFEST, &p);
	if (r < 0) {
		change_free(&c);
		return r;
	}
	return settle_file(m, APPLY_MANIFEST, &p, &c, NULL, NULL, NULL);
}

/* ---- what an earlier apply left ------------------------------------------------------------------------------- */

/* The text without muster's block; the file goes when muster had begun it and nothing else is in it. */
static int remove_block(struct maker *m, const char *path, const char *service, struct present *p, bool made)
{
	struct change c = { .block = true,
			    .new_mode = p->st.st_mode & 07777,
			    .new_uid = p->st.st_uid,
			    .new_gid = p->st.st_gid,
			    .whose = whose(m, path, p, true) };
	int r = block_set(p->data, p->len, NULL, 0, &c.new_data, &c.new_len);

	if (r < 0)
		return r;
	if (made && c.new_len == 0) {
		free(c.new_data);
		c.new_data = NULL;
		c.kind = CHANGE_REMOVE;
	}
	return settle_file(m, path, p, &c, service, NULL, NULL);
}

static int remove_one(struct maker *m, const char *path, const json_t *entry)
{
	const char *kind = json_string_value(json_object_get(entry, "kind"));
	const char *service = json_string_value(json_object_get(entry, "service"));
	bool made = json_is_true(json_object_get(entry, "made"));
	_cleanup_(present_free) struct present p = { 0 };
	struct change c = { .kind = CHANGE_REMOVE };
	int r = present_read(m->a, path, &p);

	if (r < 0 || !p.exists || !kind)
		return r;
	if (strcmp(kind, "directory") == 0) {
		if (!p.directory || !made)
			return 0;
		c.directory = true;
		c.old_mode = p.st.st_mode & 07777;
		c.old_uid = p.st.st_uid;
		c.old_gid = p.st.st_gid;
		return push(m, &c, path, NULL, NULL, NULL);
	}
	if (p.directory)
		return 0;
	if (strcmp(kind, "block") == 0)
		return remove_block(m, path, service, &p, made);
	c.whose = whose(m, path, &p, false);
	return settle_file(m, path, &p, &c, service, NULL, NULL);
}

static int descending(const void *a, const void *b)
{
	return strcmp(*(const char *const *)b, *(const char *const *)a);
}

/* In descending order, so that a folder comes after what it held. */
static int remove_unwanted(struct maker *m)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	const char *path;
	json_t *entry;
	int r = 0;

	json_object_foreach (m->before, path, entry) {
		r = json_object_get(m->owned, path) ? 0 : strv_add(&paths, path);
		if (r < 0)
			return r;
	}
	if (paths.n)
		qsort(paths.v, paths.n, sizeof(*paths.v), descending);
	for (size_t i = 0; r == 0 && i < paths.n; i++)
		r = remove_one(m, paths.v[i], json_object_get(m->before, paths.v[i]));
	return r;
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

static int add_packages(struct maker *m)
{
	int r = 0;

	if (!m->a->packages || !m->a->packages->install)
		return 0;
	for (size_t i = 0; r == 0 && i < m->wish->packages.n; i++)
		r = strv_add(&m->c->packages, m->wish->packages.v[i]);
	return r == 0 ? packages_foresee(m->a, m->c) : r;
}

static int make(struct maker *m, const struct fileset *f)
{
	int r = add_packages(m);

	m->c->user = m->wish->user && user_missing(m->a);
	for (size_t i = 0; r == 0 && i < f->n; i++)
		r = f->v[i].kind == FILESET_DIRECTORY
			    ? add_directory(m, f->v[i].path, f->v[i].mode, f->v[i].owner)
			    : add_file(m, &f->v[i]);
	if (r == 0)
		r = add_keys(m);
	if (r == 0)
		r = remove_unwanted(m);
	if (r == 0)
		r = add_manifest(m);
	return r == 0 ? changeset_services(m) : r;
}

int changeset_make(struct apply *a, const struct fileset *f, const struct apply_wish *wish,
		   struct changeset **ret)
{
	struct maker m = { .a = a, .wish = wish, .c = calloc(1, sizeof(*m.c)), .owned = json_object() };
	int r = m.c && m.owned && (m.c->root_id = strdup(""))
			? manifest_read(a, &m.before, &m.services_before, &m.found_before)
			: -ENOMEM;

	if (r == 0)
		r = make(&m, f);
	json_decref(m.owned);
	json_decref(m.before);
	json_decref(m.services_before);
	json_decref(m.found_before);
	if (r < 0) {
		changeset_free(m.c);
		return r;
	}
	*ret = m.c;
	return 0;
}
