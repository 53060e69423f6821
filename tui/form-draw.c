/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a form looks: measured first, then scrolled so that the focus is seen, then drawn. */
#include "config.h"

#include <string.h>

#include "tui/form-private.h"
#include "util/text.h"

#define LEFT 1
#define CHOICE_INDENT 5 /* "(•) " and a blank before it */
#define LIST_ROWS 5
#define TEXT_WIDTH 24
#define NUMBER_WIDTH 6
#define LABEL_MOST 30

static bool has_label_before(const struct field *v)
{
	return v->def->kind == FIELD_TEXT || v->def->kind == FIELD_PASSWORD || v->def->kind == FIELD_NUMBER ||
	       v->def->kind == FIELD_TOGGLE;
}

static bool stands_apart(const struct field *v)
{
	return !has_label_before(v);
}

int form_label_columns(const struct tui_form *f, const struct canvas *c)
{
	int width = 0;

	for (size_t i = 0; i < f->n; i++)
		if (!f->fields[i].hidden && has_label_before(&f->fields[i]))
			width = MAX(width, canvas_width(c, i18n(f->fields[i].def->label)));
	return MIN(width, LABEL_MOST);
}

static const char *hint_of(const struct field *v)
{
	return v->hint ? v->hint : i18n(v->def->hint);
}

static int value_width(const struct field *v)
{
	if (v->def->kind == FIELD_TOGGLE)
		return 3;
	return v->def->width ? v->def->width : v->def->kind == FIELD_NUMBER ? NUMBER_WIDTH : TEXT_WIDTH;
}

static int text_columns(const struct canvas *c, int x)
{
	return MAX(c->columns - x - 2, 10);
}

/* ---- measuring --------------------------------------------------------------------------------------------- */

static const char *note_of(const struct field *v)
{
	return *entry_text(&v->entry) ? entry_text(&v->entry) : i18n(v->def->label);
}

/* Whether the hint has room behind the value. */
static bool hint_fits(const struct field *v, const struct canvas *c, int label_columns)
{
	int x = LEFT + label_columns + 2 + value_width(v) + 2 + 2;

	return x + canvas_width(c, hint_of(v)) < c->columns;
}

static int choice_height(const struct field *v, const struct canvas *c, size_t i)
{
	const char *explain = i18n(v->def->choices[i].explain);

	return 1 + (*explain ? text_wrapped(true, explain, text_columns(c, LEFT + CHOICE_INDENT)) : 0);
}

/* Where the sentence about what is wrong begins: below the value. */
static int wrong_x(const struct field *v, int label_columns)
{
	return has_label_before(v)	      ? LEFT + label_columns + 3
	       : v->def->kind == FIELD_CHOICE ? LEFT + CHOICE_INDENT
					      : LEFT + 1;
}

static int height_of(const struct field *v, const struct canvas *c, int label_columns)
{
	int n = 0;

	switch (v->def->kind) {
	case FIELD_NOTE:
		n = text_wrapped(true, note_of(v), text_columns(c, LEFT));
		break;
	case FIELD_CHOICE:
		n = *i18n(v->def->label) ? text_wrapped(true, i18n(v->def->label), text_columns(c, LEFT)) + 1
					 : 0;
		for (size_t i = 0; i < v->def->n_choices; i++)
			n += choice_height(v, c, i);
		break;
	case FIELD_LIST:
		n = 1 + (v->def->rows ? v->def->rows : LIST_ROWS);
		break;
	default:
		n = 1;
		if (*hint_of(v) && !hint_fits(v, c, label_columns))
			n += text_wrapped(true, hint_of(v), text_columns(c, LEFT + label_columns + 3));
	}
	if (v->wrong)
		n += text_wrapped(true, v->wrong, text_columns(c, wrong_x(v, label_columns) + 2));
	return n;
}

/* Sets every field's place; returns the rows of all. */
static int measure(struct tui_form *f, const struct canvas *c, int label_columns)
{
	const struct field *before = NULL;
	int y = 0;

	for (size_t i = 0; i < f->n; i++) {
		struct field *v = &f->fields[i];

		if (v->hidden)
			continue;
		if (before && (stands_apart(before) || stands_apart(v)))
			y++;
		v->y = y;
		v->height = height_of(v, c, label_columns);
		y += v->height;
		before = v;
	}
	return y;
}

