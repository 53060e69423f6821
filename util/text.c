/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/text.h"

#include <string.h>
#include <wchar.h>

size_t text_decode(const char *text, uint32_t *ret)
{
	const unsigned char *p = (const unsigned char *)text;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
	uint32_t c = len == 1 ? *p : len ? *p & (0x7fU >> len) : 0;

	for (size_t i = 1; i < len; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (len == 0 || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || *p == '\0')
		return 0;
	*ret = c;
	return len;
}

void text_encode(struct strbuf *b, uint32_t c)
{
	if (c < 0x80) {
		strbuf_addc(b, (char)c);
	} else if (c < 0x800) {
		strbuf_addc(b, (char)(0xc0 | c >> 6));
		strbuf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		strbuf_addc(b, (char)(0xe0 | c >> 12));
		strbuf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		strbuf_addc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		strbuf_addc(b, (char)(0xf0 | (c >> 18 & 0x07)));
		strbuf_addc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		strbuf_addc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		strbuf_addc(b, (char)(0x80 | (c & 0x3f)));
	}
}

bool text_is_harmless(uint32_t c, bool utf8)
{
	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	if (!utf8 || c < 0xa0)
		return false;
	/* Line and paragraph separators, and what embeds or overrides the direction (Unicode, annex 9). */
	return !((c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f ||
		 c == 0xfeff);
}

void text_escape(struct strbuf *b, bool utf8, const char *text, const char *keep)
{
	for (const char *p = text; *p;) {
		uint32_t c = 0;
		size_t len = text_decode(p, &c);

		if (len && (text_is_harmless(c, utf8) || (c < 0x80 && strchr(keep, (int)c)))) {
			strbuf_add(b, p, len);
			p += len;
			continue;
		}
		for (len = MAX(len, (size_t)1); len > 0; len--)
			strbuf_addf(b, "\\x%02x", (unsigned char)*p++);
	}
}

size_t text_character(bool utf8, const char *p, int *ret_columns)
{
	uint32_t c = 0;
	size_t len = utf8 ? text_decode(p, &c) : 0;

	*ret_columns = len ? wcwidth((wchar_t)c) : 1;
	if (*ret_columns < 0)
		*ret_columns = 1;
	return MAX(len, (size_t)1);
}

const char *text_before(bool utf8, const char *text, const char *p)
{
	const char *q = p;
	int columns;

	if (p == text)
		return p;
	/* Back over at most three bytes that go on, then see whether one character leads from there to p. */
	for (q--; utf8 && q > text && p - q < 4 && ((unsigned char)*q >> 6) == 2;)
		q--;
	return q + text_character(utf8, q, &columns) == p ? q : p - 1;
}

int text_width(bool utf8, const char *text)
{
	int width = 0, columns;

	for (const char *p = text; *p; width += columns)
		p += text_character(utf8, p, &columns);
	return width;
}

void text_cut(struct strbuf *b, bool utf8, const char *text, int columns)
{
	const char *dots = utf8 ? "…" : "...";
	int room = columns - (utf8 ? 1 : 3), width = 0, next;
	const char *p = text;

	if (columns <= 0 || text_width(utf8, text) <= columns) {
		strbuf_adds(b, text);
		return;
	}
	for (size_t len; *p; p += len, width += next) {
		len = text_character(utf8, p, &next);
		if (width + next > MAX(room, 0))
			break;
		strbuf_add(b, p, len);
	}
	if (room >= 0)
		strbuf_adds(b, dots);
}

/* Marks that no line begins with, and those that none ends with, beside characters of two columns. */
static bool is_mark(const char *marks, const char *p, size_t len)
{
	for (const char *m = marks; *m;) {
		uint32_t c;
		size_t n = text_decode(m, &c);

		if (n == len && memcmp(m, p, len) == 0)
			return true;
		m += MAX(n, (size_t)1);
	}
	return false;
}

/* Chinese is written without blanks: a line may break between any two of its characters, but not before a mark that
 * closes, and not after one that opens. */
static bool may_break(const char *before, size_t before_len, const char *after, size_t after_len)
{
	return !is_mark("（「『【《〈“‘([{", before, before_len) &&
	       !is_mark("。，、；：！？）」』】》〉…”’)]}`'\".,;:!?%", after, after_len);
}

size_t text_wrap(bool utf8, const char *text, int columns, const char **ret_next)
{
	const char *p = text, *end = NULL, *resume = NULL, *before = NULL;
	int width = 0, next, last = 0;

	for (size_t len, before_len = 0; *p && *p != '\n';
	     before = p, before_len = len, p += len, width += next) {
		len = text_character(utf8, p, &next);
		if (*p == ' ') {
			/* The blank where it breaks belongs to neither line. */
			end = p;
			resume = p + 1;
		} else if (before && *before != ' ' && MAX(next, last) == 2 &&
			   may_break(before, before_len, p, len)) {
			end = resume = p;
		}
		last = next;
		if (width + next <= MAX(columns, next))
			continue;
		*ret_next = end ? resume : p;
		return (size_t)((end ? end : p) - text);
	}
	*ret_next = *p == '\n' ? p + 1 : NULL;
	return (size_t)(p - text);
}

int text_wrapped(bool utf8, const char *text, int columns)
{
	int n = 0;

	for (const char *p = text; p; n++)
		(void)text_wrap(utf8, p, columns, &p);
	return n;
}
