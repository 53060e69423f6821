/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The folder of a build, and the programs that work in it. What they run comes from the operator's archives, so it has no
 * rights: as root we hand the tree to a user id that nobody has, in namespaces of its own (util/jail.h). It sees nothing of our
 * environment, so that nothing but the id's ingredients makes the kernel.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define SAID_MAX 12
#define TELL_EVERY 4 /* files */

void kernel_work_free(struct kernel_work *w)
{
	if (!w)
		return;
	closep(&w->folder_fd);
	closep(&w->tree_fd);
	closep(&w->log_fd);
	closep(&w->held);
	free(w->tools);
	free(w->folder);
	free(w->host_folder);
	free(w->host_tree);
	strv_free(&w->said);
	free(w);
}

static int open_folder(struct kernel_work *w)
{
	int r = fs_mkdir_all(w->env->root_fd, w->folder, 0755);

	w->host_folder = kernel_host_path(w->env, w->folder);
	w->host_tree = w->host_folder ? fs_join(w->host_folder, "tree") : NULL;
	if (r == 0 && !w->host_tree)
		r = -ENOMEM;
	if (r == 0)
		r = craft_check_way(w->host_tree, _("a kernel"));
	if (r < 0)
		return r;
	w->folder_fd = fs_open(w->env->root_fd, w->folder, O_RDONLY | O_DIRECTORY, 0);
	if (w->folder_fd < 0)
		return w->folder_fd;
	w->log_fd = fs_open(w->folder_fd, "/log", O_WRONLY | O_CREAT | O_APPEND, 0644);
	return w->log_fd < 0 ? w->log_fd : craft_user(w->folder_fd, "/tree", &w->uid, &w->gid);
}

int kernel_work_open_tree(struct kernel_work *w)
{
	w->tree_fd = fs_open(w->folder_fd, "/tree", O_RDONLY | O_DIRECTORY, 0);
	return w->tree_fd < 0 ? w->tree_fd : 0;
}

static int enter_toolchain(struct kernel_work *w)
{
	w->tools = kernel_toolchain_tree(w->env, w->cc->toolchain);
	return w->tools ? kernel_toolchain_hold(w->env, w->cc->toolchain, &w->held) : -ENOMEM;
}

int kernel_work_new(const struct kernel_env *env, const struct kernel_recipe *r,
		    const struct kernel_compiler *cc, const char *id, unsigned int jobs,
		    struct kernel_work **ret)
{
	_cleanup_(kernel_work_freep) struct kernel_work *w = calloc(1, sizeof(*w));
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int e;

	if (!w)
		return -ENOMEM;
	w->env = env;
	w->recipe = r;
	w->cc = cc;
	w->id = id;
	w->jobs = jobs ? jobs : processors > 0 ? (unsigned int)processors : 1;
	w->folder_fd = w->tree_fd = w->log_fd = w->held = -1;
	if (asprintf(&w->folder, "%s/.building-%s", KERNEL_GENERATIONS, id) < 0) {
		w->folder = NULL;
		return -ENOMEM;
	}
	e = cc->toolchain ? enter_toolchain(w) : 0;
	if (e == 0)
		e = open_folder(w);
	if (e < 0 && e != -MUSTER_E_REFUSED && e != -MUSTER_E_CONFLICT)
		log_error(_("the kernel cannot be built in %s: %s"), w->folder, muster_strerror(e));
	if (e == 0)
		*ret = TAKE_PTR(w);
	return e;
}

/* ---- which steps were done ----------------------------------------------------------------------------- */

static char *mark_of(const char *step)
{
	char *name;

	return asprintf(&name, "/done-%s", step) < 0 ? NULL : name;
}

bool kernel_work_did(const struct kernel_work *w, const char *step, int64_t *ret)
{
	_cleanup_free_ char *name = mark_of(step), *text = NULL;
	size_t len;

	if (!name || fs_read(w->folder_fd, name, 64, &text, &len) < 0)
		return false;
	if (ret)
		*ret = strtoll(text, NULL, 10);
	return true;
}

