/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The help of a screen: its paragraphs, and all of its keys, from the very table that the keys run on. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tui/pager.h"
#include "tui/private.h"
#include "util/i18n.h"
#include "util/text.h"

#define TEXT_COLUMNS 74
#define KEY_COLUMNS 22

#define HELP_KEYS(X) X(HELP_CLOSE, TK_ESC, 'q', N_("close"), N_("Close the help"), KEYMAP_BAR)

enum help_request { HELP_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry help_entries[] = { HELP_KEYS(KEYMAP_ENTRY) };
static const struct keymap help_keys = KEYMAP_WITH(N_("In the help"), help_entries, tui_pager_keys);

/* Those of tui/screens.c. */
static const struct keymap_entry common_entries[] = {
	{ 0, TK_FN(1), TK_NONE, "", N_("This help"), 0 },
	{ 1, TK_CTRL('l'), TK_NONE, "", N_("Draw everything anew"), 0 },
	{ 2, TK_CTRL('z'), TK_NONE, "", N_("To the shell; fg comes back"), 0 },
	{ 3, TK_CTRL('c'), TK_NONE, "", N_("End the program"), 0 },
};
static const struct keymap common_keys = KEYMAP(N_("Everywhere"), common_entries);

struct help {
	struct tui *tui;
	const char *title;
	struct tui_pager *pager;
};

static int add_paragraphs(struct tui_pager *p, const char *text)
{
	const char *next = NULL;
	int r = 0;

	for (const char *at = text; at && r == 0; at = next) {
		size_t len = text_wrap(true, at, TEXT_COLUMNS, &next);

		r = tui_pager_addf(p, STYLE_NORMAL, "  %.*s", (int)len, at);
	}
	return r < 0 ? r : tui_pager_add(p, STYLE_NORMAL, "");
}

/* Fills up to a width in columns, which printf(3) counts in bytes. */
static void pad(struct strbuf *b, int columns)
{
	for (int n = columns - text_width(true, b->data ? b->data : ""); n > 0; n--)
		strbuf_addc(b, ' ');
}

static int add_keys(struct tui_pager *p, enum tui_glyphs glyphs, const struct keymap *m)
{
	int r = tui_pager_addf(p, STYLE_TITLE, " %s", i18n(m->title));

	for (size_t i = 0; i < m->n && r == 0; i++) {
		const struct keymap_entry *e = &m->entries[i];
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
		char buf[16];

		strbuf_addf(&b, "   %s", keymap_key_name(e->key, glyphs, buf));
		if (e->alternative)
			strbuf_addf(&b, ", %s", keymap_key_name(e->alternative, glyphs, buf));
		pad(&b, KEY_COLUMNS);
		strbuf_addf(&b, "%s", i18n(e->help));
		r = b.failed ? -ENOMEM : tui_pager_add(p, STYLE_NORMAL, b.data);
	}
	return r < 0 ? r : tui_pager_add(p, STYLE_NORMAL, "");
}

static int fill(struct help *h, enum tui_glyphs glyphs, const struct screen_ops *of,
		const struct keymap *keys)
{
	int r = of->help && *of->help ? add_paragraphs(h->pager, i18n(of->help)) : 0;

	for (; keys && r == 0; keys = keys->also)
		r = add_keys(h->pager, glyphs, keys);
	return r < 0 ? r : add_keys(h->pager, glyphs, &common_keys);
}

static int help_open(struct tui *t, void *argument, void **ret)
{
	const struct tui_screen *of = argument;
	struct help *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	h->tui = t;
	h->title = of->ops->title;
	r = tui_pager_new(&h->pager);
	if (r == 0)
		r = fill(h, t->glyphs, of->ops, of->ops->keys);
	if (r < 0) {
		tui_pager_free(h->pager);
		free(h);
		return r;
	}
	*ret = h;
	return 0;
}

static void help_close(void *self)
{
	struct help *h = self;

	tui_pager_free(h->pager);
	free(h);
}

static void help_draw(void *self, struct canvas *c)
{
	struct help *h = self;
	struct canvas body = canvas_sub(c, 2, 1, c->rows - 2, c->columns - 1);

	canvas_textf(c, 0, 1, STYLE_TITLE, _("Help: %s"), i18n(h->title));
	tui_pager_draw(h->pager, &body);
}

static int help_event(void *self, const struct tui_event *e)
{
	struct help *h = self;

	return tui_pager_event(h->pager, e);
}

static const struct keymap *help_keys_now(void *self)
{
	struct help *h = self;

	return tui_pager_keys_now(h->pager, &help_keys);
}

static bool help_enabled(void *self, int request)
{
	struct help *h = self;

	return request == HELP_CLOSE || tui_pager_enabled(h->pager, request);
}

static int help_key(void *self, int request)
{
	struct help *h = self;

	if (request == HELP_CLOSE)
		tui_pop(h->tui);
	else
		tui_pager_key(h->pager, request);
	return 0;
}

static const struct screen_ops help_screen = {
	.name = "help",
	.title = N_("the help itself"),
	.keys = &help_keys,
	.keys_now = help_keys_now,
	.enabled = help_enabled,
	.open = help_open,
	.close = help_close,
	.draw = help_draw,
	.event = help_event,
	.key = help_key,
};

int tui_help(struct tui *t)
{
	struct tui_screen of;

	/* No help about the help. */
	if (t->n_screens == 0 || t->screens[t->n_screens - 1].ops == &help_screen)
		return 0;
	of = t->screens[t->n_screens - 1];
	return tui_push(t, &help_screen, &of);
}
