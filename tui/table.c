/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tui/table.h"

#include <errno.h>
#include <string.h>

#include "tui/entry.h"

static const struct keymap_entry entries[] = { TUI_TABLE_KEYS(KEYMAP_ENTRY) };
const struct keymap tui_table_keys = KEYMAP(N_("In the table"), entries);

/* While the filter is typed, these are for the bottom line: tui_table_event() takes the keys. */
static const struct keymap_entry typing_entries[] = {
	{ TABLE_FILTER, TK_ENTER, TK_NONE, N_("keep the filter"), N_("Keep what is typed"), KEYMAP_BAR },
	{ TABLE_UNFILTER, TK_ESC, TK_NONE, N_("show all"), N_("Show all rows again"), KEYMAP_BAR },
};
static const struct keymap typing_keys = KEYMAP(N_("While the filter is typed"), typing_entries);

struct tui_table {
	const struct tui_column *columns;
	size_t n_columns;
	const struct tui_table_ops *ops;
	void *data;
	size_t n_rows;
	size_t cursor, first; /* rows */
	uint64_t cursor_id;   /* of that row, when there is one */
	bool typing, ranging;
	size_t range_from;
	uint64_t range_id;
	struct entry filter;
	size_t sorted; /* SIZE_MAX: not */
	bool descending;
	char *empty;
	uint64_t *selected; /* ids, sorted */
	size_t n_selected;

	/* of the last drawing, for the mouse and the page keys */
	struct canvas drawn;
	int page;
	int at[TUI_TABLE_COLUMNS], width[TUI_TABLE_COLUMNS]; /* 0: dropped */
};

int tui_table_new(const struct tui_column *columns, size_t n_columns, const struct tui_table_ops *ops,
		  void *data, struct tui_table **ret)
{
	struct tui_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->columns = columns;
	t->n_columns = MIN(n_columns, (size_t)TUI_TABLE_COLUMNS);
	t->ops = ops;
	t->data = data;
	t->sorted = SIZE_MAX;
	t->page = 1;
	*ret = t;
	return 0;
}

void tui_table_free(struct tui_table *t)
{
	if (!t)
		return;
	entry_free(&t->filter);
	free(t->selected);
	free(t->empty);
	free(t);
}

