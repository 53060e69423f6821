/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

static int print_json(struct cli *c, const char *cluster, const struct node_state *v, size_t n)
{
	_cleanup_free_ char *text = NULL;
	int r = muster_status_json(cluster, v, n, &text);

	if (r < 0)
		return r;
	printf("%s%s", text, *text && text[strlen(text) - 1] == '\n' ? "" : "\n");
	c->printed = true;
	return 0;
}

static int print_once(struct cli *c, struct muster *m, bool stages)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *cluster = NULL;
	struct node_state *v;
	size_t n;
	int r = muster_status(m, c->range, &v, &n);

	if (r < 0) {
		/* A range that names no such nodes is a mistake in the command line. */
		c->refused = r == -EINVAL;
		return r;
	}
	r = muster_cluster_name(m, &cluster);
	if (r == 0 && c->json) {
		r = print_json(c, cluster, v, n);
	} else if (r == 0) {
		bool single = c->range && n == 1;

		nodes_summary(&c->out, cluster, v, n, &b);
		if (!nodes_answered(m))
			nodes_down(&c->out, &b);
		nodes_table(&c->out, v, n, stages || single, &b);
		for (size_t i = 0; single && i < n; i++)
			nodes_failure(&c->out, &v[i], &b);
		r = cli_print(&b);
	}
	muster_status_free(v, n);
	return r;
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct watch w = {
		.range = c->range,
		.stages = cli_value(c, "stages"),
		.until_ready = cli_value(c, "until-ready"),
	};
	bool watch = cli_value(c, "watch") || w.until_ready;
	long timeout;
	int r = cli_arguments(c, 0, 0);

	if (r == 0)
		r = cli_number(c, "timeout", 7 * 24 * 3600, 0, &timeout);
	if (r < 0)
		return r;
	if (timeout && !w.until_ready)
		return cli_refuse(c, _("--timeout belongs to --until-ready"));
	if (c->json && watch && !w.until_ready)
		return cli_refuse(c, _("--json prints one document, --watch goes on: use one of them"));
	w.timeout_ms = (int64_t)timeout * 1000;
	if (watch)
		cli_catch_signals(c, true);
	r = cli_open(c, &m);
	if (r == 0 && watch) {
		r = watch_nodes(c, m, &w);
		/* The document tells how it ended, whichever way that was. */
		if (c->json && (r == 0 || r == -MUSTER_E_UNHEALTHY || r == -MUSTER_E_TIMEOUT)) {
			int r2 = print_once(c, m, w.stages);

			r = r2 < 0 ? r2 : r;
		}
	} else if (r == 0) {
		r = print_once(c, m, w.stages);
	}
	return r;
}

static const struct cli_option options[] = {
	{ "watch", 'w', NULL,
	  N_("show them as they change; into a pipe, a line for each change of a stage") },
	{ "stages", 's', NULL, N_("show how long each node was in every stage of its boot") },
	{ "until-ready", 0, NULL, N_("watch until all nodes are ready (exit status 0), or one failed (1)") },
	{ "timeout", 0, "SECONDS", N_("with --until-ready, give up after this time (exit status 1)") },
	{ 0 },
};

const struct verb verb_status = {
	.name = "status",
	.args = "[-n RANGE] [--watch]",
	.summary = N_("show the nodes, their stages and their times"),
	.details = N_("FOR is the time in the present stage, BOOT the time from the first sign of life until "
		      "ready. For one "
		      "node the times of all stages are shown, and why it failed."),
	.options = options,
	.run = run,
};
