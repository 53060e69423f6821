/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of the kernel builder: versions, recipes, configurations, Kconfig, archives, relocations. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/private.h"
#include "util/archive.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define RECIPES MUSTER_SRCDIR "/kernel/recipes"

struct site {
	char *path;
	int fd;
	struct strbuf log;
	struct kernel_env env;
};

static void take_log(void *data, enum log_level level, const char *text)
{
	struct site *s = data;

	strbuf_addf(&s->log, "%s\n", text);
}

static int make_site(void **state)
{
	struct site *s = calloc(1, sizeof(*s));
	char template[] = "/tmp/muster-kernel-XXXXXX";

	assert_non_null(s);
	assert_non_null(mkdtemp(template));
	s->path = strdup(template);
	s->fd = fs_root_open(s->path);
	s->env = (struct kernel_env){ .root_fd = s->fd, .root_path = s->path, .recipes = RECIPES };
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
	close(s->fd);
	strbuf_free(&s->log);
	free(s->path);
	free(s);
	return 0;
}

static void put(const struct site *s, const char *path, const char *text)
{
	_cleanup_free_ char *folder = strndup(path, (size_t)(strrchr(path, '/') - path));

	if (*folder)
		assert_int_equal(fs_mkdir_all(s->fd, folder, 0755), 0);
	assert_int_equal(fs_write(s->fd, path, text, strlen(text),
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
}

static void assert_logged(const struct site *s, const char *text)
{
	if (!s->log.data || !strstr(s->log.data, text))
		fail_msg("no \"%s\" in: %s", text, s->log.data ? s->log.data : "(nothing)");
}

/* ---- versions and compilers --------------------------------------------------------------------------- */

static void a_range_has_both_its_ends(void **state)
{
	static const struct {
		const char *range, *version;
		bool in;
	} cases[] = {
		{ "3.2-4.4", "3.2", true },    { "3.2-4.4", "3.1.9", false },  { "3.2-4.4", "4.4.7", true },
		{ "3.2-4.4", "4.5.0", false }, { "3.2-4.4", "12.2.0", false }, { "5.1-", "12.2.0", true },
		{ "5.1-", "4.9.4", false },    { "-4.4", "3.4.6", true },      { "-4.4", "10.2", false },
		{ "12", "12.2.0", true },      { "12", "13.0", false },	       { "", "12.2.0", false },
		{ "4.16-", "4.9.0", false },   { "4.16-", "6.1", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(kernel_versions_have(cases[i].range, cases[i].version), cases[i].in);
}

static void a_wrong_range_is_known(void **state)
{
	assert_true(kernel_versions_valid("3.2-4.4"));
	assert_true(kernel_versions_valid("5-"));
	assert_true(kernel_versions_valid("-5"));
	assert_true(kernel_versions_valid("12"));
	assert_false(kernel_versions_valid("-"));
	assert_false(kernel_versions_valid("new"));
	assert_false(kernel_versions_valid("4..2-"));
	assert_false(kernel_versions_valid("3.2-4.4-5"));
	assert_false(kernel_versions_valid("4.4-3.2"));
	assert_false(kernel_versions_valid("10-9"));
	assert_true(kernel_versions_valid("4.4-4"));
}

static void compilers_say_their_kind_and_version(void **state)
{
	static const struct {
		const char *says;
		bool clang;
		const char *version;
	} cases[] = {
		{ "gcc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022 Free Software Foundation, "
		  "Inc.\n",
		  false, "12.2.0" },
		{ "gcc (GCC) 3.4.6\nCopyright (C) 2006 Free Software Foundation, Inc.\n", false, "3.4.6" },
		{ "x86_64-gcc-9 (Ubuntu 9.3.0-17) 9.3.0 20200408\nCopyright (C) 2019 Free Software "
		  "Foundation\n",
		  false, "9.3.0" },
		{ "Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu\n", true, "14.0.6" },
		{ "clang version 3.4 (tags/RELEASE_34/final)\n", true, "3.4" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *version = NULL;
		bool clang = !cases[i].clang;

		assert_int_equal(kernel_compiler_parse(cases[i].says, &clang, &version), 0);
		assert_int_equal(clang, cases[i].clang);
		assert_string_equal(version, cases[i].version);
	}
}

static void another_program_is_no_compiler(void **state)
{
	_cleanup_free_ char *version = NULL;
	bool clang;

	assert_int_equal(kernel_compiler_parse("ls (GNU coreutils) 9.1\n", &clang, &version),
			 -MUSTER_E_FORMAT);
	assert_int_equal(kernel_compiler_parse("", &clang, &version), -MUSTER_E_FORMAT);
	assert_int_equal(kernel_compiler_parse("clang version unknown\n", &clang, &version),
			 -MUSTER_E_FORMAT);
}

/* ---- recipes ------------------------------------------------------------------------------------------- */

static void the_recipes_of_the_tree_are_sound(void **state)
{
	static const char *const names[] = { "distro", "kerrighed-2.4", "kerrighed-3.0", "vanilla" };
	struct site *s = *state;
	struct kernel_recipe **v;
	size_t n;

	assert_int_equal(kernel_recipe_list(&s->env, &v, &n), 0);
	assert_int_equal(s->log.len, 0);
	assert_int_equal(n, ARRAY_SIZE(names));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(v[i]->name, names[i]);
		assert_true(*v[i]->description);
		/* No kernel of ours is fetched by a recipe that comes with muster. */
		for (size_t k = 0; k < v[i]->n_sources; k++)
			assert_string_equal(v[i]->sources[k].place, "");
		kernel_recipe_free(v[i]);
	}
	free(v);
}

static void kerrighed_is_built_by_a_compiler_of_its_time(void **state)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *r = NULL;
	_cleanup_free_ char *wanted = NULL;
	struct site *s = *state;

	assert_int_equal(kernel_recipe_read(&s->env, "kerrighed-3.0", &r), 0);
	assert_true(kernel_versions_have(r->gcc, "3.4.6"));
	assert_false(kernel_versions_have(r->gcc, "5.1.0"));
	assert_true(strv_has(&r->set, "KERRIGHED"));
	assert_true(strv_has(&r->unset, "KEYS"));
	wanted = kernel_compiler_wanted(r);
	assert_string_equal(wanted, "gcc 3.2 to 4.4");
}

static void the_operators_recipe_comes_first(void **state)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *r = NULL;
	struct site *s = *state;

	put(s, KERNEL_OWN_RECIPES "/vanilla.conf",
	    "recipe { description = \"mine\" }\nsource \"linux\" { place = \"linux.tar\" }\n"
	    "patch \"a\" { file = \"a.patch\" strip = \"0\" }\nconfig { base = \"./base\" value = "
	    "{\"NR_CPUS=8\"} }\n");
	assert_int_equal(kernel_recipe_read(&s->env, "vanilla", &r), 0);
	assert_string_equal(r->description, "mine");
	assert_int_equal(r->patches[0].strip, 0);
	/* What a recipe names lies beside it. */
	assert_true(r->sources[0].place[0] == '/' &&
		    strstr(r->sources[0].place, "/etc/muster/recipes/linux.tar"));
	assert_non_null(strstr(r->patches[0].file, "/etc/muster/recipes/a.patch"));
	assert_non_null(strstr(r->base, "/etc/muster/recipes/./base"));
}

static void every_mistake_of_a_recipe_is_said_with_its_line(void **state)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *r = NULL;
	struct site *s = *state;

	put(s, KERNEL_OWN_RECIPES "/wrong.conf",
	    "source \"linux\" { sha256 = \"12\" }\n"
	    "patch \"p\" { source = \"none\" }\n"
	    "patch \"q\" { }\n"
	    "compiler { gcc = \"new\" flags = {\"x\"} }\n"
	    "config { base = \"make it\" set = {\"CONFIG_A\", \"B C\", \"NET\"} unset = {\"NET\"} value = "
	    "{\"NR_CPUS\"} }\n"
	    "build { targets = {\"-j\", \"../x\"} colour = \"red\" }\n"
	    "module \"m\" { source = \"none\" folder = \"../x\" make = {\"-j\"} configure = {\"x\"} }\n"
	    "check { symbols = {\"no such\"} modules = {\"x.ko\"} }\n"
	    "source \"linux\" { }\nsource \"out\" { }\nrecipe { architecture = \"arm64\" }\n");
	assert_int_equal(kernel_recipe_read(&s->env, "wrong", &r), -MUSTER_E_FORMAT);
	assert_logged(s, "wrong.conf:1: sha256 \"12\" is not 64");
	assert_logged(s, "the patch \"p\" is to come from \"none\"");
	assert_logged(s, "wrong.conf:3: the patch \"q\" needs either");
	assert_logged(s, "wrong.conf:4: gcc \"new\" is no range");
	assert_logged(s, "wrong.conf:4: flags \"x\" is not an option");
	assert_logged(s, "wrong.conf:5: base \"make it\"");
	assert_logged(s, "wrong.conf:5: set \"CONFIG_A\"");
	assert_logged(s, "wrong.conf:5: set \"B C\"");
	assert_logged(s, "wrong.conf:5: value \"NR_CPUS\"");
	assert_logged(s, "wrong.conf:5: the symbol NET is named twice");
	assert_logged(s, "wrong.conf:6: targets \"-j\"");
	assert_logged(s, "wrong.conf:6: targets \"../x\"");
	assert_logged(s, "wrong.conf:7: folder \"../x\" is not a path");
	assert_logged(s, "wrong.conf:7: make \"-j\" is not a target");
	assert_logged(s, "wrong.conf:7: configure \"x\" is not an option");
	assert_logged(s, "wrong.conf:7: the module \"m\" needs products");
	assert_logged(s, "the module \"m\" is to come from \"none\"");
	assert_logged(s, "wrong.conf:9: there are two sources named \"linux\"");
	assert_logged(s, "wrong.conf:10: a source cannot be named \"out\"");
	assert_logged(s, "wrong.conf:11: architecture \"arm64\": nodes are x86_64");
	assert_logged(s, "wrong.conf:8: symbols \"no such\" is not");
	assert_logged(s, "wrong.conf:8: modules \"x.ko\" is not");
	assert_logged(s, "wrong.conf:6: there is no key \"colour\"");
}

static void an_unknown_recipe_is_said(void **state)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *r = NULL;
	struct site *s = *state;

	assert_int_equal(kernel_recipe_read(&s->env, "windows", &r), -ENOENT);
	assert_logged(s, "there is no kernel recipe windows");
}

