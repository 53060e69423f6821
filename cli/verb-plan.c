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

/* null: there was none. */
static json_t *rehearsed_json(struct muster *m)
{
	struct muster_rehearsed v;

	if (muster_rehearsed(m, &v) < 0)
		return json_null();
	return json_pack("{sI si si sb}", "at", (json_int_t)v.at, "ready", (int)v.ready, "tries",
			 (int)v.tries, "same", v.same);
}

static int print_json(struct cli *c, struct muster *m, const struct plan *p, const struct changeset *changes)
{
	json_t *doc = changes_json(p, changes), *warnings = json_array();
	int r = doc && warnings ? cli_warnings(c, m, p, warnings) : -ENOMEM;

	progress_end(c);
	if (r == 0)
		r = json_object_set(doc, "warnings", warnings) < 0 ? -ENOMEM : 0;
	json_decref(warnings);
	if (r == 0 && json_object_set_new(doc, "rehearsed", rehearsed_json(m)) < 0)
		r = -ENOMEM;
	if (r == 0)
		return cli_print_json(c, doc);
	json_decref(doc);
	return r;
}

/* What a rehearsal of it came to. */
static int add_rehearsed(struct muster *m, struct strbuf *out)
{
	_cleanup_free_ char *text = NULL;
	int r = muster_rehearsed_text(m, &text);

	if (r == 0)
		strbuf_addf(out, "%s\n", text);
	return r;
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
	if (c->json)
		return print_json(c, m, p, changes);
	r = cli_warnings(c, m, p, NULL);
	if (r < 0)
		return r;
	progress_end(c);
	if (muster_changeset_empty(changes))
		strbuf_adds(&b, _("Nothing to change: this server is as the answers want it.\n"));
	else
		changes_format(&c->out, changes, true, &b);
	if (!muster_changeset_empty(changes))
		r = add_rehearsed(m, &b);
	return r < 0 ? r : cli_print(&b);
}

const struct verb verb_plan = {
	.name = "plan",
	.args = "[-f FILE]",
	.summary = N_("show every change that an apply would make"),
	.details = N_("Files as unified diffs, then packages, the node root, services and keys. Nothing is "
		      "touched."),
	.run = run,
};
