/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>

#include "cli/cli.h"
#include "util/i18n.h"

static void changeset_freep(struct changeset **c)
{
	if (*c)
		muster_changeset_free(*c);
}

/* What the question is about to be asked for, on standard error, where the question will stand. */
static int show_changes(struct cli *c, struct muster *m)
{
	_cleanup_(changeset_freep) struct changeset *changes = NULL;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *rehearsed = NULL;
	int r = muster_changes(m, &changes);

	if (r < 0 || muster_changeset_empty(changes))
		return r;
	progress_end(c);
	changes_format(&c->err, changes, false, &b);
	r = muster_rehearsed_text(m, &rehearsed);
	if (r < 0)
		return r;
	strbuf_addf(&b, "%s\n", rehearsed);
	if (b.failed)
		return -ENOMEM;
	fputs(b.data, stderr);
	return 0;
}

static const struct cli_option options[] = {
	{ "take-over", 0, NULL,
	  N_("replace files that somebody else has changed since muster wrote them, or has made"), NULL },
	{ 0 },
};

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	const struct plan *p;
	int r = cli_arguments(c, 0, 0);

	if (r < 0)
		return r;
	cli_catch_signals(c, false);
	r = cli_open(c, &m);
	if (r == 0)
		r = cli_plan(c, m, &p);
	if (r == 0 && !c->json)
		r = cli_warnings(c, m, p, NULL);
	if (r == 0 && !c->yes && c->err.terminal && isatty(STDIN_FILENO))
		r = show_changes(c, m);
	if (r == 0 && cli_value(c, "take-over"))
		muster_take_over(m);
	if (r == 0)
		r = muster_apply(m);
	if (r < 0)
		return r;
	if (c->json)
		return cli_print_json(c, json_pack("{sb so sI}", "applied", 1, "cluster",
						   cli_json_text(p->name), "nodes", (json_int_t)p->n_nodes));
	return 0;
}

const struct verb verb_apply = {
	.name = "apply",
	.args = "[-f FILE] [--yes] [--take-over]",
	.summary = N_("make this server what the answers say"),
	.details =
		N_("Asks on a terminal first; with --yes, or without a terminal, it goes ahead. Each step is "
		   "in the journal "
		   "before it is done. When one fails, what was done is taken back.\n"
		   "Closing the terminal does not stop it; an interrupt takes back what was done.\n"
		   "A file that somebody has changed since muster wrote it, or that muster never wrote, is "
		   "replaced "
		   "only when a person says so, or with --take-over."),
	.options = options,
	.run = run,
};
