/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cli/cli.h"
#include "lab/rehearse.h"
#include "util/fs.h"
#include "util/i18n.h"

/* ---- what it came to, for reading -------------------------------------------------------------------------------- */

static const struct table_column columns[] = {
	{ "", .tight = true },	     { N_("NODE") },
	{ N_("FIRMWARE") },	     { N_("KIND"), .drop = 1 },
	{ "dhcp", .right = true },   { "loader", .right = true },
	{ "kernel", .right = true }, { "initramfs", .right = true },
	{ "root", .right = true },   { N_("READY"), .right = true },
};
enum { COLUMN_SIGN, COLUMN_NODE, COLUMN_FIRMWARE, COLUMN_KIND, COLUMN_DHCP, COLUMN_READY = COLUMN_DHCP + 5 };

/* On a screen that leaves little room the times are without their unit, and node and firmware are one word. */
static const struct table_column narrow_columns[] = {
	{ "", .tight = true },
	{ N_("NODE"), .tight = true },
	{ "dhcp", .right = true, .tight = true },
	{ "loader", .right = true, .tight = true },
	{ "kernel", .right = true, .tight = true },
	{ "initramfs", .right = true, .tight = true },
	{ "root", .right = true, .tight = true },
	{ N_("READY"), .right = true },
};
enum { NARROW_DHCP = 2, NARROW_READY = NARROW_DHCP + 5 };

static void add_time(struct table *t, size_t column, enum colour colour, bool narrow, int64_t ms)
{
	if (ms < 0)
		table_cell(t, column, COLOUR_DIM, "-");
	else if (narrow)
		table_cell(t, column, colour, "%.1f", (double)ms / 1000);
	else
		table_cell(t, column, colour, "%s", SECONDS(ms));
}

static void add_row(struct table *t, const struct lab_try *v, bool narrow)
{
	size_t dhcp = narrow ? NARROW_DHCP : COLUMN_DHCP, end = narrow ? NARROW_READY : COLUMN_READY;
	bool ready = v->outcome == LAB_TRY_READY;
	enum node_stage sign = ready ? NODE_READY : v->outcome == LAB_TRY_WAITS ? NODE_OFF : NODE_FAILED;

	table_row(t);
	table_cell(t, COLUMN_SIGN, stage_colour(sign), "%s", stage_sign(t->style, sign));
	table_cell(t, COLUMN_NODE, COLOUR_NONE, "%s", *v->node && !narrow ? v->node : v->machine);
	if (!narrow) {
		table_cell(t, COLUMN_FIRMWARE, COLOUR_NONE, "%s", lab_firmware_name(v->firmware));
		table_cell(t, COLUMN_KIND, COLOUR_NONE, "%s", i18n(v->kind));
	}
	for (int s = NODE_DHCP; s <= NODE_ROOT; s++) {
		bool here = !ready && v->stage == (enum node_stage)s;

		add_time(t, dhcp + (size_t)(s - NODE_DHCP), here ? COLOUR_RED : COLOUR_NONE, narrow,
			 v->stage_ms[s]);
	}
	if (ready)
		add_time(t, end, COLOUR_GREEN, narrow, v->ms);
	else
		table_cell(t, end, COLOUR_RED, "%s", _("no"));
}

static void add_table(const struct style *s, const struct lab_rehearsal *v, bool narrow, struct strbuf *out)
{
	size_t n = narrow ? ARRAY_SIZE(narrow_columns) : ARRAY_SIZE(columns);
	struct table_column titles[ARRAY_SIZE(columns)];
	_cleanup_table_ struct table t;

	for (size_t i = 0; i < n; i++) {
		titles[i] = narrow ? narrow_columns[i] : columns[i];
		titles[i].title = *titles[i].title ? i18n(titles[i].title) : "";
	}
	table_init(&t, s, titles, n);
	for (size_t i = 0; i < v->n; i++)
		add_row(&t, &v->tries[i], narrow);
	if (narrow)
		strbuf_adds(out, _("Seconds in each stage, and until it was ready:\n"));
	table_format(&t, out);
}

static void add_evidence(const struct style *s, const struct lab_evidence *v, size_t n, struct strbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		strbuf_addf(out, "  %s%s%s\n", style_on(s, COLOUR_BOLD), v[i].title,
			    style_off(s, COLOUR_BOLD));
		for (size_t k = 0; k < v[i].lines.n; k++) {
			strbuf_adds(out, "    ");
			format_escape(out, s, v[i].lines.v[k], "\t");
			strbuf_addc(out, '\n');
		}
	}
}

