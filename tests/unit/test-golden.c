/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * tests/golden/CASE/answers.conf, planned for tests/golden/host.json and rendered, must give tests/golden/CASE/expected/
 * byte by byte, and the daemons' own checkers must like it. MUSTER_GOLDEN_UPDATE=1 writes what is expected anew: read
 * the difference before committing it. MUSTER_REQUIRE_DAEMONS=1 makes a missing daemon a failure.
 */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>

#include "backend/host/host.h"
#include "backend/plan/plan.h"
#include "backend/render/render.h"
#include "util/fs.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define GOLDEN MUSTER_SRCDIR "/tests/golden"
#define FILE_MAX (1024 * 1024)

struct golden {
	const char *name;
	const char *prefix;
	bool lab; /* no units, no network */
};

static const struct golden cases[] = {
	{ .name = "plain" },
	{ .name = "nfs-kernel" },
	{ .name = "nfs-ganesha" },
	{ .name = "range" },
	{ .name = "gateway" },
	{ .name = "proxy" },
	{ .name = "few-macs" },
	{ .name = "no-dhcp" },
	{ .name = "lab", .prefix = "/srv/a \"lab\", 100%/root", .lab = true },
};

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && strcmp(value, "1") == 0;
}

static char *text_of(const char *fmt, ...) _printf_(1, 2);
static char *text_of(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	assert_true(vasprintf(&s, fmt, ap) >= 0);
	va_end(ap);
	return s;
}

