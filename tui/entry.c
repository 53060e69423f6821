/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tui/entry.h"

#include <string.h>

#include "util/text.h"

void entry_free(struct entry *e)
{
	if (e->text.data)
		explicit_bzero(e->text.data, e->text.size);
	strbuf_free(&e->text);
	e->at = 0;
}

const char *entry_text(const struct entry *e)
{
	return e->text.data ? e->text.data : "";
}

/* Puts `text` in place of `cut` bytes at the cursor. */
static bool splice(struct entry *e, size_t cut, const char *text, size_t len)
{
	size_t limit = e->limit ? e->limit : ENTRY_LIMIT;
	struct strbuf b = STRBUF_INIT;

	if (e->text.len - cut + len > limit)
		return false;
	strbuf_add(&b, entry_text(e), e->at);
	strbuf_add(&b, text, len);
	strbuf_adds(&b, entry_text(e) + e->at + cut);
	if (b.failed) {
		strbuf_free(&b);
		return false;
	}
	/* It may be a secret. */
	if (e->text.data)
		explicit_bzero(e->text.data, e->text.size);
	strbuf_free(&e->text);
	e->text = b;
	e->at += len;
	return true;
}

void entry_set(struct entry *e, const char *text)
{
	e->at = 0;
	splice(e, e->text.len, text, strlen(text));
}

static size_t before(const struct entry *e)
{
	const char *text = entry_text(e);

	return (size_t)(text_before(true, text, text + e->at) - text);
}

static size_t after(const struct entry *e)
{
	int columns;

	return e->at < e->text.len ? e->at + text_character(true, e->text.data + e->at, &columns) : e->at;
}

/* Removes from `from` to the cursor. */
static int remove_before(struct entry *e, size_t from)
{
	size_t cut = e->at - from;

	if (cut == 0)
		return 2;
	e->at = from;
	splice(e, cut, "", 0);
	return 1;
}

static size_t word_before(const struct entry *e)
{
	size_t i = e->at;

	while (i > 0 && e->text.data[i - 1] == ' ')
		i--;
	while (i > 0 && e->text.data[i - 1] != ' ')
		i--;
	return i;
}

static int insert(struct entry *e, int key)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	text_encode(&b, (uint32_t)key);
	return b.data && splice(e, 0, b.data, b.len) ? 1 : 2;
}

static int edit(struct entry *e, int key)
{
	switch (key) {
	case TK_LEFT:
		e->at = before(e);
		return 2;
	case TK_RIGHT:
		e->at = after(e);
		return 2;
	case TK_HOME:
	case TK_CTRL('a'):
		e->at = 0;
		return 2;
	case TK_END:
	case TK_CTRL('e'):
		e->at = e->text.len;
		return 2;
	case TK_BACKSPACE:
		return remove_before(e, before(e));
	case TK_CTRL('u'):
		return remove_before(e, 0);
	case TK_CTRL('w'):
		return remove_before(e, word_before(e));
	case TK_DELETE:
		return after(e) > e->at && splice(e, after(e) - e->at, "", 0) ? 1 : 2;
	case TK_CTRL('k'):
		return e->text.len > e->at && splice(e, e->text.len - e->at, "", 0) ? 1 : 2;
	default:
		return key < TK_FIRST && key > 0 && text_is_harmless((uint32_t)key, true) ? insert(e, key)
											  : 0;
	}
}

int entry_event(struct entry *e, const struct tui_event *event)
{
	if (event->type == TUI_PASTE)
		return splice(e, 0, event->text, strcspn(event->text, "\n")) ? 1 : 2;
	return event->type == TUI_KEY ? edit(e, event->key) : 0;
}

void entry_draw(const struct entry *e, struct canvas *c, int y, int x, int columns, enum tui_style style,
		bool focus, bool secret)
{
	struct canvas line = canvas_sub(c, y, x, 1, columns);
	_cleanup_strbuf_ struct strbuf stars = STRBUF_INIT;
	const char *text = entry_text(e), *p = text;
	int shift, at = 0, w;

	if (secret) {
		for (size_t len; *p; p += len) {
			len = text_character(true, p, &w);
			at += p < text + e->at;
			strbuf_addc(&stars, '*');
		}
		text = stars.data ? stars.data : "";
	} else {
		_cleanup_free_ char *head = strndup(text, e->at);

		at = head ? canvas_width(&line, head) : 0;
	}
	shift = focus ? MAX(at - columns + 1, 0) : 0;
	canvas_fill(&line, 0, 0, 1, columns, style);
	canvas_text(&line, 0, -shift, style, text);
	if (focus)
		canvas_cursor(&line, 0, at - shift);
}