static void add_failures(const struct style *s, const struct lab_rehearsal *v, struct strbuf *out)
{
	add_evidence(s, v->evidence, v->n_evidence, out);
	for (size_t i = 0; i < v->n; i++) {
		const struct lab_try *t = &v->tries[i];
		_cleanup_free_ char *text = lab_try_sentence(t);

		if (t->outcome == LAB_TRY_READY || t->outcome == LAB_TRY_WAITS)
			continue;
		strbuf_addf(out, "\n%s", style_on(s, COLOUR_RED));
		format_escape(out, s, text ? text : "", "");
		strbuf_addf(out, "%s\n", style_off(s, COLOUR_RED));
		add_evidence(s, t->evidence, t->n_evidence, out);
	}
}

static void add_differences(const struct style *s, const struct lab_rehearsal *v, struct strbuf *out)
{
	size_t same = 0, other = 0;

	for (size_t i = 0; i < v->n_differences; i++)
		if (v->differences[i].kind == MUSTER_DIFFERENCE_NONE)
			same++;
		else
			other++;
	if (v->n_differences == 0)
		return;
	strbuf_addf(out,
		    ngettext("%zu file was the server's to the byte; ",
			     "%zu files were the server's to the byte; ", same),
		    same);
	if (other == 0)
		strbuf_adds(out, _("none differed.\n"));
	else
		strbuf_addf(out, ngettext("%zu differed:\n", "%zu differed:\n", other), other);
	for (size_t i = 0; i < v->n_differences; i++) {
		const struct muster_difference *d = &v->differences[i];

		if (d->kind == MUSTER_DIFFERENCE_SERVER_ONLY)
			strbuf_addf(out, _("  on the server only: %s\n"), d->path);
		else if (d->kind == MUSTER_DIFFERENCE_REHEARSAL_ONLY)
			strbuf_addf(out, _("  in the rehearsal only: %s\n"), d->path);
		else if (d->kind == MUSTER_DIFFERENCE_CONTENT)
			format_diff(out, s, d->diff);
	}
}

static void format_all(const struct style *s, const struct lab_rehearsal *v, bool narrow, struct strbuf *out)
{
	_cleanup_free_ char *sentence = lab_rehearsal_sentence(v);

	if (!v->stopped)
		add_table(s, v, narrow, out);
	add_failures(s, v, out);
	strbuf_addc(out, '\n');
	for (size_t i = 0; i < v->notes.n; i++)
		strbuf_addf(out, "%s\n", v->notes.v[i]);
	add_differences(s, v, out);
	strbuf_addf(out, "%s ", sentence ? sentence : "");
	strbuf_addf(out, _("The report is in %s.\n"), v->report);
}

/* ---- as JSON ------------------------------------------------------------------------------------------------------- */

static json_t *evidence_json(const struct lab_evidence *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list, json_pack("{s:o, s:o}", "title", cli_json_text(v[i].title),
							  "lines", cli_json_texts(&v[i].lines))) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static const char *const outcomes[] = {
	[LAB_TRY_WAITS] = "not tried", [LAB_TRY_RUNS] = "running", [LAB_TRY_READY] = "ready",
	[LAB_TRY_FAILED] = "failed",   [LAB_TRY_LATE] = "late",	   [LAB_TRY_ENDED] = "ended",
};

static json_t *try_json(const struct lab_try *t)
{
	json_t *stages = json_object();

	for (int s = NODE_DHCP; stages && s <= NODE_ROOT; s++)
		if (t->stage_ms[s] >= 0 && json_object_set_new(stages, node_stage_text((enum node_stage)s),
							       json_integer(t->stage_ms[s])) < 0) {
			json_decref(stages);
			return NULL;
		}
	return json_pack("{s:o, s:s, s:s, s:s, s:s, s:I, s:s, s:o, s:o, s:o}", "node", cli_json_text(t->node),
			 "firmware", t->firmware == LAB_UEFI ? "uefi" : "bios", "kind", t->kind, "mac",
			 t->mac, "outcome", outcomes[t->outcome], "ms", (json_int_t)t->ms, "stage",
			 node_stage_text(t->stage), "stages", stages, "reason", cli_json_text(t->reason),
			 "evidence", evidence_json(t->evidence, t->n_evidence));
}