static void read_host(struct host **ret)
{
	_cleanup_close_ int fd = open(GOLDEN "/host.json", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t len;

	assert_true(fd >= 0);
	assert_int_equal(fs_read_fd(fd, FILE_MAX, &text, &len), 0);
	assert_int_equal(host_from_json(text, len, ret, NULL), 0);
}

static void read_plan(const struct golden *g, const struct host *h, struct plan **ret)
{
	_cleanup_free_ char *path = text_of(GOLDEN "/%s/answers.conf", g->name);
	struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	int r = plan_read(path, h, MUSTER_SRCDIR "/profiles", &mistakes, ret);

	for (size_t i = 0; i < mistakes.n; i++)
		print_message("# %s:%u: %s\n", mistakes.v[i].file, mistakes.v[i].line, mistakes.v[i].text);
	plan_mistakes_free(&mistakes);
	assert_int_equal(r, 0);
}

static void add_script(const struct plan *p, const char *platform, struct fileset *f)
{
	struct render_boot boot = {
		.plan = p,
		.node = &p->nodes[0],
		.generation = "debian-12-0123456789ab",
		.initramfs = "ram-ba9876543210",
		.token = "00112233445566778899aabbccddeeff",
		.platform = platform,
	};
	_cleanup_free_ char *path = text_of("/boot.ipxe/%s", platform);
	char *script;

	assert_int_equal(render_ipxe(&boot, &script), 0);
	assert_int_equal(fileset_add_file(f, FILESET_FILE, path, script, strlen(script), 0644, NULL, NULL),
			 0);
}

/* What the bytes do not show: kind, mode, owner, service, source; one line an entry. */
static void add_listing(struct fileset *f)
{
	static const char *const kinds[] = { "directory", "file", "block", "copy" };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	size_t len;
	char *text;

	for (size_t i = 0; i < f->n; i++) {
		const struct fileset_entry *e = &f->v[i];

		strbuf_addf(&b, "%s %04o %s %s %s %s\n", kinds[e->kind], (unsigned int)e->mode,
			    e->owner ? e->owner : "-", e->service ? e->service : "-", e->path,
			    e->source ? e->source : "-");
	}
	assert_int_equal(strbuf_take(&b, &text, &len), 0);
	assert_int_equal(fileset_add_file(f, FILESET_FILE, "/fileset", text, len, 0644, NULL, NULL), 0);
}

static void render_case(const struct golden *g, struct fileset *f)
{
	_cleanup_(profile_distro_freep) struct profile_distro *distro = NULL;
	_cleanup_(host_freep) struct host *h = NULL;
	_cleanup_(plan_freep) struct plan *p = NULL;
	struct render_env env = {
		.generation = "debian-12-0123456789ab",
		.initramfs = "ram-ba9876543210",
		.kernel_release = "6.1.0-18-amd64",
		.prefix = g->prefix,
		.libexecdir = "/usr/libexec/muster",
		.sbindir = "/usr/sbin",
		.with_network = !g->lab,
		.units = !g->lab,
	};

	read_host(&h);
	read_plan(g, h, &p);
	assert_int_equal(profile_distro_read(MUSTER_SRCDIR "/profiles", h->family, &distro), 0);
	env.distro = distro;
	assert_int_equal(render_all(p, &env, f), 0);
	add_script(p, "pcbios", f);
	add_script(p, "efi", f);
	add_listing(f);
}

/* ---- byte by byte ---------------------------------------------------------------------------------------- */

static void write_expected(const struct golden *g, const struct fileset *f)
{
	_cleanup_close_ int fd = fs_root_open(GOLDEN);
	_cleanup_free_ char *folder = text_of("/%s/expected", g->name);

	assert_true(fd >= 0);
	assert_int_equal(fs_remove_tree(fd, folder), 0);
	for (size_t i = 0; i < f->n; i++) {
		_cleanup_free_ char *path = text_of("%s%s", folder, f->v[i].path);
		struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
		char *slash = strrchr(path, '/');

		if (!f->v[i].data)
			continue;
		*slash = '\0';
		assert_int_equal(fs_mkdir_all(fd, path, 0755), 0);
		*slash = '/';
		assert_int_equal(fs_write(fd, path, f->v[i].data, f->v[i].len, &attr), 0);
	}
}

static void compare(const struct golden *g, const struct fileset *f)
{
	_cleanup_close_ int fd = fs_root_open(GOLDEN);

	assert_true(fd >= 0);
	for (size_t i = 0; i < f->n; i++) {
		_cleanup_free_ char *path = text_of("/%s/expected%s", g->name, f->v[i].path);
		_cleanup_free_ char *expected = NULL;
		size_t len;

		if (!f->v[i].data)
			continue;
		if (fs_read(fd, path, FILE_MAX, &expected, &len) < 0)
			fail_msg("%s is rendered, but tests/golden%s is missing", f->v[i].path, path);
		if (len != f->v[i].len || memcmp(expected, f->v[i].data, len) != 0)
			fail_msg("tests/golden%s differs from what is rendered:\n%s", path, f->v[i].data);
	}
}

/* nftw(3) hands no pointer on. */
static const struct fileset *walked;
static size_t skip;

static int is_rendered(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (type == FTW_F && !fileset_find(walked, path + skip))
		fail_msg("%s is expected, but nothing like it is rendered", path);
	return 0;
}

static void nothing_else_is_expected(const struct golden *g, const struct fileset *f)
{
	_cleanup_free_ char *folder = text_of(GOLDEN "/%s/expected", g->name);

	walked = f;
	skip = strlen(folder);
	assert_int_equal(nftw(folder, is_rendered, 16, FTW_PHYS), 0);
}

static void the_rendered_files_are_the_expected_ones(void **state)
{
	const struct golden *g = *state;
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;

	render_case(g, &f);
	if (is_set("MUSTER_GOLDEN_UPDATE"))
		write_expected(g, &f);
	compare(g, &f);
	nothing_else_is_expected(g, &f);
}

/* ---- the daemons' own checkers ----------------------------------------------------------------------------- */

/* Runs `PROGRAM OPTION FILE`, where it is installed. */
static void check_with(const char *program, const char *const options[], const struct fileset *f,
		       const char *path)
{
	const struct fileset_entry *e = fileset_find(f, path);
	_cleanup_free_ char *found = spawn_find(program), *output = NULL, *config = NULL;
	char name[] = "/tmp/muster-golden-XXXXXX";
	const char *argv[8] = { program };
	struct spawn s = { .argv = argv, .timeout_ms = 20000 };
	size_t n = 1;
	int fd, status = -1, r;

	if (!e)
		return;
	if (!found) {
		if (is_set("MUSTER_REQUIRE_DAEMONS"))
			fail_msg("%s is not installed", program);
		print_message("# %s is not installed: %s is not checked by it\n", program, path);
		return;
	}
	fd = mkstemp(name);
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, e->data, e->len), 0);
	close(fd);
	config = text_of("%s%s", options[0], name);
	argv[n++] = config;
	for (size_t i = 1; options[i]; i++)
		argv[n++] = options[i];
	r = spawn_run(&s, &status, &output);
	unlink(name);
	assert_int_equal(r, 0);
	if (status != 0)
		fail_msg("%s refuses %s: %s", program, path, output);
}

