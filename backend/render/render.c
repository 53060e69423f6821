/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/render/render.h"

#include <stdint.h>
#include <string.h>

#include "backend/render/quote.h"
#include "util/hash.h"

static bool has_dnsmasq(const struct plan *p)
{
	return p->dhcp_service;
}

static bool has_nfs_kernel(const struct plan *p)
{
	return p->nfs == PLAN_NFS_KERNEL;
}

static bool has_nfs_ganesha(const struct plan *p)
{
	return p->nfs == PLAN_NFS_GANESHA;
}

/* In this order they get into the fileset. */
static const struct {
	bool (*wanted)(const struct plan *p); /* NULL: always */
	int (*render)(const struct plan *p, const struct render_env *env, struct fileset *f);
} services[] = {
	{ .render = render_network },
	{ .render = render_hosts },
	{ .wanted = has_dnsmasq, .render = render_dnsmasq },
	{ .wanted = has_nfs_kernel, .render = render_nfs_kernel },
	{ .wanted = has_nfs_ganesha, .render = render_nfs_ganesha },
	{ .render = render_musterd },
	{ .render = render_ssh },
};

int render_all(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	static const char *const folders[] = { RENDER_ETC, RENDER_VAR, RENDER_ROOTS };
	int r = render_check(p, env);

	for (size_t i = 0; i < ARRAY_SIZE(folders) && r == 0; i++)
		r = fileset_add_directory(f, folders[i], 0755, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(services) && r == 0; i++)
		if (!services[i].wanted || services[i].wanted(p))
			r = services[i].render(p, env, f);
	return r;
}

int render_ipv6(const struct plan *p, char buf[RENDER_IPV6_TEXT])
{
	struct ip4_net net = { .address = ip4_net_first(p->net), .prefix = p->net.prefix };
	char hash[HASH_TEXT];
	const char *text = IP4_NET(net);

	if (!p->dhcp_service || p->dhcp == PLAN_DHCP_PROXY) {
		*buf = '\0';
		return 0;
	}
	hash_text(text, strlen(text), hash);
	/* fd, then 6d 75 73 74 65, "muste", then a subnet of 16 bits; written as ip(8) shows it. */
	hash[4] = '\0';
	snprintf(buf, RENDER_IPV6_TEXT, "fd6d:7573:7465:%lx::1/64", strtoul(hash, NULL, 16));
	return 1;
}
