/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foreign text on its way to a terminal: escaped, measured, cut and broken into lines. */
#include "config.h"

#include <locale.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "util/macro.h"
#include "util/text.h"

static void wrap(bool utf8, const char *text, int columns)
{
	const char *next = text;
	int lines = 0;

	while (next) {
		const char *line = next;
		size_t n = text_wrap(utf8, line, columns, &next);

		fuzz_need(n <= strlen(line));
		fuzz_need(!next || (next > line && next <= line + strlen(line)));
		lines++;
	}
	fuzz_need(lines == text_wrapped(utf8, text, columns));
}

static void show(bool utf8, const char *text, int columns)
{
	_cleanup_strbuf_ struct strbuf escaped = STRBUF_INIT, cut = STRBUF_INIT;

	text_escape(&escaped, utf8, text, "");
	/* What is shown was escaped before. */
	text_cut(&cut, utf8, escaped.len > 0 ? escaped.data : "", columns);
	fuzz_need(!escaped.failed && !cut.failed);
	if (escaped.len > 0)
		fuzz_need(fuzz_is_clean(escaped.data, false));
	if (cut.len > 0)
		fuzz_need(fuzz_is_clean(cut.data, false));
	fuzz_need(text_width(utf8, text) >= 0);
	if (columns > 0 && cut.len > 0)
		fuzz_need(text_width(utf8, cut.data) <= columns);
}

static void step(bool utf8, const char *text)
{
	for (const char *p = text; *p;) {
		int columns;
		size_t n = text_character(utf8, p, &columns);

		fuzz_need(n > 0 && n <= strlen(p) && columns >= 0);
		fuzz_need(text_before(utf8, text, p + n) >= text && text_before(utf8, text, p + n) < p + n);
		p += n;
	}
}

FUZZ_TARGET(text)
{
	static bool begun;
	char *text;

	if (!begun)
		begun = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
	if (size < 1)
		return 0;
	text = fuzz_text(data + 1, size - 1);
	for (int utf8 = 0; utf8 < 2; utf8++) {
		show(utf8, text, data[0] % 100);
		wrap(utf8, text, data[0] % 100 + 1);
		step(utf8, text);
	}
	free(text);
	return 0;
}
