/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tui/pager.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "tui/entry.h"

#define SIDEWAYS 8

static const struct keymap_entry entries[] = { TUI_PAGER_KEYS(KEYMAP_ENTRY) };
const struct keymap tui_pager_keys = KEYMAP(N_("In the text"), entries);

static const struct keymap_entry typing_entries[] = {
	{ PAGER_SEARCH, TK_ENTER, TK_NONE, N_("search"), N_("Search for what is typed"), KEYMAP_BAR },
	{ PAGER_SEARCH, TK_ESC, TK_NONE, N_("leave it"), N_("Do not search"), KEYMAP_BAR },
};
static const struct keymap typing_keys = KEYMAP(N_("While the search is typed"), typing_entries);

struct line {
	char *text;
	enum tui_style style;
};

struct tui_pager {
	struct line *lines; /* a ring once it is full */
	size_t n, size, begin;
	size_t first; /* the topmost that is seen */
	int left;     /* columns that are scrolled away */
	bool follow, typing, missed;
	struct entry search;
	size_t found; /* SIZE_MAX: none */

	struct canvas drawn; /* the last time */
};

int tui_pager_new(struct tui_pager **ret)
{
	struct tui_pager *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->found = SIZE_MAX;
	*ret = p;
	return 0;
}

void tui_pager_clear(struct tui_pager *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->lines[(p->begin + i) % p->size].text);
	p->n = p->begin = p->first = 0;
	p->left = 0;
	p->found = SIZE_MAX;
}

void tui_pager_free(struct tui_pager *p)
{
	if (!p)
		return;
	tui_pager_clear(p);
	free(p->lines);
	entry_free(&p->search);
	free(p);
}

static struct line *line_at(const struct tui_pager *p, size_t i)
{
	return &p->lines[(p->begin + i) % p->size];
}

size_t tui_pager_lines(const struct tui_pager *p)
{
	return p->n;
}

/* ---- text -------------------------------------------------------------------------------------------------- */

static int grow(struct tui_pager *p)
{
	size_t size = p->size ? MIN(p->size * 2, (size_t)TUI_PAGER_LINES) : 64;
	struct line *v;

	if (p->n < p->size)
		return 0;
	if (p->size == TUI_PAGER_LINES) {
		/* The oldest goes, and all others come one nearer to the beginning. */
		free(line_at(p, 0)->text);
		p->begin = (p->begin + 1) % p->size;
		p->n--;
		p->first -= p->first > 0;
		p->found = p->found == SIZE_MAX || p->found == 0 ? SIZE_MAX : p->found - 1;
		return 0;
	}
	v = reallocarray(p->lines, size, sizeof(*v));
	if (!v)
		return -ENOMEM;
	p->lines = v;
	p->size = size;
	return 0;
}

static int add_line(struct tui_pager *p, enum tui_style style, const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (!copy || grow(p) < 0) {
		free(copy);
		return -ENOMEM;
	}
	*line_at(p, p->n++) = (struct line){ .text = copy, .style = style };
	return 0;
}

int tui_pager_add(struct tui_pager *p, enum tui_style style, const char *text)
{
	do {
		size_t len = strcspn(text, "\n");
		int r = add_line(p, style, text, len);

		if (r < 0)
			return r;
		text += len + (text[len] == '\n');
	} while (*text);
	return 0;
}

int tui_pager_addf(struct tui_pager *p, enum tui_style style, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return tui_pager_add(p, style, text);
}

static enum tui_style diff_style(const char *line)
{
	if (strncmp(line, "+++", 3) == 0 || strncmp(line, "---", 3) == 0)
		return STYLE_TITLE;
	return *line == '+'   ? STYLE_DIFF_ADD
	       : *line == '-' ? STYLE_DIFF_DELETE
	       : *line == '@' ? STYLE_DIFF_HUNK
			      : STYLE_NORMAL;
}

int tui_pager_add_diff(struct tui_pager *p, const char *diff)
{
	while (*diff) {
		size_t len = strcspn(diff, "\n");
		int r = add_line(p, diff_style(diff), diff, len);

		if (r < 0)
			return r;
		diff += len + (diff[len] == '\n');
	}
	return 0;
}

void tui_pager_follow(struct tui_pager *p, bool on)
{
	p->follow = on;
}

/* ---- moving and searching ---------------------------------------------------------------------------------- */

static size_t page(const struct tui_pager *p)
{
	return (size_t)MAX(p->drawn.rows, 1);
}

static size_t last_first(const struct tui_pager *p)
{
	return p->n > page(p) ? p->n - page(p) : 0;
}

static void go_to(struct tui_pager *p, size_t first)
{
	p->first = MIN(first, last_first(p));
	p->follow = p->follow && p->first == last_first(p);
}

