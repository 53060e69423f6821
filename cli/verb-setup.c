/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "screens/setup/setup.h"
#include "util/i18n.h"

/* Where it stands, now that the screen is gone. */
static void say_where(struct cli *c, struct muster *m)
{
	_cleanup_free_ char *place = NULL;

	if (!c->file && muster_answers_place(m, &place) < 0)
		return;
	if (access(c->file ? c->file : place, F_OK) == 0)
		printf(_("The answers are in %s; `%s` goes on with them.\n"), c->file ? c->file : place,
		       c->inside ? "muster lab setup" : "muster setup");
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	int r = cli_arguments(c, 0, 0);

	if (r == 0 && c->json)
		r = cli_refuse(c, _("the wizard is for a person; `muster apply -f` is for programs"));
	if (r == 0)
		r = cli_open_screen(c, &m);
	if (r == 0)
		r = setup_run(m, c->file);
	r = cli_close_screen(c, r);
	if (m && (r == 0 || r == -MUSTER_E_CANCELLED))
		say_where(c, m);
	if (r == -ENOTTY)
		return cli_refuse(
			c, _("the wizard needs a terminal; write an answer file, and `muster apply -f` it"));
	if (r == -ENXIO)
		return cli_refuse(c, _("the terminal is of a kind that cannot be drawn on (TERM)"));
	return r;
}

const struct verb verb_setup = {
	.name = "setup",
	.args = "[-f FILE]",
	.summary = N_("the wizard: from a bare server to booting nodes"),
	.details =
		N_("Asks one thing after the other: which interface leads to the nodes, their network, their "
		   "names and MAC addresses, "
		   "their kernel and root, services, who may log in. Shows every change before it is made, "
		   "makes it, and watches the "
		   "first node come up. The answers are written after each step, to /etc/muster/answers.conf "
		   "or to the file that -f "
		   "names; `muster apply -f` of that file changes nothing then. A wizard that was left goes "
		   "on where it was.\n"),
	.run = run,
};
