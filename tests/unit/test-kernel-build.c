/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole builds, of a tree that is a few lines long and takes no compiler: what goes well, and all that goes wrong. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel/private.h"
#include "tests/unit/kernel-site.h"
#include "util/archive.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define DEADLINE_MS 20000

/* ---- what goes well ------------------------------------------------------------------------------------ */

static void a_kernel_is_built_and_packaged(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	_cleanup_free_ char *facts = NULL, *config = NULL, *building = NULL;
	struct site *s = *state;

	assert_int_equal(build_with(s, PLAIN, &g), 0);
	assert_int_equal(strncmp(g->id, "fake-", 5), 0);
	assert_int_equal(strlen(g->id), 5 + KERNEL_ID_DIGITS);
	assert_string_equal(g->release, "6.9.0-fake");
	/* The version that the kernel tells is this build's alone. */
	assert_int_equal(strncmp(g->version, "#", 1), 0);
	assert_int_equal(strncmp(g->version + 1, g->id + 5, KERNEL_ID_DIGITS), 0);
	assert_true(has_file(s, g->id, "vmlinuz"));
	assert_true(has_file(s, g->id, "System.map"));
	assert_true(has_file(s, g->id, "lib/modules/6.9.0-fake/kernel/net.ko"));
	assert_false(has_file(s, g->id, "lib/modules/6.9.0-fake/build"));
	config = read_text(s, g->id, "config");
	assert_non_null(strstr(config, "CONFIG_NET=y"));
	facts = read_text(s, g->id, "kernel.json");
	assert_non_null(strstr(facts, "\"compiler_identity\": \"gcc"));
	assert_non_null(strstr(facts, "\"config_sha256\""));
	assert_string_equal(s->steps.data, "verify unpack configure build package ");
	assert_true(asprintf(&building, "%s/.building-%s", KERNEL_GENERATIONS, g->id) > 0);
	assert_false(fs_exists(s->fd, building));
}

static void the_same_build_is_not_done_twice(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *a = NULL, *b = NULL;
	struct site *s = *state;

	assert_int_equal(build_with(s, PLAIN, &a), 0);
	assert_int_equal(build_with(s, "# another comment\n" PLAIN, &b), 0);
	assert_string_equal(a->id, b->id);
	/* Not even the source is read again. */
	assert_int_equal(s->steps.len, 0);
}

static void a_changed_symbol_is_another_kernel(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *a = NULL, *b = NULL;
	struct kernel_generation **all;
	struct site *s = *state;
	size_t n;

	assert_int_equal(build_with(s, PLAIN, &a), 0);
	assert_int_equal(
		build_with(s,
			   "source \"linux\" { }\nconfig { base = \"tinyconfig\" set = {\"NET\", \"PCI\"} }\n"
			   "build { targets = {\"bzImage\", \"modules\"} }\n",
			   &b),
		0);
	assert_string_not_equal(a->id, b->id);
	assert_string_not_equal(a->version, b->version);
	assert_int_equal(kernel_list(&s->env, &all, &n), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < n; i++)
		kernel_generation_free(all[i]);
	free(all);
}

static void put_tree(const struct site *s)
{
	put(s, "/mine/Makefile", kernel_tree_makefile);
	put(s, "/mine/Kconfig", kernel_tree_kconfig);
	put(s, "/mine/scripts/kconfig/Makefile", "olddefconfig:\n");
	put(s, "/mine/stale.o", "built long ago");
	put(s, "/mine/.git/config", "large");
}

static void a_tree_that_is_unpacked_is_copied_and_built(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *a = NULL, *b = NULL, *c = NULL;
	_cleanup_free_ char *mine = NULL;
	const char *words[] = { NULL, NULL };
	struct site *s = *state;

	put_tree(s);
	mine = fs_join(s->path, "mine");
	words[0] = mine;
	s->wish.sources = words;
	assert_int_equal(build_with(s, PLAIN, &a), 0);
	assert_string_equal(s->steps.data, "copy configure build package ");
	/* The operator's own stays as it is. */
	assert_true(fs_exists(s->fd, "/mine/stale.o"));
	assert_false(fs_exists(s->fd, "/mine/.config"));
	/* What is in .git is not in the kernel. */
	put(s, "/mine/.git/HEAD", "another");
	assert_int_equal(build_with(s, PLAIN, &b), 0);
	assert_string_equal(a->id, b->id);
	put(s, "/mine/init/main.c", "changed");
	assert_int_equal(build_with(s, PLAIN, &c), 0);
	assert_string_not_equal(a->id, c->id);
}

