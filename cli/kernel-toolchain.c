/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kernel toolchain: the programs of an older release, in which kernels are built. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

enum { NAME, RELEASE, COMPILERS, SIZE, SIGNED, MADE };

static const struct table_column columns[] = {
	[NAME] = { "TOOLCHAIN" },	    [RELEASE] = { "RELEASE" },
	[COMPILERS] = { "COMPILERS" },	    [SIZE] = { "SIZE", .right = true },
	[SIGNED] = { "SIGNED", .drop = 1 }, [MADE] = { "MADE", .drop = 2 },
};

static json_t *toolchain_json(const struct kernel_toolchain *t)
{
	json_t *compilers = json_array(), *packages = json_array();

	for (size_t i = 0; i < t->n_compilers; i++)
		json_array_append_new(compilers,
				      json_pack("{so ss so}", "name", cli_json_text(t->compilers[i].name),
						"kind", t->compilers[i].clang ? "clang" : "gcc", "version",
						cli_json_text(t->compilers[i].version)));
	for (size_t i = 0; i < t->packages.n; i++)
		json_array_append_new(packages, cli_json_text(t->packages.v[i]));
	return json_pack("{so so so so sb so so sI so so}", "name", cli_json_text(t->name), "release",
			 cli_json_text(t->release), "mirror", cli_json_text(t->mirror), "keyring",
			 cli_json_text(t->keyring), "trusted_unsigned", t->trusted, "sha256",
			 cli_json_text(t->hash), "made", cli_json_text(t->made), "bytes",
			 (json_int_t)t->bytes, "packages", packages, "compilers", compilers);
}

static int print_list(const struct style *s, struct kernel_toolchain **v, size_t n)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_table_ struct table t = { 0 };

	table_init(&t, s, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < n; i++) {
		_cleanup_strbuf_ struct strbuf compilers = STRBUF_INIT;

		for (size_t k = 0; k < v[i]->n_compilers; k++)
			strbuf_addf(&compilers, "%s%s (%s)", k ? ", " : "", v[i]->compilers[k].name,
				    v[i]->compilers[k].version);
		table_row(&t);
		table_cell(&t, NAME, COLOUR_NONE, "%s", v[i]->name);
		table_cell(&t, RELEASE, COLOUR_NONE, "%s", v[i]->release);
		table_cell(&t, COMPILERS, COLOUR_NONE, "%s", compilers.data ? compilers.data : "");
		table_cell(&t, SIZE, COLOUR_NONE, "%s", BYTES(v[i]->bytes));
		table_cell(&t, SIGNED, v[i]->trusted ? COLOUR_YELLOW : COLOUR_NONE, "%s",
			   v[i]->trusted ? "no" : "yes");
		table_cell(&t, MADE, COLOUR_NONE, "%s", v[i]->made);
	}
	if (n)
		table_format(&t, &b);
	else
		strbuf_adds(
			&b,
			_("No toolchain was made yet: 'muster kernel toolchain build NAME' makes one.\n"));
	return cli_print(&b);
}

static int list(struct cli *c, struct muster *m)
{
	struct kernel_toolchain **v = NULL;
	json_t *all;
	size_t n = 0;
	int r = muster_toolchain_list(m, &v, &n);

	if (r < 0)
		return r;
	if (c->json) {
		all = json_array();
		for (size_t i = 0; i < n; i++)
			json_array_append_new(all, toolchain_json(v[i]));
		r = cli_print_json(c, json_pack("{so}", "toolchains", all));
	} else {
		r = print_list(&c->out, v, n);
	}
	muster_toolchains_free(v, n);
	return r;
}

static int build(struct cli *c, struct muster *m)
{
	_cleanup_(muster_toolchain_freep) struct kernel_toolchain *t = NULL;
	_cleanup_strv_ struct strv packages = STRV_INIT;
	_cleanup_free_ char *copy = NULL;
	struct muster_toolchain_wish wish = { .mirror = cli_value(c, "mirror"),
					      .release = cli_value(c, "release"),
					      .keyring = cli_value(c, "keyring"),
					      .trust_unsigned = cli_value(c, "trust-unsigned") };
	const char *said = cli_value(c, "packages");
	char *save = NULL;
	int r = 0;

	if (!wish.mirror || !wish.release)
		return cli_refuse(
			c, _("a toolchain wants --mirror and --release: of which release it is made, and "
			     "from where"));
	copy = strdup(said ? said : "");
	if (!copy)
		return -ENOMEM;
	for (char *p = strtok_r(copy, ", ", &save); p && r == 0; p = strtok_r(NULL, ", ", &save))
		r = strv_add(&packages, p);
	if (r < 0)
		return r;
	wish.packages = (const char *const *)packages.v;
	r = muster_toolchain_build(m, c->argv[2], &wish, &t);
	if (r < 0)
		return r;
	progress_end(c);
	if (c->json)
		return cli_print_json(c, toolchain_json(t));
	for (size_t i = 0; i < t->n_compilers; i++)
		printf("%s\n", t->compilers[i].name);
	return 0;
}

static int remove_toolchain(struct cli *c, struct muster *m)
{
	int r = muster_toolchain_remove(m, c->argv[2]);

	if (r < 0)
		return r;
	return c->json ? cli_print_json(c, json_pack("{so}", "removed", cli_json_text(c->argv[2]))) : 0;
}

int kernel_toolchain_verb(struct cli *c, struct muster *m)
{
	const char *word = c->argc > 1 ? c->argv[1] : "list";
	bool named = c->argc > 2;

	if (strcmp(word, "list") == 0 && !named)
		return list(c, m);
	if (strcmp(word, "build") == 0 && named)
		return build(c, m);
	if (strcmp(word, "remove") == 0 && named)
		return remove_toolchain(c, m);
	return cli_refuse(c, _("kernel toolchain wants build NAME, list or remove NAME"));
}
