/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/plan/range.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "util/i18n.h"
#include "util/strbuf.h"

#define NAMES_MAX 100000
#define NAME_LEN_MAX 253
#define DIGITS_MAX 9 /* of a number: it fits into 32 bits */

/* ---- expand ---------------------------------------------------------------------------------------------- */

struct expansion {
	struct strv *names;
	size_t added;
	char **why;
};

static int _printf_(2, 3) refuse(struct expansion *x, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	*x->why = text;
	return -EINVAL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool name_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
	       c == '_';
}

/* Reads digits at *p, not beyond `end`. */
static int number(struct expansion *x, const char **p, const char *end, unsigned int *ret, int *ret_width)
{
	const char *s = *p;
	unsigned int n = 0;

	while (s < end && is_digit(*s) && s - *p <= DIGITS_MAX)
		n = n * 10 + (unsigned int)(*s++ - '0');
	if (s == *p)
		return refuse(x, _("a number is missing at \"%.*s\""), (int)MIN(end - s + 1, 40), s);
	if (s - *p > DIGITS_MAX)
		return refuse(x, _("the number at \"%.*s\" is too long"), 20, *p);
	*ret = n;
	*ret_width = (int)(s - *p);
	*p = s;
	return 0;
}

static int expand_from(struct expansion *x, const char *done, const char *p, const char *end);

/* One item within brackets, "3", "01-16" or "0-10/2", in front of what follows the brackets. */
static int expand_item(struct expansion *x, const char *done, const char **item, const char *close,
		       const char *end)
{
	unsigned int first, last, step = 1;
	int width, ignored, r;

	r = number(x, item, close, &first, &width);
	if (r < 0)
		return r;
	last = first;
	if (**item == '-') {
		(*item)++;
		r = number(x, item, close, &last, &ignored);
	}
	if (r == 0 && **item == '/') {
		(*item)++;
		r = number(x, item, close, &step, &ignored);
	}
	if (r < 0)
		return r;
	if (last < first)
		return refuse(x, _("the range %u-%u runs backwards"), first, last);
	if (step == 0)
		return refuse(x, _("a range cannot go in steps of 0"));
	if ((last - first) / step >= NAMES_MAX)
		return refuse(x, _("these are more than %d names"), NAMES_MAX);
	for (unsigned int n = first; r == 0 && n <= last; n += step) {
		_cleanup_free_ char *name = NULL;

		if (asprintf(&name, "%s%0*u", done, width, n) < 0) {
			name = NULL;
			return -ENOMEM;
		}
		r = expand_from(x, name, close + 1, end);
	}
	return r;
}

