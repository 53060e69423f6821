/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/image/modules.h"

#include <errno.h>
#include <fts.h>
#include <libkmod.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/image/image.h"
#include "util/error.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

/* Loaded always, in this order, by root mode. NFS needs version 4's module by name: without modprobe in the
 * initramfs the kernel cannot fetch it itself. */
static const char *const needed[][5] = {
	[PLAN_ROOT_RAM] = { "loop", "squashfs", "overlay" },
	[PLAN_ROOT_NFS] = { "loop", "squashfs", "overlay", "nfsv4" },
	[PLAN_ROOT_INITRAMFS] = { NULL },
};

/* Kernels that are older than the distribution may do without: version 4 was a part of "nfs" until 3.6, and where there is no
 * overlayfs (before 3.18) the agent copies what is written to. */
static const struct {
	const char *name, *instead;
} replaced[] = { { "nfsv4", "nfs" }, { "overlay", NULL } };

/* Loaded where a device asks for them: every driver below the first of these folders that is there (the second for
 * kernels before 3.2) ... */
static const char *const driver_folders[] = { "kernel/drivers/net/ethernet", "kernel/drivers/net" };
/* ... the network cards that lie elsewhere, the buses that such cards sit on, and the disk of direct boots. */
static const char *const drivers[] = {
	"virtio_net", "vmxnet3",     "xen_netfront", "hv_netvsc",
	"virtio_pci", "virtio_mmio", "hv_vmbus",     "virtio_blk",
};

/* A driver that asks the kernel for a second module, by modprobe(8), which is not there. */
static const struct companion {
	const char *driver, *wants;
} companions[] = {
	{ "mlx4_core", "mlx4_en" },
};

struct collecting {
	struct kmod_ctx *kmod;
	struct modules *modules;
	struct strbuf conf;
	const char *folder;
};

void modules_free(struct modules *m)
{
	if (!m)
		return;
	free(m->conf);
	free(m->ssi);
	strv_free(&m->names);
	strv_free(&m->files);
	free(m);
}

static int remember(struct modules *m, struct kmod_module *mod)
{
	int r;

	if (strv_has(&m->names, kmod_module_get_name(mod)))
		return 0;
	r = strv_add(&m->files, kmod_module_get_path(mod));
	return r < 0 ? r : strv_add(&m->names, kmod_module_get_name(mod));
}

static int add_by_name(struct collecting *c, const char *name, struct strv *chain, bool *ret_known);

/* "pre: crypto-crc32c post: x": what stands between "pre:" and "post:" is wanted first, but not needed. */
static int add_soft(struct collecting *c, const char *value, struct strv *chain)
{
	_cleanup_free_ char *copy = strdup(value);
	bool before = false, known;
	char *save = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *w = r == 0 ? strtok_r(copy, " \t", &save) : NULL; r == 0 && w;
	     w = strtok_r(NULL, " \t", &save)) {
		if (strcmp(w, "pre:") == 0 || strcmp(w, "post:") == 0)
			before = strcmp(w, "pre:") == 0;
		else if (before)
			r = add_by_name(c, w, chain, &known);
	}
	return r;
}

/* Adds the module to the chain, behind everything that it needs. */
static int add_module(struct collecting *c, struct kmod_module *mod, struct strv *chain)
{
	struct kmod_list *info = NULL, *deps, *i;
	int r = 0;

	if (!kmod_module_get_path(mod) || strv_has(chain, kmod_module_get_name(mod)))
		return 0; /* built in, or there already */
	deps = kmod_module_get_dependencies(mod);
	kmod_list_foreach(i, deps)
	{
		struct kmod_module *dep = kmod_module_get_module(i);

		if (r == 0)
			r = add_module(c, dep, chain);
		kmod_module_unref(dep);
	}
	kmod_module_unref_list(deps);
	if (r == 0 && kmod_module_get_info(mod, &info) < 0)
		info = NULL;
	kmod_list_foreach(i, info) if (r == 0 && strcmp(kmod_module_info_get_key(i), "softdep") == 0) r =
		add_soft(c, kmod_module_info_get_value(i), chain);
	kmod_module_info_free_list(info);
	/* Two modules that want each other first come here twice. */
	if (r < 0 || strv_has(chain, kmod_module_get_name(mod)))
		return r;
	r = strv_add(chain, kmod_module_get_name(mod));
	return r < 0 ? r : remember(c->modules, mod);
}

