/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sources that mean ill, or are swapped: what a build runs, makes and leaves leads root nowhere. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernel/private.h"
#include "tests/unit/kernel-site.h"
#include "util/error.h"
#include "util/fs.h"

static void an_archive_that_leads_out_builds_nothing(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	pack(s, "/linux.cpio", "../../../../evil", "evil");
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_REFUSED);
	assert_logged(s, "leads out of the archive's folder");
	assert_false(fs_exists(s->fd, "/evil"));
}

static void a_link_among_the_modules_leads_nobody_out(void **state)
{
	_cleanup_free_ char *victim = NULL;
	struct kernel_generation *g;
	struct site *s = *state;

	put(s, "/victim/modules/6.9.0-fake/precious", "x");
	victim = fs_join(s->path, "victim");
	pack(s, "/linux.cpio", "lead-out", victim);
	assert_true(build_with(s, PLAIN, &g) < 0);
	assert_true(fs_exists(s->fd, "/victim/modules/6.9.0-fake/precious"));
}

static void a_patch_cannot_write_outside_of_the_tree(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	put(s, KERNEL_OWN_RECIPES "/a.patch", "--- /dev/null\n+++ b/../../../evil\n@@ -0,0 +1 @@\n+evil\n");
	assert_true(build_with(s, PLAIN "patch \"evil\" { file = \"a.patch\" }\n", &g) < 0);
	assert_logged(s, "the patch evil does not apply");
	assert_false(fs_exists(s->fd, KERNEL_GENERATIONS "/evil"));
}

static void a_patch_that_is_none_is_refused(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	static const char hidden[] =
		"--- a/init/main.c\n+++ b/init/main.c\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n"
		"\0--- a/init/main.c\n";

	put(s, KERNEL_OWN_RECIPES "/a.patch", "");
	assert_int_equal(build_with(s, PLAIN "patch \"none\" { file = \"a.patch\" }\n", &g),
			 -MUSTER_E_FORMAT);
	assert_logged(s, "the patch none is empty");
	assert_int_equal(fs_write(s->fd, KERNEL_OWN_RECIPES "/a.patch", hidden, sizeof(hidden) - 1, &attr),
			 0);
	assert_int_equal(build_with(s, PLAIN "patch \"half\" { file = \"a.patch\" }\n", &g),
			 -MUSTER_E_FORMAT);
	assert_logged(s, "the patch half is no text: there is a byte 0 in it");
}

static void a_pipe_in_the_tree_is_not_waited_for(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	pack(s, "/linux.cpio", "pipe", "");
	assert_int_equal(build_with(s, PLAIN, &g), -EINVAL);
	assert_logged(s, "the build made System.map, and it is no plain file");
}

static void a_pipe_is_no_configuration(void **state)
{
	_cleanup_free_ char *pipe_path = fs_join(((struct site *)*state)->path, "pipe"), *recipe = NULL;
	struct kernel_generation *g;
	struct site *s = *state;

	assert_int_equal(mkfifo(pipe_path, 0644), 0);
	assert_true(asprintf(&recipe, "source \"linux\" { }\nconfig { base = \"%s\" }\n", pipe_path) > 0);
	assert_int_equal(build_with(s, recipe, &g), -MUSTER_E_REFUSED);
	assert_logged(s, "is not a plain file");
	assert_int_equal(build_with(s, "source \"linux\" { }\nconfig { base = \"/etc/\" }\n", &g),
			 -MUSTER_E_REFUSED);
	assert_logged(s, "the configuration /etc/ is not a plain file");
}

/* Whose disk is too small for it has moved it to another one. */
static void what_muster_keeps_may_lie_behind_a_link(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	struct site *s = *state;

	assert_int_equal(fs_mkdir_all(s->fd, "/var/lib", 0755), 0);
	assert_int_equal(fs_mkdir_all(s->fd, "/disk/muster", 0755), 0);
	assert_int_equal(symlinkat("../../disk/muster", s->fd, "var/lib/muster"), 0);
	assert_int_equal(build_with(s, PLAIN, &g), 0);
	assert_true(has_file(s, g->id, "vmlinuz"));
	assert_true(fs_exists(s->fd, "/disk/muster/kernels"));
}

static void make_old(const struct site *s, const char *path, time_t age)
{
	const struct timespec then[2] = { { .tv_sec = time(NULL) - age }, { .tv_sec = time(NULL) - age } };

	assert_int_equal(fs_mkdir_all(s->fd, path, 0755), 0);
	assert_int_equal(utimensat(s->fd, path + 1, then, 0), 0);
}

