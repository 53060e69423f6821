/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/image/sources.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

#define SOURCES_DIR "/etc/apt/sources.list.d"
#define SOURCES_MAX (1024 * 1024)
#define SPACES " \t\r\n"

/* What a node must know besides where and what: by both forms' names, sources.list(5). */
static const struct setting {
	const char *option, *field;
} settings[] = {
	{ "trusted", "Trusted" },	{ "check-valid-until", "Check-Valid-Until" },
	{ "check-date", "Check-Date" }, { "allow-insecure", "Allow-Insecure" },
	{ "allow-weak", "Allow-Weak" }, { "allow-downgrade-to-insecure", "Allow-Downgrade-To-Insecure" },
	{ "by-hash", "By-Hash" },
};

static void source_clear(struct source *s)
{
	strv_free(&s->uris);
	strv_free(&s->suites);
	strv_free(&s->components);
	strv_free(&s->settings);
	strv_free(&s->architectures);
	free(s->signed_by);
	memset(s, 0, sizeof(*s));
}

#define _cleanup_source_ _cleanup_(source_clear)

void sources_free(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++)
		source_clear(&s->v[i]);
	free(s->v);
	*s = (struct sources)SOURCES_INIT;
}

/* Takes over what is in *source and empties it. */
static int sources_take(struct sources *s, struct source *source)
{
	struct source *more = reallocarray(s->v, s->n + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	s->v = more;
	s->v[s->n++] = *source;
	memset(source, 0, sizeof(*source));
	return 0;
}

/* Adds the words of a text; `separators` as strtok_r(3) has them. */
static int add_words(struct strv *v, const char *text, const char *separators)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *w = r == 0 ? strtok_r(copy, separators, &save) : NULL; r == 0 && w;
	     w = strtok_r(NULL, separators, &save))
		r = strv_add(v, w);
	return r;
}

static int set_signed_by(struct source *s, const char *value)
{
	free(s->signed_by);
	s->signed_by = strdup(value);
	return s->signed_by ? 0 : -ENOMEM;
}

/* One option of the one-line form, "name=value". */
static int list_option(struct source *s, char *option)
{
	char *value = strchr(option, '=');

	if (!value)
		return 0;
	*value++ = '\0';
	if (strcasecmp(option, "arch") == 0)
		return add_words(&s->architectures, value, ",");
	if (strcasecmp(option, "signed-by") == 0)
		return set_signed_by(s, value);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcasecmp(option, settings[i].option) == 0)
			return strv_addf(&s->settings, "%s: %s", settings[i].field, value);
	return 0;
}

/* deb [options] uri suite component... */
static int list_line(struct sources *all, char *line)
{
	_cleanup_source_ struct source s = { 0 };
	char *save = NULL, *options = NULL, *word;
	int r = 0;

	line += strspn(line, SPACES);
	if (strncmp(line, "deb", 3) != 0 || !line[3] || !strchr(SPACES, line[3]))
		return 0;
	line += 3 + strspn(line + 3, SPACES);
	if (*line == '[') {
		char *end = strchr(line, ']');

		if (!end)
			return 0;
		*end = '\0';
		options = line + 1;
		line = end + 1;
	}
	word = options ? strtok_r(options, SPACES, &save) : NULL;
	for (; r == 0 && word; word = strtok_r(NULL, SPACES, &save))
		r = list_option(&s, word);
	word = strtok_r(line, SPACES, &save);
	if (r == 0 && word)
		r = strv_add(&s.uris, word);
	word = word ? strtok_r(NULL, SPACES, &save) : NULL;
	if (r == 0 && word)
		r = strv_add(&s.suites, word);
	while (r == 0 && word && (word = strtok_r(NULL, SPACES, &save)))
		r = strv_add(&s.components, word);
	return r < 0 || s.components.n == 0 ? r : sources_take(all, &s);
}

/* Cuts the comment off; a '#' between brackets belongs to an option. */
static void cut_comment(char *line)
{
	bool inside = false;

	for (char *c = line; *c; c++) {
		if (*c == '[' || *c == ']')
			inside = *c == '[';
		if (*c == '#' && !inside) {
			*c = '\0';
			return;
		}
	}
}

int sources_parse_list(struct sources *s, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	char *save = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *line = r == 0 ? strtok_r(copy, "\n", &save) : NULL; r == 0 && line;
	     line = strtok_r(NULL, "\n", &save)) {
		cut_comment(line);
		r = list_line(s, line);
	}
	return r;
}

/* ---- deb822 ---------------------------------------------------------------------------------------- */

struct paragraph {
	struct source source;
	bool disabled, binary;
	char *field; /* borrowed: the name of the field that is being read; NULL at none */
	struct strbuf value;
};

