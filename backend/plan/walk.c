/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/plan/walk.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "backend/plan/mistakes.h"
#include "backend/plan/plan.h"
#include "backend/plan/scan.h"
#include "backend/plan/text.h"
#include "util/i18n.h"
#include "util/strbuf.h"

/* Far more than any cluster needs, and little enough memory. */
#define SECTIONS_MAX 70000
#define VALUES_MAX 100000

struct walker {
	struct scanner s;
	const char *file;
	const struct conf_form *forms;
	struct plan_mistakes *mistakes;
	struct conf *c;
	struct strbuf sound;
	int error; /* sticky: -ENOMEM */
};

static void _printf_(3, 4) note(struct walker *w, unsigned int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (plan_mistakes_vadd(w->mistakes, w->file, line, fmt, ap) < 0)
		w->error = -ENOMEM;
	va_end(ap);
}

/* ---- tokens ------------------------------------------------------------------------------------------ */

static struct scan_token peek(const struct walker *w)
{
	struct scanner ahead = w->s;

	return scan_next(&ahead);
}

static struct scan_token peek_second(const struct walker *w)
{
	struct scanner ahead = w->s;

	scan_next(&ahead);
	return scan_next(&ahead);
}

/* Takes the next token, and notes what is wrong with it. */
static struct scan_token take(struct walker *w)
{
	struct scan_token t = scan_next(&w->s);

	if (t.why)
		note(w, t.line, "%s", t.why);
	return t;
}

static bool is(struct scan_token t, const char *symbol)
{
	return t.type == SCAN_SYMBOL && t.len == strlen(symbol) && memcmp(t.p, symbol, t.len) == 0;
}

static bool is_text(struct scan_token t)
{
	return t.type == SCAN_WORD || t.type == SCAN_STRING;
}

static bool is_assignment(struct scan_token t)
{
	return is(t, "=") || is(t, "+=");
}

/* A name may stand in quotes, too. */
static bool is_name(struct scan_token t, const char *name)
{
	if (t.type == SCAN_STRING && !t.why) {
		t.p++;
		t.len -= 2;
		t.type = SCAN_WORD;
	}
	return t.type == SCAN_WORD && t.len == strlen(name) && memcmp(t.p, name, t.len) == 0;
}

/* For messages: what stands there, cut to a readable length. */
#define SHOWN(t) (int)MIN((t).len, (size_t)60), (t).p

/* ---- recovery ------------------------------------------------------------------------------------------ */

static const struct conf_form *find_form(const struct walker *w, struct scan_token t)
{
	for (const struct conf_form *f = w->forms; f->name; f++)
		if (is_name(t, f->name))
			return f;
	return NULL;
}

/* True where the next tokens open a known section: its name, perhaps a title, and a brace. */
static bool at_section(const struct walker *w)
{
	struct scanner ahead = w->s;
	struct scan_token t = scan_next(&ahead);

	if (!find_form(w, t))
		return false;
	t = scan_next(&ahead);
	return is(t, "{") || (is_text(t) && is(scan_next(&ahead), "{"));
}

/* Skips a balanced group whose opening symbol was just taken; one without its end goes to the next section. */
static void skip_group(struct walker *w)
{
	for (size_t depth = 1; depth > 0 && !at_section(w);) {
		struct scan_token t = scan_next(&w->s);

		if (t.type == SCAN_END)
			return;
		if (is(t, "{") || is(t, "("))
			depth++;
		else if (is(t, "}") || is(t, ")"))
			depth--;
	}
}

/* Skips what follows a name that means nothing here: = value, = {...}, "title" {...}, (...). */
static void skip_statement(struct walker *w)
{
	struct scan_token t = peek(w);

	if (is_assignment(t)) {
		scan_next(&w->s);
		t = peek(w);
		if (is_text(t))
			scan_next(&w->s);
	} else if (is_text(t) && is(peek_second(w), "{")) {
		scan_next(&w->s);
		t = peek(w);
	}
	if (is(t, "{") || is(t, "(")) {
		scan_next(&w->s);
		skip_group(w);
	}
}

/* Moves to where a statement can begin again: a name with its assignment, a section, or a closing brace. */
static void synchronise(struct walker *w)
{
	for (;;) {
		struct scan_token t = peek(w);

		if (t.type == SCAN_END || is(t, "}") || at_section(w))
			return;
		if (t.type == SCAN_WORD && is_assignment(peek_second(w)))
			return;
		scan_next(&w->s);
	}
}

