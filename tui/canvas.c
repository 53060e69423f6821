/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tui/canvas.h"

#include <stdarg.h>
#include <string.h>
#include <wchar.h>

#include <curses.h>

#include "tui/curses.h"
#include "tui/private.h"
#include "util/i18n.h"
#include "util/text.h"

#define TAB 8

attr_t curses_attributes(const struct tui *t, enum tui_style style)
{
	const struct theme_entry *e = theme_entry(style);
	int wanted = t->colours ? e->attributes : e->mono;
	attr_t a = A_NORMAL;

	a |= wanted & THEME_BOLD ? A_BOLD : 0;
	a |= wanted & THEME_DIM ? A_DIM : 0;
	a |= wanted & THEME_REVERSE ? A_REVERSE : 0;
	a |= wanted & THEME_UNDERLINE ? A_UNDERLINE : 0;
	if (t->colours && e->colour >= 0)
		a |= COLOR_PAIR(curses_pair(e->colour));
	return a;
}

struct canvas canvas_sub(const struct canvas *c, int y, int x, int rows, int columns)
{
	int top = MAX(y, 0), left = MAX(x, 0);
	struct canvas sub = { .tui = c->tui, .y = c->y + top, .x = c->x + left };

	sub.rows = MAX(MIN(y + rows, c->rows) - top, 0);
	sub.columns = MAX(MIN(x + columns, c->columns) - left, 0);
	return sub;
}

enum tui_glyphs canvas_glyphs(const struct canvas *c)
{
	return c->tui ? c->tui->glyphs : GLYPHS_ASCII;
}

/* ---- characters -------------------------------------------------------------------------------------------- */

/* One character as it will be shown: up to four characters of the terminal, their columns, and the bytes it took. */
struct shown {
	wchar_t c[4];
	int n, columns;
	size_t len;
};

static void show(enum tui_glyphs glyphs, const char *p, int column, struct shown *ret)
{
	const char *fallback;
	uint32_t c = 0xfffd;

	ret->len = text_decode(p, &c);
	if (ret->len == 0)
		ret->len = 1;
	ret->n = 1;
	if (c == '\t') {
		ret->c[0] = L' ';
		ret->n = 0; /* blanks, as many as there are columns */
		ret->columns = TAB - column % TAB;
		return;
	}
	if (!text_is_harmless(c, true))
		c = 0xfffd;
	fallback = theme_fallback(glyphs, c);
	if (fallback) {
		ret->n = ret->columns = (int)strlen(fallback);
		for (int i = 0; i < ret->n; i++)
			ret->c[i] = (wchar_t)fallback[i];
		return;
	}
	ret->c[0] = (wchar_t)c;
	ret->columns = c < 0x80 ? 1 : wcwidth((wchar_t)c);
	if (ret->columns < 0) {
		ret->c[0] = glyphs == GLYPHS_ASCII ? L'?' : L'\xfffd';
		ret->columns = 1;
	}
}

static int width_of(enum tui_glyphs glyphs, const char *text, size_t len)
{
	struct shown s;
	int width = 0;

	for (const char *p = text; p < text + len && *p && *p != '\n'; p += s.len, width += s.columns)
		show(glyphs, p, width, &s);
	return width;
}

int canvas_width(const struct canvas *c, const char *text)
{
	return width_of(canvas_glyphs(c), text, strlen(text));
}

/* ---- text -------------------------------------------------------------------------------------------------- */

#define RUN 256

/* A run of characters that go to curses at once. */
struct run {
	wchar_t text[RUN];
	int n;
	int y, x; /* on the terminal */
	int columns;
};

static void flush(struct run *run)
{
	if (run->n)
		mvaddnwstr(run->y, run->x, run->text, run->n);
	run->x += run->columns;
	run->n = run->columns = 0;
}

static void run_add(struct run *run, const wchar_t *text, int n, int columns)
{
	if (run->n + n > RUN)
		flush(run);
	for (int i = 0; i < n; i++)
		run->text[run->n++] = text[i];
	run->columns += columns;
}

/* Draws up to column `end` and returns the column behind the last character. What is left of the canvas is skipped. */
static int draw(struct canvas *c, int y, int x, int end, enum tui_style style, const char *text, size_t len)
{
	enum tui_glyphs glyphs = canvas_glyphs(c);
	struct run run = { .y = c->y + y, .x = c->x + MAX(x, 0) };
	bool visible = c->tui && y >= 0 && y < c->rows;
	int begin = x;
	struct shown s;

	end = MIN(end, c->columns);
	if (visible)
		attrset((int)curses_attributes(c->tui, style));
	for (const char *p = text; p < text + len && *p && *p != '\n'; p += s.len, x += s.columns) {
		show(glyphs, p, x - begin, &s);
		if (x + s.columns > end && s.n)
			break;
		if (!visible || x < 0)
			continue;
		if (s.n)
			run_add(&run, s.c, s.n, s.columns);
		for (int i = 0; s.n == 0 && i < s.columns && x + i < end; i++)
			run_add(&run, s.c, 1, 1);
	}
	flush(&run);
	return MIN(x, end);
}

int canvas_textn(struct canvas *c, int y, int x, enum tui_style style, const char *text, size_t len)
{
	return draw(c, y, x, c->columns, style, text, len);
}

int canvas_text(struct canvas *c, int y, int x, enum tui_style style, const char *text)
{
	return draw(c, y, x, c->columns, style, text, strlen(text));
}

int canvas_textf(struct canvas *c, int y, int x, enum tui_style style, const char *fmt, ...)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&b, fmt, ap);
	va_end(ap);
	return canvas_text(c, y, x, style, b.data && !b.failed ? b.data : "");
}

