/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The text of a .config: "CONFIG_X=y", "# CONFIG_X is not set". Pure. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "craft/craft.h"
#include "util/error.h"
#include "util/strbuf.h"

#define PREFIX "CONFIG_"
#define UNSET " is not set"

/* The symbol of a line, and what stands behind the '='; value NULL: it is not set. False where the line is about none. */
static bool parse_line(const char *line, size_t len, const char **ret_name, size_t *ret_n,
		       const char **ret_value)
{
	const char *end = line + len, *p = line;
	size_t n;

	if (len > 2 && strncmp(p, "# ", 2) == 0)
		p += 2;
	if ((size_t)(end - p) <= strlen(PREFIX) || strncmp(p, PREFIX, strlen(PREFIX)) != 0)
		return false;
	p += strlen(PREFIX);
	n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
	if (p + n > end)
		return false;
	*ret_name = p;
	*ret_n = n;
	if (*line == '#') {
		*ret_value = NULL;
		return (size_t)(end - p) >= n + strlen(UNSET) && strncmp(p + n, UNSET, strlen(UNSET)) == 0;
	}
	*ret_value = p + n + 1;
	return p + n < end && p[n] == '=';
}

static bool is_name(const char *name, size_t n, const char *symbol)
{
	return strlen(symbol) == n && strncmp(name, symbol, n) == 0;
}

int craft_config_get(const char *config, const char *symbol, char **ret)
{
	const char *found = "n";
	size_t found_len = 1;
	char *copy;

	for (const char *line = config; *line;) {
		size_t len = strcspn(line, "\n"), n;
		const char *name, *value;

		if (parse_line(line, len, &name, &n, &value) && is_name(name, n, symbol)) {
			found = value ? value : "n";
			found_len = value ? (size_t)(line + len - value) : 1;
		}
		line += len + (line[len] == '\n');
	}
	copy = strndup(found, found_len);
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

static bool lists(const struct strv *v, const char *name, size_t n)
{
	for (size_t i = 0; i < v->n; i++)
		if (strlen(v->v[i]) == n && strncmp(v->v[i], name, n) == 0)
			return true;
	return false;
}

static bool is_valued(const struct craft_symbols *r, const char *name, size_t n)
{
	for (size_t i = 0; i < r->value->n; i++)
		if (strcspn(r->value->v[i], "=") == n && strncmp(r->value->v[i], name, n) == 0)
			return true;
	return false;
}

int craft_config_apply(const char *config, const struct craft_symbols *r, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (const char *line = config; *line;) {
		size_t len = strcspn(line, "\n"), n;
		const char *name, *value;
		bool ours = parse_line(line, len, &name, &n, &value) &&
			    (lists(r->set, name, n) || lists(r->module, name, n) ||
			     lists(r->unset, name, n) || is_valued(r, name, n));

		if (!ours) {
			strbuf_add(&b, line, len);
			strbuf_addc(&b, '\n');
		}
		line += len + (line[len] == '\n');
	}
	for (size_t i = 0; i < r->set->n; i++)
		strbuf_addf(&b, PREFIX "%s=y\n", r->set->v[i]);
	for (size_t i = 0; i < r->module->n; i++)
		strbuf_addf(&b, PREFIX "%s=m\n", r->module->v[i]);
	for (size_t i = 0; i < r->unset->n; i++)
		strbuf_addf(&b, "# " PREFIX "%s" UNSET "\n", r->unset->v[i]);
	for (size_t i = 0; i < r->value->n; i++)
		strbuf_addf(&b, PREFIX "%s\n", r->value->v[i]);
	return strbuf_take(&b, ret, NULL);
}

/* ---- what became of it -------------------------------------------------------------------------------- */

void craft_misses_free(struct craft_miss *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].symbol);
		free(v[i].wanted);
		free(v[i].got);
	}
	free(v);
}

struct misses {
	struct craft_miss *v;
	size_t n;
};

static int look(const char *config, const char *symbol, size_t n, const char *wanted, bool more,
		struct misses *m)
{
	struct craft_miss *v = &m->v[m->n];
	int r;

	v->symbol = strndup(symbol, n);
	v->wanted = strdup(wanted);
	r = v->symbol && v->wanted ? craft_config_get(config, v->symbol, &v->got) : -ENOMEM;
	/* A module that another symbol wants built in is more than was asked for. */
	if (r == 0 && (strcmp(v->got, wanted) == 0 || (more && strcmp(v->got, "y") == 0))) {
		free(v->symbol);
		free(v->wanted);
		free(v->got);
		*v = (struct craft_miss){ 0 };
		return 0;
	}
	m->n++;
	return r;
}

int craft_config_check(const char *config, const struct craft_symbols *r, struct craft_miss **ret,
		       size_t *ret_n)
{
	struct misses m = { calloc(r->set->n + r->module->n + r->unset->n + r->value->n + 1, sizeof(*m.v)),
			    0 };
	int e = m.v ? 0 : -ENOMEM;

	for (size_t i = 0; e == 0 && i < r->set->n; i++)
		e = look(config, r->set->v[i], strlen(r->set->v[i]), "y", false, &m);
	for (size_t i = 0; e == 0 && i < r->module->n; i++)
		e = look(config, r->module->v[i], strlen(r->module->v[i]), "m", true, &m);
	for (size_t i = 0; e == 0 && i < r->unset->n; i++)
		e = look(config, r->unset->v[i], strlen(r->unset->v[i]), "n", false, &m);
	for (size_t i = 0; e == 0 && i < r->value->n; i++) {
		const char *v = r->value->v[i], *equals = strchr(v, '=');

		e = look(config, v, (size_t)(equals - v), equals + 1, false, &m);
	}
	if (e < 0) {
		craft_misses_free(m.v, m.n);
		return e;
	}
	*ret = m.v;
	*ret_n = m.n;
	return 0;
}
