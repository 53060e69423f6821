/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a plan wants of the server: packages, services, keys. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "backend/context.h"
#include "util/spawn.h"

/* What a plan may want of the server, by the names of the distribution profile and of apply's services. */
static const struct want {
	const char *profile; /* whose packages are needed; NULL: none */
	const char *service; /* that runs; NULL: none */
	bool (*wanted)(const struct muster *m, const struct plan *p);
} wants[];

static bool always(const struct muster *m, const struct plan *p)
{
	return true;
}

static bool on_server(const struct muster *m, const struct plan *p)
{
	return !m->config.lab;
}

static bool by_dhcp(const struct muster *m, const struct plan *p)
{
	return p->dhcp_service;
}

static bool by_nfs_kernel(const struct muster *m, const struct plan *p)
{
	return p->nfs == PLAN_NFS_KERNEL;
}

static bool by_nfs_ganesha(const struct muster *m, const struct plan *p)
{
	return p->nfs == PLAN_NFS_GANESHA;
}

/* In the order of their starting. */
static const struct want wants[] = {
	{ "network", "network", on_server },
	{ "root-build", NULL, always },
	{ "keys", NULL, always },
	{ "loaders", NULL, by_dhcp },
	{ "nfs-kernel", "nfs-kernel", by_nfs_kernel },
	{ "nfs-ganesha", "nfs-ganesha", by_nfs_ganesha },
	{ NULL, "musterd", always },
	{ "dnsmasq", "dnsmasq", by_dhcp },
};

static bool is_installed(const struct profile_service *s)
{
	for (size_t i = 0; i < s->programs.n; i++) {
		_cleanup_free_ char *path = spawn_find(s->programs.v[i]);

		if (!path)
			return false;
	}
	for (size_t i = 0; i < s->files.n; i++)
		if (access(s->files.v[i], R_OK) < 0)
			return false;
	return true;
}

static int wish_of(struct muster *m, const struct plan *p, struct apply_wish *w)
{
	int r = 0;

	*w = (struct apply_wish){ .user = !m->scratch };
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(wants); i++) {
		const struct profile_service *s;

		if (!wants[i].wanted(m, p))
			continue;
		if (wants[i].service)
			r = strv_add(&w->services, wants[i].service);
		s = wants[i].profile ? profile_service_find(m->distro, wants[i].profile) : NULL;
		if (!s || is_installed(s))
			continue;
		for (size_t k = 0; r == 0 && k < s->packages.n; k++)
			if (!strv_has(&w->packages, s->packages.v[k]))
				r = strv_add(&w->packages, s->packages.v[k]);
	}
	for (size_t i = 0; r == 0 && i < p->n_nodes; i++)
		if (p->root != PLAN_ROOT_INITRAMFS)
			r = strv_add(&w->keys, p->nodes[i].name);
	return r;
}

int context_wish(struct muster *m, struct apply_wish *w)
{
	return wish_of(m, m->plan, w);
}

void context_wish_free(struct apply_wish *w)
{
	strv_free(&w->services);
	strv_free(&w->packages);
	strv_free(&w->keys);
}

int context_missing_packages(struct muster *m, struct strv *ret)
{
	static const struct plan any = { .dhcp_service = true };
	_cleanup_(context_wish_free) struct apply_wish wish = { 0 };
	int r = wish_of(m, m->plan ? m->plan : &any, &wish);

	if (r < 0)
		return r;
	*ret = wish.packages;
	wish.packages = (struct strv)STRV_INIT;
	return 0;
}
