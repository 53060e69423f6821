/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line, read by the tables that the help is made from. */
#include "config.h"

#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "util/i18n.h"
#include "util/log.h"

const struct verb *const cli_verbs[] = {
#define X(name) &verb_##name,
	CLI_VERBS(X)
#undef X
		NULL,
};

const struct cli_option cli_global_options[] = {
	{ "file", 'f', "FILE", N_("the answer file; without it, the one that was applied last"), "file" },
	{ "nodes", 'n', "RANGE", N_("only these nodes, like node[01-16,20]"), NULL },
	{ "root", 0, "DIR", N_("work below this folder; services and packages are left alone"), "dir" },
	{ "host", 0, "FILE",
	  N_("take the facts about the server from a file that 'muster host --json' wrote"), "file" },
	{ "json", 0, NULL, N_("print one JSON document on standard output, and nothing else"), NULL },
	{ "yes", 0, NULL, N_("ask nothing, go ahead"), NULL },
	{ "debug", 0, NULL, N_("say on standard error what is being done inside"), NULL },
	{ "help", 'h', NULL, N_("print this help"), NULL },
	{ "version", 0, NULL, N_("print the version"), NULL },
	{ 0 },
};

/* What getopt_long() returns for row i; above every letter. */
#define ROW 256

const struct verb *cli_verb_find(const char *name)
{
	for (size_t i = 0; cli_verbs[i]; i++)
		if (strcmp(cli_verbs[i]->name, name) == 0)
			return cli_verbs[i];
	return NULL;
}

/* How many letters must be put in, taken out or changed (Levenshtein); words longer than 31 letters are far away. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], n = strlen(b);

	if (strlen(a) >= ARRAY_SIZE(row) || n >= ARRAY_SIZE(row))
		return ARRAY_SIZE(row);
	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t k = 0; k < n; k++) {
			size_t above = row[k + 1];

			row[k + 1] = MIN(MIN(above, row[k]) + 1, diagonal + (a[i] != b[k]));
			diagonal = above;
		}
	}
	return row[n];
}

const char *cli_nearest(const char *word)
{
	const char *best = NULL;
	size_t least = 3;

	for (size_t i = 0; cli_verbs[i]; i++) {
		const char *name = cli_verbs[i]->name;
		size_t d = distance(word, name);

		/* The beginning of a verb is near, however much is missing. */
		if (strlen(word) >= 2 && strncmp(word, name, strlen(word)) == 0)
			d = 1;
		if (d < least && d < strlen(name)) {
			least = d;
			best = name;
		}
	}
	return best;
}

const char *cli_value(const struct cli *c, const char *name)
{
	for (size_t i = 0; i < c->n_options; i++)
		if (strcmp(c->options[i]->name, name) == 0)
			return c->values[i];
	return NULL;
}

int cli_number(struct cli *c, const char *name, long max, long preset, long *ret)
{
	const char *text = cli_value(c, name);
	char *end;
	long n;

	if (!text) {
		*ret = preset;
		return 0;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n < 1 || n > max)
		return cli_refuse(c, _("--%s takes a whole number from 1 to %ld, not \"%s\""), name, max,
				  text);
	*ret = n;
	return 0;
}

int cli_lines(const char *value, struct strv *ret)
{
	int r = 0;

	while (value && r == 0) {
		size_t n = strcspn(value, "\n");

		r = strv_addf(ret, "%.*s", (int)n, value);
		value = value[n] ? value + n + 1 : NULL;
	}
	return r;
}

static void add_options(struct cli *c, const struct cli_option *o)
{
	for (; o && o->name && c->n_options < CLI_MAX_OPTIONS; o++)
		c->options[c->n_options++] = o;
}

static int complain(struct cli *c, int what, int option, const char *word)
{
	const char *name = option >= ROW ? c->options[option - ROW]->name : NULL;

	if (what == ':')
		return name ? cli_refuse(c, _("--%s needs a value"), name)
			    : cli_refuse(c, _("-%c needs a value"), option);
	if (name)
		return cli_refuse(c, _("--%s takes no value"), name);
	return option ? cli_refuse(c, _("there is no option -%c"), option)
		      : cli_refuse(c, _("there is no option %s"), word);
}

