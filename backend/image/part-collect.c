/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a part that was built has for a node: programs, stripped, that need no other file to start. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/image/part.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

struct collecting {
	const struct part_work *w;
	const struct part *part;
	const char *folder;
	int folder_fd, tree_fd;
};

static bool is_elf(int fd)
{
	char magic[4];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, "\177ELF", 4) == 0;
}

/* `from` is a path below the part's folder, which is another's: no link of it leads us anywhere. */
static int strip(const struct collecting *c, const char *from)
{
	_cleanup_free_ char *path = fs_join(c->folder, from);
	_cleanup_strv_ struct strv argv = STRV_INIT;
	int r = path ? strv_add_all(&argv, "strip", "--strip-all", "--", path, NULL) : -ENOMEM;

	return r < 0 ? r : part_run(c->w, c->part, c->folder, &argv, NULL, NULL, NULL);
}

static int check_program(const struct collecting *c, int fd, const char *name)
{
	bool alone;
	int r = image_abi_alone(fd, &alone);

	if (r == 0 && !alone) {
		log_error(_("%s of %s is not static: it would need a libc that no node has. The recipe is to "
			    "see "
			    "to that its makefiles link with -static"),
			  name, c->part->name);
		return -MUSTER_E_FORMAT;
	}
	return r;
}

static int make_above(const struct collecting *c, const char *to)
{
	const char *slash = strrchr(to, '/');
	_cleanup_free_ char *above = NULL;

	if (slash == to)
		return 0;
	above = strndup(to, (size_t)(slash - to));
	return above ? fs_mkdir_all(c->tree_fd, above, 0755) : -ENOMEM;
}

