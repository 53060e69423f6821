/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Steps that are forms: their values come from the draft and go back to it, and the plan's own rules check them. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"

/* ---- between the form and the draft ---------------------------------------------------------------------------- */

static char **text_at(const struct page *p, const struct page_bind *b)
{
	return (char **)(void *)((char *)p->wizard->draft + b->offset);
}

static struct strv *list_at(const struct page *p, const struct page_bind *b)
{
	return (struct strv *)(void *)((char *)p->wizard->draft + b->offset);
}

static const struct tui_field *field_of(const struct page *p, int id)
{
	for (size_t i = 0; i < p->ops->n_fields; i++)
		if (p->ops->fields[i].id == id)
			return &p->ops->fields[i];
	return NULL;
}

static void show_value(struct page *p, const struct page_bind *b)
{
	const struct tui_field *f = field_of(p, b->id);
	const struct strv *list = list_at(p, b);
	const char *text = b->list ? "" : *text_at(p, b);

	if (b->list) {
		tui_form_set_lines(p->form, b->id, list->v, list->n);
		return;
	}
	switch (f ? f->kind : FIELD_NOTE) {
	case FIELD_NUMBER:
		tui_form_set_number(p->form, b->id, strtol(text, NULL, 10));
		break;
	case FIELD_TOGGLE:
		tui_form_set_toggle(p->form, b->id, strcmp(text, "true") == 0);
		break;
	case FIELD_CHOICE:
		for (size_t i = 0; i < f->n_choices; i++)
			if (strcmp(b->words[i], text) == 0)
				tui_form_set_choice(p->form, b->id, i);
		break;
	default:
		tui_form_set_text(p->form, b->id, text);
		break;
	}
}

static int take_list(struct page *p, const struct page_bind *b)
{
	struct strv lines = STRV_INIT;
	int r = tui_form_lines(p->form, b->id, &lines);

	if (r < 0) {
		strv_free(&lines);
		return r;
	}
	strv_free(list_at(p, b));
	*list_at(p, b) = lines;
	return 0;
}

static int take_nothing(struct page *p, const struct page_bind *b)
{
	if (!b->list)
		return draft_set(text_at(p, b), "");
	strv_free(list_at(p, b));
	*list_at(p, b) = (struct strv)STRV_INIT;
	return 0;
}

static int take_value(struct page *p, const struct page_bind *b)
{
	const struct tui_field *f = field_of(p, b->id);

	if (p->ops->counts && !p->ops->counts(p, b->id))
		return take_nothing(p, b);
	if (b->list)
		return take_list(p, b);
	switch (f ? f->kind : FIELD_NOTE) {
	case FIELD_NOTE:
		return 0;
	case FIELD_NUMBER:
		/* As it was typed: what is no number is told, and not turned into another. */
		return draft_set(text_at(p, b), tui_form_text(p->form, b->id));
	case FIELD_TOGGLE:
		return draft_set(text_at(p, b), tui_form_toggle(p->form, b->id) ? "true" : "false");
	case FIELD_CHOICE:
		return draft_set(text_at(p, b), b->words[tui_form_choice(p->form, b->id)]);
	default:
		return draft_set(text_at(p, b), tui_form_text(p->form, b->id));
	}
}

int page_take(struct page *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->ops->n_binds; i++)
		r = take_value(p, &p->ops->binds[i]);
	return r;
}

void page_show(struct page *p)
{
	for (size_t i = 0; i < p->ops->n_binds; i++)
		show_value(p, &p->ops->binds[i]);
	if (p->ops->update)
		p->ops->update(p);
}

/* ---- checks ------------------------------------------------------------------------------------------------------- */

static const struct page_bind *bind_of(const struct page *p, int id)
{
	for (size_t i = 0; i < p->ops->n_binds; i++)
		if (p->ops->binds[i].id == id)
			return &p->ops->binds[i];
	return NULL;
}

/* The first mistake that the plan finds in this value. */
static void check_bound(struct page *p, const struct page_bind *b, struct strbuf *wrong)
{
	struct wizard *w = p->wizard;
	struct draft_mistake *v = NULL;
	size_t n = 0;

	if (page_take(p) < 0 || muster_draft_check(w->muster, w->draft, w->path, &v, &n, NULL) < 0)
		return;
	for (size_t i = 0; i < n && wrong->len == 0; i++)
		if (strcmp(v[i].section, b->section) == 0 && strcmp(v[i].key, b->key) == 0)
			strbuf_adds(wrong, v[i].text);
	muster_draft_mistakes_free(v, n);
}

static void check(void *data, int id, struct strbuf *wrong)
{
	struct page *p = data;
	const struct page_bind *b = bind_of(p, id);

	if (b)
		check_bound(p, b, wrong);
	if (wrong->len == 0 && p->ops->check)
		p->ops->check(p, id, wrong);
}

static void changed(void *data, int id)
{
	struct page *p = data;

	p->wizard->saved = false;
	if (page_take(p) == 0 && p->ops->update)
		p->ops->update(p);
}

static void pressed(void *data, int id, size_t button)
{
	struct page *p = data;

	if (p->ops->pressed)
		p->error = p->ops->pressed(p, id, button);
}

static const struct tui_form_ops form_ops = {
	.check = check,
	.changed = changed,
	.pressed = pressed,
};

/* ---- the screen ---------------------------------------------------------------------------------------------------- */

int page_open(struct wizard *w, const struct page_ops *ops, void **ret)
{
	struct page *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->wizard = w;
	p->ops = ops;
	r = tui_form_new(ops->fields, ops->n_fields, &form_ops, p, &p->form);
	if (r < 0) {
		free(p);
		return r;
	}
	page_show(p);
	*ret = p;
	return 0;
}

void page_close(void *self)
{
	struct page *p = self;

	tui_form_free(p->form);
	free(p->data);
	free(p);
}

void page_draw(void *self, struct canvas *c)
{
	struct page *p = self;
	struct canvas in = frame_draw(p->wizard, c);

	tui_form_draw(p->form, &in);
}

bool page_enabled(void *self, int request)
{
	const struct page *p = self;

	return request > FRAME_BEFORE && request < FRAME_REQUESTS_END ? frame_enabled(p->wizard, request)
								      : tui_form_enabled(p->form, request);
}

int page_event(void *self, const struct tui_event *e)
{
	struct page *p = self;
	int taken = 0;

	/* What leads out of the form is the frame's. */
	if (e->type != TUI_KEY || keymap_find(&frame_keys, e->key, NULL, NULL) < 0)
		taken = tui_form_event(p->form, e);
	return p->error < 0 ? p->error : taken;
}

/* A step is left forwards only when all on it is right. */
static bool leave(void *self)
{
	struct page *p = self;

	return tui_form_check(p->form) && page_take(p) == 0 && frame_save(p->wizard);
}

int page_key(void *self, int request)
{
	struct page *p = self;

	return frame_key(p->wizard, request, leave, p);
}
