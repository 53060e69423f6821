/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Will a kernel run there: the facts about root and nodes are gathered here, and judged in kernel/. */
#include "config.h"

#include "backend/muster.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "backend/context.h"
#include "kernel/kernel.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"

#define UNPACK_MS 60000
#define ALIASES_MAX (32UL << 20)

struct gathered {
	struct kernel_place place;
	struct image_generation *root;
	char *folder; /* with what was unpacked of it; NULL: nothing was */
	char *libc_least, *least_node, *drivers;
	struct strv cards, others; /* those that nodes boot over, and the rest */
};

static void gathered_clear(struct gathered *g)
{
	_cleanup_close_ int slash = g->folder ? fs_root_open("/") : -1;

	if (g->folder && fs_remove_tree(slash, g->folder) < 0)
		log_warning("%s cannot be removed", g->folder);
	free(g->folder);
	image_generation_freep(&g->root);
	free(g->libc_least);
	free(g->least_node);
	free(g->drivers);
	strv_free(&g->cards);
	strv_free(&g->others);
}

/* ---- which driver a card wants: the list of any kernel's modules tells ------------------------------------- */

static void take_drivers(const char *pattern, struct gathered *g)
{
	glob_t found;

	if (glob(pattern, GLOB_BRACE, NULL, &found) != 0)
		return;
	for (size_t i = 0; !g->drivers && i < found.gl_pathc; i++) {
		_cleanup_close_ int fd = open(found.gl_pathv[i], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0 && fs_read_fd(fd, ALIASES_MAX, &g->drivers, NULL) < 0)
			g->drivers = NULL;
	}
	globfree(&found);
}

/* ---- the root's libc ------------------------------------------------------------------------------------- */

