/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/plan/mistakes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "backend/plan/plan.h"
#include "backend/plan/scan.h"
#include "util/i18n.h"
#include "util/strbuf.h"

#define WORD_MAX 200  /* bytes of a word that is told whole */
#define WORD_SHOWN 60 /* of one that is not */

void plan_mistakes_free(struct plan_mistakes *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].file);
		free(m->v[i].text);
	}
	free(m->v);
	*m = (struct plan_mistakes)PLAN_MISTAKES_INIT;
}

/* What steers a terminal, or is not to be seen on it: controls, U+00A0, U+200B to U+200F, U+2028 to U+202F, U+2060 to U+206F. */
static bool is_unseen(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;

	if (n < 2)
		return n == 0 || *p < ' ' || *p == 0x7f;
	if (n == 2)
		return p[0] == 0xc2 && p[1] <= 0xa0;
	return n == 3 && p[0] == 0xe2 &&
	       ((p[1] == 0x80 && ((p[2] >= 0x8b && p[2] <= 0x8f) || p[2] >= 0xa8)) ||
		(p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf));
}

/* Where a word of more than WORD_MAX bytes is cut; its own end where it is shorter. */
static const char *word_cut(const char *word, const char *end)
{
	const char *cut = word;

	if (end - word <= WORD_MAX)
		return end;
	while (cut - word < WORD_SHOWN) {
		size_t n = scan_utf8(cut, end);

		cut += n ? n : 1;
	}
	return cut;
}

static void add_seen(struct strbuf *b, const char *text, const char *end)
{
	while (text < end) {
		size_t n = scan_utf8(text, end);

		if (!is_unseen(text, n)) {
			strbuf_add(b, text, n);
			text += n;
			continue;
		}
		do
			strbuf_addf(b, "\\x%02x", (unsigned char)*text++);
		while (n-- > 1);
	}
}

/* The texts end up on terminals: what the file holds must not steer them, nor fill them. */
static int printable(const char *text, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	while (*text) {
		const char *end = text + strcspn(text, " "), *cut = word_cut(text, end);

		add_seen(&b, text, cut);
		if (cut < end)
			strbuf_adds(&b, end[-1] == '"' ? "...\"" : "...");
		text = end;
		if (*text == ' ')
			strbuf_addc(&b, *text++);
	}
	strbuf_adds(&b, "");
	return strbuf_take(&b, ret, NULL);
}

int plan_mistakes_vadd(struct plan_mistakes *m, const char *file, unsigned int line, const char *fmt,
		       va_list ap)
{
	_cleanup_free_ char *raw = NULL, *text = NULL, *name = NULL;
	struct plan_mistake *v;

	if (m->n > PLAN_MISTAKES_MAX)
		return 0;
	if (m->n == PLAN_MISTAKES_MAX)
		raw = strdup(_("more mistakes follow; mend these first"));
	else if (vasprintf(&raw, fmt, ap) < 0)
		raw = NULL;
	name = strdup(file);
	if (!raw || !name || printable(raw, &text) < 0)
		return -ENOMEM;
	v = reallocarray(m->v, m->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	m->v = v;
	v[m->n++] = (struct plan_mistake){ TAKE_PTR(name), line, TAKE_PTR(text) };
	return 0;
}

int plan_mistakes_add(struct plan_mistakes *m, const char *file, unsigned int line, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = plan_mistakes_vadd(m, file, line, fmt, ap);
	va_end(ap);
	return r;
}

static int compare(const void *a, const void *b, void *first)
{
	const struct plan_mistake *x = a, *y = b;
	int r = strcmp(x->file, y->file);

	if (r != 0) {
		if (strcmp(x->file, first) == 0)
			return -1;
		return strcmp(y->file, first) == 0 ? 1 : r;
	}
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return strcmp(x->text, y->text);
}

void plan_mistakes_sort(struct plan_mistakes *m, const char *first)
{
	if (m->n > 1)
		qsort_r(m->v, m->n, sizeof(*m->v), compare, (void *)first);
}
