/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>

#include "cli/cli.h"
#include "util/i18n.h"

static int print_json(struct cli *c, const struct muster_why *w)
{
	const struct node_state *n = &w->node;
	json_t *lines = json_array();

	for (size_t i = 0; i < w->evidence.n; i++)
		if (json_array_append_new(lines, cli_json_text(w->evidence.v[i])) < 0) {
			json_decref(lines);
			return -ENOMEM;
		}
	return cli_print_json(c, json_pack("{so ss sb ss ss so}", "node", cli_json_text(n->name), "stage",
					   node_stage_text(n->stage), "trouble", w->trouble, "what", w->what,
					   "advice", w->advice, "evidence", lines));
}

static int print(struct cli *c, const struct muster_why *w)
{
	const struct style *s = &c->out;
	const struct node_state *n = &w->node;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT, name = STRBUF_INIT;
	enum colour colour = stage_colour(n->stage);

	strbuf_addf(&b, "%s%s%s ", style_on(s, colour), stage_sign(s, n->stage), style_off(s, colour));
	format_escape(&name, s, n->name, "");
	if (n->n_stages && n->stages[n->n_stages - 1].stage == n->stage)
		strbuf_addf(&b, _("%s is %s for %s."), name.data ? name.data : "", i18n(stage_name(n->stage)),
			    DURATION(n->stages[n->n_stages - 1].ms));
	else
		strbuf_addf(&b, _("%s is %s."), name.data ? name.data : "", i18n(stage_name(n->stage)));
	strbuf_addf(&b, " %s\n", w->what);
	for (size_t i = 0; i < w->evidence.n; i++) {
		strbuf_adds(&b, "    ");
		format_escape(&b, s, w->evidence.v[i], "\t");
		strbuf_addc(&b, '\n');
	}
	if (*w->advice)
		strbuf_addf(&b, _("What to do: %s\n"), w->advice);
	return cli_print(&b);
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct muster_why w;
	int r = cli_arguments(c, 1, 1);

	if (r == 0)
		r = cli_open(c, &m);
	if (r == 0)
		r = muster_why(m, c->argv[0], &w);
	c->refused = c->refused || r == -EINVAL;
	if (r < 0)
		return r;
	r = c->json ? print_json(c, &w) : print(c, &w);
	muster_why_free(&w);
	return r;
}

const struct verb verb_why = {
	.name = "why",
	.args = "NODE",
	.summary = N_("say why a node is not up, and what to do"),
	.details = N_(
		"Says in sentences where the node is, since when, and why; shows its newest events and its "
		"kernel's last words; and says what to do about it."),
	.run = run,
};
