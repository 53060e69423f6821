/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/plan/plan.h"

#include <string.h>

void plan_free(struct plan *p)
{
	if (!p)
		return;
	free(p->name);
	free(p->domain);
	free(p->profile);
	free(p->kernel);
	free(p->generation);
	strv_free(&p->kernel_args);
	strv_free(&p->packages);
	free(p->interface);
	free(p->interface_mac);
	for (size_t i = 0; i < p->n_nodes; i++) {
		free(p->nodes[i].name);
		free(p->nodes[i].arch);
	}
	free(p->nodes);
	strv_free(&p->ssh_keys);
	if (p->root_password)
		explicit_bzero(p->root_password, strlen(p->root_password));
	free(p->root_password);
	free(p);
}

const struct plan_node *plan_node_by_name(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		if (strcmp(p->nodes[i].name, name) == 0)
			return &p->nodes[i];
	return NULL;
}

const struct plan_node *plan_node_by_mac(const struct plan *p, struct mac mac)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		if (p->nodes[i].has_mac && mac_compare(p->nodes[i].mac, mac) == 0)
			return &p->nodes[i];
	return NULL;
}

const struct plan_node *plan_node_by_address(const struct plan *p, struct ip4 address)
{
	for (size_t i = 0; i < p->n_nodes; i++)
		if (p->nodes[i].address.n == address.n)
			return &p->nodes[i];
	return NULL;
}

const char *plan_root_name(enum plan_root r)
{
	static const char *const names[] = {
		[PLAN_ROOT_RAM] = "ram",
		[PLAN_ROOT_NFS] = "nfs",
		[PLAN_ROOT_INITRAMFS] = "initramfs",
	};

	return (size_t)r < ARRAY_SIZE(names) ? names[r] : "unknown";
}
