/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help, the manual page's tables, and the completion: all from the tables of verbs and options. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"
#include "util/text.h"

#define HELP_COLUMNS 79

/* Prints text in lines, each further one with this indent, where the first begins, too. */
static void wrap(FILE *f, const char *text, int indent)
{
	const char *next;

	for (const char *p = text; p; p = next) {
		size_t len = text_wrap(true, p, HELP_COLUMNS - indent, &next);

		fprintf(f, "%*s%.*s", p == text || len == 0 ? 0 : indent, "", (int)len, p);
		/* Details end in a newline, which the caller prints. */
		if (next && !*next)
			next = NULL;
		if (next)
			fputc('\n', f);
	}
}

static void print_options(FILE *f, const struct cli_option *o)
{
	for (; o && o->name; o++) {
		char left[64];

		if (o->hidden)
			continue;
		if (o->letter)
			snprintf(left, sizeof(left), "-%c, --%s%s%s", o->letter, o->name, o->arg ? " " : "",
				 o->arg ? o->arg : "");
		else
			snprintf(left, sizeof(left), "    --%s%s%s", o->name, o->arg ? " " : "",
				 o->arg ? o->arg : "");
		fprintf(f, "  %-22s  ", left);
		wrap(f, i18n(o->help), 26);
		fputc('\n', f);
	}
}

void help_overview(FILE *f)
{
	fputs(_("Usage: muster VERB [OPTIONS]\n"
		"Turns this server and a rack of machines into a diskless cluster.\n"
		"\nVerbs:\n"),
	      f);
	for (size_t i = 0; cli_verbs[i]; i++)
		fprintf(f, "  %-10s  %s\n", cli_verbs[i]->name, i18n(cli_verbs[i]->summary));
	fputs(_("\nOptions of every verb:\n"), f);
	print_options(f, cli_global_options);
	fputs(_("\nExit status: 0 done, 1 failed, 2 refused (the command line or the answers; nothing was "
		"touched).\n"
		"'muster VERB --help' says more about a verb; muster(8) about all of them.\n"),
	      f);
}

void help_verb(FILE *f, const struct verb *v)
{
	const char *summary = i18n(v->summary);

	fprintf(f, _("Usage: muster %s%s%s [OPTIONS]\n"), v->name, *v->args ? " " : "", v->args);
	fprintf(f, _("%c%s.\n\n"), toupper((unsigned char)*summary), summary + 1);
	wrap(f, i18n(v->details), 0);
	fputc('\n', f);
	if (v->options && v->options->name) {
		fputs(_("\nOptions:\n"), f);
		print_options(f, v->options);
	}
	fputs(_("\nOptions of every verb:\n"), f);
	print_options(f, cli_global_options);
}

/* ---- mdoc(7) ------------------------------------------------------------------------------------------- */

/* Text of the tables as roff input: no character of it may be taken for a request or an escape. */
static void roff(FILE *f, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", f);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", f);
		else if (*text == '-')
			fputs("\\-", f);
		else
			fputc(*text, f);
	}
}

/* A phrase of the tables as a sentence. */
static void roff_sentence(FILE *f, const char *phrase)
{
	fputc(toupper((unsigned char)*phrase), f);
	roff(f, phrase + 1);
	fputs(".\n", f);
}

/* "[-f FILE] build | list" as macros. */
static void man_arguments(FILE *f, const char *args)
{
	while (*args) {
		size_t len = strcspn(args, " ");
		const char *p = args, *end = args + len;

		for (; *p == '['; p++)
			fputs(" Oo", f);
		while (end > p && end[-1] == ']')
			end--;
		if (*p == '-')
			fprintf(f, " Fl %.*s", (int)(end - p - 1), p + 1);
		else if (*p == '|')
			fputs(" |", f);
		else
			fprintf(f, " %s %.*s", isupper((unsigned char)*p) ? "Ar" : "Cm", (int)(end - p), p);
		for (; end < args + len; end++)
			fputs(" Oc", f);
		args += len + strspn(args + len, " ");
	}
}