/* By name or alias. *ret_known: the kernel has it, as a module or built in. */
static int add_by_name(struct collecting *c, const char *name, struct strv *chain, bool *ret_known)
{
	struct kmod_list *list = NULL, *i;
	int r = kmod_module_new_from_lookup(c->kmod, name, &list);

	*ret_known = list != NULL;
	kmod_list_foreach(i, list)
	{
		struct kmod_module *mod = kmod_module_get_module(i);

		if (r >= 0)
			r = add_module(c, mod, chain);
		kmod_module_unref(mod);
	}
	kmod_module_unref_list(list);
	return r == -ENOMEM ? r : 0;
}

static void add_paths(struct strbuf *b, const struct strv *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		strbuf_addf(b, " /" MODULES_PATH "/%s.ko", chain->v[i]);
	strbuf_addc(b, '\n');
}

static bool is_replaced(const char *name, const char **ret_instead)
{
	for (size_t i = 0; i < ARRAY_SIZE(replaced); i++)
		if (strcmp(replaced[i].name, name) == 0) {
			*ret_instead = replaced[i].instead;
			return true;
		}
	return false;
}

static int add_needed(struct collecting *c, enum plan_root root, bool old)
{
	for (size_t i = 0; needed[root][i]; i++) {
		_cleanup_strv_ struct strv chain = STRV_INIT;
		const char *instead = NULL;
		bool known, spared;
		int r = add_by_name(c, needed[root][i], &chain, &known);

		spared = !known && old && is_replaced(needed[root][i], &instead);
		if (r == 0 && spared && instead)
			r = add_by_name(c, instead, &chain, &known);
		if (r < 0)
			return r;
		if (!known && !(spared && !instead)) {
			log_error(
				_("the nodes' kernel has no %s, neither built in nor as a module: this root "
				  "mode needs it"),
				needed[root][i]);
			return -MUSTER_E_UNSUPPORTED;
		}
		if (chain.n == 0)
			continue;
		strbuf_adds(&c->conf, "load");
		add_paths(&c->conf, &chain);
	}
	return 0;
}

/* Of the single system image, where they are modules: the agent loads them when it prepares the node (agent/steps.h). Only a kernel
 * that was built for it has them. */
static const char *const single_system[] = {
	"kerrighed", /* 2.4 */
	/* what agent/scheduler.c configures; the kernel would ask modprobe(8) for them, which is not there */
	"mosix_probe",
	"migration_probe",
	"threshold_filter",
	"freq_limit_filter",
	"remote_cache_filter",
	"mosix_load_balancer",
	"round_robin_balancer",
};

static int add_single_system(struct collecting *c)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(single_system); i++) {
		_cleanup_strv_ struct strv chain = STRV_INIT;
		bool known;
		int r = add_by_name(c, single_system[i], &chain, &known);

		if (r < 0)
			return r;
		if (chain.n == 0)
			continue;
		strbuf_adds(&b, "load");
		add_paths(&b, &chain);
	}
	return b.len ? strbuf_take(&b, &c->modules->ssi, NULL) : 0;
}

/* One line for each alias of the module that names devices: those have a bus and a colon in front. */
static int add_aliases(struct collecting *c, struct kmod_module *mod)
{
	_cleanup_strv_ struct strv chain = STRV_INIT, aliases = STRV_INIT;
	struct kmod_list *info = NULL, *i;
	int r = 0;

	if (!kmod_module_get_path(mod) || kmod_module_get_info(mod, &info) < 0)
		return 0;
	kmod_list_foreach(i, info)
	{
		const char *value = kmod_module_info_get_value(i);

		if (r == 0 && strcmp(kmod_module_info_get_key(i), "alias") == 0 && strchr(value, ':') &&
		    !strchr(value, ' '))
			r = strv_add(&aliases, value);
	}
	kmod_module_info_free_list(info);
	if (r < 0 || aliases.n == 0)
		return r;
	r = add_module(c, mod, &chain);
	for (size_t n = 0; r == 0 && n < ARRAY_SIZE(companions); n++) {
		bool known;

		if (strcmp(companions[n].driver, kmod_module_get_name(mod)) == 0)
			r = add_by_name(c, companions[n].wants, &chain, &known);
	}
	strv_sort(&aliases);
	for (size_t a = 0; r == 0 && a < aliases.n; a++) {
		strbuf_addf(&c->conf, "alias %s", aliases.v[a]);
		add_paths(&c->conf, &chain);
	}
	return r;
}

