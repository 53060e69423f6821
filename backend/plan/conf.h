/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads a file in libconfuse's syntax into sections, options and values that know their lines.
 *
 * libconfuse alone stops at its first error, counts lines wrongly behind a block comment, and puts the
 * environment into strings that hold "${NAME}". So a scanner (scan.h) goes over the text first: it
 * finds every mistake of form and every unknown name, with recovery, and hands what is sound to libconfuse,
 * which alone says what a value's text is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backend/plan/model.h"
#include "util/macro.h"
#include "util/strv.h"

#define CONF_FILE_MAX ((size_t)4 << 20) /* bytes; 10,000 nodes with their MACs take less than 1 MiB */

/* What a file may hold: const tables, each ended by an entry without name. */
struct conf_key {
	const char *name;
	bool list; /* key = {"a", "b"}; a single value is taken as a list of one */
};

struct conf_form {
	const char *name; /* of the section */
	bool titled;	  /* name "title" { ... } */
	const struct conf_key *keys;
};

struct conf_value {
	char *text; /* valid UTF-8 without control characters */
	unsigned int line;
};

struct conf_option {
	const struct conf_key *key;
	unsigned int line;
	bool bad; /* a mistake was noted already: it counts as given, and has no values */
	struct conf_value *v;
	size_t n;
};

struct conf_section {
	const struct conf_form *form;
	char *title; /* "" where the form has none */
	unsigned int line;
	bool bad; /* likewise, for its title */
	struct conf_option *options;
	size_t n_options;
};

struct conf {
	struct conf_section *sections; /* in the order of the file */
	size_t n_sections;
};

/*
 * Reads `text`. Mistakes of form go to `mistakes` under the name `file`, and what is sound is returned all the
 * same, so that the caller can look for mistakes of meaning in the same go. Fails only with -ENOMEM, or
 * -MUSTER_E_FORMAT when libconfuse reads something else than the scanner did (noted as a mistake).
 */
int conf_parse(const char *file, const char *text, size_t len, const struct conf_form *forms,
	       struct plan_mistakes *mistakes, struct conf **ret) _must_check_;

/* Reads the whole file, at most CONF_FILE_MAX bytes. On failure *ret_why (owned) says what is wrong, as
 * the end of a sentence: "is a folder, ...". The data has a NUL behind its end and none within. */
int conf_load(const char *path, char **ret, size_t *ret_len, char **ret_why) _must_check_;

void conf_free(struct conf *c);
DEFINE_CLEANUP(struct conf *, conf_free)

/* NULL where the section, or the option, is not given. */
const struct conf_section *conf_section(const struct conf *c, const char *name);
const struct conf_option *conf_option(const struct conf_section *s, const char *key);

/* ---- recipes: what their readers have in common ---------------------------------------------------------- */

struct conf_reading {
	const char *path; /* of the file */
	const struct conf *conf;
	struct plan_mistakes *mistakes;
	int error; /* -ENOMEM; mistakes are on the list */
};

/*
 * Reads the recipe at this path by `read`, which returns 0 or its error. Mistakes are logged, each with its line, and end in
 * -MUSTER_E_FORMAT. -ENOENT: there is none, which is not logged. ret_text (may be NULL) is the file's text, owned.
 */
int conf_read_recipe(const char *path, const struct conf_form *forms,
		     int (*read)(struct conf_reading *d, void *data), void *data,
		     char **ret_text) _must_check_;

void conf_wrong(struct conf_reading *d, unsigned int line, const char *fmt, ...) _printf_(3, 4);
/* The option's text, or `preset` where it is not given; owned, NULL when memory runs out (d->error). */
char *conf_take(struct conf_reading *d, const struct conf_section *s, const char *key, const char *preset);
/* Of a list those that fit; "KEY "TEXT" is not WHAT" of the others. */
void conf_take_list(struct conf_reading *d, const struct conf_section *s, const char *key, struct strv *ret,
		    bool (*fit)(const char *), const char *what);
/* Of the option, else of its section; 0: there is none. */
unsigned int conf_line(const struct conf_section *s, const char *key);
/* A path as a recipe says it, which begins in the recipe's folder; owned, NULL when memory runs out. */
char *conf_beside(const char *file, const char *path);
/* A symbol of a kernel's configuration, without CONFIG_; "SYMBOL=VALUE". */
bool conf_is_symbol(const char *s);
bool conf_is_setting(const char *s);
