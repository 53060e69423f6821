/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel's NFS server: exports(5). Version 4 shows an export below its real path by itself. */
#include "config.h"

#include "backend/render/quote.h"

int render_nfs_kernel(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	struct ip4_net net = { .address = ip4_net_first(p->net), .prefix = p->net.prefix };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r = fileset_add_directory(f, "/etc/exports.d", 0755, NULL);

	if (r < 0)
		return r;
	/* Roots are world-readable files: no node needs anybody's rights to read them. */
	strbuf_adds(&b, RENDER_BANNER);
	quote_export(&b, render_prefix(env), RENDER_ROOTS);
	strbuf_addf(&b, "\t%s(ro,all_squash,no_subtree_check,sec=sys)\n", IP4_NET(net));
	return render_add(f, &b, RENDER_EXPORTS, "nfs-kernel");
}
