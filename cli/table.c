/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that fit the terminal: the less important columns go first, then what is too long is cut. */
#include "config.h"

#include "cli/format.h"

#include <stdarg.h>
#include <string.h>

void table_init(struct table *t, const struct style *style, const struct table_column *columns,
		size_t n_columns)
{
	*t = (struct table){
		.style = style,
		.columns = columns,
		.n_columns = MIN(n_columns, (size_t)TABLE_COLUMNS),
	};
}

void table_free(struct table *t)
{
	for (size_t i = 0; i < t->n_rows; i++) {
		for (size_t k = 0; k < TABLE_COLUMNS; k++)
			free(t->rows[i].cells[k]);
		free(t->rows[i].tail);
		free(t->rows[i].below);
	}
	free(t->rows);
	t->rows = NULL;
	t->n_rows = 0;
}

void table_row(struct table *t)
{
	struct table_row *rows = reallocarray(t->rows, t->n_rows + 1, sizeof(*rows));

	if (!rows) {
		t->failed = true;
		return;
	}
	t->rows = rows;
	rows[t->n_rows++] = (struct table_row){ 0 };
}

/* Sets an owned text of the last row. */
static void set(struct table *t, char **field, const char *text, const char *keep)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	format_escape(&b, t->style, text, keep);
	free(*field);
	*field = NULL;
	if (strbuf_take(&b, field, NULL) < 0)
		t->failed = true;
}

void table_cell(struct table *t, size_t column, enum colour colour, const char *fmt, ...)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *text = NULL;
	va_list ap;

	if (t->failed || t->n_rows == 0 || column >= t->n_columns)
		return;
	va_start(ap, fmt);
	strbuf_vaddf(&b, fmt, ap);
	va_end(ap);
	if (strbuf_take(&b, &text, NULL) < 0) {
		t->failed = true;
		return;
	}
	set(t, &t->rows[t->n_rows - 1].cells[column], text, "");
	t->rows[t->n_rows - 1].colours[column] = colour;
}

void table_tail(struct table *t, size_t from, const char *text)
{
	if (t->failed || t->n_rows == 0)
		return;
	t->rows[t->n_rows - 1].tail_from = from;
	set(t, &t->rows[t->n_rows - 1].tail, text, "");
}

void table_below(struct table *t, const char *lines)
{
	char *copy;

	if (t->failed || t->n_rows == 0)
		return;
	copy = strdup(lines);
	t->failed = !copy;
	free(t->rows[t->n_rows - 1].below);
	t->rows[t->n_rows - 1].below = copy;
}

/* ---- layout -------------------------------------------------------------------------------------------- */

struct layout {
	int width[TABLE_COLUMNS];
	bool shown[TABLE_COLUMNS];
};

static bool has_cell(const struct table_row *row, size_t column)
{
	return row->cells[column] && !(row->tail && column >= row->tail_from);
}

/* The blanks in front of a column: what its neighbour on the left wants. */
static int gap(const struct table *t, const struct layout *l, size_t column)
{
	while (column-- > 0)
		if (l->shown[column])
			return t->columns[column].tight ? 1 : 2;
	return 0;
}

static int total(const struct table *t, const struct layout *l)
{
	int sum = 0;

	for (size_t k = 0; k < t->n_columns; k++)
		if (l->shown[k])
			sum += l->width[k] + gap(t, l, k);
	return sum;
}

static void measure(const struct table *t, struct layout *l)
{
	*l = (struct layout){ 0 };
	for (size_t k = 0; k < t->n_columns; k++) {
		l->shown[k] = true;
		l->width[k] = format_width(t->style, t->columns[k].title);
		for (size_t i = 0; i < t->n_rows; i++)
			if (has_cell(&t->rows[i], k))
				l->width[k] = MAX(l->width[k], format_width(t->style, t->rows[i].cells[k]));
	}
	while (t->style->columns && total(t, l) > t->style->columns) {
		size_t least = t->n_columns;

		for (size_t k = 0; k < t->n_columns; k++)
			if (l->shown[k] && t->columns[k].drop > 0 &&
			    (least == t->n_columns || t->columns[k].drop < t->columns[least].drop))
				least = k;
		if (least == t->n_columns)
			break;
		l->shown[least] = false;
	}
}

static void pad(struct strbuf *b, int n)
{
	for (; n > 0; n--)
		strbuf_addc(b, ' ');
}

/* A line is written cell by cell; blanks are owed until something follows, so that none stand at its end. */
struct line {
	const struct style *style;
	struct strbuf *out;
	int at, owed;
};

static void put(struct line *l, const char *text, enum colour colour)
{
	_cleanup_strbuf_ struct strbuf cut = STRBUF_INIT;
	int limit = l->style->columns;

	if (!*text || (limit && l->at + l->owed >= limit))
		return;
	pad(l->out, l->owed);
	l->at += l->owed;
	l->owed = 0;
	format_cut(&cut, l->style, text, limit ? limit - l->at : 0);
	strbuf_adds(l->out, style_on(l->style, colour));
	strbuf_adds(l->out, cut.data ? cut.data : "");
	strbuf_adds(l->out, style_off(l->style, colour));
	l->at += cut.data ? format_width(l->style, cut.data) : 0;
	l->out->failed |= cut.failed;
}

static void format_row(const struct table *t, const struct layout *l, const struct table_row *row,
		       struct strbuf *out)
{
	struct line line = { .style = t->style, .out = out };

	for (size_t k = 0; k < t->n_columns; k++) {
		const char *text = !row ? t->columns[k].title : row->cells[k] ? row->cells[k] : "";
		int blank;

		if (!l->shown[k])
			continue;
		line.owed += gap(t, l, k);
		if (row && row->tail && k >= row->tail_from) {
			put(&line, row->tail, COLOUR_NONE);
			break;
		}
		blank = l->width[k] - format_width(t->style, text);
		if (t->columns[k].right)
			line.owed += blank;
		put(&line, text, row ? row->colours[k] : COLOUR_DIM);
		if (!t->columns[k].right)
			line.owed += blank;
	}
	strbuf_addc(out, '\n');
	if (row && row->below)
		strbuf_adds(out, row->below);
}

void table_format(const struct table *t, struct strbuf *out)
{
	struct layout l;

	if (t->failed) {
		out->failed = true;
		return;
	}
	measure(t, &l);
	format_row(t, &l, NULL, out);
	for (size_t i = 0; i < t->n_rows; i++)
		format_row(t, &l, &t->rows[i], out);
}