int kernel_work_mark(struct kernel_work *w, const char *step, int64_t number)
{
	const struct fs_attr attr = { .mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1 };
	_cleanup_free_ char *name = mark_of(step);
	char text[32];

	snprintf(text, sizeof(text), "%lld\n", (long long)number);
	return name ? fs_write(w->folder_fd, name, text, strlen(text), &attr) : -ENOMEM;
}

void kernel_work_step(struct kernel_work *w, const char *step, const char *text)
{
	w->step = step;
	w->text = text;
	w->compiled = w->expected = 0;
	kernel_progress(w->env, step, text, -1, NULL);
}

/* ---- what they say ------------------------------------------------------------------------------------------ */

/* "  CC      init/main.o", "  AS [M]  x.o", "  CC [M]  x.o" */
static bool is_compiled(const char *line)
{
	static const char *const words[] = { "CC", "AS" };

	line += strspn(line, " ");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(line, words[i], 2) == 0 && (line[2] == ' ' || line[2] == '\t'))
			return true;
	return false;
}

/* What the log says that earlier attempts compiled. */
unsigned int kernel_work_compiled(const struct kernel_work *w)
{
	_cleanup_close_ int fd = fs_open(w->folder_fd, "/log", O_RDONLY, 0);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_ char *line = NULL;
	unsigned int n = 0;
	size_t size = 0;

	if (!f)
		return 0;
	fd = -1; /* f has it */
	while (getline(&line, &size, f) > 0)
		n += is_compiled(line);
	return n;
}

static void take_line(void *data, const char *line)
{
	struct kernel_work *w = data;
	int permille = -1;

	/* A disk that is full stops the build, not its log. */
	if (fs_write_all(w->log_fd, line, strlen(line)) == 0)
		(void)!write(w->log_fd, "\n", 1);
	if (w->on_line)
		w->on_line(w->line_data, line);
	if (craft_tells(line) && w->said.n < SAID_MAX && strv_add(&w->said, line) < 0)
		return;
	if (is_compiled(line) && ++w->compiled % TELL_EVERY == 0 && w->expected > 0)
		permille = (int)MIN(w->compiled * 990ULL / w->expected, 990ULL);
	kernel_progress(w->env, w->step, w->text, permille, line);
}

/* ---- running them ---------------------------------------------------------------------------------------------- */

/* A date that make's and the kernel's scripts read; the same for the same sources. */
static int epoch_text(int64_t epoch, char *buf, size_t size)
{
	time_t t = (time_t)epoch;
	struct tm tm;

	return gmtime_r(&t, &tm) && strftime(buf, size, "%a %b %e %H:%M:%S UTC %Y", &tm) > 0 ? 0 : -EINVAL;
}

static int add_settings(const struct kernel_work *w, struct strv *set)
{
	const char *hash = strrchr(w->id, '-');
	char date[64];
	int r = epoch_text(w->epoch, date, sizeof(date));

	if (r == 0)
		r = strv_add_all(set, "KBUILD_BUILD_USER=muster", "KBUILD_BUILD_HOST=muster", NULL);
	/* The version that a running kernel tells is this build's and no other's. */
	if (r == 0)
		r = strv_addf(set, "KBUILD_BUILD_VERSION=%s", hash ? hash + 1 : w->id);
	return r < 0 ? r : strv_addf(set, "KBUILD_BUILD_TIMESTAMP=%s", date);
}

static int run(struct kernel_work *w, const struct jail *jail, const char *cwd, const char *const *words,
	       const char *input, int timeout_ms, int *ret_status)
{
	const struct craft_env env = kernel_craft(w->env);
	_cleanup_strv_ struct strv set = STRV_INIT;
	struct craft_run c = {
		.env = &env,
		.argv = words,
		.cwd = cwd,
		.input = input,
		.uid = w->uid,
		.gid = w->gid,
		.timeout_ms = timeout_ms,
		.on_line = take_line,
		.data = w,
		.jail = jail,
	};
	int r = add_settings(w, &set);

	if (r < 0)
		return r;
	strv_free(&w->said);
	w->said = (struct strv)STRV_INIT;
	c.set = (const char *const *)set.v;
	return craft_run(&c, ret_status);
}

