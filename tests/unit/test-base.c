/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bases for old kernels: the recipes of their parts, and what is built by them from small sources made here. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "backend/image/part.h"
#include "util/archive.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define CLUSTER "cluster {\n\tparts = {\"tools\"}\n}\n"
#define SOURCE "part {\n}\nsource \"tools\" {\n\tdescription = \"some tools\"\n}\n"
#define BUILD "build {\n\tfiles = {\"hello=usr/sbin/hello\"}\n\tprograms = {\"usr/sbin/hello\"}\n}\n"
#define PROGRAM "int main(void) { return 0; }\n"
#define MAKEFILE "all: hello\nhello: hello.c\n\t$(CC) -o $@ hello.c\n"

struct site {
	char *path, *profiles, *source;
	struct host host;
	struct profile_distro distro;
	struct image_env env;
	struct strbuf log, steps;
	const char *words[2], *own;
};

static void take_log(void *data, enum log_level level, const char *text)
{
	struct site *s = data;

	strbuf_addf(&s->log, "%s\n", text);
}

static void take_progress(void *data, const char *step, int permille, const char *line)
{
	struct site *s = data;

	strbuf_addf(&s->steps, "%s ", step);
}

static void put(const struct site *s, const char *path, const char *text, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = strndup(path, (size_t)(slash - path));

	assert_int_equal(*folder ? fs_mkdir_all(s->env.root_fd, folder, 0755) : 0, 0);
	assert_int_equal(fs_write(s->env.root_fd, path, text, strlen(text),
				  &(struct fs_attr){ mode, (uid_t)-1, (gid_t)-1 }),
			 0);
}

static int make_site(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	char template[] = "/tmp/muster-base-XXXXXX";

	assert_non_null(s);
	assert_non_null(mkdtemp(template));
	assert_int_equal(chmod(template, 0755), 0);
	s->path = strdup(template);
	assert_true(asprintf(&s->profiles, "%s/profiles", template) > 0);
	assert_true(asprintf(&s->source, "tools=%s/source", template) > 0);
	s->words[0] = s->source;
	s->host = (struct host){ .distribution = "debian",
				 .version = "12",
				 .codename = "bookworm",
				 .pretty = "Debian GNU/Linux 12",
				 .family = "debian",
				 .architecture = "x86_64" };
	s->distro = (struct profile_distro){ .family = "debian", .busybox = s->path };
	s->env = (struct image_env){ .root_fd = fs_root_open(s->path),
				     .root_path = s->path,
				     .host = &s->host,
				     .distro = &s->distro,
				     .profiles = s->profiles,
				     .agent = "/bin/true",
				     .cancel_fd = -1,
				     .progress = take_progress,
				     .data = s };
	put(s, "/profiles/cluster/small.conf", CLUSTER, 0644);
	put(s, "/profiles/parts/tools.conf", SOURCE BUILD, 0644);
	put(s, "/source/Makefile", MAKEFILE, 0644);
	put(s, "/source/hello.c", PROGRAM, 0644);
	log_set_sink(take_log, s);
	*state = s;
	return 0;
}

static int drop_site(void **state)
{
	_cleanup_close_ int slash = fs_root_open("/");
	struct site *s = *state;

	log_set_sink(NULL, NULL);
	assert_int_equal(fs_remove_tree(slash, s->path), 0);
	close(s->env.root_fd);
	strbuf_free(&s->log);
	strbuf_free(&s->steps);
	free(s->profiles);
	free(s->source);
	free(s->path);
	free(s);
	return 0;
}

/* Without these nothing can be built on this machine. */
static void need_tools(void)
{
	static const char *const programs[] = { "musl-gcc", "mksquashfs", "unsquashfs", "make", "strip" };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *path = spawn_find(programs[i]);

		if (!path)
			skip();
	}
}

static int build(struct site *s, enum plan_root mode, const char *from, struct image_generation **ret)
{
	const struct image_base_wish wish = {
		.profile = "small", .mode = mode, .sources = s->words, .from = from, .own = s->own
	};

	strbuf_reset(&s->log);
	strbuf_reset(&s->steps);
	return image_base_build(&s->env, &wish, ret);
}