/* ---- configurations -------------------------------------------------------------------------------------- */

static const char old_config[] =
	"CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=m\nCONFIG_NAME=\"old\"\nCONFIG_AB=y\n";

static struct kernel_recipe *wishes(void)
{
	struct kernel_recipe *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	assert_int_equal(strv_add_all(&r->set, "B", NULL), 0);
	assert_int_equal(strv_add_all(&r->module, "D", NULL), 0);
	assert_int_equal(strv_add_all(&r->unset, "A", NULL), 0);
	assert_int_equal(strv_add_all(&r->value, "NAME=\"new\"", NULL), 0);
	return r;
}

static void symbols_take_the_place_of_what_was_said_of_them(void **state)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *r = wishes();
	_cleanup_free_ char *config = NULL;

	assert_int_equal(craft_config_apply(old_config,
					    &(struct craft_symbols){ &r->set, &r->module, &r->unset,
								     &r->value },
					    &config),
			 0);
	assert_string_equal(config, "CONFIG_C=m\nCONFIG_AB=y\nCONFIG_B=y\nCONFIG_D=m\n# CONFIG_A is not set\n"
				    "CONFIG_NAME=\"new\"\n");
}

static void a_symbol_that_is_not_as_it_is_to_be_is_found(void **state)
{
	_cleanup_(kernel_recipe_freep) struct kernel_recipe *r = wishes();
	_cleanup_free_ char *config = NULL;
	struct craft_miss *v;
	size_t n;

	assert_int_equal(craft_config_check(old_config,
					    &(struct craft_symbols){ &r->set, &r->module, &r->unset,
								     &r->value },
					    &v, &n),
			 0);
	assert_int_equal(n, 4);
	assert_string_equal(v[0].symbol, "B");
	assert_string_equal(v[0].got, "n");
	assert_string_equal(v[1].wanted, "m");
	assert_string_equal(v[2].symbol, "A");
	assert_string_equal(v[2].got, "y");
	assert_string_equal(v[3].got, "\"old\"");
	craft_misses_free(v, n);
	assert_int_equal(craft_config_apply(old_config,
					    &(struct craft_symbols){ &r->set, &r->module, &r->unset,
								     &r->value },
					    &config),
			 0);
	assert_int_equal(craft_config_check(config,
					    &(struct craft_symbols){ &r->set, &r->module, &r->unset,
								     &r->value },
					    &v, &n),
			 0);
	assert_int_equal(n, 0);
	craft_misses_free(v, n);
}

