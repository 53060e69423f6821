/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/debstrap.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "util/spawn.h"
#include "util/strbuf.h"

#define HOOKS "/usr/share/mmdebstrap/hooks/"
#define APT_CONFIG_TIMEOUT_MS 30000

/* Lines are: Acquire::http::Proxy "http://proxy:3142"; The names of protocols and hosts stand between. */
int debstrap_proxies(const char *dump, struct strv *ret)
{
	_cleanup_free_ char *copy = strdup(dump);
	char *save = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *line = r == 0 ? strtok_r(copy, "\n", &save) : NULL; r == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *value = strchr(line, ' ');
		size_t len = strlen(line);

		if (!value || strncasecmp(line, "Acquire::", 9) != 0 || strncmp(value, " \"", 2) != 0 ||
		    len < 4 || strcmp(line + len - 2, "\";") != 0 || strcmp(value, " \"\";") == 0)
			continue;
		*value = '\0';
		if (!strcasestr(line, "::Proxy"))
			continue;
		*value = ' ';
		line[len - 1] = '\0';
		r = strv_add(ret, line);
	}
	return r;
}

static int add_proxies(struct strv *argv)
{
	_cleanup_free_ char *dump = NULL;
	_cleanup_strv_ struct strv proxies = STRV_INIT;
	int r = spawn_argv(&dump, APT_CONFIG_TIMEOUT_MS, "apt-config", "dump", NULL);

	if (r < 0)
		return r;
	r = debstrap_proxies(dump, &proxies);
	for (size_t i = 0; r == 0 && i < proxies.n; i++)
		r = strv_addf(argv, "--aptopt=%s", proxies.v[i]);
	return r;
}

static int add_hook(struct strv *argv, const char *folder)
{
	return access(folder, F_OK) == 0 ? strv_addf(argv, "--hook-dir=%s", folder) : 0;
}

int debstrap_include(struct strv *argv, const struct strv *packages)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	char *text;
	int r;

	strbuf_adds(&b, "--include=");
	for (size_t i = 0; i < packages->n; i++)
		strbuf_addf(&b, "%s%s", i ? "," : "", packages->v[i]);
	r = strbuf_take(&b, &text, NULL);
	return r < 0 ? r : strv_adopt(argv, text);
}

/*
 * The maybe-merged-usr hook makes /bin and its like links before anything is unpacked: without it the package
 * usrmerge does so afterwards, and brings 50 MB of Perl along.
 */
int debstrap_begin(struct strv *argv, bool local)
{
	int e = strv_add_all(argv, "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
			     "--", "mmdebstrap", "--verbose", "--mode=root", "--format=directory", NULL);

	if (e == 0)
		e = add_hook(argv, HOOKS "maybe-merged-usr");
	if (e == 0 && local)
		e = add_hook(argv, HOOKS "file-mirror-automount");
	return e < 0 ? e : add_proxies(argv);
}

/* ---- progress: mmdebstrap's stages, and apt's and dpkg's lines within them ------------------------------ */

static const struct debstrap_stage {
	const char *line; /* how it begins */
	int from, to;	  /* permille */
} stages[] = {
	{ "I: running apt-get update", 0, 60 },		  { "I: running --setup-hook", 0, 60 },
	{ "I: downloading packages", 60, 160 },		  { "I: extracting archives", 160, 200 },
	{ "I: installing essential packages", 200, 460 }, { "I: installing remaining packages", 460, 960 },
	{ "I: cleaning package lists", 960, 990 },	  { "I: success", 1000, 1000 },
};

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

/* apt's and mmdebstrap's errors begin so; the latter's only repeat the command that failed. */
static void note_error(struct debstrap_progress *p, const char *line)
{
	if (!p->wrong && begins(line, "E: ") && !begins(line, "E: setup failed") &&
	    !begins(line, "E: mmdebstrap"))
		p->wrong = strdup(line + 3);
}

int debstrap_line(struct debstrap_progress *p, const char *line)
{
	static const char *const events[] = { "Get:", "Unpacking ", "Setting up " };
	const char *newly = strstr(line, " upgraded, ");
	int permille = -1;

	note_error(p, line);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (begins(line, stages[i].line)) {
			p->stage = &stages[i];
			p->seen = 0;
			permille = stages[i].from;
		}
	if (newly && strstr(newly, " newly installed")) {
		p->expected = 3 * (int)strtol(newly + 11, NULL, 10);
		p->seen = 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (begins(line, events[i]))
			p->seen++;
	if (p->stage && p->expected > 0 && p->seen > 0)
		permille = p->stage->from +
			   (p->stage->to - p->stage->from) * MIN(p->seen, p->expected) / p->expected;
	return permille;
}