static void assert_fails(struct site *s, int error, const char *text)
{
	struct image_generation *g = NULL;
	_cleanup_close_ int roots = -1;

	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &g), error);
	if (!strstr(s->log.data, text))
		fail_msg("no \"%s\" in \"%s\"", text, s->log.data);
}

/* ---- recipes ----------------------------------------------------------------------------------------------- */

static void the_recipes_of_the_tree_are_sound(void **state)
{
	static const char *const names[] = { "busybox", "kerrighed-tools" };
	struct site *s = *state;

	s->env.profiles = MUSTER_SRCDIR "/profiles";
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(part_freep) struct part *p = NULL;

		assert_int_equal(part_read(&s->env, names[i], &p), 0);
		assert_string_equal(p->name, names[i]);
		assert_string_equal(p->source, names[i]);
	}
}

static void the_operators_recipe_comes_first(void **state)
{
	_cleanup_(part_freep) struct part *p = NULL;
	struct site *s = *state;

	put(s, "/etc/muster/parts/tools.conf", "part {\n\tdescription = \"mine\"\n}\nsource \"tools\" {\n}\n",
	    0644);
	assert_int_equal(part_read(&s->env, "tools", &p), 0);
	assert_string_equal(p->description, "mine");
}

static void every_mistake_of_a_recipe_is_said_with_its_line(void **state)
{
	static const char *const wanted[] = {
		"tools.conf:2: modes \"ram\" is not",
		"tools.conf:6: a part has one source",
		"tools.conf:8: flags \"x\" is not an option of a compiler",
		"tools.conf:10: a part is configured by",
		"tools.conf:11: files \"a=../b\" is not FILE=PLACE",
	};
	struct site *s = *state;
	struct part *p;

	put(s, "/profiles/parts/tools.conf",
	    "part {\n\tmodes = {\"ram\"}\n}\nsource \"tools\" {\n}\nsource \"more\" {\n}\ncompiler { flags = "
	    "{\"x\"} }\n"
	    "config { base = \"allnoconfig\" }\nconfigure { }\nbuild { files = {\"a=../b\"} }\n",
	    0644);
	assert_int_equal(part_read(&s->env, "tools", &p), -MUSTER_E_FORMAT);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (!strstr(s->log.data, wanted[i]))
			fail_msg("no \"%s\" in \"%s\"", wanted[i], s->log.data);
}

/* ---- bases -------------------------------------------------------------------------------------------------- */

static void a_base_is_built_once(void **state)
{
	_cleanup_(image_generation_freep) struct image_generation *a = NULL, *b = NULL, *found = NULL;
	_cleanup_free_ char *image = NULL;
	struct site *s = *state;

	need_tools();
	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &a), 0);
	assert_string_equal(a->base, "small");
	assert_string_equal(a->mode, "initramfs");
	assert_string_equal(a->kernel_release, "");
	assert_int_equal(a->programs.n, 1);
	assert_string_equal(a->programs.v[0], "usr/sbin/hello");
	assert_non_null(strstr(s->steps.data, "build"));
	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &b), 0);
	assert_string_equal(a->id, b->id);
	assert_null(s->steps.data && *s->steps.data ? strstr(s->steps.data, "build") : NULL);
	assert_int_equal(image_base_find(&s->env, "small", PLAN_ROOT_INITRAMFS, &found, &image), 0);
	assert_string_equal(found->id, a->id);
	assert_int_equal(access(image, R_OK), 0);
}

static void another_source_or_recipe_is_another_base(void **state)
{
	_cleanup_(image_generation_freep) struct image_generation *a = NULL, *b = NULL, *c = NULL;
	struct site *s = *state;

	need_tools();
	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &a), 0);
	put(s, "/source/hello.c", "int main(void) { return 1; }\n", 0644);
	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &b), 0);
	assert_string_not_equal(a->id, b->id);
	put(s, "/profiles/parts/tools.conf", SOURCE "compiler {\n\tflags = {\"-O1\"}\n}\n" BUILD, 0644);
	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &c), 0);
	assert_string_not_equal(b->id, c->id);
}

