/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an installation brought: lists of packages, held against each other. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/drivers.h"
#include "util/strbuf.h"

#define CONFIGURED " config" /* behind the name of a package of which only the configuration is there */

void package_list_free(struct package_list *l)
{
	strv_free(&l->installed);
	strv_free(&l->configured);
}

void package_forecast_free(struct package_forecast *f)
{
	strv_free(&f->added);
	strv_free(&f->archives);
	strv_free(&f->changed);
}

int package_list_save(const struct package_list *l, char **ret)
{
	struct strbuf b = STRBUF_INIT;

	strbuf_adds(&b, "");
	for (size_t i = 0; i < l->installed.n; i++)
		strbuf_addf(&b, "%s\n", l->installed.v[i]);
	for (size_t i = 0; i < l->configured.n; i++)
		strbuf_addf(&b, "%s" CONFIGURED "\n", l->configured.v[i]);
	return strbuf_take(&b, ret, NULL);
}

int package_list_load(char *text, struct package_list *ret)
{
	struct package_list l = { STRV_INIT, STRV_INIT };
	char *save = NULL;
	int r = 0;

	for (char *line = strtok_r(text, "\n", &save); r == 0 && line; line = strtok_r(NULL, "\n", &save)) {
		char *mark = strstr(line, CONFIGURED);

		if (mark)
			*mark = '\0';
		r = strv_add(mark ? &l.configured : &l.installed, line);
	}
	if (r < 0) {
		package_list_free(&l);
		return r;
	}
	*ret = l;
	return 0;
}

static size_t base_of(const struct package_driver *d, const char *package)
{
	return d->base ? d->base(package) : strlen(package);
}

/* The same package, in whatever version. A journal of an earlier muster has names without one. */
static bool is_same(const struct package_driver *d, const char *package, const char *other)
{
	size_t n = base_of(d, package);

	return strncmp(package, other, n) == 0 && (strlen(other) == n || base_of(d, other) == n);
}

static bool has_some_version(const struct package_driver *d, const struct strv *v, const char *package)
{
	for (size_t i = 0; i < v->n; i++)
		if (is_same(d, package, v->v[i]))
			return true;
	return false;
}

/* It stands in the place of a version that was there before; where all of those are still there, it stands beside them. */
static bool replaces(const struct package_driver *d, const struct package_list *before,
		     const struct package_list *now, const char *package)
{
	for (size_t i = 0; i < before->installed.n; i++)
		if (is_same(d, package, before->installed.v[i]) &&
		    !strv_has(&now->installed, before->installed.v[i]))
			return true;
	return false;
}

int package_added(const struct package_driver *d, const struct package_list *before,
		  const struct package_list *now, struct strv *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < now->installed.n; i++) {
		const char *package = now->installed.v[i];

		if (!strv_has(&before->installed, package) && !replaces(d, before, now, package))
			r = strv_add(ret, package);
	}
	return r;
}

/* Those of `added` that are there, also in a version that came since. */
static int still_there(const struct package_driver *d, const struct package_list *before,
		       const struct package_list *now, const struct strv *added, struct strv *ret)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < now->installed.n; i++) {
		const char *package = now->installed.v[i];

		if (strv_has(added, package) || (has_some_version(d, added, package) &&
						 !has_some_version(d, &before->installed, package)))
			r = strv_add(ret, package);
	}
	return r;
}

/* An undo that was cut off may have removed it, and not yet its configuration. */
static bool is_leftover(const struct package_list *before, const struct strv *added, const char *package)
{
	return added ? strv_has(added, package) : !strv_has(&before->installed, package);
}

int package_surplus(const struct package_driver *d, const struct package_list *before,
		    const struct package_list *now, const struct strv *added, struct strv *ret_remove,
		    struct strv *ret_purge)
{
	int r = added ? still_there(d, before, now, added, ret_remove)
		      : package_added(d, before, now, ret_remove);

	for (size_t i = 0; r == 0 && i < ret_remove->n; i++)
		if (!strv_has(&before->configured, ret_remove->v[i]))
			r = strv_add(ret_purge, ret_remove->v[i]);
	for (size_t i = 0; r == 0 && i < now->configured.n; i++) {
		const char *package = now->configured.v[i];

		if (is_leftover(before, added, package) && !strv_has(&before->configured, package))
			r = strv_add(ret_purge, package);
	}
	return r;
}
