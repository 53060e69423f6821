/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text on a terminal: how wide it is, where it is cut or broken, and what of it must not get there.
 *
 * `utf8` says whether the terminal shows UTF-8. Without it each byte is a character of one column. Widths are columns of
 * wcwidth(3), which knows wide and combining characters only when the locale's LC_CTYPE was set.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/strbuf.h"

/* Decodes one character of UTF-8 (RFC 3629). Its length in bytes, or 0 where there is none (also at the end). */
size_t text_decode(const char *text, uint32_t *ret);
/* Adds the character c as UTF-8. */
void text_encode(struct strbuf *b, uint32_t c);
/* Whether c may go to a terminal: no control character, and nothing that turns the reading direction. */
bool text_is_harmless(uint32_t c, bool utf8);
/* Length in bytes (never 0) and columns of the character at p, whatever it is. */
size_t text_character(bool utf8, const char *p, int *ret_columns);
/* Where the character before p begins; `text` itself when p stands there. */
const char *text_before(bool utf8, const char *text, const char *p);

/*
 * Adds text that came from elsewhere so that it cannot act on a terminal: control characters, bytes that are no UTF-8,
 * and characters that turn the reading direction become \xNN. Without utf8 so does everything that is not ASCII.
 * Characters of `keep` ("\t\n") stay.
 */
void text_escape(struct strbuf *b, bool utf8, const char *text, const char *keep);
/* The columns that such text takes. */
int text_width(bool utf8, const char *text);
/* The first `columns` columns of the text, with an ellipsis where something is cut off; 0: all of it. */
void text_cut(struct strbuf *b, bool utf8, const char *text, int columns);

/*
 * Breaks at blanks, beside characters of two columns, and at newlines into lines of at most `columns` columns; a word that
 * is longer is broken where it must.
 * The length in bytes of the first line of `text`, without the blank or newline after it; *ret_next is where the next
 * line begins, NULL after the last one. `text` of "" is one empty line.
 */
size_t text_wrap(bool utf8, const char *text, int columns, const char **ret_next);
/* How many lines text_wrap() makes of it. */
int text_wrapped(bool utf8, const char *text, int columns);