static void a_kernel_is_removed(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL, *again = NULL;
	struct site *s = *state;

	assert_int_equal(build_with(s, PLAIN, &g), 0);
	assert_int_equal(kernel_remove(&s->env, g->id), 0);
	assert_int_equal(kernel_find(&s->env, g->id, &again), -ENOENT);
	assert_int_equal(kernel_remove(&s->env, g->id), -ENOENT);
	assert_int_equal(kernel_remove(&s->env, "../kernels"), -ENOENT);
}

static void the_build_has_no_rights_and_nothing_of_our_environment(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	_cleanup_free_ char *user = NULL, *environment = NULL;
	struct site *s = *state;

	setenv("KCFLAGS", "-DSECRET", 1);
	setenv("MAKEFLAGS", "-k", 1);
	assert_int_equal(build_with(s, PLAIN, &g), 0);
	unsetenv("KCFLAGS");
	unsetenv("MAKEFLAGS");
	user = read_text(s, g->id, "lib/modules/6.9.0-fake/kernel/net.ko");
	if (geteuid() == 0)
		assert_int_not_equal(atol(user), 0);
	environment = read_text(s, g->id, "lib/modules/6.9.0-fake/environment");
	assert_null(strstr(environment, "SECRET"));
}

/* ---- modules from outside of the tree ------------------------------------------------------------------------ */

/* A module's own tree as /demo.cpio. Its configure writes down where the kernel is. */
static void pack_module(const struct site *s)
{
	static const char configure[] = "#!/bin/sh\necho \"$1 $2\" > configured\n";
	static const char makefile[] =
		"all:\n\tgrep -q '^--with-kernel=/' ../configured\n\tgrep -q CONFIG_NET=y $(KERNEL)/.config\n"
		"\t$(CC) -g -c -o deep/demo.ko demo.c\n";
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	struct archive_out *a;
	_cleanup_free_ char *data = NULL;
	size_t len;

	assert_int_equal(archive_new(ARCHIVE_GZIP, &a), 0);
	archive_add_file(a, "demo-2.4/configure", 0755, configure, strlen(configure));
	archive_add_file(a, "demo-2.4/modules/Makefile", 0644, makefile, strlen(makefile));
	archive_add_file(a, "demo-2.4/modules/deep/README", 0644, "", 0);
	archive_add_file(a, "demo-2.4/modules/demo.c", 0644, "int demo;\n", 10);
	assert_int_equal(archive_finish(a, &data, &len), 0);
	assert_int_equal(fs_write(s->fd, "/demo.cpio", data, len, &attr), 0);
}

#define MODULE                                                                                    \
	"source \"linux\" { }\nsource \"demo\" { }\nconfig { base = \"tinyconfig\" set = "        \
	"{\"NET\"} }\nmodule \"demo\" { source = \"demo\" folder = \"modules\" configure = "      \
	"{\"--with-kernel=@KERNEL@\"} make = {\"all\", \"KERNEL=@KERNEL@\"} products = {\"%s\"} " \
	"}\n"

static int build_module(struct site *s, const char *product, struct kernel_generation **ret)
{
	_cleanup_free_ char *recipe = NULL, *linux_place = NULL, *demo = NULL;
	const char *words[3] = { NULL };

	pack_module(s);
	assert_true(asprintf(&recipe, MODULE, product) > 0);
	assert_true(asprintf(&linux_place, "linux=%s/linux.cpio", s->path) > 0);
	assert_true(asprintf(&demo, "demo=%s/demo.cpio", s->path) > 0);
	words[0] = linux_place;
	words[1] = demo;
	s->wish.sources = words;
	return build_with(s, recipe, ret);
}

static void a_module_of_its_own_is_built_against_the_kernel(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	_cleanup_free_ char *deps = NULL;
	struct site *s = *state;

	assert_int_equal(build_module(s, "d*.ko", &g), 0);
	assert_true(has_file(s, g->id, "lib/modules/6.9.0-fake/extra/demo.ko"));
	/* It can be found by its name. */
	deps = read_text(s, g->id, "lib/modules/6.9.0-fake/modules.dep");
	assert_non_null(strstr(deps, "extra/demo.ko:"));
	assert_non_null(strstr(s->steps.data, "build package module package "));
}

static void a_module_that_does_not_come_out_is_said(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	assert_int_equal(build_module(s, "other.ko", &g), -ENOENT);
	assert_logged(s, "the module demo ended well, and made no other.ko");
}

/* ---- what goes wrong ------------------------------------------------------------------------------------ */

