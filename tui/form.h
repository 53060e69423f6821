/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Questions one below the other: entries, choices, lists, buttons. Made from a const table of fields; the owner reads and
 * sets the values by the fields' ids. A field is checked when it is left, and what is wrong is said below it. A form that
 * is taller than its window scrolls along with the focus.
 */
#pragma once

#include "tui/canvas.h"
#include "tui/keymap.h"
#include "tui/tui.h"
#include "util/i18n.h"
#include "util/strbuf.h"
#include "util/strv.h"

enum tui_field_kind {
	FIELD_NOTE, /* a text to read, its label; never has the focus */
	FIELD_TEXT,
	FIELD_PASSWORD,
	FIELD_NUMBER, /* from min to max */
	FIELD_TOGGLE, /* yes or no */
	FIELD_CHOICE, /* one of `choices`, each with a sentence below */
	FIELD_LIST,   /* lines of text; `rows` of them are seen */
	FIELD_BUTTONS,
};

struct tui_choice {
	const char *label;   /* translated when shown */
	const char *explain; /* of FIELD_CHOICE: a sentence; NULL: none; translated when shown */
};

struct tui_field {
	int id;
	enum tui_field_kind kind;
	const char *label; /* translated when shown */
	const char *hint;  /* a few words behind the value; NULL: none; translated when shown */
	int width;	   /* of the value, in columns; 0: as wide as is usual */
	int rows;	   /* of FIELD_LIST; 0: 5 */
	long min, max;	   /* of FIELD_NUMBER */
	const struct tui_choice *choices; /* of FIELD_CHOICE and FIELD_BUTTONS */
	size_t n_choices;
};

struct tui_form;

/* Functions of the owner, each may be NULL; `data` is what tui_form_new() was given. They may set values, not free the form. */
struct tui_form_ops {
	/* The field is left: add a sentence that says what is wrong and what would be right, or nothing. */
	void (*check)(void *data, int id, struct strbuf *wrong);
	/* The operator has changed the value. */
	void (*changed)(void *data, int id);
	void (*pressed)(void *data, int id, size_t button);
};

/* Fields and ops are borrowed and must last. Numbers begin at min. -ENOMEM. */
int tui_form_new(const struct tui_field *fields, size_t n, const struct tui_form_ops *ops, void *data,
		 struct tui_form **ret) _must_check_;
void tui_form_free(struct tui_form *f); /* NULL is fine; what was typed is wiped */

void tui_form_draw(struct tui_form *f, struct canvas *c);
/* To be called from the screen's event(). 1: taken. */
int tui_form_event(struct tui_form *f, const struct tui_event *e);
/* For the screen's enabled(): whether the bottom line shows a key of tui_form_keys, by the field that has the focus. */
bool tui_form_enabled(const struct tui_form *f, int request);

/* Ids that the form does not have are a mistake of the program: they read as "", 0, false. */
const char *tui_form_text(const struct tui_form *f, int id); /* borrowed until it changes */
long tui_form_number(const struct tui_form *f, int id);	     /* min when nothing that makes sense is typed */
bool tui_form_toggle(const struct tui_form *f, int id);
size_t tui_form_choice(const struct tui_form *f, int id);
/* Adds copies of the lines that are not empty. -ENOMEM. */
int tui_form_lines(const struct tui_form *f, int id, struct strv *ret) _must_check_;

/* These call neither check() nor changed(). */
void tui_form_set_text(struct tui_form *f, int id,
		       const char *text); /* also of FIELD_NOTE, shown as it is given */
void tui_form_set_number(struct tui_form *f, int id, long n);
void tui_form_set_toggle(struct tui_form *f, int id, bool on);
void tui_form_set_choice(struct tui_form *f, int id, size_t n);
void tui_form_set_lines(struct tui_form *f, int id, char *const *lines, size_t n);
/* In place of the field's own; copied. NULL: its own again. */
void tui_form_set_hint(struct tui_form *f, int id, const char *hint);
void tui_form_set_note_style(struct tui_form *f, int id, enum tui_style style);
/* A field that is not shown keeps its value and is not checked. */
void tui_form_show(struct tui_form *f, int id, bool on);

void tui_form_focus(struct tui_form *f, int id);
int tui_form_focused(const struct tui_form *f); /* the id; -1: none can have it */
/* Checks every field that is shown. False: one is wrong, and the first such one has the focus. */
bool tui_form_check(struct tui_form *f);
/* What is wrong with a field, "" when nothing is; borrowed. */
const char *tui_form_wrong(const struct tui_form *f, int id);

/* The form's keys, to be joined to a screen's with KEYMAP_WITH(). The form takes them in tui_form_event(). */
#define TUI_FORM_KEYS(X)                                                                              \
	X(FORM_NEXT, TK_TAB, TK_DOWN, N_("next field"), N_("To the next field"), KEYMAP_BAR)          \
	X(FORM_PREVIOUS, TK_BACKTAB, TK_UP, N_("back"), N_("To the field before"), 0)                 \
	X(FORM_CHOOSE, TK_SPACE, TK_NONE, N_("change"), N_("Yes or no; the next choice"), KEYMAP_BAR) \
	X(FORM_PRESS, TK_ENTER, TK_NONE, N_("press"), N_("Press the button; in other fields: go on"), \
	  KEYMAP_BAR)                                                                                 \
	X(FORM_ADD, TK_ENTER, TK_NONE, N_("new line"), N_("In a list: one more line"), KEYMAP_BAR)    \
	X(FORM_WIPE, TK_CTRL('u'), TK_NONE, N_("wipe"), N_("Remove all before the cursor"), 0)

enum tui_form_request {
	FORM_BEFORE = KEYMAP_SHARED + 199,
	TUI_FORM_KEYS(KEYMAP_ENUM) FORM_REQUESTS_END,
};

extern const struct keymap tui_form_keys;

DEFINE_CLEANUP(struct tui_form *, tui_form_free)
