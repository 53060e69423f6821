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

static void add_octal(struct strbuf *b, const char *s)
{
	for (; *s; s++) {
		if (is_plain(*s))
			strbuf_addc(b, *s);
		else
			strbuf_addf(b, "\\%03o", (unsigned int)(unsigned char)*s);
	}
}

void quote_export(struct strbuf *b, const char *prefix, const char *path)
{
	add_octal(b, prefix);
	add_octal(b, path);
}

static bool all_plain(const char *s)
{
	while (is_plain(*s))
		s++;
	return !*s;
}

static void add_unit(struct strbuf *b, const char *s, bool command)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			strbuf_addc(b, '\\');
		if (*s == '%' || (command && *s == '$'))
			strbuf_addc(b, *s);
		strbuf_addc(b, *s);
	}
}

void quote_unit(struct strbuf *b, const char *prefix, const char *path, bool command)
{
	bool plain = all_plain(prefix) && all_plain(path);

	if (!plain)
		strbuf_addc(b, '"');
	add_unit(b, prefix, command);
	add_unit(b, path, command);
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
