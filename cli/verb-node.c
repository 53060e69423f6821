/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

static bool is_bootable(const char *what)
{
	return strcmp(what, "system") == 0 || strcmp(what, "disk") == 0 || strcmp(what, "memtest") == 0 ||
	       (strncmp(what, "root:", 5) == 0 && what[5]);
}

static int next(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct muster_result *v;
	size_t n;
	int r;

	if (!is_bootable(c->argv[1]))
		return cli_refuse(c, _("a node boots system, disk, memtest or root:ID, not \"%s\""),
				  c->argv[1]);
	r = cli_want_range(c);
	if (r == 0)
		r = cli_open(c, &m);
	if (r == 0)
		r = muster_boot_next(m, c->range, c->argv[1], cli_value(c, "always") != NULL, &v, &n);
	c->refused = c->refused || r == -EINVAL;
	return r < 0 ? r : cli_results(c, v, n);
}

/* An edit of the answers, of -f or of the last apply, by one of the draft's functions. */
static int edit(struct cli *c, const char *from, const char *to)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_(muster_draft_freep) struct draft *d = NULL;
	_cleanup_free_ char *applied = NULL;
	const char *path = c->file;
	int r = cli_open(c, &m);

	if (r == 0 && !path) {
		r = muster_answers_path(m, &applied);
		path = applied;
		if (r == -ENOENT)
			cli_error(c, _("Nothing was applied here yet; name an answer file with -f."));
	}
	if (r == 0)
		r = muster_draft_load(m, path, &d);
	if (r == 0)
		r = to ? muster_draft_rename_node(m, d, path, from, to)
		       : muster_draft_remove_node(m, d, path, from);
	if (r == 0)
		r = muster_draft_save(m, d, path);
	if (r < 0)
		return r;
	if (c->json)
		return cli_print_json(c, json_pack("{so}", "answers", cli_json_text(path)));
	printf(_("%s is changed; `muster plan -f %s` shows what that means, and `muster apply -f %s` does "
		 "it.\n"),
	       path, path, path);
	return 0;
}

static int rename_node(struct cli *c)
{
	return edit(c, c->argv[1], c->argv[2]);
}

static int remove_node(struct cli *c)
{
	return edit(c, c->argv[1], NULL);
}

static const struct {
	const char *name;
	int arguments; /* besides its own name */
	int (*run)(struct cli *c);
} words[] = {
	{ "next", 1, next },
	{ "discover", 0, node_discover },
	{ "rename", 2, rename_node },
	{ "remove", 1, remove_node },
};

static int run(struct cli *c)
{
	int r = cli_arguments(c, 1, 3);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, c->argv[0]) != 0)
			continue;
		r = cli_arguments(c, 1 + words[i].arguments, 1 + words[i].arguments);
		return r < 0 ? r : words[i].run(c);
	}
	return r < 0 ? r
		     : cli_refuse(c, _("there is no \"%s\"; it is next, discover, rename or remove"),
				  c->argv[0]);
}

static const struct cli_option options[] = {
	{ "always", 0, NULL, N_("next: from now on, and not the next time only"), .of = "next" },
	{ "interface", 'i', "IFACE", N_("discover: the interface that leads to the nodes"), NULL,
	  .of = "discover" },
	{ "seconds", 0, "N", N_("discover: listen this long, not until it is interrupted"), NULL,
	  .of = "discover" },
	{ 0 },
};

const struct verb verb_node = {
	.name = "node",
	.args = "next WHAT -n RANGE [--always] | discover [-i IFACE] [--seconds N] | rename OLD NEW | remove "
		"NAME",
	.summary = N_("what nodes boot next; new machines; names"),
	.details = N_(
		"next chooses what nodes boot the next time. system is the cluster's own; choosing it takes "
		"every "
		"other wish back. disk is the node's first disk. memtest is the memory test of the server's "
		"package memtest86+. root:ID is another node root of 'muster root list'. A wish for once is "
		"used "
		"up when the node has gone on with it. The node is not restarted: 'muster power reboot' does "
		"that.\n"
		"discover listens for machines that ask for an address, and shows each when it first asks: "
		"its MAC "
		"address, who made its network card, its firmware. It sends nothing. At the end, by an "
		"interrupt or "
		"after --seconds, it prints the lines for the answer file, without those that have their "
		"node "
		"already.\n"
		"rename and remove edit the answers, of -f or of the last apply, so that every other node "
		"keeps its "
		"name, address and MAC address. Nothing else happens before the next apply.\n"),
	.words = "next discover rename remove",
	.options = options,
	.run = run,
};