static void a_module_that_is_built_in_is_enough(void **state)
{
	struct kernel_recipe r = { 0 };
	struct craft_miss *v;
	size_t n;

	assert_int_equal(strv_add_all(&r.module, "A", NULL), 0);
	assert_int_equal(craft_config_check("CONFIG_A=y\n",
					    &(struct craft_symbols){ &r.set, &r.module, &r.unset, &r.value },
					    &v, &n),
			 0);
	assert_int_equal(n, 0);
	craft_misses_free(v, n);
	strv_free(&r.module);
}

static void put_kconfig(const struct site *s)
{
	put(s, "/Kconfig",
	    "mainmenu \"Linux\"\nconfig MODULES\n\tbool \"modules\"\n\nsource \"net/Kconfig\"\n");
	put(s, "/net/Kconfig",
	    "menuconfig NET\n\tbool \"net\"\n\thelp\n\t  config TIPC in a help text\n\t  depends on "
	    "nothing\n\nif NET\n\n"
	    "menu \"Protocols\"\n\tdepends on PROTO\n\nconfig TIPC\n\ttristate \"TIPC\"\n\tdepends on INET "
	    "|| \\\n"
	    "\t\tIPV6\n\tselect TIPC_CORE\n\nconfig TIPC_CORE\n\tbool\nendmenu\n\nendif\n\n"
	    "config FORCER\n\tbool \"forces\"\n\tselect KEYS\nconfig KEYS\n\tbool \"keys\"\n");
}

