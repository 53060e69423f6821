/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The form's values, focus and keys. How it looks is in form-draw.c. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tui/form-private.h"

static const struct keymap_entry entries[] = { TUI_FORM_KEYS(KEYMAP_ENTRY) };
const struct keymap tui_form_keys = KEYMAP(N_("In the fields"), entries);

#define LINES_MAX 10000

/* ---- making ------------------------------------------------------------------------------------------------ */

static bool can_focus(const struct field *v)
{
	return !v->hidden && v->def->kind != FIELD_NOTE;
}

static bool is_entry(const struct field *v)
{
	return v->def->kind == FIELD_TEXT || v->def->kind == FIELD_PASSWORD || v->def->kind == FIELD_NUMBER;
}

static void set_number(struct field *v, long n)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", n);
	entry_set(&v->entry, text);
}

static int set_up(struct field *v, const struct tui_field *def)
{
	*v = (struct field){ .def = def, .note_style = STYLE_NORMAL };
	if (def->kind == FIELD_NUMBER)
		set_number(v, def->min);
	if (def->kind != FIELD_LIST)
		return 0;
	v->lines = calloc(1, sizeof(*v->lines));
	v->n_lines = 1;
	return v->lines ? 0 : -ENOMEM;
}

int tui_form_new(const struct tui_field *fields, size_t n, const struct tui_form_ops *ops, void *data,
		 struct tui_form **ret)
{
	struct tui_form *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->ops = ops;
	f->data = data;
	f->focus = SIZE_MAX;
	f->fields = calloc(MAX(n, (size_t)1), sizeof(*f->fields));
	for (size_t i = 0; f->fields && i < n; i++, f->n++)
		if (set_up(&f->fields[i], &fields[i]) < 0)
			break;
	if (f->n < n) {
		tui_form_free(f);
		return -ENOMEM;
	}
	for (size_t i = n; i-- > 0;)
		if (can_focus(&f->fields[i]))
			f->focus = i;
	*ret = f;
	return 0;
}

static void free_lines(struct field *v)
{
	for (size_t i = 0; v->lines && i < v->n_lines; i++)
		entry_free(&v->lines[i]);
}

void tui_form_free(struct tui_form *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++) {
		struct field *v = &f->fields[i];

		entry_free(&v->entry);
		free_lines(v);
		free(v->lines);
		free(v->hint);
		free(v->wrong);
	}
	free(f->fields);
	free(f);
}

/* ---- values ------------------------------------------------------------------------------------------------ */

static struct field *field_of(const struct tui_form *f, int id)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->fields[i].def->id == id)
			return &f->fields[i];
	return NULL;
}

const char *tui_form_text(const struct tui_form *f, int id)
{
	struct field *v = field_of(f, id);

	return v ? entry_text(&v->entry) : "";
}

static bool read_number(const struct field *v, long *ret)
{
	const char *text = entry_text(&v->entry);
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < v->def->min || n > v->def->max)
		return false;
	*ret = n;
	return true;
}

long tui_form_number(const struct tui_form *f, int id)
{
	struct field *v = field_of(f, id);
	long n = v ? v->def->min : 0;

	return v && read_number(v, &n) ? n : n;
}

bool tui_form_toggle(const struct tui_form *f, int id)
{
	struct field *v = field_of(f, id);

	return v && v->on;
}

size_t tui_form_choice(const struct tui_form *f, int id)
{
	struct field *v = field_of(f, id);

	return v ? v->at : 0;
}

int tui_form_lines(const struct tui_form *f, int id, struct strv *ret)
{
	struct field *v = field_of(f, id);
	int r = 0;

	for (size_t i = 0; v && i < v->n_lines && r == 0; i++)
		if (*entry_text(&v->lines[i]))
			r = strv_add(ret, entry_text(&v->lines[i]));
	return r;
}

void tui_form_set_text(struct tui_form *f, int id, const char *text)
{
	struct field *v = field_of(f, id);

	if (!v)
		return;
	/* What was wrong was said of what stood there. */
	if (v->wrong && strcmp(entry_text(&v->entry), text) != 0)
		free(TAKE_PTR(v->wrong));
	entry_set(&v->entry, text);
}