static json_t *differences_json(const struct lab_rehearsal *v)
{
	static const char *const kinds[] = {
		[MUSTER_DIFFERENCE_NONE] = "none",
		[MUSTER_DIFFERENCE_CONTENT] = "content",
		[MUSTER_DIFFERENCE_SERVER_ONLY] = "server only",
		[MUSTER_DIFFERENCE_REHEARSAL_ONLY] = "rehearsal only",
	};
	json_t *list = json_array();

	for (size_t i = 0; list && i < v->n_differences; i++)
		if (json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "path", v->differences[i].path,
							  "difference", kinds[v->differences[i].kind], "diff",
							  cli_json_text(v->differences[i].diff))) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static json_t *document(const struct lab_rehearsal *v)
{
	json_t *tries = json_array();

	for (size_t i = 0; tries && i < v->n; i++)
		if (json_array_append_new(tries, try_json(&v->tries[i])) < 0) {
			json_decref(tries);
			return NULL;
		}
	return json_pack("{s:s, s:I, s:b, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "plan", v->plan, "at",
			 (json_int_t)v->at, "stopped", v->stopped, "ready", (int)v->ready, "tries", (int)v->n,
			 "nodes", tries, "notes", cli_json_texts(&v->notes), "evidence",
			 evidence_json(v->evidence, v->n_evidence), "files", differences_json(v), "report",
			 cli_json_text(v->report));
}

/* ---- the verb ------------------------------------------------------------------------------------------------------- */

/* For the program that started this one: its lines are what that shows. */
static void tell_lines(struct cli *c, const struct strbuf *b)
{
	for (const char *line = b->data ? b->data : ""; *line;) {
		size_t len = strcspn(line, "\n");
		_cleanup_free_ char *one = strndup(line, len);

		progress_tell(c, MUSTER_EVENT_LINE, one ? one : "");
		line += len + (line[len] == '\n');
	}
}

static int show(struct cli *c, const struct lab_rehearsal *v)
{
	static const struct style plain = { .utf8 = true };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *sentence = lab_rehearsal_sentence(v);

	progress_end(c);
	if (c->json)
		return cli_print_json(c, document(v));
	format_all(c->events ? &plain : &c->out, v, c->events, &b);
	if (!c->events)
		return cli_print(&b);
	if (b.failed)
		return -ENOMEM;
	tell_lines(c, &b);
	progress_tell(c, v->ready == v->n && !v->stopped ? MUSTER_EVENT_NOTE : MUSTER_EVENT_ERROR,
		      sentence ? sentence : "");
	return 0;
}

static int read_options(struct cli *c, struct lab_rehearse_options *o)
{
	const char *firmware = cli_value(c, "firmware"), *accel = cli_value(c, "accel");
	long seconds;
	int r = cli_number(c, "timeout", 24 * 60 * 60, LAB_REHEARSE_TIMEOUT_MS / 1000, &seconds);

	if (r < 0)
		return r;
	if (firmware && strcmp(firmware, "bios") != 0 && strcmp(firmware, "uefi") != 0)
		return cli_refuse(c, _("--firmware is bios or uefi, not \"%s\""), firmware);
	if (accel && strcmp(accel, "kvm") != 0 && strcmp(accel, "tcg") != 0 && strcmp(accel, "auto") != 0)
		return cli_refuse(c, _("--accel is auto, kvm or tcg, not \"%s\""), accel);
	o->bios = !firmware || strcmp(firmware, "bios") == 0;
	o->uefi = !firmware || strcmp(firmware, "uefi") == 0;
	o->timeout_ms = seconds * 1000;
	o->keep = cli_value(c, "keep") != NULL;
	o->lab = (struct lab_options){
		.accelerator = !accel || strcmp(accel, "auto") == 0 ? LAB_AUTO
			       : strcmp(accel, "kvm") == 0	    ? LAB_KVM
								    : LAB_TCG,
		.on_event = progress_event,
		.data = c,
		.cancel_fd = c->cancel_fd,
	};
	return 0;
}

/* What cannot be tried for want of a program is refused before anything is made. */
static int check_programs(struct cli *c, struct muster *m, bool uefi)
{
	_cleanup_strv_ struct strv packages = STRV_INIT;
	_cleanup_strbuf_ struct strbuf list = STRBUF_INIT;
	int r = muster_rehearsal_missing(m, uefi, &packages);

	if (r < 0 || packages.n == 0)
		return r;
	for (size_t i = 0; i < packages.n; i++)
		strbuf_addf(&list, "%s%s", i ? " " : "", packages.v[i]);
	cli_error(
		c,
		_("A rehearsal needs these packages, which are missing on this machine: %s. Install them and "
		  "try again."),
		list.data ? list.data : "");
	return -MUSTER_E_REFUSED;
}

