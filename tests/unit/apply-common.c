/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "apply-common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"

struct world world;
static struct scratch *now;

/* ---- mocks --------------------------------------------------------------------------------------------------- */

static void record(const char *what, const char *name)
{
	strbuf_addf(&now->calls, "%s %s; ", what, name);
}

static void drop(struct strv *v, const char *name)
{
	struct strv kept = STRV_INIT;

	for (size_t i = 0; i < v->n; i++)
		if (strcmp(v->v[i], name) != 0)
			assert_int_equal(strv_add(&kept, v->v[i]), 0);
	strv_free(v);
	*v = kept;
}

static void add(struct strv *v, const char *name)
{
	if (!strv_has(v, name))
		assert_int_equal(strv_add(v, name), 0);
}

static int mock_running(struct apply *a, const struct service *s)
{
	return strv_has(&world.running, s->name);
}

static int mock_enabled(struct apply *a, const struct service *s)
{
	return strv_has(&world.enabled, s->name);
}

static bool is(const char *name, const char *other)
{
	return name && strcmp(name, other) == 0;
}

static int mock_start(struct apply *a, const struct service *s)
{
	record("start", s->name);
	if (is(world.unstarted, s->name))
		return -MUSTER_E_COMMAND;
	if (!is(world.broken, s->name))
		add(&world.running, s->name);
	add(&world.enabled, s->name);
	return 0;
}

static int mock_stop(struct apply *a, const struct service *s)
{
	record("stop", s->name);
	drop(&world.running, s->name);
	drop(&world.enabled, s->name);
	return 0;
}

static int mock_restart(struct apply *a, const struct service *s)
{
	record("restart", s->name);
	if (is(world.broken, s->name))
		drop(&world.running, s->name);
	else
		add(&world.running, s->name);
	return 0;
}

static int mock_last_lines(struct apply *a, const struct service *s, char **ret)
{
	*ret = strdup("mock: cannot read my mind");
	return 0;
}

static int mock_reload_units(struct apply *a)
{
	record("reload", "units");
	return 0;
}

static int mock_set_enabled(struct apply *a, const struct service *s, bool enabled)
{
	record(enabled ? "enable" : "disable", s->name);
	if (enabled)
		add(&world.enabled, s->name);
	else
		drop(&world.enabled, s->name);
	return 0;
}

/* What comes with a package, which starts it. */
static const char *package_of(const struct service *s)
{
	return s->package ? s->package : strcmp(s->name, "nfs-kernel") == 0 ? "nfs-kernel-server" : NULL;
}

static int mock_known(struct apply *a, const struct service *s)
{
	const char *package = package_of(s);

	return !package || strv_has(&world.packages, package);
}

static void start_of(const char *package, bool there)
{
	static const char *const names[] = { "nfs-kernel", "nfs-ganesha-packaged" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(package_of(service_find(names[i])), package) != 0)
			continue;
		if (there) {
			add(&world.running, names[i]);
			add(&world.enabled, names[i]);
		} else {
			drop(&world.running, names[i]);
			drop(&world.enabled, names[i]);
		}
	}
}

const struct service_driver mock_services = {
	.name = "mock",
	.is_running = mock_running,
	.is_enabled = mock_enabled,
	.start = mock_start,
	.stop = mock_stop,
	.restart = mock_restart,
	.last_lines = mock_last_lines,
	.reload_units = mock_reload_units,
	.set_enabled = mock_set_enabled,
	.is_known = mock_known,
};

static void copy(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		assert_int_equal(strv_add(to, from->v[i]), 0);
}

/* Like a program that is run, it ends when it is cancelled. */
static int mock_list(struct apply *a, struct package_list *ret)
{
	if (apply_pause(a, 0) < 0)
		return -MUSTER_E_CANCELLED;
	copy(&ret->installed, &world.packages);
	copy(&ret->configured, &world.configured);
	return 0;
}

static int mock_foresee(struct apply *a, const struct strv *packages, struct package_forecast *ret)
{
	copy(&ret->added, packages);
	return world.upgraded ? strv_add(&ret->changed, world.upgraded) : 0;
}

static int mock_fetch(struct apply *a, const struct strv *packages)
{
	record("fetch", packages->v[0]);
	return 0;
}

static int mock_endangered(struct apply *a, const struct package_list *now_there,
			   const struct package_forecast *f, struct strv *ret)
{
	return world.touched ? strv_add(ret, world.touched) : 0;
}

