/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

enum { ID, RELEASE, COMPILER, SIZE, BUILT, USED };

static const struct table_column kernel_columns[] = {
	[ID] = { "KERNEL" },
	[RELEASE] = { "RELEASE" },
	[COMPILER] = { "COMPILER", .drop = 2 },
	[SIZE] = { "SIZE", .right = true },
	[BUILT] = { "BUILT", .drop = 1 },
	[USED] = { "USED" },
};
static const struct table_column recipe_columns[] = { { "RECIPE" }, { "WHAT IT BUILDS" } };

static const struct cli_option options[] = {
	{ "source", 0, "PLACE",
	  N_("where a source is: PLACE or NAME=PLACE, a path or a URL, with #sha256=HEX behind it"), "file",
	  .many = true, .of = "build" },
	{ "cc", 0, "COMPILER", N_("build with this compiler, by name, path, or TOOLCHAIN:NAME"), "file",
	  .of = "build" },
	{ "jobs", 0, "N",
	  N_("how many files are compiled at a time; without it, as many as there are processors"), NULL,
	  .of = "build" },
	{ "card", 0, "ID", N_("a network card of the nodes, by its PCI id like 8086:100e"), NULL,
	  .many = true, .of = "check" },
	{ "mode", 0, "MODE", N_("the root mode of the nodes: ram, nfs or initramfs"), NULL, .of = "check" },
	{ "mirror", 0, "PLACE", N_("where a toolchain's packages come from: a URL or a folder"), "file",
	  .of = "toolchain" },
	{ "release", 0, "RELEASE", N_("the release that a toolchain is made of, as the mirror names it"),
	  NULL, .of = "toolchain" },
	{ "packages", 0, "LIST",
	  N_("a toolchain's packages, with commas; without it, gcc, make and what kernels need"), NULL,
	  .of = "toolchain" },
	{ "keyring", 0, "FILE", N_("the keys that a toolchain's packages are signed with"), "file",
	  .of = "toolchain" },
	{ "trust-unsigned", 0, NULL, N_("take a toolchain's packages without a look at their signatures"),
	  NULL, .of = "toolchain" },
	{ 0 },
};

/* ---- list ------------------------------------------------------------------------------------------------- */

static json_t *kernel_json(const struct kernel_generation *g)
{
	return json_pack("{so so so so so so sI sb}", "id", cli_json_text(g->id), "recipe",
			 cli_json_text(g->recipe), "release", cli_json_text(g->release), "version",
			 cli_json_text(g->version), "compiler", cli_json_text(g->compiler), "built",
			 cli_json_text(g->built), "bytes", (json_int_t)g->bytes, "used", g->used);
}

static json_t *list_json(struct kernel_recipe **recipes, size_t n_recipes, struct kernel_generation **v,
			 size_t n)
{
	json_t *names = json_array(), *list = json_array();

	for (size_t i = 0; i < n_recipes; i++)
		json_array_append_new(names,
				      json_pack("{so so}", "name", cli_json_text(recipes[i]->name),
						"description", cli_json_text(recipes[i]->description)));
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, kernel_json(v[i]));
	return json_pack("{so so}", "recipes", names, "kernels", list);
}

static int print_list(const struct style *s, struct kernel_recipe **recipes, size_t n_recipes,
		      struct kernel_generation **v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_table_ struct table names = { 0 }, t = { 0 };

	table_init(&names, s, recipe_columns, ARRAY_SIZE(recipe_columns));
	for (size_t i = 0; i < n_recipes; i++) {
		table_row(&names);
		table_cell(&names, 0, COLOUR_NONE, "%s", recipes[i]->name);
		table_cell(&names, 1, COLOUR_NONE, "%s", recipes[i]->description);
	}
	table_format(&names, &b);
	strbuf_addc(&b, '\n');
	table_init(&t, s, kernel_columns, ARRAY_SIZE(kernel_columns));
	for (size_t i = 0; i < n; i++) {
		table_row(&t);
		table_cell(&t, ID, COLOUR_NONE, "%s", v[i]->id);
		table_cell(&t, RELEASE, COLOUR_NONE, "%s", v[i]->release);
		table_cell(&t, COMPILER, COLOUR_NONE, "%s", v[i]->compiler);
		table_cell(&t, SIZE, COLOUR_NONE, "%s", BYTES(v[i]->bytes));
		table_cell(&t, BUILT, COLOUR_NONE, "%s", v[i]->built);
		table_cell(&t, USED, COLOUR_GREEN, "%s", v[i]->used ? "yes" : "");
	}
	if (n)
		table_format(&t, &b);
	else
		strbuf_adds(&b, _("No kernel was built yet: 'muster kernel build RECIPE' makes one.\n"));
	return cli_print(&b);
}