/* Expands p..end behind the text that is done. */
static int expand_from(struct expansion *x, const char *done, const char *p, const char *end)
{
	const char *open = memchr(p, '[', (size_t)(end - p)), *close, *item;
	_cleanup_free_ char *name = NULL;
	int r;

	if (asprintf(&name, "%s%.*s", done, (int)((open ? open : end) - p), p) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	if (strlen(name) > NAME_LEN_MAX)
		return refuse(x, _("a name is longer than %d characters"), NAME_LEN_MAX);
	if (!open) {
		if (x->added++ >= NAMES_MAX)
			return refuse(x, _("these are more than %d names"), NAMES_MAX);
		return strv_adopt(x->names, TAKE_PTR(name));
	}
	close = memchr(open, ']', (size_t)(end - open));
	item = open + 1;
	for (;;) {
		r = expand_item(x, name, &item, close, end);
		if (r < 0)
			return r;
		if (item == close)
			return 0;
		if (*item != ',')
			return refuse(x, _("\"%c\" has no meaning within brackets; write [01-16,20]"), *item);
		item++;
	}
}

/* The end of the part at p: a comma outside of brackets, or the end. Checks characters and brackets. */
static int part_end(struct expansion *x, const char *p, const char **ret)
{
	bool inside = false;
	const char *s = p;

	for (; *s && (inside || *s != ','); s++) {
		if (*s == '[' && !inside)
			inside = true;
		else if (*s == ']' && inside)
			inside = false;
		else if (*s == '[' || *s == ']')
			return refuse(x, _("the brackets do not match at \"%.40s\""), s);
		else if (!inside && !name_char(*s))
			return refuse(x, _("the character \"%c\" is no part of a node's name"),
				      *s > ' ' && *s < 0x7f ? *s : '?');
	}
	if (inside)
		return refuse(x, _("a closing bracket is missing"));
	if (s == p)
		return refuse(x, _("a name is missing; write node[01-16,20]"));
	*ret = s;
	return 0;
}

struct place {
	const char *name;
	size_t at;
};

static int by_name(const void *x, const void *y)
{
	const struct place *a = x, *b = y;
	int r = strcmp(a->name, b->name);

	return r ? r : a->at < b->at ? -1 : 1;
}

/* Takes every name out that stands earlier in the list; keeps the order. */
static int unique(struct strv *names)
{
	_cleanup_free_ struct place *v = calloc(names->n + 1, sizeof(*v));
	_cleanup_free_ bool *twice = calloc(names->n + 1, sizeof(*twice));
	struct strv kept = STRV_INIT;
	int r = 0;

	if (!v || !twice)
		return -ENOMEM;
	for (size_t i = 0; i < names->n; i++)
		v[i] = (struct place){ names->v[i], i };
	qsort(v, names->n, sizeof(*v), by_name);
	for (size_t i = 1; i < names->n; i++)
		twice[v[i].at] = strcmp(v[i - 1].name, v[i].name) == 0;
	for (size_t i = 0; r == 0 && i < names->n; i++)
		if (!twice[i])
			r = strv_add(&kept, names->v[i]);
	strv_free(r == 0 ? names : &kept);
	if (r == 0)
		*names = kept;
	return r;
}

int range_expand(const char *expression, struct strv *names, char **ret_why)
{
	_cleanup_strv_ struct strv found = STRV_INIT;
	struct expansion x = { .names = &found, .why = ret_why };
	const char *p = expression;
	int r;

	for (;;) {
		const char *end = p;

		r = part_end(&x, p, &end);
		if (r == 0)
			r = expand_from(&x, "", p, end);
		if (r < 0)
			return r;
		if (!*end)
			break;
		p = end + 1;
	}
	r = unique(&found);
	if (r < 0 || names->n == 0) {
		if (r == 0) {
			strv_free(names);
			*names = found;
			found = (struct strv)STRV_INIT;
		}
		return r;
	}
	for (size_t i = 0; r == 0 && i < found.n; i++)
		r = strv_add(names, found.v[i]);
	return r == 0 ? unique(names) : r;
}

/* ---- fold ------------------------------------------------------------------------------------------------ */

/* A name, cut at its last number. */
struct cut {
	const char *name;
	size_t prefix; /* characters before the number */
	size_t len;    /* digits; 0: it has no number */
	unsigned int number;
	size_t pad; /* the width its range is written with; 0: no leading zeros */
};

static struct cut cut(const char *name)
{
	struct cut c = { .name = name };
	size_t end = strlen(name);

	while (end > 0 && !is_digit(name[end - 1]))
		end--;
	c.prefix = end;
	while (c.prefix > 0 && is_digit(name[c.prefix - 1]))
		c.prefix--;
	c.len = end - c.prefix;
	if (c.len == 0 || c.len > DIGITS_MAX) {
		c.prefix = strlen(name);
		c.len = 0;
		return c;
	}
	for (size_t i = c.prefix; i < end; i++)
		c.number = c.number * 10 + (unsigned int)(name[i] - '0');
	c.pad = name[c.prefix] == '0' && c.len > 1 ? c.len : 0;
	return c;
}

/* Names that may share brackets: the same text before and behind the number. */
static int compare_group(const struct cut *a, const struct cut *b)
{
	size_t n = MIN(a->prefix, b->prefix);
	int r = memcmp(a->name, b->name, n);

	if (r == 0 && a->prefix != b->prefix)
		r = a->prefix < b->prefix ? -1 : 1;
	if (r == 0 && !a->len != !b->len)
		r = a->len ? 1 : -1;
	return r ? r : strcmp(a->name + a->prefix + a->len, b->name + b->prefix + b->len);
}

static int compare_cut(const void *x, const void *y)
{
	const struct cut *a = x, *b = y;
	int r = compare_group(a, b);

	if (r == 0 && a->pad != b->pad)
		r = a->pad < b->pad ? -1 : 1;
	if (r == 0 && a->number != b->number)
		r = a->number < b->number ? -1 : 1;
	return r;
}

/*
 * "10" is written alike with and without leading zeros before it: it joins the widest padded range that it fits
 * into. v..v+n is one group, sorted by pad.
 */
static void join_pads(struct cut *v, size_t n)
{
	size_t widths[DIGITS_MAX + 1] = { 0 };

	for (size_t i = 0; i < n; i++)
		widths[v[i].pad] = 1;
	for (size_t i = 0; i < n; i++)
		for (size_t w = v[i].len; v[i].pad == 0 && w >= 2; w--)
			if (widths[w])
				v[i].pad = w;
}

/* Writes one group with one pad: a name, or brackets. */
static void put_group(struct strbuf *b, const struct cut *v, size_t n)
{
	const char *suffix = v->name + v->prefix + v->len;
	bool brackets = n > 1 && v[n - 1].number != v[0].number;

	if (b->len)
		strbuf_addc(b, ',');
	strbuf_add(b, v->name, v->prefix);
	if (brackets)
		strbuf_addc(b, '[');
	for (size_t i = 0, last; v->len && i < n; i = last + 1) {
		for (last = i; last + 1 < n && v[last + 1].number - v[last].number <= 1; last++)
			;
		strbuf_addf(b, "%s%0*u", i ? "," : "", (int)v->pad, v[i].number);
		if (v[last].number != v[i].number)
			strbuf_addf(b, "-%0*u", (int)v->pad, v[last].number);
	}
	if (brackets)
		strbuf_addc(b, ']');
	strbuf_adds(b, suffix);
}

int range_fold(const struct strv *names, char **ret)
{
	_cleanup_free_ struct cut *v = calloc(names->n + 1, sizeof(*v));
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	size_t n = names->n, end;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		v[i] = cut(names->v[i]);
	qsort(v, n, sizeof(*v), compare_cut);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && compare_group(&v[i], &v[end]) == 0; end++)
			;
		join_pads(v + i, end - i);
	}
	qsort(v, n, sizeof(*v), compare_cut);
	for (size_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && compare_group(&v[i], &v[end]) == 0 && v[i].pad == v[end].pad;
		     end++)
			;
		put_group(&b, v + i, end - i);
	}
	return strbuf_take(&b, ret, NULL);
}