static void dnsmasq_takes_its_configuration(void **state)
{
	static const char *const dnsmasq[] = { "--conf-file=", "--test", NULL };
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;

	render_case(*state, &f);
	check_with("dnsmasq", dnsmasq, &f, RENDER_DNSMASQ_CONF);
}

static void ssh_takes_its_configuration(void **state)
{
	static const char *const ssh[] = { "-F", "-G", "node01", NULL };
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;

	render_case(*state, &f);
	check_with("ssh", ssh, &f, RENDER_SSH_CONF);
}

#define MUSTERD_UNIT "/etc/systemd/system/musterd.service"

/* systemd's own measure of what a unit could do to the server, from 0 to 10: below 3. It wants a file with a unit's name. */
static void musterd_is_confined(void **state)
{
	_cleanup_(fileset_free) struct fileset f = FILESET_INIT;
	_cleanup_free_ char *found = spawn_find("systemd-analyze"), *path = NULL, *output = NULL;
	char folder[] = "/tmp/muster-golden-XXXXXX";
	const char *argv[] = {
		"systemd-analyze", "security", "--offline=true", "--threshold=30", "--no-pager", NULL, NULL
	};
	struct spawn s = { .argv = argv, .timeout_ms = 20000 };
	const struct fileset_entry *e;
	int fd, status = -1, r;

	render_case(*state, &f);
	e = fileset_find(&f, MUSTERD_UNIT);
	if (!e)
		return;
	assert_non_null(strstr(e->data, "\nUser=muster\n"));
	if (!found) {
		if (is_set("MUSTER_REQUIRE_DAEMONS"))
			fail_msg("systemd-analyze is not installed");
		print_message("# systemd-analyze is not installed\n");
		return;
	}
	assert_non_null(mkdtemp(folder));
	path = text_of("%s/musterd.service", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, e->data, e->len), 0);
	close(fd);
	argv[5] = path;
	r = spawn_run(&s, &status, &output);
	unlink(path);
	rmdir(folder);
	assert_int_equal(r, 0);
	if (status != 0)
		fail_msg("musterd.service may do too much: %s", output);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases) * 4];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static char names[ARRAY_SIZE(cases) * 4][96];
		const struct {
			const char *what;
			CMUnitTestFunction run;
		} parts[] = {
			{ "the_rendered_files_are_the_expected_ones",
			  the_rendered_files_are_the_expected_ones },
			{ "dnsmasq_takes_its_configuration", dnsmasq_takes_its_configuration },
			{ "ssh_takes_its_configuration", ssh_takes_its_configuration },
			{ "musterd_is_confined", musterd_is_confined },
		};

		for (size_t k = 0; k < ARRAY_SIZE(parts); k++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s", cases[i].name, parts[k].what);
			tests[n] = (struct CMUnitTest){ .name = names[n],
							.test_func = parts[k].run,
							.initial_state = (void *)&cases[i] };
		}
	}
	return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