static int list(struct cli *c, struct muster *m)
{
	struct kernel_recipe **recipes = NULL;
	struct kernel_generation **v = NULL;
	size_t n_recipes = 0, n = 0;
	int r = muster_recipe_list(m, &recipes, &n_recipes);

	if (r == 0)
		r = muster_kernel_list(m, &v, &n);
	if (r == 0)
		r = c->json ? cli_print_json(c, list_json(recipes, n_recipes, v, n))
			    : print_list(&c->out, recipes, n_recipes, v, n);
	muster_recipes_free(recipes, n_recipes);
	muster_kernels_free(v, n);
	return r;
}

/* ---- build, remove ------------------------------------------------------------------------------------------ */

static int build(struct cli *c, struct muster *m)
{
	_cleanup_(muster_kernel_freep) struct kernel_generation *g = NULL;
	_cleanup_strv_ struct strv sources = STRV_INIT;
	struct muster_kernel_wish wish = { .cc = cli_value(c, "cc") };
	bool built = false;
	long jobs;
	int r = cli_number(c, "jobs", 1024, 0, &jobs);

	if (r == 0)
		r = cli_lines(cli_value(c, "source"), &sources);
	if (r < 0)
		return r;
	wish.sources = (const char *const *)sources.v;
	wish.jobs = (unsigned int)jobs;
	r = muster_kernel_build(m, c->argv[1], &wish, &g, &built);
	if (r < 0)
		return r;
	progress_end(c);
	if (c->json) {
		json_t *doc = kernel_json(g);

		if (doc)
			json_object_set_new(doc, "new", json_boolean(built));
		return cli_print_json(c, doc);
	}
	printf("%s\n", g->id);
	return 0;
}

static int remove_kernel(struct cli *c, struct muster *m)
{
	int r = muster_kernel_remove(m, c->argv[1]);

	if (r < 0)
		return r;
	return c->json ? cli_print_json(c, json_pack("{so}", "removed", cli_json_text(c->argv[1]))) : 0;
}

static const struct {
	const char *name;
	int least, most; /* arguments besides its own name */
	int (*run)(struct cli *c, struct muster *m);
} words[] = {
	{ "list", 0, 0, list },
	{ "show", 1, 1, kernel_show_verb },
	{ "build", 1, 1, build },
	{ "check", 1, 2, kernel_check_verb },
	{ "remove", 1, 1, remove_kernel },
	{ "toolchain", 0, 2, kernel_toolchain_verb },
};

static int run(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	int r = cli_arguments(c, 1, 3);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, c->argv[0]) != 0)
			continue;
		r = cli_arguments(c, 1 + words[i].least, 1 + words[i].most);
		if (r < 0)
			return r;
		cli_catch_signals(c, true);
		r = cli_open(c, &m);
		return r < 0 ? r : words[i].run(c, m);
	}
	return r < 0 ? r
		     : cli_refuse(c,
				  _("there is no \"%s\"; it is list, show RECIPE or KERNEL, build RECIPE, "
				    "check KERNEL, "
				    "remove KERNEL "
				    "or toolchain"),
				  c->argv[0]);
}

const struct verb verb_kernel = {
	.name = "kernel",
	.args = "list | show RECIPE or KERNEL | build RECIPE [--source PLACE] [--cc COMPILER] [--jobs N] | "
		"check KERNEL [ROOT] "
		"[--mode MODE] [--card ID] [-n RANGE] | "
		"remove "
		"KERNEL | toolchain build NAME --mirror PLACE --release RELEASE | toolchain list | toolchain "
		"remove NAME",
	.summary = N_("build kernels by recipes, check, list and remove them"),
	.details = N_(
		"list shows the recipes, and the kernels that were built. show tells what a recipe wants, "
		"and which of this "
		"server's compilers fit, or what a built kernel was made of. build makes the kernel unless "
		"it is there, and prints its id: it "
		"fetches, verifies, "
		"unpacks, patches, configures, checks that the tree took the configuration, and compiles "
		"without root's "
		"rights; a build that was cut off goes on where it was. In the answers, kernel = "
		"\"RECIPE\" means the newest "
		"kernel that was built by it, and kernel = \"ID\" this very one. check says whether it "
		"would run: with the root ROOT, "
		"in the root mode, with the nodes' cards and memory; it ends with status 1 when it would "
		"not. remove takes one away "
		"that no applied answers "
		"use.\n"
		"A recipe is one that muster brings, a file /etc/muster/recipes/NAME.conf, or the path of "
		"a file. "
		"--source is given once for each source; what comes over the network needs its SHA-256.\n"
		"toolchain build makes a folder with the programs of an older release, from a mirror that "
		"you "
		"name; its compilers are "
		"candidates like the server's own, by the name NAME:gcc, and a build with one runs inside of "
		"that folder, where it "
		"sees nothing of the server but its own tree."),
	.words = "list show build check remove toolchain",
	.options = options,
	.run = run,
};
