/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What readers of recipes have in common: options into fields, with every mistake and its line. */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backend/plan/conf.h"
#include "backend/plan/plan.h"
#include "backend/plan/text.h"
#include "util/error.h"
#include "util/i18n.h"
#include "util/log.h"

void conf_wrong(struct conf_reading *d, unsigned int line, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!text || plan_mistakes_add(d->mistakes, d->path, line, "%s", text) < 0)
		d->error = -ENOMEM;
}

char *conf_take(struct conf_reading *d, const struct conf_section *s, const char *key, const char *preset)
{
	const struct conf_option *o = conf_option(s, key);
	char *text = strdup(o && o->n == 1 ? o->v[0].text : preset);

	if (!text)
		d->error = -ENOMEM;
	return text;
}

void conf_take_list(struct conf_reading *d, const struct conf_section *s, const char *key, struct strv *ret,
		    bool (*fit)(const char *), const char *what)
{
	const struct conf_option *o = conf_option(s, key);

	for (size_t i = 0; o && d->error == 0 && i < o->n; i++) {
		if (!fit(o->v[i].text))
			conf_wrong(d, o->v[i].line, _("%s \"%s\" is not %s"), key, o->v[i].text, what);
		else if (strv_add(ret, o->v[i].text) < 0)
			d->error = -ENOMEM;
	}
}

unsigned int conf_line(const struct conf_section *s, const char *key)
{
	const struct conf_option *o = conf_option(s, key);

	return o ? o->line : s ? s->line : 0;
}

char *conf_beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	char *whole;

	if (!*path || *path == '/' || !slash)
		return strdup(path);
	return asprintf(&whole, "%.*s/%s", (int)(slash - file), file, path) < 0 ? NULL : whole;
}

bool conf_is_symbol(const char *s)
{
	return text_is_of(s, "_") && strncmp(s, "CONFIG_", 7) != 0;
}

bool conf_is_setting(const char *s)
{
	_cleanup_free_ char *name = strndup(s, strcspn(s, "="));

	return name && conf_is_symbol(name) && strchr(s, '=') && !strpbrk(s, "\n\r");
}

int conf_read_recipe(const char *path, const struct conf_form *forms,
		     int (*read)(struct conf_reading *d, void *data), void *data, char **ret_text)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_free_ char *text = NULL, *why = NULL;
	_cleanup_(conf_freep) struct conf *c = NULL;
	size_t len;
	int r = conf_load(path, &text, &len, &why);

	if (r < 0) {
		if (r != -ENOENT && why)
			log_error(_("the recipe %s %s"), path, why);
		return r == -MUSTER_E_ANSWERS ? -MUSTER_E_FORMAT : r;
	}
	r = conf_parse(path, text, len, forms, &mistakes, &c);
	if (r == 0)
		r = read(&(struct conf_reading){ path, c, &mistakes, 0 }, data);
	for (size_t i = 0; i < mistakes.n; i++)
		log_error("%s:%u: %s", path, mistakes.v[i].line, mistakes.v[i].text);
	if (r == 0 && mistakes.n > 0)
		r = -MUSTER_E_FORMAT;
	if (r == 0 && ret_text)
		*ret_text = TAKE_PTR(text);
	return r;
}
