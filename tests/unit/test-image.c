/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes and their ids, generations on the disk, and what is done to a tree. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/image/builder.h"
#include "backend/image/image.h"
#include "util/error.h"
#include "util/fs.h"

#define RELEASE_SOURCES                                                                    \
	"Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm bookworm-updates\n" \
	"Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"

/* ---- recipes ------------------------------------------------------------------------------------------ */

struct site {
	char *path;
	struct host host;
	struct profile_distro distro;
	struct profile_kernel kernels[2];
	struct plan plan;
	struct image_env env;
};

static void put(const struct site *s, const char *path, const char *text)
{
	assert_int_equal(fs_write(s->env.root_fd, path, text, strlen(text),
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
}

static int make_site(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	char template[] = "/tmp/muster-image-XXXXXX";

	assert_non_null(s);
	assert_non_null(mkdtemp(template));
	s->path = strdup(template);
	s->host = (struct host){ .distribution = "debian",
				 .version = "12",
				 .codename = "bookworm",
				 .pretty = "Debian GNU/Linux 12",
				 .family = "debian",
				 .architecture = "x86_64" };
	s->kernels[0] = (struct profile_kernel){ "distro", "linux-image-amd64", "" };
	s->kernels[1] = (struct profile_kernel){ "distro-cloud", "linux-image-cloud-amd64", "" };
	s->distro = (struct profile_distro){
		.family = "debian", .kernels = s->kernels, .n_kernels = 2, .busybox = s->path
	};
	assert_int_equal(strv_add_all(&s->distro.root_packages, "udev", "systemd-sysv", NULL), 0);
	assert_int_equal(strv_add_all(&s->distro.exclude, "/usr/share/doc/*", NULL), 0);
	s->plan = (struct plan){ .kernel = "distro", .generation = "", .root = PLAN_ROOT_RAM };
	s->env = (struct image_env){ .root_fd = fs_root_open(s->path),
				     .root_path = s->path,
				     .host = &s->host,
				     .distro = &s->distro,
				     .agent = "/nonexistent",
				     .cancel_fd = -1 };
	assert_int_equal(fs_mkdir_all(s->env.root_fd, "/etc/apt/sources.list.d", 0755), 0);
	put(s, "/etc/apt/sources.list.d/debian.sources", RELEASE_SOURCES);
	*state = s;
	return 0;
}

static int drop_site(void **state)
{
	_cleanup_close_ int slash = fs_root_open("/");
	struct site *s = *state;

	assert_int_equal(fs_remove_tree(slash, s->path), 0);
	close(s->env.root_fd);
	strv_free(&s->distro.root_packages);
	strv_free(&s->distro.exclude);
	strv_free(&s->plan.packages);
	free(s->path);
	free(s);
	return 0;
}

static char *root_id(const struct site *s)
{
	char *id = NULL;

	assert_int_equal(image_root_id(&s->env, &s->plan, &id), 0);
	return id;
}

static void the_same_recipe_has_the_same_id(void **state)
{
	struct site *s = *state;
	_cleanup_free_ char *a = root_id(s), *b = NULL, *c = NULL;

	assert_int_equal(strncmp(a, "debian-12-", 10), 0);
	assert_int_equal(strlen(a), 22);
	assert_int_equal(strspn(a + 10, "0123456789abcdef"), 12);
	b = root_id(s);
	assert_string_equal(a, b);
	/* Neither comments and empty lines nor the order of packages make another root. */
	put(s, "/etc/apt/sources.list.d/debian.sources", "# edited\n\n" RELEASE_SOURCES "\n\n# end\n");
	put(s, "/etc/apt/sources.list.d/vendor.list", "deb https://vendor.test/x nodistro main\n");
	put(s, "/etc/apt/sources.list.d/debian.sources.dpkg-old",
	    "Types: deb\nURIs: http://old.test/debian\n"
	    "Suites: bookworm\nComponents: main\n");
	strv_free(&s->distro.root_packages);
	assert_int_equal(strv_add_all(&s->distro.root_packages, "systemd-sysv", "udev", NULL), 0);
	c = root_id(s);
	assert_string_equal(a, c);
}

static void whatever_goes_into_a_root_changes_its_id(void **state)
{
	struct site *s = *state;
	_cleanup_free_ char *a = root_id(s), *b = NULL, *c = NULL, *d = NULL, *e = NULL, *f = NULL, *g = NULL;

	assert_int_equal(strv_add_all(&s->plan.packages, "hello", NULL), 0);
	b = root_id(s);
	assert_string_not_equal(a, b);
	assert_int_equal(strv_add_all(&s->distro.exclude, "/usr/share/man/*", NULL), 0);
	c = root_id(s);
	assert_string_not_equal(b, c);
	s->plan.kernel = "distro-cloud";
	d = root_id(s);
	assert_string_not_equal(c, d);
	put(s, "/etc/apt/sources.list", "deb http://mirror.test/debian-security bookworm-security main\n");
	e = root_id(s);
	assert_string_not_equal(d, e);
	s->plan.root = PLAN_ROOT_NFS;
	f = root_id(s);
	assert_string_equal(e, f);
	s->plan.root = PLAN_ROOT_INITRAMFS;
	g = root_id(s);
	assert_int_equal(strncmp(g, "debian-12-kernel-", 17), 0);
}

static void a_chosen_generation_is_taken_as_it_is(void **state)
{
	struct site *s = *state;
	_cleanup_free_ char *id = NULL;
	struct image_generation *g = NULL;

	s->plan.generation = "debian-12-000000000000";
	id = root_id(s);
	assert_string_equal(id, "debian-12-000000000000");
	assert_int_equal(image_root_build(&s->env, &s->plan, &g), -ENOENT);
	assert_null(g);
}

static void what_cannot_be_built_is_refused(void **state)
{
	struct site *s = *state;
	char *id = NULL;

	s->plan.kernel = "made-up";
	assert_int_equal(image_root_id(&s->env, &s->plan, &id), -ENOENT);
	s->plan.kernel = "distro";
	put(s, "/etc/apt/sources.list.d/debian.sources", "# nothing\n");
	assert_int_equal(image_root_id(&s->env, &s->plan, &id), -ENOENT);
	s->host.family = "plan9";
	assert_int_equal(image_root_id(&s->env, &s->plan, &id), -MUSTER_E_UNSUPPORTED);
	assert_null(id);
}

/* A bzImage's header: the boot protocol's magic and the place of the release. */
static void put_kernel(const struct site *s, const char *path, const char *release, char mark)
{
	char image[0x500] = { 0 };

	memcpy(image + 0x202, "HdrS", 4);
	image[0x20e] = 0x00;
	image[0x20f] = 0x02;
	snprintf(image + 0x400, 0x80, "%s (builder@test) #1 SMP", release);
	image[0x4ff] = mark;
	assert_int_equal(fs_write(s->env.root_fd, path, image, sizeof(image),
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
}

static void an_own_kernel_is_known_by_its_content(void **state)
{
	struct site *s = *state;
	_cleanup_free_ char *kernel = fs_join(s->path, "boot/vmlinuz"), *a = NULL, *b = NULL, *c = NULL;
	_cleanup_free_ char *release = NULL, *modules = NULL;

	assert_int_equal(fs_mkdir_all(s->env.root_fd, "/boot", 0755), 0);
	put_kernel(s, "/boot/vmlinuz", "2.6.30-krg+", 1);
	s->plan.kernel = kernel;
	a = root_id(s);
	put_kernel(s, "/boot/vmlinuz", "2.6.30-krg+", 2);
	b = root_id(s);
	assert_string_not_equal(a, b);
	assert_int_equal(fs_mkdir_all(s->env.root_fd, "/lib/modules/2.6.30-krg+", 0755), 0);
	put(s, "/lib/modules/2.6.30-krg+/modules.dep", "");
	c = root_id(s);
	assert_string_not_equal(b, c);
	assert_int_equal(kernel_own(kernel, &release, &modules), 0);
	assert_string_equal(release, "2.6.30-krg+");
	assert_non_null(strstr(modules, "/lib/modules/2.6.30-krg+"));
}

static void a_file_that_is_no_kernel_is_refused(void **state)
{
	struct site *s = *state;
	_cleanup_free_ char *kernel = fs_join(s->path, "vmlinuz");
	char *release = NULL, *modules = NULL;

	put(s, "/vmlinuz", "hello");
	assert_int_equal(kernel_own(kernel, &release, &modules), -MUSTER_E_FORMAT);
	put_kernel(s, "/vmlinuz", "../../etc", 0);
	assert_int_equal(kernel_own(kernel, &release, &modules), -MUSTER_E_FORMAT);
	put_kernel(s, "/vmlinuz", "6.1\x1b[2J+", 0);
	assert_int_equal(kernel_own(kernel, &release, &modules), -MUSTER_E_FORMAT);
	put_kernel(s, "/vmlinuz", "-6.1+", 0);
	assert_int_equal(kernel_own(kernel, &release, &modules), -MUSTER_E_FORMAT);
	assert_null(release);
}

/* ---- generations -------------------------------------------------------------------------------------- */

static void put_generation(const struct site *s, const char *id, const char *built, const char *json_id)
{
	_cleanup_free_ char *folder = NULL, *json = NULL, *file = NULL;

	assert_true(asprintf(&folder, "/var/lib/muster/roots/%s", id) > 0);
	assert_int_equal(fs_mkdir_all(s->env.root_fd, folder, 0755), 0);
	file = fs_join(folder, "root.squashfs");
	put(s, file, "12345");
	free(file);
	file = fs_join(folder, "vmlinuz");
	put(s, file, "kernel");
	free(file);
	file = fs_join(folder, "root.json");
	assert_true(asprintf(&json,
			     "{\"id\": \"%s\", \"distribution\": \"debian\", \"suite\": \"bookworm\", "
			     "\"kernel_release\": \"6.1.0\", \"packages\": [], \"root_bytes\": 5, "
			     "\"sha256\": \"aa\", \"built\": \"%s\"}",
			     json_id, built) > 0);
	put(s, file, json);
}

static void only_whole_generations_are_found(void **state)
{
	struct site *s = *state;
	struct image_generation *g = NULL;

	assert_int_equal(image_root_find(&s->env, "a-1", &g), -ENOENT);
	put_generation(s, "a-1", "2026-01-01T00:00:00Z", "a-1");
	put_generation(s, "a-2", "2026-01-01T00:00:00Z", "another");
	put_generation(s, "a-3", "2026-01-01T00:00:00Z", "a-3");
	put(s, "/var/lib/muster/roots/a-3/root.squashfs", "1234");
	put_generation(s, "a-4", "2026-01-01T00:00:00Z", "a-4");
	put(s, "/var/lib/muster/roots/a-4/root.json", "{ half");
	assert_int_equal(image_root_find(&s->env, "a-2", &g), -ENOENT);
	assert_int_equal(image_root_find(&s->env, "a-3", &g), -ENOENT);
	assert_int_equal(image_root_find(&s->env, "a-4", &g), -ENOENT);
	assert_int_equal(image_root_find(&s->env, "../roots/a-1", &g), -ENOENT);
	assert_int_equal(image_root_find(&s->env, "", &g), -ENOENT);
	assert_null(g);
	assert_int_equal(image_root_find(&s->env, "a-1", &g), 0);
	assert_string_equal(g->kernel_release, "6.1.0");
	assert_int_equal(g->root_bytes, 5);
	image_generation_free(g);
}

static void generations_are_listed_newest_first_and_removed(void **state)
{
	struct site *s = *state;
	struct image_generation **list = NULL;
	size_t n = 9;

	assert_int_equal(image_list(&s->env, &list, &n), 0);
	assert_int_equal(n, 0);
	put_generation(s, "a-1", "2026-01-01T00:00:00Z", "a-1");
	put_generation(s, "a-2", "2026-01-02T00:00:00Z", "a-2");
	put_generation(s, ".building-a-3-1", "2026-01-03T00:00:00Z", ".building-a-3-1");
	assert_int_equal(fs_mkdir_all(s->env.root_fd, "/var/lib/muster/initramfs", 0755), 0);
	put(s, "/var/lib/muster/initramfs/ram-1.img", "x");
	put(s, "/var/lib/muster/initramfs/ram-1.json", "{\"id\": \"ram-1\", \"root\": \"a-2\"}");
	put(s, "/var/lib/muster/initramfs/ram-2.img", "x");
	put(s, "/var/lib/muster/initramfs/ram-2.json", "{\"id\": \"ram-2\", \"root\": \"a-1\"}");
	assert_int_equal(image_list(&s->env, &list, &n), 0);
	assert_int_equal(n, 2);
	assert_string_equal(list[0]->id, "a-2");
	assert_string_equal(list[1]->id, "a-1");
	image_generation_free(list[0]);
	image_generation_free(list[1]);
	free(list);
	assert_int_equal(image_remove(&s->env, "a-2"), 0);
	assert_int_equal(image_remove(&s->env, "a-2"), -ENOENT);
	assert_false(fs_exists(s->env.root_fd, "/var/lib/muster/roots/a-2"));
	/* What an earlier build left goes along, and so does the initramfs of that root only. */
	assert_false(fs_exists(s->env.root_fd, "/var/lib/muster/roots/.building-a-3-1"));
	assert_false(fs_exists(s->env.root_fd, "/var/lib/muster/initramfs/ram-1.img"));
	assert_true(fs_exists(s->env.root_fd, "/var/lib/muster/initramfs/ram-2.img"));
	assert_true(fs_exists(s->env.root_fd, "/var/lib/muster/roots/a-1"));
}

static void waiting_for_another_build_can_be_cancelled(void **state)
{
	struct site *s = *state;
	_cleanup_close_ int held = -1, second = -1;
	int cancel[2];

	assert_int_equal(image_lock(&s->env, IMAGE_ROOTS, "packages", &held), 0);
	assert_int_equal(pipe2(cancel, O_CLOEXEC), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	s->env.cancel_fd = cancel[0];
	assert_int_equal(image_lock(&s->env, IMAGE_ROOTS, "packages", &second), -MUSTER_E_CANCELLED);
	close(cancel[0]);
	close(cancel[1]);
}

static void too_little_space_is_said_before_anything_is_done(void **state)
{
	struct site *s = *state;

	assert_int_equal(image_need_space(&s->env, IMAGE_ROOTS, 1ULL << 60), -ENOSPC);
	assert_int_equal(image_need_space(&s->env, IMAGE_ROOTS, 1), 0);
}

/* ---- the tree ------------------------------------------------------------------------------------------ */

static void put_deep(const struct site *s, const char *path, const char *text)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));

	assert_int_equal(fs_mkdir_all(s->env.root_fd, folder, 0755), 0);
	put(s, path, text);
}

static void assert_text(const struct site *s, const char *path, const char *text)
{
	_cleanup_free_ char *is = NULL;

	assert_int_equal(fs_read(s->env.root_fd, path, 4096, &is, NULL), 0);
	assert_string_equal(is, text);
}

static void what_marks_one_machine_is_taken_out_of_a_tree(void **state)
{
	static const char *const gone[] = { "/etc/ssh/ssh_host_rsa_key",
					    "/etc/apt/apt.conf.d/99mmdebstrap",
					    "/boot/vmlinuz-6.1.0",
					    "/boot/initrd.img-6.1.0",
					    "/var/log/journal/x",
					    "/var/lib/apt/lists/deb_InRelease",
					    "/etc/passwd-",
					    "/tmp/x" };
	static const char *const kept[] = { "/etc/ssh/sshd_config", "/boot/config-6.1.0", "/etc/passwd",
					    "/etc/dpkg/dpkg.cfg.d/99mmdebstrap" };
	struct site *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		put_deep(s, gone[i], "x");
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		put_deep(s, kept[i], "x");
	put_deep(s, "/etc/default/keyboard", "x");
	put(s, "/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	put_deep(s, "/etc/apt/sources.list", "deb http://me:secret@host/debian bookworm main\n");
	put_deep(s, "/etc/apt/sources.list.d/0.sources",
		 "URIs: https://me@h:8/x/@y http://h/z\nSuites: a@b\n");
	put(s, "/etc/shadow", "daemon:*:1::::::\nroot:$6$x$y:1:0:::::\nme:!:1::::::\n");
	/* Twice: what was cleaned stays clean. */
	for (int round = 0; round < 2; round++) {
		assert_int_equal(neutral_tree(s->env.root_fd), 0);
		for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
			assert_false(fs_exists(s->env.root_fd, gone[i]));
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			assert_true(fs_exists(s->env.root_fd, kept[i]));
		assert_text(s, "/etc/machine-id", "");
		assert_text(s, "/etc/apt/sources.list", "deb http://host/debian bookworm main\n");
		assert_text(s, "/etc/apt/sources.list.d/0.sources",
			    "URIs: https://h:8/x/@y http://h/z\nSuites: a@b\n");
		assert_text(s, "/etc/shadow", "daemon:*:1::::::\nroot:*:1:0:::::\nme:!:1::::::\n");
	}
}

static void units_without_use_are_masked_where_they_are(void **state)
{
	struct site *s = *state;
	char target[32] = { 0 };
	_cleanup_close_ int dir = -1;

	put_deep(s, "/var/lib/x", "x");
	put_deep(s, "/usr/lib/systemd/system/apt-daily.timer", "[Timer]\n");
	put_deep(s, "/usr/lib/systemd/system/ssh.service", "[Service]\n");
	put_deep(s, "/etc/systemd/system/x.service", "[Service]\n");
	put_deep(s, "/etc/default/keyboard", "x");
	assert_int_equal(neutral_tree(s->env.root_fd), 0);
	dir = fs_open(s->env.root_fd, "/etc/systemd/system", O_RDONLY | O_DIRECTORY, 0);
	assert_true(readlinkat(dir, "apt-daily.timer", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/dev/null");
	assert_false(fs_exists(s->env.root_fd, "/etc/systemd/system/ssh.service"));
	assert_false(fs_exists(s->env.root_fd, "/etc/systemd/system/fstrim.timer"));
}

int main(void)
{
#define with_site(test) cmocka_unit_test_setup_teardown(test, make_site, drop_site)
	const struct CMUnitTest tests[] = {
		with_site(the_same_recipe_has_the_same_id),
		with_site(whatever_goes_into_a_root_changes_its_id),
		with_site(a_chosen_generation_is_taken_as_it_is),
		with_site(what_cannot_be_built_is_refused),
		with_site(an_own_kernel_is_known_by_its_content),
		with_site(a_file_that_is_no_kernel_is_refused),
		with_site(only_whole_generations_are_found),
		with_site(generations_are_listed_newest_first_and_removed),
		with_site(waiting_for_another_build_can_be_cancelled),
		with_site(too_little_space_is_said_before_anything_is_done),
		with_site(what_marks_one_machine_is_taken_out_of_a_tree),
		with_site(units_without_use_are_masked_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
