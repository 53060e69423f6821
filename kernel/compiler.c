/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The compilers of this server, and which of them a recipe takes. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define ASK_MS 10000 /* a compiler answers at once, or hangs on a dead file server */

/* ---- versions ---------------------------------------------------------------------------------------- */

static bool is_version(const char *s, size_t n)
{
	bool digit = false;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.' ? !digit : s[i] < '0' || s[i] > '9')
			return false;
		digit = s[i] != '.';
	}
	return n > 0 && n < 24 && digit;
}

/* Compares as many numbers as `bound` has: 4.4.7 is neither above nor below 4.4. */
static int compare(const char *version, const char *bound, size_t n)
{
	const char *end = bound + n;

	while (bound < end) {
		char *v, *b;
		unsigned long x = strtoul(version, &v, 10), y = strtoul(bound, &b, 10);

		if (x != y)
			return x < y ? -1 : 1;
		version = *v == '.' ? v + 1 : v;
		bound = *b == '.' ? b + 1 : end;
	}
	return 0;
}

bool kernel_versions_have(const char *range, const char *version)
{
	const char *dash = strchr(range, '-');
	size_t n = dash ? (size_t)(dash - range) : strlen(range);

	if (!*range)
		return false;
	if (!dash)
		return compare(version, range, n) == 0;
	return compare(version, range, n) >= 0 && compare(version, dash + 1, strlen(dash + 1)) <= 0;
}

/* No end lies before its begin. */
bool kernel_versions_valid(const char *range)
{
	const char *dash = strchr(range, '-');
	size_t n = dash ? (size_t)(dash - range) : strlen(range);

	if (!dash)
		return is_version(range, n);
	return (n == 0 || is_version(range, n)) && (!dash[1] || is_version(dash + 1, strlen(dash + 1))) &&
	       range[1] && (n == 0 || !dash[1] || compare(range, dash + 1, strlen(dash + 1)) <= 0);
}

static int range_text(const char *name, const char *range, char **ret)
{
	const char *dash = strchr(range, '-');
	int n;

	if (strcmp(range, "0-") == 0)
		n = asprintf(ret, _("any %s"), name);
	else if (!dash)
		n = asprintf(ret, "%s %s", name, range);
	else if (!dash[1])
		n = asprintf(ret, _("%s %.*s and later"), name, (int)(dash - range), range);
	else if (dash == range)
		n = asprintf(ret, _("%s up to %s"), name, dash + 1);
	else
		n = asprintf(ret, _("%s %.*s to %s"), name, (int)(dash - range), range, dash + 1);
	if (n < 0)
		*ret = NULL;
	return n < 0 ? -ENOMEM : 0;
}

char *kernel_compiler_wanted(const struct kernel_recipe *r)
{
	_cleanup_free_ char *gcc = NULL, *clang = NULL;
	char *both;

	if ((*r->gcc && range_text("gcc", r->gcc, &gcc) < 0) ||
	    (*r->clang && range_text("clang", r->clang, &clang) < 0))
		return NULL;
	if (!gcc || !clang)
		return gcc ? TAKE_PTR(gcc) : clang ? TAKE_PTR(clang) : strdup("");
	return asprintf(&both, _("%s or %s"), gcc, clang) < 0 ? NULL : both;
}

bool kernel_compiler_fits(const struct kernel_recipe *r, const struct kernel_compiler *c)
{
	return kernel_versions_have(c->clang ? r->clang : r->gcc, c->version);
}

/* ---- asking one ----------------------------------------------------------------------------------------- */

void kernel_compiler_clear(struct kernel_compiler *c)
{
	free(c->path);
	free(c->name);
	free(c->toolchain);
	free(c->version);
	free(c->identity);
	*c = (struct kernel_compiler){ 0 };
}

void kernel_compilers_free(struct kernel_compiler *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		kernel_compiler_clear(&v[i]);
	free(v);
}

/* gcc: "cc (Debian 12.2.0-14+deb12u1) 12.2.0", or "gcc (GCC) 3.4.6", or "x-gcc-9 (...) 9.3.0 20200408": the first word
 * behind the brackets. clang: "Debian clang version 14.0.6", whatever comes before and after. */
int kernel_compiler_parse(const char *says, bool *ret_clang, char **ret_version)
{
	size_t line = strcspn(says, "\n");
	_cleanup_free_ char *first = strndup(says, line);
	const char *p, *clang;
	char *version;
	size_t n;

	if (!first)
		return -ENOMEM;
	clang = strstr(first, "clang version ");
	p = clang ? clang + 14 : strrchr(first, ')');
	if (!clang && p)
		for (p++; *p == ' '; p++)
			;
	n = p ? strspn(p, "0123456789.") : 0;
	if (!p || !is_version(p, n))
		return -MUSTER_E_FORMAT;
	/* Only these say so: any program may answer --version with brackets and a number. */
	if (!clang && !strstr(says, "Free Software Foundation"))
		return -MUSTER_E_FORMAT;
	version = strndup(p, n);
	if (!version)
		return -ENOMEM;
	*ret_clang = clang;
	*ret_version = version;
	return 0;
}

