/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kernels in the wizard: real builds of a tree that is a few lines long, which succeed, fail, are stopped and gone on with, and
 * outlive their terminal; and Kerrighed's, which is not built.
 */
#include "config.h"

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/screens/golden.h"
#include "tests/screens/setup-room.h"
#include "tests/unit/kernel-tree.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/hash.h"

#define SYSTEM "Which kernel do the nodes run?"
#define FORM "Which kernel is to be built?"
#define RIGHT "\033[C"
#define BACKTAB "\033[Z"
#define OWN_RECIPES "/etc/muster/recipes"
#define TREES "root/var/lib/muster/kernels/.building-*/tree/"

static const char fake[] = "recipe { description = \"a tree of a few lines\" }\n"
			   "source \"linux\" { description = \"the tree\" }\n"
			   "config { base = \"tinyconfig\" set = {\"NET\"} }\n"
			   "build { targets = {\"bzImage\", \"modules\"} }\n";
static const char old[] = "recipe { description = \"of a compiler that nobody has\" }\n"
			  "source \"linux\" { description = \"the tree\" }\n"
			  "compiler { gcc = \"2.7-2.95\" }\n"
			  "config { base = \"tinyconfig\" }\nbuild { targets = {\"bzImage\"} }\n";

static void add_recipe(const struct room *r, const char *name, const char *text)
{
	_cleanup_close_ int root = fs_root_open(r->root);
	_cleanup_free_ char *path = NULL;

	assert_int_equal(fs_mkdir_all(root, OWN_RECIPES, 0755), 0);
	assert_true(asprintf(&path, OWN_RECIPES "/%s.conf", name) > 0);
	assert_int_equal(fs_write(root, path, text, strlen(text), &(struct fs_attr){ 0644, -1, -1 }), 0);
}

static void add_tree(const struct room *r, const char *more)
{
	_cleanup_close_ int dir = fs_root_open(r->dir);

	kernel_tree_pack(dir, "/linux.cpio", more, "x");
}

static int setup(void **state)
{
	if (room_setup(state) < 0)
		return -1;
	/* A kernel is built by a user who has no rights. */
	return chmod(((struct room *)*state)->dir, 0755);
}

/* The form, by way of the step's buttons. */
static struct vt *go_to_form(const struct room *r)
{
	struct vt *v = wizard(r);

	wizard_go(v, SYSTEM);
	vt_send(v, "  ");
	assert_seen(v, "(•) A kernel of your own");
	vt_send(v, TAB WIPE TAB RIGHT ENTER);
	assert_seen(v, FORM);
	return v;
}

static void type_source(struct vt *v, const struct room *r, const char *digest)
{
	vt_send(v, TAB WIPE);
	vt_send(v, r->dir);
	vt_send(v, "/linux.cpio" TAB WIPE);
	vt_send(v, digest);
}

static struct vt *begin(const struct room *r)
{
	struct vt *v;

	add_recipe(r, "fake", fake);
	v = go_to_form(r);
	type_source(v, r, "");
	vt_send(v, PAGE_DOWN);
	return v;
}

/* The file of the tree that is being built, as soon as it is there; owned. */
static char *find_in_tree(const char *name)
{
	int64_t end = clock_mono_ms() + VT_PATIENCE;
	_cleanup_free_ char *pattern = NULL;
	char *found = NULL;
	glob_t g;

	assert_true(asprintf(&pattern, TREES "%s", name) > 0);
	while (!found && clock_mono_ms() < end) {
		if (glob(pattern, 0, NULL, &g) == 0)
			found = strdup(g.gl_pathv[0]);
		globfree(&g);
	}
	assert_non_null(found);
	return found;
}

static void remove_from_tree(const char *name)
{
	_cleanup_free_ char *path = find_in_tree(name);

	assert_int_equal(unlink(path), 0);
}

/* From the page of a build that is done. */
static void wizard_leave_from(struct vt *v)
{
	vt_send(v, ENTER);
	assert_seen(v, SYSTEM);
	wizard_leave(v);
}

static void assert_answered(const struct room *r, const char *text)
{
	_cleanup_free_ char *answers = room_read_answers(r);

	if (!strstr(answers, text))
		fail_msg("no \"%s\" in:\n%s", text, answers);
}

/* ---- building ------------------------------------------------------------------------------------------------ */