static void a_symbol_that_vanishes_is_named_with_what_it_depends_on(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	assert_int_equal(
		build_with(
			s,
			"source \"linux\" { }\nconfig { base = \"tinyconfig\" set = {\"NET\", \"GHOST\"} }\n",
			&g),
		-MUSTER_E_REFUSED);
	assert_logged(s, "GHOST is to be set, and is not set. It depends on HAUNTED_HOUSE (Kconfig:3)");
	assert_null(strstr(s->steps.data, "build"));
}

static void a_wrong_hash_is_refused(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	s->wish.sources =
		one_source(s, "#sha256=0000000000000000000000000000000000000000000000000000000000000000");
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_FORMAT);
	assert_logged(s, "is not what it is to be: its SHA-256 is ");
	assert_null(strstr(s->steps.data, "unpack"));
	s->wish.sources = one_source(s, "#sha256=12");
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_REFUSED);
	assert_logged(s, "is to be 64 hexadecimal digits");
}

static void a_source_of_the_network_needs_its_hash(void **state)
{
	static const char *const words[] = { "http://127.0.0.1:1/linux.tar", NULL };
	struct kernel_generation *g;
	struct site *s = *state;

	s->wish.sources = words;
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_REFUSED);
	assert_logged(s, "put its SHA-256 behind it");
}

static void a_source_that_nobody_named_is_asked_for(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	s->wish.sources = NULL;
	assert_int_equal(build_with(s, "source \"linux\" { description = \"a tree\" }\n", &g),
			 -MUSTER_E_REFUSED);
	assert_logged(s, "the recipe fake wants the source linux, a tree: name its path or URL with --source "
			 "linux=PLACE");
}

static void a_word_about_no_source_is_refused(void **state)
{
	const char *words[] = { "foldr=/srv/x", NULL };
	struct kernel_generation *g;
	struct site *s = *state;

	s->wish.sources = words;
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_REFUSED);
	assert_logged(s,
		      "\"foldr=/srv/x\" names no source; give NAME=PLACE, where NAME is one of these: linux");
}

static void a_patch_is_applied(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	struct site *s = *state;

	put(s, KERNEL_OWN_RECIPES "/a.patch",
	    "--- a/init/main.c\n+++ b/init/main.c\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n");
	assert_int_equal(build_with(s, PLAIN "patch \"shout\" { file = \"a.patch\" }\n", &g), 0);
	assert_string_equal(s->steps.data, "verify unpack patch configure build package ");
}

static void a_patch_that_does_not_apply_is_named_with_file_and_hunk(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	put(s, KERNEL_OWN_RECIPES "/a.patch",
	    "--- a/init/main.c\n+++ b/init/main.c\n@@ -1,3 +1,3 @@\n uno\n-dos\n+DOS\n tres\n");
	assert_int_equal(build_with(s, PLAIN "patch \"shout\" { file = \"a.patch\" }\n", &g),
			 -MUSTER_E_COMMAND);
	assert_logged(s, "the patch shout does not apply to this tree:\n  init/main.c: hunk 1 does not fit "
			 "at line 1");
}

#define CHECKED PLAIN "check { release = \"%s\" symbols = {\"%s\"} modules = {\"%s\"} }\n"

static void what_comes_out_is_held_against_the_recipe(void **state)
{
	_cleanup_free_ char *wrong = NULL, *right = NULL;
	struct kernel_generation *g = NULL;
	struct site *s = *state;

	assert_true(asprintf(&wrong, CHECKED, "2.6.30-krg*", "start", "base") > 0);
	assert_true(asprintf(&right, CHECKED, "6.9*", "start_kernel", "low_base") > 0);
	assert_int_equal(build_with(s, wrong, &g), -MUSTER_E_REFUSED);
	assert_logged(
		s,
		"not what the recipe fake is for:\n  its release is 6.9.0-fake, and was to be 2.6.30-krg*\n"
		"  it has no start\n  it has no module base");
	/* With another check it is the same kernel, and compiled already. */
	strbuf_reset(&s->steps);
	assert_int_equal(build_with(s, right, &g), 0);
	assert_string_equal(s->steps.data, "build package ");
	kernel_generation_free(g);
}