/* Both paths begin with a slash. */
static int take_file(const struct collecting *c, const char *from, const char *to)
{
	const struct fs_attr attr = { .mode = 0755, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	_cleanup_close_ int fd = fs_open(c->folder_fd, from, O_RDONLY | O_NOFOLLOW, 0);
	struct stat st;
	int r = fd < 0 ? fd : fstat(fd, &st) < 0 ? -errno : 0;

	if (r == 0 && !S_ISREG(st.st_mode))
		r = -EINVAL;
	if (r == 0 && is_elf(fd)) {
		r = strip(c, from);
		closep(&fd);
		fd = r < 0 ? r : fs_open(c->folder_fd, from, O_RDONLY | O_NOFOLLOW, 0);
		r = fd < 0 ? fd : check_program(c, fd, to + 1);
	}
	if (r == -MUSTER_E_FORMAT || r == -MUSTER_E_COMMAND || r == -MUSTER_E_MISSING)
		return r;
	if (r == 0)
		r = make_above(c, to);
	if (r == 0)
		r = fs_copy(fd, c->tree_fd, to, &attr);
	if (r < 0)
		log_error(_("%s of %s cannot be taken: %s"), from + 1, c->part->name, muster_strerror(r));
	return r;
}

static int take_link(const struct collecting *c, const char *from, const char *to)
{
	_cleanup_close_ int parent = -1;
	char target[PATH_MAX];
	const char *name;
	ssize_t n;
	int r = make_above(c, to);

	if (r < 0)
		return r;
	n = readlink(from, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	parent = fs_open_parent(c->tree_fd, to, &name);
	if (parent < 0)
		return parent;
	return symlinkat(target, parent, name) < 0 && errno != EEXIST ? -errno : 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int take_folder(const struct collecting *c, const char *keep)
{
	_cleanup_free_ char *out = fs_join(c->folder, "out"), *top = out ? fs_join(out, keep) : NULL;
	char *const paths[] = { top, NULL };
	FTS *fts = top ? fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name) : NULL;
	FTSENT *e;
	int r = 0;

	if (!fts)
		return -ENOMEM;
	while (r == 0 && (e = fts_read(fts))) {
		if (e->fts_info == FTS_F)
			r = take_file(c, e->fts_path + strlen(c->folder), e->fts_path + strlen(out));
		else if (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE)
			r = take_link(c, e->fts_path, e->fts_path + strlen(out));
	}
	fts_close(fts);
	return r;
}

static int take_files(const struct collecting *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->part->files.n; i++) {
		const char *pair = c->part->files.v[i], *equals = strchr(pair, '=');
		_cleanup_free_ char *from = NULL, *to = fs_join("/", equals + 1);

		if (asprintf(&from, "/tree/%.*s", (int)(equals - pair), pair) < 0) {
			from = NULL;
			return -ENOMEM;
		}
		r = to ? take_file(c, from, to) : -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < c->part->keep.n; i++)
		r = take_folder(c, c->part->keep.v[i]);
	return r;
}

/* ---- the other names of a program ------------------------------------------------------------------------ */

static void keep_name(void *data, const char *line)
{
	struct strv *names = data;

	if (*line && *line != '/' && !strstr(line, "..") && strv_add(names, line) < 0)
		return;
}

/* init would be in the agent's way. */
static bool is_ours(const char *name)
{
	const char *base = strrchr(name, '/');

	base = base ? base + 1 : name;
	return strcmp(base, "init") == 0 || strcmp(base, "linuxrc") == 0;
}

/* What has that name already is the better program. */
static int make_link(const struct collecting *c, const char *name, const char *target)
{
	_cleanup_free_ char *place = fs_join("/", name);
	_cleanup_close_ int parent = -1;
	const char *last;
	int r = place ? make_above(c, place) : -ENOMEM;

	if (r < 0)
		return r;
	parent = fs_open_parent(c->tree_fd, place, &last);
	if (parent < 0)
		return parent;
	return symlinkat(target, parent, last) < 0 && errno != EEXIST ? -errno : 0;
}

static int make_links(const struct collecting *c)
{
	_cleanup_strv_ struct strv names = STRV_INIT, argv = STRV_INIT;
	_cleanup_free_ char *program = fs_join(c->w->tree, c->part->links),
			    *target = fs_join("/", c->part->links);
	int r = program && target ? strv_add_all(&argv, program, "--list-full", NULL) : -ENOMEM;

	if (r == 0)
		r = part_run(c->w, c->part, c->folder, &argv, NULL, keep_name, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (!is_ours(names.v[i]))
			r = make_link(c, names.v[i], target);
	return r;
}

static int make_names(const struct collecting *c)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->part->names.n; i++) {
		const char *pair = c->part->names.v[i], *equals = strchr(pair, '=');
		_cleanup_free_ char *name = strndup(pair, (size_t)(equals - pair));
		_cleanup_free_ char *target = fs_join("/", equals + 1);

		if (!name || !target)
			return -ENOMEM;
		/* In a distribution's tree the name has a program of its own, and the part's other one may be missing. */
		if (fs_exists(c->tree_fd, target))
			r = make_link(c, name, target);
	}
	return r;
}

static int check_programs(const struct collecting *c)
{
	int r = 0;

	for (size_t i = 0; i < c->part->programs.n; i++) {
		_cleanup_free_ char *path = fs_join("/", c->part->programs.v[i]);

		if (!path)
			return -ENOMEM;
		if (fs_exists(c->tree_fd, path))
			continue;
		log_error(_("the source of %s brings no %s, which its recipe promises"), c->part->name,
			  c->part->programs.v[i]);
		r = -MUSTER_E_FORMAT;
	}
	return r;
}

int part_collect(const struct part_work *w, const struct part *p, const char *folder, int folder_fd)
{
	_cleanup_close_ int tree = open(w->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct collecting c = { w, p, folder, folder_fd, tree };
	int r = tree < 0 ? -errno : take_files(&c);

	if (r == 0 && *p->links)
		r = make_links(&c);
	if (r == 0)
		r = make_names(&c);
	return r < 0 ? r : check_programs(&c);
}
