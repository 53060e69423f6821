/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>

#include "cli/cli.h"
#include "screens/console/console.h"
#include "util/i18n.h"

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	int r = cli_arguments(c, 0, 0);

	if (r == 0 && c->json)
		r = cli_refuse(c, _("the console is for a person; `muster status --json` is for programs"));
	if (r == 0)
		r = cli_open_screen(c, &m);
	if (r == 0)
		r = console_run(m);
	r = cli_close_screen(c, r);
	if (r == -ENOTTY)
		return cli_refuse(c, _("the console needs a terminal; `muster status --watch` does without"));
	if (r == -ENXIO)
		return cli_refuse(c, _("the terminal is of a kind that cannot be drawn on (TERM); `muster "
				       "status --watch` does "
				       "without"));
	return r;
}

const struct verb verb_console = {
	.name = "console",
	.args = "",
	.summary = N_("watch and run the cluster on a full screen"),
	.details = N_(
		"Shows all nodes with their stages, times and loads as they change, each node's boot "
		"against its own history, "
		"and the log of events. The bottom line names the keys that work; ? explains all of them. "
		"It needs a "
		"terminal of 80 columns and 24 rows at least, and shows colours unless NO_COLOR is set.\n"),
	.run = run,
};
