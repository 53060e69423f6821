/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sections cluster, boot and services: names and choices. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/plan/answers.h"
#include "backend/plan/text.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

/* ---- cluster -------------------------------------------------------------------------------------------- */

/* The names of the profiles/cluster/NAME.conf that exist, sorted. */
static int cluster_profiles(const char *profiles_dir, struct strv *ret)
{
	_cleanup_free_ char *path = fs_join(profiles_dir, "cluster");
	struct dirent *e;
	DIR *d;
	int r = 0;

	if (!path)
		return -ENOMEM;
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n > 5 && strcmp(e->d_name + n - 5, ".conf") == 0)
			r = strv_addf(ret, "%.*s", (int)(n - 5), e->d_name);
	}
	closedir(d);
	strv_sort(ret);
	return r;
}

/* A kind of cluster says what boot.kernel and boot.root are where the answers do not. */
static void profile_defaults(struct answers *a)
{
	static const char *const roots[] = { "ram", "nfs", "initramfs", NULL };
	static const char *const ssis[] = { "none", "kerrighed", NULL };
	_cleanup_free_ char *path = NULL, *text = NULL, *why = NULL;
	_cleanup_(conf_freep) struct conf *c = NULL;
	struct answers inner = *a;
	const struct conf_section *s;
	const struct conf_value *kernel;
	size_t len;
	int r;

	if (asprintf(&path, "%s/cluster/%s.conf", a->profiles_dir, a->plan->profile) < 0) {
		path = NULL;
		a->error = -ENOMEM;
		return;
	}
	r = conf_load(path, &text, &len, &why);
	if (r == 0)
		r = conf_parse(path, text, len, profile_cluster_forms, a->mistakes, &c);
	else if (why)
		answers_wrong_in(a, path, 0, _("the profile %s"), why);
	if (r < 0) {
		a->error = r == -ENOMEM ? r : a->error;
		return;
	}
	inner.file = path;
	s = conf_section(c, "cluster");
	kernel = answers_value(s, "kernel");
	a->plan->root = (enum plan_root)answers_choice(&inner, s, "root", roots, PLAN_ROOT_RAM);
	a->ssi = answers_choice(&inner, s, "ssi", ssis, 0) > 0;
	answers_set(&inner, &a->plan->kernel, kernel ? kernel->text : "distro");
	a->error = inner.error;
}

static void cluster_profile(struct answers *a, const struct conf_section *s)
{
	const struct conf_value *v = answers_value(s, "profile");
	const char *name = v ? v->text : "plain";
	_cleanup_strv_ struct strv known = STRV_INIT;
	_cleanup_free_ char *list = NULL;
	int r = cluster_profiles(a->profiles_dir, &known);

	list = text_list(&known, _("none is installed"));
	if (r == -ENOMEM || !list) {
		a->error = -ENOMEM;
		return;
	}
	answers_set(a, &a->plan->kernel, "distro");
	if (strv_has(&known, name)) {
		answers_set(a, &a->plan->profile, name);
		if (a->error == 0)
			profile_defaults(a);
	} else if (v || known.n == 0) {
		answers_wrong(a, v ? v->line : a->last_line,
			      _("there is no cluster profile \"%s\"; there is %s"), name, list);
	}
}

void answers_cluster(struct answers *a)
{
	const struct conf_section *s = conf_section(a->conf, "cluster");
	const struct conf_option *o = conf_option(s, "name");
	const struct conf_value *name = answers_value(s, "name"), *domain = answers_value(s, "domain");

	if (name && !text_is_label(name->text))
		answers_wrong(a, name->line,
			      _("\"%s\" is no name for a cluster; take lower-case letters, digits and '-', "
				"neither first nor last, 63 at most (RFC 1123)"),
			      name->text);
	else if (name)
		answers_set(a, &a->plan->name, name->text);
	else if (s && (!o || !o->bad))
		answers_wrong(a, o ? o->line : s->line,
			      _("the cluster needs a name; write name = \"...\" in this section"));
	/* A node's label and its dot come before it, and the whole has 253 characters at most. */
	if (domain && (!text_is_domain(domain->text) || strlen(domain->text) > 253 - 64))
		answers_wrong(
			a, domain->line,
			_("\"%s\" is no domain; take lower-case labels with dots between, as in \"krg.lan\" "
			  "(RFC 1123)"),
			domain->text);
	else if (domain && strcmp(domain->text, "localhost") == 0)
		answers_wrong(a, domain->line,
			      _("the domain \"localhost\" means every machine itself; take another, as in "
				"\"cluster.lan\""));
	else if (domain)
		answers_set(a, &a->plan->domain, domain->text);
	else if (*a->plan->name) {
		_cleanup_free_ char *text = NULL;

		if (asprintf(&text, "%s.lan", a->plan->name) < 0)
			text = NULL;
		free(a->plan->domain);
		a->plan->domain = TAKE_PTR(text);
		if (!a->plan->domain)
			a->error = -ENOMEM;
	}
	cluster_profile(a, s);
}