static void a_source_that_is_not_named_is_asked_for(void **state)
{
	struct site *s = *state;

	s->words[0] = NULL;
	assert_fails(s, -MUSTER_E_REFUSED,
		     "wants the source tools, some tools: name its path or URL with --source tools=PLACE");
	s->words[0] = "tool=/x";
	assert_fails(s, -MUSTER_E_REFUSED,
		     "\"tool=/x\" names no source; give NAME=PLACE, where NAME is one of these: tools");
}

static void a_program_that_needs_a_libc_is_refused(void **state)
{
	struct site *s = *state;

	need_tools();
	put(s, "/source/Makefile", "all:\n\tgcc -o hello hello.c\n", 0644);
	assert_fails(s, -MUSTER_E_FORMAT, "usr/sbin/hello of tools is not static");
}

static void what_the_recipe_promises_must_come_out(void **state)
{
	struct site *s = *state;

	need_tools();
	put(s, "/profiles/parts/tools.conf",
	    SOURCE "build {\n\tfiles = {\"hello=usr/sbin/hello\"}\n\tprograms = {\"usr/sbin/other\"}\n}\n",
	    0644);
	assert_fails(s, -MUSTER_E_FORMAT, "the source of tools brings no usr/sbin/other");
}

static void a_build_that_fails_says_why_and_leaves_nothing(void **state)
{
	_cleanup_close_ int roots = -1;
	struct site *s = *state;
	struct image_generation **list = NULL;
	size_t n;

	need_tools();
	put(s, "/source/hello.c", "int main(void) { return nonsense; }\n", 0644);
	assert_fails(s, -MUSTER_E_COMMAND, "tools cannot be built: make ended with status 2:");
	assert_non_null(strstr(s->log.data, "nonsense"));
	assert_int_equal(image_list(&s->env, &list, &n), 0);
	assert_int_equal(n, 0);
	free(list);
	roots = fs_open(s->env.root_fd, IMAGE_ROOTS, O_RDONLY | O_DIRECTORY, 0);
	assert_true(roots >= 0);
}

static void a_root_that_is_too_large_is_refused_with_what_is_in_it(void **state)
{
	_cleanup_free_ char *agent = NULL;
	char *noise = malloc(3000001);
	struct site *s = *state;
	uint32_t x = 1;

	need_tools();
	assert_non_null(noise);
	for (size_t i = 0; i < 3000000; i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (char)(x >> 24 | 1);
	}
	noise[3000000] = '\0';
	put(s, "/agent", noise, 0755);
	free(noise);
	agent = fs_join(s->path, "agent");
	s->env.agent = agent;
	assert_fails(s, -EFBIG, "and is to be 2 MB at the most");
	assert_non_null(strstr(s->log.data, "\n  init: "));
	assert_non_null(strstr(s->log.data, "\n  usr/sbin/hello: "));
}

/* ---- the tree of an older distribution ------------------------------------------------------------------------- */

