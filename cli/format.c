/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "cli/format.h"

#include <langinfo.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

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

/* ---- text ---------------------------------------------------------------------------------------------- */

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