static void man_options(FILE *f, const struct cli_option *o)
{
	fputs(".Bl -tag -width Ds\n", f);
	for (; o->name; o++) {
		if (o->hidden)
			continue;
		fputs(".It", f);
		if (o->letter)
			fprintf(f, " Fl %c ,", o->letter);
		fprintf(f, " Fl -%s%s%s\n", o->name, o->arg ? " Ar " : "", o->arg ? o->arg : "");
		roff_sentence(f, o->help);
	}
	fputs(".El\n", f);
}

static void man_details(FILE *f, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[512];

		/* A sentence a line, as roff wants it: the space behind a full stop is its own affair. */
		for (size_t i = 0; i + 1 < len; i++)
			if (strchr(".:", text[i]) && text[i + 1] == ' ' && text[i] == '.') {
				len = i + 1;
				break;
			}
		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		roff(f, line);
		fputc('\n', f);
		text += len;
		if (*text == '\n' && text[1])
			fputs(".Pp\n", f);
		text += *text ? 1 : 0;
	}
}

void help_man(FILE *f)
{
	fputs(".Sh VERBS\n.Bl -tag -width Ds\n", f);
	for (size_t i = 0; cli_verbs[i]; i++) {
		const struct verb *v = cli_verbs[i];

		fprintf(f, ".It Nm Cm %s", v->name);
		man_arguments(f, v->args);
		fputc('\n', f);
		roff_sentence(f, v->summary);
		man_details(f, v->details);
		if (v->options && v->options->name && !v->options->hidden)
			man_options(f, v->options);
	}
	fputs(".El\n.Sh OPTIONS\nEvery verb takes these.\n", f);
	man_options(f, cli_global_options);
}

/* ---- bash ---------------------------------------------------------------------------------------------- */

static void option_words(FILE *f, const struct cli_option *o)
{
	for (; o && o->name; o++) {
		if (!o->hidden && o->letter)
			fprintf(f, " -%c", o->letter);
		if (!o->hidden)
			fprintf(f, " --%s", o->name);
	}
}

/* The case branches for options that take a value: files, folders, or nothing that a shell could know. */
static void option_values(FILE *f, const struct cli_option *o)
{
	for (; o && o->name; o++) {
		const char *what = !o->complete ? "" : strcmp(o->complete, "dir") == 0 ? "-d" : "-f";

		if (!o->arg || o->hidden)
			continue;
		fputs("\t", f);
		if (o->letter)
			fprintf(f, "-%c|", o->letter);
		fprintf(f, "--%s)\n", o->name);
		if (*what)
			fprintf(f,
				"\t\tcompopt -o filenames\n"
				"\t\tmapfile -t COMPREPLY < <(compgen %s -- \"$word\")\n",
				what);
		fputs("\t\treturn ;;\n", f);
	}
}

void help_completion(FILE *f)
{
	fputs("# bash completion for muster(8), made from its table of verbs\n"
	      "_muster()\n{\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb= i words=\n"
	      "\tlocal verbs='",
	      f);
	for (size_t i = 0; cli_verbs[i]; i++)
		fprintf(f, "%s%s", i ? " " : "", cli_verbs[i]->name);
	fputs("'\n\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase \" $verbs \" in *\" ${COMP_WORDS[i]} \"*) verb=${COMP_WORDS[i]}; break ;; esac\n"
	      "\tdone\n"
	      "\tcase $before in\n",
	      f);
	option_values(f, cli_global_options);
	for (size_t i = 0; cli_verbs[i]; i++)
		option_values(f, cli_verbs[i]->options);
	fputs("\tesac\n\tcase $verb in\n\t'') words=$verbs ;;\n", f);
	for (size_t i = 0; cli_verbs[i]; i++) {
		const struct verb *v = cli_verbs[i];

		fprintf(f, "\t%s) words='%s", v->name, v->words ? v->words : "");
		option_words(f, v->options);
		fputs("' ;;\n", f);
	}
	fputs("\tesac\n\twords+='", f);
	option_words(f, cli_global_options);
	fputs("'\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\n"
	      "complete -F _muster muster\n",
	      f);
}
