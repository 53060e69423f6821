/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "render-readers.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "backend/plan/scan.h"
#include "util/strbuf.h"

static int add(struct strv *ret, struct strbuf *b)
{
	_cleanup_free_ char *text = NULL;
	int r = strbuf_take(b, &text, NULL);

	return r < 0 ? r : strv_add(ret, text);
}

/* ---- systemd 252, basic/extract-word.c, core/load-fragment.c, shared/conf-parser.c -------------------------------------------------- */

/* One word; `c_escapes` as EXTRACT_CUNESCAPE, of which only those of \" and \\ are ever written. 1, 0 at the end, -EINVAL. */
static int unit_word(const char **p, const char *end, bool c_escapes, struct strbuf *ret)
{
	char quote = 0;

	while (*p < end && strchr(" \t", **p))
		(*p)++;
	if (*p >= end)
		return 0;
	for (; *p < end && (quote || !strchr(" \t", **p)); (*p)++) {
		char c = **p;

		if (c == '\\') {
			if (++*p >= end || (c_escapes && !strchr("\"\\", **p)))
				return -EINVAL;
			strbuf_addc(ret, **p);
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (quote && c == quote) {
			quote = 0;
		} else {
			strbuf_addc(ret, c);
		}
	}
	return quote ? -EINVAL : 1;
}

/* "%%" is '%'; any other specifier is somebody's value that was taken for one. In arguments, "$$" is '$'. */
static int unit_expand(struct strbuf *word, bool argument, struct strv *ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const char *s = word->data ? word->data : "";

	if (argument && strcmp(s, "$MAINPID") == 0)
		return strv_add(ret, s);
	for (; *s; s++) {
		if (*s == '%' || (*s == '$' && argument)) {
			if (s[1] != *s)
				return -EINVAL;
			s++;
		}
		strbuf_addc(&b, *s);
	}
	if (b.len >= PATH_MAX)
		return -EINVAL;
	return add(ret, &b);
}

static int unit_words(const char *p, const char *end, bool command, struct strv *ret)
{
	int r;

	if (command && p < end && *p == '-')
		p++;
	for (bool first = command;; first = false) {
		_cleanup_strbuf_ struct strbuf word = STRBUF_INIT;

		r = unit_word(&p, end, command, &word);
		if (r <= 0)
			return r;
		/* string_is_safe() */
		if (first && word.data && strpbrk(word.data, "\"'\\"))
			return -EINVAL;
		r = unit_expand(&word, command && !first, ret);
		if (r < 0)
			return r;
	}
}

/* As systemd-escape(1) --unescape, so that the name of an interface can be seen in that of its unit. */
static int unit_names(const char *p, const char *end, struct strv *ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (; p < end; p++) {
		unsigned int c;

		if (*p == '\\' && sscanf(p, "\\x%2x", &c) == 1) {
			strbuf_addc(&b, (char)c);
			p += 3;
		} else {
			strbuf_addc(&b, *p);
		}
	}
	return add(ret, &b);
}

static int unit_line(const char *p, size_t len, struct strv *ret)
{
	const char *end = p + len, *equals = memchr(p, '=', len);
	size_t n = equals ? (size_t)(equals - p) : len;
	int r;

	if (!len || *p == '#' || *p == ';')
		return 0;
	/* parse_line() passes over it. */
	for (const char *s = p; s < end; s += scan_utf8(s, end))
		if (!scan_utf8(s, end))
			return -EINVAL;
	/* The next line would belong to this one. */
	if (end[-1] == '\\')
		return -EINVAL;
	r = strv_addf(ret, "%.*s", (int)n, p);
	if (r < 0 || !equals)
		return r < 0 ? r : strv_add(ret, "\n");
	if (strncmp(p, "Exec", 4) == 0)
		r = unit_words(equals + 1, end, true, ret);
	else if (strncmp(p, "ReadWritePaths", 14) == 0)
		r = unit_words(equals + 1, end, false, ret);
	else
		r = unit_names(equals + 1, end, ret);
	return r < 0 ? r : strv_add(ret, "\n");
}

int reader_unit(const char *p, size_t len, struct strv *ret)
{
	return reader_lines(p, len, unit_line, ret);
}
