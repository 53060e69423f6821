/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/render/quote.h"

#include <string.h>

const char *render_prefix(const struct render_env *env)
{
	return env->prefix ? env->prefix : "";
}

static void add_quoted(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_addc(b, '\\');
		strbuf_addc(b, *s);
	}
}

void quote_path(struct strbuf *b, const char *prefix, const char *path)
{
	strbuf_addc(b, '"');
	add_quoted(b, prefix);
	add_quoted(b, path);
	strbuf_addc(b, '"');
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("/._+-", c));
}

#define OCTAL_DIGITS 3

/* `after` counts the bytes since the last backslash of the value. */
static void add_octal(struct strbuf *b, const char *s, size_t *after)
{
	for (; *s; s++) {
		bool taken_along = *after < OCTAL_DIGITS && *s >= '0' && *s <= '7';

		if (is_plain(*s) && !taken_along)
			strbuf_addc(b, *s);
		else
			strbuf_addf(b, "\\%03o", (unsigned int)(unsigned char)*s);
		*after = *s == '\\' ? 0 : *after + 1;
	}
}

void quote_export(struct strbuf *b, const char *prefix, const char *path)
{
	size_t after = OCTAL_DIGITS;

	add_octal(b, prefix, &after);
	add_octal(b, path, &after);
}

static bool all_plain(const char *s)
{
	while (is_plain(*s))
		s++;
	return !*s;
}

static void add_unit(struct strbuf *b, const char *s, bool argument)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_addc(b, '\\');
		if (*s == '%' || (argument && *s == '$'))
			strbuf_addc(b, *s);
		strbuf_addc(b, *s);
	}
}

void quote_unit(struct strbuf *b, const char *prefix, const char *path, bool argument)
{
	bool plain = all_plain(prefix) && all_plain(path);

	if (!plain)
		strbuf_addc(b, '"');
	add_unit(b, prefix, argument);
	add_unit(b, path, argument);
	if (!plain)
		strbuf_addc(b, '"');
}

int render_add(struct fileset *f, struct strbuf *b, const char *path, const char *service)
{
	size_t len;
	char *data;
	int r = strbuf_take(b, &data, &len);

	return r < 0 ? r : fileset_add_file(f, FILESET_FILE, path, data, len, 0644, NULL, service);
}
