/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of an action on nodes. */
#include "config.h"

#include "cli/cli.h"
#include "util/i18n.h"

#include <string.h>

static json_t *results_json(const struct muster_result *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list,
					  json_pack("{so sb so}", "node", cli_json_text(v[i].name), "ok",
						    v[i].code == 0, "text", cli_json_text(v[i].text))) < 0) {
			json_decref(list);
			return NULL;
		}
	return list ? json_pack("{so}", "results", list) : NULL;
}

static int print_results(struct cli *c, const struct muster_result *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width = MAX(width, strlen(v[i].name));
	for (size_t i = 0; i < n; i++) {
		enum colour colour = v[i].code ? COLOUR_RED : COLOUR_NONE;

		format_escape(&b, &c->out, v[i].name, "");
		strbuf_addf(&b, "%*s  %s", (int)(width - strlen(v[i].name)), "", style_on(&c->out, colour));
		format_escape(&b, &c->out, v[i].text, "");
		strbuf_addf(&b, "%s\n", style_off(&c->out, colour));
	}
	return cli_print(&b);
}

int cli_results(struct cli *c, struct muster_result *v, size_t n)
{
	size_t bad = 0;
	int r;

	for (size_t i = 0; i < n; i++)
		bad += v[i].code != 0;
	progress_end(c);
	r = c->json ? cli_print_json(c, results_json(v, n)) : print_results(c, v, n);
	if (r == 0 && bad) {
		cli_error(c, _("%zu of %zu nodes: it could not be done"), bad, n);
		r = -MUSTER_E_COMMAND;
	}
	muster_results_free(v, n);
	return r;
}

int cli_want_range(struct cli *c)
{
	return c->range ? 0 : cli_refuse(c, _("name the nodes with -n RANGE"));
}