/* By another recipe: it may be wanted yet, for a month. */
static void what_nobody_goes_on_with_is_swept(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	struct site *s = *state;

	make_old(s, KERNEL_GENERATIONS "/.building-other-0123456789ab", 31L * 24 * 60 * 60);
	make_old(s, KERNEL_GENERATIONS "/.building-later-0123456789ab", 60L * 60);
	assert_int_equal(build_with(s, PLAIN, &g), 0);
	assert_false(fs_exists(s->fd, KERNEL_GENERATIONS "/.building-other-0123456789ab"));
	assert_true(fs_exists(s->fd, KERNEL_GENERATIONS "/.building-later-0123456789ab"));
}

/* Other tests build at the same time, as users like this one's: what tells them apart is where they work. */
static bool anybody_works_in(const char *folder)
{
	DIR *d = opendir("/proc");
	bool found = false;
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char link[64], at[4096];
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/%.20s/cwd", e->d_name);
		n = readlink(link, at, sizeof(at) - 1);
		found |= n > 0 && strncmp(at, folder, strlen(folder)) == 0;
	}
	if (d)
		closedir(d);
	return found;
}

static void what_a_build_leaves_running_ends_with_it(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	if (geteuid() != 0) {
		print_message("# left out: only root's builds have namespaces of their own\n");
		skip();
	}
	pack(s, "/linux.cpio", "lurk", "");
	assert_int_equal(build_with(s, PLAIN, &g), 0);
	kernel_generation_free(g);
	assert_false(anybody_works_in(s->path));
}

static void a_password_of_a_place_is_not_kept(void **state)
{
	static const char *const places[][2] = {
		{ "http://user:secret@host/x.tar.gz", "http://host/x.tar.gz" },
		{ "https://user@host:81/a@b", "https://host:81/a@b" },
		{ "http://host/a@b", "http://host/a@b" },
		{ "/srv/user:secret@x", "/srv/user:secret@x" },
		{ "sftp://user:secret@host/x", "sftp://host/x" },
	};
	struct site *s = *state;
	const struct craft_env env = kernel_craft(&s->env);

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_free_ char *shown = craft_public_place(places[i][0]);

		assert_string_equal(shown, places[i][1]);
		assert_int_equal(craft_has_password(places[i][0]), strcmp(shown, places[i][0]) != 0);
	}
	/* Nor told, when it is refused, or cannot be fetched. */
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct craft_input in = { .name = strdup("linux") };

		assert_int_not_equal(craft_input_take(&env, &in, places[i][0], ""), 0);
		free(in.name);
		free(in.place);
		free(in.shown);
		free(in.file);
		free(in.sha256);
	}
	assert_int_not_equal(craft_download(&env, "http://user:secret@127.0.0.1:1/x", -1), 0);
	assert_logged(s, "http://127.0.0.1:1/x");
	assert_null(strstr(s->log.data, "http://user:secret"));
	assert_null(strstr(s->log.data, "sftp://user:secret"));
}

/* Between its hash, which makes the id, and its use. */
static void a_source_that_is_swapped_is_not_built(void **state)
{
	_cleanup_free_ char *file = fs_join(((struct site *)*state)->path, "linux.cpio"), *out = NULL;
	struct craft_input in = { .name = strdup("linux") };
	_cleanup_close_ int folder = -1;
	struct site *s = *state;
	const struct craft_env env = kernel_craft(&s->env);
	int64_t newest;

	assert_int_equal(craft_input_take(&env, &in, file, ""), 0);
	pack(s, "/linux.cpio", "another", "x");
	out = fs_join(s->path, "swapped");
	assert_int_equal(fs_mkdir_all(s->fd, "/swapped", 0755), 0);
	folder = fs_open(s->fd, "/swapped", O_RDONLY | O_DIRECTORY, 0);
	assert_int_equal(craft_input_ready(&env, &in), 0);
	assert_int_equal(craft_tree(&env, &in, folder, out, "tree", (uid_t)-1, (gid_t)-1, &newest),
			 -MUSTER_E_FORMAT);
	assert_logged(s, "is not what it is to be");
	assert_false(fs_exists(s->fd, "/swapped/tree/Makefile"));
	free(in.name);
	free(in.place);
	free(in.shown);
	free(in.file);
	free(in.sha256);
}

#define ON_SITE(f) cmocka_unit_test_setup_teardown(f, make_site, drop_site)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SITE(an_archive_that_leads_out_builds_nothing),
		ON_SITE(a_link_among_the_modules_leads_nobody_out),
		ON_SITE(a_patch_cannot_write_outside_of_the_tree),
		ON_SITE(a_patch_that_is_none_is_refused),
		ON_SITE(a_pipe_in_the_tree_is_not_waited_for),
		ON_SITE(a_pipe_is_no_configuration),
		ON_SITE(what_nobody_goes_on_with_is_swept),
		ON_SITE(what_muster_keeps_may_lie_behind_a_link),
		ON_SITE(what_a_build_leaves_running_ends_with_it),
		ON_SITE(a_password_of_a_place_is_not_kept),
		ON_SITE(a_source_that_is_swapped_is_not_built),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