void canvas_cell(struct canvas *c, int y, int x, int columns, bool right, enum tui_style style,
		 const char *text)
{
	int width = canvas_width(c, text), dots = canvas_width(c, "…"), at,
	    end = MIN(x + columns, c->columns);

	if (columns <= 0)
		return;
	canvas_fill(c, y, x, 1, columns, style);
	if (width <= columns) {
		draw(c, y, right ? x + columns - width : x, end, style, text, strlen(text));
		return;
	}
	at = draw(c, y, x, MIN(x + MAX(columns - dots, 0), end), style, text, strlen(text));
	draw(c, y, at, end, style, "…", strlen("…"));
}

void canvas_right(struct canvas *c, int y, int end, enum tui_style style, const char *text)
{
	canvas_text(c, y, end - canvas_width(c, text), style, text);
}

void canvas_centre(struct canvas *c, int y, enum tui_style style, const char *text)
{
	canvas_text(c, y, MAX((c->columns - canvas_width(c, text)) / 2, 0), style, text);
}

int canvas_wrap(struct canvas *c, int y, int x, int columns, int max_rows, enum tui_style style,
		const char *text)
{
	const char *next = NULL;
	int n = 0;

	for (const char *p = text; p && (max_rows <= 0 || n < max_rows); p = next, n++)
		canvas_textn(c, y + n, x, style, p, text_wrap(true, p, columns, &next));
	return n;
}

/* ---- areas and lines --------------------------------------------------------------------------------------- */

void canvas_fill(struct canvas *c, int y, int x, int rows, int columns, enum tui_style style)
{
	struct canvas s = canvas_sub(c, y, x, rows, columns);

	if (!c->tui || s.columns <= 0)
		return;
	attrset((int)curses_attributes(c->tui, style));
	for (int i = 0; i < s.rows; i++)
		mvhline(s.y + i, s.x, ' ' | curses_attributes(c->tui, style), s.columns);
}

void canvas_clear(struct canvas *c)
{
	canvas_fill(c, 0, 0, c->rows, c->columns, STYLE_NORMAL);
}

static void line(struct canvas *c, int y, int x, int n, enum tui_style style, const char *glyph, bool down)
{
	for (int i = 0; i < n; i++)
		canvas_text(c, y + (down ? i : 0), x + (down ? 0 : i), style, glyph);
}

static void title_on(struct canvas *c, int y, const char *title)
{
	int room = c->columns - 6;

	if (!title || !*title || room <= 0)
		return;
	canvas_text(c, y, 1, STYLE_NORMAL, " ");
	canvas_cell(c, y, 2, MIN(canvas_width(c, title), room), false, STYLE_TITLE, title);
	canvas_text(c, y, 2 + MIN(canvas_width(c, title), room), STYLE_NORMAL, " ");
}

void canvas_rule(struct canvas *c, int y, enum tui_style style, const char *title)
{
	line(c, y, 0, c->columns, style, "─", false);
	title_on(c, y, title);
}

struct canvas canvas_box(struct canvas *c, enum tui_style style, const char *title)
{
	int bottom = c->rows - 1, right = c->columns - 1;

	line(c, 0, 1, right - 1, style, "─", false);
	line(c, bottom, 1, right - 1, style, "─", false);
	line(c, 1, 0, bottom - 1, style, "│", true);
	line(c, 1, right, bottom - 1, style, "│", true);
	canvas_text(c, 0, 0, style, "┌");
	canvas_text(c, 0, right, style, "┐");
	canvas_text(c, bottom, 0, style, "└");
	canvas_text(c, bottom, right, style, "┘");
	title_on(c, 0, title);
	return canvas_sub(c, 1, 1, c->rows - 2, c->columns - 2);
}

/* ---- bars -------------------------------------------------------------------------------------------------- */

/* The block that fills a column from eighth `from` to eighth `to`. A left edge can only be a half: that is all there is. */
static const char *block(enum tui_glyphs glyphs, int from, int to)
{
	static const char *const left[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };

	if (from <= 0 && to >= 8)
		return "█";
	if (glyphs != GLYPHS_FULL)
		return to - from >= 4 ? "█" : NULL;
	if (from <= 0)
		return left[MAX(to, 0)];
	return from >= 4 ? "▐" : "█";
}

void canvas_bar(struct canvas *c, int y, int x, int columns, int from, int to, bool track,
		enum tui_style style)
{
	int begin = MAX(MIN(from, 1000), 0) * columns * 8 / 1000,
	    end = MAX(MIN(to, 1000), 0) * columns * 8 / 1000;
	const char *empty = track ? "░" : " ";

	/* What is there at all shall be seen. */
	if (to > from && end - begin < 1)
		end = begin + 1;
	for (int i = 0; i < columns; i++) {
		int a = begin - i * 8, b = end - i * 8;
		const char *glyph =
			b > 0 && a < 8 && end > begin ? block(canvas_glyphs(c), a, MIN(b, 8)) : NULL;

		canvas_text(c, y, x + i, glyph ? style : STYLE_DIM, glyph ? glyph : empty);
	}
}

void canvas_scrollbar(struct canvas *c, int y, int x, int rows, size_t first, size_t shown, size_t total)
{
	int size, at;

	if (total <= shown || rows <= 0)
		return;
	size = MAX((int)((double)rows * (double)shown / (double)total), 1);
	at = (int)((double)(rows - size) * (double)first / (double)(total - shown) + 0.5);
	for (int i = at; i < at + size; i++)
		canvas_text(c, y + i, x, STYLE_DIM, "▐");
}

void canvas_cursor(struct canvas *c, int y, int x)
{
	if (!c->tui || y < 0 || y >= c->rows || x < 0 || x >= c->columns)
		return;
	c->tui->cursor_y = c->y + y;
	c->tui->cursor_x = c->x + x;
}
