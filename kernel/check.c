/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Will this kernel run there? Each verdict is a sentence. */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
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
	{ "nfs", "SQUASHFS_ZSTD", false, NULL },
	{ "nfs", "OVERLAY_FS", false, NULL },
	{ "nfs", "NFS_FS", false, NULL },
	{ "nfs", "NFS_V4", false, NULL },
	{ "nfs", "DEVTMPFS", true, NULL },
};

struct checking {
	const struct kernel_env *env;
	const struct kernel_generation *g;
	const struct kernel_place *place;
	char *config, *aliases, *builtin, *modinfo;
	size_t modinfo_len;
	struct kernel_verdict *v;
	size_t n;
};

bool kernel_is_card(const char *s)
{
	static const char digits[] = "0123456789abcdefABCDEF";

	return strlen(s) == 9 && strspn(s, digits) == 4 && s[4] == ':' && strspn(s + 5, digits) == 4;
}

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
		    (needs[i].since && !kernel_versions_have(needs[i].since, c->g->release)))
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
	if (kernel_versions_have(range, c->g->release))
		return say(c, "libc", KERNEL_OK,
			   _("The libc of the root %s wants Linux %s or later, and this is %s."),
			   c->place->root, c->place->libc_least, c->g->release);
	return say(
		c, "libc", KERNEL_PROBLEM,
		_("The libc of the root %s wants Linux %s or later, and this is %s: no program of that root "
		  "would start. Take the "
		  "root mode initramfs, or a root of an older distribution."),
		c->place->root, c->place->libc_least, c->g->release);
}

/* ---- network cards -------------------------------------------------------------------------------------------- */

static char *read_index(const struct checking *c, const char *name, size_t *ret_len)
{
	_cleanup_free_ char *path = NULL;
	char *text = NULL;

	if (asprintf(&path, "%s/%s/lib/modules/%s/%s", KERNEL_GENERATIONS, c->g->id, c->g->release, name) < 0)
		return NULL;
	return fs_read(c->env->root_fd, path, FILE_MAX, &text, ret_len) < 0 ? NULL : text;
}

/* modules.alias: "alias PATTERN MODULE" */
static char *find_module(const char *aliases, const char *card)
{
	for (const char *line = aliases; line && *line;) {
		size_t len = strcspn(line, "\n");
		_cleanup_free_ char *pattern = NULL;

		if (strncmp(line, "alias pci:", 10) == 0) {
			const char *from = line + 6;
			size_t n = strcspn(from, " \n");

			pattern = strndup(from, n);
			if (pattern && from[n] == ' ' && fnmatch(pattern, card, 0) == 0)
				return strndup(from + n + 1, len - (size_t)(from + n + 1 - line));
		}
		line += len + (line[len] == '\n');
	}
	return NULL;
}

/* modules.builtin.modinfo: "MODULE.alias=PATTERN", each with a NUL behind. Only the newest kernels say it of drivers. */
static char *find_builtin(const char *builtin, size_t size, const char *card)
{
	for (const char *p = builtin; p && p < builtin + size; p += strlen(p) + 1) {
		const char *pattern = strstr(p, ".alias=pci:");

		if (pattern && fnmatch(pattern + 7, card, 0) == 0)
			return strndup(p, (size_t)(pattern - p));
	}
	return NULL;
}

/* modules.builtin: "kernel/drivers/net/ethernet/intel/e1000/e1000.ko"; a '-' of a file is a '_' of a module. */
static bool has_builtin(const char *builtin, const char *module)
{
	size_t n = strlen(module);

	for (const char *line = builtin; line && *line;) {
		size_t len = strcspn(line, "\n");
		const char *name = line + len;
		bool same;

		while (name > line && name[-1] != '/')
			name--;
		same = (size_t)(line + len - name) == n + 3 && strncmp(name + n, ".ko", 3) == 0;
		for (size_t i = 0; same && i < n; i++)
			same = name[i] == module[i] || (name[i] == '-' && module[i] == '_');
		if (same)
			return true;
		line += len + (line[len] == '\n');
	}
	return false;
}

static int check_card(struct checking *c, const char *card)
{
	_cleanup_free_ char *modalias = NULL, *module = NULL, *builtin = NULL, *wanted = NULL;

	/* As the kernel names a network card (class 02) of which the maker and the model are known. */
	if (asprintf(&modalias, "pci:v0000%.4sd0000%.4ssv00000000sd00000000bc02sc00i00", card, card + 5) <
	    0) {
		modalias = NULL;
		return -ENOMEM;
	}
	for (char *p = modalias + 5; *p && *p != 's'; p++)
		*p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
	/* The letter between both ids is one of the format's own. */
	modalias[13] = 'd';
	builtin = find_builtin(c->modinfo, c->modinfo_len, modalias);
	module = builtin ? NULL : find_module(c->aliases, modalias);
	wanted = module || builtin ? NULL : find_module(c->place->drivers, modalias);
	if (!builtin && wanted && has_builtin(c->builtin, wanted))
		builtin = TAKE_PTR(wanted);
	if (builtin)
		return say(c, "card", KERNEL_OK, _("The card %s is driven by %s, which is built in."), card,
			   builtin);
	if (module)
		return say(c, "card", KERNEL_OK, _("The card %s is driven by the module %s."), card, module);
	if (!wanted)
		return say(
			c, "card", KERNEL_WARNING,
			_("No module of this kernel drives the card %s, and nothing here knows which driver "
			  "it wants: whether one "
			  "is built in cannot be told."),
			card);
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

	if (!p->root_bytes || !p->memory || !p->mode || strcmp(p->mode, "ram") != 0)
		return 0;
	fits = p->memory >= p->root_bytes + ROOM;
	return say(c, "memory", fits ? KERNEL_OK : KERNEL_PROBLEM,
		   _("The root %s takes %s of each node's memory, and %s, the smallest, has %s."), p->root,
		   BYTES(p->root_bytes), p->least_node, BYTES(p->memory));
}

static int read_all(struct checking *c)
{
	_cleanup_free_ char *path = NULL;
	size_t len;

	if (asprintf(&path, "%s/%s/config", KERNEL_GENERATIONS, c->g->id) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	c->aliases = read_index(c, "modules.alias", &len);
	c->builtin = read_index(c, "modules.builtin", &len);
	c->modinfo = read_index(c, "modules.builtin.modinfo", &c->modinfo_len);
	return fs_read(c->env->root_fd, path, FILE_MAX, &c->config, &len);
}

int kernel_check(const struct kernel_env *env, const struct kernel_generation *g,
		 const struct kernel_place *place, struct kernel_verdict **ret, size_t *ret_n)
{
	struct checking c = { .env = env, .g = g, .place = place };
	int r = read_all(&c);

	if (r < 0)
		log_error(_("the configuration of the kernel %s cannot be read: %s"), g->id,
			  muster_strerror(r));
	if (r == 0)
		r = check_modes(&c);
	if (r == 0)
		r = check_libc(&c);
	for (size_t i = 0; r == 0 && place->cards && place->cards[i]; i++)
		r = check_card(&c, place->cards[i]);
	if (r == 0)
		r = check_memory(&c);
	free(c.config);
	free(c.aliases);
	free(c.builtin);
	free(c.modinfo);
	if (r < 0) {
		kernel_verdicts_free(c.v, c.n);
		return r;
	}
	*ret = c.v;
	*ret_n = c.n;
	return 0;
}
