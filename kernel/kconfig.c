/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why a symbol is not what it was told to be, from the tree's Kconfig files (Documentation/kbuild/kconfig-language). This
 * is read only when a symbol was dropped: it explains, and decides nothing.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define FILE_MAX (4UL << 20)
#define DEPTH_MAX 32
#define NAMED_MAX 6 /* of those that select it; it may be hundreds */

/* What is known of the symbol. */
struct found {
	const char *symbol;
	char *place;	     /* "net/tipc/Kconfig:5" */
	struct strv depends; /* each must hold */
	struct strv selected_by;
	bool defined, prompt;
};

struct file {
	const char *path;
	unsigned int line;
	/* the conditions of the blocks around, "" for a block without */
	char *around[DEPTH_MAX];
	int depth;
	char *config; /* the entry that is being read */
	bool ours;    /* it is the symbol's */
};

static bool begins(const char *line, const char *word, const char **ret_rest)
{
	size_t n = strlen(word);

	if (strncmp(line, word, n) != 0 ||
	    (line[n] && !isspace((unsigned char)line[n]) && line[n] != '"' && line[n] != '('))
		return false;
	line += n;
	*ret_rest = line + strspn(line, " \t");
	return true;
}

static bool is_word(const char *text, const char *word)
{
	size_t n = strcspn(text, " \t#");

	return strlen(word) == n && strncmp(text, word, n) == 0;
}

static int push(struct file *f, const char *condition)
{
	if (f->depth >= DEPTH_MAX)
		return 0;
	f->around[f->depth] = strdup(condition);
	return f->around[f->depth++] ? 0 : -ENOMEM;
}

static void pop(struct file *f)
{
	if (f->depth > 0)
		free(f->around[--f->depth]);
}

static int enter(struct file *f, struct found *w, const char *name)
{
	int r = 0;

	free(f->config);
	f->config = strndup(name, strcspn(name, " \t#"));
	if (!f->config)
		return -ENOMEM;
	f->ours = strcmp(f->config, w->symbol) == 0;
	if (!f->ours)
		return 0;
	/* A symbol may have several entries: the first says where it is. */
	if (!w->defined && asprintf(&w->place, "%s:%u", f->path, f->line) < 0) {
		w->place = NULL;
		return -ENOMEM;
	}
	w->defined = true;
	for (int i = 0; r == 0 && i < f->depth; i++)
		if (*f->around[i] && !strv_has(&w->depends, f->around[i]))
			r = strv_add(&w->depends, f->around[i]);
	return r;
}

/* A line within an entry, or within a menu or choice that has just begun. */
static int take_attribute(struct file *f, struct found *w, const char *line)
{
	const char *rest;

	if (begins(line, "depends", &rest) && begins(rest, "on", &rest)) {
		if (f->ours && !strv_has(&w->depends, rest))
			return strv_add(&w->depends, rest);
		/* of a menu: it holds for all in it */
		if (!f->config && f->depth > 0 && !*f->around[f->depth - 1]) {
			pop(f);
			return push(f, rest);
		}
		return 0;
	}
	if (f->ours && (begins(line, "bool", &rest) || begins(line, "tristate", &rest) ||
			begins(line, "string", &rest) || begins(line, "int", &rest) ||
			begins(line, "hex", &rest) || begins(line, "prompt", &rest)))
		w->prompt = w->prompt || *rest == '"' || *rest == '\'';
	if (begins(line, "select", &rest) && f->config && is_word(rest, w->symbol) &&
	    !strv_has(&w->selected_by, f->config))
		return strv_add(&w->selected_by, f->config);
	return 0;
}

static int leave_entry(struct file *f)
{
	free(f->config);
	f->config = NULL;
	f->ours = false;
	return 0;
}

static int take_line(struct file *f, struct found *w, const char *line)
{
	const char *rest;

	if (begins(line, "config", &rest) || begins(line, "menuconfig", &rest))
		return enter(f, w, rest);
	if (begins(line, "menu", &rest) || begins(line, "choice", &rest)) {
		leave_entry(f);
		return push(f, "");
	}
	if (begins(line, "if", &rest)) {
		leave_entry(f);
		return push(f, rest);
	}
	if (begins(line, "endif", &rest) || begins(line, "endmenu", &rest) ||
	    begins(line, "endchoice", &rest)) {
		leave_entry(f);
		pop(f);
		return 0;
	}
	if (begins(line, "source", &rest) || begins(line, "comment", &rest) ||
	    begins(line, "mainmenu", &rest))
		return leave_entry(f);
	return take_attribute(f, w, line);
}

/* Help texts are indented like everything else: what is in one and begins with a keyword is taken for it. So a text is passed
 * over until a line that is indented less than it. */
static int read_text(struct file *f, struct found *w, char *text)
{
	size_t help = 0; /* its indentation; 0: none */
	bool in_help = false;
	int r = 0;

	for (char *line = text, *next; line && r == 0; line = next) {
		size_t indent = 0, n;

		f->line++;
		next = strchr(line, '\n');
		/* a line that goes on behind a backslash */
		while (next && next > line && next[-1] == '\\') {
			next[-1] = next[0] = ' ';
			f->line++;
			next = strchr(next, '\n');
		}
		if (next)
			*next++ = '\0';
		n = strspn(line, " \t");
		for (size_t i = 0; i < n; i++)
			indent = line[i] == '\t' ? (indent / 8 + 1) * 8 : indent + 1;
		line += n;
		if (!*line || *line == '#')
			continue;
		if (in_help && help == 0 && indent > 0)
			help = indent;
		if (in_help && help > 0 && indent >= help)
			continue;
		in_help = false;
		if (strcmp(line, "help") == 0 || strcmp(line, "---help---") == 0) {
			in_help = true;
			help = 0;
			continue;
		}
		n = strlen(line);
		while (n > 0 && isspace((unsigned char)line[n - 1]))
			line[--n] = '\0';
		r = take_line(f, w, line);
	}
	return r;
}