/* Each brings a library along. */
static int mock_install(struct apply *a, const struct strv *packages)
{
	if (world.touched)
		put(now, world.touched, "the package's", 0644);
	if (world.cancel_write)
		assert_int_equal(write(world.cancel_write, "", 1), 1);
	for (size_t i = 0; i < packages->n; i++) {
		_cleanup_free_ char *lib = NULL;

		record("install", packages->v[i]);
		assert_true(asprintf(&lib, "lib%s", packages->v[i]) > 0);
		add(&world.packages, lib);
		if (world.no_mirror)
			return -MUSTER_E_COMMAND;
		add(&world.packages, packages->v[i]);
		start_of(packages->v[i], true);
		drop(&world.configured, packages->v[i]);
	}
	return 0;
}

static int mock_remove(struct apply *a, const struct strv *packages, const struct strv *purge)
{
	if (world.touched)
		assert_int_equal(fs_unlink(a->root_fd, world.touched), 0);
	for (size_t i = 0; i < packages->n; i++) {
		record(strv_has(purge, packages->v[i]) ? "purge" : "remove", packages->v[i]);
		drop(&world.packages, packages->v[i]);
		start_of(packages->v[i], false);
		if (!strv_has(purge, packages->v[i]))
			add(&world.configured, packages->v[i]);
	}
	for (size_t i = 0; i < purge->n; i++)
		drop(&world.configured, purge->v[i]);
	return 0;
}

static int mock_mend(struct apply *a, const struct strv *packages)
{
	record("mend", "packages");
	return 0;
}

const struct package_driver mock_packages = {
	.name = "mock",
	.quick = true,
	.list = mock_list,
	.mend = mock_mend,
	.foresee = mock_foresee,
	.fetch = mock_fetch,
	.endangered = mock_endangered,
	.install = mock_install,
	.remove = mock_remove,
};

/* ---- the scratch root -------------------------------------------------------------------------------------- */

static void on_step(void *data, const char *name, const char *text)
{
	struct scratch *s = data;

	strbuf_addf(&s->steps, "%s: %s\n", name ? name : " ", text);
}

static void on_note(void *data, const char *text)
{
	struct scratch *s = data;

	strbuf_addf(&s->steps, "note: %s\n", text);
}

static void on_error(void *data, const char *text)
{
	struct scratch *s = data;

	strbuf_addf(&s->errors, "%s\n", text);
}

int scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));
	const char *tmp = getenv("TMPDIR");

	assert_non_null(s);
	assert_true(snprintf(s->root, sizeof(s->root), "%s/muster-apply-XXXXXX",
			     tmp && strlen(tmp) < 30 ? tmp : "/tmp") > 0);
	assert_non_null(mkdtemp(s->root));
	s->a.root_fd = fs_root_open(s->root);
	assert_true(s->a.root_fd >= 0);
	s->a.root_path = s->root;
	s->a.services = &mock_services;
	s->a.packages = &mock_packages;
	s->a.sbindir = "/usr/sbin";
	s->a.libexecdir = "/usr/libexec/muster";
	s->a.health_ms = 1;
	s->a.cancel_fd = -1;
	s->a.on_step = on_step;
	s->a.on_note = on_note;
	s->a.on_error = on_error;
	s->a.data = s;
	s->path = getenv("PATH") ? strdup(getenv("PATH")) : NULL;
	/* Muster's own places are there, so that what is left in them (lock, journals) is no difference. */
	assert_int_equal(fs_mkdir_all(s->a.root_fd, APPLY_RUN, 0755), 0);
	assert_int_equal(fs_mkdir_all(s->a.root_fd, APPLY_WORK, 0700), 0);
	assert_int_equal(fs_mkdir_all(s->a.root_fd, "/var/lib/muster", 0755), 0);
	now = s;
	memset(&world, 0, sizeof(world));
	*state = s;
	return 0;
}

int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	_cleanup_close_ int parent = fs_root_open("/");

	close(s->a.root_fd);
	assert_int_equal(fs_remove_tree(parent, s->root), 0);
	if (*s->bin)
		assert_int_equal(fs_remove_tree(parent, s->bin), 0);
	if (s->path)
		setenv("PATH", s->path, 1);
	free(s->path);
	strbuf_free(&s->calls);
	strbuf_free(&s->errors);
	strbuf_free(&s->steps);
	strv_free(&world.running);
	strv_free(&world.enabled);
	strv_free(&world.packages);
	strv_free(&world.configured);
	free(s);
	return 0;
}