/* Moves behind the list that a text without its end is in, as far as that can be told. */
static void leave_list(struct walker *w)
{
	struct scanner ahead;
	struct scan_token t;

	synchronise(w);
	if (!is(peek(w), "}"))
		return;
	/* The list's own brace is followed by another key or by the section's brace. */
	ahead = w->s;
	scan_next(&ahead);
	t = scan_next(&ahead);
	if (is(t, "}") || (t.type == SCAN_WORD && is_assignment(scan_next(&ahead))))
		scan_next(&w->s);
}

/* ---- names that are not known ---------------------------------------------------------------------------- */

static void unknown(struct walker *w, struct scan_token t, const char *what, struct strv *known)
{
	bool quoted = t.type == SCAN_STRING && !t.why;
	_cleanup_free_ char *name = strndup(t.p + quoted, MIN(t.len - 2 * quoted, (size_t)60));
	_cleanup_free_ char *list = text_list(known, _("none"));
	const char *near = NULL;

	/* A file full of unknown names must not take long to refuse. */
	if (name && w->mistakes->n < PLAN_MISTAKES_MAX)
		near = text_nearest(name, known);
	if (!name || !list)
		w->error = -ENOMEM;
	else if (near)
		note(w, t.line, _("there is no %s \"%s\"; \"%s\" is meant?"), what, name, near);
	else
		note(w, t.line, _("there is no %s \"%s\"; possible are %s"), what, name, list);
	strv_free(known);
}

static void unknown_section(struct walker *w, struct scan_token t)
{
	struct strv known = STRV_INIT;

	for (const struct conf_form *f = w->forms; f->name; f++)
		if (strv_add(&known, f->name) < 0)
			w->error = -ENOMEM;
	unknown(w, t, _("section"), &known);
}

static const struct conf_key *find_key(const struct conf_form *f, struct scan_token t)
{
	for (const struct conf_key *k = f->keys; k->name; k++)
		if (is_name(t, k->name))
			return k;
	return NULL;
}

/* A key that another section has (form NULL: the key stands outside all sections), or none. */
static void unknown_key(struct walker *w, struct scan_token t, const struct conf_form *form)
{
	struct strv known = STRV_INIT;

	for (const struct conf_form *f = w->forms; f->name; f++) {
		if (f != form && find_key(f, t)) {
			if (form)
				note(w, t.line,
				     _("\"%.*s\" does not belong into section %s; it is a key of section "
				       "\"%s\""),
				     SHOWN(t), form->name, f->name);
			else
				note(w, t.line,
				     _("\"%.*s\" does not belong outside of sections; it is a key of section "
				       "\"%s\""),
				     SHOWN(t), f->name);
			return;
		}
	}
	if (!form) {
		note(w, t.line, _("the key \"%.*s\" stands outside of all sections, and none has such a key"),
		     SHOWN(t));
		return;
	}
	for (const struct conf_key *k = form->keys; k->name; k++)
		if (strv_add(&known, k->name) < 0)
			w->error = -ENOMEM;
	unknown(w, t, _("key"), &known);
}

/* The file is beyond all measure: what follows is not read. */
static void give_up(struct walker *w, unsigned int line, const char *what, int max)
{
	note(w, line, _("there are more than %d %s; a file of this kind does not need that many"), max, what);
	w->s.p = w->s.end;
}

/* ---- the tree ------------------------------------------------------------------------------------------ */

static struct conf_section *add_section(struct walker *w, const struct conf_form *form, unsigned int line)
{
	struct conf_section *v = w->c->sections;
	size_t n = w->c->n_sections;

	if (n >= SECTIONS_MAX) {
		give_up(w, line, _("sections"), SECTIONS_MAX);
		return NULL;
	}
	/* Grows by doubling: an array is full whenever its length is a power of two. */
	if ((n & (n - 1)) == 0) {
		v = reallocarray(v, n ? n * 2 : 1, sizeof(*v));
		if (!v) {
			w->error = -ENOMEM;
			return NULL;
		}
		w->c->sections = v;
	}
	v[n] = (struct conf_section){ .form = form, .line = line, .title = strdup("") };
	if (!v[n].title) {
		w->error = -ENOMEM;
		return NULL;
	}
	w->c->n_sections++;
	return &v[n];
}

static struct conf_option *add_option(struct walker *w, struct conf_section *s, const struct conf_key *key,
				      unsigned int line)
{
	struct conf_option *v = reallocarray(s->options, s->n_options + 1, sizeof(*v));

	if (!v) {
		w->error = -ENOMEM;
		return NULL;
	}
	s->options = v;
	v[s->n_options] = (struct conf_option){ .key = key, .line = line };
	return &v[s->n_options++];
}

