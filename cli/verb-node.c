/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"

static int next(struct cli *c, struct muster *m)
{
	struct muster_result *v;
	size_t n;
	int r = muster_boot_next(m, c->range, c->argv[1], cli_value(c, "always") != NULL, &v, &n);

	c->refused = r == -EINVAL;
	return r < 0 ? r : cli_results(c, v, n);
}

static bool is_bootable(const char *what)
{
	return strcmp(what, "system") == 0 || strcmp(what, "disk") == 0 || strcmp(what, "memtest") == 0 ||
	       (strncmp(what, "root:", 5) == 0 && what[5]);
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	int r = cli_arguments(c, 1, 2);

	if (r == 0 && strcmp(c->argv[0], "next") != 0)
		return cli_refuse(c, "there is no \"%s\"; it is next", c->argv[0]);
	if (r == 0)
		r = cli_arguments(c, 2, 2);
	if (r == 0 && !is_bootable(c->argv[1]))
		return cli_refuse(c, "a node boots system, disk, memtest or root:ID, not \"%s\"", c->argv[1]);
	if (r == 0)
		r = cli_want_range(c);
	if (r == 0)
		r = cli_open(c, &m);
	return r < 0 ? r : next(c, m);
}

static const struct cli_option options[] = {
	{ "always", 0, NULL, "from now on, and not the next time only" },
	{ 0 },
};

const struct verb verb_node = {
	.name = "node",
	.args = "next system|disk|memtest|root:ID -n RANGE [--always]",
	.summary = "choose what nodes boot the next time",
	.details = "system is the cluster's own; choosing it takes every other wish back. disk is the node's "
		   "first disk. memtest is the memory test of the server's package memtest86+. root:ID is "
		   "another node root of 'muster root list'. A wish for once is used up when the node has "
		   "gone on with it. The node is not restarted: 'muster power reboot' does that.",
	.words = "next",
	.options = options,
	.run = run,
};
