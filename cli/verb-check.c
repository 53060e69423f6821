/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "cli/cli.h"
#include "util/i18n.h"

static const char *root_text(enum plan_root r)
{
	static const char *const texts[] = {
		[PLAN_ROOT_RAM] = "ram",
		[PLAN_ROOT_NFS] = "nfs",
		[PLAN_ROOT_INITRAMFS] = "initramfs",
	};

	return texts[r];
}

static size_t known_macs(const struct plan *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->n_nodes; i++)
		n += p->nodes[i].has_mac;
	return n;
}

static int print_fine(struct cli *c, const char *name, const struct plan *p)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	format_escape(&b, &c->out, name, "");
	strbuf_addf(&b, ": %sfine%s: %zu node%s", style_on(&c->out, COLOUR_GREEN),
		    style_off(&c->out, COLOUR_GREEN), p->n_nodes, p->n_nodes == 1 ? "" : "s");
	if (p->ip_mode == PLAN_IP_MAC)
		strbuf_addf(&b, ", %zu MAC address%s known", known_macs(p), known_macs(p) == 1 ? "" : "es");
	else
		strbuf_adds(&b, ", addresses from a range");
	strbuf_addf(&b, ", root mode %s, %s on ", root_text(p->root), IP4_NET(p->net));
	format_escape(&b, &c->out, p->interface, "");
	strbuf_addc(&b, '\n');
	return cli_print(&b);
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_free_ char *path = NULL;
	const struct plan *p;
	json_t *warnings = NULL;
	int r = cli_arguments(c, 0, 0);

	if (r == 0)
		r = cli_open(c, &m);
	if (r == 0)
		r = cli_plan(c, m, &p);
	if (r == 0 && !c->file)
		r = muster_answers_path(m, &path);
	if (r == 0 && c->json)
		warnings = json_array();
	if (r == 0)
		r = cli_warnings(c, m, p, warnings);
	if (r < 0) {
		json_decref(warnings);
		return r;
	}
	if (!c->json)
		return print_fine(c, c->file ? c->file : path, p);
	return cli_print_json(c, json_pack("{so so sI so ss ss so s[] so}", "file",
					   cli_json_text(c->file ? c->file : path), "cluster",
					   cli_json_text(p->name), "nodes", (json_int_t)p->n_nodes,
					   "interface", cli_json_text(p->interface), "address",
					   IP4_NET(p->net), "root", root_text(p->root), "profile",
					   cli_json_text(p->profile), "mistakes", "warnings", warnings));
}

const struct verb verb_check = {
	.name = "check",
	.args = "[-f FILE]",
	.summary = N_("say whether the answers are right"),
	.details =
		N_("Every mistake is found in one go and printed as FILE:LINE: what is wrong, what would be "
		   "right. "
		   "Nothing is touched. What is right and yet will not do is warned of: a kernel without a "
		   "driver for the "
		   "nodes' network cards, or too old for the root's libc, a root that is larger than a "
		   "node's memory."),
	.run = run,
};