void tui_form_set_number(struct tui_form *f, int id, long n)
{
	struct field *v = field_of(f, id);

	if (v)
		set_number(v, n);
}

void tui_form_set_toggle(struct tui_form *f, int id, bool on)
{
	struct field *v = field_of(f, id);

	if (v)
		v->on = on;
}

void tui_form_set_choice(struct tui_form *f, int id, size_t n)
{
	struct field *v = field_of(f, id);

	if (v && n < v->def->n_choices)
		v->at = n;
}

void tui_form_set_lines(struct tui_form *f, int id, char *const *lines, size_t n)
{
	struct field *v = field_of(f, id);
	struct entry *fresh = v ? calloc(n + 1, sizeof(*fresh)) : NULL;

	if (!fresh)
		return;
	for (size_t i = 0; i < n; i++)
		entry_set(&fresh[i], lines[i]);
	free_lines(v);
	free(v->lines);
	v->lines = fresh;
	v->n_lines = n + 1;
	v->at = v->first_line = 0;
}

void tui_form_set_hint(struct tui_form *f, int id, const char *hint)
{
	struct field *v = field_of(f, id);

	if (!v)
		return;
	free(v->hint);
	v->hint = hint ? strdup(hint) : NULL;
}

void tui_form_set_note_style(struct tui_form *f, int id, enum tui_style style)
{
	struct field *v = field_of(f, id);

	if (v)
		v->note_style = style;
}

/* ---- checking and focus ------------------------------------------------------------------------------------ */

static void check(struct tui_form *f, struct field *v)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	long n;

	free(v->wrong);
	v->wrong = NULL;
	if (v->hidden)
		return;
	if (v->def->kind == FIELD_NUMBER && !read_number(v, &n))
		strbuf_addf(&b, _("A number from %ld to %ld."), v->def->min, v->def->max);
	else if (f->ops && f->ops->check)
		f->ops->check(f->data, v->def->id, &b);
	if (b.len && strbuf_take(&b, &v->wrong, NULL) < 0)
		v->wrong = NULL;
}

const char *tui_form_wrong(const struct tui_form *f, int id)
{
	struct field *v = field_of(f, id);

	return v && v->wrong ? v->wrong : "";
}

static void changed(struct tui_form *f, struct field *v)
{
	/* What was wrong is not shown longer than it is. */
	if (v->wrong)
		check(f, v);
	if (f->ops && f->ops->changed)
		f->ops->changed(f->data, v->def->id);
}

static void focus_on(struct tui_form *f, size_t i)
{
	if (i == f->focus)
		return;
	if (f->focus < f->n)
		check(f, &f->fields[f->focus]);
	f->focus = i;
}

void tui_form_focus(struct tui_form *f, int id)
{
	struct field *v = field_of(f, id);

	if (v && can_focus(v))
		focus_on(f, (size_t)(v - f->fields));
}

int tui_form_focused(const struct tui_form *f)
{
	return f->focus < f->n ? f->fields[f->focus].def->id : -1;
}

static void move_focus(struct tui_form *f, int step)
{
	size_t i = f->focus;

	for (size_t tries = 0; tries < f->n && f->focus < f->n; tries++) {
		i = step > 0 ? (i + 1) % f->n : (i + f->n - 1) % f->n;
		if (!can_focus(&f->fields[i]))
			continue;
		focus_on(f, i);
		/* Into a row of buttons one comes at its near end. */
		if (f->fields[i].def->kind == FIELD_BUTTONS)
			f->fields[i].at = step > 0 ? 0 : f->fields[i].def->n_choices - 1;
		return;
	}
}

void tui_form_show(struct tui_form *f, int id, bool on)
{
	struct field *v = field_of(f, id);

	if (!v)
		return;
	v->hidden = !on;
	if (f->focus < f->n && f->fields[f->focus].hidden)
		move_focus(f, 1);
	for (size_t i = 0; f->focus == SIZE_MAX && i < f->n; i++)
		if (can_focus(&f->fields[i]))
			f->focus = i;
}