/* The first file below the folder that is an ELF file and says what it wants. */
static int read_least(const char *folder, char **ret)
{
	char *const paths[] = { (char *)(uintptr_t)folder, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	unsigned int v[3];
	FTSENT *e;
	int r = -ENODATA;

	if (!fts)
		return -errno;
	while (r == -ENODATA && (e = fts_read(fts))) {
		int fd = e->fts_info == FTS_F ? open(e->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;

		if (fd < 0)
			continue;
		if (image_abi_read(fd, v) == 0)
			r = asprintf(ret, "%u.%u.%u", v[0], v[1], v[2]) < 0 ? -ENOMEM : 0;
		close(fd);
	}
	fts_close(fts);
	return r;
}

/* glibc is one file since 2.34, and a link to another before. With it comes what tells of the root's kernel. */
static int unpack(const char *image, const char *folder, bool all)
{
	const char *argv[] = { "unsquashfs",
			       "-n",
			       "-f",
			       "-d",
			       folder,
			       image,
			       all ? NULL : "usr/lib/*/libc.so.6",
			       "usr/lib/*/libc-2.*.so",
			       "lib/*/libc.so.6",
			       "lib/*/libc-2.*.so",
			       "usr/lib64/libc.so.6",
			       "lib64/libc.so.6",
			       "boot/config-*",
			       "usr/lib/modules/*/modules.alias",
			       "usr/lib/modules/*/modules.builtin",
			       "usr/lib/modules/*/modules.builtin.modinfo",
			       "lib/modules/*/modules.alias",
			       "lib/modules/*/modules.builtin",
			       "lib/modules/*/modules.builtin.modinfo",
			       NULL };
	const struct spawn s = { .argv = argv, .timeout_ms = UNPACK_MS, .ends_with_us = true };

	return spawn_check(&s, NULL);
}

/* What the files of a folder take in memory. */
static int sum_up(const char *folder, unsigned long long *ret)
{
	char *const paths[] = { (char *)(uintptr_t)folder, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	unsigned long long sum = 0;
	FTSENT *e;

	if (!fts)
		return -errno;
	while ((e = fts_read(fts)))
		if (e->fts_info == FTS_F)
			sum += (unsigned long long)e->fts_statp->st_size;
	fts_close(fts);
	*ret = sum;
	return 0;
}

static int look_into(struct muster *m, const char *id, struct gathered *g)
{
	/* There the root is what is unpacked into memory, else as it lies here. */
	bool in_memory = g->place.mode && strcmp(g->place.mode, "initramfs") == 0;
	_cleanup_free_ char *path = NULL, *image = NULL, *drivers = NULL;
	int r;

	if (asprintf(&path, "%s/%s/root.squashfs", IMAGE_ROOTS, id) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	image = fs_join(m->root_path, path);
	g->folder = strdup("/tmp/muster-root-XXXXXX");
	if (!image || !g->folder)
		return -ENOMEM;
	if (!mkdtemp(g->folder)) {
		free(TAKE_PTR(g->folder));
		return -errno;
	}
	r = unpack(image, g->folder, in_memory);
	if (r == 0 && in_memory)
		r = sum_up(g->folder, &g->place.root_bytes);
	if (r == 0)
		r = read_least(g->folder, &g->libc_least);
	/* A distribution has its modules in /lib, whether or not that is a link. */
	if (asprintf(&drivers, "%s/{usr/,}lib/modules/*/modules.alias", g->folder) < 0)
		drivers = NULL;
	if (drivers)
		take_drivers(drivers, g);
	return r == -ENODATA ? 0 : r;
}

static int gather_root(struct muster *m, const char *id, struct gathered *g)
{
	struct image_env env = { .root_fd = m->root_fd, .root_path = m->root_path, .cancel_fd = -1 };
	int r = image_root_find(&env, id, &g->root);

	if (r == -ENOENT)
		context_error(m,
			      _("There is no node root %s; `muster root list` names those that there are."),
			      id);
	if (r < 0)
		return r;
	g->place.root = id;
	g->place.root_bytes = g->root->root_bytes;
	r = look_into(m, id, g);
	if (r < 0)
		return r;
	g->place.libc_least = g->libc_least;
	return 0;
}

/* ---- the nodes' memory and cards ---------------------------------------------------------------------------------------- */

static int add_once(struct strv *v, const char *card)
{
	return strv_has(v, card) ? 0 : strv_add(v, card);
}

/* What a node has said of its cards: the one that it boots over, which a kernel must drive, and all that it has. */
static int add_cards(struct gathered *g, const struct node_state *s)
{
	_cleanup_free_ char *all = strdup(s->cards);
	char *save = NULL;
	int r = !all ? -ENOMEM : *s->card ? add_once(&g->cards, s->card) : 0;

	for (char *w = r == 0 ? strtok_r(all, " ", &save) : NULL; w && r == 0; w = strtok_r(NULL, " ", &save))
		if (strcmp(w, s->card) != 0)
			r = add_once(&g->others, w);
	return r;
}

/* One over which another node boots is not spoken of twice. */
static int settle_cards(struct gathered *g, const char *const *said)
{
	_cleanup_strv_ struct strv others = STRV_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && said && said[i]; i++)
		r = add_once(&g->cards, said[i]);
	for (size_t i = 0; r == 0 && i < g->others.n; i++)
		if (!strv_has(&g->cards, g->others.v[i]))
			r = strv_add(&others, g->others.v[i]);
	strv_free(&g->others);
	g->others = others;
	others = (struct strv)STRV_INIT;
	g->place.cards = (const char *const *)g->cards.v;
	g->place.other_cards = (const char *const *)g->others.v;
	return r;
}

static int gather_nodes(struct muster *m, const char *range, struct gathered *g)
{
	struct node_state *v;
	size_t n;
	int r = muster_status(m, range, &v, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < n; i++) {
		unsigned long long memory;

		r = add_cards(g, &v[i]);
		memory = v[i].memory_kb > 0 ? (unsigned long long)v[i].memory_kb << 10 : 0;

		if (r < 0 || !memory || (g->place.memory && memory >= g->place.memory))
			continue;
		free(g->least_node);
		g->least_node = strdup(v[i].name);
		g->place.memory = memory;
		r = g->least_node ? 0 : -ENOMEM;
	}
	muster_status_free(v, n);
	g->place.least_node = g->least_node;
	return r;
}

/* ---- the verdicts ------------------------------------------------------------------------------------------------ */

static int take_verdicts(struct kernel_verdict *v, size_t n, struct muster_check **ret)
{
	static const enum muster_check_level levels[] = {
		[KERNEL_OK] = MUSTER_CHECK_OK,
		[KERNEL_WARNING] = MUSTER_CHECK_WARNING,
		[KERNEL_PROBLEM] = MUSTER_CHECK_PROBLEM,
	};
	struct muster_check *checks = calloc(n + 1, sizeof(*checks));

	for (size_t i = 0; checks && i < n; i++)
		checks[i] = (struct muster_check){ .name = v[i].name,
						   .level = levels[v[i].level],
						   .text = TAKE_PTR(v[i].text) };
	kernel_verdicts_free(v, n);
	if (!checks)
		return -ENOMEM;
	*ret = checks;
	return 0;
}

static int check_cards(struct muster *m, const char *const *cards)
{
	for (size_t i = 0; cards && cards[i]; i++)
		if (!kernel_is_card(cards[i])) {
			context_error(m,
				      _("\"%s\" is no PCI id: it has four hexadecimal digits, a colon, and "
					"four more, as `lspci "
					"-n` prints them."),
				      cards[i]);
			return -MUSTER_E_REFUSED;
		}
	return 0;
}

/* ---- the distribution's own kernel, which comes with a root ------------------------------------------------------- */

/* DIR/RELEASE in one of the places of a tree. */
static int find_in_root(int fd, const char *const *places, const char *release, char **ret)
{
	for (; *places; places++) {
		_cleanup_free_ char *path = NULL;

		if (asprintf(&path, "%s%s", *places, release) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (!fs_exists(fd, path))
			continue;
		*ret = TAKE_PTR(path);
		return 0;
	}
	return -ENOENT;
}

static int check_roots_kernel(struct muster *m, const char *kernel, struct gathered *g,
			      struct kernel_verdict **ret, size_t *ret_n)
{
	static const char *const configs[] = { "/boot/config-", NULL };
	static const char *const modules[] = { "/usr/lib/modules/", "/lib/modules/", NULL };
	_cleanup_free_ char *config = NULL, *folder = NULL;
	_cleanup_close_ int fd = -1;
	int r = 0;

	if (!g->root) {
		context_error(m,
			      _("%s is the kernel that comes with a node root: name the root, as in `muster "
				"kernel check %s ROOT`. `muster root list` names those that there are."),
			      kernel, kernel);
		return -MUSTER_E_REFUSED;
	}
	fd = fs_root_open(g->folder);
	if (fd < 0)
		return fd;
	if (*g->root->kernel_release)
		r = find_in_root(fd, configs, g->root->kernel_release, &config);
	if (r == -ENOENT || !*g->root->kernel_release) {
		context_error(m, _("The root %s has no kernel of the distribution."), g->root->id);
		return -MUSTER_E_REFUSED;
	}
	if (r == 0)
		r = find_in_root(fd, modules, g->root->kernel_release, &folder);
	return r < 0 ? r
		     : kernel_check_files(fd,
					  &(struct kernel_files){ kernel, g->root->kernel_release, config,
								  folder },
					  &g->place, ret, ret_n);
}

/* One that a recipe could make is not there for want of building. */
static int say_missing(struct muster *m, const char *kernel)
{
	_cleanup_free_ char *missing = NULL;
	int r = context_kernel_recipe(m, kernel) ? context_kernel_missing(m, kernel, &missing) : 0;

	if (missing)
		context_error(m, "%s", missing);
	else if (r == 0)
		context_error(m, _("There is no kernel %s; `muster kernel list` names those that there are."),
			      kernel);
	return r < 0 ? r : -ENOENT;
}

int muster_kernel_check(struct muster *m, const char *kernel, const struct muster_kernel_place *place,
			struct muster_check **ret, size_t *ret_n)
{
	_cleanup_(gathered_clear) struct gathered g = { .place = { .mode = place->mode,
								   .cards = place->cards } };
	_cleanup_(kernel_generation_freep) struct kernel_generation *k = NULL;
	_cleanup_close_ int real = -1;
	bool with_root = strcmp(kernel, "distro") == 0 || strcmp(kernel, "distro-cloud") == 0;
	struct kernel_verdict *v;
	struct kernel_env env;
	size_t n;
	int r;

	r = check_cards(m, place->cards);
	if (r == 0 && !with_root)
		r = context_kernel_seek(m, kernel, &env, &real, &k);
	if (r == -ENOENT)
		r = say_missing(m, kernel);
	if (r == 0 && place->root)
		r = gather_root(m, place->root, &g);
	if (r == 0 && place->range)
		r = gather_nodes(m, place->range, &g);
	if (r == 0)
		r = settle_cards(&g, place->cards);
	if (!g.drivers)
		take_drivers("/lib/modules/*/modules.alias", &g);
	g.place.drivers = g.drivers;
	if (r == 0)
		r = with_root ? check_roots_kernel(m, kernel, &g, &v, &n)
			      : kernel_check(&env, k, &g.place, &v, &n);
	if (r == 0)
		r = take_verdicts(v, n, ret);
	if (r == 0)
		*ret_n = n;
	return r;
}