static void an_archive_that_is_no_tree_is_refused(void **state)
{
	struct kernel_generation *g;
	struct archive_out *a;
	_cleanup_free_ char *data = NULL;
	struct site *s = *state;
	size_t len;

	assert_int_equal(archive_new(ARCHIVE_PLAIN, &a), 0);
	archive_add_file(a, "readme/README", 0644, "no kernel", 9);
	assert_int_equal(archive_finish(a, &data, &len), 0);
	assert_int_equal(fs_write(s->fd, "/linux.cpio", data, len,
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_FORMAT);
	assert_logged(s, "is no kernel's tree");
}

static void a_compiler_that_does_not_fit_is_refused_with_those_that_would(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	assert_int_equal(build_with(s, PLAIN "compiler { gcc = \"3.2-4.4\" }\n", &g), -MUSTER_E_MISSING);
	assert_logged(
		s,
		"no compiler of this server is fit for the recipe fake: it wants gcc 3.2 to 4.4; here are ");
	s->wish.cc = "gcc";
	assert_int_equal(build_with(s, PLAIN "compiler { gcc = \"3.2-4.4\" }\n", &g), -MUSTER_E_MISSING);
	assert_logged(s, ", and the recipe fake wants gcc 3.2 to 4.4");
	s->wish.cc = "/usr/bin";
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_REFUSED);
	assert_logged(s, "/usr/bin is no program: name a compiler");
	s->wish.cc = "";
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_MISSING);
	s->wish.cc = "/nonexistent/gcc";
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_MISSING);
	assert_logged(s, "there is no compiler /nonexistent/gcc");
	s->wish.cc = "/bin/true";
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_FORMAT);
	assert_logged(s, "/bin/true does not say which gcc or clang it is");
}

static void modules_of_an_old_kernel_are_rewritten(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	_cleanup_free_ char *module = NULL, *relocations = NULL;
	struct site *s = *state;

	pack(s, "/linux.cpio", "old.c", "extern int f(int); int g(int x) { return f(x) + 1; }\n");
	assert_int_equal(build_with(s, PLAIN, &g), 0);
	assert_string_equal(g->release, "2.6.30-fake");
	assert_true(asprintf(&module, "%s" KERNEL_GENERATIONS "/%s/lib/modules/2.6.30-fake/kernel/net.ko",
			     s->path, g->id) > 0);
	assert_int_equal(spawn_argv(&relocations, DEADLINE_MS, "readelf", "-rW", module, NULL), 0);
	assert_non_null(strstr(relocations, "R_X86_64_PC32"));
	assert_null(strstr(relocations, "PLT32"));
}

static void a_build_that_fails_says_why(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	pack(s, "/linux.cpio", "broken.c", "x");
	assert_int_equal(build_with(s, PLAIN, &g), -MUSTER_E_COMMAND);
	assert_logged(s, "make bzImage ended with status 2:\n  init/main.c:3:1: error: broken");
	assert_logged(s, "/log");
}

/* ---- a build that is cut off ------------------------------------------------------------------------------- */

static void wait_until_gone(pid_t pid)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	while (kill(pid, 0) == 0 && clock_mono_ms() < end)
		poll(NULL, 0, 20);
	assert_int_not_equal(kill(pid, 0), 0);
}

static void a_build_that_was_killed_goes_on_where_it_was(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	_cleanup_free_ char *facts = NULL;
	struct site *s = *state;
	pid_t child, worker;
	int status;

	pack(s, "/linux.cpio", "hang", "");
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(build_with(s, PLAIN, &g) == 0 ? 0 : 1);
	worker = wait_for_hanging(s);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	/* What it had started does not outlive it. */
	wait_until_gone(worker);
	assert_int_equal(build_with(s, PLAIN, &g), 0);
	assert_string_equal(s->steps.data, "build package ");
	assert_true(has_file(s, g->id, "vmlinuz"));
	/* main.o was begun twice, net.o once. */
	facts = read_text(s, g->id, "kernel.json");
	assert_non_null(strstr(facts, "\"compiled\": 3"));
}