/* ---- boot ----------------------------------------------------------------------------------------------- */

static void boot_kernel_path(struct answers *a, const struct conf_value *v)
{
	struct stat st;

	if (!text_is_of(v->text, "/._+-") || strstr(v->text, "/../"))
		answers_wrong(
			a, v->line,
			_("the kernel's path \"%s\" has characters other than letters, digits and / . _ + -, "
			  "or a \"..\"; rename or move the file"),
			v->text);
	else if (stat(v->text, &st) < 0)
		answers_wrong(a, v->line, _("the kernel %s: %s; give the path of a built kernel"), v->text,
			      muster_strerror(-errno));
	else if (!S_ISREG(st.st_mode) || st.st_size == 0)
		answers_wrong(a, v->line,
			      _("the kernel %s is no file with a kernel in it; give the path of a built one"),
			      v->text);
	else
		answers_set(a, &a->plan->kernel, v->text);
}

/* A kernel that was built here, by its id: RECIPE-HASH, as `muster kernel list` shows it. */
static bool is_kernel_id(const char *name)
{
	const char *dash = strrchr(name, '-');

	return dash && dash > name && strlen(dash + 1) == 12 &&
	       dash[1 + strspn(dash + 1, "0123456789abcdef")] == '\0' && text_is_of(name, ".-");
}

/* The recipes that muster brings lie beside the profiles. Whether one was built is seen when the kernel is taken. The one
 * that is called "distro" builds nothing. */
static bool is_recipe(const struct answers *a, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (!text_is_of(name, ".-") || *name == '.' || strcmp(name, "distro") == 0 ||
	    asprintf(&path, "%s/../kernel/recipes/%s.conf", a->profiles_dir, name) < 0)
		return false;
	return access(path, R_OK) == 0;
}

static void boot_kernel(struct answers *a, const struct conf_section *s)
{
	const struct conf_value *v = answers_value(s, "kernel");
	const char *name = v ? v->text : a->plan->kernel;
	_cleanup_strv_ struct strv known = STRV_INIT;
	_cleanup_free_ char *list = NULL;

	if (v && v->text[0] == '/') {
		boot_kernel_path(a, v);
		return;
	}
	if (a->ssi && a->distro && profile_kernel_find(a->distro, name)) {
		answers_wrong(
			a, v ? v->line : a->last_line,
			_("the nodes of a cluster of the kind \"%s\" become one machine, which the "
			  "distribution's kernel \"%s\" cannot; take a recipe such as kerrighed-3.0, or "
			  "a kernel that was built by it"),
			a->plan->profile, name);
		return;
	}
	if ((a->distro && profile_kernel_find(a->distro, name)) || is_kernel_id(name) || is_recipe(a, name)) {
		answers_set(a, &a->plan->kernel, name);
		return;
	}
	for (size_t i = 0; a->distro && i < a->distro->n_kernels; i++)
		if (strv_add(&known, a->distro->kernels[i].name) < 0)
			a->error = -ENOMEM;
	list = text_list(&known, _("no distribution kernel"));
	if (!list)
		a->error = -ENOMEM;
	else if (!a->distro)
		answers_wrong(
			a,
			v   ? v->line
			: s ? s->line
			    : 0,
			_("there is no distribution profile for this server (family \"%s\"), so its kernel "
			  "cannot be named; give the path of a built kernel: kernel = \"/...\""),
			a->host->family ? a->host->family : "");
	else if (v && strchr(v->text, '/'))
		answers_wrong(a, v->line, _("the kernel's path \"%s\" does not begin with /; write it whole"),
			      name);
	else
		answers_wrong(a,
			      v	  ? v->line
			      : s ? s->line
				  : 0,
			      _("there is no kernel \"%s\"; known here are %s, a recipe or id that "
				"\"muster kernel list\" shows, or the path of a built kernel"),
			      name, list);
}

static bool kernel_arg_reserved(const char *s)
{
	static const char *const names[] = { "rdinit", "init", "initrd", "root" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(s, names[i], n) == 0 && (s[n] == '=' || !s[n]))
			return true;
	}
	return false;
}

static bool is_package(const char *s)
{
	/* Debian policy, 5.6.1, and what rpm names have besides */
	return strlen(s) >= 2 && strlen(s) <= 128 && text_is_of(s, "+-._") &&
	       text_is_of((char[]){ *s, 0 }, "");
}

