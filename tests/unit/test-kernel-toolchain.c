/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Toolchains: a folder with a few of this server's programs and an old compiler, which is a script, stands for one. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kernel/private.h"
#include "tests/unit/kernel-site.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/spawn.h"

/* As in craft/run.c. */
#define FIRST_UID 60578
#define LAST_UID 61183

#define TREE KERNEL_TOOLCHAINS "/old/tree"
#define OLD PLAIN "compiler { gcc = \"3.2-4.4\" }\n"

/* Copies each program with the libraries that it names, to where they are here. */
static const char copy_programs[] =
	"cd \"$1\" && shift && mkdir -p usr/bin && for p; do\n"
	"f=/usr/bin/$p; [ -e $f ] || f=/bin/$p; cp -L \"$f\" usr/bin/ || exit 1\n"
	"for l in $(ldd \"$f\" | grep -o '/[^ ]*'); do cp -L --parents \"$l\" . || exit 1; done\n"
	"done; ln -s usr/bin bin; mv usr/bin/dash usr/bin/sh";
static const char old_gcc[] =
	"#!/bin/sh\n"
	"case $1 in --version) echo 'gcc (GCC) 4.4.7'; echo 'Free Software Foundation' ;;\n"
	"-dumpmachine) echo x86_64-linux-gnu; id -u ;; *) echo as ;; esac\n";

static bool jails_work(const struct site *s)
{
	_cleanup_free_ char *tree = kernel_toolchain_tree(&s->env, "old");
	const struct jail jail = { .root = tree, .uid = FIRST_UID, .gid = FIRST_UID };
	const char *const argv[] = { "id", NULL };
	const struct spawn spawn = { .argv = argv, .jail = &jail };
	int status;

	return spawn_run(&spawn, &status, NULL) == 0 && status == 0;
}

/* What the makers of toolchains would have written of it. */
static void put_facts(struct site *s)
{
	struct kernel_compiler cc = { .path = (char *)(uintptr_t) "/usr/bin/gcc",
				      .name = (char *)(uintptr_t) "old:gcc",
				      .toolchain = (char *)(uintptr_t) "old",
				      .version = (char *)(uintptr_t) "4.4.7",
				      .identity = (char *)(uintptr_t) "toolchain 1234\ngcc (GCC) 4.4.7\n" };
	struct kernel_toolchain t = { .name = (char *)(uintptr_t) "old",
				      .release = (char *)(uintptr_t) "hamm",
				      .mirror = (char *)(uintptr_t) "copy:/srv/mirror",
				      .keyring = (char *)(uintptr_t) "",
				      .hash = (char *)(uintptr_t) "1234",
				      .made = (char *)(uintptr_t) "2026-11-25T00:00:00Z",
				      .compilers = &cc,
				      .n_compilers = 1 };
	_cleanup_free_ char *text = NULL;

	assert_int_equal(kernel_toolchain_text(&t, &text), 0);
	put(s, KERNEL_TOOLCHAINS "/old/toolchain.json", text);
}

static int make_toolchain(void **state)
{
	struct site *s;
	_cleanup_free_ char *tree = NULL;

	assert_int_equal(make_site(state), 0);
	s = *state;
	assert_int_equal(fs_mkdir_all(s->fd, TREE, 0755), 0);
	tree = fs_join(s->path, TREE);
	assert_int_equal(spawn_argv(NULL, 60000, "sh", "-c", copy_programs, "copy", tree, "dash", "make",
				    "env", "nice", "mkdir", "printf", "dd", "id", "cp", "ln", "grep", "mv",
				    "rm", "cat", "ls", "sleep", "touch", "echo", NULL),
			 0);
	put(s, TREE "/usr/bin/gcc", old_gcc);
	free(tree);
	tree = fs_join(s->path, TREE "/usr/bin/gcc");
	assert_int_equal(chmod(tree, 0755), 0);
	put_facts(s);
	return 0;
}

/* ---- compilers ----------------------------------------------------------------------------------------------- */

