/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ssi test: whether the single system does what it is for, as a report that can be kept. ssi scheduler. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

enum { SIGN, CHECK, TIME, TEXT };

static const struct table_column columns[] = {
	[SIGN] = { "", .tight = true },
	[CHECK] = { N_("CHECK") },
	[TIME] = { N_("TIME"), .right = true },
	[TEXT] = { N_("WHAT WAS SEEN") },
};

static const enum node_stage like[] = {
	[SSI_NOT_TRIED] = NODE_OFF, [SSI_PASSED] = NODE_READY, [SSI_FAILED] = NODE_FAILED,
	[SSI_HANGS] = NODE_FAILED,  [SSI_UNTOLD] = NODE_READY,
};

/* "2026-11-25 05:46:02 +0100": it is kept, and read elsewhere. */
static void time_text(int64_t ms, char ret[32])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&t, &tm) || strftime(ret, 32, "%Y-%m-%d %H:%M:%S %z", &tm) == 0)
		ret[0] = '\0';
}

static json_t *test_json(const struct ssi_test *t)
{
	json_t *list = json_array();
	char when[32];

	for (int i = 0; list && i < SSI_CHECK_COUNT; i++) {
		const struct ssi_check *k = &t->checks[i];
		json_t *o = json_pack("{ss ss so so}", "check", ssi_check_text((enum ssi_check_kind)i),
				      "verdict", ssi_verdict_text(k->verdict), "ms",
				      k->ms >= 0 ? json_integer(k->ms) : json_null(), "text",
				      cli_json_text(k->text));

		if (json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	time_text(t->at, when);
	return list ? json_pack("{sb ss so so so so}", "passed", t->passed, "at", when, "nodes",
				cli_json_text(t->nodes), "kernel", cli_json_text(t->kernel), "version",
				cli_json_text(t->version), "checks", list)
		    : NULL;
}

static void test_text(const struct style *s, const struct ssi_test *t, struct strbuf *out)
{
	_cleanup_table_ struct table table = { 0 };
	char when[32];

	time_text(t->at, when);
	strbuf_addf(out, _("The single system of %s, tried on %s\n"), t->nodes, when);
	strbuf_adds(out, "Linux ");
	format_escape(out, s, t->kernel, "");
	strbuf_addc(out, ' ');
	format_escape(out, s, t->version, "");
	strbuf_adds(out, "\n\n");
	table_init(&table, s, columns, ARRAY_SIZE(columns));
	for (int i = 0; i < SSI_CHECK_COUNT; i++) {
		const struct ssi_check *k = &t->checks[i];

		table_row(&table);
		table_cell(&table, SIGN, stage_colour(like[k->verdict]), "%s",
			   stage_sign(s, like[k->verdict]));
		table_cell(&table, CHECK, COLOUR_NONE, "%s", ssi_check_text((enum ssi_check_kind)i));
		if (k->ms >= 0)
			table_cell(&table, TIME, COLOUR_NONE, "%.2f s", (double)k->ms / 1000);
		table_tail(&table, TEXT, k->text);
	}
	table_format(&table, out);
	strbuf_addf(out, "\n%s\n", t->passed ? _("It passes.") : _("It does not pass."));
}

/* The same as on standard output, without colours. */
static int keep(struct cli *c, const char *path, const struct ssi_test *t)
{
	static const struct style plain = { .utf8 = true };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_close_ int fd = -1;
	int r = 0;

	if (c->json) {
		json_t *doc = test_json(t);
		char *text = doc ? json_dumps(doc, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;

		json_decref(doc);
		if (!text)
			return -ENOMEM;
		strbuf_addf(&b, "%s\n", text);
		free(text);
	} else {
		test_text(&plain, t, &b);
	}
	if (b.failed)
		return -ENOMEM;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	r = fd < 0 ? -errno : fs_write_all(fd, b.data, b.len);
	if (r < 0)
		cli_error(c, _("%s cannot be written: %s"), path, muster_strerror(r));
	return r;
}

int ssi_test_verb(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	const char *path = cli_value(c, "output");
	struct ssi_test t;
	int r, kept;

	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	if (r == 0)
		r = muster_ssi_test(m, &t);
	c->refused = c->refused || r == -EINVAL || r == -MUSTER_E_REFUSED;
	if (r < 0)
		return r;
	if (c->json) {
		r = cli_print_json(c, test_json(&t));
	} else {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

		test_text(&c->out, &t, &b);
		r = cli_print(&b);
	}
	kept = path ? keep(c, path, &t) : 0;
	if (r == 0 && kept == 0 && !t.passed) {
		c->said = true;
		r = -MUSTER_E_UNHEALTHY;
	}
	muster_ssi_test_free(&t);
	return r < 0 ? r : kept;
}

/* ---- scheduler --------------------------------------------------------------------------------------------- */

static json_t *schedulers_json(const struct strv *lines)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < lines->n; i++) {
		size_t n = strcspn(lines->v[i], " ");
		const char *ids = lines->v[i] + n + (lines->v[i][n] == ' ');
		json_t *o = json_pack("{ss# so}", "name", lines->v[i], (int)n, "node_ids",
				      *ids ? cli_json_text(ids) : json_null());

		if (json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list ? json_pack("{so}", "schedulers", list) : NULL;
}

static int print_schedulers(struct cli *c, const struct strv *lines)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (lines->n == 0)
		strbuf_adds(&b, _("No scheduler moves processes.\n"));
	for (size_t i = 0; i < lines->n; i++) {
		const char *ids = strchr(lines->v[i], ' ');
		_cleanup_free_ char *name = strndup(lines->v[i], strcspn(lines->v[i], " "));

		if (!name)
			return -ENOMEM;
		format_escape(&b, &c->out, name, "");
		if (ids) {
			strbuf_adds(&b, _(", on the nodes with the ids"));
			format_escape(&b, &c->out, ids, "");
		} else {
			strbuf_adds(&b, _(", on all nodes"));
		}
		strbuf_addc(&b, '\n');
	}
	return cli_print(&b);
}

int ssi_scheduler_verb(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	enum muster_scheduler what = MUSTER_SCHEDULER_SHOW;
	int r;

	if (c->argc > 1) {
		if (strcmp(c->argv[1], "on") != 0 && strcmp(c->argv[1], "off") != 0)
			return cli_refuse(c, _("\"%s\" is neither on nor off"), c->argv[1]);
		what = strcmp(c->argv[1], "on") == 0 ? MUSTER_SCHEDULER_ON : MUSTER_SCHEDULER_OFF;
	}
	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	if (r == 0)
		r = muster_ssi_scheduler(m, what, c->range, &lines);
	c->refused = c->refused || r == -EINVAL || r == -MUSTER_E_REFUSED;
	if (r < 0)
		return r;
	return c->json ? cli_print_json(c, schedulers_json(&lines)) : print_schedulers(c, &lines);
}