static char *pack(const struct site *s, struct archive_out *a)
{
	_cleanup_free_ char *data = NULL;
	char *path = fs_join(s->path, "old.cpio");
	size_t len;

	assert_int_equal(archive_finish(a, &data, &len), 0);
	assert_int_equal(fs_write(s->env.root_fd, "/old.cpio", data, len,
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
	return path;
}

static struct archive_out *old_tree(void)
{
	static const char *const folders[] = { "etc", "sbin", "lib", "usr", "usr/bin", "var", "var/log" };
	struct archive_out *a;

	assert_int_equal(archive_new(ARCHIVE_GZIP, &a), 0);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		archive_add_dir(a, folders[i], 0755);
	archive_add_file(a, "sbin/init", 0755, "#!/bin/sh\n", 10);
	archive_add_file(a, "usr/bin/su", 04755, "su", 2);
	archive_add_file(a, "etc/shadow", 0640, "root:secret:1:::::\n", 19);
	archive_add_link(a, "bin", "/usr/bin");
	archive_add_device(a, "console", 0600, 5, 1);
	return a;
}

static void an_older_tree_gets_the_parts(void **state)
{
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	_cleanup_free_ char *from = NULL, *image = NULL, *out = NULL, *shadow = NULL;
	struct site *s = *state;
	struct image_generation *again = NULL;
	struct stat st;

	need_tools();
	from = pack(s, old_tree());
	assert_int_equal(build(s, PLAN_ROOT_NFS, from, &g), 0);
	assert_string_equal(g->mode, "nfs");
	assert_string_equal(g->libc, "");
	assert_true(strv_has(&g->programs, "usr/sbin/hello"));
	assert_true(strv_has(&g->programs, "sbin/init"));
	assert_true(asprintf(&image, "%s" IMAGE_ROOTS "/%s/root.squashfs", s->path, g->id) > 0);
	out = fs_join(s->path, "out");
	assert_int_equal(squashfs_unpack(&s->env, image, out), 0);
	assert_int_equal(fs_stat(s->env.root_fd, "/out/usr/bin/su", &st), 0);
	assert_int_equal(st.st_mode & 07777, 04755);
	assert_int_equal(fs_stat(s->env.root_fd, "/out/bin", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_false(fs_exists(s->env.root_fd, "/out/console"));
	/* What a kernel without overlayfs could not make when it boots. */
	assert_true(fs_exists(s->env.root_fd, "/out/run"));
	assert_true(fs_exists(s->env.root_fd, "/out/proc"));
	assert_int_equal(fs_read(s->env.root_fd, "/out/etc/shadow", 4096, &shadow, NULL), 0);
	assert_string_equal(shadow, "root:*:1:::::\n");
	assert_int_equal(build(s, PLAN_ROOT_NFS, NULL, &again), -MUSTER_E_REFUSED);
}

static void a_tree_that_is_no_system_is_refused(void **state)
{
	_cleanup_free_ char *from = NULL;
	struct site *s = *state;
	struct image_generation *g = NULL;
	struct archive_out *a;

	need_tools();
	assert_int_equal(archive_new(ARCHIVE_PLAIN, &a), 0);
	archive_add_dir(a, "etc", 0755);
	archive_add_dir(a, "usr", 0755);
	from = pack(s, a);
	assert_int_equal(build(s, PLAN_ROOT_NFS, from, &g), -MUSTER_E_FORMAT);
	assert_non_null(strstr(s->log.data, "it is no whole system"));
}

static void a_tree_leads_nobody_out(void **state)
{
	_cleanup_free_ char *from = NULL;
	struct site *s = *state;
	struct image_generation *g = NULL;
	struct archive_out *a = old_tree();

	need_tools();
	/* Through the link it would be a file of this server; in the tree it is one of the tree. */
	archive_add_link(a, "escape", s->path);
	archive_add_file(a, "escape/landed", 0644, "x", 1);
	from = pack(s, a);
	assert_int_not_equal(build(s, PLAN_ROOT_NFS, from, &g), -MUSTER_E_REFUSED);
	image_generation_freep(&g);
	assert_false(fs_exists(s->env.root_fd, "/landed"));
	a = old_tree();
	archive_add_file(a, "../landed", 0644, "x", 1);
	free(from);
	from = pack(s, a);
	assert_int_equal(build(s, PLAN_ROOT_NFS, from, &g), -MUSTER_E_REFUSED);
	assert_non_null(strstr(s->log.data, "leads out of the archive's folder"));
	assert_false(fs_exists(s->env.root_fd, "/landed"));
}

static void assert_own(struct site *s, const char *from, struct image_generation **ret)
{
	_cleanup_free_ char *image = NULL, *out = NULL, *text = NULL;
	struct stat st;

	assert_int_equal(build(s, from ? PLAN_ROOT_NFS : PLAN_ROOT_INITRAMFS, from, ret), 0);
	assert_true(asprintf(&image, "%s" IMAGE_ROOTS "/%s/root.squashfs", s->path, (*ret)->id) > 0);
	out = fs_join(s->path, "out");
	assert_int_equal(fs_remove_tree(s->env.root_fd, "/out"), 0);
	assert_int_equal(squashfs_unpack(&s->env, image, out), 0);
	assert_int_equal(fs_read(s->env.root_fd, "/out/etc/start", 100, &text, NULL), 0);
	assert_string_equal(text, "#!/bin/sh\n");
	assert_int_equal(fs_stat(s->env.root_fd, "/out/etc/start", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(fs_stat(s->env.root_fd, "/out/etc/link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
}

static void the_operators_own_files_are_in_it(void **state)
{
	_cleanup_(image_generation_freep) struct image_generation *none = NULL, *a = NULL, *b = NULL,
								  *changed = NULL, *older = NULL;
	_cleanup_free_ char *own = NULL, *link = NULL, *from = NULL;
	struct site *s = *state;
	struct archive_out *tree = old_tree();

	need_tools();
	own = fs_join(s->path, "own");
	link = fs_join(own, "etc/link");
	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &none), 0);
	put(s, "/own/etc/start", "#!/bin/sh\n", 0750);
	assert_int_equal(symlink("/nowhere", link), 0);
	s->own = own;
	assert_own(s, NULL, &a);
	assert_string_not_equal(none->id, a->id);
	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &b), 0);
	assert_string_equal(a->id, b->id);
	assert_int_equal(s->steps.len, 0);
	put(s, "/own/etc/more", "x", 0644);
	assert_int_equal(build(s, PLAN_ROOT_INITRAMFS, NULL, &changed), 0);
	assert_string_not_equal(a->id, changed->id);
	/* Over what an older tree has, whose links lead nowhere out of it. */
	archive_add_link(tree, "opt", "/etc");
	put(s, "/own/opt/muster-landed", "x", 0644);
	from = pack(s, tree);
	assert_own(s, from, &older);
	assert_true(fs_exists(s->env.root_fd, "/out/etc/muster-landed"));
	assert_int_equal(access("/etc/muster-landed", F_OK), -1);
}

static void only_a_folder_of_files_can_be_added(void **state)
{
	_cleanup_free_ char *file = NULL, *own = NULL, *fifo = NULL;
	struct site *s = *state;

	need_tools();
	file = fs_join(s->path, "source/hello.c");
	s->own = file;
	assert_fails(s, -MUSTER_E_REFUSED, "source/hello.c is none");
	s->own = "/no/such/folder";
	assert_fails(s, -ENOENT, "/no/such/folder cannot be read");
	own = fs_join(s->path, "own");
	fifo = fs_join(own, "pipe");
	assert_int_equal(fs_mkdir_all(s->env.root_fd, "/own", 0755), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	s->own = own;
	assert_fails(s, -MUSTER_E_REFUSED, "pipe is neither a file nor a folder nor a link");
}

#define AT_SITE(f) cmocka_unit_test_setup_teardown(f, make_site, drop_site)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		AT_SITE(the_recipes_of_the_tree_are_sound),
		AT_SITE(the_operators_recipe_comes_first),
		AT_SITE(every_mistake_of_a_recipe_is_said_with_its_line),
		AT_SITE(a_base_is_built_once),
		AT_SITE(another_source_or_recipe_is_another_base),
		AT_SITE(a_source_that_is_not_named_is_asked_for),
		AT_SITE(a_program_that_needs_a_libc_is_refused),
		AT_SITE(what_the_recipe_promises_must_come_out),
		AT_SITE(a_build_that_fails_says_why_and_leaves_nothing),
		AT_SITE(a_root_that_is_too_large_is_refused_with_what_is_in_it),
		AT_SITE(an_older_tree_gets_the_parts),
		AT_SITE(a_tree_that_is_no_system_is_refused),
		AT_SITE(a_tree_leads_nobody_out),
		AT_SITE(the_operators_own_files_are_in_it),
		AT_SITE(only_a_folder_of_files_can_be_added),
	};

	return cmocka_run_group_tests_name("bases for old kernels", tests, NULL, NULL);
}
