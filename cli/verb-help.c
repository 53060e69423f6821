/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "cli/cli.h"
#include "util/i18n.h"

static int run(struct cli *c)
{
	const char *near;
	const struct verb *v;
	int r = cli_arguments(c, 0, 1);

	if (r < 0)
		return r;
	if (cli_value(c, "man")) {
		help_man(stdout);
	} else if (cli_value(c, "completion")) {
		help_completion(stdout);
	} else if (c->argc == 0) {
		help_overview(stdout);
	} else {
		v = cli_verb_find(c->argv[0]);
		near = v ? NULL : cli_nearest(c->argv[0]);
		if (!v)
			return near ? cli_refuse(c, _("there is no verb \"%s\"; did you mean \"%s\"?"),
						 c->argv[0], near)
				    : cli_refuse(c, _("there is no verb \"%s\""), c->argv[0]);
		help_verb(stdout, v);
	}
	return 0;
}

/* The build makes the manual page and the completion by these two. */
static const struct cli_option options[] = {
	{ "man", 0, NULL, N_("print the verbs and options in mdoc"), NULL, true },
	{ "completion", 0, NULL, N_("print the completion script for bash"), NULL, true },
	{ 0 },
};

const struct verb verb_help = {
	.name = "help",
	.args = "[VERB]",
	.summary = N_("explain a verb"),
	.details = N_("Without a verb, lists them all."),
	.options = options,
	.run = run,
};