/* A process that works in the tree of the build that was cut off, until the descriptor is closed. */
static pid_t linger_in_tree(struct site *s)
{
	int fds[2], ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_cleanup_free_ char *pattern = NULL;
		glob_t g;

		close(fds[1]);
		if (asprintf(&pattern, "%s%s/.building-*/tree/init", s->path, KERNEL_GENERATIONS) < 0 ||
		    glob(pattern, 0, NULL, &g) != 0 || chdir(g.gl_pathv[0]) < 0 ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(fds[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(fds[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	s->lingerer = fds[1];
	return pid;
}

static void what_is_still_ending_is_waited_for(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	struct site *s = *state;
	pid_t child, worker, lingerer;
	int status;

	pack(s, "/linux.cpio", "hang", "");
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(build_with(s, PLAIN, &g) == 0 ? 0 : 1);
	worker = wait_for_hanging(s);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	wait_until_gone(worker);
	lingerer = linger_in_tree(s);
	/* Its parent's business is to reap it; a zombie works nowhere. */
	assert_int_equal(build_with(s, PLAIN, &g), 0);
	assert_string_equal(s->steps.data, "wait build package ");
	assert_int_equal(waitpid(lingerer, &status, 0), lingerer);
	assert_int_equal(status, 0);
}

static void a_build_can_be_cancelled(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;
	pid_t child, worker;
	int fds[2], status;

	pack(s, "/linux.cpio", "hang", "");
	assert_int_equal(pipe(fds), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		s->env.cancel_fd = fds[0];
		_exit(build_with(s, PLAIN, &g) == -MUSTER_E_CANCELLED ? 7 : 1);
	}
	worker = wait_for_hanging(s);
	assert_int_equal(write(fds[1], "", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 7);
	wait_until_gone(worker);
	close(fds[0]);
	close(fds[1]);
}

static void what_another_wish_left_behind_is_cleared_away(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	struct site *s = *state;

	put(s, KERNEL_GENERATIONS "/.building-fake-0123456789ab/tree/Makefile", "x");
	put(s, KERNEL_GENERATIONS "/.building-other-0123456789ab/tree/Makefile", "x");
	put(s, KERNEL_GENERATIONS "/.removing-fake-0123456789ab/vmlinuz", "x");
	assert_int_equal(build_with(s, PLAIN, &g), 0);
	assert_false(fs_exists(s->fd, KERNEL_GENERATIONS "/.building-fake-0123456789ab"));
	assert_true(fs_exists(s->fd, KERNEL_GENERATIONS "/.building-other-0123456789ab"));
	assert_false(fs_exists(s->fd, KERNEL_GENERATIONS "/.removing-fake-0123456789ab"));
}

/* ---- a full disk -------------------------------------------------------------------------------------------- */

static int build_on_small_disk(struct site *s)
{
	_cleanup_free_ char *var = NULL;
	struct kernel_generation *g;

	if (asprintf(&var, "%s/var", s->path) < 0 || mkdir(var, 0755) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", var, "tmpfs", 0, "size=256k,mode=755") < 0)
		return 2;
	/* A descriptor from before sees the mounts of before. */
	s->fd = s->env.root_fd = fs_root_open(s->path);
	if (build_with(s, PLAIN, &g) != -ENOSPC)
		return 1;
	return s->log.data && strstr(s->log.data, "the disk is full") ? 0 : 3;
}

static void a_full_disk_is_said(void **state)
{
	_cleanup_free_ char *large = calloc(1, (1 << 20) + 1);
	struct site *s = *state;
	pid_t child;
	int status;

	if (geteuid() != 0)
		skip(); /* only root can mount the small disk */
	memset(large, 'x', 1 << 20);
	pack(s, "/linux.cpio", "large", large);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(build_on_small_disk(s));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WEXITSTATUS(status) == 2)
		skip(); /* nor can root, in some containers */
	assert_int_equal(WEXITSTATUS(status), 0);
}

#define ON_SITE(f) cmocka_unit_test_setup_teardown(f, make_site, drop_site)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SITE(a_kernel_is_built_and_packaged),
		ON_SITE(the_same_build_is_not_done_twice),
		ON_SITE(a_changed_symbol_is_another_kernel),
		ON_SITE(a_tree_that_is_unpacked_is_copied_and_built),
		ON_SITE(a_kernel_is_removed),
		ON_SITE(the_build_has_no_rights_and_nothing_of_our_environment),
		ON_SITE(a_module_of_its_own_is_built_against_the_kernel),
		ON_SITE(a_module_that_does_not_come_out_is_said),
		ON_SITE(a_symbol_that_vanishes_is_named_with_what_it_depends_on),
		ON_SITE(a_wrong_hash_is_refused),
		ON_SITE(a_source_of_the_network_needs_its_hash),
		ON_SITE(a_source_that_nobody_named_is_asked_for),
		ON_SITE(a_word_about_no_source_is_refused),
		ON_SITE(a_patch_is_applied),
		ON_SITE(a_patch_that_does_not_apply_is_named_with_file_and_hunk),
		ON_SITE(what_comes_out_is_held_against_the_recipe),
		ON_SITE(an_archive_that_is_no_tree_is_refused),
		ON_SITE(a_compiler_that_does_not_fit_is_refused_with_those_that_would),
		ON_SITE(modules_of_an_old_kernel_are_rewritten),
		ON_SITE(a_build_that_fails_says_why),
		ON_SITE(a_build_that_was_killed_goes_on_where_it_was),
		ON_SITE(what_is_still_ending_is_waited_for),
		ON_SITE(a_build_can_be_cancelled),
		ON_SITE(what_another_wish_left_behind_is_cleared_away),
		ON_SITE(a_full_disk_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
