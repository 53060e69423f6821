/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the form share. */
#pragma once

#include "tui/entry.h"
#include "tui/form.h"

struct field {
	const struct tui_field *def;
	bool hidden;
	struct entry entry; /* TEXT, PASSWORD, NUMBER; NOTE: its text when it was set */
	bool on;
	size_t at;	     /* CHOICE: the chosen; BUTTONS: the one with the focus; LIST: the line */
	struct entry *lines; /* LIST: at least one */
	size_t n_lines, first_line;
	char *hint;
	char *wrong;
	enum tui_style note_style;

	/* of the last drawing: its first row in the form, and its rows */
	int y, height;
};

struct tui_form {
	struct field *fields;
	size_t n;
	const struct tui_form_ops *ops;
	void *data;
	size_t focus; /* SIZE_MAX: none */
	int scrolled; /* rows above the window */
	struct canvas drawn;
};

/* The width of the labels before entries, in columns. */
int form_label_columns(const struct tui_form *f, const struct canvas *c);
/* What is at a row and column of a field, for the mouse: the choice or the button, or SIZE_MAX. */
size_t form_choice_at(const struct field *v, const struct canvas *c, int y, int x, int label_columns);
