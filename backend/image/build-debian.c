/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roots of Debian and its kin, by mmdebstrap(1) from the server's own package sources. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/image/builder.h"
#include "backend/image/part.h"
#include "backend/image/sources.h"
#include "util/debstrap.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define STEP NC_("step", "packages")
#define APT_CONFIG_TIMEOUT_MS 30000
#define SOURCE_MS (10 * 60 * 1000)

static const char *debian_architecture(const char *machine)
{
	static const struct {
		const char *machine, *debian;
	} names[] = {
		{ "x86_64", "amd64" }, { "aarch64", "arm64" },	 { "i686", "i386" },
		{ "i386", "i386" },    { "riscv64", "riscv64" }, { "ppc64le", "ppc64el" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].machine, machine) == 0)
			return names[i].debian;
	return NULL;
}

/* A scratch folder as root has no apt of its own: then the running server's sources count. */
static int sources_root(const struct image_env *env)
{
	return fs_exists(env->root_fd, "/etc/apt") ? fcntl(env->root_fd, F_DUPFD_CLOEXEC, 3)
						   : fs_root_open("/");
}

static int debian_sources(const struct image_env *env, char **ret)
{
	const struct sources_want want = {
		.distribution = env->host->distribution,
		.codename = env->host->codename,
		.version = env->host->version,
		.architecture = debian_architecture(env->host->architecture),
	};
	struct sources s = SOURCES_INIT;
	_cleanup_close_ int root = sources_root(env);
	int r = root < 0 ? root : sources_read(&s, root);

	if (r == 0)
		r = sources_render(&s, &want, ret);
	if (r == -ENOENT)
		log_error(_("this server's package sources (/etc/apt/sources.list and sources.list.d) have "
			    "none for %s "
			    "itself, from which roots of nodes could be built: add a mirror of %s there"),
			  want.codename, want.codename);
	sources_free(&s);
	return r;
}

static int arguments(const struct recipe *r, const char *tree, const char *sources, struct strv *argv)
{
	int e = debstrap_begin(argv, strstr(r->sources, " file:") || strstr(r->sources, " copy:"));

	if (e == 0)
		e = strv_add(argv, r->kernel_only ? "--variant=extract"
				   : r->important ? "--variant=important"
						  : "--variant=minbase");
	if (e == 0)
		e = strv_addf(argv, "--architectures=%s", r->architecture);
	/* An archive of old releases is not signed anew each week. */
	if (e == 0 && r->important)
		e = strv_add(argv, "--aptopt=Acquire::Check-Valid-Until \"false\"");
	for (size_t i = 0; e == 0 && i < r->exclude.n; i++)
		e = strv_addf(argv, "--dpkgopt=path-exclude=%s", r->exclude.v[i]);
	if (e == 0 && r->packages.n > 0)
		e = debstrap_include(argv, &r->packages);
	if (e == 0)
		e = strv_add_all(argv, r->suite, tree, sources, NULL);
	return e;
}

struct packages_progress {
	const struct image_env *env;
	struct debstrap_progress debstrap;
};

static bool begins(const char *line, const char *with)
{
	return strncmp(line, with, strlen(with)) == 0;
}

static int packages_failed(const struct packages_progress *p, int r, int status)
{
	if (r == -MUSTER_E_CANCELLED)
		return r;
	if (r < 0)
		log_error(_("the packages of the node root cannot be installed: %s"), muster_strerror(r));
	else if (p->debstrap.wrong)
		log_error(_("the packages of the node root cannot be installed: %s. Look at \"packages\" in "
			    "the "
			    "answers, and at this server's package sources."),
			  p->debstrap.wrong);
	else
		log_error(_("the packages of the node root cannot be installed: mmdebstrap ended with status "
			    "%d"),
			  status);
	return r < 0 ? r : -MUSTER_E_COMMAND;
}

static void packages_line(void *data, const char *line)
{
	struct packages_progress *p = data;

	image_progress(p->env, STEP, debstrap_line(&p->debstrap, line), line);
}

static int write_sources(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fs_write_all(fd, text, strlen(text));
}

/* A node's apt needs the keys that its sources name: those that no package brought are copied from the server. */
static int copy_key(const struct image_env *env, int tree_fd, const char *path)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));
	_cleanup_close_ int root = sources_root(env), from = -1;
	int r;

	if (!folder)
		return -ENOMEM;
	if (fs_exists(tree_fd, path))
		return 0;
	from = root < 0 ? root : fs_open(root, path, O_RDONLY, 0);
	if (from < 0) {
		log_warning(_("the key %s of a package source cannot be given to the nodes: %s"), path,
			    muster_strerror(from));
		return 0;
	}
	r = *folder ? fs_mkdir_all(tree_fd, folder, 0755) : 0;
	return r < 0 ? r : fs_copy(from, tree_fd, path, &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 });
}