static void scroll(struct tui_form *f, const struct canvas *c, int total)
{
	const struct field *v = f->focus < f->n ? &f->fields[f->focus] : NULL;
	int top = v ? v->y : 0, bottom = v ? v->y + v->height : 0;

	/* Notes above the first field are read with it. */
	for (size_t i = 0, above = 0; v && i < f->focus; i++) {
		above += !f->fields[i].hidden && f->fields[i].def->kind != FIELD_NOTE;
		if (i + 1 == f->focus && above == 0)
			top = 0;
	}
	if (bottom - f->scrolled > c->rows)
		f->scrolled = bottom - c->rows;
	if (top < f->scrolled)
		f->scrolled = top;
	f->scrolled = MAX(MIN(f->scrolled, total - c->rows), 0);
}

/* ---- drawing ----------------------------------------------------------------------------------------------- */

static void draw_wrong(const struct field *v, struct canvas *c, int y, int label_columns)
{
	int x = wrong_x(v, label_columns), n;

	if (!v->wrong)
		return;
	n = text_wrapped(true, v->wrong, text_columns(c, x + 2));
	canvas_text(c, y + v->height - n, x, STYLE_ERROR, "!");
	canvas_wrap(c, y + v->height - n, x + 2, text_columns(c, x + 2), 0, STYLE_ERROR, v->wrong);
}

static void draw_entry(const struct field *v, struct canvas *c, int y, bool focus, int label_columns)
{
	int x = LEFT + label_columns + 2, width = MIN(value_width(v), text_columns(c, x + 1)), behind;

	canvas_cell(c, y, LEFT, label_columns, false, focus ? STYLE_ACCENT : STYLE_NORMAL,
		    i18n(v->def->label));
	if (v->def->kind == FIELD_TOGGLE) {
		behind = canvas_text(c, y, x, focus ? STYLE_SELECTED : STYLE_NORMAL, v->on ? "[x]" : "[ ]");
		if (focus)
			canvas_cursor(c, y, x + 1);
	} else {
		canvas_text(c, y, x, focus ? STYLE_ACCENT : STYLE_DIM, "[");
		entry_draw(&v->entry, c, y, x + 1, width, focus ? STYLE_FIELD : STYLE_NORMAL, focus,
			   v->def->kind == FIELD_PASSWORD);
		behind = canvas_text(c, y, x + 1 + width, focus ? STYLE_ACCENT : STYLE_DIM, "]");
	}
	if (hint_fits(v, c, label_columns))
		canvas_text(c, y, behind + 2, STYLE_DIM, hint_of(v));
	else
		canvas_wrap(c, y + 1, x + 1, text_columns(c, x + 1), 0, STYLE_DIM, hint_of(v));
}

static void draw_choice(const struct field *v, struct canvas *c, int y, bool focus)
{
	int at = y;

	if (*i18n(v->def->label))
		at += canvas_wrap(c, at, LEFT, text_columns(c, LEFT), 0, STYLE_TITLE, i18n(v->def->label)) +
		      1;
	for (size_t i = 0; i < v->def->n_choices; i++) {
		bool chosen = i == v->at;

		canvas_text(c, at, LEFT + 1, chosen && focus ? STYLE_ACCENT : STYLE_NORMAL,
			    chosen ? "(•)" : "( )");
		canvas_text(c, at, LEFT + CHOICE_INDENT, chosen && focus ? STYLE_SELECTED : STYLE_NORMAL,
			    i18n(v->def->choices[i].label));
		if (chosen && focus)
			canvas_cursor(c, at, LEFT + 2);
		if (*i18n(v->def->choices[i].explain))
			canvas_wrap(c, at + 1, LEFT + CHOICE_INDENT, text_columns(c, LEFT + CHOICE_INDENT), 0,
				    STYLE_DIM, i18n(v->def->choices[i].explain));
		at += choice_height(v, c, i);
	}
}

