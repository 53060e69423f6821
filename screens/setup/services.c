/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which services this server runs for the nodes, and the cluster's name. */
#include "config.h"

#include <stdlib.h>

#include "screens/setup/private.h"
#include "util/i18n.h"

enum { NAME, DOMAIN, DHCP, NFS, PORT };

static const struct tui_choice dhcps[] = {
	{ N_("dnsmasq"), N_("DHCP, TFTP and the names of the nodes. Installed when it is missing.") },
	{ N_("None"), N_("You run a DHCP server of your own, and set it up yourself.") },
};
static const char *const dhcp_words[] = { "dnsmasq", "none" };

static const struct tui_choice nfss[] = {
	{ N_("None"), N_("Enough for a root in memory.") },
	{ N_("The kernel's NFS server"), N_("The usual one.") },
	{ N_("nfs-ganesha"), N_("Where the kernel has none.") },
};
static const char *const nfs_words[] = { "none", "kernel", "ganesha" };

static const struct tui_field fields[] = {
	{ NAME, FIELD_TEXT, N_("The cluster's name"), N_("lower-case letters, digits, -"), .width = 20 },
	{ DOMAIN, FIELD_TEXT, N_("The nodes' domain"), .width = 24 },
	{ DHCP, FIELD_CHOICE, N_("DHCP, TFTP and names"), .choices = dhcps, .n_choices = ARRAY_SIZE(dhcps) },
	{ NFS, FIELD_CHOICE, N_("NFS"), .choices = nfss, .n_choices = ARRAY_SIZE(nfss) },
	{ PORT, FIELD_NUMBER, N_("musterd's port"), .width = 6, .min = 1, .max = 65535 },
};

static const struct page_bind binds[] = {
	PAGE_TEXT(NAME, "cluster", "name", name),
	PAGE_TEXT(DOMAIN, "cluster", "domain", domain),
	PAGE_CHOICE(DHCP, "services", "dhcp", dhcp_service, dhcp_words),
	PAGE_CHOICE(NFS, "services", "nfs", nfs, nfs_words),
	PAGE_TEXT(PORT, "services", "http_port", http_port),
};

static const struct page_ops ops = {
	.fields = fields,
	.n_fields = ARRAY_SIZE(fields),
	.binds = binds,
	.n_binds = ARRAY_SIZE(binds),
};

static int services_open(struct tui *t, void *argument, void **ret)
{
	struct wizard *w = argument;
	int r = *w->draft->http_port ? 0 : draft_set(&w->draft->http_port, "8066");

	return r < 0 ? r : page_open(w, &ops, ret);
}

const struct screen_ops step_services =
	PAGE_SCREEN("services", N_("Services"),
		    N_("musterd itself runs in any case: it serves what the nodes boot, and keeps their "
		       "state. The names of the nodes end in "
		       "the domain, and this server knows them by it."),
		    services_open);
