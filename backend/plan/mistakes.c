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

void plan_mistakes_free(struct plan_mistakes *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->v[i].file);
		free(m->v[i].text);
	}
	free(m->v);
	*m = (struct plan_mistakes)PLAN_MISTAKES_INIT;
}

/* The texts end up on terminals: what the file holds must not steer them. */
static int printable(const char *text, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const char *end = text + strlen(text);

	while (text < end) {
		size_t n = scan_utf8(text, end);
		bool control = n == 0 || (unsigned char)*text < ' ' || *text == 0x7f ||
			       (n == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0);

		if (control)
			strbuf_addf(&b, "\\x%02x", (unsigned char)*text);
		else
			strbuf_add(&b, text, n);
		text += control ? 1 : n;
	}
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