static void draw_list(struct field *v, struct canvas *c, int y, bool focus)
{
	int rows = v->def->rows ? v->def->rows : LIST_ROWS, x = LEFT + 2, n = 0;
	int width = v->def->width ? v->def->width : 40, behind;

	width = MIN(width, text_columns(c, x + 1));
	if (v->at < v->first_line)
		v->first_line = v->at;
	if (v->at >= v->first_line + (size_t)rows)
		v->first_line = v->at - (size_t)rows + 1;
	for (size_t i = 0; i < v->n_lines; i++)
		n += *entry_text(&v->lines[i]) != '\0';
	behind = canvas_text(c, y, LEFT, focus ? STYLE_ACCENT : STYLE_NORMAL, i18n(v->def->label));
	behind = canvas_textf(c, y, behind + 2, STYLE_DIM, "%d", n);
	canvas_text(c, y, behind + 2, STYLE_DIM, hint_of(v));
	for (int i = 0; i < rows; i++) {
		size_t line = v->first_line + (size_t)i;
		bool here = focus && line == v->at;

		canvas_text(c, y + 1 + i, x - 1, here ? STYLE_ACCENT : STYLE_DIM, here ? SIGN_HERE : "│");
		if (line < v->n_lines)
			entry_draw(&v->lines[line], c, y + 1 + i, x + 1, width,
				   here ? STYLE_FIELD : STYLE_NORMAL, here, false);
	}
	canvas_scrollbar(c, y + 1, x + 1 + width, rows, v->first_line, (size_t)rows, v->n_lines);
}

static void draw_buttons(const struct field *v, struct canvas *c, int y, bool focus)
{
	int x = LEFT + 1;

	for (size_t i = 0; i < v->def->n_choices; i++) {
		bool here = focus && i == v->at;

		if (here)
			canvas_cursor(c, y, x + 2);
		x = canvas_textf(c, y, x, here ? STYLE_SELECTED : STYLE_NORMAL, "< %s >",
				 i18n(v->def->choices[i].label)) +
		    2;
	}
}

static void draw_field(struct field *v, struct canvas *c, int y, bool focus, int label_columns)
{
	switch (v->def->kind) {
	case FIELD_NOTE:
		canvas_wrap(c, y, LEFT, text_columns(c, LEFT), 0, v->note_style, note_of(v));
		break;
	case FIELD_CHOICE:
		draw_choice(v, c, y, focus);
		break;
	case FIELD_LIST:
		draw_list(v, c, y, focus);
		break;
	case FIELD_BUTTONS:
		draw_buttons(v, c, y, focus);
		break;
	default:
		draw_entry(v, c, y, focus, label_columns);
	}
	draw_wrong(v, c, y, label_columns);
}

void tui_form_draw(struct tui_form *f, struct canvas *c)
{
	int label_columns = form_label_columns(f, c), total = measure(f, c, label_columns);

	f->drawn = *c;
	scroll(f, c, total);
	for (size_t i = 0; i < f->n; i++)
		if (!f->fields[i].hidden)
			draw_field(&f->fields[i], c, f->fields[i].y - f->scrolled, i == f->focus,
				   label_columns);
	canvas_scrollbar(c, 0, c->columns - 1, c->rows, (size_t)f->scrolled, (size_t)c->rows, (size_t)total);
}

size_t form_choice_at(const struct field *v, const struct canvas *c, int y, int x, int label_columns)
{
	int at = LEFT + 1;

	if (v->def->kind == FIELD_CHOICE) {
		if (*i18n(v->def->label))
			y -= text_wrapped(true, i18n(v->def->label), text_columns(c, LEFT)) + 1;
		for (size_t i = 0; i < v->def->n_choices && y >= 0; i++) {
			y -= choice_height(v, c, i);
			if (y < 0)
				return i;
		}
	} else if (v->def->kind == FIELD_LIST) {
		size_t line = v->first_line + (size_t)MAX(y - 1, 0);

		return line < v->n_lines ? line : SIZE_MAX;
	} else if (v->def->kind == FIELD_BUTTONS) {
		for (size_t i = 0; i < v->def->n_choices; i++) {
			int width = canvas_width(c, i18n(v->def->choices[i].label)) + 4;

			if (x >= at && x < at + width)
				return i;
			at += width + 2;
		}
	}
	return SIZE_MAX;
}
