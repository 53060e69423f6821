/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "cli/cli.h"

static const struct {
	const char *name;
	int arguments; /* besides its own name */
	int (*run)(struct cli *c);
} words[] = {
	{ "discover", 0, node_discover },
};

static int run(struct cli *c)
{
	int r = cli_arguments(c, 1, 3);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, c->argv[0]) != 0)
			continue;
		r = cli_arguments(c, 1 + words[i].arguments, 1 + words[i].arguments);
		return r < 0 ? r : words[i].run(c);
	}
	return r < 0 ? r : cli_refuse(c, "there is no \"%s\"; it is discover", c->argv[0]);
}

static const struct cli_option options[] = {
	{ "interface", 'i', "IFACE", "the interface that leads to the nodes", NULL },
	{ "seconds", 0, "N", "listen this long, not until it is interrupted", NULL },
	{ 0 },
};

const struct verb verb_node = {
	.name = "node",
	.args = "discover [-i IFACE] [--seconds N]",
	.summary = "collect the MAC addresses of machines as they are switched on",
	.details = "discover listens for machines that ask for an address, and shows each when it first "
		   "asks: its MAC "
		   "address, who made its network card, its firmware. It sends nothing. At the end, by an "
		   "interrupt or "
		   "after --seconds, it prints the lines for the answer file, without those that have their "
		   "node "
		   "already.",
	.words = "discover",
	.options = options,
	.run = run,
};
