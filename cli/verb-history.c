/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was applied, when, and by whom. */
#include "config.h"

#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

enum { NUMBER, WHEN, WHO, ANSWERS, CHANGES, STATE };

static const struct table_column columns[] = {
	[NUMBER] = { "N", .right = true },    [WHEN] = { "WHEN" },	 [WHO] = { "WHO" },
	[ANSWERS] = { "ANSWERS", .drop = 1 }, [CHANGES] = { "CHANGES" }, [STATE] = { "STATE" },
};

static const struct {
	const char *word, *text;
	enum colour colour;
} states[] = {
	[APPLY_STANDS] = { "applied", N_("stands"), COLOUR_GREEN },
	[APPLY_CUT_OFF] = { "unfinished", N_("was cut off"), COLOUR_RED },
	[APPLY_TAKEN_BACK] = { "undone", N_("taken back"), COLOUR_NONE },
};

static json_t *deeds_json(const struct apply_record *a)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < a->n_deeds; i++)
		if (json_array_append_new(list, json_pack("{ss, ss, so}", "change", a->deeds[i].what, "kind",
							  a->deeds[i].kind, "name",
							  cli_json_text(a->deeds[i].name))) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *record_json(const struct apply_record *a)
{
	return json_pack("{sI, so, so, so, ss, so}", "number", (json_int_t)a->number, "when",
			 cli_json_text(a->when), "who", cli_json_text(a->who), "answers",
			 cli_json_text(a->answers), "state", states[a->state].word, "changes", deeds_json(a));
}

static int print_json(struct cli *c, const struct apply_record *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, record_json(&v[i])) < 0) {
			json_decref(list);
			list = NULL;
		}
	return cli_print_json(c, list ? json_pack("{so}", "applies", list) : NULL);
}

enum group { FILES, PACKAGES, SERVICES, KEYS, USERS, GROUPS };

static enum group group_of(const struct apply_deed *d)
{
	static const struct {
		const char *kind;
		enum group group;
	} kinds[] = {
		{ "package", PACKAGES }, { "service", SERVICES }, { "ssh key", KEYS }, { "user", USERS }
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].kind, d->kind) == 0)
			return kinds[i].group;
	return FILES;
}

static const char *counted(enum group group, size_t n)
{
	switch (group) {
	case PACKAGES:
		return ngettext("%zu package", "%zu packages", n);
	case SERVICES:
		return ngettext("%zu service", "%zu services", n);
	case KEYS:
		return ngettext("%zu ssh key", "%zu ssh keys", n);
	case USERS:
		return ngettext("%zu user", "%zu users", n);
	default:
		return ngettext("%zu file or folder", "%zu files and folders", n);
	}
}

/* "12 files and folders, 2 services" */
static void add_summary(struct strbuf *b, const struct apply_record *a)
{
	size_t counts[GROUPS] = { 0 }, parts = 0;

	for (size_t i = 0; i < a->n_deeds; i++)
		counts[group_of(&a->deeds[i])]++;
	for (size_t g = 0; g < GROUPS; g++) {
		if (counts[g] == 0)
			continue;
		strbuf_adds(b, parts++ ? ", " : "");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		strbuf_addf(b, counted((enum group)g, counts[g]), counts[g]);
#pragma GCC diagnostic pop
	}
	strbuf_adds(b, parts ? "" : "-");
}

static int print_list(const struct style *s, const struct apply_record *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_table_ struct table t = { 0 };

	if (n == 0)
		strbuf_adds(&b, _("Nothing was applied yet.\n"));
	table_init(&t, s, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < n; i++) {
		_cleanup_strbuf_ struct strbuf sum = STRBUF_INIT;

		add_summary(&sum, &v[i]);
		table_row(&t);
		table_cell(&t, NUMBER, COLOUR_NONE, "%u", v[i].number);
		table_cell(&t, WHEN, COLOUR_NONE, "%s", v[i].when);
		table_cell(&t, WHO, COLOUR_NONE, "%s", v[i].who);
		table_cell(&t, ANSWERS, COLOUR_NONE, "%s", v[i].answers);
		table_cell(&t, CHANGES, COLOUR_NONE, "%s", sum.data ? sum.data : "");
		table_cell(&t, STATE, states[v[i].state].colour, "%s", i18n(states[v[i].state].text));
	}
	if (n)
		table_format(&t, &b);
	return cli_print(&b);
}

static int print_one(const struct style *s, const struct apply_record *a)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_addf(&b, _("Apply %u of %s by %s, from the answers "), a->number, a->when, a->who);
	format_escape(&b, s, a->answers, "");
	strbuf_addf(&b, ": %s\n", i18n(states[a->state].text));
	for (size_t i = 0; i < a->n_deeds; i++) {
		strbuf_addf(&b, "  %-8s %-8s ", a->deeds[i].what, a->deeds[i].kind);
		format_escape(&b, s, a->deeds[i].name, "");
		strbuf_addc(&b, '\n');
	}
	return cli_print(&b);
}

static int show_one(struct cli *c, const struct apply_record *v, size_t n)
{
	const char *text = c->argv[0];

	for (size_t i = 0; i < n; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%u", v[i].number);
		if (strcmp(number, text) == 0)
			return c->json ? cli_print_json(c, record_json(&v[i])) : print_one(&c->out, &v[i]);
	}
	return cli_refuse(c, _("there is no apply \"%s\"; `muster history` names those that there were"),
			  text);
}

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct apply_record *v = NULL;
	size_t n = 0;
	int r = cli_arguments(c, 0, 1);

	if (r == 0)
		r = cli_open(c, &m);
	if (r == 0)
		r = muster_applies(m, &v, &n);
	if (r < 0)
		return r;
	r = c->argc ? show_one(c, v, n) : c->json ? print_json(c, v, n) : print_list(&c->out, v, n);
	muster_applies_free(v, n);
	return r;
}

const struct verb verb_history = {
	.name = "history",
	.args = "[N]",
	.summary = N_("show what was applied, when, by whom, and what it changed"),
	.details = N_(
		"With the number of an apply, every change that it made. `muster undo --to N` goes back to "
		"it."),
	.run = run,
};
