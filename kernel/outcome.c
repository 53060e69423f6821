/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What came out of a build, held against what the recipe says of it. A tree that is not the one that was meant builds well, too. */
#include "config.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

#define MAP_MAX (64UL << 20)

/* NULL where there is no such file. */
static char *read_list(int out_fd, const char *release, const char *name)
{
	_cleanup_free_ char *path = NULL;
	char *text = NULL;
	size_t len;

	if (asprintf(&path, "/lib/modules/%s/%s", release, name) < 0) {
		path = NULL;
		return NULL;
	}
	return fs_read(out_fd, path, MAP_MAX, &text, &len) == 0 ? text : NULL;
}

/* System.map: "ADDRESS TYPE NAME", as nm(1) writes it. */
static bool has_symbol(const char *map, const char *symbol)
{
	size_t n = strlen(symbol);

	for (const char *p = map; p && (p = strstr(p, symbol)); p += n)
		if (p > map && p[-1] == ' ' && (p[n] == '\n' || !p[n]))
			return true;
	return false;
}

static int check_symbols(const struct kernel_recipe *r, int out_fd, struct strbuf *wrong)
{
	_cleanup_free_ char *map = NULL;
	size_t len;
	int e = r->check_symbols.n ? fs_read(out_fd, "/System.map", MAP_MAX, &map, &len) : 0;

	if (e < 0 && e != -ENOENT)
		return e;
	for (size_t i = 0; i < r->check_symbols.n; i++)
		if (!has_symbol(map, r->check_symbols.v[i]))
			strbuf_addf(wrong, _("\n  it has no %s"), r->check_symbols.v[i]);
	return 0;
}

static void check_modules(const struct kernel_recipe *r, int out_fd, const char *release,
			  struct strbuf *wrong)
{
	_cleanup_free_ char *made = read_list(out_fd, release, "modules.dep"),
			    *built_in = read_list(out_fd, release, "modules.builtin");

	for (size_t i = 0; i < r->check_modules.n; i++)
		if (!kernel_lists_module(made, r->check_modules.v[i]) &&
		    !kernel_lists_module(built_in, r->check_modules.v[i]))
			strbuf_addf(wrong, _("\n  it has no module %s"), r->check_modules.v[i]);
}

int kernel_check_outcome(const struct kernel_recipe *r, int out_fd, const char *release)
{
	_cleanup_strbuf_ struct strbuf wrong = STRBUF_INIT;
	int e;

	if (*r->check_release && fnmatch(r->check_release, release, 0) != 0)
		strbuf_addf(&wrong, _("\n  its release is %s, and was to be %s"), release, r->check_release);
	e = check_symbols(r, out_fd, &wrong);
	check_modules(r, out_fd, release, &wrong);
	if (e < 0 || wrong.failed)
		return e < 0 ? e : -ENOMEM;
	if (wrong.len == 0)
		return 0;
	log_error(_("the kernel that was built is not what the recipe %s is for:%s"), r->name, wrong.data);
	return -MUSTER_E_REFUSED;
}
