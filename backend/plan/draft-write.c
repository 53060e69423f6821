/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers as a file: every value in a line of its own, so that a mistake's line says which value it is about. */
#include "config.h"

#include "backend/plan/draft.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/plan/scan.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define COMMENT_COLUMN 44

struct writer {
	struct strbuf out;
	struct draft_places places;
	int (*unfit)(void *data, struct draft_place place, const char *why);
	void *data;
	int error;
};

/* In the order of the file. What is wrong with a section as a whole is wrong with its main key. */
static const struct {
	const char *section, *main, *comment;
} headings[] = {
	{ "cluster", "name", NULL },
	{ "boot", "kernel", "What the nodes boot." },
	{ "network", "interface",
	  "The interface that leads to the nodes, by its name or MAC address, as in 'muster host'." },
	{ "nodes", "count",
	  "The nodes that are alike. Machines whose MAC address is not known yet can be added later." },
	{ "node", "name", "Nodes with something of their own." },
	{ "services", "nfs", "The programs on this server that do the work." },
	{ "access", "ssh_keys", "Who may log in to the nodes." },
};

/* The columns of a text, as far as that matters here: UTF-8 characters count as one. */
static size_t columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* One line, about one value. */
static void _printf_(5, 6)
	line(struct writer *w, const char *section, const char *key, int index, const char *fmt, ...)
{
	struct draft_place *v = w->places.v;
	va_list ap;

	if ((w->places.n & (w->places.n - 1)) == 0) {
		v = reallocarray(v, w->places.n ? w->places.n * 2 : 1, sizeof(*v));
		if (!v) {
			w->error = -ENOMEM;
			return;
		}
		w->places.v = v;
	}
	v[w->places.n++] = (struct draft_place){ section, key, index };
	va_start(ap, fmt);
	strbuf_vaddf(&w->out, fmt, ap);
	va_end(ap);
	strbuf_addc(&w->out, '\n');
}

/* Double quotes; single ones around "${", which would be looked up in the environment between double ones. */
static void quote(struct strbuf *b, const char *text, bool fit)
{
	const char mark = strstr(text, "${") ? '\'' : '"';

	strbuf_addc(b, mark);
	for (const char *p = text; *p; p++) {
		if (*p == mark || *p == '\\')
			strbuf_addc(b, '\\');
		if (fit || ((unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f))
			strbuf_addc(b, *p);
		else
			strbuf_addf(b, "\\\\x%02x", (unsigned char)*p);
	}
	strbuf_addc(b, mark);
}

/* The value as it stands in the file; owned, NULL when memory ran out. */
static char *value(struct writer *w, struct draft_place place, const char *text, bool bare)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const char *why = scan_judge(text, text + strlen(text));
	char *ret = NULL;

	if (why && w->error == 0)
		w->error = w->unfit ? w->unfit(w->data, place, why) : -EILSEQ;
	if (bare && *text && strspn(text, "0123456789abcdefghijklmnopqrstuvwxyz") == strlen(text))
		strbuf_adds(&b, text);
	else
		quote(&b, text, !why);
	if (strbuf_take(&b, &ret, NULL) < 0)
		w->error = -ENOMEM;
	return ret;
}

static void commented(struct writer *w, const struct draft_field *f, const char *before)
{
	/* A tab is eight columns. */
	int pad = COMMENT_COLUMN - 8 - (int)columns(before);

	line(w, f->section, f->key, -1, "\t%s%*s# %s", before, MAX(pad, 1), "", f->comment);
}

static void write_list(struct writer *w, const struct draft *d, const struct draft_field *f)
{
	const struct strv *list = draft_list(d, f);

	line(w, f->section, f->key, -1, "\t# %s", f->comment);
	line(w, f->section, f->key, -1, "\t%s = {", f->key);
	for (size_t i = 0; i < list->n && w->error == 0; i++) {
		struct draft_place place = { f->section, f->key, (int)i };
		_cleanup_free_ char *text = value(w, place, list->v[i], false);

		line(w, f->section, f->key, (int)i, "\t\t%s,", text ? text : "");
	}
	line(w, f->section, f->key, -1, "\t}");
}

static void write_field(struct writer *w, const struct draft *d, const struct draft_field *f)
{
	_cleanup_free_ char *text = NULL, *before = NULL;
	struct draft_place place = { f->section, f->key, -1 };
	/* A range is missing only where the addresses come from one. */
	bool needed =
		f->always || (f->offset == offsetof(struct draft, range) && strcmp(d->ip_mode, "range") == 0);
	bool given = f->list ? draft_list(d, f)->n > 0 : needed || **draft_text(d, f);

	if (f->list && given) {
		write_list(w, d, f);
		return;
	}
	if (given)
		text = value(w, place, *draft_text(d, f), f->bare);
	if (asprintf(&before, "%s%s = %s", given ? "" : "# ", f->key, given ? text ? text : "" : f->example) <
	    0) {
		before = NULL;
		w->error = -ENOMEM;
		return;
	}
	commented(w, f, before);
}

