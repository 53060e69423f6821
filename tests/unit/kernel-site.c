/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/unit/kernel-site.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "util/archive.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/log.h"

static void take_log(void *data, enum log_level level, const char *text)
{
	struct site *s = data;

	strbuf_addf(&s->log, "%s\n", text);
}

static void take_progress(void *data, const char *step, const char *text, int permille, const char *line)
{
	struct site *s = data;

	if (text && (s->steps.len < strlen(step) + 1 ||
		     strncmp(s->steps.data + s->steps.len - strlen(step) - 1, step, strlen(step)) != 0))
		strbuf_addf(&s->steps, "%s ", step);
	s->last_permille = permille >= 0 ? permille : s->last_permille;
	if (strcmp(step, "wait") == 0)
		closep(&s->lingerer);
	if (strcmp(step, "wait") == 0)
		s->lingerer = -1;
}

void put(const struct site *s, const char *path, const char *text)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));

	if (*folder)
		assert_int_equal(fs_mkdir_all(s->fd, folder, 0755), 0);
	assert_int_equal(fs_write(s->fd, path, text, strlen(text),
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
}

void pack(const struct site *s, const char *name, const char *more, const char *text)
{
	kernel_tree_pack(s->fd, name, more, text);
}

const char *const *one_source(struct site *s, const char *extra)
{
	static char *words[2];

	free(words[0]);
	if (asprintf(&words[0], "%s/linux.cpio%s", s->path, extra) < 0)
		words[0] = NULL;
	assert_non_null(words[0]);
	return (const char *const *)words;
}

int make_site(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	char template[] = "/tmp/muster-build-XXXXXX";

	assert_non_null(s);
	assert_non_null(mkdtemp(template));
	assert_int_equal(chmod(template, 0755), 0);
	s->path = strdup(template);
	s->fd = fs_root_open(s->path);
	s->env = (struct kernel_env){ .root_fd = s->fd,
				      .root_path = s->path,
				      .recipes = "/nonexistent",
				      .progress = take_progress,
				      .data = s };
	s->lingerer = -1;
	log_set_sink(take_log, s);
	pack(s, "/linux.cpio", NULL, NULL);
	s->wish.sources = one_source(s, "");
	*state = s;
	return 0;
}

int drop_site(void **state)
{
	_cleanup_close_ int slash = fs_root_open("/");
	struct site *s = *state;

	log_set_sink(NULL, NULL);
	assert_int_equal(fs_remove_tree(slash, s->path), 0);
	close(s->fd);
	strbuf_free(&s->log);
	strbuf_free(&s->steps);
	free(s->path);
	free(s);
	return 0;
}

void assert_logged(const struct site *s, const char *text)
{
	if (!s->log.data || !strstr(s->log.data, text))
		fail_msg("no \"%s\" in: %s", text, s->log.data ? s->log.data : "(nothing)");
}

int build_with(struct site *s, const char *recipe, struct kernel_generation **ret)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *r = NULL;

	put(s, KERNEL_OWN_RECIPES "/fake.conf", recipe);
	assert_int_equal(kernel_recipe_read(&s->env, "fake", &r), 0);
	strbuf_reset(&s->steps);
	return kernel_build(&s->env, r, &s->wish, ret);
}

char *read_text(const struct site *s, const char *id, const char *name)
{
	_cleanup_free_ char *path = NULL;
	char *text = NULL;
	size_t len;

	assert_true(asprintf(&path, "%s/%s/%s", KERNEL_GENERATIONS, id, name) > 0);
	assert_int_equal(fs_read(s->fd, path, 1 << 20, &text, &len), 0);
	return text;
}

bool has_file(const struct site *s, const char *id, const char *name)
{
	_cleanup_free_ char *path = NULL;

	return asprintf(&path, "%s/%s/%s", KERNEL_GENERATIONS, id, name) > 0 && fs_exists(s->fd, path);
}

/* The process that is `inner` in a namespace of its own, and works below the site: as it is seen from here; 0: none. */
static pid_t seen_from_here(const struct site *s, long inner)
{
	DIR *d = opendir("/proc");
	pid_t found = 0;
	struct dirent *e;

	while (d && !found && (e = readdir(d))) {
		char path[64], at[4096], line[256];
		ssize_t n;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%.20s/cwd", e->d_name);
		n = readlink(path, at, sizeof(at) - 1);
		if (n < 0 || strncmp(at, s->path, strlen(s->path)) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/status", e->d_name);
		f = fopen(path, "r");
		while (f && fgets(line, sizeof(line), f)) {
			const char *last = strrchr(line, '\t');

			if (strncmp(line, "NSpid:", 6) == 0 && last && atol(last) == inner)
				found = (pid_t)atol(e->d_name);
		}
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return found;
}

pid_t wait_for_hanging(const struct site *s)
{
	int64_t end = clock_mono_ms() + SITE_DEADLINE_MS;
	_cleanup_free_ char *pattern = NULL;

	assert_true(asprintf(&pattern, "%s%s/.building-*/tree/hanging", s->path, KERNEL_GENERATIONS) > 0);
	while (clock_mono_ms() < end) {
		_cleanup_free_ char *text = NULL;
		glob_t g;
		int fd = glob(pattern, 0, NULL, &g) == 0 ? open(g.gl_pathv[0], O_RDONLY | O_CLOEXEC) : -1;

		globfree(&g);
		if (fd >= 0 && fs_read_fd(fd, 64, &text, NULL) < 0)
			text = NULL;
		closep(&fd);
		if (text && strchr(text, '\n') && seen_from_here(s, atol(text)))
			return seen_from_here(s, atol(text));
		poll(NULL, 0, 20);
	}
	fail_msg("the build did not begin");
	return 0;
}
