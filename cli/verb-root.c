/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

enum { ID, KERNEL, DISTRIBUTION, SIZE, BUILT, USED };

static const struct table_column columns[] = {
	[ID] = { "ROOT" },
	[KERNEL] = { "KERNEL" },
	[DISTRIBUTION] = { "DISTRIBUTION", .drop = 2 },
	[SIZE] = { "SIZE", .right = true },
	[BUILT] = { "BUILT", .drop = 1 },
	[USED] = { "USED" },
};

static const struct cli_option options[] = {
	{ "profile", 0, "PROFILE",
	  N_("build the base for this kind of cluster, whose kernel is older than the distribution"), NULL,
	  .of = "build" },
	{ "mode", 0, "MODE", N_("the root mode of the base: initramfs or nfs"), NULL, .of = "build" },
	{ "source", 0, "NAME=PLACE",
	  N_("where a source of the base is: a path or a URL, with #sha256=HEX behind it"), "file",
	  .many = true, .of = "build" },
	{ "from", 0, "TREE",
	  N_("root mode nfs: a folder or an archive with the tree of an older distribution"), "file",
	  .of = "build" },
	{ "mirror", 0, "URL", N_("root mode nfs: a mirror that has an older release"), NULL, .of = "build" },
	{ "release", 0, "NAME", N_("root mode nfs: the name of that release"), NULL, .of = "build" },
	{ "keyring", 0, "FILE", N_("root mode nfs: the keys that sign that release"), "file", .of = "build" },
	{ "add", 0, "FOLDER", N_("files of your own that the base has besides, as FOLDER/etc/motd"), "file",
	  .of = "build" },
	{ 0 },
};

static json_t *roots_json(const struct muster_root *v, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++)
		if (json_array_append_new(list,
					  json_pack("{so so so so so sI sb}", "id", cli_json_text(v[i].id),
						    "kernel", cli_json_text(v[i].kernel), "distribution",
						    cli_json_text(v[i].distribution), "suite",
						    cli_json_text(v[i].suite), "built",
						    cli_json_text(v[i].built), "bytes",
						    (json_int_t)v[i].bytes, "used", v[i].used)) < 0) {
			json_decref(list);
			return NULL;
		}
	return list ? json_pack("{so}", "roots", list) : NULL;
}

static int print_roots(const struct style *s, const struct muster_root *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_table_ struct table t = { 0 };

	table_init(&t, s, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < n; i++) {
		table_row(&t);
		table_cell(&t, ID, COLOUR_NONE, "%s", v[i].id);
		/* A base has none. */
		table_cell(&t, KERNEL, COLOUR_NONE, "%s", *v[i].kernel ? v[i].kernel : "-");
		table_cell(&t, DISTRIBUTION, COLOUR_NONE, "%s %s", v[i].distribution, v[i].suite);
		table_cell(&t, SIZE, COLOUR_NONE, "%s", BYTES(v[i].bytes));
		table_cell(&t, BUILT, COLOUR_NONE, "%s", v[i].built);
		table_cell(&t, USED, COLOUR_GREEN, "%s", v[i].used ? "yes" : "");
	}
	if (n)
		table_format(&t, &b);
	else
		strbuf_adds(&b, _("No node root was built yet: 'muster root build' makes one.\n"));
	return cli_print(&b);
}

static int list(struct cli *c, struct muster *m)
{
	struct muster_root *v;
	size_t n;
	int r = muster_root_list(m, &v, &n);

	if (r < 0)
		return r;
	r = c->json ? cli_print_json(c, roots_json(v, n)) : print_roots(&c->out, v, n);
	muster_roots_free(v, n);
	return r;
}

/* --profile builds the base alone, whatever the answers are; sources without it are for the answers' own base. */
static int build(struct cli *c, struct muster *m)
{
	_cleanup_strv_ struct strv sources = STRV_INIT;
	_cleanup_free_ char *id = NULL;
	struct muster_base_wish wish = { .profile = cli_value(c, "profile"),
					 .mode = cli_value(c, "mode"),
					 .from = cli_value(c, "from"),
					 .mirror = cli_value(c, "mirror"),
					 .release = cli_value(c, "release"),
					 .keyring = cli_value(c, "keyring"),
					 .own = cli_value(c, "add") };
	const struct plan *p;
	int r = cli_lines(cli_value(c, "source"), &sources);

	wish.sources = (const char *const *)sources.v;
	if (r == 0 && !wish.profile)
		r = cli_plan(c, m, &p);
	if (r == 0 && (wish.profile || sources.n || wish.own))
		r = muster_base_build(m, &wish, wish.profile ? &id : NULL);
	if (r == 0 && !wish.profile)
		r = muster_root_build(m, &id);
	if (r < 0)
		return r;
	progress_end(c);
	if (c->json)
		return cli_print_json(c, json_pack("{so}", "id", cli_json_text(id)));
	printf("%s\n", id);
	return 0;
}

static int remove_root(struct cli *c, struct muster *m)
{
	int r = muster_root_remove(m, c->argv[1]);

	if (r < 0)
		return r;
	return c->json ? cli_print_json(c, json_pack("{so}", "removed", cli_json_text(c->argv[1]))) : 0;
}

static const struct {
	const char *name;
	int arguments; /* besides its own name */
	int (*run)(struct cli *c, struct muster *m);
} words[] = {
	{ "build", 0, build },
	{ "list", 0, list },
	{ "remove", 1, remove_root },
};

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	int r = cli_arguments(c, 1, 2);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, c->argv[0]) != 0)
			continue;
		r = cli_arguments(c, 1 + words[i].arguments, 1 + words[i].arguments);
		if (r < 0)
			return r;
		cli_catch_signals(c, false);
		r = cli_open(c, &m);
		return r < 0 ? r : words[i].run(c, m);
	}
	return r < 0 ? r : cli_refuse(c, _("there is no \"%s\"; it is build, list or remove ID"), c->argv[0]);
}

const struct verb verb_root = {
	.name = "root",
	.args = "build [--profile PROFILE] [--source NAME=PLACE] | list | remove ID",
	.summary = N_("build, list and remove the roots that nodes boot"),
	.details =
		N_("build makes the root for the answers unless it is there, and prints its id. list shows "
		   "all of them. "
		   "remove takes one away that no applied answers use.\n"
		   "build --profile makes a base, unless it is there: a root without a kernel, for kernels "
		   "that are too old for the distribution's programs. Its programs are built from sources, "
		   "static against musl, by a user without rights: busybox from the distribution's source "
		   "package, and what the profile names. --source is given once for each source; what comes "
		   "over the network needs its SHA-256. The roots of answers with that profile then stand on "
		   "the newest base."),
	.words = "build list remove",
	.options = options,
	.run = run,
};