static char *explain(const struct site *s, const char *config, const char *symbol, const char *wanted)
{
	const struct craft_miss miss = { (char *)(uintptr_t)symbol, (char *)(uintptr_t)wanted,
					 (char *)(uintptr_t) "n" };
	char *text = NULL;

	assert_int_equal(kernel_kconfig_explain(s->fd, config, &miss, &text), 0);
	return text;
}

static void a_dropped_symbol_is_explained_by_what_it_depends_on(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct site *s = *state;

	put_kconfig(s);
	text = explain(s, "CONFIG_NET=y\nCONFIG_INET=y\n", "TIPC", "y");
	assert_non_null(strstr(text, "It depends on NET && PROTO && (INET || "));
	assert_non_null(strstr(text, "net/Kconfig:12"));
	assert_non_null(strstr(text, "NET is y, PROTO is not set, INET is y, IPV6 is not set"));
}

static void a_symbol_without_a_prompt_names_what_selects_it(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct site *s = *state;

	put_kconfig(s);
	text = explain(s, "", "TIPC_CORE", "y");
	assert_non_null(strstr(text, "It cannot be chosen by itself"));
	assert_non_null(strstr(text, "selects it: TIPC."));
}

static void a_symbol_that_is_on_against_the_wish_names_its_selector(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct site *s = *state;

	put_kconfig(s);
	text = explain(s, "CONFIG_FORCER=y\nCONFIG_KEYS=y\n", "KEYS", "n");
	assert_string_equal(text, "It is selected by FORCER.");
}

static void a_symbol_that_no_file_has_is_said_to_be_unknown(void **state)
{
	_cleanup_free_ char *text = NULL;
	struct site *s = *state;

	put_kconfig(s);
	text = explain(s, "", "KERRIGHED", "y");
	assert_string_equal(text, "This tree has no symbol KERRIGHED.");
}

static void objects_are_counted_by_the_makefiles(void **state)
{
	struct site *s = *state;

	put(s, "/init/Makefile",
	    "obj-y := main.o version.o \\\n\tinitramfs.o # three\nmounts-y := a.o b.o\n"
	    "obj-$(CONFIG_BLOCK) += mounts.o\nobj-$(CONFIG_NONE) += x.o\n");
	put(s, "/drivers/Makefile", "obj-y += net/\nobj-$(CONFIG_NONE) += scsi/\n");
	put(s, "/drivers/net/Makefile",
	    "obj-$(CONFIG_E1000) += e1000.o\ne1000-objs := e1000_main.o e1000_hw.o\n");
	put(s, "/drivers/scsi/Makefile", "obj-y += scsi.o\n");
	assert_int_equal(kernel_count_objects(s->fd, "CONFIG_BLOCK=y\nCONFIG_E1000=m\n", "x86_64"), 7);
	assert_int_equal(kernel_count_objects(s->fd, "", "x86_64"), 3);
}