/* Goes on from the line that was found last, or from the top of the window, once around. */
static void search(struct tui_pager *p, bool back)
{
	size_t from = p->found < p->n ? p->found : back ? p->first : p->first + p->n - 1;

	p->missed = true;
	for (size_t i = 1; i <= p->n && p->search.text.len; i++) {
		size_t at = (back ? from + p->n - i : from + i) % p->n;

		if (!strcasestr(line_at(p, at)->text, entry_text(&p->search)))
			continue;
		p->found = at;
		p->missed = false;
		if (at < p->first || at >= p->first + page(p))
			go_to(p, at > page(p) / 3 ? at - page(p) / 3 : 0);
		return;
	}
	p->found = SIZE_MAX;
}

int tui_pager_event(struct tui_pager *p, const struct tui_event *e)
{
	if (e->type == TUI_MOUSE) {
		if (e->mouse == TUI_MOUSE_CLICK)
			return 0;
		go_to(p,
		      e->mouse == TUI_MOUSE_WHEEL_DOWN ? p->first + 3 : p->first - MIN(p->first, (size_t)3));
		return 1;
	}
	if (!p->typing)
		return 0;
	if (e->type == TUI_KEY && (e->key == TK_ENTER || e->key == TK_ESC)) {
		p->typing = false;
		p->found = SIZE_MAX;
		if (e->key == TK_ESC)
			entry_set(&p->search, "");
		else
			search(p, false);
		return 1;
	}
	return entry_event(&p->search, e) > 0;
}

bool tui_pager_key(struct tui_pager *p, int request)
{
	size_t most = page(p) > 1 ? page(p) - 1 : 1;

	switch (request) {
	case PAGER_UP:
		go_to(p, p->first - MIN(p->first, (size_t)1));
		return true;
	case PAGER_DOWN:
		go_to(p, p->first + 1);
		return true;
	case PAGER_PAGE_UP:
		go_to(p, p->first - MIN(p->first, most));
		return true;
	case PAGER_PAGE_DOWN:
		go_to(p, p->first + most);
		return true;
	case PAGER_HOME:
		go_to(p, 0);
		return true;
	case PAGER_END:
		p->follow = true;
		return true;
	case PAGER_LEFT:
		p->left = MAX(p->left - SIDEWAYS, 0);
		return true;
	case PAGER_RIGHT:
		p->left += SIDEWAYS;
		return true;
	case PAGER_SEARCH:
		p->typing = true;
		p->missed = false;
		entry_set(&p->search, "");
		return true;
	case PAGER_NEXT:
	case PAGER_PREVIOUS:
		search(p, request == PAGER_PREVIOUS);
		return true;
	default:
		return false;
	}
}

bool tui_pager_enabled(const struct tui_pager *p, int request)
{
	if (request == PAGER_NEXT || request == PAGER_PREVIOUS)
		return p->search.text.len > 0;
	return request > PAGER_BEFORE && request < PAGER_REQUESTS_END;
}

const struct keymap *tui_pager_keys_now(const struct tui_pager *p, const struct keymap *keys)
{
	return p->typing ? &typing_keys : keys;
}

/* ---- drawing ----------------------------------------------------------------------------------------------- */

/* Shows where the search has struck: the line as it is, then each place over it. */
static void draw_line(const struct tui_pager *p, struct canvas *c, int y, size_t i)
{
	const struct line *l = line_at(p, i);
	const char *wanted = entry_text(&p->search);

	canvas_text(c, y, -p->left, l->style, l->text);
	for (const char *at = l->text; *wanted && !p->typing && (at = strcasestr(at, wanted));
	     at += strlen(wanted)) {
		_cleanup_free_ char *head = strndup(l->text, (size_t)(at - l->text));

		if (head)
			canvas_textn(c, y, canvas_width(c, head) - p->left,
				     i == p->found ? STYLE_SELECTED : STYLE_ACCENT, at, strlen(wanted));
	}
	if (canvas_width(c, l->text) - p->left > c->columns)
		canvas_text(c, y, c->columns - 1, STYLE_DIM, ">");
}

static int widest(const struct tui_pager *p, const struct canvas *c)
{
	int width = 0;

	for (size_t i = p->first; i < p->n && i < p->first + page(p); i++)
		width = MAX(width, canvas_width(c, line_at(p, i)->text));
	return width;
}

void tui_pager_draw(struct tui_pager *p, struct canvas *c)
{
	bool line = p->typing || *entry_text(&p->search);
	struct canvas text = canvas_sub(c, 0, 0, c->rows - line, c->columns - 1);

	p->drawn = text;
	if (p->follow || p->first > last_first(p))
		p->first = last_first(p);
	p->left = MIN(p->left, MAX(widest(p, &text) - text.columns, 0));
	for (size_t i = p->first; i < p->n && i < p->first + page(p); i++)
		draw_line(p, &text, (int)(i - p->first), i);
	canvas_scrollbar(c, 0, c->columns - 1, text.rows, p->first, page(p), p->n);
	if (!line)
		return;
	canvas_text(c, c->rows - 1, 1, STYLE_KEY, "/");
	entry_draw(&p->search, c, c->rows - 1, 2, MIN(c->columns - 24, 60), STYLE_FIELD, p->typing, false);
	if (p->missed && !p->typing)
		canvas_right(c, c->rows - 1, c->columns - 1, STYLE_DIM, _("no line has it"));
}
