/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which of the server's package sources are the distribution's own, and writing them down. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/image/sources.h"
#include "util/strbuf.h"

/* Debian archive, "suites": what may stand for the release in place of its codename. */
static const char *const aliases[] = { "stable", "oldstable", "oldoldstable" };
static const char *const aliases_unnumbered[] = { "testing", "unstable", "sid" };
static const char *const suffixes[] = { "", "-updates", "-security", "/updates" };

/* The areas of an archive that are the distribution's own. A third party that calls its suite by the codename has
 * mostly another word here. */
static const struct area {
	const char *distribution;
	const char *components[5];
} areas[] = {
	{ "debian", { "main", "contrib", "non-free", "non-free-firmware" } },
	{ "ubuntu", { "main", "restricted", "universe", "multiverse" } },
};

static bool suite_of(const char *suite, const char *name, bool *base)
{
	size_t len = strlen(name);

	if (len == 0 || strncmp(suite, name, len) != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (strcmp(suite + len, suffixes[i]) == 0) {
			*base = i == 0;
			return true;
		}
	return false;
}

static bool suite_is_own(const char *suite, const struct sources_want *want, bool *base)
{
	const char *const *names = *want->version ? aliases : aliases_unnumbered;

	if (suite_of(suite, want->codename, base))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (suite_of(suite, names[i], base))
			return true;
	return false;
}

static bool component_is_own(const char *component, const struct sources_want *want)
{
	for (size_t i = 0; i < ARRAY_SIZE(areas); i++) {
		if (strcmp(areas[i].distribution, want->distribution) != 0)
			continue;
		for (size_t j = 0; areas[i].components[j]; j++)
			if (strcmp(areas[i].components[j], component) == 0)
				return true;
		return false;
	}
	return true;
}

/* A source that names no key, or the key file of the distribution's archive: "debian-archive-keyring.gpg". */
static bool key_is_own(const struct source *s, const struct sources_want *want)
{
	const char *slash;
	size_t len = strlen(want->distribution);

	if (!s->signed_by)
		return true;
	if (strchr(s->signed_by, '\n'))
		return false;
	slash = strrchr(s->signed_by, '/');
	return slash && strncmp(slash + 1, want->distribution, len) == 0 &&
	       strncmp(slash + 1 + len, "-archive", 8) == 0;
}

static bool architecture_fits(const struct source *s, const struct sources_want *want)
{
	return s->architectures.n == 0 || strv_has(&s->architectures, want->architecture);
}

static void add_list(struct strbuf *b, const char *field, const struct strv *v)
{
	strbuf_addf(b, "%s:", field);
	for (size_t i = 0; i < v->n; i++)
		strbuf_addf(b, " %s", v->v[i]);
	strbuf_addc(b, '\n');
}

/* Discs are not there when a root is built, and indirect lists name mirrors that change. */
static int own_uris(const struct source *s, struct strv *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->uris.n; i++)
		if (strncmp(s->uris.v[i], "cdrom:", 6) != 0 && strchr(s->uris.v[i], ':') &&
		    s->uris.v[i][0] != '"')
			r = strv_add(ret, s->uris.v[i]);
	return r;
}

/* Adds the source's paragraph, or nothing where it is not the distribution's own. */
static int add_source(struct strv *paragraphs, const struct source *s, const struct sources_want *want,
		      bool *has_base)
{
	_cleanup_strv_ struct strv uris = STRV_INIT, suites = STRV_INIT, components = STRV_INIT;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	bool base = false;
	char *text;
	int r = own_uris(s, &uris);

	for (size_t i = 0; r == 0 && i < s->suites.n; i++) {
		bool is_base;

		if (!suite_is_own(s->suites.v[i], want, &is_base))
			continue;
		base |= is_base;
		r = strv_add(&suites, s->suites.v[i]);
	}
	for (size_t i = 0; r == 0 && i < s->components.n; i++)
		if (component_is_own(s->components.v[i], want))
			r = strv_add(&components, s->components.v[i]);
	if (r < 0 || uris.n == 0 || suites.n == 0 || components.n == 0)
		return r;
	strbuf_adds(&b, "Types: deb\n");
	add_list(&b, "URIs", &uris);
	add_list(&b, "Suites", &suites);
	add_list(&b, "Components", &components);
	if (s->signed_by)
		strbuf_addf(&b, "Signed-By: %s\n", s->signed_by);
	for (size_t i = 0; i < s->settings.n; i++)
		strbuf_addf(&b, "%s\n", s->settings.v[i]);
	r = strbuf_take(&b, &text, NULL);
	if (r < 0)
		return r;
	*has_base |= base;
	if (!strv_has(paragraphs, text))
		return strv_adopt(paragraphs, text);
	free(text);
	return 0;
}

/*
 * Sources with the distribution's key count first. Where none of them has the release, the server's mirror
 * signs for itself, and those with other keys are taken too.
 */
int sources_render(const struct sources *s, const struct sources_want *want, char **ret)
{
	_cleanup_strv_ struct strv paragraphs = STRV_INIT;
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	bool has_base = false;
	int r = 0;

	for (int round = 0; r == 0 && round < 2 && !has_base; round++)
		for (size_t i = 0; r == 0 && i < s->n; i++)
			if (architecture_fits(&s->v[i], want) && key_is_own(&s->v[i], want) == (round == 0))
				r = add_source(&paragraphs, &s->v[i], want, &has_base);
	if (r < 0)
		return r;
	if (!has_base)
		return -ENOENT;
	for (size_t i = 0; i < paragraphs.n; i++)
		strbuf_addf(&b, "%s%s", i ? "\n" : "", paragraphs.v[i]);
	return strbuf_take(&b, ret, NULL);
}