static int copy_keys(const struct image_env *env, const char *sources, const char *tree)
{
	_cleanup_free_ char *copy = strdup(sources);
	_cleanup_close_ int tree_fd = fs_root_open(tree);
	char *lines = NULL, *words = NULL;
	int r = tree_fd < 0 ? tree_fd : copy ? 0 : -ENOMEM;

	for (char *line = r == 0 ? strtok_r(copy, "\n", &lines) : NULL; r == 0 && line;
	     line = strtok_r(NULL, "\n", &lines)) {
		if (!begins(line, "Signed-By:"))
			continue;
		for (char *w = strtok_r(line + 10, " ,", &words); r == 0 && w;
		     w = strtok_r(NULL, " ,", &words))
			if (*w == '/')
				r = copy_key(env, tree_fd, w);
	}
	return r;
}

/* INITRD=No keeps the kernel package from making an initrd: /etc/kernel/postinst.d/initramfs-tools obeys it. */
static int debian_build(const struct image_env *env, const struct recipe *recipe, const char *work)
{
	static const char *const settings[] = { "INITRD=No", "LC_ALL=C.UTF-8",
						"DEBIAN_FRONTEND=noninteractive", NULL };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *tree = fs_join(work, "tree");
	/* mmdebstrap gives the file in the root this name. */
	_cleanup_free_ char *sources = fs_join(work, "muster.sources");
	struct packages_progress p = { .env = env };
	struct spawn s = { .env = settings,
			   .cancel_fd = env->cancel_fd,
			   .on_line = packages_line,
			   .data = &p,
			   .ends_with_us = true };
	int r, status = 0;

	if (!tree || !sources)
		return -ENOMEM;
	r = write_sources(sources, recipe->sources);
	if (r == 0)
		r = arguments(recipe, tree, sources, &argv);
	if (r < 0)
		return r;
	s.argv = (const char *const *)argv.v;
	r = spawn_run(&s, &status, NULL);
	if (r < 0 || status != 0)
		r = packages_failed(&p, r, status);
	free(p.debstrap.wrong);
	return r < 0 || recipe->kernel_only ? r : copy_keys(env, recipe->sources, tree);
}

static int debian_packages(const struct image_env *env, const char *tree, struct strv *ret)
{
	_cleanup_free_ char *admin = NULL, *output = NULL;
	char *save = NULL;
	int r;

	if (asprintf(&admin, "--admindir=%s/var/lib/dpkg", tree) < 0)
		return -ENOMEM;
	r = spawn_argv(&output, APT_CONFIG_TIMEOUT_MS, "dpkg-query", admin, "--show",
		       "--showformat=${Package} ${Version}\\n", NULL);
	for (char *line = r == 0 ? strtok_r(output, "\n", &save) : NULL; r == 0 && line;
	     line = strtok_r(NULL, "\n", &save))
		r = strv_add(ret, line);
	strv_sort(ret);
	return r;
}

/* ---- source packages ------------------------------------------------------------------------------------- */

/* The same places, asked for sources. */
static int source_sources(const char *sources, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const char *at = sources, *found;

	while ((found = strstr(at, "Types: deb\n"))) {
		strbuf_add(&b, at, (size_t)(found - at));
		strbuf_adds(&b, "Types: deb-src\n");
		at = found + strlen("Types: deb\n");
	}
	strbuf_adds(&b, at);
	return strbuf_take(&b, ret, NULL);
}

/* apt with a configuration beside the server's own: nothing of the server's changes, and its proxies count. */
static int source_apt(const char *to, struct strv *argv, ...) __attribute__((sentinel));

static int source_apt(const char *to, struct strv *argv, ...)
{
	const char *word;
	va_list ap;
	int r = strv_add(argv, "apt-get");

	if (r == 0)
		r = strv_addf(argv, "-oDir::Etc::sourcelist=%s/muster.sources", to);
	if (r == 0)
		r = strv_addf(argv, "-oDir::State=%s/state", to);
	if (r == 0)
		r = strv_addf(argv, "-oDir::Cache=%s/cache", to);
	if (r == 0)
		r = strv_add_all(argv, "-oDir::Etc::sourceparts=-", "-oDir::State::status=/dev/null",
				 "-oAcquire::Languages=none", "-oAPT::Sandbox::User=", "-y", NULL);
	va_start(ap, argv);
	while (r == 0 && (word = va_arg(ap, const char *)))
		r = strv_add(argv, word);
	va_end(ap);
	return r;
}

