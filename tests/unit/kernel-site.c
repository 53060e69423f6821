/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/unit/kernel-site.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "util/archive.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/log.h"

/* A kernel's tree as far as the builder looks at it. Its configuration drops CONFIG_GHOST. Its image is a boot header and the
 * version, and its one module a file. While the file "hang" is in it, it writes "hanging" with a process id and waits. What
 * the script "look" in it says becomes part of the module's folder. */
const char site_makefile[] =
	"mrproper:\n\trm -f stale.o\n"
	"tinyconfig:\n\techo CONFIG_MODULES=y > .config\n\techo CONFIG_NET=y >> .config\n"
	"olddefconfig:\n\tgrep -v CONFIG_GHOST .config > .config.new\n\tmv .config.new .config\n"
	"bzImage:\n"
	"\t@echo '  CC      init/main.o'\n"
	"\t@if [ -e hang ]; then rm hang; echo $$$$ > hanging; exec sleep 300; fi\n"
	"\t@if [ -e broken.c ]; then echo 'init/main.c:3:1: error: broken'; exit 1; fi\n"
	"\tmkdir -p arch/x86/boot\n"
	"\tprintf HdrS | dd of=arch/x86/boot/bzImage bs=1 seek=514 2>/dev/null\n"
	"\tprintf '\\000\\001' | dd of=arch/x86/boot/bzImage bs=1 seek=526 conv=notrunc 2>/dev/null\n"
	"\tprintf '%s (%s@%s) #%s SMP %s\\0' 6.9.0-fake $$KBUILD_BUILD_USER $$KBUILD_BUILD_HOST "
	"$$KBUILD_BUILD_VERSION "
	"\"$$KBUILD_BUILD_TIMESTAMP\" | dd of=arch/x86/boot/bzImage bs=1 seek=768 conv=notrunc 2>/dev/null\n"
	"\techo map > System.map\n\tid -u > user\n\tenv > environment\n"
	"\t@if [ -e look ]; then sh ./look >> environment 2>&1; fi\n"
	"modules:\n\techo '  CC [M]  net/net.o'\n"
	"modules_install:\n\tmkdir -p $(INSTALL_MOD_PATH)/lib/modules/6.9.0-fake/kernel\n"
	"\tcp user $(INSTALL_MOD_PATH)/lib/modules/6.9.0-fake/kernel/net.ko\n"
	"\tcp environment $(INSTALL_MOD_PATH)/lib/modules/6.9.0-fake/environment\n"
	"\tln -s /nowhere $(INSTALL_MOD_PATH)/lib/modules/6.9.0-fake/build\n";
const char site_kconfig[] =
	"config NET\n\tbool \"net\"\nconfig GHOST\n\tbool \"ghost\"\n\tdepends on HAUNTED_HOUSE\n"
	"# olddefconfig\n";

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

/* The tree as /linux.cpio, with one more file in it (NULL: none). */
void pack(const struct site *s, const char *name, const char *more, const char *text)
{
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	struct archive_out *a;
	_cleanup_free_ char *data = NULL, *path = NULL;
	size_t len;

	assert_int_equal(archive_new(ARCHIVE_GZIP, &a), 0);
	archive_add_file(a, "linux-6.9/Makefile", 0644, site_makefile, strlen(site_makefile));
	archive_add_file(a, "linux-6.9/Kconfig", 0644, site_kconfig, strlen(site_kconfig));
	archive_add_file(a, "linux-6.9/scripts/kconfig/Makefile", 0644, "olddefconfig:\n", 14);
	archive_add_file(a, "linux-6.9/init/Makefile", 0644, "obj-y := main.o\n", 16);
	archive_add_file(a, "linux-6.9/init/main.c", 0644, "one\ntwo\nthree\n", 14);
	if (more && asprintf(&path, "linux-6.9/%s", more) > 0)
		archive_add_file(a, path, 0644, text, strlen(text));
	assert_int_equal(archive_finish(a, &data, &len), 0);
	assert_int_equal(fs_write(s->fd, name, data, len, &attr), 0);
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
		if (text && strchr(text, '\n'))
			return (pid_t)atol(text);
		poll(NULL, 0, 20);
	}
	fail_msg("the build did not begin");
	return 0;
}