static void add_value(struct walker *w, struct conf_option *o, struct scan_token t)
{
	struct conf_value *v = o->v;

	if ((o->n & (o->n - 1)) == 0) {
		v = reallocarray(v, o->n ? o->n * 2 : 1, sizeof(*v));
		if (!v) {
			w->error = -ENOMEM;
			return;
		}
		o->v = v;
	}
	v[o->n++] = (struct conf_value){ NULL, t.line };
}

/* A word goes to libconfuse in quotes: it holds neither quotes nor backslashes. */
static void put(struct walker *w, struct scan_token t)
{
	if (t.type == SCAN_WORD)
		strbuf_addf(&w->sound, "'%.*s'", (int)t.len, t.p);
	else
		strbuf_add(&w->sound, t.p, t.len);
}

/* ---- the grammar ---------------------------------------------------------------------------------------- */

/* The values behind "key = {". A value with a mistake is left out; false where the list itself is unsound. */
static bool walk_list(struct walker *w, struct conf_option *o, unsigned int line)
{
	bool comma = true, sound = true, left_out = false;

	for (;;) {
		struct scan_token t = peek(w);

		if (is(t, "}")) {
			scan_next(&w->s);
			return sound && (o->n > 0 || !left_out);
		}
		if (t.type == SCAN_END || at_section(w) ||
		    (t.type == SCAN_WORD && is_assignment(peek_second(w)))) {
			note(w, line, _("the list \"%s\" has no end; close it with }"), o->key->name);
			return false;
		}
		take(w);
		if (is(t, ",")) {
			if (comma)
				note(w, t.line, _("there is no value before this comma; take the comma out"));
			comma = true;
		} else if (is_text(t)) {
			if (!comma)
				note(w, t.line, _("a comma is missing before %.*s"), SHOWN(t));
			comma = false;
			if (t.unclosed) {
				leave_list(w);
				return false;
			}
			if (t.why) {
				left_out = true;
				continue;
			}
			if (o->n >= VALUES_MAX) {
				give_up(w, t.line, _("values in this list"), VALUES_MAX);
				return false;
			}
			if (o->n > 0)
				strbuf_adds(&w->sound, ",");
			put(w, t);
			add_value(w, o, t);
		} else {
			if (!t.why)
				note(w, t.line,
				     _("\"%.*s\" does not belong into a list; a list is {\"a\", \"b\"}"),
				     SHOWN(t));
			if (is(t, "{") || is(t, "("))
				skip_group(w);
			sound = false;
		}
	}
}

static bool walk_value(struct walker *w, struct conf_option *o)
{
	const char *key = o->key->name;
	struct scan_token t = peek(w);

	if (is(t, "{")) {
		scan_next(&w->s);
		if (!o->key->list) {
			note(w, t.line, _("\"%s\" takes one value, not a list: %s = \"...\""), key, key);
			skip_group(w);
			return false;
		}
		return walk_list(w, o, t.line);
	}
	if (!is_text(t) || (t.type == SCAN_WORD && is_assignment(peek_second(w)))) {
		note(w, o->line, _("\"%s\" has no value; write %s = %s"), key, key,
		     o->key->list ? "{\"...\"}" : "\"...\"");
		if (t.type == SCAN_BAD)
			take(w);
		return false;
	}
	take(w);
	if (t.why)
		return false;
	put(w, t);
	add_value(w, o, t);
	return true;
}

/* Drops what libconfuse shall not see of an option that is bad. */
static void drop(struct walker *w, struct conf_option *o, size_t len)
{
	if (!w->sound.failed && w->sound.data) {
		w->sound.len = len;
		w->sound.data[len] = '\0';
	}
	free(o->v);
	o->v = NULL;
	o->n = 0;
	o->bad = true;
}

static void walk_key(struct walker *w, struct conf_section *s, struct scan_token name)
{
	const struct conf_key *key = find_key(s->form, name);
	const struct conf_option *earlier = key ? conf_option(s, key->name) : NULL;
	struct conf_option *o;
	size_t len = w->sound.len;

	if (!key) {
		unknown_key(w, name, s->form);
		skip_statement(w);
		return;
	}
	if (earlier) {
		note(w, name.line, _("\"%s\" was given in line %u already; keep one of them"), key->name,
		     earlier->line);
		skip_statement(w);
		return;
	}
	o = add_option(w, s, key, name.line);
	if (!o)
		return;
	if (!is_assignment(peek(w))) {
		note(w, name.line, _("\"%s\" needs an equals sign; write %s = %s"), key->name, key->name,
		     key->list ? "{\"...\"}" : "\"...\"");
		o->bad = true;
		synchronise(w);
		return;
	}
	take(w);
	strbuf_addf(&w->sound, "%s = %s", key->name, key->list ? "{" : "");
	if (!walk_value(w, o))
		drop(w, o, len);
	else
		strbuf_adds(&w->sound, key->list ? "}\n" : "\n");
}

