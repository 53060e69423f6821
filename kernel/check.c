/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Will this kernel run there? Each verdict is a sentence. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/units.h"

#define FILE_MAX (32UL << 20)
/* The initramfs learned zstd with it; muster packs it with gzip for kernels before. */
#define ZSTD_SINCE "5.9-"
/* What a small system needs besides its root. */
#define ROOM (64ULL << 20)

/* What the nodes need of a kernel. What must be there before a module can be loaded is built in. */
static const struct need {
	const char *mode; /* NULL: every one */
	const char *symbol;
	bool built_in;
	const char *since; /* releases that need it; NULL: all */
} needs[] = {
	{ NULL, "BLK_DEV_INITRD", true, NULL },
	{ NULL, "RD_ZSTD", true, ZSTD_SINCE },
	{ NULL, "BINFMT_ELF", true, NULL },
	{ NULL, "PROC_FS", true, NULL },
	{ NULL, "SYSFS", true, NULL },
	{ NULL, "TMPFS", true, NULL },
	{ NULL, "NET", true, NULL },
	{ NULL, "INET", true, NULL },
	{ NULL, "UNIX", true, NULL },
	{ "ram", "BLK_DEV_LOOP", false, NULL },
	{ "ram", "SQUASHFS", false, NULL },
	{ "ram", "SQUASHFS_ZSTD", false, NULL },
	{ "ram", "OVERLAY_FS", false, NULL },
	{ "ram", "DEVTMPFS", true, NULL },
	{ "nfs", "BLK_DEV_LOOP", false, NULL },
	{ "nfs", "SQUASHFS", false, NULL },
	/* Roots for older ones are packed otherwise, and do without (backend/image/squashfs.c, agent/copies.c). */
	{ "nfs", "SQUASHFS_ZSTD", false, "4.14-" },
	{ "nfs", "SQUASHFS_ZLIB", false, "2.6.38-4.13" },
	{ "nfs", "OVERLAY_FS", false, "3.18-" },
	{ "nfs", "NFS_FS", false, NULL },
	{ "nfs", "NFS_V4", false, NULL },
	{ "nfs", "DEVTMPFS", true, "2.6.32-" },
};

struct checking {
	const struct kernel_files *k;
	const struct kernel_place *place;
	char *config;
	struct kernel_drivers *drivers;
	struct kernel_verdict *v;
	size_t n;
};

void kernel_verdicts_free(struct kernel_verdict *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		free(v[i].text);
	free(v);
}

static int say(struct checking *c, const char *name, enum kernel_level level, const char *fmt, ...)
	_printf_(4, 5);

static int say(struct checking *c, const char *name, enum kernel_level level, const char *fmt, ...)
{
	struct kernel_verdict *more = reallocarray(c->v, c->n + 1, sizeof(*more));
	va_list ap;
	char *text;
	int n;

	if (!more)
		return -ENOMEM;
	c->v = more;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	c->v[c->n++] = (struct kernel_verdict){ name, level, text };
	return 0;
}

/* ---- root modes ------------------------------------------------------------------------------------------- */

static int check_mode(struct checking *c, const char *mode, enum kernel_level bad)
{
	_cleanup_strbuf_ struct strbuf missing = STRBUF_INIT;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(needs); i++) {
		_cleanup_free_ char *value = NULL;
		bool has;

		if ((needs[i].mode && strcmp(needs[i].mode, mode) != 0) ||
		    (needs[i].since && !kernel_versions_have(needs[i].since, c->k->release)))
			continue;
		r = craft_config_get(c->config, needs[i].symbol, &value);
		has = r == 0 && (strcmp(value, "y") == 0 || (!needs[i].built_in && strcmp(value, "m") == 0));
		if (r == 0 && !has)
			strbuf_addf(&missing, "%s%s%s", missing.len ? ", " : "", needs[i].symbol,
				    strcmp(value, "m") == 0 ? " (built in, not as a module)" : "");
	}
	if (r < 0 || missing.failed)
		return -ENOMEM;
	if (!missing.len)
		return say(c, "root mode", KERNEL_OK,
			   _("The root mode %s finds all that it needs in this kernel."), mode);
	return say(c, "root mode", bad, _("The root mode %s needs %s, which this kernel has not."), mode,
		   missing.data);
}

/* Without a mode that was chosen, one that does not work is no problem yet. */
static int check_modes(struct checking *c)
{
	static const char *const modes[] = { "ram", "nfs", "initramfs" };
	int r = 0;

	if (c->place->mode)
		return check_mode(c, c->place->mode, KERNEL_PROBLEM);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(modes); i++)
		r = check_mode(c, modes[i], KERNEL_WARNING);
	return r;
}

/* ---- libc --------------------------------------------------------------------------------------------------- */

