/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tui/keymap.h"

#include <string.h>

#include "util/i18n.h"
#include "util/strbuf.h"
#include "util/text.h"

int keymap_find(const struct keymap *m, int key, keymap_enabled *enabled, void *self)
{
	for (; m && key != TK_NONE; m = m->also)
		for (size_t i = 0; i < m->n; i++) {
			const struct keymap_entry *e = &m->entries[i];

			if ((e->key == key || e->alternative == key) &&
			    (!enabled || enabled(self, e->request)))
				return e->request;
		}
	return -1;
}

const char *keymap_key_name(int key, enum tui_glyphs glyphs, char buf[16])
{
	static const struct {
		int key;
		const char *name, *ascii;
	} names[] = {
		{ TK_TAB, "Tab", NULL },
		{ TK_ENTER, "Enter", NULL },
		{ TK_ESC, "Esc", NULL },
		{ TK_SPACE, "Space", NULL },
		{ TK_UP, "↑", "Up" },
		{ TK_DOWN, "↓", "Down" },
		{ TK_LEFT, "←", "Left" },
		{ TK_RIGHT, "→", "Right" },
		{ TK_SHIFT_UP, "Shift-↑", "Shift-Up" },
		{ TK_SHIFT_DOWN, "Shift-↓", "Shift-Down" },
		{ TK_BACKTAB, "Shift-Tab", NULL },
		{ TK_PAGE_UP, "PgUp", NULL },
		{ TK_PAGE_DOWN, "PgDn", NULL },
		{ TK_HOME, "Home", NULL },
		{ TK_END, "End", NULL },
		{ TK_BACKSPACE, "Backspace", NULL },
		{ TK_DELETE, "Del", NULL },
		{ TK_INSERT, "Ins", NULL },
	};
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].key == key)
			return glyphs == GLYPHS_ASCII && names[i].ascii ? names[i].ascii : names[i].name;
	if (key > TK_FUNCTION && key <= TK_LAST)
		snprintf(buf, 16, "F%d", key - TK_FUNCTION);
	else if (key > 0 && key < 0x20)
		snprintf(buf, 16, "^%c", key + 0x40);
	else if (key > 0 && key < TK_FIRST)
		text_encode(&b, (uint32_t)key);
	else
		return "";
	if (b.data)
		snprintf(buf, 16, "%s", b.data);
	return buf;
}

/* Draws one key with its name, when there is room for it. False: there is none. */
static bool draw_entry(const struct keymap_entry *e, struct canvas *c, int y, int *x, struct keymap_bar *bar)
{
	const char *key, *brief = i18n(e->brief);
	int width, from = *x;
	char buf[16];

	key = keymap_key_name(e->key, canvas_glyphs(c), buf);
	width = canvas_width(c, key) + 1 + canvas_width(c, brief);
	if (from + width > c->columns - 1 || bar->n >= KEYMAP_SPOTS)
		return false;
	*x = canvas_text(c, y, from, STYLE_KEY, key);
	*x = canvas_text(c, y, *x + 1, STYLE_BAR, brief);
	bar->spots[bar->n].from = from;
	bar->spots[bar->n].to = *x;
	bar->spots[bar->n++].key = e->key;
	*x += 2;
	return true;
}

void keymap_draw_bar(const struct keymap *m, keymap_enabled *enabled, void *self, struct canvas *c, int y,
		     struct keymap_bar *ret)
{
	int x = 1;

	ret->n = 0;
	for (; m; m = m->also)
		for (size_t i = 0; i < m->n; i++) {
			const struct keymap_entry *e = &m->entries[i];

			if (!(e->flags & KEYMAP_BAR) || (enabled && !enabled(self, e->request)))
				continue;
			if (!draw_entry(e, c, y, &x, ret))
				return;
		}
}

int keymap_bar_key(const struct keymap_bar *bar, int x)
{
	for (int i = 0; i < bar->n; i++)
		if (x >= bar->spots[i].from && x < bar->spots[i].to)
			return bar->spots[i].key;
	return TK_NONE;
}
