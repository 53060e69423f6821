/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the backend knows of a rehearsal: which plan it is of, how its files differ from the server's, what it came to. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

#include "backend/apply/step.h"
#include "backend/context.h"
#include "backend/job.h"
#include "backend/plan/range.h"
#include "backend/render/render.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/i18n.h"
#include "util/spawn.h"

#define FILE_MAX_BYTES (64 * 1024 * 1024)
#define DEPTH_MAX 8

/* ---- the plan ------------------------------------------------------------------------------------------------- */

void muster_rehearsal_clear(struct muster_rehearsal *r)
{
	free(r->root_id);
	*r = (struct muster_rehearsal){ 0 };
}

/* Not by the files: the initramfs's name is in them, which is known only once the root is built. */
static int hash_plan(struct muster *m, const char *root_id, char ret[HASH_TEXT])
{
	struct plan lasting = *m->plan;
	_cleanup_free_ char *text = NULL;
	struct hash *h;
	int r;

	lasting.address_present = false;
	r = plan_to_json(&lasting, &text);
	if (r == 0)
		r = hash_new(&h);
	if (r < 0)
		return r;
	hash_add_string(h, PACKAGE_VERSION);
	hash_add_string(h, root_id);
	hash_add_string(h, text);
	hash_end(h, ret);
	return 0;
}

int muster_rehearsal_look(struct muster *m, struct muster_rehearsal *ret)
{
	_cleanup_(context_built_free) struct context_built b = { 0 };
	struct muster_rehearsal v = { 0 };
	int r = m->plan ? context_find_built(m, false, &b) : -EINVAL;

	if (r == 0)
		r = hash_plan(m, b.root_id, v.plan);
	if (r < 0)
		return r;
	v.root_built = *b.kernel_release;
	v.initramfs_built = v.root_built && context_initramfs_exists(m, b.initramfs);
	v.root_id = TAKE_PTR(b.root_id);
	*ret = v;
	return 0;
}

static bool has_node(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		if (strcmp(p->nodes[i].name, name) == 0)
			return true;
	return false;
}

int muster_rehearsal_nodes(struct muster *m, const char *range, struct strv *ret)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *why = NULL;
	int r = range_expand(range, &names, &why);

	if (r < 0) {
		context_error(m, "%s: %s", range, why ? why : muster_strerror(r));
		return r;
	}
	for (size_t i = 0; i < names.n; i++)
		if (!has_node(m->plan, names.v[i])) {
			context_error(m, _("These answers have no node %s."), names.v[i]);
			return -EINVAL;
		}
	*ret = names;
	names = (struct strv)STRV_INIT;
	return 0;
}

/* ---- the files ------------------------------------------------------------------------------------------------- */

struct comparison {
	const struct fileset *files;
	struct muster_difference *v;
	size_t n;
	int server_fd, folder_fd;
};

void muster_differences_free(struct muster_difference *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].path);
		free(v[i].diff);
	}
	free(v);
}

static int add(struct comparison *c, enum muster_difference_kind kind, const char *path, char *diff)
{
	struct muster_difference *v = reallocarray(c->v, c->n + 1, sizeof(*v));
	char *copy = strdup(path), *text = diff ? diff : strdup("");

	if (v)
		c->v = v;
	if (!v || !copy || !text) {
		free(copy);
		free(text);
		return -ENOMEM;
	}
	v[c->n++] = (struct muster_difference){ kind, copy, text };
	return 0;
}

/* The bytes that the entry asks for. A copy's original may be the package's, which is the running system's. */
static int wanted(const struct comparison *c, const struct fileset_entry *e, char **ret, size_t *ret_len)
{
	_cleanup_close_ int slash = -1;
	int r;

	if (e->kind != FILESET_COPY) {
		*ret = malloc(e->len + 1);
		if (!*ret)
			return -ENOMEM;
		memcpy(*ret, e->data, e->len);
		(*ret)[e->len] = '\0';
		*ret_len = e->len;
		return 0;
	}
	r = fs_read(c->server_fd, e->source, FILE_MAX_BYTES, ret, ret_len);
	if (r != -ENOENT)
		return r;
	slash = fs_root_open("/");
	return slash < 0 ? slash : fs_read(slash, e->source, FILE_MAX_BYTES, ret, ret_len);
}

static int compare_one(struct comparison *c, const struct fileset_entry *e)
{
	_cleanup_free_ char *ours = NULL, *theirs = NULL, *block = NULL;
	char *diff = NULL;
	size_t our_len, their_len;
	int r = wanted(c, e, &ours, &our_len);

	if (r == 0)
		r = fs_read(c->folder_fd, e->path, FILE_MAX_BYTES, &theirs, &their_len);
	if (r == -ENOENT)
		return ours ? add(c, MUSTER_DIFFERENCE_SERVER_ONLY, e->path, NULL) : 0;
	if (r == 0 && e->kind == FILESET_BLOCK) {
		r = block_get(theirs, their_len, &block, NULL);
		if (r == -ENOENT)
			return add(c, MUSTER_DIFFERENCE_SERVER_ONLY, e->path, NULL);
		free(theirs);
		theirs = TAKE_PTR(block);
		their_len = theirs ? strlen(theirs) : 0;
	}
	if (r < 0)
		return r;
	if (our_len == their_len && memcmp(ours, theirs, our_len) == 0)
		return add(c, MUSTER_DIFFERENCE_NONE, e->path, NULL);
	r = diff_make(e->path, ours, our_len, theirs, their_len, &diff);
	return r < 0 ? r : add(c, MUSTER_DIFFERENCE_CONTENT, e->path, diff);
}