static void a_kernel_is_built_and_becomes_the_nodes(void **state)
{
	struct room *r = *state;
	struct vt *v;

	add_tree(r, NULL);
	v = begin(r);
	assert_seen(v, "● package");
	assert_seen(v, "The kernel is built, and stands");
	vt_send(v, ENTER);
	assert_seen(v, SYSTEM);
	assert_seen(v, "[fake-");
	assert_seen(v, "! The root mode ram needs");
	assert_answered(r, "kernel = \"fake-");
	/* It is in the list of those that there are, and holds against the review. */
	wizard_leave(v);
	v = wizard(r);
	wizard_go(v, SYSTEM);
	assert_seen(v, "[fake-");
	vt_send(v, TAB TAB ENTER);
	assert_seen(v, "6.9.0-fake");
	vt_send(v, ESCAPE);
	assert_gone(v, "6.9.0-fake");
	wizard_leave(v);
}

static void the_form_says_what_is_wrong_where_it_is(void **state)
{
	static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
	struct room *r = *state;
	struct vt *v;

	add_recipe(r, "fake", fake);
	add_tree(r, NULL);
	v = go_to_form(r);
	vt_send(v, TAB TAB);
	assert_seen(v, "name its path or URL");
	vt_send(v, BACKTAB "linux.cpio" TAB);
	assert_seen(v, "whole, from / on");
	vt_send(v, BACKTAB WIPE "/no/such/file" TAB);
	assert_seen(v, "/no/such/file cannot be read");
	vt_send(v, BACKTAB WIPE "gopher://x/linux.tar" TAB);
	assert_seen(v, "only http,");
	vt_send(v, BACKTAB WIPE "http://192.0.2.1/l.tar" TAB TAB);
	assert_seen(v, "give its SHA-256");
	vt_send(v, BACKTAB "abc" PAGE_DOWN);
	assert_seen(v, "hexadecimal digits");
	assert_gone(v, "give its SHA-256");
	vt_send(v, BACKTAB BACKTAB);
	type_source(v, r, zeros);
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "is not what it is to be");
	vt_send(v, ESCAPE);
	assert_seen(v, SYSTEM);
	wizard_leave(v);
}

static void a_digest_that_is_right_goes_through(void **state)
{
	struct room *r = *state;
	_cleanup_close_ int fd = -1;
	char sha256[HASH_TEXT];
	struct hash *h;
	struct vt *v;

	add_recipe(r, "fake", fake);
	add_tree(r, NULL);
	fd = open("linux.cpio", O_RDONLY | O_CLOEXEC);
	assert_int_equal(hash_new(&h), 0);
	assert_int_equal(hash_add_fd(h, fd), 0);
	hash_end(h, sha256);
	v = go_to_form(r);
	type_source(v, r, sha256);
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The kernel is built");
	wizard_leave_from(v);
}

static void a_build_is_stopped_and_gone_on_with(void **state)
{
	struct room *r = *state;
	struct vt *v;

	add_tree(r, "hang");
	v = begin(r);
	assert_seen(v, "◐ build");
	free(find_in_tree("hanging"));
	vt_send(v, "c");
	assert_seen(v, "Stop the build?");
	vt_send(v, "G");
	assert_gone(v, "Stop the build?");
	vt_send(v, "c");
	assert_seen(v, "Stop the build?");
	vt_send(v, "S");
	assert_seen(v, "It was stopped.");
	assert_seen(v, "Enter goes on with it where it was stopped.");
	/* It is there again, when the page is. */
	vt_send(v, "q");
	assert_seen(v, SYSTEM);
	vt_send(v, ENTER);
	assert_seen(v, "It was stopped.");
	vt_send(v, ENTER);
	assert_seen(v, "The kernel is built");
	/* The tree was not unpacked once more. */
	assert_false(vt_find(v, "unpack", NULL, NULL));
	wizard_leave_from(v);
	assert_answered(r, "kernel = \"fake-");
}