/* Of an option that may be given several times, what was said before stays. */
static int take_value(struct cli *c, size_t i, const char *value)
{
	if (!c->options[i]->many || !c->values[i]) {
		c->values[i] = value;
		return 0;
	}
	if (strv_addf(&c->kept, "%s\n%s", c->values[i], value) < 0)
		return -ENOMEM;
	c->values[i] = c->kept.v[c->kept.n - 1];
	return 0;
}

/* Reads options with those that `c` knows by now; the first other argument ends it when `stop` is set. */
static int read_options(struct cli *c, int argc, char **argv, bool stop)
{
	struct option rows[CLI_MAX_OPTIONS + 1] = { 0 };
	_cleanup_strbuf_ struct strbuf letters = STRBUF_INIT;
	int o;

	strbuf_adds(&letters, stop ? "+:" : ":");
	for (size_t i = 0; i < c->n_options; i++) {
		rows[i] = (struct option){ c->options[i]->name,
					   c->options[i]->arg ? required_argument : no_argument, NULL,
					   ROW + (int)i };
		if (c->options[i]->letter)
			strbuf_addf(&letters, "%c%s", c->options[i]->letter, c->options[i]->arg ? ":" : "");
	}
	if (letters.failed)
		return -ENOMEM;
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	while ((o = getopt_long(argc, argv, letters.data, rows, NULL)) != -1) {
		if (o == '?' || o == ':')
			return complain(c, o, optopt, argv[optind - 1]);
		for (size_t i = 0; i < c->n_options; i++)
			if ((o == ROW + (int)i || o == c->options[i]->letter) &&
			    take_value(c, i, optarg ? optarg : "") < 0)
				return -ENOMEM;
	}
	return 0;
}

static void take_globals(struct cli *c)
{
	c->root = cli_value(c, "root");
	c->host = cli_value(c, "host");
	c->file = cli_value(c, "file");
	c->range = cli_value(c, "nodes");
	c->json = c->json || cli_value(c, "json");
	c->yes = cli_value(c, "yes");
	c->debug = cli_value(c, "debug");
	if (c->debug)
		log_set_level(LOG_LEVEL_DEBUG);
}

/* A mistake in the arguments must find its way into a JSON document, too, wherever --json stands. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

static int find_verb(struct cli *c, const char *word)
{
	const char *near;

	c->verb = cli_verb_find(word);
	if (c->verb)
		return 0;
	near = cli_nearest(word);
	return near ? cli_refuse(c, _("there is no verb \"%s\"; did you mean \"%s\"?"), word, near)
		    : cli_refuse(c, _("there is no verb \"%s\""), word);
}

static bool has_word(const char *words, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = words; *p; p += strcspn(p, " "), p += *p == ' ')
		if (strncmp(p, word, n) == 0 && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

/* What another sub-verb knows does nothing with this one, and whoever gave it thinks otherwise. What is no sub-verb is told later. */
static int check_options(struct cli *c)
{
	if (!c->verb->words || c->argc == 0 || !has_word(c->verb->words, c->argv[0]))
		return 0;
	for (size_t i = 0; i < c->n_options; i++)
		if (c->values[i] && c->options[i]->of && !has_word(c->options[i]->of, c->argv[0]))
			return cli_refuse(c, _("--%s does nothing with `%s %s`; it belongs to %s"),
					  c->options[i]->name, c->verb->name, c->argv[0], c->options[i]->of);
	return 0;
}

int cli_parse(struct cli *c, int argc, char **argv)
{
	int r, at;

	c->json = wants_json(argc, argv);
	add_options(c, cli_global_options);
	r = read_options(c, argc, argv, true);
	if (r < 0)
		return r;
	take_globals(c);
	at = optind;
	if (at >= argc)
		return 0;
	r = find_verb(c, argv[at]);
	if (r < 0)
		return r;
	add_options(c, c->verb->options);
	r = read_options(c, argc - at, argv + at, false);
	if (r < 0)
		return r;
	take_globals(c);
	c->argc = argc - at - optind;
	c->argv = argv + at + optind;
	return check_options(c);
}