static void its_compiler_is_a_candidate_like_the_servers(void **state)
{
	struct site *s = *state;
	struct kernel_compiler *v;
	bool found = false;
	size_t n;

	assert_int_equal(kernel_compilers(&s->env, &v, &n), 0);
	for (size_t i = 0; i < n; i++)
		if (v[i].toolchain && strcmp(v[i].toolchain, "old") == 0) {
			assert_string_equal(v[i].name, "old:gcc");
			assert_string_equal(v[i].version, "4.4.7");
			found = true;
		}
	kernel_compilers_free(v, n);
	assert_true(found);
}

static void its_compiler_is_asked_in_there_and_without_rights(void **state)
{
	struct site *s = *state;
	_cleanup_free_ char *tree = kernel_toolchain_tree(&s->env, "old");
	struct jail jail = { .root = tree };
	struct kernel_compiler *v;
	size_t n;

	if (!jails_work(s))
		skip(); /* this kernel or container lets nobody make namespaces */
	assert_int_equal(craft_user(s->fd, TREE, &jail.uid, &jail.gid), 0);
	assert_int_equal(kernel_compilers_look(&s->env, &jail, &v, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(v[0].path, "/usr/bin/gcc");
	assert_string_equal(v[0].version, "4.4.7");
	/* The script says which user asked. */
	if (geteuid() == 0)
		assert_non_null(strstr(v[0].identity, "\n6"));
	kernel_compilers_free(v, n);
}

static void without_one_that_fits_the_command_that_makes_one_is_told(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	assert_int_equal(build_with(s, PLAIN "compiler { gcc = \"3.4-4.0\" }\n", &g), -MUSTER_E_MISSING);
	assert_logged(s, "it wants gcc 3.4 to 4.0; here are ");
	assert_logged(s, "gcc 4.4.7 of the toolchain old");
	assert_int_equal(build_with(s, PLAIN "compiler { gcc = \"4.2-4.3\" }\n", &g), -MUSTER_E_MISSING);
	assert_logged(
		s,
		"Debian's lenny has gcc 4.3; with the URL of a mirror that has it, this makes a toolchain:\n"
		"  muster kernel toolchain build lenny --release lenny --mirror URL");
}

static void one_that_is_named_and_not_there_is_said(void **state)
{
	struct kernel_generation *g;
	struct site *s = *state;

	s->wish.cc = "old:gcc-9";
	assert_int_equal(build_with(s, OLD, &g), -MUSTER_E_MISSING);
	assert_logged(s, "there is no compiler old:gcc-9");
	s->wish.cc = "new:gcc";
	assert_int_equal(build_with(s, OLD, &g), -MUSTER_E_MISSING);
	assert_logged(s, "there is no compiler new:gcc");
}

/* ---- builds -------------------------------------------------------------------------------------------------- */

/* Looks for what it should not see: the secret's path is put before it. */
#define LOOK                                                                             \
	"cat \"$secret\"\ntouch \"$written\"\ntouch /usr/bin/evil\necho root: $(ls /)\n" \
	"echo processes: $(ls -d /proc/[0-9]*)\necho net: $(cat /proc/net/dev)\n"

static void a_build_runs_in_there_and_sees_nothing_of_the_server(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	_cleanup_free_ char *look = NULL, *said = NULL, *facts = NULL, *user = NULL;
	struct site *s = *state;

	if (!jails_work(s))
		skip(); /* this kernel or container lets nobody make namespaces */
	put(s, "/secret", "the server's secret");
	assert_int_equal(fs_mkdir_all(s->fd, "/open", 0777), 0);
	assert_true(asprintf(&look, "secret=%s/secret written=%s/open/written\n" LOOK, s->path, s->path) > 0);
	pack(s, "/linux.cpio", "look", look);
	/* No compiler of a server of today is of that age: the toolchain's is taken by itself. */
	assert_int_equal(build_with(s, OLD, &g), 0);
	said = read_text(s, g->id, "lib/modules/6.9.0-fake/environment");
	assert_null(strstr(said, "the server's secret"));
	assert_non_null(strstr(said, "/secret: No such file or directory"));
	assert_false(fs_exists(s->fd, "/open/written"));
	assert_false(fs_exists(s->fd, TREE "/usr/bin/evil"));
	assert_non_null(strstr(said, "root: bin dev lib lib64 proc tmp"));
	/* Process 1 is the jail's own, and there are no thousands. */
	assert_non_null(strstr(said, "processes: /proc/1 /proc/"));
	assert_null(strstr(said, "/proc/1000 "));
	assert_null(strstr(said, "eth"));
	user = read_text(s, g->id, "lib/modules/6.9.0-fake/kernel/net.ko");
	if (geteuid() == 0)
		assert_true(atol(user) >= FIRST_UID && atol(user) <= LAST_UID);
	facts = read_text(s, g->id, "kernel.json");
	assert_non_null(strstr(facts, "\"toolchain\": \"old\""));
	assert_non_null(strstr(facts, "toolchain 1234"));
	assert_string_equal(g->compiler, "gcc 4.4.7");
}

static void the_toolchain_is_part_of_the_id(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *a = NULL, *b = NULL, *c = NULL;
	struct site *s = *state;

	if (!jails_work(s))
		skip(); /* this kernel or container lets nobody make namespaces */
	assert_int_equal(build_with(s, PLAIN, &a), 0);
	s->wish.cc = "old:gcc";
	assert_int_equal(build_with(s, PLAIN, &b), 0);
	assert_string_not_equal(a->id, b->id);
	assert_int_equal(build_with(s, PLAIN, &c), 0);
	assert_string_equal(b->id, c->id);
	assert_int_equal(s->steps.len, 0);
}

static void a_build_that_is_killed_leaves_no_process_and_goes_on(void **state)
{
	_cleanup_(kernel_generation_freep) struct kernel_generation *g = NULL;
	struct site *s = *state;
	_cleanup_free_ char *folder = fs_join(s->path, KERNEL_GENERATIONS);
	pid_t child;

	if (!jails_work(s))
		skip(); /* this kernel or container lets nobody make namespaces */
	pack(s, "/linux.cpio", "hang", "");
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct kernel_generation *none;

		_exit(build_with(s, OLD, &none) == 0);
	}
	wait_for_hanging(s);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(kernel_wait_for_leftovers(&s->env, folder), 0);
	assert_int_equal(build_with(s, OLD, &g), 0);
	assert_null(strstr(s->steps.data, "unpack"));
}

/* ---- making and removing --------------------------------------------------------------------------------------- */

static void one_in_which_a_build_runs_is_not_removed(void **state)
{
	struct site *s = *state;
	struct kernel_toolchain *t;
	int held;

	assert_int_equal(kernel_toolchain_hold(&s->env, "old", &held), 0);
	assert_int_equal(kernel_toolchain_remove(&s->env, "old"), -EBUSY);
	assert_logged(s, "a kernel is being built in the toolchain old");
	close(held);
	assert_int_equal(kernel_toolchain_remove(&s->env, "old"), 0);
	assert_int_equal(kernel_toolchain_find(&s->env, "old", &t), -ENOENT);
	assert_false(fs_exists(s->fd, KERNEL_TOOLCHAINS "/old"));
	assert_false(fs_exists(s->fd, KERNEL_TOOLCHAINS "/.removing-old"));
	assert_int_equal(kernel_toolchain_remove(&s->env, "old"), -ENOENT);
	assert_int_equal(kernel_toolchain_remove(&s->env, "../kernels"), -ENOENT);
}

static void half_of_one_is_none(void **state)
{
	struct kernel_toolchain **v;
	struct site *s = *state;
	size_t n;

	put(s, KERNEL_TOOLCHAINS "/half/tree/usr/bin/gcc", old_gcc);
	put(s, KERNEL_TOOLCHAINS "/.building-more/toolchain.json", "{}");
	put(s, KERNEL_TOOLCHAINS "/broken/toolchain.json", "{}");
	assert_int_equal(kernel_toolchain_list(&s->env, &v, &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(v[0]->name, "old");
	assert_string_equal(v[0]->release, "hamm");
	kernel_toolchains_free(v, n);
	assert_logged(s, "broken/toolchain.json is not what muster wrote");
}

static void a_wish_that_cannot_be_is_refused_before_anything_is_done(void **state)
{
	static const char *const odd[] = { "--gcc", NULL };
	static const struct {
		const char *name, *mirror, *release, *keyring, *says;
		const char *const *packages;
	} wishes[] = {
		{ "../up", "http://127.0.0.1:1/debian", "hamm", NULL, "is no name for a toolchain", NULL },
		{ "new", "ftp://127.0.0.1/debian", "hamm", NULL, "is no mirror: name the URL", NULL },
		{ "new", "http://127.0.0.1:1/debian main", "hamm", NULL, "is no mirror: name the URL", NULL },
		{ "new", "/nonexistent", "hamm", NULL, "/nonexistent is no mirror of hamm", NULL },
		{ "new", "http://127.0.0.1:1/debian", "../hamm", NULL, "is no release", NULL },
		{ "new", "http://127.0.0.1:1/debian", "hamm", "/nonexistent", "the keyring /nonexistent",
		  NULL },
		{ "new", "http://127.0.0.1:1/debian", "hamm", NULL, "\"--gcc\" is no name of a package",
		  odd },
	};
	struct site *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++) {
		const struct kernel_toolchain_wish w = { .mirror = wishes[i].mirror,
							 .release = wishes[i].release,
							 .keyring = wishes[i].keyring,
							 .packages = wishes[i].packages };
		struct kernel_toolchain *t;

		assert_int_equal(kernel_toolchain_build(&s->env, wishes[i].name, &w, &t), -MUSTER_E_REFUSED);
		assert_logged(s, wishes[i].says);
	}
	assert_false(fs_exists(s->fd, KERNEL_TOOLCHAINS "/.lock"));
}

static void a_mirror_that_does_not_answer_leaves_nothing(void **state)
{
	const struct kernel_toolchain_wish w = { .mirror = "http://127.0.0.1:1/debian", .release = "hamm" };
	_cleanup_free_ char *program = spawn_find("mmdebstrap");
	struct kernel_toolchain *t;
	struct site *s = *state;

	if (geteuid() != 0) {
		assert_int_equal(kernel_toolchain_build(&s->env, "new", &w, &t), -EPERM);
		assert_logged(s, "only root can make a toolchain");
		return;
	}
	if (!program) {
		assert_int_equal(kernel_toolchain_build(&s->env, "new", &w, &t), -MUSTER_E_MISSING);
		assert_logged(s, "mmdebstrap is not installed");
		return;
	}
	assert_int_equal(kernel_toolchain_build(&s->env, "new", &w, &t), -MUSTER_E_COMMAND);
	assert_logged(s, "the packages of hamm cannot be got: ");
	assert_false(fs_exists(s->fd, KERNEL_TOOLCHAINS "/.building-new"));
	assert_int_equal(kernel_toolchain_build(&s->env, "old", &w, &t), -EEXIST);
	assert_logged(s, "there is a toolchain old already");
}

#define ON_SITE(f) cmocka_unit_test_setup_teardown(f, make_toolchain, drop_site)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SITE(its_compiler_is_a_candidate_like_the_servers),
		ON_SITE(its_compiler_is_asked_in_there_and_without_rights),
		ON_SITE(without_one_that_fits_the_command_that_makes_one_is_told),
		ON_SITE(one_that_is_named_and_not_there_is_said),
		ON_SITE(a_build_runs_in_there_and_sees_nothing_of_the_server),
		ON_SITE(the_toolchain_is_part_of_the_id),
		ON_SITE(a_build_that_is_killed_leaves_no_process_and_goes_on),
		ON_SITE(one_in_which_a_build_runs_is_not_removed),
		ON_SITE(half_of_one_is_none),
		ON_SITE(a_wish_that_cannot_be_is_refused_before_anything_is_done),
		ON_SITE(a_mirror_that_does_not_answer_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