int kernel_work_run(struct kernel_work *w, const char *const *words, const char *input, int timeout_ms,
		    int *ret_status)
{
	return run(w, NULL, w->host_tree, words, input, timeout_ms, ret_status);
}

static int add_compiler(const struct kernel_work *w, struct strv *argv)
{
	_cleanup_strbuf_ struct strbuf cc = STRBUF_INIT, host = STRBUF_INIT;
	const struct kernel_recipe *r = w->recipe;
	int e;

	/* Trees of every age take options of the compiler in its name; other places came and went. */
	strbuf_addf(&cc, "CC=%s", w->cc->path);
	for (size_t i = 0; i < r->flags.n; i++)
		strbuf_addf(&cc, " %s", r->flags.v[i]);
	/* The tree's own programs are built by the server's gcc, which may be much newer than the tree. */
	if (w->tools && !w->cc->clang)
		strbuf_addf(&host, "HOSTCC=%s", w->cc->path);
	for (size_t i = 0; !w->tools && i < r->hostflags.n; i++)
		strbuf_addf(&host, "%s%s", i ? " " : "HOSTCFLAGS=-O2 ", r->hostflags.v[i]);
	if (cc.failed || host.failed)
		return -ENOMEM;
	e = strv_add(argv, cc.data);
	if (e == 0 && host.len)
		e = strv_add(argv, host.data);
	return e < 0 ? e : strv_addf(argv, "ARCH=%s", r->architecture);
}

/* What it says is in the log; the lines that matter come along. */
static void say_failure(struct kernel_work *w, const char *what, int status)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	if (kernel_disk_full(w->env, w->folder)) {
		log_error(_("the disk that holds %s is full"), w->host_folder);
		return;
	}
	for (size_t i = 0; i < w->said.n; i++)
		strbuf_addf(&b, "\n  %s", w->said.v[i]);
	log_error(_("%s ended with status %d%s%s\nAll that it said is in %s/log"), what, status,
		  b.len ? ":" : "", b.data ? b.data : "", w->host_folder);
}

int kernel_work_inside(struct kernel_work *w, const char *cwd, const char *what, const char *const *words,
		       const char *input, int timeout_ms)
{
	const struct jail jail = { .root = w->tools, .folder = w->host_folder, .uid = w->uid, .gid = w->gid };
	int status = 0, r = run(w, w->tools ? &jail : NULL, cwd, words, input, timeout_ms, &status);

	if (r == -ENOENT)
		log_error(_("make, env or nice is missing on this server"));
	else if (r == -MUSTER_E_TIMEOUT)
		log_error(_("%s took longer than %d minutes, and was ended"), what, timeout_ms / 60000);
	if (r == -ENOENT)
		return -MUSTER_E_MISSING;
	if (r < 0 || status == 0)
		return r;
	say_failure(w, what, status);
	return kernel_disk_full(w->env, w->folder) ? -ENOSPC : -MUSTER_E_COMMAND;
}

int kernel_work_make_in(struct kernel_work *w, const char *cwd, const char *input, int timeout_ms,
			const struct strv *words)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	_cleanup_free_ char *what = NULL;
	int r = strv_add(&argv, "make");

	if (r == 0)
		r = strv_addf(&argv, "-j%u", w->jobs);
	if (r == 0)
		r = add_compiler(w, &argv);
	for (size_t i = 0; r == 0 && i < words->n; i++)
		r = strv_add(&argv, words->v[i]);
	if (asprintf(&what, "make %s", words->n ? words->v[0] : "") < 0)
		what = NULL;
	if (r < 0 || !what)
		return -ENOMEM;
	return kernel_work_inside(w, cwd, what, (const char *const *)argv.v, input, timeout_ms);
}

int kernel_work_make(struct kernel_work *w, const char *input, int timeout_ms, ...)
{
	_cleanup_strv_ struct strv words = STRV_INIT;
	const char *word;
	va_list ap;
	int r = 0;

	va_start(ap, timeout_ms);
	while (r == 0 && (word = va_arg(ap, const char *)))
		r = strv_add(&words, word);
	va_end(ap);
	return r < 0 ? r : kernel_work_make_in(w, w->host_tree, input, timeout_ms, &words);
}