static int ask(const struct kernel_env *env, const struct jail *jail, const char *program, const char *option,
	       char **ret)
{
	const char *argv[] = { program, option, NULL };
	const char *const environment[] = { "LC_ALL=C", NULL };
	const struct spawn s = {
		.argv = argv,
		.env = environment,
		.timeout_ms = ASK_MS,
		.cancel_fd = env->cancel_fd,
		.jail = jail,
	};
	_cleanup_free_ char *output = NULL;
	int status, r = spawn_run(&s, &status, &output);

	if (r < 0)
		return r;
	if (status != 0)
		return -MUSTER_E_COMMAND;
	*ret = TAKE_PTR(output);
	return 0;
}

/* The assembler and linker make the kernel, too. */
static int add_tool(const struct kernel_env *env, const struct jail *jail, const char *cc, const char *tool,
		    struct strbuf *b)
{
	_cleanup_free_ char *option = NULL, *path = NULL, *says = NULL;
	int r;

	if (asprintf(&option, "-print-prog-name=%s", tool) < 0) {
		option = NULL;
		return -ENOMEM;
	}
	r = ask(env, jail, cc, option, &path);
	if (r == 0) {
		path[strcspn(path, "\n")] = '\0';
		r = ask(env, jail, path, "--version", &says);
	}
	if (r == 0)
		strbuf_addf(b, "%.*s\n", (int)strcspn(says, "\n"), says);
	return r == -ENOENT || r == -MUSTER_E_COMMAND ? 0 : r;
}

/* One that makefiles call by its name alone. */
static int add_program(const struct kernel_env *env, const struct jail *jail, const char *name,
		       struct strbuf *b)
{
	_cleanup_free_ char *says = NULL;
	int r = ask(env, jail, name, "--version", &says);

	if (r == 0)
		strbuf_addf(b, "%.*s\n", (int)strcspn(says, "\n"), says);
	return r == -ENOENT || r == -MUSTER_E_COMMAND ? 0 : r;
}

static int know(const struct kernel_env *env, const struct jail *jail, const char *path,
		struct kernel_compiler *ret)
{
	_cleanup_(kernel_compiler_clear) struct kernel_compiler c = { 0 };
	_cleanup_free_ char *says = NULL, *machine = NULL;
	int r = ask(env, jail, path, "--version", &says);

	if (r == 0)
		r = kernel_compiler_parse(says, &c.clang, &c.version);
	/* Many a program of GNU's says its version like this; only a compiler knows its machine. */
	if (r == 0)
		r = ask(env, jail, path, "-dumpmachine", &machine);
	if (r == 0 && !strchr(machine, '-'))
		r = -MUSTER_E_FORMAT;
	if (r < 0)
		return r;
	c.path = strdup(path);
	c.name = strdup(path);
	if (asprintf(&c.identity, "%.*s\n%s", (int)strcspn(says, "\n"), says, machine) < 0)
		c.identity = NULL;
	if (!c.path || !c.name || !c.identity)
		return -ENOMEM;
	*ret = c;
	c = (struct kernel_compiler){ 0 };
	return 0;
}

/* The one that is chosen says of its assembler and linker, too. */
int kernel_compiler_complete(const struct kernel_env *env, const struct jail *jail, struct kernel_compiler *c)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r;

	strbuf_adds(&b, c->identity);
	r = add_tool(env, jail, c->path, "as", &b);
	if (r == 0)
		r = add_tool(env, jail, c->path, "ld", &b);
	/* The kernel's makefiles link by the first ld there is, and build their own programs by the first gcc. */
	if (r == 0)
		r = add_program(env, jail, "ld", &b);
	if (r == 0)
		r = add_program(env, jail, "gcc", &b);
	free(c->identity);
	c->identity = NULL;
	return r < 0 ? r : strbuf_take(&b, &c->identity, NULL);
}

/* ---- those that there are -------------------------------------------------------------------------------- */

/* gcc, gcc-12, clang, clang-15 */
static bool is_candidate(const char *name)
{
	const char *rest = strncmp(name, "gcc", 3) == 0	    ? name + 3
			   : strncmp(name, "clang", 5) == 0 ? name + 5
							    : NULL;

	return rest && (!*rest || (*rest == '-' && is_version(rest + 1, strlen(rest + 1))));
}