struct source_progress {
	const struct image_env *env;
	char *wrong;
};

static void source_line(void *data, const char *line)
{
	struct source_progress *p = data;

	if (!p->wrong && begins(line, "E: "))
		p->wrong = strdup(line + 3);
	image_progress(p->env, NC_("step", "fetch"), -1, line);
}

/* As the build's user: it needs no rights to fetch, either. */
static int source_run(const struct part_work *w, const char *to, const struct strv *argv, const char *package)
{
	/* Where the server's way out is told in the environment alone. */
	static const char *const proxies[] = { "http_proxy", "https_proxy", "ftp_proxy", "no_proxy" };
	const struct craft_env craft = part_craft(w->env);
	struct source_progress p = { w->env, NULL };
	_cleanup_strv_ struct strv set = STRV_INIT;
	struct craft_run c = {
		.env = &craft,
		.argv = (const char *const *)argv->v,
		.cwd = to,
		.uid = w->uid,
		.gid = w->gid,
		.online = true,
		.timeout_ms = SOURCE_MS,
		.on_line = source_line,
		.data = &p,
	};
	int status = 0, r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(proxies); i++)
		if (getenv(proxies[i]))
			r = strv_addf(&set, "%s=%s", proxies[i], getenv(proxies[i]));
	c.set = (const char *const *)set.v;
	if (r == 0)
		r = craft_run(&c, &status);
	if (r == 0 && status != 0) {
		log_error(_("the source package %s cannot be fetched from this server's package sources: %s"),
			  package, p.wrong ? p.wrong : "apt-get failed");
		r = -MUSTER_E_COMMAND;
	} else if (r < 0 && r != -MUSTER_E_CANCELLED) {
		log_error(_("the source package %s cannot be fetched: %s"), package, muster_strerror(r));
	}
	free(p.wrong);
	return r;
}

static int source_folders(const struct part_work *w, const char *to)
{
	static const char *const folders[] = { "state", "state/lists",	  "state/lists/partial",
					       "cache", "cache/archives", "cache/archives/partial" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		_cleanup_free_ char *path = fs_join(to, folders[i]);

		if (!path)
			return -ENOMEM;
		if (mkdir(path, 0755) < 0 || (w->uid != (uid_t)-1 && chown(path, w->uid, w->gid) < 0))
			return -errno;
	}
	return 0;
}

static int find_dsc(const char *folder, const char *package, char **ret)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	char *found = NULL;

	if (!d)
		return -errno;
	while (!found && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (n > 4 && strcmp(e->d_name + n - 4, ".dsc") == 0)
			found = strdup(e->d_name);
	}
	closedir(d);
	if (!found) {
		log_error(_("the source package %s cannot be fetched: apt brought no .dsc of it"), package);
		return -ENOENT;
	}
	*ret = found;
	return 0;
}

/* apt holds the index against its signature, and what it brings against the index. */
static int debian_source(const struct part_work *w, const char *package, const char *to, char **ret)
{
	_cleanup_free_ char *list = fs_join(to, "muster.sources"), *text = NULL;
	_cleanup_strv_ struct strv update = STRV_INIT, get = STRV_INIT;
	int r = list ? source_sources(w->sources, &text) : -ENOMEM;

	if (r == 0)
		r = write_sources(list, text);
	if (r == 0)
		r = source_folders(w, to);
	if (r == 0)
		r = source_apt(to, &update, "update", NULL);
	if (r == 0)
		r = source_apt(to, &get, "--download-only", "source", package, NULL);
	if (r == 0)
		r = source_run(w, to, &update, package);
	if (r == 0)
		r = source_run(w, to, &get, package);
	return r < 0 ? r : find_dsc(to, package, ret);
}

static const char *const debian_programs[] = { "mmdebstrap", "unshare", "dpkg-query", "apt-config", NULL };

const struct root_builder_ops root_builder_debian = {
	.family = "debian",
	.version = "debian 1",
	.programs = debian_programs,
	.sources = debian_sources,
	.architecture = debian_architecture,
	.build = debian_build,
	.packages = debian_packages,
	.source = debian_source,
};
