/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

static const struct {
	const char *name;
	enum muster_power what;
} words[] = {
	{ "reboot", MUSTER_POWER_REBOOT },
	{ "off", MUSTER_POWER_OFF },
	{ "wake", MUSTER_POWER_WAKE },
};

static int power(struct cli *c, enum muster_power what)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct muster_result *v;
	size_t n;
	int r = cli_open(c, &m);

	if (r == 0)
		r = muster_power(m, c->range, what, &v, &n);
	c->refused = c->refused || r == -EINVAL;
	return r < 0 ? r : cli_results(c, v, n);
}

static int run(struct cli *c)
{
	int r = cli_arguments(c, 1, 1);

	if (r == 0)
		r = cli_want_range(c);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].name, c->argv[0]) == 0)
			return power(c, words[i].what);
	return r < 0 ? r : cli_refuse(c, _("there is no \"%s\"; it is reboot, off or wake"), c->argv[0]);
}

const struct verb verb_power = {
	.name = "power",
	.args = "reboot | off | wake -n RANGE",
	.summary = N_("restart nodes, switch them off, or wake them"),
	.details =
		N_("reboot and off ask each node's own system to do it in good order, and want a node that "
		   "reports. wake sends a Wake-on-LAN packet, which the firmware must be set to obey. On a "
		   "terminal, reboot and off ask first, naming the nodes."),
	.words = "reboot off wake",
	.run = run,
};
