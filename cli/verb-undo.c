/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

#define NUMBER_DIGITS 8 /* as journals have them */

static const struct cli_option options[] = {
	{ "to", 0, "N", N_("back to the apply N of `muster history`: what came after it; 0: all of them"),
	  NULL },
	{ 0 },
};

static int undo_to(struct cli *c, struct muster *m, unsigned int *ret_n)
{
	const char *text = cli_value(c, "to");
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > NUMBER_DIGITS || text[digits])
		return cli_refuse(c, _("--to takes the number of an apply, or 0, not \"%s\""), text);
	return muster_undo_to(m, (unsigned int)strtoul(text, NULL, 10), ret_n);
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	unsigned int n = 1;
	int r = cli_arguments(c, 0, 0);

	if (r < 0)
		return r;
	cli_catch_signals(c, false);
	r = cli_open(c, &m);
	if (r == 0)
		r = cli_value(c, "to") ? undo_to(c, m, &n) : muster_undo(m);
	if (r < 0)
		return r;
	return c->json ? cli_print_json(c, json_pack("{sb, si}", "undone", n > 0, "applies", (int)n)) : 0;
}

const struct verb verb_undo = {
	.name = "undo",
	.args = "[--to N] [--yes]",
	.summary = N_("take the last apply back"),
	.details =
		N_("Files, services and packages become what they were before it. Asks on a terminal first.\n"
		   "With --to, every apply after the one of that number is taken back, the newest first; "
		   "muster history has the numbers."),
	.options = options,
	.run = run,
};

static int run_uninstall(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	int r = cli_arguments(c, 0, 0);

	if (r < 0)
		return r;
	cli_catch_signals(c, false);
	r = cli_open(c, &m);
	if (r == 0)
		r = muster_uninstall(m);
	if (r < 0)
		return r;
	return c->json ? cli_print_json(c, json_pack("{sb}", "uninstalled", 1)) : 0;
}

const struct verb verb_uninstall = {
	.name = "uninstall",
	.args = "[--yes]",
	.summary = N_("leave this server as it was before the first apply"),
	.details = N_(
		"Takes every apply back, then removes what muster keeps in /var/lib/muster: node roots, "
		"kernels, their sources, and the record of what was applied. What you put into /etc/muster "
		"yourself stays. Asks on a terminal first. The program itself is a package's, or yours, to "
		"remove."),
	.run = run_uninstall,
};
