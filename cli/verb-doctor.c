/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

/* The signs of the stages, so that each look stands for one thing. */
static const struct {
	enum node_stage sign;
	const char *name;
} levels[] = {
	[MUSTER_CHECK_OK] = { NODE_READY, "ok" },
	[MUSTER_CHECK_WARNING] = { NODE_KERNEL, "warning" },
	[MUSTER_CHECK_PROBLEM] = { NODE_FAILED, "problem" },
};

void doctor_format(const struct style *s, const struct muster_check *k, struct strbuf *b)
{
	enum node_stage sign = levels[k->level].sign;

	strbuf_addf(b, "%s%s%s %-14s ", style_on(s, stage_colour(sign)), stage_sign(s, sign),
		    style_off(s, stage_colour(sign)), k->name);
	format_escape(b, s, k->text, "");
	strbuf_addc(b, '\n');
	if (k->remedy) {
		strbuf_addf(b, "%17s", "");
		format_escape(b, s, k->remedy, "");
		strbuf_addc(b, '\n');
	}
	if (k->command) {
		strbuf_addf(b, "%17s%s", "", style_on(s, COLOUR_BOLD));
		format_escape(b, s, k->command, "");
		strbuf_addf(b, "%s\n", style_off(s, COLOUR_BOLD));
	}
}

static size_t count(const struct muster_check *v, size_t n, enum muster_check_level level)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		k += v[i].level == level;
	return k;
}

static int print_checks(const struct style *s, const struct muster_check *v, size_t n)
{
	size_t problems = count(v, n, MUSTER_CHECK_PROBLEM), warnings = count(v, n, MUSTER_CHECK_WARNING);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < n; i++)
		doctor_format(s, &v[i], &b);
	strbuf_addc(&b, '\n');
	strbuf_addf(&b, ngettext("%zu problem", "%zu problems", problems), problems);
	strbuf_addf(&b, ngettext(", %zu warning", ", %zu warnings", warnings), warnings);
	strbuf_adds(&b, problems ? "" : _(": this server is fit"));
	strbuf_addc(&b, '\n');
	return cli_print(&b);
}

static json_t *optional_text(const char *text)
{
	return text ? cli_json_text(text) : json_null();
}

json_t *doctor_json(const struct muster_check *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list,
					  json_pack("{ss ss so so so}", "name", v[i].name, "level",
						    levels[v[i].level].name, "text", cli_json_text(v[i].text),
						    "remedy", optional_text(v[i].remedy), "command",
						    optional_text(v[i].command))) < 0) {
			json_decref(list);
			return NULL;
		}
	return list ? json_pack("{sb so}", "fit", count(v, n, MUSTER_CHECK_PROBLEM) == 0, "checks", list)
		    : NULL;
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct muster_check *v = NULL;
	size_t n = 0;
	int r = cli_arguments(c, 0, 0);

	if (r < 0)
		return r;
	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	if (r == 0)
		r = muster_doctor(m, c->file, cli_value(c, "interface"), &v, &n);
	if (r == -MUSTER_E_ANSWERS && muster_mistakes(m)->n) {
		const struct plan *p;

		/* The plan's own verb says them all. */
		r = cli_plan(c, m, &p);
	}
	if (r < 0)
		return r;
	progress_end(c);
	r = c->json ? cli_print_json(c, doctor_json(v, n)) : print_checks(&c->out, v, n);
	if (r == 0 && count(v, n, MUSTER_CHECK_PROBLEM)) {
		/* The list said what is wrong. */
		c->said = true;
		r = -MUSTER_E_UNHEALTHY;
	}
	muster_checks_free(v, n);
	return r;
}

static const struct cli_option options[] = {
	{ "interface", 'i', "IFACE", N_("the interface that leads to the nodes"), NULL },
	{ 0 },
};

const struct verb verb_doctor = {
	.name = "doctor",
	.args = "[-f FILE] [-i IFACE]",
	.summary = N_("say whether this server is fit, and what to do where it is not"),
	.details = N_(
		"Looks at the distribution, rights, packages, memory, room, the clock, randomness, SELinux, "
		"virtualisation, the interface, other DHCP servers, ports and who holds them, and the "
		"firewall. Changes nothing. The exit status is 1 when something must be mended first.\n"
		"Goes by the answers of -f; without it by those of the last apply, or by what was applied; "
		"where nothing was, it says what it assumes. Below another root (--root), files of proc, sys "
		"and etc that are there count before this machine's.\n"
		"Looking for another DHCP server asks on the wire for an address, as a machine would, and "
		"takes none."),
	.options = options,
	.run = run,
};