bool tui_form_check(struct tui_form *f)
{
	size_t first = SIZE_MAX;

	for (size_t i = f->n; i-- > 0;) {
		check(f, &f->fields[i]);
		if (f->fields[i].wrong)
			first = i;
	}
	if (first == SIZE_MAX)
		return true;
	if (can_focus(&f->fields[first]))
		f->focus = first;
	return false;
}

/* ---- lists ------------------------------------------------------------------------------------------------- */

static bool insert_line(struct field *v, size_t at)
{
	struct entry *lines;

	if (v->n_lines >= LINES_MAX)
		return false;
	lines = reallocarray(v->lines, v->n_lines + 1, sizeof(*lines));
	if (!lines)
		return false;
	v->lines = lines;
	memmove(lines + at + 1, lines + at, (v->n_lines - at) * sizeof(*lines));
	lines[at] = (struct entry){ .at = 0 };
	v->n_lines++;
	v->at = at;
	return true;
}

static void delete_line(struct field *v)
{
	entry_free(&v->lines[v->at]);
	v->n_lines--;
	memmove(v->lines + v->at, v->lines + v->at + 1, (v->n_lines - v->at) * sizeof(*v->lines));
	if (v->at > 0)
		v->at--;
	v->lines[v->at].at = v->lines[v->at].text.len;
}

/* Each line of a paste becomes one of the list. False: not all of them have room. */
static bool paste_lines(struct field *v, const char *text)
{
	struct tui_event e = { .type = TUI_PASTE };

	while (*text) {
		size_t len = strcspn(text, "\n");

		e.text = text;
		if (len && *entry_text(&v->lines[v->at]) && v->lines[v->at].at == 0 && !insert_line(v, v->at))
			return false;
		if (len)
			entry_event(&v->lines[v->at], &e);
		text += len + (text[len] == '\n');
		if (text[-1] == '\n' && *entry_text(&v->lines[v->at]) && !insert_line(v, v->at + 1))
			return !text[strspn(text, "\n")];
	}
	return true;
}

static void say_full(struct field *v)
{
	char *text;

	if (asprintf(&text, _("There is room for %d lines; those behind them are left out."), LINES_MAX) < 0)
		return;
	free(v->wrong);
	v->wrong = text;
}

static int list_event(struct tui_form *f, struct field *v, const struct tui_event *e)
{
	bool empty = !*entry_text(&v->lines[v->at]);
	int r;

	if (e->type == TUI_PASTE) {
		bool all = paste_lines(v, e->text);

		changed(f, v);
		if (!all)
			say_full(v);
		return 1;
	}
	if (e->key == TK_UP && v->at > 0)
		v->at--;
	else if (e->key == TK_DOWN && v->at + 1 < v->n_lines)
		v->at++;
	else if (e->key == TK_ENTER && !empty)
		insert_line(v, v->at + 1);
	else if (e->key == TK_BACKSPACE && empty && v->n_lines > 1)
		delete_line(v);
	else {
		r = entry_event(&v->lines[v->at], e);
		if (r == 1)
			changed(f, v);
		return r > 0;
	}
	return 1;
}

/* ---- keys -------------------------------------------------------------------------------------------------- */

static int choice_event(struct tui_form *f, struct field *v, int key)
{
	size_t n = v->def->n_choices, to = v->at;

	if ((key == TK_DOWN || key == 'j') && v->at + 1 < n)
		to++;
	else if ((key == TK_UP || key == 'k') && v->at > 0)
		to--;
	else if (key == TK_SPACE && n > 0)
		to = (v->at + 1) % n;
	else
		return 0;
	v->at = to;
	changed(f, v);
	return 1;
}