/* The process of the job at work, as its log has it. */
static pid_t job_pid(void)
{
	_cleanup_close_ int fd = open("root/var/lib/muster/job/current.log", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	const char *pid;

	assert_true(fd >= 0);
	assert_int_equal(fs_read_fd(fd, 1 << 20, &text, NULL), 0);
	pid = strstr(text, "\"pid\":");
	assert_non_null(pid);
	return (pid_t)strtol(pid + strlen("\"pid\":"), NULL, 10);
}

static void a_build_that_is_killed_goes_on_where_it_was(void **state)
{
	struct room *r = *state;
	struct vt *v;

	add_tree(r, "hang");
	v = begin(r);
	assert_seen(v, "◐ build");
	free(find_in_tree("hanging"));
	assert_int_equal(kill(job_pid(), SIGKILL), 0);
	assert_seen(v, "It was cut off.");
	assert_seen(v, "Enter goes on with it: what was compiled is kept.");
	/* Another wizard finds it so, too. */
	vt_send(v, "q");
	assert_seen(v, SYSTEM);
	wizard_leave(v);
	v = wizard(r);
	wizard_go(v, SYSTEM);
	vt_send(v, "  " TAB WIPE TAB RIGHT ENTER);
	assert_seen(v, "It was cut off.");
	vt_send(v, ENTER);
	assert_seen(v, "The kernel is built");
	assert_false(vt_find(v, "unpack", NULL, NULL));
	wizard_leave_from(v);
	assert_answered(r, "kernel = \"fake-");
}

static void a_build_that_fails_says_why_and_goes_on_when_it_is_mended(void **state)
{
	struct room *r = *state;
	struct vt *v;

	add_tree(r, "broken.c");
	v = begin(r);
	assert_seen(v, "It failed.");
	assert_seen(v, "✗ build");
	assert_seen(v, "init/main.c:3:1: error: broken");
	assert_seen(v, "Mend that, and Enter goes on where it failed");
	/* What was typed stands in the form. */
	vt_send(v, "e");
	assert_seen(v, FORM);
	assert_seen(v, "/linux.cpio");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "It failed.");
	remove_from_tree("broken.c");
	vt_send(v, ENTER);
	assert_seen(v, "The kernel is built");
	wizard_leave_from(v);
}

static void a_build_goes_on_while_the_wizard_does(void **state)
{
	struct room *r = *state;
	struct vt *v;

	add_tree(r, "wait");
	v = begin(r);
	assert_seen(v, "40 % of the files are compiled.");
	vt_send(v, "q");
	assert_seen(v, "A kernel is being built");
	vt_send(v, BACKTAB BACKTAB WIPE "vanilla" PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	vt_send(v, PAGE_UP);
	assert_seen(v, SYSTEM);
	vt_send(v, TAB TAB RIGHT ENTER);
	assert_seen(v, "40 % of the files are compiled.");
	vt_send(v, "q");
	assert_seen(v, "A kernel is being built");
	remove_from_tree("wait");
	vt_send(v, ENTER);
	assert_seen(v, "The kernel is built");
	wizard_leave_from(v);
	assert_answered(r, "kernel = \"fake-");
}

static struct vt *wizard_again(const struct room *r)
{
	const char *const argv[] = { MUSTER,  "setup", "--root",   r->root, "--host",
				     r->host, "-f",    r->answers, NULL };
	struct vt *v;

	assert_int_equal(vt_start(argv, NULL, 24, 80, &v), 0);
	return v;
}

static void a_build_outlives_its_terminal_and_is_found_again(void **state)
{
	struct room *r = *state;
	struct vt *v;
	int status;

	add_tree(r, "wait");
	v = begin(r);
	assert_seen(v, "40 % of the files are compiled.");
	vt_hang_up(v);
	assert_true(vt_wait_exit(v, VT_PATIENCE, &status));
	vt_free(v);
	v = wizard_again(r);
	assert_seen(v, "40 % of the files are compiled.");
	assert_seen(v, "◐ build");
	vt_hang_up(v);
	assert_true(vt_wait_exit(v, VT_PATIENCE, &status));
	vt_free(v);
	/* While nobody looks it is done; the next one takes it over. */
	remove_from_tree("wait");
	v = wizard_again(r);
	if (vt_wait(v, "Enter begin", 2000)) {
		wizard_go(v, SYSTEM);
	} else {
		assert_seen(v, "The kernel is built");
		vt_send(v, ENTER);
	}
	assert_seen(v, "[fake-");
	wizard_leave(v);
	assert_answered(r, "kernel = \"fake-");
}

static void without_a_compiler_that_fits_it_says_which_would(void **state)
{
	struct room *r = *state;
	struct vt *v;

	add_recipe(r, "aged", old);
	add_tree(r, NULL);
	v = go_to_form(r);
	type_source(v, r, "");
	vt_send(v, TAB);
	assert_seen(v, "No compiler of this server fits");
	assert_seen(v, "wants gcc 2.7 to 2.95");
	vt_send(v, WIPE "/bin/true" TAB);
	assert_seen(v, "/bin/true does not say which");
	vt_send(v, ENTER);
	assert_seen(v, ": does not fit");
	vt_send(v, ESCAPE);
	assert_gone(v, ": does not fit");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "/bin/true does not say which");
	vt_send(v, ESCAPE);
	assert_seen(v, SYSTEM);
	wizard_leave(v);
}