static void built_in_drivers_are_listed_where_the_tree_lists_none(void **state)
{
	_cleanup_free_ char *list = NULL;
	struct site *s = *state;

	put(s, "/drivers/Makefile", "obj-y += net/\n");
	put(s, "/drivers/net/Makefile",
	    "obj-$(CONFIG_E1000) += e1000/\nobj-$(CONFIG_NE2K) += ne2k-pci.o 8390.o\nobj-$(CONFIG_TUN) += "
	    "tun.o\n"
	    "obj-$(CONFIG_GONE) += gone.o\nobj-y += loopback.o\n");
	put(s, "/drivers/net/e1000/Makefile", "obj-$(CONFIG_E1000) += e1000.o\ne1000-objs := e1000_main.o\n");
	put(s, "/drivers/net/e1000/e1000.o", "");
	put(s, "/drivers/net/ne2k-pci.o", "");
	put(s, "/drivers/net/8390.o", "");
	put(s, "/drivers/net/tun.o", "");
	put(s, "/drivers/net/loopback.o", "");
	assert_int_equal(kernel_list_builtin(s->fd,
					     "CONFIG_E1000=y\nCONFIG_NE2K=y\nCONFIG_TUN=m\nCONFIG_GONE=y\n",
					     "x86_64", &list),
			 0);
	assert_string_equal(list, "kernel/drivers/net/e1000/e1000.ko\nkernel/drivers/net/ne2k-pci.ko\n"
				  "kernel/drivers/net/8390.ko\n");
}

/* ---- archives --------------------------------------------------------------------------------------------- */

static int unpack(const struct site *s, struct archive_out *a)
{
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	_cleanup_close_ int archive = -1, folder = -1;
	_cleanup_free_ char *data = NULL;
	const struct craft_env craft = kernel_craft(&s->env);
	int64_t newest;
	size_t len;

	assert_int_equal(archive_finish(a, &data, &len), 0);
	assert_int_equal(fs_write(s->fd, "/a.cpio", data, len, &attr), 0);
	assert_int_equal(fs_mkdir_all(s->fd, "/out/in", 0755), 0);
	archive = fs_open(s->fd, "/a.cpio", O_RDONLY, 0);
	folder = fs_open(s->fd, "/out/in", O_RDONLY | O_DIRECTORY, 0);
	return craft_unpack(&craft, archive, "a.cpio", folder, (uid_t)-1, (gid_t)-1, &newest);
}

static struct archive_out *new_archive(void)
{
	struct archive_out *a;

	assert_int_equal(archive_new(ARCHIVE_GZIP, &a), 0);
	return a;
}