static int buttons_event(struct tui_form *f, struct field *v, int key)
{
	size_t n = v->def->n_choices;

	if ((key == TK_RIGHT || key == 'l' || key == TK_TAB) && v->at + 1 < n)
		v->at++;
	else if ((key == TK_LEFT || key == 'h' || key == TK_BACKTAB) && v->at > 0)
		v->at--;
	else if ((key == TK_ENTER || key == TK_SPACE) && f->ops && f->ops->pressed)
		f->ops->pressed(f->data, v->def->id, v->at);
	else
		return 0;
	return 1;
}

static int toggle_event(struct tui_form *f, struct field *v, int key)
{
	if (key != TK_SPACE && key != TK_LEFT && key != TK_RIGHT)
		return 0;
	v->on = !v->on;
	changed(f, v);
	return 1;
}

static int field_event(struct tui_form *f, struct field *v, const struct tui_event *e)
{
	int r;

	if (v->def->kind == FIELD_LIST)
		return list_event(f, v, e);
	if (is_entry(v)) {
		r = entry_event(&v->entry, e);
		if (r == 1)
			changed(f, v);
		return r > 0;
	}
	if (e->type != TUI_KEY)
		return 0;
	return v->def->kind == FIELD_CHOICE    ? choice_event(f, v, e->key)
	       : v->def->kind == FIELD_BUTTONS ? buttons_event(f, v, e->key)
					       : toggle_event(f, v, e->key);
}

static void click(struct tui_form *f, size_t i, const struct tui_event *e)
{
	struct field *v = &f->fields[i];
	int y = e->y - f->drawn.y + f->scrolled - v->y, x = e->x - f->drawn.x;
	size_t choice = form_choice_at(v, &f->drawn, y, x, form_label_columns(f, &f->drawn));

	if (!can_focus(v))
		return;
	focus_on(f, i);
	if (v->def->kind == FIELD_TOGGLE)
		toggle_event(f, v, TK_SPACE);
	if (choice == SIZE_MAX)
		return;
	v->at = choice;
	if (v->def->kind == FIELD_CHOICE)
		changed(f, v);
	else if (v->def->kind == FIELD_BUTTONS)
		buttons_event(f, v, TK_ENTER);
}

static int mouse(struct tui_form *f, const struct tui_event *e)
{
	int row = e->y - f->drawn.y + f->scrolled;

	if (e->y < f->drawn.y || e->y >= f->drawn.y + f->drawn.rows || e->x < f->drawn.x ||
	    e->x >= f->drawn.x + f->drawn.columns)
		return 0;
	if (e->mouse != TUI_MOUSE_CLICK) {
		move_focus(f, e->mouse == TUI_MOUSE_WHEEL_DOWN ? 1 : -1);
		return 1;
	}
	for (size_t i = 0; i < f->n; i++)
		if (!f->fields[i].hidden && row >= f->fields[i].y &&
		    row < f->fields[i].y + f->fields[i].height) {
			click(f, i, e);
			break;
		}
	return 1;
}

int tui_form_event(struct tui_form *f, const struct tui_event *e)
{
	if (e->type == TUI_MOUSE)
		return mouse(f, e);
	if (f->focus >= f->n)
		return 0;
	if (field_event(f, &f->fields[f->focus], e))
		return 1;
	if (e->type != TUI_KEY)
		return 0;
	switch (e->key) {
	case TK_TAB:
	case TK_DOWN:
	case TK_ENTER:
		move_focus(f, 1);
		return 1;
	case TK_BACKTAB:
	case TK_UP:
		move_focus(f, -1);
		return 1;
	default:
		return 0;
	}
}

bool tui_form_enabled(const struct tui_form *f, int request)
{
	enum tui_field_kind kind = f->focus < f->n ? f->fields[f->focus].def->kind : FIELD_NOTE;

	switch (request) {
	case FORM_CHOOSE:
		return kind == FIELD_TOGGLE || kind == FIELD_CHOICE;
	case FORM_PRESS:
		return kind == FIELD_BUTTONS;
	case FORM_ADD:
		return kind == FIELD_LIST;
	default:
		return request > FORM_BEFORE && request < FORM_REQUESTS_END;
	}
}