/* ---- Kerrighed -------------------------------------------------------------------------------------------------- */

static void kerrigheds_kernel_makes_the_cluster_one_machine(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);

	wizard_go(v, SYSTEM);
	vt_send(v, "   ");
	assert_seen(v, "(•) Kerrighed's");
	assert_seen(v, "[kerrighed-3.0 ");
	assert_seen(v, "The kernel kerrighed-3.0 is not built on this server");
	assert_golden(v, "setup-kerrighed");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	assert_answered(r, "profile = \"kerrighed\"");
	assert_answered(r, "kernel = \"kerrighed-3.0\"");
	assert_answered(r, "root = \"initramfs\"");
	/* It cannot be applied without the kernel, and says what to do. */
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Public ssh keys");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "These changes cannot be made:");
	assert_seen(v, "muster kernel build kerrighed-3.0 --source");
	vt_send(v, "a");
	vt_send(v, PAGE_DOWN);
	assert_true(vt_settle(v, 100, VT_PATIENCE));
	assert_seen(v, "These changes cannot be made:");
	vt_send(v, "m");
	assert_seen(v, SYSTEM);
	/* The way to the build: its recipe is chosen already. */
	vt_send(v, TAB TAB RIGHT ENTER);
	assert_seen(v, "(•) kerrighed-3.0");
	assert_golden(v, "setup-kernel-build");
	vt_send(v, TAB TAB TAB);
	assert_seen(v, "muster kernel toolchain build squeeze");
	vt_send(v, ESCAPE);
	/* And back to ordinary nodes. */
	assert_seen(v, SYSTEM);
	vt_send(v, BACKTAB BACKTAB BACKTAB " ");
	assert_seen(v, "(•) The distribution's kernel");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	assert_answered(r, "profile = \"plain\"");
	assert_answered(r, "kernel = \"distro\"");
	wizard_leave(v);
}

static void with_its_kernel_the_review_has_the_ids(void **state)
{
	struct room *r = *state;
	struct vt *v;

	room_answers(r, "cluster { name = \"krg\" profile = \"kerrighed\" }\n"
			"network \"eth1\" { address = \"10.66.0.1/24\" }\nnodes { count = 4 }\n"
			"node \"head\" { address = \"10.66.0.50\" }\n");
	add_recipe(r, "fake", fake);
	add_tree(r, NULL);
	v = wizard_in(r, 43, 132, NULL);
	wizard_go(v, SYSTEM);
	assert_seen(v, "(•) Kerrighed's");
	vt_send(v, TAB TAB RIGHT ENTER);
	assert_seen(v, "(•) kerrighed-3.0");
	vt_send(v, "  ");
	assert_seen(v, "(•) fake");
	type_source(v, r, "");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The kernel is built");
	vt_send(v, ENTER);
	assert_seen(v, "(•) Kerrighed's");
	assert_seen(v, "[fake-");
	/* What is lacking is said. */
	assert_seen(v, "! The root mode initramfs needs");
	assert_seen(v, "! The nodes' root has no krgadm");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Public ssh keys");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Cluster krg, 5 nodes");
	assert_seen(v, "one machine: session ");
	assert_seen(v, "node ids node01 1 … node04 4,");
	assert_seen(v, "head 150");
	wizard_leave(v);
	assert_answered(r, "profile = \"kerrighed\"");
	/* Without a root that is written, it is what the kind of cluster says. */
	assert_answered(r, "root = \"initramfs\"");
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(a_kernel_is_built_and_becomes_the_nodes),
		WITH_ROOM(the_form_says_what_is_wrong_where_it_is),
		WITH_ROOM(a_digest_that_is_right_goes_through),
		WITH_ROOM(a_build_is_stopped_and_gone_on_with),
		WITH_ROOM(a_build_that_is_killed_goes_on_where_it_was),
		WITH_ROOM(a_build_that_fails_says_why_and_goes_on_when_it_is_mended),
		WITH_ROOM(a_build_goes_on_while_the_wizard_does),
		WITH_ROOM(a_build_outlives_its_terminal_and_is_found_again),
		WITH_ROOM(without_a_compiler_that_fits_it_says_which_would),
		WITH_ROOM(kerrigheds_kernel_makes_the_cluster_one_machine),
		WITH_ROOM(with_its_kernel_the_review_has_the_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
