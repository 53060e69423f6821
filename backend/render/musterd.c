/* SPDX-License-Identifier: GPL-3.0-or-later */
/* musterd's own: the plan as it reads it, the folders that it works in, its unit. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "backend/render/quote.h"
#include "backend/render/unit.h"

#define SERVICE "musterd"
#define PRIVILEGED_PORTS 1024

static int cluster_json(const struct plan *p, const struct render_env *env, char **ret)
{
	_cleanup_(json_decrefp) json_t *root = NULL;
	_cleanup_free_ char *plan = NULL, *text = NULL;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	/* Not what the facts said before the first apply: the same answers must give the same bytes ever after. */
	struct plan lasting = *p;
	json_t *j;
	int r;

	lasting.address_present = false;
	r = plan_to_json(&lasting, &plan);
	if (r < 0)
		return r;
	j = json_loads(plan, JSON_REJECT_DUPLICATES, NULL);
	if (!j)
		return -ENOMEM;
	/* "o" takes the reference over, also when it fails. */
	root = json_pack("{s:o, s:s, s:s, s:s}", "plan", j, "generation",
			 env->generation ? env->generation : "", "initramfs",
			 env->initramfs ? env->initramfs : "", "kernel_release",
			 env->kernel_release ? env->kernel_release : "");
	text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	if (!text)
		return -ENOMEM;
	strbuf_addf(&b, "%s\n", text);
	return strbuf_take(&b, ret, NULL);
}

static int add_unit(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	bool low_port = p->http_port < PRIVILEGED_PORTS;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	unit_begin(&b, "muster: serves the nodes' boot and takes their reports", "man:musterd(8)",
		   "network.target muster-network.service");
	strbuf_adds(&b, "Wants=muster-network.service\n"
			"\n[Service]\n"
			"Type=simple\n"
			"ExecStart=");
	quote_unit(&b, env->sbindir, "/musterd", false);
	if (*render_prefix(env)) {
		strbuf_adds(&b, " --root ");
		quote_unit(&b, render_prefix(env), "", true);
	}
	strbuf_adds(&b, "\nExecReload=/bin/kill -HUP $MAINPID\n"
			"User=" RENDER_USER "\n"
			"Group=" RENDER_USER "\n"
			"Restart=on-failure\n"
			"RestartSec=1\n"
			"LimitNOFILE=65536\n"
			"RuntimeDirectory=muster\n"
			"RuntimeDirectoryMode=0755\n"
			"RuntimeDirectoryPreserve=yes\n");
	unit_harden(&b);
	unit_writable(&b, env, RENDER_VAR "/state");
	strbuf_addf(&b, "CapabilityBoundingSet=%s\n", low_port ? "CAP_NET_BIND_SERVICE" : "");
	if (low_port)
		strbuf_adds(&b, "AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
	/* Beside another DHCP server it asks the kernel who is behind an address. */
	strbuf_addf(&b, "RestrictAddressFamilies=AF_UNIX AF_INET%s\n",
		    p->dhcp == PLAN_DHCP_PROXY ? " AF_NETLINK" : "");
	unit_end(&b);
	return render_add(f, &b, UNIT_DIR "/musterd.service", SERVICE);
}

int render_musterd(const struct plan *p, const struct render_env *env, struct fileset *f)
{
	char *text;
	int r = fileset_add_directory(f, RENDER_VAR "/initramfs", 0755, NULL);

	if (r == 0)
		r = fileset_add_directory(f, RENDER_VAR "/state", 0700, RENDER_USER);
	if (r == 0)
		r = fileset_add_directory(f, RENDER_VAR "/keys", 0700, RENDER_USER);
	if (r == 0)
		r = cluster_json(p, env, &text);
	if (r == 0)
		r = fileset_add_file(f, FILESET_FILE, RENDER_CLUSTER, text, strlen(text), 0640, RENDER_USER,
				     SERVICE);
	if (r == 0 && env->units)
		r = add_unit(p, env, f);
	return r;
}
