/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ssh_config(5): the server knows its nodes' host keys from muster, and asks nobody about them. */
#include "config.h"

#include "backend/render/quote.h"

int render_ssh(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r = fileset_add_directory(f, "/etc/ssh/ssh_config.d", 0755, NULL);

	if (r < 0)
		return r;
	strbuf_adds(&b, RENDER_BANNER);
	/* Each name by itself: a pattern for the domain could take in machines that are not the cluster's. */
	for (size_t i = 0; i < p->n_nodes; i++) {
		const struct plan_node *n = &p->nodes[i];

		strbuf_addf(&b, "Host %s %s.%s", n->name, n->name, p->domain);
		if (n->address.n)
			strbuf_addf(&b, " %s", IP4(n->address));
		strbuf_adds(&b, "\n\tGlobalKnownHostsFile ");
		quote_path(&b, render_prefix(env), RENDER_KNOWN_HOSTS);
		strbuf_addc(&b, '\n');
	}
	return render_add(f, &b, RENDER_SSH_CONF, NULL);
}
