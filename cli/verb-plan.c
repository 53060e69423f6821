/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "cli/cli.h"
#include "util/i18n.h"

static void changeset_freep(struct changeset **c)
{
	if (*c)
		muster_changeset_free(*c);
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_(changeset_freep) struct changeset *changes = NULL;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const struct plan *p;
	int r = cli_arguments(c, 0, 0);

	if (r == 0)
		r = cli_open(c, &m);
	if (r == 0)
		r = cli_plan(c, m, &p);
	if (r == 0)
		r = muster_changes(m, &changes);
	if (r < 0)
		return r;
	progress_end(c);
	if (c->json)
		return cli_print_json(c, changes_json(p, changes));
	if (muster_changeset_empty(changes))
		strbuf_adds(&b, _("Nothing to change: this server is as the answers want it.\n"));
	else
		changes_format(&c->out, changes, true, &b);
	return cli_print(&b);
}

const struct verb verb_plan = {
	.name = "plan",
	.args = "[-f FILE]",
	.summary = N_("show every change that an apply would make"),
	.details = N_("Files as unified diffs, then packages, the node root, services and keys. Nothing is "
		      "touched."),
	.run = run,
};
