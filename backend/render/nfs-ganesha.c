/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nfs-ganesha: ganesha-core-config(8), ganesha-export-config(8), ganesha-nfsv4-config(8). NFSv4 alone, so that no rpcbind
 * is needed. The pseudo path is the one that the kernel's server would have, so nodes mount the same.
 */
#include "config.h"

#include "backend/render/quote.h"
#include "backend/render/unit.h"

#define SERVICE "nfs-ganesha"
#define RECOVERY RENDER_VAR "/ganesha"

static void add_config(struct strbuf *b, const struct plan *p, const struct render_env *env)
{
	struct ip4_net net = { .address = ip4_net_first(p->net), .prefix = p->net.prefix };

	strbuf_addf(b,
		    RENDER_BANNER "NFS_CORE_PARAM {\n"
				  "\tProtocols = 4;\n"
				  "\tBind_addr = %s;\n"
				  "\tNFS_Port = 2049;\n"
				  "\tEnable_NLM = false;\n"
				  "\tEnable_RQUOTA = false;\n"
				  "\tEnable_UDP = false;\n"
				  "}\n"
				  "\n"
				  "NFSV4 {\n"
				  "\tOnly_Numeric_Owners = true;\n"
				  "\tGraceless = true;\n"
				  "\tGrace_Period = 5;\n"
				  "\tLease_Lifetime = 10;\n"
				  "\tRecoveryBackend = fs;\n"
				  "\tRecoveryRoot = ",
		    IP4(p->net.address));
	quote_path(b, render_prefix(env), RECOVERY);
	strbuf_adds(b, ";\n"
		       "}\n"
		       "\n"
		       "EXPORT {\n"
		       "\tExport_Id = 1;\n"
		       "\tPath = ");
	quote_path(b, render_prefix(env), RENDER_ROOTS);
	strbuf_addf(b,
		    ";\n"
		    "\tPseudo = \"" RENDER_ROOTS "\";\n"
		    "\tProtocols = 4;\n"
		    "\tTransports = TCP;\n"
		    "\tAccess_Type = NONE;\n"
		    "\tSquash = All_Squash;\n"
		    "\tSecType = sys;\n"
		    "\tFSAL {\n"
		    "\t\tName = VFS;\n"
		    "\t}\n"
		    "\tCLIENT {\n"
		    "\t\tClients = %s;\n"
		    "\t\tProtocols = 4;\n"
		    "\t\tAccess_Type = RO;\n"
		    "\t\tSquash = All_Squash;\n"
		    "\t}\n"
		    "}\n",
		    IP4_NET(net));
}

/* It opens files by handle (CAP_DAC_READ_SEARCH) as the user that a request names (CAP_SETUID, CAP_SETGID). */
static int add_unit(const struct render_env *env, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	unit_begin(&b, "muster: NFS for the nodes' roots", "man:ganesha-config(8)",
		   "network.target muster-network.service");
	strbuf_adds(&b,
		    "Wants=muster-network.service\n"
		    "Conflicts=nfs-server.service nfs-ganesha.service\n"
		    "\n[Service]\n"
		    "Type=exec\n"
		    "ExecStart=/usr/bin/ganesha.nfsd -F -L STDERR -p /run/muster-ganesha/ganesha.pid -f ");
	quote_unit(&b, render_prefix(env), RENDER_GANESHA_CONF, true);
	strbuf_adds(&b, "\nExecReload=/bin/kill -HUP $MAINPID\n"
			"Restart=on-failure\n"
			"RestartSec=1\n"
			"LimitNOFILE=1048576\n"
			"RuntimeDirectory=muster-ganesha\n");
	unit_harden(&b);
	unit_writable(&b, env, RECOVERY);
	strbuf_adds(&b, "SystemCallFilter=open_by_handle_at\n"
			"CapabilityBoundingSet=CAP_DAC_READ_SEARCH CAP_SETUID CAP_SETGID CAP_SYS_RESOURCE\n"
			"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK\n");
	unit_end(&b);
	return render_add(f, &b, UNIT_DIR "/muster-ganesha.service", SERVICE);
}

int render_nfs_ganesha(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r = fileset_add_directory(f, RECOVERY, 0700, NULL);

	if (r < 0)
		return r;
	add_config(&b, p, env);
	r = render_add(f, &b, RENDER_GANESHA_CONF, SERVICE);
	if (r == 0 && env->units)
		r = add_unit(env, f);
	return r;
}