static void write_nodes(struct writer *w, const struct draft *d)
{
	static const char section[] = "node";

	for (size_t i = 0; i < d->n_nodes && w->error == 0; i++) {
		const struct draft_node *n = &d->nodes[i];
		const struct {
			const char *key, *text;
		} keys[] = { { "mac", n->mac }, { "address", n->address }, { "arch", n->arch } };
		_cleanup_free_ char *name =
			value(w, (struct draft_place){ section, "name", (int)i }, n->name, false);

		line(w, section, "name", (int)i, "node %s {", name ? name : "");
		for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
			struct draft_place place = { section, keys[k].key, (int)i };
			_cleanup_free_ char *text = NULL;

			if (!*keys[k].text)
				continue;
			text = value(w, place, keys[k].text, false);
			line(w, section, keys[k].key, (int)i, "\t%s = %s", keys[k].key, text ? text : "");
		}
		line(w, section, "name", (int)i, "}");
	}
}

static void write_section(struct writer *w, const struct draft *d, const char *section, const char *key,
			  const char *comment)
{
	struct draft_place place = { section, key, -1 };
	_cleanup_free_ char *title = NULL;

	line(w, "", "", -1, "%s", "");
	if (comment)
		line(w, "", "", -1, "# %s", comment);
	if (strcmp(section, "network") == 0) {
		title = value(w, place, d->interface, false);
		line(w, section, key, -1, "network %s {", title ? title : "");
	} else {
		line(w, section, key, -1, "%s {", section);
	}
	for (const struct draft_field *f = draft_fields; f->section && w->error == 0; f++)
		if (strcmp(f->section, section) == 0)
			write_field(w, d, f);
	line(w, section, key, -1, "}");
}

int draft_lay_out(const struct draft *d, char **ret, struct draft_places *ret_places,
		  int (*unfit)(void *data, struct draft_place place, const char *why), void *data)
{
	struct writer w = { .out = STRBUF_INIT, .unfit = unfit, .data = data };

	line(&w, "", "", -1, "# Answers for muster. \"muster check -f FILE\" says whether they are right,");
	line(&w, "", "", -1, "# \"muster plan\" what they would change, \"muster apply\" makes it so.");
	for (size_t i = 0; i < ARRAY_SIZE(headings) && w.error == 0; i++) {
		const char *section = headings[i].section;

		if (strcmp(section, "node") != 0) {
			write_section(&w, d, section, headings[i].main, headings[i].comment);
		} else if (d->n_nodes) {
			line(&w, "", "", -1, "%s", "");
			line(&w, "", "", -1, "# %s", headings[i].comment);
			write_nodes(&w, d);
		}
	}
	if (w.error == 0)
		w.error = strbuf_take(&w.out, ret, NULL);
	strbuf_free(&w.out);
	if (w.error == 0 && ret_places)
		*ret_places = w.places;
	else
		free(w.places.v);
	return w.error;
}

int draft_format(const struct draft *d, char **ret)
{
	return draft_lay_out(d, ret, NULL, NULL, NULL);
}

/* The folder of the path, made where it is missing, and the name in it. */
static int open_folder(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = NULL;
	int fd;

	*ret_name = slash ? slash + 1 : path;
	if (!**ret_name)
		return -EISDIR;
	folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	if (!folder)
		return -ENOMEM;
	fd = fs_root_open(folder);
	if (fd == -ENOENT && *folder == '/') {
		_cleanup_close_ int top = fs_root_open("/");
		int r = top < 0 ? top : fs_mkdir_all(top, folder, 0755);

		fd = r < 0 ? r : fs_root_open(folder);
	}
	return fd;
}

int draft_save(const struct draft *d, const char *path)
{
	struct fs_attr attr = { .mode = 0640, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	_cleanup_free_ char *text = NULL, *below = NULL, *old = NULL;
	_cleanup_close_ int folder = -1;
	const char *name;
	struct stat st;
	int r = draft_format(d, &text);

	if (r < 0)
		return r;
	folder = open_folder(path, &name);
	if (folder < 0)
		return folder;
	below = fs_join("/", name);
	if (!below)
		return -ENOMEM;
	/* Whose file it is stays so. */
	if (fs_stat(folder, below, &st) == 0 && S_ISREG(st.st_mode) && geteuid() == 0) {
		attr.uid = st.st_uid;
		attr.gid = st.st_gid;
	}
	/* What is so already keeps its time. */
	if (fs_read(folder, below, SIZE_MAX, &old, NULL) == 0 && strcmp(old, text) == 0)
		return 0;
	return fs_write(folder, below, text, strlen(text), &attr);
}