void tui_table_set_empty(struct tui_table *t, const char *text)
{
	free(t->empty);
	t->empty = text ? strdup(text) : NULL;
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

static size_t find(const struct tui_table *t, uint64_t id, size_t likely)
{
	if (likely < t->n_rows && t->ops->id(t->data, likely) == id)
		return likely;
	if (t->ops->find)
		return t->ops->find(t->data, id);
	for (size_t i = 0; i < t->n_rows; i++)
		if (t->ops->id(t->data, i) == id)
			return i;
	return SIZE_MAX;
}

void tui_table_go_to(struct tui_table *t, size_t row)
{
	t->cursor = t->n_rows ? MIN(row, t->n_rows - 1) : 0;
	if (t->n_rows)
		t->cursor_id = t->ops->id(t->data, t->cursor);
}

void tui_table_changed(struct tui_table *t, size_t n_rows)
{
	bool had = t->n_rows > 0;
	size_t offset = t->cursor - MIN(t->first, t->cursor), row;

	t->n_rows = n_rows;
	row = had && n_rows ? find(t, t->cursor_id, t->cursor) : SIZE_MAX;
	if (row < n_rows && row != t->cursor) {
		/* It stays where it is on the terminal, too. */
		t->first = row > offset ? row - offset : 0;
		t->cursor = row;
	}
	tui_table_go_to(t, t->cursor);
	if (t->ranging) {
		t->range_from = n_rows ? find(t, t->range_id, t->range_from) : SIZE_MAX;
		t->ranging = t->range_from < n_rows;
	}
}

size_t tui_table_rows(const struct tui_table *t)
{
	return t->n_rows;
}

size_t tui_table_row(const struct tui_table *t)
{
	return t->n_rows ? t->cursor : SIZE_MAX;
}

/* ---- selection --------------------------------------------------------------------------------------------- */

static size_t place_of(const struct tui_table *t, uint64_t id)
{
	size_t low = 0, high = t->n_selected;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (t->selected[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool has(const struct tui_table *t, uint64_t id)
{
	size_t at = place_of(t, id);

	return at < t->n_selected && t->selected[at] == id;
}

static void set(struct tui_table *t, size_t row, bool on)
{
	uint64_t id = t->ops->id(t->data, row), *v;
	size_t at = place_of(t, id);

	if (has(t, id) == on)
		return;
	if (!on) {
		t->n_selected--;
		memmove(t->selected + at, t->selected + at + 1, (t->n_selected - at) * sizeof(*v));
		return;
	}
	v = reallocarray(t->selected, t->n_selected + 1, sizeof(*v));
	if (!v)
		return;
	t->selected = v;
	memmove(v + at + 1, v + at, (t->n_selected - at) * sizeof(*v));
	v[at] = id;
	t->n_selected++;
}

static bool in_range(const struct tui_table *t, size_t row)
{
	return t->ranging && row >= MIN(t->range_from, t->cursor) && row <= MAX(t->range_from, t->cursor);
}

bool tui_table_is_selected(const struct tui_table *t, size_t row)
{
	if (row >= t->n_rows)
		return false;
	return in_range(t, row) || (t->n_selected && has(t, t->ops->id(t->data, row)));
}

size_t tui_table_selected(const struct tui_table *t)
{
	size_t n = 0;

	for (size_t i = 0; (t->n_selected || t->ranging) && i < t->n_rows; i++)
		n += tui_table_is_selected(t, i);
	return n;
}

void tui_table_select_none(struct tui_table *t)
{
	t->n_selected = 0;
	t->ranging = false;
}

static void toggle_range(struct tui_table *t)
{
	if (t->ranging) {
		for (size_t i = MIN(t->range_from, t->cursor); i <= MAX(t->range_from, t->cursor); i++)
			set(t, i, true);
		t->ranging = false;
	} else if (t->n_rows) {
		t->ranging = true;
		t->range_from = t->cursor;
		t->range_id = t->cursor_id;
	}
}

/* ---- sorting and filtering --------------------------------------------------------------------------------- */

size_t tui_table_sorted(const struct tui_table *t, bool *ret_descending)
{
	if (ret_descending)
		*ret_descending = t->descending;
	return t->sorted;
}

void tui_table_set_sort(struct tui_table *t, size_t column, bool descending)
{
	if (column >= t->n_columns || t->columns[column].no_sort || !t->ops->sort)
		return;
	t->sorted = column;
	t->descending = descending;
	t->ops->sort(t->data, column, descending);
}

/* The next column that can be sorted by, also one for which there is no room: then it takes that of others. */
static void sort_next(struct tui_table *t)
{
	size_t column = t->sorted;

	for (size_t i = 0; i < t->n_columns; i++) {
		column = column >= t->n_columns - 1 ? 0 : column + 1;
		if (!t->columns[column].no_sort) {
			tui_table_set_sort(t, column, false);
			return;
		}
	}
}

const char *tui_table_filter(const struct tui_table *t)
{
	return entry_text(&t->filter);
}

void tui_table_set_filter(struct tui_table *t, const char *text)
{
	entry_set(&t->filter, text);
	if (t->ops->filter)
		t->ops->filter(t->data, tui_table_filter(t));
}

/* ---- events ------------------------------------------------------------------------------------------------ */

static int typed(struct tui_table *t, const struct tui_event *e)
{
	int r;

	if (e->type == TUI_KEY && (e->key == TK_ENTER || e->key == TK_ESC)) {
		t->typing = false;
		if (e->key == TK_ESC)
			tui_table_set_filter(t, "");
		return 1;
	}
	r = entry_event(&t->filter, e);
	if (r == 1 && t->ops->filter)
		t->ops->filter(t->data, tui_table_filter(t));
	return r > 0;
}

static void click(struct tui_table *t, int y, int x)
{
	if (y == 0) {
		for (size_t k = 0; k < t->n_columns; k++)
			if (t->width[k] > 0 && x >= t->at[k] && x <= t->at[k] + t->width[k])
				tui_table_set_sort(t, k, t->sorted == k && !t->descending);
		return;
	}
	if (y > t->page)
		return;
	/* Lines under rows make rows of different heights. */
	for (size_t row = t->first, line = 1; row < t->n_rows; row++, line++) {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
		size_t height = t->ops->below && t->ops->below(t->data, row, &b) ? 2 : 1;

		if ((size_t)y < line + height) {
			tui_table_go_to(t, row);
			return;
		}
		line += height - 1;
	}
}

static int mouse(struct tui_table *t, const struct tui_event *e)
{
	int y = e->y - t->drawn.y, x = e->x - t->drawn.x;

	if (y < 0 || x < 0 || y >= t->drawn.rows || x >= t->drawn.columns)
		return 0;
	if (e->mouse == TUI_MOUSE_CLICK)
		click(t, y, x);
	else if (e->mouse == TUI_MOUSE_WHEEL_UP)
		tui_table_go_to(t, t->cursor - MIN(t->cursor, (size_t)3));
	else
		tui_table_go_to(t, t->cursor + 3);
	return 1;
}

int tui_table_event(struct tui_table *t, const struct tui_event *e)
{
	if (e->type == TUI_MOUSE)
		return mouse(t, e);
	if (t->typing)
		return typed(t, e);
	return 0;
}

static void move(struct tui_table *t, int request)
{
	size_t page = (size_t)MAX(t->page - 1, 1), back = request == TABLE_PAGE_UP ? page : 1;

	switch (request) {
	case TABLE_UP:
	case TABLE_SELECT_UP:
	case TABLE_PAGE_UP:
		tui_table_go_to(t, t->cursor - MIN(t->cursor, back));
		break;
	case TABLE_DOWN:
	case TABLE_SELECT_DOWN:
		tui_table_go_to(t, t->cursor + 1);
		break;
	case TABLE_PAGE_DOWN:
		tui_table_go_to(t, t->cursor + page);
		break;
	case TABLE_HOME:
		tui_table_go_to(t, 0);
		break;
	default:
		tui_table_go_to(t, SIZE_MAX);
	}
}

static void pick(struct tui_table *t, int request)
{
	if (t->n_rows == 0)
		return;
	if (request == TABLE_SELECT_ALL) {
		for (size_t i = 0; i < t->n_rows; i++)
			set(t, i, true);
	} else if (request == TABLE_SELECT) {
		set(t, t->cursor, !has(t, t->cursor_id));
		move(t, TABLE_DOWN);
	} else {
		set(t, t->cursor, true);
		move(t, request);
		set(t, t->cursor, true);
	}
}

bool tui_table_key(struct tui_table *t, int request)
{
	switch (request) {
	case TABLE_FILTER:
		t->typing = true;
		return true;
	case TABLE_UNFILTER:
		tui_table_select_none(t);
		tui_table_set_filter(t, "");
		return true;
	case TABLE_RANGE:
		toggle_range(t);
		return true;
	case TABLE_SELECT:
	case TABLE_SELECT_UP:
	case TABLE_SELECT_DOWN:
	case TABLE_SELECT_ALL:
		pick(t, request);
		return true;
	case TABLE_SORT:
		sort_next(t);
		return true;
	case TABLE_REVERSE:
		tui_table_set_sort(t, t->sorted, !t->descending);
		return true;
	default:
		if (request <= TABLE_BEFORE || request >= TABLE_REQUESTS_END)
			return false;
		move(t, request);
		return true;
	}
}

bool tui_table_enabled(const struct tui_table *t, int request)
{
	switch (request) {
	case TABLE_FILTER:
		return t->ops->filter;
	case TABLE_UNFILTER:
		return *tui_table_filter(t) || t->n_selected || t->ranging;
	case TABLE_SORT:
	case TABLE_REVERSE:
		return t->ops->sort;
	default:
		return request > TABLE_BEFORE && request < TABLE_REQUESTS_END;
	}
}

const struct keymap *tui_table_keys_now(const struct tui_table *t, const struct keymap *keys)
{
	return t->typing ? &typing_keys : keys;
}

/* ---- drawing ----------------------------------------------------------------------------------------------- */

static int gap(const struct tui_table *t, size_t k)
{
	return t->columns[k].tight ? 1 : 2;
}

static int total(const struct tui_table *t)
{
	int sum = 1; /* the mark of a selected row */

	for (size_t k = 0; k < t->n_columns; k++)
		if (t->width[k] > 0)
			sum += t->width[k] + gap(t, k);
	return sum;
}

/* What a column takes when it is seen: its title has room always. */
static int wanted(const struct tui_table *t, const struct canvas *c, size_t k)
{
	int title = canvas_width(c, i18n(t->columns[k].title)) + (t->sorted == k ? 2 : 0);

	return MAX(MAX(t->columns[k].width, title), 1);
}

/* The column that goes next (or, with `back`, that comes back first); n_columns where there is none. */
static size_t next_dropped(const struct tui_table *t, const bool tried[], bool back)
{
	size_t best = t->n_columns;

	for (size_t k = 0; k < t->n_columns; k++)
		if (t->columns[k].drop > 0 && t->sorted != k && !tried[k] && back == (t->width[k] == 0) &&
		    (best == t->n_columns || back == (t->columns[k].drop > t->columns[best].drop)))
			best = k;
	return best;
}

/* Drops what does not fit. A narrow column may have gone for a wide one that went, too: it comes back. */
static void choose_columns(struct tui_table *t, const struct canvas *c)
{
	bool tried[TUI_TABLE_COLUMNS] = { false };
	size_t k;

	for (k = 0; k < t->n_columns; k++)
		t->width[k] = wanted(t, c, k);
	while (total(t) > c->columns && (k = next_dropped(t, tried, false)) < t->n_columns)
		t->width[k] = 0;
	while ((k = next_dropped(t, tried, true)) < t->n_columns) {
		tried[k] = true;
		t->width[k] = wanted(t, c, k);
		if (total(t) > c->columns)
			t->width[k] = 0;
	}
}

/* Gives away what is left over. */
static void lay_out(struct tui_table *t, const struct canvas *c)
{
	int flex = 0, spare, x = 1;

	choose_columns(t, c);
	spare = MAX(c->columns - total(t), 0);
	for (size_t k = 0; k < t->n_columns; k++)
		flex += t->width[k] > 0 ? t->columns[k].flex : 0;
	for (size_t k = 0; k < t->n_columns; k++) {
		int share = t->width[k] > 0 && flex > 0 ? spare * t->columns[k].flex / flex : 0;

		t->width[k] += share;
		t->at[k] = x;
		if (t->width[k] > 0)
			x += t->width[k] + gap(t, k);
	}
}

static void draw_head(const struct tui_table *t, struct canvas *c)
{
	for (size_t k = 0; k < t->n_columns; k++) {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

		if (t->width[k] == 0)
			continue;
		strbuf_adds(&b, i18n(t->columns[k].title));
		if (t->sorted == k)
			strbuf_adds(&b, t->descending ? " " SIGN_UP : " " SIGN_DOWN);
		if (!b.failed)
			canvas_cell(c, 0, t->at[k], t->width[k], t->columns[k].right,
				    t->sorted == k ? STYLE_TITLE : STYLE_DIM, b.data);
	}
}

/* One row; returns how many lines it took. */
static int draw_row(const struct tui_table *t, struct canvas *c, int y, size_t row)
{
	bool here = row == t->cursor, selected = tui_table_is_selected(t, row);
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT, tail = STRBUF_INIT, below = STRBUF_INIT;
	enum tui_style style, tail_style = STYLE_NORMAL;
	int tail_from = t->ops->tail ? t->ops->tail(t->data, row, &tail, &tail_style) : -1;

	if (here)
		canvas_fill(c, y, 0, 1, c->columns, STYLE_SELECTED);
	for (size_t k = 0; k < t->n_columns; k++) {
		if (t->width[k] == 0)
			continue;
		if (tail_from >= 0 && (int)k >= tail_from && tail.data) {
			canvas_cell(c, y, t->at[k], c->columns - t->at[k] - 1, false,
				    here ? STYLE_SELECTED : tail_style, tail.data);
			break;
		}
		strbuf_reset(&b);
		style = t->ops->cell(t->data, row, k, &b);
		style = here ? STYLE_SELECTED : selected && style == STYLE_NORMAL ? STYLE_MARKED : style;
		if (b.data && *b.data)
			canvas_cell(c, y, t->at[k], t->width[k], t->columns[k].right, style, b.data);
	}
	if (selected)
		canvas_text(c, y, 0, here ? STYLE_SELECTED : STYLE_MARKED, "+");
	if (!t->ops->below || !t->ops->below(t->data, row, &below) || !below.data)
		return 1;
	canvas_cell(c, y + 1, t->n_columns > 1 ? t->at[1] : 1, c->columns - t->at[1] - 1, false, STYLE_DIM,
		    below.data);
	return 2;
}

/* Moves the window so that the cursor is in it, and no more than it must. */
static void scroll(struct tui_table *t)
{
	size_t page = (size_t)MAX(t->page, 1);

	if (t->cursor < t->first)
		t->first = t->cursor;
	if (t->cursor >= t->first + page)
		t->first = t->cursor - page + 1;
	if (t->first + page > t->n_rows)
		t->first = t->n_rows > page ? t->n_rows - page : 0;
}

/* With lines under rows fewer fit: from the cursor back, as many as there is room for. */
static void scroll_below(struct tui_table *t)
{
	size_t row = t->cursor + 1;
	int room = t->page;

	while (t->ops->below && row > t->first) {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

		room -= t->ops->below(t->data, row - 1, &b) ? 2 : 1;
		if (room < 0) {
			t->first = row;
			return;
		}
		row--;
	}
}

static void draw_filter(const struct tui_table *t, struct canvas *c)
{
	int x = canvas_text(c, c->rows - 1, 1, STYLE_KEY, "/");

	entry_draw(&t->filter, c, c->rows - 1, x, MIN(c->columns - x - 20, 60), STYLE_FIELD, t->typing,
		   false);
	canvas_right(c, c->rows - 1, c->columns - 1, STYLE_DIM, t->n_rows == 0 ? _("no row has it") : "");
}

void tui_table_draw(struct tui_table *t, struct canvas *c)
{
	bool filter = t->typing || *tui_table_filter(t);
	struct canvas rows;

	lay_out(t, c);
	t->drawn = *c;
	t->page = MAX(c->rows - 1 - filter, 1);
	scroll(t);
	scroll_below(t);
	draw_head(t, c);
	rows = canvas_sub(c, 1, 0, t->page, c->columns);
	if (t->n_rows == 0 && t->empty && !filter)
		canvas_wrap(&rows, 1, 2, MIN(c->columns - 4, 72), 0, STYLE_NORMAL, t->empty);
	for (size_t row = t->first, y = 0; row < t->n_rows && (int)y < rows.rows; row++)
		y += (size_t)draw_row(t, &rows, (int)y, row);
	canvas_scrollbar(&rows, 0, rows.columns - 1, rows.rows, t->first, (size_t)t->page, t->n_rows);
	if (filter)
		draw_filter(t, c);
}