static bool is_no(const char *value)
{
	static const char *const words[] = { "no", "false", "without", "off", "disable", "0" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

static int field_done(struct paragraph *p)
{
	const char *field = p->field, *value = p->value.data ? p->value.data : "";
	struct source *s = &p->source;

	p->field = NULL;
	if (p->value.failed)
		return -ENOMEM;
	if (!field)
		return 0;
	if (strcasecmp(field, "Types") == 0) {
		_cleanup_strv_ struct strv types = STRV_INIT;
		int r = add_words(&types, value, SPACES);

		p->binary = strv_has(&types, "deb");
		return r;
	}
	if (strcasecmp(field, "Enabled") == 0)
		p->disabled = is_no(value);
	if (strcasecmp(field, "URIs") == 0)
		return add_words(&s->uris, value, SPACES);
	if (strcasecmp(field, "Suites") == 0)
		return add_words(&s->suites, value, SPACES);
	if (strcasecmp(field, "Components") == 0)
		return add_words(&s->components, value, SPACES);
	if (strcasecmp(field, "Architectures") == 0)
		return add_words(&s->architectures, value, SPACES ",");
	if (strcasecmp(field, "Signed-By") == 0)
		return set_signed_by(s, value);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcasecmp(field, settings[i].field) == 0)
			return strv_addf(&s->settings, "%s: %s", settings[i].field, value);
	return 0;
}

static int paragraph_done(struct sources *all, struct paragraph *p)
{
	int r = field_done(p);

	if (r == 0 && p->binary && !p->disabled && p->source.uris.n > 0 && p->source.suites.n > 0 &&
	    p->source.components.n > 0)
		r = sources_take(all, &p->source);
	source_clear(&p->source);
	p->binary = p->disabled = false;
	return r;
}

static void trim(char *line)
{
	size_t len = strlen(line);

	while (len > 0 && strchr(SPACES, line[len - 1]))
		line[--len] = '\0';
}

static int deb822_line(struct sources *all, struct paragraph *p, char *line)
{
	char *colon;
	int r;

	if (*line == '#')
		return 0;
	trim(line);
	if (!*line)
		return paragraph_done(all, p);
	if (*line == ' ' || *line == '\t') {
		/* A further line of the field before: an inline key needs its lines, lists do not mind. */
		strbuf_addc(&p->value, '\n');
		strbuf_adds(&p->value, line);
		return 0;
	}
	r = field_done(p);
	colon = strchr(line, ':');
	if (r < 0 || !colon)
		return r;
	*colon++ = '\0';
	p->field = line;
	strbuf_reset(&p->value);
	strbuf_adds(&p->value, colon + strspn(colon, SPACES));
	return 0;
}

int sources_parse_deb822(struct sources *s, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);
	struct paragraph p = { .value = STRBUF_INIT };
	int r = copy ? 0 : -ENOMEM;

	for (char *line = copy, *next; r == 0 && line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		r = deb822_line(s, &p, line);
	}
	if (r == 0)
		r = paragraph_done(s, &p);
	source_clear(&p.source);
	strbuf_free(&p.value);
	return r;
}

/* ---- files ------------------------------------------------------------------------------------------ */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcmp(name + n - m, suffix) == 0;
}

/* apt reads only names of these characters, sources.list(5). */
static bool name_counts(const char *name)
{
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("_-.", *c))
			return false;
	return has_suffix(name, ".list") || has_suffix(name, ".sources");
}

static int list_names(int root_fd, struct strv *names)
{
	int fd = fs_open(root_fd, SOURCES_DIR, O_RDONLY | O_DIRECTORY, 0);
	struct dirent *e;
	DIR *d;
	int r = 0;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(d)))
		if (name_counts(e->d_name))
			r = strv_addf(names, SOURCES_DIR "/%s", e->d_name);
	closedir(d);
	strv_sort(names);
	return r;
}

static int read_one(struct sources *s, int root_fd, const char *path)
{
	_cleanup_free_ char *text = NULL;
	int r = fs_read(root_fd, path, SOURCES_MAX, &text, NULL);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		log_error(_("%s cannot be read: %s"), path, strerror(-r));
		return r;
	}
	return has_suffix(path, ".sources") ? sources_parse_deb822(s, text) : sources_parse_list(s, text);
}

int sources_read(struct sources *s, int root_fd)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = list_names(root_fd, &names);

	if (r == 0)
		r = read_one(s, root_fd, "/etc/apt/sources.list");
	for (size_t i = 0; r == 0 && i < names.n; i++)
		r = read_one(s, root_fd, names.v[i]);
	return r;
}
