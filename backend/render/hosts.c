/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hosts(5): the names of the server and of all nodes, for dnsmasq and for the server itself. */
#include "config.h"

#include "backend/render/quote.h"

#define SERVER_NAME "server"

static void add_line(struct strbuf *b, const struct plan *p, struct ip4 address, const char *name)
{
	strbuf_addf(b, "%s\t%s.%s %s\n", IP4(address), name, p->domain, name);
}

static void add_names(struct strbuf *b, const struct plan *p)
{
	if (!plan_node_by_name(p, SERVER_NAME))
		add_line(b, p, p->net.address, SERVER_NAME);
	for (size_t i = 0; i < p->n_nodes; i++)
		if (p->nodes[i].address.n)
			add_line(b, p, p->nodes[i].address, p->nodes[i].name);
}

int render_hosts(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	size_t len;
	char *data;
	int r;

	add_names(&b, p);
	r = strbuf_take(&b, &data, &len);
	if (r == 0)
		r = fileset_add_file(f, FILESET_BLOCK, "/etc/hosts", data, len, 0644, NULL, NULL);
	if (r < 0 || !p->dhcp_service)
		return r;
	strbuf_adds(&b, RENDER_BANNER);
	add_names(&b, p);
	return render_add(f, &b, RENDER_HOSTS, "dnsmasq");
}