/* "xen-netfront.ko.xz" → "xen_netfront" */
static int add_file_name(struct strv *names, const char *file)
{
	const char *end = strstr(file, ".ko");
	_cleanup_free_ char *name = end ? strndup(file, (size_t)(end - file)) : NULL;

	if (!end)
		return 0;
	if (!name)
		return -ENOMEM;
	for (char *d = name; *d; d++)
		if (*d == '-')
			*d = '_';
	return strv_has(names, name) ? 0 : strv_add(names, name);
}

/* -ENOENT: there is none. */
static int add_folder(struct strv *names, const char *folder, const char *below)
{
	_cleanup_free_ char *path = NULL;
	FTSENT *e;
	FTS *fts;
	int r = 0;

	if (asprintf(&path, "%s/%s", folder, below) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (access(path, F_OK) < 0)
		return -errno;
	fts = fts_open((char *const[]){ path, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!fts)
		return -errno;
	while (r == 0 && (e = fts_read(fts)))
		if (e->fts_info == FTS_F)
			r = add_file_name(names, e->fts_name);
	fts_close(fts);
	return r;
}

static int add_drivers(struct collecting *c)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = -ENOENT;

	for (size_t i = 0; r == -ENOENT && i < ARRAY_SIZE(driver_folders); i++)
		r = add_folder(&names, c->folder, driver_folders[i]);
	if (r == -ENOENT)
		r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(drivers); i++)
		if (!strv_has(&names, drivers[i]))
			r = strv_add(&names, drivers[i]);
	strv_sort(&names);
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct kmod_list *list = NULL, *l;

		if (kmod_module_new_from_lookup(c->kmod, names.v[i], &list) < 0)
			continue;
		kmod_list_foreach(l, list)
		{
			struct kmod_module *mod = kmod_module_get_module(l);

			if (r == 0)
				r = add_aliases(c, mod);
			kmod_module_unref(mod);
		}
		kmod_module_unref_list(list);
	}
	return r;
}

/* The order in which modules were found is no order: it comes from the disk. */
static int sort_files(struct modules *m)
{
	for (size_t i = 1; i < m->names.n; i++)
		for (size_t j = i; j > 0 && strcmp(m->names.v[j - 1], m->names.v[j]) > 0; j--) {
			char *name = m->names.v[j], *file = m->files.v[j];

			m->names.v[j] = m->names.v[j - 1];
			m->names.v[j - 1] = name;
			m->files.v[j] = m->files.v[j - 1];
			m->files.v[j - 1] = file;
		}
	return 0;
}

static const char *const no_config[] = { NULL }; /* /etc/modprobe.d is the server's, not the nodes' */

int modules_collect(const char *folder, enum plan_root root, bool old, struct modules **ret)
{
	_cleanup_(modules_freep) struct modules *m = calloc(1, sizeof(*m));
	struct collecting c = { .modules = m, .conf = STRBUF_INIT, .folder = folder };
	int r;

	if (!m)
		return -ENOMEM;
	c.kmod = kmod_new(folder, no_config);
	if (!c.kmod)
		return -ENOMEM;
	kmod_set_log_priority(c.kmod, 0);
	r = kmod_load_resources(c.kmod);
	if (r < 0)
		log_error(_("the indexes of the kernel's modules in %s cannot be read: %s"), folder,
			  muster_strerror(r));
	strbuf_adds(&c.conf, "# Made by muster: see agent/modules.\n");
	if (r == 0)
		r = add_needed(&c, root, old);
	if (r == 0)
		r = add_drivers(&c);
	if (r == 0)
		r = add_single_system(&c);
	kmod_unref(c.kmod);
	if (r == 0)
		r = sort_files(m);
	if (r == 0)
		r = strbuf_take(&c.conf, &m->conf, NULL);
	strbuf_free(&c.conf);
	if (r == 0)
		*ret = TAKE_PTR(m);
	return r;
}
