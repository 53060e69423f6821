/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

enum { NAME, MAC_ADDRESS, LINK, SPEED, ADDRESSES, DRIVER, HARDWARE };

static const struct table_column columns[] = {
	[NAME] = { "INTERFACE" },      [MAC_ADDRESS] = { "MAC", .drop = 2 },
	[LINK] = { "LINK" },	       [SPEED] = { "SPEED", .right = true, .drop = 1 },
	[ADDRESSES] = { "ADDRESSES" }, [DRIVER] = { "DRIVER" },
	[HARDWARE] = { "HARDWARE" },
};

static void add_interface(struct table *t, const struct host_interface *i)
{
	static const struct mac none;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	table_row(t);
	table_cell(t, NAME, COLOUR_NONE, "%s", i->name);
	table_cell(t, MAC_ADDRESS, COLOUR_NONE, "%s", mac_compare(i->mac, none) == 0 ? "-" : MAC(i->mac));
	table_cell(t, LINK, i->link ? COLOUR_GREEN : COLOUR_DIM, "%s",
		   i->link ? "yes"
		   : i->up ? "no"
			   : "down");
	if (i->speed)
		table_cell(t, SPEED, COLOUR_NONE, "%d Mb/s", i->speed);
	for (size_t k = 0; k < i->n_addresses; k++)
		strbuf_addf(&b, "%s%s", k ? " " : "", IP4_NET(i->addresses[k]));
	table_cell(t, ADDRESSES, COLOUR_NONE, "%s", b.data ? b.data : "-");
	table_cell(t, DRIVER, COLOUR_NONE, "%s", *i->driver ? i->driver : "-");
	table_cell(t, HARDWARE, COLOUR_NONE, "%s%s%s", i->vendor, *i->vendor && *i->model ? " " : "",
		   i->model);
	t->failed |= b.failed;
}

static void add_daemons(const struct style *s, const struct host *h, bool present, struct strbuf *out)
{
	bool first = true;

	for (size_t i = 0; i < h->n_daemons; i++) {
		if (present != (h->daemons[i].path != NULL))
			continue;
		strbuf_adds(out, first ? present ? "installed: " : "missing:   " : ", ");
		format_escape(out, s, h->daemons[i].name, "");
		first = false;
	}
	if (!first)
		strbuf_addc(out, '\n');
}

static int print_host(const struct style *s, const struct host *h)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_table_ struct table t = { 0 };

	strbuf_adds(&b, style_on(s, COLOUR_BOLD));
	format_escape(&b, s,
		      *h->pretty	 ? h->pretty
		      : *h->distribution ? h->distribution
					 : _("an unknown system"),
		      "");
	strbuf_adds(&b, style_off(s, COLOUR_BOLD));
	strbuf_addc(&b, '\n');
	format_escape(&b, s, *h->architecture ? h->architecture : "?", "");
	strbuf_adds(&b, ", kernel ");
	format_escape(&b, s, *h->kernel ? h->kernel : "?", "");
	strbuf_addf(&b, ", %d processor%s, %s\n", h->processors, h->processors == 1 ? "" : "s",
		    BYTES(h->memory_kb * 1024));
	strbuf_addf(&b, "packages:  %s\nservices:  %s\n", h->package_manager, h->service_manager);
	add_daemons(s, h, true, &b);
	add_daemons(s, h, false, &b);
	strbuf_addc(&b, '\n');
	table_init(&t, s, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < h->n_interfaces; i++)
		add_interface(&t, &h->interfaces[i]);
	if (h->n_interfaces)
		table_format(&t, &b);
	else
		strbuf_adds(&b, _("It has no network interface.\n"));
	return cli_print(&b);
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_free_ char *text = NULL;
	const struct host *h;
	int r = cli_arguments(c, 0, 0);

	if (r == 0)
		r = cli_open(c, &m);
	if (r < 0)
		return r;
	if (c->json) {
		r = muster_host_json(m, &text);
		if (r == 0) {
			fputs(text, stdout);
			c->printed = true;
		}
	} else {
		r = muster_host(m, &h);
		if (r == 0)
			r = print_host(&c->out, h);
	}
	/* Facts from a file that are no facts: what was given is wrong. */
	c->refused = r < 0 && c->host;
	return r;
}

const struct verb verb_host = {
	.name = "host",
	.args = "",
	.summary = N_("show the facts found about this server"),
	.details =
		N_("The distribution, the network interfaces with their drivers, and the programs that a "
		   "cluster needs. "
		   "With --json it is the document that --host takes, so that a plan can be made for another "
		   "machine."),
	.run = run,
};
