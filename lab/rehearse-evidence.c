/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is worth reading in the logs of a boot that failed. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "lab/rehearse.h"
#include "lab/rehearse-private.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define LOG_MAX (64 * 1024 * 1024)
#define LINES 12
#define CONSOLE_LINES 20
#define ESC '\x1b'

/* A byte of names, addresses and MAC addresses: 10.66.0.1 is not said by a line about 10.66.0.11. */
static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

static bool says(const char *line, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; n && i + n <= len; i++) {
		bool begins = i == 0 || !is_word(line[i - 1]);
		bool ends = i + n == len || !is_word(line[i + n]);

		/* A point or a colon goes on where more of the same follows. */
		if (ends && i + n + 1 < len && strchr(".:", line[i + n]))
			ends = !isxdigit((unsigned char)line[i + n + 1]) || strchr(word, line[i + n]) == NULL;
		if (begins && i > 1 && strchr(".:", line[i - 1]))
			begins = !isxdigit((unsigned char)line[i - 2]) || strchr(word, line[i - 1]) == NULL;
		if (begins && ends && strncasecmp(line + i, word, n) == 0)
			return true;
	}
	return false;
}

/* Keeps the last `most`. */
static int keep(struct strv *v, size_t most, const char *line, size_t len)
{
	char *copy = strndup(line, len);

	if (!copy)
		return -ENOMEM;
	if (v->n == most && v->n) {
		free(v->v[0]);
		memmove(&v->v[0], &v->v[1], v->n * sizeof(*v->v)); /* with the NULL behind it */
		v->n--;
	}
	return strv_adopt(v, copy);
}

int lab_lines_about(const char *text, const char *const *words, size_t most, struct strv *ret)
{
	int r = 0;

	for (const char *line = text; r == 0 && *line;) {
		size_t len = strcspn(line, "\n");
		bool about = false;

		for (const char *const *w = words; *w && !about; w++)
			about = says(line, len, *w);
		if (about)
			r = keep(ret, most, line, len);
		line += len + (line[len] == '\n');
	}
	return r;
}

/* The bytes of an escape sequence (ECMA-48): ESC [ ... letter, ESC ] ... BEL or ESC \, or ESC and one more. */
static size_t escape_length(const char *s, size_t len)
{
	size_t i = 2;

	if (len < 2)
		return len;
	if (s[1] == '[') {
		while (i < len && !(s[i] >= '@' && s[i] <= '~'))
			i++;
		return MIN(i + 1, len);
	}
	if (s[1] != ']')
		return i;
	while (i < len && s[i] != '\a' && s[i] != '\n' && s[i] != ESC)
		i++;
	return MIN(i + 1 + (i < len && s[i] == ESC), len);
}

int lab_console_lines(const char *text, size_t len, size_t most, struct strv *ret)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	bool said = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i <= len; i++) {
		if (i == len || text[i] == '\n') {
			if (said && line.len)
				r = keep(ret, most, line.data, line.len);
			strbuf_reset(&line);
			said = false;
		} else if (text[i] == ESC) {
			i += escape_length(text + i, len - i) - 1;
		} else if (text[i] == '\t' || (unsigned char)text[i] >= ' ') {
			strbuf_addc(&line, text[i]);
			said |= text[i] != ' ' && text[i] != '\t';
		}
	}
	return line.failed ? -ENOMEM : r;
}

/* ---- gathering ------------------------------------------------------------------------------------------------- */

int lab_evidence_add(struct lab_evidence **v, size_t *n, const char *title, struct strv *lines)
{
	struct lab_evidence *more;
	char *copy;

	if (lines->n == 0)
		return 0;
	more = reallocarray(*v, *n + 1, sizeof(*more));
	if (more)
		*v = more;
	copy = strdup(title);
	if (!more || !copy) {
		free(copy);
		return -ENOMEM;
	}
	more[(*n)++] = (struct lab_evidence){ copy, *lines };
	*lines = (struct strv)STRV_INIT;
	return 0;
}

static int add(struct lab_try *t, const char *title, struct strv *lines)
{
	return lab_evidence_add(&t->evidence, &t->n_evidence, title, lines);
}

/* The kernel's lines stand among its last words already. */
static bool was_said(const struct node_state *s, const char *line)
{
	const char *after = strstr(line, ": ");

	return s && after && after[2] && strstr(s->log, after + 2);
}

