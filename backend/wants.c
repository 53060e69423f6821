/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a plan wants of the server: packages, services, keys. */
#include "config.h"

#include <errno.h>
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
	return p->nfs == PLAN_NFS_KERNEL && !m->config.rehearsal;
}

static bool by_nfs_ganesha(const struct muster *m, const struct plan *p)
{
	/* It needs nothing of the host's kernel. */
	return p->nfs == PLAN_NFS_GANESHA || (p->nfs == PLAN_NFS_KERNEL && m->config.rehearsal);
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

/* The packages of a profile's service that is not there. */
static int add_packages(const struct muster *m, const char *name, struct strv *ret)
{
	const struct profile_service *s = profile_service_find(m->distro, name);
	int r = 0;

	if (!s || is_installed(s))
		return 0;
	for (size_t k = 0; r == 0 && k < s->packages.n; k++)
		if (!strv_has(ret, s->packages.v[k]))
			r = strv_add(ret, s->packages.v[k]);
	return r;
}

static int wish_of(struct muster *m, const struct plan *p, struct apply_wish *w)
{
	int r = 0;

	*w = (struct apply_wish){ .user = !m->scratch };
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(wants); i++) {
		if (!wants[i].wanted(m, p))
			continue;
		if (wants[i].service)
			r = strv_add(&w->services, wants[i].service);
		if (r == 0 && wants[i].profile)
			r = add_packages(m, wants[i].profile, &w->packages);
	}
	for (size_t i = 0; r == 0 && i < p->n_nodes; i++)
		if (p->root != PLAN_ROOT_INITRAMFS)
			r = strv_add(&w->keys, p->nodes[i].name);
	return r;
}

int muster_rehearsal_missing(struct muster *m, bool uefi, struct strv *ret)
{
	_cleanup_(context_wish_free) struct apply_wish wish = { 0 };
	bool rehearsal = m->config.rehearsal;
	int r;

	if (!m->plan)
		return -EINVAL;
	m->config.rehearsal = true;
	r = wish_of(m, m->plan, &wish);
	m->config.rehearsal = rehearsal;
	if (r == 0)
		r = add_packages(m, "network", &wish.packages);
	if (r == 0)
		r = add_packages(m, "virtual-machines", &wish.packages);
	if (r == 0 && uefi)
		r = add_packages(m, "virtual-uefi", &wish.packages);
	if (r < 0)
		return r;
	*ret = wish.packages;
	wish.packages = (struct strv)STRV_INIT;
	return 0;
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
