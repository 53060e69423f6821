/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stack of screens: who is drawn, who gets an event, and when a closed one is freed. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "tui/private.h"
#include "util/i18n.h"

static struct tui_screen *top(struct tui *t)
{
	return t->n_screens ? &t->screens[t->n_screens - 1] : NULL;
}

bool screens_too_small(const struct tui *t)
{
	return t->rows < TUI_MIN_ROWS || t->columns < TUI_MIN_COLUMNS;
}

static const struct keymap *keys_now(const struct tui_screen *s)
{
	return s->ops->keys_now ? s->ops->keys_now(s->self) : s->ops->keys;
}

/* ---- the stack --------------------------------------------------------------------------------------------- */

/* Room for one more in both lists, so that closing never fails. */
static int reserve(struct tui *t)
{
	struct tui_screen *v = reallocarray(t->screens, t->n_screens + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	t->screens = v;
	v = reallocarray(t->closed, t->n_closed + t->n_screens + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	t->closed = v;
	return 0;
}

int tui_push(struct tui *t, const struct screen_ops *ops, void *argument)
{
	void *self = NULL;
	int r;

	if (ops->open) {
		r = ops->open(t, argument, &self);
		if (r < 0)
			return r;
	}
	r = reserve(t);
	if (r < 0) {
		if (ops->close)
			ops->close(self);
		return r;
	}
	for (size_t i = 0; i < t->n_screens; i++)
		t->screens[i].covered = true;
	t->screens[t->n_screens++] = (struct tui_screen){ .ops = ops, .self = self };
	t->quit = false;
	t->dirty = true;
	return 0;
}

void tui_pop(struct tui *t)
{
	if (t->n_screens == 0)
		return;
	t->closed[t->n_closed++] = t->screens[--t->n_screens];
	t->quit = t->n_screens == 0;
	t->dirty = true;
}

int tui_replace(struct tui *t, const struct screen_ops *ops, void *argument)
{
	struct tui_screen old;
	int r = tui_push(t, ops, argument);

	if (r < 0 || t->n_screens < 2)
		return r;
	old = t->screens[t->n_screens - 2];
	t->screens[t->n_screens - 2] = t->screens[t->n_screens - 1];
	t->screens[t->n_screens - 1] = old;
	tui_pop(t);
	return 0;
}

void tui_quit(struct tui *t)
{
	while (t->n_screens)
		tui_pop(t);
	t->quit = true;
}

void screens_sweep(struct tui *t)
{
	/* close() may close others, too. */
	while (t->n_closed) {
		struct tui_screen s = t->closed[--t->n_closed];

		if (s.ops->close)
			s.ops->close(s.self);
	}
	if (top(t) && top(t)->covered) {
		struct tui_screen *s = top(t);

		s->covered = false;
		if (s->ops->shown)
			s->ops->shown(s->self);
	}
}

void screens_close(struct tui *t)
{
	tui_quit(t);
	screens_sweep(t);
	free(t->screens);
	free(t->closed);
	t->screens = t->closed = NULL;
}

/* ---- drawing ----------------------------------------------------------------------------------------------- */

void tui_notice(struct tui *t, enum tui_style style, const char *fmt, ...)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	strbuf_vaddf(&b, fmt, ap);
	va_end(ap);
	free(t->notice);
	t->notice = NULL;
	if (strbuf_take(&b, &t->notice, NULL) < 0)
		t->notice = NULL;
	t->notice_style = style;
	t->dirty = true;
}

static void draw_too_small(struct tui *t, struct canvas *c)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_addf(&b, _("This terminal is %dx%d; muster wants %dx%d or more."), t->columns, t->rows,
		    TUI_MIN_COLUMNS, TUI_MIN_ROWS);
	if (!b.failed)
		canvas_wrap(c, 0, 0, c->columns, 0, STYLE_NORMAL, b.data);
}

/* What works in every box; libdialog takes the keys. */
static const struct keymap_entry box_entries[] = {
	{ 0, TK_TAB, TK_NONE, N_("next"), "", KEYMAP_BAR },
	{ 1, TK_ENTER, TK_NONE, N_("press"), "", KEYMAP_BAR },
	{ 2, TK_ESC, TK_NONE, N_("cancel"), "", KEYMAP_BAR },
};
static const struct keymap box_keys = KEYMAP("", box_entries);

/* Draws all of the topmost screen; the bottom line as its own. */
static void draw(struct tui *t, struct canvas *c)
{
	struct canvas body = canvas_sub(c, 0, 0, c->rows - 1, c->columns);
	struct tui_screen *s = top(t);

	t->bar.n = 0;
	if (screens_too_small(t)) {
		draw_too_small(t, c);
		return;
	}
	if (!s)
		return;
	s->covered = false;
	s->ops->draw(s->self, &body);
	if (t->box)
		keymap_draw_bar(&box_keys, NULL, NULL, c, c->rows - 1, &t->bar);
	else if (t->notice)
		canvas_cell(c, c->rows - 1, 1, c->columns - 2, false, t->notice_style, t->notice);
	else if (keys_now(s))
		keymap_draw_bar(keys_now(s), s->ops->enabled, s->self, c, c->rows - 1, &t->bar);
}

void screens_draw(struct tui *t)
{
	screens_paint(t);
	term_send();
}

void screens_paint(struct tui *t)
{
	struct canvas c = { .tui = t, .rows = t->rows, .columns = t->columns };

	t->dirty = false;
	term_begin(t);
	draw(t, &c);
	term_end(t);
}

/* ---- events ------------------------------------------------------------------------------------------------ */

/* The keys that work everywhere, for screens that do not take them. */
static int common_key(struct tui *t, int key)
{
	switch (key) {
	case TK_CTRL('l'):
		t->redraw_all = true;
		return 0;
	case TK_CTRL('z'):
		term_suspend(t);
		return 0;
	case TK_CTRL('c'):
		t->ending = TUI_END_TERMINATED;
		return 0;
	case TK_FN(1):
		return tui_help(t);
	default:
		return 0;
	}
}

int screens_event(struct tui *t, const struct tui_event *e)
{
	struct tui_event click = *e;
	struct tui_screen s;
	int r = 0, request;

	t->dirty = true;
	if (e->type == TUI_KEY || e->mouse == TUI_MOUSE_CLICK) {
		free(t->notice);
		t->notice = NULL;
	}
	/* What is not seen is not worked on. */
	if (!top(t) || screens_too_small(t))
		return e->type == TUI_KEY && e->key != TK_FN(1) ? common_key(t, e->key) : 0;
	s = *top(t);
	if (e->type == TUI_MOUSE && e->mouse == TUI_MOUSE_CLICK && e->y == t->rows - 1) {
		click = (struct tui_event){ .type = TUI_KEY, .key = keymap_bar_key(&t->bar, e->x) };
		if (click.key == TK_NONE)
			return 0;
	}
	if (s.ops->event)
		r = s.ops->event(s.self, &click);
	if (r != 0 || click.type != TUI_KEY)
		return MIN(r, 0);
	request = keys_now(&s) ? keymap_find(keys_now(&s), click.key, s.ops->enabled, s.self) : -1;
	if (request < 0 || !s.ops->key)
		return common_key(t, click.key);
	return s.ops->key(s.self, request);
}