/* What `muster why` says. */
static int add_why(struct lab_try *t, struct muster *lab, const struct node_state *s)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	struct muster_why w;
	int r;

	if (!*t->node || muster_why(lab, t->node, &w) < 0)
		return 0;
	r = strv_add(&lines, w.what);
	for (size_t i = 0; r == 0 && i < w.evidence.n; i++)
		if (!was_said(s, w.evidence.v[i]))
			r = strv_add(&lines, w.evidence.v[i]);
	if (r == 0 && *w.advice)
		r = strv_add(&lines, w.advice);
	muster_why_free(&w);
	return r < 0 ? r : add(t, _("muster why"), &lines);
}

/* What its kernel and its agent have said last. */
static int add_words(struct lab_try *t, const struct node_state *s)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r = *t->reason ? strv_add(&lines, t->reason) : 0;

	if (r == 0 && s && *s->log)
		r = lab_console_lines(s->log, strlen(s->log), LINES, &lines);
	return r < 0 ? r : add(t, _("the agent's last words"), &lines);
}

static int add_log(struct lab_try *t, int dir, const char *service, const char *address)
{
	const char *const words[] = { t->mac, *address ? address : t->mac, *t->node ? t->node : t->mac,
				      NULL };
	_cleanup_free_ char *path = NULL, *text = NULL, *title = NULL;
	_cleanup_strv_ struct strv lines = STRV_INIT;
	int r;

	if (asprintf(&path, "/root/var/log/muster/%s.log", service) < 0 ||
	    asprintf(&title, _("what %s said of it"), service) < 0)
		return -ENOMEM;
	if (fs_read(dir, path, LOG_MAX, &text, NULL) < 0)
		return 0;
	r = lab_lines_about(text, words, LINES, &lines);
	/* That it was never heard is worth knowing, too. */
	if (r == 0 && lines.n == 0)
		r = strv_addf(&lines, _("Nothing: %s is in no line of %s.log."), t->mac, service);
	return r < 0 ? r : add(t, title, &lines);
}

/* The end of a file, whatever it speaks of. */
static int add_end(struct lab_try *t, int dir, const char *path, const char *title, size_t most)
{
	_cleanup_strv_ struct strv lines = STRV_INIT;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r;

	if (fs_read(dir, path, LOG_MAX, &text, &len) < 0)
		return 0;
	r = lab_console_lines(text, len, most, &lines);
	return r < 0 ? r : add(t, title, &lines);
}

static int add_console(struct lab_try *t, int dir)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "/nodes/%s/serial.log", t->machine) < 0)
		return -ENOMEM;
	return add_end(t, dir, path, _("its console"), CONSOLE_LINES);
}

int lab_evidence_gather(struct lab_try *t, struct muster *lab, int dir, const struct node_state *s)
{
	const char *address = s ? s->address : "";
	int r = add_words(t, s);

	if (r == 0)
		r = add_why(t, lab, s);
	if (r == 0)
		r = add_log(t, dir, "dnsmasq", address);
	if (r == 0)
		r = add_log(t, dir, "musterd", address);
	/* It names no client. There is none where the root comes otherwise. */
	if (r == 0)
		r = add_end(t, dir, "/root/var/log/muster/nfs-ganesha.log", _("what nfs-ganesha said last"),
			    LINES);
	return r < 0 ? r : add_console(t, dir);
}

/* ---- of a rehearsal that did not get so far as to power a node on ---- */

int lab_evidence_services(struct lab_rehearsal *v, int dir)
{
	static const char *const services[] = { "dnsmasq", "musterd", "nfs-ganesha" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(services); i++) {
		_cleanup_free_ char *path = NULL, *text = NULL, *title = NULL;
		_cleanup_strv_ struct strv lines = STRV_INIT;
		size_t len;

		if (asprintf(&path, "/root/var/log/muster/%s.log", services[i]) < 0 ||
		    asprintf(&title, _("what %s said"), services[i]) < 0)
			return -ENOMEM;
		if (fs_read(dir, path, LOG_MAX, &text, &len) < 0)
			continue;
		r = lab_console_lines(text, len, LINES, &lines);
		if (r == 0)
			r = lab_evidence_add(&v->evidence, &v->n_evidence, title, &lines);
	}
	return r;
}