void put(struct scratch *s, const char *path, const char *text, mode_t mode)
{
	const struct fs_attr attr = { mode, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *parent = strndup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(fs_mkdir_all(s->a.root_fd, parent, 0755), 0);
	assert_int_equal(fs_write(s->a.root_fd, path, text, strlen(text), &attr), 0);
}

char *get(struct scratch *s, const char *path)
{
	char *text = NULL;

	assert_int_equal(fs_read(s->a.root_fd, path, 1024 * 1024, &text, NULL), 0);
	return text;
}

bool there(struct scratch *s, const char *path)
{
	return fs_exists(s->a.root_fd, path);
}

void fake_program(struct scratch *s, const char *name, const char *script)
{
	_cleanup_free_ char *file = NULL, *text = NULL, *path = NULL;
	const struct fs_attr attr = { 0755, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int dir = -1;

	if (!*s->bin) {
		assert_true(snprintf(s->bin, sizeof(s->bin), "%s.bin", s->root) > 0);
		assert_int_equal(mkdir(s->bin, 0755), 0);
		assert_true(asprintf(&path, "%s:%s", s->bin, s->path) > 0);
		setenv("PATH", path, 1);
	}
	dir = fs_root_open(s->bin);
	assert_true(asprintf(&file, "/%s", name) > 0);
	assert_true(asprintf(&text, "#!/bin/sh\n%s\n", script) > 0);
	assert_int_equal(fs_write(dir, file, text, strlen(text), &attr), 0);
}

static void describe(struct strbuf *b, int dir, const char *path, const char *name, bool exact);

static void walk(struct strbuf *b, int dir, const char *path, bool exact)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	const struct dirent *e;
	DIR *d = fdopendir(dup(dir));

	assert_non_null(d);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			assert_int_equal(strv_add(&names, e->d_name), 0);
	closedir(d);
	strv_sort(&names);
	for (size_t i = 0; i < names.n; i++)
		describe(b, dir, path, names.v[i], exact);
}

/* Where a link leads; a file's time of change; extended attributes. */
static void describe_more(struct strbuf *b, int dir, const char *name, const struct stat *st)
{
	_cleanup_xattrs_ struct xattrs x = { 0 };
	_cleanup_close_ int fd = -1;
	char target[256];

	if (S_ISLNK(st->st_mode)) {
		ssize_t n = readlinkat(dir, name, target, sizeof(target));

		assert_true(n > 0 && n < (ssize_t)sizeof(target));
		strbuf_addf(b, " -> %.*s", (int)n, target);
	}
	if (S_ISREG(st->st_mode) && strcmp(name, "ip_forward") != 0) /* in /proc times mean nothing */
		strbuf_addf(b, " %lld.%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	assert_true(fd >= 0);
	assert_int_equal(xattrs_read(fd, &x), 0);
	for (size_t i = 0; i < x.n; i++)
		strbuf_addf(b, " %s=%.*s", x.v[i].name, (int)x.v[i].len, (const char *)x.v[i].value);
}

static void describe(struct strbuf *b, int dir, const char *path, const char *name, bool exact)
{
	_cleanup_free_ char *full = fs_join(path, name);
	_cleanup_close_ int fd = -1;
	char hash[HASH_TEXT] = "-";
	struct stat st;

	if (strcmp(full, APPLY_JOURNAL) == 0 || strcmp(full, APPLY_LOCK) == 0)
		return;
	assert_int_equal(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	if (S_ISREG(st.st_mode)) {
		struct hash *h;

		fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(hash_new(&h), 0);
		assert_int_equal(hash_add_fd(h, fd), 0);
		hash_end(h, hash);
	}
	strbuf_addf(b, "%s %o %u:%u %s", full, st.st_mode, st.st_uid, st.st_gid, hash);
	describe_more(b, dir, name, &st);
	if (exact)
		strbuf_addf(b, " %llu %lld.%09ld", (unsigned long long)st.st_ino,
			    (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
	strbuf_addc(b, '\n');
	if (S_ISDIR(st.st_mode)) {
		_cleanup_close_ int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(below >= 0);
		walk(b, below, full, exact);
	}
}

static char *take_snapshot(struct scratch *s, bool exact)
{
	_cleanup_close_ int root = fs_root_open(s->root);
	struct strbuf b = STRBUF_INIT;
	char *text;

	walk(&b, root, "/", exact);
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}

char *snapshot(struct scratch *s)
{
	return take_snapshot(s, false);
}

char *snapshot_exact(struct scratch *s)
{
	return take_snapshot(s, true);
}

int apply_fileset(struct scratch *s, struct fileset_entry *v, size_t n, const struct apply_wish *wish)
{
	static const struct apply_wish nothing;
	const struct fileset f = { v, n };
	_cleanup_(changeset_freep) struct changeset *c = NULL;
	int r = changeset_make(&s->a, &f, wish ? wish : &nothing, &c);

	return r < 0 ? r : apply_run(&s->a, c, "answers.conf");
}
