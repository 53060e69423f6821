/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "cli/format.h"

#include <langinfo.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

void style_init(struct style *s, int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	struct winsize size = { 0 };

	*s = (struct style){ .terminal = isatty(fd) };
	s->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	if (!s->terminal)
		return;
	/* https://no-color.org: set to anything but the empty string */
	s->colour = !(no_color && *no_color) && term && *term && strcmp(term, "dumb") != 0;
	s->columns = 80;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
		s->columns = size.ws_col;
		s->rows = size.ws_row;
	}
}

const char *style_on(const struct style *s, enum colour c)
{
	/* ECMA-48, 8.3.117: select graphic rendition */
	static const char *const on[] = {
		[COLOUR_NONE] = "",	    [COLOUR_BOLD] = "\x1b[1m",	 [COLOUR_DIM] = "\x1b[2m",
		[COLOUR_RED] = "\x1b[31m",  [COLOUR_GREEN] = "\x1b[32m", [COLOUR_YELLOW] = "\x1b[33m",
		[COLOUR_CYAN] = "\x1b[36m",
	};

	return s->colour ? on[c] : "";
}

const char *style_off(const struct style *s, enum colour c)
{
	return s->colour && c != COLOUR_NONE ? "\x1b[0m" : "";
}

/* ---- stages ------------------------------------------------------------------------------------------ */

/* Each letter of NODE_STAGES is a sign of its own, so that monochrome loses nothing. */
static const struct {
	const char *letter, *sign;
	enum colour colour;
} signs[] = {
	{ ".", "○", COLOUR_DIM },
	{ "~", "◐", COLOUR_YELLOW },
	{ "*", "●", COLOUR_GREEN },
	{ "x", "✗", COLOUR_RED },
};

static size_t sign_of(enum node_stage stage)
{
	static const char letters[] = {
#define X(name, text, letter) [NODE_##name] = letter,
		NODE_STAGES(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if ((size_t)stage < sizeof(letters) && signs[i].letter[0] == letters[stage])
			return i;
	return 0;
}

const char *stage_name(enum node_stage stage)
{
	static const char *const names[] = {
#define X(name, text, letter) [NODE_##name] = text,
		NODE_STAGES(X)
#undef X
	};

	return (size_t)stage < ARRAY_SIZE(names) ? names[stage] : "?";
}

const char *stage_sign(const struct style *s, enum node_stage stage)
{
	return s->utf8 ? signs[sign_of(stage)].sign : signs[sign_of(stage)].letter;
}

enum colour stage_colour(enum node_stage stage)
{
	return signs[sign_of(stage)].colour;
}

/* ---- numbers ----------------------------------------------------------------------------------------- */

const char *format_duration(int64_t ms, char buf[DURATION_TEXT])
{
	long long s = ms > 0 ? ms / 1000 : 0;

	if (s < 60)
		snprintf(buf, DURATION_TEXT, "%lld s", s);
	else if (s < 3600)
		snprintf(buf, DURATION_TEXT, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, DURATION_TEXT, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, DURATION_TEXT, "%lldd%02lldh", s / 86400, s / 3600 % 24);
	return buf;
}

const char *format_seconds(int64_t ms, char buf[DURATION_TEXT])
{
	if (ms >= 99950)
		return format_duration(ms, buf);
	snprintf(buf, DURATION_TEXT, "%.1f s", (double)MAX(ms, 0) / 1000);
	return buf;
}

const char *format_bytes(unsigned long long bytes, char buf[DURATION_TEXT])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double n = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, DURATION_TEXT, "%llu B", bytes);
		return buf;
	}
	/* What would be rounded to "1024.0" is one of the next unit. */
	for (; n >= 1023.95 && unit < ARRAY_SIZE(units) - 1; unit++)
		n /= 1024;
	snprintf(buf, DURATION_TEXT, "%.1f %s", n, units[unit]);
	return buf;
}

/* ---- text ---------------------------------------------------------------------------------------------- */

/* Decodes one character of UTF-8 (RFC 3629); its length, or 0 where there is none. */
static size_t decode(const char *text, uint32_t *ret)
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
	if (len == 0 || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

static bool harmless(uint32_t c, const struct style *s)
{
	if (c < 0x80)
		return c >= 0x20 && c != 0x7f;
	if (!s->utf8 || c < 0xa0)
		return false;
	/* Line and paragraph separators, and what embeds or overrides the direction (Unicode, annex 9). */
	return !((c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f ||
		 c == 0xfeff);
}

void format_escape(struct strbuf *b, const struct style *s, const char *text, const char *keep)
{
	for (const char *p = text; *p;) {
		uint32_t c = 0;
		size_t len = decode(p, &c);

		if (len && (harmless(c, s) || (c < 0x80 && strchr(keep, (int)c)))) {
			strbuf_add(b, p, len);
			p += len;
			continue;
		}
		for (len = MAX(len, (size_t)1); len > 0; len--)
			strbuf_addf(b, "\\x%02x", (unsigned char)*p++);
	}
}

/* Length and columns of the character at p, whatever it is. */
static size_t character(const struct style *s, const char *p, int *ret_columns)
{
	uint32_t c = 0;
	size_t len = s->utf8 ? decode(p, &c) : 0;

	/* wcwidth(3) knows what is wide and what combines, but only in a locale that has the character. */
	*ret_columns = len ? wcwidth((wchar_t)c) : 1;
	if (*ret_columns < 0)
		*ret_columns = 1;
	return MAX(len, (size_t)1);
}

int format_width(const struct style *s, const char *text)
{
	int width = 0, columns;

	for (const char *p = text; *p; width += columns)
		p += character(s, p, &columns);
	return width;
}

void format_cut(struct strbuf *b, const struct style *s, const char *text, int columns)
{
	const char *dots = s->utf8 ? "…" : "...";
	int room = columns - (s->utf8 ? 1 : 3), width = 0, next;
	const char *p = text;

	if (columns <= 0 || format_width(s, text) <= columns) {
		strbuf_adds(b, text);
		return;
	}
	for (size_t len; *p; p += len, width += next) {
		len = character(s, p, &next);
		if (width + next > MAX(room, 0))
			break;
		strbuf_add(b, p, len);
	}
	if (room >= 0)
		strbuf_adds(b, dots);
}

static enum colour diff_colour(const char *line)
{
	if (strncmp(line, "+++", 3) == 0 || strncmp(line, "---", 3) == 0)
		return COLOUR_BOLD;
	return *line == '+'   ? COLOUR_GREEN
	       : *line == '-' ? COLOUR_RED
	       : *line == '@' ? COLOUR_CYAN
			      : COLOUR_NONE;
}

void format_diff(struct strbuf *b, const struct style *s, const char *diff)
{
	/* In a pipe it must stay a diff that patch(1) takes. */
	if (!s->terminal) {
		strbuf_adds(b, diff);
		return;
	}
	for (const char *p = diff; *p;) {
		size_t len = strcspn(p, "\n");
		_cleanup_free_ char *line = strndup(p, len);
		enum colour colour = diff_colour(p);

		if (!line) {
			b->failed = true;
			return;
		}
		strbuf_adds(b, style_on(s, colour));
		format_escape(b, s, line, "\t");
		strbuf_adds(b, style_off(s, colour));
		strbuf_addc(b, '\n');
		p += len + (p[len] == '\n');
	}
}