static void an_archive_is_unpacked(void **state)
{
	struct archive_out *a = new_archive();
	_cleanup_free_ char *text = NULL;
	struct site *s = *state;
	struct stat st;
	size_t len;

	archive_add_file(a, "linux-1/deep/er/file", 0755, "hello", 5);
	archive_add_link(a, "linux-1/deep/link", "../other/x");
	archive_add_file(a, "./linux-1/setuid", 06777, "", 0);
	assert_int_equal(unpack(s, a), 0);
	assert_int_equal(fs_read(s->fd, "/out/in/linux-1/deep/er/file", 99, &text, &len), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(fs_stat(s->fd, "/out/in/linux-1/setuid", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void an_archive_that_leads_out_is_refused(void **state)
{
	static const char *const names[] = { "../evil", "linux/../../evil", "/evil", "linux/.." };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct archive_out *a = new_archive();
		struct site *s = *state;

		archive_add_file(a, names[i], 0644, "evil", 4);
		assert_int_equal(unpack(s, a), -MUSTER_E_REFUSED);
		assert_logged(s, names[i]);
		assert_false(fs_exists(s->fd, "/evil"));
		assert_false(fs_exists(s->fd, "/out/evil"));
		strbuf_reset(&s->log);
	}
}

static void a_link_that_leads_out_is_refused(void **state)
{
	static const char *const targets[] = { "/etc", "..", "../..", "x/../../..", "./../../evil" };

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct archive_out *a = new_archive();
		struct site *s = *state;

		archive_add_link(a, "link", targets[i]);
		archive_add_file(a, "link/evil", 0644, "evil", 4);
		assert_int_equal(unpack(s, a), -MUSTER_E_REFUSED);
		assert_logged(s, "leads out");
		assert_false(fs_exists(s->fd, "/out/evil"));
	}
}

static void a_link_behind_a_link_is_refused(void **state)
{
	struct archive_out *a = new_archive();
	struct site *s = *state;

	archive_add_dir(a, "a/b/c", 0755);
	archive_add_link(a, "a/b/c/up", "../../..");
	archive_add_link(a, "a/b/c/up/out", "../../../../evil");
	assert_int_equal(unpack(s, a), -MUSTER_E_REFUSED);
	assert_logged(s, "leads out");
}

/* "d/.." seems to be the archive's folder; the kernel goes where d leads first. */
static void a_link_through_another_one_does_not_lead_out(void **state)
{
	static const char *const paths[] = { "through", "./x/.//./through" };
	static const char *const targets[] = { "d/..", "../../.." };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct archive_out *a = new_archive();
		struct site *s = *state;

		archive_add_link(a, "d", ".");
		archive_add_link(a, paths[i], targets[i]);
		assert_int_equal(unpack(s, a), -MUSTER_E_REFUSED);
		assert_logged(s, "leads out");
		strbuf_reset(&s->log);
	}
}

static void a_folder_may_come_before_those_above_it(void **state)
{
	struct archive_out *a = new_archive();
	struct site *s = *state;

	archive_add_dir(a, "linux-1/deep/er", 0755);
	archive_add_file(a, "linux-1/deep/er/file", 0644, "x", 1);
	assert_int_equal(unpack(s, a), 0);
	assert_true(fs_exists(s->fd, "/out/in/linux-1/deep/er/file"));
}

static void a_file_through_a_link_stays_within(void **state)
{
	struct archive_out *a = new_archive();
	struct site *s = *state;

	archive_add_dir(a, "real", 0755);
	archive_add_link(a, "link", "real");
	archive_add_file(a, "link/file", 0644, "x", 1);
	archive_add_link(a, "again", "real");
	archive_add_file(a, "again", 0644, "y", 1);
	assert_int_equal(unpack(s, a), 0);
	assert_true(fs_exists(s->fd, "/out/in/real/file"));
}

static void a_device_in_an_archive_is_refused(void **state)
{
	struct archive_out *a = new_archive();
	struct site *s = *state;

	archive_add_device(a, "null", 0666, 1, 3);
	assert_int_equal(unpack(s, a), -MUSTER_E_REFUSED);
	assert_logged(s, "neither a file nor a folder nor a link");
}

/* ---- relocations --------------------------------------------------------------------------------------------- */

static char *relocations(const struct site *s)
{
	_cleanup_free_ char *file = fs_join(s->path, "a.o");
	char *output = NULL;

	assert_int_equal(spawn_argv(&output, 20000, "readelf", "-rW", file, NULL), 0);
	return output;
}

static void relocations_are_rewritten_for_old_loaders(void **state)
{
	_cleanup_free_ char *c = NULL, *o = NULL, *before = NULL, *after = NULL;
	_cleanup_close_ int fd = -1;
	struct site *s = *state;
	unsigned int n = 0;

	put(s, "/a.c",
	    "extern int f(int); int g(int x) { return f(x) + 1; } int h(int x) { return f(x) * f(x + 1); "
	    "}\n");
	c = fs_join(s->path, "a.c");
	o = fs_join(s->path, "a.o");
	assert_int_equal(spawn_argv(NULL, 20000, "gcc", "-c", "-O1", "-fno-pic", "-fcf-protection=none", "-o",
				    o, c, NULL),
			 0);
	before = relocations(s);
	assert_non_null(strstr(before, "R_X86_64_PLT32"));
	fd = fs_open(s->fd, "/a.o", O_RDWR, 0);
	assert_int_equal(kernel_rewrite_relocations(fd, &n), 0);
	assert_int_equal(n, 3);
	after = relocations(s);
	assert_null(strstr(after, "R_X86_64_PLT32"));
	assert_non_null(strstr(after, "R_X86_64_PC32"));
	/* Once is enough. */
	assert_int_equal(kernel_rewrite_relocations(fd, &n), 0);
	assert_int_equal(n, 0);
}

/* 64 bytes of header, as elf(5) has it, whose section headers are said to be far behind the file's end. */
static void an_object_that_lies_about_its_size_is_not_grown(void **state)
{
	unsigned char object[128] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	struct site *s = *state;
	_cleanup_close_ int fd = -1;
	unsigned int n = 0;
	struct stat st;

	object[16] = 1;	 /* ET_REL */
	object[18] = 62; /* EM_X86_64 */
	object[20] = 1;
	object[43] = 1; /* e_shoff: 16 MiB */
	object[52] = 64;
	object[58] = 64;
	object[60] = 1;
	assert_int_equal(fs_write(s->fd, "/liar.ko", object, sizeof(object),
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
	fd = fs_open(s->fd, "/liar.ko", O_RDWR, 0);
	assert_true(fd >= 0);
	assert_int_equal(kernel_rewrite_relocations(fd, &n), -MUSTER_E_FORMAT);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, sizeof(object));
}

static void what_is_no_object_is_left_alone(void **state)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	struct site *s = *state;
	unsigned int n;
	size_t len;

	put(s, "/a.ko", "no object at all, but long enough for a header of sixty-four bytes, and more");
	fd = fs_open(s->fd, "/a.ko", O_RDWR, 0);
	assert_int_equal(kernel_rewrite_relocations(fd, &n), -MUSTER_E_FORMAT);
	assert_int_equal(fs_read(s->fd, "/a.ko", 200, &text, &len), 0);
	assert_int_equal(strncmp(text, "no object", 9), 0);
}

static void kernels_before_4_16_have_old_loaders(void **state)
{
	assert_true(kernel_is_old_loader("2.6.30-krg"));
	assert_true(kernel_is_old_loader("2.6.20"));
	assert_true(kernel_is_old_loader("4.9.337"));
	assert_false(kernel_is_old_loader("4.16.0"));
	assert_false(kernel_is_old_loader("6.1.55-small"));
}

#define ON_SITE(f) cmocka_unit_test_setup_teardown(f, make_site, drop_site)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_has_both_its_ends),
		cmocka_unit_test(a_wrong_range_is_known),
		cmocka_unit_test(compilers_say_their_kind_and_version),
		cmocka_unit_test(another_program_is_no_compiler),
		ON_SITE(the_recipes_of_the_tree_are_sound),
		ON_SITE(kerrighed_is_built_by_a_compiler_of_its_time),
		ON_SITE(the_operators_recipe_comes_first),
		ON_SITE(every_mistake_of_a_recipe_is_said_with_its_line),
		ON_SITE(an_unknown_recipe_is_said),
		cmocka_unit_test(symbols_take_the_place_of_what_was_said_of_them),
		cmocka_unit_test(a_symbol_that_is_not_as_it_is_to_be_is_found),
		cmocka_unit_test(a_module_that_is_built_in_is_enough),
		ON_SITE(a_dropped_symbol_is_explained_by_what_it_depends_on),
		ON_SITE(a_symbol_without_a_prompt_names_what_selects_it),
		ON_SITE(a_symbol_that_is_on_against_the_wish_names_its_selector),
		ON_SITE(a_symbol_that_no_file_has_is_said_to_be_unknown),
		ON_SITE(objects_are_counted_by_the_makefiles),
		ON_SITE(built_in_drivers_are_listed_where_the_tree_lists_none),
		ON_SITE(an_archive_is_unpacked),
		ON_SITE(an_archive_that_leads_out_is_refused),
		ON_SITE(a_link_that_leads_out_is_refused),
		ON_SITE(a_link_behind_a_link_is_refused),
		ON_SITE(a_link_through_another_one_does_not_lead_out),
		ON_SITE(a_folder_may_come_before_those_above_it),
		ON_SITE(a_file_through_a_link_stays_within),
		ON_SITE(a_device_in_an_archive_is_refused),
		ON_SITE(relocations_are_rewritten_for_old_loaders),
		ON_SITE(an_object_that_lies_about_its_size_is_not_grown),
		ON_SITE(what_is_no_object_is_left_alone),
		ON_SITE(kernels_before_4_16_have_old_loaders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