static void boot_words(struct answers *a, const struct conf_section *s)
{
	const struct conf_option *args = conf_option(s, "kernel_args"),
				 *packages = conf_option(s, "packages");
	size_t length = 0;

	for (size_t i = 0; args && i < args->n; i++) {
		const struct conf_value *v = &args->v[i];
		bool fitted = length <= PLAN_KERNEL_ARGS_MAX;

		length += strlen(v->text) + 1;
		if (fitted && length > PLAN_KERNEL_ARGS_MAX)
			answers_wrong(a, v->line,
				      _("from here on the kernel arguments are longer than the %d characters "
					"that a "
					"kernel's command line takes; give fewer"),
				      PLAN_KERNEL_ARGS_MAX);
		if (!text_is_of(v->text, "._,:=/@+%-"))
			answers_wrong(a, v->line,
				      _("the kernel argument \"%s\" is not one word of letters, digits and "
					"._,:=/@+%%-; give each argument as a word of its own"),
				      v->text);
		else if (kernel_arg_reserved(v->text))
			answers_wrong(a, v->line,
				      _("the kernel argument \"%s\" is set by muster itself; take it out"),
				      v->text);
		else if (strv_add(&a->plan->kernel_args, v->text) < 0)
			a->error = -ENOMEM;
	}
	for (size_t i = 0; packages && i < packages->n; i++) {
		const struct conf_value *v = &packages->v[i];
		bool debian = a->host->family && strcmp(a->host->family, "debian") == 0;
		bool odd = debian && strpbrk(v->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

		if (!is_package(v->text) || odd)
			answers_wrong(a, v->line,
				      debian ? _("\"%s\" is no package name; it has lower-case letters, "
						 "digits and + - . only, and begins with a letter or digit")
					     : _("\"%s\" is no package name; it has letters, digits and + - "
						 ". only, and begins with a letter or digit"),
				      v->text);
		else if (strv_add(&a->plan->packages, v->text) < 0)
			a->error = -ENOMEM;
	}
}

void answers_boot(struct answers *a)
{
	static const char *const roots[] = { "ram", "nfs", "initramfs", NULL };
	const struct conf_section *s = conf_section(a->conf, "boot");
	const struct conf_value *generation = answers_value(s, "generation");

	boot_kernel(a, s);
	a->plan->root = (enum plan_root)answers_choice(a, s, "root", roots, a->plan->root);
	if (generation && (!text_is_of(generation->text, "._-") || generation->text[0] == '.' ||
			   generation->text[0] == '-' || strlen(generation->text) > 64))
		answers_wrong(
			a, generation->line,
			_("\"%s\" is no id of a root generation; \"muster root list\" shows them, and \"\" "
			  "means the newest"),
			generation->text);
	else if (generation)
		answers_set(a, &a->plan->generation, generation->text);
	boot_words(a, s);
}

/* ---- services --------------------------------------------------------------------------------------------- */

static void services_port(struct answers *a, const struct conf_section *s)
{
	static const struct {
		unsigned int port;
		const char *owner;
	} taken[] = { { 22, "ssh" },  { 53, "DNS" },	  { 67, "DHCP" },
		      { 69, "TFTP" }, { 111, "rpcbind" }, { 2049, "NFS" } };
	const struct conf_option *o = conf_option(s, "http_port");
	unsigned int port;

	a->plan->http_port = 8066;
	if (!o || o->n != 1)
		return;
	if (!text_number(o->v[0].text, 1, 65535, &port)) {
		answers_wrong(a, o->v[0].line, _("http_port \"%s\" is no number from 1 to 65535"),
			      o->v[0].text);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		if (taken[i].port == port)
			answers_wrong(a, o->v[0].line,
				      _("http_port %u is the port of %s; take another, such as 8066"), port,
				      taken[i].owner);
	a->plan->http_port = port;
}

void answers_services(struct answers *a)
{
	static const char *const dnsmasq[] = { "none", "dnsmasq", NULL };
	static const char *const nfs[] = { "none", "kernel", "ganesha", NULL };
	static const char *const accounts[] = { "none", "files", NULL };
	const struct conf_section *s = conf_section(a->conf, "services");
	const struct conf_option *o = conf_option(s, "nfs"), *t = conf_option(s, "tftp");
	bool nfs_root = a->plan->root == PLAN_ROOT_NFS;
	int dhcp = answers_choice(a, s, "dhcp", dnsmasq, 1);
	int tftp = answers_choice(a, s, "tftp", dnsmasq, dhcp);

	a->plan->dhcp_service = dhcp == 1;
	if (t && t->n == 1 && dhcp != tftp)
		answers_wrong(a, t->v[0].line,
			      _("DHCP and TFTP are one program here; give both as \"dnsmasq\" or both as "
				"\"none\""));
	a->plan->nfs =
		(enum plan_nfs)answers_choice(a, s, "nfs", nfs, nfs_root ? PLAN_NFS_KERNEL : PLAN_NFS_NONE);
	if (nfs_root && a->plan->nfs == PLAN_NFS_NONE)
		answers_wrong(a,
			      o && o->n ? o->v[0].line
			      : s	? s->line
					: a->last_line,
			      _("boot.root is \"nfs\", which needs an NFS server; write nfs = \"kernel\" or "
				"\"ganesha\""));
	answers_choice(a, s, "accounts", accounts, 1);
	services_port(a, s);
}