/* What lies below a folder of the rehearsal, and which the plan does not ask for. */
static int walk(struct comparison *c, const char *folder, int depth)
{
	int fd = fs_open(c->folder_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		closep(&fd);
		return fd == -ENOENT ? 0 : fd < 0 ? fd : -ENOMEM;
	}
	while (r == 0 && (e = readdir(d))) {
		_cleanup_free_ char *path = fs_join(folder, e->d_name);
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = path ? fs_stat(c->folder_fd, path, &st) : -ENOMEM;
		if (r == 0 && S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
			r = walk(c, path, depth + 1);
		else if (r == 0 && !S_ISDIR(st.st_mode) && !fileset_find(c->files, path))
			r = add(c, MUSTER_DIFFERENCE_REHEARSAL_ONLY, path, NULL);
	}
	closedir(d);
	return r;
}

static int by_path(const void *a, const void *b)
{
	const struct muster_difference *x = a, *y = b;

	return strcmp(x->path, y->path);
}

int muster_rehearsal_compare(struct muster *m, const char *folder, struct muster_difference **ret,
			     size_t *ret_n)
{
	_cleanup_(context_built_free) struct context_built b = { 0 };
	_cleanup_(fileset_free) struct fileset files = FILESET_INIT;
	_cleanup_close_ int fd = fs_root_open(folder);
	struct comparison c = { .files = &files, .server_fd = m->root_fd, .folder_fd = fd };
	int r = fd < 0 ? fd : m->plan ? 0 : -EINVAL;

	if (r == 0)
		r = context_find_built(m, false, &b);
	if (r == 0)
		r = context_render(m, &b, &files);
	for (size_t i = 0; r == 0 && i < files.n; i++)
		if (files.v[i].kind != FILESET_DIRECTORY)
			r = compare_one(&c, &files.v[i]);
	if (r == 0)
		r = walk(&c, "/etc", 0);
	if (r < 0) {
		muster_differences_free(c.v, c.n);
		return r;
	}
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_path);
	*ret = c.v;
	*ret_n = c.n;
	return 0;
}

/* ---- what it came to ---------------------------------------------------------------------------------------------- */

int muster_rehearsed(struct muster *m, struct muster_rehearsed *ret)
{
	struct muster_rehearsal now = { 0 };
	_cleanup_free_ char *text = NULL;
	const char *plan;
	json_int_t at;
	int ready, tries, r;
	json_t *doc;
	size_t len;

	r = fs_read(m->root_fd, MUSTER_REHEARSAL_FOLDER MUSTER_REHEARSAL_RECORD, 65536, &text, &len);
	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	doc = json_loadb(text, len, 0, NULL);
	if (json_unpack(doc, "{s:s, s:I, s:i, s:i}", "plan", &plan, "at", &at, "ready", &ready, "tries",
			&tries) < 0 ||
	    ready < 0 || tries < 0) {
		json_decref(doc);
		return -ENOENT;
	}
	r = muster_rehearsal_look(m, &now);
	if (r == 0)
		*ret = (struct muster_rehearsed){ at, (unsigned int)ready, (unsigned int)tries,
						  strcmp(plan, now.plan) == 0 };
	muster_rehearsal_clear(&now);
	json_decref(doc);
	return r;
}

int muster_rehearsed_text(struct muster *m, char **ret)
{
	struct muster_rehearsed v;
	char when[32] = "";
	struct tm tm;
	time_t t;
	int r = muster_rehearsed(m, &v);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r < 0) {
		*ret = strdup(_("Not rehearsed: `muster rehearse` boots virtual nodes from these very "
				"files."));
		return *ret ? 0 : -ENOMEM;
	}
	t = (time_t)(v.at / 1000);
	if (localtime_r(&t, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	r = v.same ? asprintf(ret, _("Rehearsed at %s: %u of %u ready."), when, v.ready, v.tries)
		   : asprintf(ret,
			      _("Not rehearsed as it is now: what was rehearsed at %s was another plan."),
			      when);
	return r < 0 ? -ENOMEM : 0;
}

/* ---- as a job ------------------------------------------------------------------------------------------------------ */

static void hand_on(void *data, const struct muster_event *e)
{
	struct muster *m = data;

	if (m->config.on_event)
		m->config.on_event(m->config.data, e);
}

static void take_line(void *data, const char *line)
{
	struct muster *m = data;

	/* What is no event is what some program has said. */
	if (muster_event_decode(line, strlen(line), hand_on, m) < 0)
		context_line(m, line);
}

/* The lab stands above the backend: it is reached through the program that has it. */
int rehearse_work(struct muster *m, const char *answers)
{
	_cleanup_free_ char *program = fs_join(m->sbindir, "muster");
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct spawn s = {
		.cancel_fd = m->config.cancel_fd, .on_line = take_line, .data = m, .ends_with_us = true
	};
	int status = 0, r;

	r = program ? strv_add_all(&argv, program, "rehearse", "--events", "--root", m->root_path, NULL)
		    : -ENOMEM;
	if (r == 0 && m->config.host_file)
		r = strv_add_all(&argv, "--host", m->config.host_file, NULL);
	if (r == 0 && answers)
		r = strv_add_all(&argv, "-f", answers, NULL);
	s.argv = (const char *const *)argv.v;
	if (r == 0)
		r = spawn_run(&s, &status, NULL);
	if (r < 0)
		return r;
	return status == 0 ? 0 : status == 2 ? -MUSTER_E_REFUSED : -MUSTER_E_UNHEALTHY;
}