static int find_places(struct cli *c, struct lab_rehearse_options *o, char **dir, char **answers, char **root)
{
	const char *below = c->inside ? c->inside->root : c->root;
	int r = 0;

	*root = realpath(below && *below ? below : "/", NULL);
	if (!*root)
		return -errno;
	*dir = cli_value(c, "dir") ? strdup(cli_value(c, "dir")) : fs_join(*root, MUSTER_REHEARSAL_FOLDER);
	if (c->file)
		*answers = strdup(c->file);
	else
		r = muster_answers_path(o->server, answers);
	if (r == 0 && (!*dir || !*answers))
		r = -ENOMEM;
	o->lab.dir = *dir;
	o->answers = *answers;
	o->server_root = *root;
	return r;
}

static int choose_nodes(struct cli *c, struct muster *m, struct strv *names, struct lab_rehearse_options *o)
{
	int r;

	if (!c->range)
		return 0;
	r = muster_rehearsal_nodes(m, c->range, names);
	c->refused |= r == -EINVAL;
	o->nodes = names;
	return r;
}

static int rehearse(struct cli *c, struct lab_rehearse_options *o)
{
	struct lab_rehearsal v;
	int r = lab_rehearse(o, &v);

	progress_end(c);
	c->refused |= r == -MUSTER_E_BUSY;
	if (r < 0)
		return r;
	r = show(c, &v);
	if (r == 0 && (v.stopped || v.ready < v.n)) {
		/* The last line said so. */
		c->said = true;
		r = -MUSTER_E_UNHEALTHY;
	}
	if (r == 0 && o->keep && !c->json)
		printf(_("It runs on: `muster lab status --dir %s` shows it, `muster lab down --dir %s` ends "
			 "it.\n"),
		       v.folder, v.folder);
	lab_rehearsal_clear(&v);
	return r;
}

static int run(struct cli *c)
{
	_cleanup_free_ char *dir = NULL, *answers = NULL, *root = NULL;
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct lab_rehearse_options o = { 0 };
	int r = cli_arguments(c, 0, 0);

	c->events = cli_value(c, "events") != NULL;
	if (r == 0)
		cli_catch_signals(c, true);
	if (r == 0)
		r = read_options(c, &o);
	if (r == 0)
		r = cli_open(c, &m);
	if (r == 0)
		r = cli_plan(c, m, &o.plan);
	if (r == 0)
		r = choose_nodes(c, m, &names, &o);
	if (r == 0)
		r = check_programs(c, m, o.uefi);
	o.server = m;
	if (r == 0)
		r = find_places(c, &o, &dir, &answers, &root);
	return r < 0 ? r : rehearse(c, &o);
}

static const struct cli_option options[] = {
	{ "dir", 0, "DIR", N_("the rehearsal's folder (/var/lib/muster/rehearsal)"), "dir", false },
	{ "firmware", 0, "KIND", N_("only bios, or only uefi; by default both"), NULL, false },
	{ "timeout", 0, "SECONDS", N_("how long each node may take until it is ready (300)"), NULL, false },
	{ "accel", 0, "KIND", N_("auto (the default), kvm or tcg"), NULL, false },
	{ "keep", 0, NULL, N_("let services and nodes run on afterwards, to look at them"), NULL, false },
	{ "events", 0, NULL, N_("print each event as a line of JSON"), NULL, true },
	{ 0 },
};

const struct verb verb_rehearse = {
	.name = "rehearse",
	.args = "[-f FILE] [-n RANGE] [--firmware KIND] [--timeout SECONDS] [--dir DIR] [--keep]",
	.summary = N_("boot virtual nodes from the files of this plan"),
	.details = N_(
		"Makes a network namespace with the plan's interface and address, puts the plan's files into "
		"a "
		"folder of its own, starts the real services with them, and boots a virtual node for each "
		"firmware (BIOS, UEFI) and each kind of node, with the plan's own MAC addresses; with -n, "
		"these nodes, each with each firmware. Shows how long each stage took, and for a node that "
		"does not "
		"become ready where it stopped, with the daemons' own lines about it, its console and its "
		"agent's "
		"last words. What is built on this server is used as it is; nothing outside of the folder is "
		"written.\n"
		"The exit status is 0 when every node became ready, 1 when one did not, and 2 when it could "
		"not be tried. `muster plan` and `muster apply` say what the last rehearsal came to.\n"),
	.options = options,
	.run = run,
};
