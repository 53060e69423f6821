/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/strv.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void strv_free(struct strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct strv)STRV_INIT;
}

int strv_adopt(struct strv *s, char *string)
{
	char **v;

	if (!string)
		return -ENOMEM;
	/* Grows by doubling: the vector is full whenever n + 1 is a power of two. */
	if (((s->n + 1) & s->n) == 0) {
		v = reallocarray(s->v, (s->n + 1) * 2, sizeof(*v));
		if (!v) {
			free(string);
			return -ENOMEM;
		}
		s->v = v;
	}
	s->v[s->n++] = string;
	s->v[s->n] = NULL;
	return 0;
}

int strv_add(struct strv *s, const char *string)
{
	return strv_adopt(s, strdup(string));
}

int strv_addf(struct strv *s, const char *fmt, ...)
{
	va_list ap;
	char *string;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&string, fmt, ap);
	va_end(ap);
	return strv_adopt(s, n < 0 ? NULL : string);
}

int strv_add_all(struct strv *s, ...)
{
	const char *string;
	va_list ap;
	int r = 0;

	va_start(ap, s);
	while (r == 0 && (string = va_arg(ap, const char *)))
		r = strv_add(s, string);
	va_end(ap);
	return r;
}

bool strv_has(const struct strv *s, const char *string)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], string) == 0)
			return true;
	return false;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strv_sort(struct strv *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}