static void walk_body(struct walker *w, struct conf_section *s)
{
	for (;;) {
		struct scan_token t = peek(w);

		if (is(t, "}")) {
			scan_next(&w->s);
			return;
		}
		if (t.type == SCAN_END || at_section(w)) {
			note(w, s->line, _("the section \"%s\" has no end; close it with }"), s->form->name);
			return;
		}
		take(w);
		if (is_text(t)) {
			if (!t.why)
				walk_key(w, s, t);
			else
				synchronise(w);
		} else {
			if (!t.why)
				note(w, t.line, _("\"%.*s\" is out of place here; a line is: key = value"),
				     SHOWN(t));
			synchronise(w);
		}
	}
}

static void walk_section(struct walker *w, const struct conf_form *form, unsigned int line)
{
	struct conf_section *s = add_section(w, form, line);
	struct scan_token title = peek(w);
	size_t len = w->sound.len;

	if (!s)
		return;
	strbuf_addf(&w->sound, "%s {\n", form->name);
	if (is_text(title) && !is_assignment(peek_second(w))) {
		take(w);
		if (!form->titled)
			note(w, title.line, _("the section \"%s\" takes no name; write %s {"), form->name,
			     form->name);
		s->bad = form->titled && title.why;
	} else if (form->titled) {
		note(w, line, _("the section \"%s\" needs a name; write %s \"...\" {"), form->name,
		     form->name);
		s->bad = true;
	}
	if (form->titled && !s->bad) {
		strbuf_adds(&w->sound, "_title = ");
		put(w, title);
		strbuf_addc(&w->sound, '\n');
	}
	if (is(peek(w), "{"))
		take(w);
	else
		note(w, line, _("the section \"%s\" has no opening brace; write %s%s {"), form->name,
		     form->name, form->titled ? " \"...\"" : "");
	walk_body(w, s);
	strbuf_adds(&w->sound, "}\n");
	if (s->bad) {
		for (size_t i = 0; i < s->n_options; i++)
			drop(w, &s->options[i], len);
		if (!w->sound.failed) {
			w->sound.len = len;
			w->sound.data[len] = '\0';
		}
	}
}

static void walk_top(struct walker *w)
{
	for (;;) {
		struct scan_token t = take(w);
		const struct conf_form *form = find_form(w, t);

		if (t.type == SCAN_END)
			return;
		if (is(t, "}")) {
			note(w, t.line, _("this closing brace closes nothing; take it out"));
		} else if (!is_text(t) || t.why) {
			if (!t.why)
				note(w, t.line,
				     _("\"%.*s\" is out of place here; sections are: name { ... }"),
				     SHOWN(t));
			synchronise(w);
		} else if (form && !is_assignment(peek(w))) {
			walk_section(w, form, t.line);
		} else if (is_assignment(peek(w))) {
			unknown_key(w, t, NULL);
			skip_statement(w);
		} else if (is(peek(w), "(")) {
			note(w, t.line,
			     _("functions such as %.*s(...) are not called from here; write the values "
			       "themselves"),
			     SHOWN(t));
			skip_statement(w);
		} else {
			unknown_section(w, t);
			skip_statement(w);
		}
	}
}

int walk(const char *file, const char *text, size_t len, const struct conf_form *forms,
	 struct plan_mistakes *mistakes, struct conf **ret, char **ret_sound)
{
	_cleanup_(conf_freep) struct conf *c = calloc(1, sizeof(*c));
	struct walker w = {
		.s = { text, text + len, 1 },
		.file = file,
		.forms = forms,
		.mistakes = mistakes,
		.c = c,
		.sound = STRBUF_INIT,
	};
	char *sound;

	if (!c)
		return -ENOMEM;
	walk_top(&w);
	if (w.error == 0)
		w.error = strbuf_take(&w.sound, &sound, NULL);
	strbuf_free(&w.sound);
	if (w.error < 0)
		return w.error;
	*ret = TAKE_PTR(c);
	*ret_sound = sound;
	return 0;
}
