/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "cli/cli.h"
#include "util/i18n.h"

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	int r = cli_arguments(c, 0, 0);

	if (r < 0)
		return r;
	cli_catch_signals(c, false);
	r = cli_open(c, &m);
	if (r == 0)
		r = muster_undo(m);
	if (r < 0)
		return r;
	return c->json ? cli_print_json(c, json_pack("{sb}", "undone", 1)) : 0;
}

const struct verb verb_undo = {
	.name = "undo",
	.args = "[--yes]",
	.summary = N_("take the last apply back"),
	.details =
		N_("Files, services and packages become what they were before it. Asks on a terminal first."),
	.run = run,
};