static int check_libc(struct checking *c)
{
	_cleanup_free_ char *range = NULL;

	if (!c->place->root)
		return 0;
	if (!c->place->libc_least)
		return say(c, "libc", KERNEL_OK,
			   _("The root %s has no libc that wants a kernel of a certain age."),
			   c->place->root);
	if (asprintf(&range, "%s-", c->place->libc_least) < 0) {
		range = NULL;
		return -ENOMEM;
	}
	if (kernel_versions_have(range, c->k->release))
		return say(c, "libc", KERNEL_OK,
			   _("The libc of the root %s wants Linux %s or later, and this is %s."),
			   c->place->root, c->place->libc_least, c->k->release);
	return say(
		c, "libc", KERNEL_PROBLEM,
		_("The libc of the root %s wants Linux %s or later, and this is %s: no program of that root "
		  "would start. Take the "
		  "root mode initramfs, or a root of an older distribution."),
		c->place->root, c->place->libc_least, c->k->release);
}

/* ---- network cards -------------------------------------------------------------------------------------------- */

static int check_card(struct checking *c, const char *card, bool boots)
{
	_cleanup_free_ char *driver = NULL, *wanted = NULL;
	bool built_in;
	int r = kernel_driver_of(c->drivers, card, c->place->drivers, &driver, &built_in, &wanted);

	if (r < 0)
		return r;
	if (driver && built_in)
		return say(c, "card", KERNEL_OK, _("The card %s is driven by %s, which is built in."), card,
			   driver);
	if (driver)
		return say(c, "card", KERNEL_OK, _("The card %s is driven by the module %s."), card, driver);
	if (!wanted)
		return say(
			c, "card", KERNEL_WARNING,
			_("No module of this kernel drives the card %s, and nothing here knows which driver "
			  "it wants: whether one "
			  "is built in cannot be told."),
			card);
	if (!boots)
		return say(c, "card", KERNEL_WARNING,
			   _("The card %s, over which no node boots, wants the driver %s, which this kernel "
			     "has not."),
			   card, wanted);
	return say(c, "card", KERNEL_PROBLEM,
		   _("The card %s wants the driver %s, which this kernel has not: such a node would find no "
		     "network."),
		   card, wanted);
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static int check_memory(struct checking *c)
{
	const struct kernel_place *p = c->place;
	bool fits;

	/* Over NFS a root takes none. */
	if (!p->root_bytes || !p->memory || !p->mode || strcmp(p->mode, "nfs") == 0)
		return 0;
	fits = p->memory >= p->root_bytes + ROOM;
	return say(c, "memory", fits ? KERNEL_OK : KERNEL_PROBLEM,
		   _("The root %s takes %s of each node's memory, and %s, the smallest, has %s."), p->root,
		   BYTES(p->root_bytes), p->least_node, BYTES(p->memory));
}

int kernel_check_files(int root_fd, const struct kernel_files *k, const struct kernel_place *place,
		       struct kernel_verdict **ret, size_t *ret_n)
{
	struct checking c = { .k = k, .place = place };
	size_t len;
	int r = kernel_drivers_read(root_fd, k->modules, &c.drivers);

	if (r == 0)
		r = fs_read(root_fd, k->config, FILE_MAX, &c.config, &len);
	if (r < 0)
		log_error(_("the configuration of the kernel %s cannot be read: %s"), k->name,
			  muster_strerror(r));
	if (r == 0)
		r = check_modes(&c);
	if (r == 0)
		r = check_libc(&c);
	for (size_t i = 0; r == 0 && place->cards && place->cards[i]; i++)
		r = check_card(&c, place->cards[i], true);
	for (size_t i = 0; r == 0 && place->other_cards && place->other_cards[i]; i++)
		r = check_card(&c, place->other_cards[i], false);
	if (r == 0)
		r = check_memory(&c);
	free(c.config);
	kernel_drivers_free(c.drivers);
	if (r < 0) {
		kernel_verdicts_free(c.v, c.n);
		return r;
	}
	*ret = c.v;
	*ret_n = c.n;
	return 0;
}

int kernel_check(const struct kernel_env *env, const struct kernel_generation *g,
		 const struct kernel_place *place, struct kernel_verdict **ret, size_t *ret_n)
{
	_cleanup_free_ char *config = NULL, *modules = NULL;

	if (asprintf(&config, "%s/%s/config", KERNEL_GENERATIONS, g->id) < 0) {
		config = NULL;
		return -ENOMEM;
	}
	if (asprintf(&modules, "%s/%s/lib/modules/%s", KERNEL_GENERATIONS, g->id, g->release) < 0) {
		modules = NULL;
		return -ENOMEM;
	}
	return kernel_check_files(env->root_fd, &(struct kernel_files){ g->id, g->release, config, modules },
				  place, ret, ret_n);
}
