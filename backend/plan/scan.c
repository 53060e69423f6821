/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/plan/scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/i18n.h"
#include "util/macro.h"

size_t scan_utf8(const char *text, const char *end)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)text;
	uint32_t code;
	size_t n;

	if (text >= end)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if ((size_t)(end - text) < n)
		return 0;
	code = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	return code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? 0 : n;
}

static bool word_char(const struct scanner *s, const char *p)
{
	if (p >= s->end || (unsigned char)*p <= ' ' || strchr("#\"'={}()+,*", *p))
		return false;
	if (*p == '/') /* never the begin of a comment, and never last: so says libconfuse's lexer */
		return p + 1 < s->end && p[1] != '/' && word_char(s, p + 1);
	return true;
}

/* Moves behind spaces and comments. Returns the begin of a comment that has no end, or NULL. */
static const char *skip_space(struct scanner *s)
{
	while (s->p < s->end) {
		if (*s->p == '\n') {
			s->line++;
			s->p++;
		} else if (*s->p == ' ' || *s->p == '\t' || *s->p == '\r') {
			s->p++;
		} else if (*s->p == '#' || (s->end - s->p >= 2 && s->p[0] == '/' && s->p[1] == '/')) {
			while (s->p < s->end && *s->p != '\n')
				s->p++;
		} else if (s->end - s->p >= 2 && s->p[0] == '/' && s->p[1] == '*') {
			const char *close = memmem(s->p + 2, (size_t)(s->end - s->p) - 2, "*/", 2);

			if (!close)
				return s->p;
			for (; s->p < close + 2; s->p++)
				s->line += *s->p == '\n';
		} else {
			break;
		}
	}
	return NULL;
}

const char *scan_judge(const char *p, const char *end)
{
	while (p < end) {
		size_t n = scan_utf8(p, end);

		if (n == 0)
			return _("these bytes are not UTF-8; save the file in that encoding");
		if (n == 1 && ((unsigned char)*p < ' ' || *p == 0x7f))
			return _("a control character (tab, line break, ...) is in this text; take it out");
		if (n == 2 && (unsigned char)p[0] == 0xc2 && (unsigned char)p[1] < 0xa0)
			return _("a control character is in this text; take it out");
		p += n;
	}
	return NULL;
}

static struct scan_token quoted(struct scanner *s)
{
	struct scan_token t = { .type = SCAN_STRING, .p = s->p, .line = s->line };
	const char quote = *s->p++;

	for (; s->p < s->end && *s->p != quote && *s->p != '\n'; s->p++) {
		bool escape = *s->p == '\\' && s->p + 1 < s->end;

		if (escape && (s->p[1] == '\\' || s->p[1] == quote))
			s->p++;
		else if (escape && !t.why)
			t.why = _("a backslash stands before a quotation mark or a backslash only; take it "
				  "out");
		else if (*s->p == '$' && s->p + 1 < s->end && s->p[1] == '{' && quote == '"')
			t.why = _("\"${\" would be replaced from the environment, which answers never read; "
				  "write the value itself");
	}
	if (s->p >= s->end || *s->p != quote) {
		t.len = (size_t)(s->p - t.p);
		t.unclosed = true;
		t.why = _("this text's closing quotation mark is missing on this line");
		return t;
	}
	s->p++;
	t.len = (size_t)(s->p - t.p);
	if (!t.why)
		t.why = scan_judge(t.p, s->p);
	return t;
}

struct scan_token scan_next(struct scanner *s)
{
	const char *open = skip_space(s);
	struct scan_token t = { .type = SCAN_END, .p = s->p, .line = s->line };

	if (open) {
		s->p = s->end;
		t.type = SCAN_BAD;
		t.len = 2;
		t.why = _("this comment has no end; close it with */");
		return t;
	}
	if (s->p >= s->end)
		return t;
	if (*s->p == '"' || *s->p == '\'')
		return quoted(s);
	t.len = 1;
	if (strchr("{}()=,", *s->p)) {
		t.type = SCAN_SYMBOL;
		s->p++;
		return t;
	}
	if (s->end - s->p >= 2 && s->p[0] == '+' && s->p[1] == '=') {
		t.type = SCAN_SYMBOL;
		t.len = 2;
		s->p += 2;
		return t;
	}
	if (s->end - s->p >= 2 && s->p[0] == '$' && s->p[1] == '{') {
		while (s->p < s->end && *s->p != '\n' && *s->p != '}')
			s->p++;
		if (s->p < s->end && *s->p == '}')
			s->p++;
		t.type = SCAN_WORD;
		t.len = (size_t)(s->p - t.p);
		t.why = _("\"${\" would be replaced from the environment, which answers never read; "
			  "write the value itself");
		return t;
	}
	if (word_char(s, s->p)) {
		while (word_char(s, s->p))
			s->p++;
		t.type = SCAN_WORD;
		t.len = (size_t)(s->p - t.p);
		t.why = memchr(t.p, '\\', t.len) ? "a backslash is no part of a word; take it out"
						 : scan_judge(t.p, s->p);
		return t;
	}
	s->p++;
	t.type = SCAN_BAD;
	t.why = (unsigned char)*t.p < ' ' ? "a control character is in the file; take it out"
					  : "this character means nothing here; put the value in quotes";
	return t;
}
