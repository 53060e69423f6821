/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How things look on a terminal and in a pipe: signs, colours, durations, tables. Pure, but for style_init(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backend/muster.h"
#include "util/strbuf.h"
#include "util/text.h"
#include "util/units.h"

enum colour {
	COLOUR_NONE,
	COLOUR_BOLD,
	COLOUR_DIM,
	COLOUR_RED,
	COLOUR_GREEN,
	COLOUR_YELLOW,
	COLOUR_CYAN,
};

/* What the place where the text goes can show. */
struct style {
	bool terminal;
	bool colour; /* a terminal, and neither NO_COLOR nor TERM=dumb */
	bool utf8;
	int columns, rows; /* 0: no limit */
};

/* Of a descriptor; the locale's LC_CTYPE must be set. */
void style_init(struct style *s, int fd);

/* The escape sequences around coloured text; "" where there is no colour. */
const char *style_on(const struct style *s, enum colour c);
const char *style_off(const struct style *s, enum colour c);

const char *stage_name(enum node_stage stage);
const char *stage_sign(const struct style *s, enum node_stage stage);
enum colour stage_colour(enum node_stage stage);

/* Text from elsewhere, its width, and cutting it: see util/text.h. */
static inline void format_escape(struct strbuf *b, const struct style *s, const char *text, const char *keep)
{
	text_escape(b, s->utf8, text, keep);
}

static inline int format_width(const struct style *s, const char *text)
{
	return text_width(s->utf8, text);
}

static inline void format_cut(struct strbuf *b, const struct style *s, const char *text, int columns)
{
	text_cut(b, s->utf8, text, columns);
}

/* A unified diff, line by line in colour; as it is where it does not go to a terminal. */
void format_diff(struct strbuf *b, const struct style *s, const char *diff);

/* ---- tables ------------------------------------------------------------------------------------------ */

#define TABLE_COLUMNS 12

struct table_column {
	const char *title;
	bool right; /* numbers */
	bool tight; /* one blank follows it, not two: signs */
	int drop;   /* too narrow a terminal: the lowest goes first; 0: it stays */
};

struct table_row {
	char *cells[TABLE_COLUMNS]; /* owned, escaped; NULL is empty */
	enum colour colours[TABLE_COLUMNS];
	char *tail; /* owned, escaped: a text in place of the columns from tail_from on; NULL: none */
	size_t tail_from;
	char *below; /* owned: whole lines that follow the row; NULL: none */
};

struct table {
	const struct style *style;
	const struct table_column *columns;
	size_t n_columns;
	struct table_row *rows;
	size_t n_rows;
	bool failed; /* out of memory: table_format() fails its buffer */
};

void table_init(struct table *t, const struct style *style, const struct table_column *columns,
		size_t n_columns);
void table_free(struct table *t);
void table_row(struct table *t); /* begins the next row */
void table_cell(struct table *t, size_t column, enum colour colour, const char *fmt, ...) _printf_(4, 5);
void table_tail(struct table *t, size_t from, const char *text);
void table_below(struct table *t, const char *lines);
void table_format(const struct table *t, struct strbuf *out);

#define _cleanup_table_ _cleanup_(table_free)