static int read_file(int tree_fd, const char *path, struct found *w)
{
	struct file f = { .path = path };
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = fs_read(tree_fd, path, FILE_MAX, &text, &len);

	if (r == 0)
		r = read_text(&f, w, text);
	leave_entry(&f);
	while (f.depth > 0)
		pop(&f);
	return r == -ENOMEM ? r : 0;
}

static bool is_kconfig(const char *name)
{
	return strncmp(name, "Kconfig", 7) == 0 || strcmp(name, "Config.in") == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int read_tree(int tree_fd, struct found *w)
{
	_cleanup_free_ char *root = NULL;
	char *paths[2] = { NULL, NULL };
	FTSENT *e;
	FTS *fts;
	int r = 0;

	if (asprintf(&root, "/proc/self/fd/%d/", tree_fd) < 0)
		return -ENOMEM;
	paths[0] = root;
	fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	if (!fts)
		return -errno;
	while (r == 0 && (e = fts_read(fts)))
		if (e->fts_info == FTS_F && is_kconfig(e->fts_name))
			r = read_file(tree_fd, e->fts_path + strlen(root), w);
	fts_close(fts);
	return r;
}

/* ---- the sentence -------------------------------------------------------------------------------------------- */

/* Which symbols of an expression have which value: "FOO is n". */
static int add_values(const char *config, const char *expression, struct strv *seen, struct strbuf *b)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_abcdefghijklmnopqrstuvwxyz";
	int r = 0;

	for (const char *p = expression; *p && r == 0;) {
		size_t n = strspn(p, letters);
		_cleanup_free_ char *name = strndup(p, n), *value = NULL;

		if (!name)
			return -ENOMEM;
		if (n > 1 && !strv_has(seen, name)) {
			r = strv_add(seen, name);
			if (r == 0)
				r = craft_config_get(config, name, &value);
			if (r == 0)
				strbuf_adds(b, seen->n > 1 ? ", " : "");
			if (r == 0)
				strbuf_addf(b, _("%s is %s"), name,
					    strcmp(value, "n") == 0 ? _("not set") : value);
		}
		p += n ? n : 1;
	}
	return r;
}

static int say_depends(const char *config, const struct found *w, struct strbuf *b)
{
	_cleanup_strv_ struct strv seen = STRV_INIT;
	_cleanup_strbuf_ struct strbuf values = STRBUF_INIT, on = STRBUF_INIT;
	int r = 0;

	for (size_t i = 0; i < w->depends.n; i++) {
		bool several = w->depends.n > 1 && strstr(w->depends.v[i], "||");

		strbuf_addf(&on, "%s%s%s%s", i ? " && " : "", several ? "(" : "", w->depends.v[i],
			    several ? ")" : "");
	}
	for (size_t i = 0; r == 0 && i < w->depends.n; i++)
		r = add_values(config, w->depends.v[i], &seen, &values);
	if (on.failed || values.failed)
		return -ENOMEM;
	if (values.len)
		strbuf_addf(b, _("It depends on %s (%s); here %s."), on.data, w->place, values.data);
	else
		strbuf_addf(b, _("It depends on %s (%s)."), on.data, w->place);
	return r;
}

static void say_selected(const char *config, const struct found *w, bool on, struct strbuf *b)
{
	_cleanup_strbuf_ struct strbuf names = STRBUF_INIT;
	size_t said = 0;

	for (size_t i = 0; i < w->selected_by.n && said < NAMED_MAX; i++) {
		_cleanup_free_ char *value = NULL;

		/* Where it is on against our will, those that are on themselves made it so. */
		if (on &&
		    (craft_config_get(config, w->selected_by.v[i], &value) < 0 || strcmp(value, "n") == 0))
			continue;
		strbuf_addf(&names, "%s%s", said++ ? ", " : "", w->selected_by.v[i]);
	}
	if (!said || names.failed)
		return;
	strbuf_adds(b, b->len ? " " : "");
	strbuf_addf(b, on ? _("It is selected by %s.") : _("It comes with what selects it: %s."), names.data);
}

static int say(const char *config, const struct craft_miss *miss, const struct found *w, struct strbuf *b)
{
	bool unwanted = strcmp(miss->wanted, "n") == 0;
	int r = 0;

	if (!w->defined) {
		strbuf_addf(b, _("This tree has no symbol %s."), w->symbol);
		return 0;
	}
	if (unwanted) {
		say_selected(config, w, true, b);
		if (b->len == 0)
			strbuf_addf(b, _("The tree sets it by itself (%s)."), w->place);
		return 0;
	}
	if (w->depends.n > 0)
		r = say_depends(config, w, b);
	if (!w->prompt) {
		strbuf_adds(b, b->len ? " " : "");
		strbuf_addf(b, _("It cannot be chosen by itself (%s)."), w->place);
		say_selected(config, w, false, b);
	}
	if (b->len == 0)
		strbuf_addf(b, _("The tree gives it another value (%s)."), w->place);
	return r;
}

int kernel_kconfig_explain(int tree_fd, const char *config, const struct craft_miss *miss, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct found w = { .symbol = miss->symbol };
	int r = read_tree(tree_fd, &w);

	if (r == 0)
		r = say(config, miss, &w, &b);
	strv_free(&w.depends);
	strv_free(&w.selected_by);
	free(w.place);
	return r < 0 ? r : strbuf_take(&b, ret, NULL);
}

struct craft_symbols kernel_symbols(const struct kernel_recipe *r)
{
	return (struct craft_symbols){ &r->set, &r->module, &r->unset, &r->value };
}