static int candidates(const char *root, struct strv *ret)
{
	static const char *const folders[] = { "/usr/local/bin", "/usr/bin" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *folder = fs_join(root, folders[i]);
		DIR *d = folder ? opendir(folder) : NULL;
		struct dirent *e;

		while (d && r == 0 && (e = readdir(d)))
			if (is_candidate(e->d_name))
				r = strv_addf(ret, "%s/%s", folders[i], e->d_name);
		if (d)
			closedir(d);
	}
	/* "gcc" before "gcc-12", which is the same as often as not. */
	strv_sort(ret);
	return r;
}

int kernel_compilers_look(const struct kernel_env *env, const struct jail *jail, struct kernel_compiler **ret,
			  size_t *ret_n)
{
	_cleanup_strv_ struct strv paths = STRV_INIT;
	struct kernel_compiler *v;
	size_t n = 0;
	int r = candidates(jail ? jail->root : "/", &paths);

	if (r < 0)
		return r;
	v = calloc(paths.n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < paths.n; i++) {
		r = know(env, jail, paths.v[i], &v[n]);
		if (r == 0)
			n++;
		else if (r != -MUSTER_E_CANCELLED && r != -ENOMEM)
			r = 0;
	}
	if (r < 0) {
		kernel_compilers_free(v, n);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

int kernel_compiler_copy(const struct kernel_compiler *from, struct kernel_compiler *ret)
{
	_cleanup_(kernel_compiler_clear) struct kernel_compiler c = { .clang = from->clang };

	c.path = strdup(from->path);
	c.name = strdup(from->name);
	c.toolchain = from->toolchain ? strdup(from->toolchain) : NULL;
	c.version = strdup(from->version);
	c.identity = strdup(from->identity);
	if (!c.path || !c.name || !c.version || !c.identity || (from->toolchain && !c.toolchain))
		return -ENOMEM;
	*ret = c;
	c = (struct kernel_compiler){ 0 };
	return 0;
}

static int add_toolchain(const struct kernel_toolchain *t, struct kernel_compiler **v, size_t *n)
{
	struct kernel_compiler *more = reallocarray(*v, *n + t->n_compilers + 1, sizeof(*more));
	int r = more ? 0 : -ENOMEM;

	if (more)
		*v = more;
	for (size_t i = 0; r == 0 && i < t->n_compilers; i++) {
		r = kernel_compiler_copy(&t->compilers[i], &more[*n]);
		*n += r == 0;
	}
	return r;
}

int kernel_compilers(const struct kernel_env *env, struct kernel_compiler **ret, size_t *ret_n)
{
	struct kernel_toolchain **toolchains = NULL;
	struct kernel_compiler *v = NULL;
	size_t n = 0, n_toolchains = 0;
	int r = kernel_compilers_look(env, NULL, &v, &n);

	if (r == 0)
		r = kernel_toolchain_list(env, &toolchains, &n_toolchains);
	for (size_t i = 0; r == 0 && i < n_toolchains; i++)
		r = add_toolchain(toolchains[i], &v, &n);
	kernel_toolchains_free(toolchains, n_toolchains);
	if (r < 0) {
		kernel_compilers_free(v, n);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

/* ---- the one that a build takes ----------------------------------------------------------------------------- */

/* "NAME:gcc-4.4"; -ENOENT: nothing of the kind. */
static int know_inside(const struct kernel_env *env, const char *cc, struct kernel_compiler *ret)
{
	_cleanup_(kernel_toolchain_freep) struct kernel_toolchain *t = NULL;
	const char *colon = strchr(cc, ':');
	_cleanup_free_ char *name = colon ? strndup(cc, (size_t)(colon - cc)) : NULL;
	int r;

	if (!colon || strchr(cc, '/'))
		return -ENOENT;
	r = name ? kernel_toolchain_find(env, name, &t) : -ENOMEM;
	for (size_t i = 0; r == 0 && i < t->n_compilers; i++)
		if (strcmp(t->compilers[i].name, cc) == 0)
			return kernel_compiler_copy(&t->compilers[i], ret);
	return r < 0 ? r : -ENOENT;
}

/* By its path it must be found from the tree, too, and in the words of make. A link stays one: some compilers go by the name that
 * they are called by. */
static int find_named(const char *cc, char **ret)
{
	_cleanup_free_ char *here = *cc != '/' && strchr(cc, '/') ? getcwd(NULL, 0) : NULL;
	_cleanup_free_ char *path = here	 ? fs_join(here, cc)
				    : *cc == '/' ? strdup(cc)
				    : *cc	 ? spawn_find(cc)
						 : NULL;
	struct stat st;

	if (!path || stat(path, &st) < 0)
		return -ENOENT;
	if (!S_ISREG(st.st_mode) || access(path, X_OK) < 0 || strpbrk(path, " \t\n'\"$")) {
		log_error(S_ISREG(st.st_mode) && access(path, X_OK) == 0
				  ? _("%s has a blank or a quote in its path, which makefiles do not bear")
				  : _("%s is no program: name a compiler"),
			  path);
		return -MUSTER_E_REFUSED;
	}
	*ret = TAKE_PTR(path);
	return craft_check_way(*ret, _("a kernel"));
}

static int choose_named(const struct kernel_env *env, const struct kernel_recipe *r, const char *cc,
			struct kernel_compiler *ret)
{
	_cleanup_(kernel_compiler_clear) struct kernel_compiler c = { 0 };
	_cleanup_free_ char *path = NULL, *wanted = NULL;
	int e = know_inside(env, cc, &c);

	if (e == -ENOENT) {
		e = find_named(cc, &path);
		if (e == -MUSTER_E_REFUSED)
			return e;
		e = e < 0 ? e : know(env, NULL, path, &c);
	}
	if (e == -ENOENT)
		log_error(_("there is no compiler %s"), cc);
	else if (e < 0 && e != -MUSTER_E_CANCELLED && e != -ENOMEM)
		log_error(_("%s does not say which gcc or clang it is: \"%s --version\" was asked"), cc, cc);
	if (e < 0)
		return e == -ENOENT ? -MUSTER_E_MISSING : e;
	if (!kernel_compiler_fits(r, &c)) {
		wanted = kernel_compiler_wanted(r);
		log_error(_("%s is %s %s, and the recipe %s wants %s"), cc, c.clang ? "clang" : "gcc",
			  c.version, r->name, wanted ? wanted : _("another"));
		return -MUSTER_E_MISSING;
	}
	*ret = c;
	c = (struct kernel_compiler){ 0 };
	return 0;
}

int kernel_compiler_check(const struct kernel_env *env, const struct kernel_recipe *r, const char *cc)
{
	_cleanup_(kernel_compiler_clear) struct kernel_compiler c = { 0 };

	return choose_named(env, r, cc, &c);
}

static int say_none(const struct kernel_recipe *r, const char *have)
{
	_cleanup_free_ char *wanted = kernel_compiler_wanted(r), *advice = kernel_toolchain_advice(r);

	if (!wanted)
		return -ENOMEM;
	if (have)
		log_error(_("no compiler of this server is fit for the recipe %s: it wants %s; here are %s. "
			    "Name "
			    "another one with --cc PATH"),
			  r->name, wanted, have);
	else
		log_error(_("no compiler of this server is fit for the recipe %s: it wants %s; here is none. "
			    "Name "
			    "one with --cc PATH"),
			  r->name, wanted);
	if (advice)
		log_error("%s", advice);
	return -MUSTER_E_MISSING;
}

/* The usual one first: on nearly every server it fits, and no other needs to be asked. */
static int choose_any(const struct kernel_env *env, const struct kernel_recipe *r,
		      struct kernel_compiler *ret)
{
	_cleanup_strbuf_ struct strbuf have = STRBUF_INIT;
	_cleanup_free_ char *usual = spawn_find("gcc");
	struct kernel_compiler *v = NULL;
	bool found = false;
	size_t n = 0;
	int e;

	if (usual && know(env, NULL, usual, ret) == 0) {
		if (kernel_compiler_fits(r, ret))
			return 0;
		kernel_compiler_clear(ret);
	}
	e = kernel_compilers(env, &v, &n);
	if (e < 0)
		return e;
	for (size_t i = 0; !found && i < n; i++) {
		found = kernel_compiler_fits(r, &v[i]);
		if (found) {
			*ret = v[i];
			v[i] = (struct kernel_compiler){ 0 };
		} else {
			strbuf_adds(&have, i ? ", " : "");
			strbuf_addf(&have, v[i].toolchain ? _("%s %s of the toolchain %s") : "%s %s",
				    v[i].clang ? "clang" : "gcc", v[i].version, v[i].toolchain);
		}
	}
	kernel_compilers_free(v, n);
	if (found)
		return 0;
	return say_none(r, have.data);
}

int kernel_compiler_choose(const struct kernel_env *env, const struct kernel_recipe *r, const char *cc,
			   struct kernel_compiler *ret)
{
	struct kernel_compiler c = { 0 };
	int e = cc ? choose_named(env, r, cc, &c) : choose_any(env, r, &c);

	/* A toolchain's was asked when it was made. */
	if (e == 0 && !c.toolchain)
		e = kernel_compiler_complete(env, NULL, &c);
	if (e < 0) {
		kernel_compiler_clear(&c);
		return e;
	}
	*ret = c;
	return 0;
}
