/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of kernel modules, from a tree of small made-up ones that depmod(8) has indexed. */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/image/image.h"
#include "backend/image/modules.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define RELEASE "6.1.0-test"

/* ---- a module that holds nothing but what libkmod reads: elf(5) ------------------------------------------- */

enum section { NONE, MODINFO, KSYMTAB, SYMTAB, STRTAB, SHSTRTAB, SECTIONS };

static const char *const section_names[SECTIONS] = { "",	".modinfo", "__ksymtab_strings",
						     ".symtab", ".strtab",  ".shstrtab" };

struct fake {
	const char *path;	/* below kernel/ */
	const char *info[6];	/* "alias=...", "softdep=..." */
	const char *exports[3]; /* symbols that it has for others */
	const char *wants[3];	/* symbols of others */
};

static void add_strings(struct strbuf *b, const char *const *v)
{
	for (size_t i = 0; v[i]; i++)
		strbuf_add(b, v[i], strlen(v[i]) + 1);
}

static void fill(const struct fake *m, struct strbuf b[SECTIONS])
{
	Elf64_Sym symbol = { 0 };

	strbuf_addf(&b[MODINFO], "name=%s", strrchr(m->path, '/') + 1);
	strbuf_addc(&b[MODINFO], '\0');
	add_strings(&b[MODINFO], m->info);
	add_strings(&b[KSYMTAB], m->exports);
	strbuf_addc(&b[STRTAB], '\0');
	strbuf_add(&b[SYMTAB], &symbol, sizeof(symbol));
	for (size_t i = 0; m->wants[i]; i++) {
		symbol = (Elf64_Sym){ .st_name = (Elf64_Word)b[STRTAB].len,
				      .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE) };
		strbuf_add(&b[SYMTAB], &symbol, sizeof(symbol));
		strbuf_add(&b[STRTAB], m->wants[i], strlen(m->wants[i]) + 1);
	}
}

static void write_module(int root_fd, const struct fake *m)
{
	struct strbuf b[SECTIONS] = { STRBUF_INIT };
	_cleanup_strbuf_ struct strbuf file = STRBUF_INIT;
	_cleanup_free_ char *path = NULL, *folder = NULL;
	Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			      .e_type = ET_REL,
			      .e_machine = EM_X86_64,
			      .e_version = EV_CURRENT,
			      .e_ehsize = sizeof(header),
			      .e_shentsize = sizeof(Elf64_Shdr),
			      .e_shnum = SECTIONS,
			      .e_shstrndx = SHSTRTAB };
	Elf64_Shdr headers[SECTIONS] = { 0 };

	fill(m, b);
	for (int i = 0; i < SECTIONS; i++) {
		headers[i].sh_name = (Elf64_Word)b[SHSTRTAB].len;
		strbuf_add(&b[SHSTRTAB], section_names[i], strlen(section_names[i]) + 1);
	}
	strbuf_add(&file, &header, sizeof(header));
	for (int i = MODINFO; i < SECTIONS; i++) {
		while (file.len % 8)
			strbuf_addc(&file, '\0');
		headers[i].sh_type = i == SYMTAB ? SHT_SYMTAB : i >= STRTAB ? SHT_STRTAB : SHT_PROGBITS;
		headers[i].sh_offset = file.len;
		headers[i].sh_size = b[i].len;
		headers[i].sh_link = i == SYMTAB ? STRTAB : 0;
		headers[i].sh_entsize = i == SYMTAB ? sizeof(Elf64_Sym) : 0;
		strbuf_add(&file, b[i].data ? b[i].data : "", b[i].len);
		strbuf_free(&b[i]);
	}
	while (file.len % 8)
		strbuf_addc(&file, '\0');
	header.e_shoff = file.len;
	strbuf_add(&file, headers, sizeof(headers));
	memcpy(file.data, &header, sizeof(header));

	assert_true(asprintf(&path, "/lib/modules/" RELEASE "/kernel/%s.ko", m->path) > 0);
	folder = strndup(path, (size_t)(strrchr(path, '/') - path));
	assert_int_equal(fs_mkdir_all(root_fd, folder, 0755), 0);
	assert_int_equal(fs_write(root_fd, path, file.data, file.len,
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
}

static const struct fake fakes[] = {
	{ "drivers/block/loop", { "alias=block-major-7-*" } },
	{ "fs/squashfs/squashfs", { "alias=fs-squashfs" } },
	{ "lib/exportfs", { NULL }, { "export_it" } },
	{ "fs/overlayfs/overlay", { "alias=fs-overlay" }, { NULL }, { "export_it" } },
	{ "net/failover", { NULL }, { "failover_one" } },
	{ "drivers/net/net_failover", { NULL }, { "failover_two" }, { "failover_one" } },
	{ "drivers/virtio/virtio", { NULL }, { "virtio_it" } },
	{ "drivers/net/virtio_net",
	  { "alias=virtio:d00000001v*" },
	  { NULL },
	  { "failover_two", "virtio_it" } },
	{ "lib/crc32c_generic", { "alias=crypto-crc32c", "alias=crc32c" } },
	{ "drivers/net/ethernet/acme/road-runner",
	  { "alias=pci:v0000ACMEd00000002sv*sd*bc*sc*i*", "alias=pci:v0000ACMEd00000001sv*sd*bc*sc*i*",
	    "softdep=pre: crypto-crc32c no-such-thing post: later", "alias=a name without a bus" } },
	{ "extra/kerrighed", { NULL }, { NULL }, { "export_it" } },
	{ "kerrighed/scheduler/probes/mosix_probe", { NULL } },
	{ "drivers/net/later", { "alias=later" } },
	{ "drivers/net/wireless/antenna", { "alias=pci:v0000RADIOd*" } },
	{ "drivers/net/ethernet/acme/helper", { NULL } },
	{ "drivers/net/ethernet/mellanox/mlx4_core", { "alias=pci:v000015B3d*" }, { "mlx4_it" } },
	{ "drivers/net/ethernet/mellanox/mlx4_en", { NULL }, { NULL }, { "mlx4_it" } },
};

struct tree {
	char *root, *folder;
	int fd;
};

static void put_text(int fd, const char *path, const char *text)
{
	assert_int_equal(fs_write(fd, path, text, strlen(text),
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
}

/* NULL in `without` leaves none out. */
static void make_tree(struct tree *t, const char *without, const char *builtin)
{
	char template[] = "/tmp/muster-modules-XXXXXX";

	assert_non_null(mkdtemp(template));
	t->root = strdup(template);
	t->fd = fs_root_open(t->root);
	assert_true(t->fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(fakes); i++)
		if (!without || strcmp(fakes[i].path, without) != 0)
			write_module(t->fd, &fakes[i]);
	put_text(t->fd, "/lib/modules/" RELEASE "/modules.builtin", builtin);
	put_text(t->fd, "/lib/modules/" RELEASE "/modules.order", "");
	put_text(t->fd, "/lib/modules/" RELEASE "/modules.builtin.modinfo", "");
	assert_int_equal(spawn_argv(NULL, 60000, "depmod", "-b", t->root, RELEASE, NULL), 0);
	t->folder = fs_join(t->root, "lib/modules/" RELEASE);
}

static void drop_tree(struct tree *t)
{
	_cleanup_close_ int slash = fs_root_open("/");

	close(t->fd);
	assert_int_equal(fs_remove_tree(slash, t->root), 0);
	free(t->root);
	free(t->folder);
}

static void assert_line(const struct modules *m, const char *line)
{
	_cleanup_free_ char *with = NULL;

	assert_true(asprintf(&with, "\n%s\n", line) > 0);
	if (!strstr(m->conf, with))
		fail_msg("no line \"%s\" in:\n%s", line, m->conf);
}

static void a_module_is_loaded_behind_what_it_needs(void **state)
{
	_cleanup_(modules_freep) struct modules *m = NULL;
	struct tree t;

	make_tree(&t, NULL, "");
	assert_int_equal(modules_collect(t.folder, PLAN_ROOT_RAM, false, &m), 0);
	assert_line(m, "load /lib/modules/loop.ko");
	assert_line(m, "load /lib/modules/exportfs.ko /lib/modules/overlay.ko");
	assert_true(strstr(m->conf, "load /lib/modules/loop.ko") < strstr(m->conf, "squashfs.ko"));
	assert_true(strstr(m->conf, "squashfs.ko") < strstr(m->conf, "overlay.ko"));
	assert_non_null(strstr(m->conf, "\nalias virtio:d00000001v* "));
	assert_true(strstr(m->conf, "/failover.ko") < strstr(m->conf, "/net_failover.ko"));
	assert_true(strstr(m->conf, "/net_failover.ko") < strstr(m->conf, "/virtio_net.ko"));
	drop_tree(&t);
}

static void a_card_brings_its_aliases_and_what_it_wants_first(void **state)
{
	_cleanup_(modules_freep) struct modules *m = NULL;
	struct tree t;

	make_tree(&t, NULL, "");
	assert_int_equal(modules_collect(t.folder, PLAN_ROOT_INITRAMFS, false, &m), 0);
	assert_line(m, "alias pci:v0000ACMEd00000001sv*sd*bc*sc*i* /lib/modules/crc32c_generic.ko "
		       "/lib/modules/road_runner.ko");
	assert_line(m, "alias pci:v0000ACMEd00000002sv*sd*bc*sc*i* /lib/modules/crc32c_generic.ko "
		       "/lib/modules/road_runner.ko");
	assert_line(m, "alias pci:v000015B3d* /lib/modules/mlx4_core.ko /lib/modules/mlx4_en.ko");
	assert_null(strstr(m->conf, "a name without a bus"));
	drop_tree(&t);
}

static void only_what_is_named_is_taken_along(void **state)
{
	_cleanup_(modules_freep) struct modules *m = NULL;
	struct tree t;

	make_tree(&t, NULL, "");
	assert_int_equal(modules_collect(t.folder, PLAN_ROOT_INITRAMFS, false, &m), 0);
	assert_null(strstr(m->conf, "load "));
	assert_false(strv_has(&m->names, "loop"));
	assert_false(strv_has(&m->names, "antenna"));
	assert_false(strv_has(&m->names, "later"));
	assert_false(strv_has(&m->names, "helper"));
	assert_true(strv_has(&m->names, "road_runner"));
	assert_int_equal(m->names.n, m->files.n);
	for (size_t i = 0; i < m->names.n; i++) {
		assert_true(i == 0 || strcmp(m->names.v[i - 1], m->names.v[i]) < 0);
		assert_int_equal(access(m->files.v[i], R_OK), 0);
	}
	drop_tree(&t);
}

static void the_single_system_has_a_table_of_its_own(void **state)
{
	_cleanup_(modules_freep) struct modules *m = NULL, *none = NULL;
	struct tree t;

	make_tree(&t, NULL, "");
	assert_int_equal(modules_collect(t.folder, PLAN_ROOT_INITRAMFS, false, &m), 0);
	assert_string_equal(m->ssi, "load /lib/modules/exportfs.ko /lib/modules/kerrighed.ko\nload "
				    "/lib/modules/mosix_probe.ko\n");
	assert_null(strstr(m->conf, "kerrighed"));
	assert_true(strv_has(&m->names, "kerrighed"));
	drop_tree(&t);
	make_tree(&t, "extra/kerrighed", "");
	assert_int_equal(modules_collect(t.folder, PLAN_ROOT_INITRAMFS, false, &none), 0);
	assert_string_equal(none->ssi, "load /lib/modules/mosix_probe.ko\n");
	drop_tree(&t);
}

static void what_is_built_in_needs_no_line(void **state)
{
	_cleanup_(modules_freep) struct modules *m = NULL;
	struct tree t;

	make_tree(&t, "drivers/block/loop", "kernel/drivers/block/loop.ko\n");
	assert_int_equal(modules_collect(t.folder, PLAN_ROOT_RAM, false, &m), 0);
	assert_null(strstr(m->conf, "loop.ko"));
	assert_non_null(strstr(m->conf, "load /lib/modules/squashfs.ko"));
	drop_tree(&t);
}

static void a_root_mode_that_the_kernel_cannot_do_is_refused(void **state)
{
	struct modules *m = NULL;
	struct tree t;

	make_tree(&t, NULL, "");
	assert_int_equal(modules_collect(t.folder, PLAN_ROOT_NFS, false, &m), -MUSTER_E_UNSUPPORTED);
	assert_null(m);
	drop_tree(&t);
}

static void the_same_tree_gives_the_same_table(void **state)
{
	_cleanup_(modules_freep) struct modules *a = NULL, *b = NULL;
	struct tree t, u;

	make_tree(&t, NULL, "");
	make_tree(&u, NULL, "");
	assert_int_equal(modules_collect(t.folder, PLAN_ROOT_RAM, false, &a), 0);
	assert_int_equal(modules_collect(u.folder, PLAN_ROOT_RAM, false, &b), 0);
	assert_string_equal(a->conf, b->conf);
	drop_tree(&t);
	drop_tree(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_module_is_loaded_behind_what_it_needs),
		cmocka_unit_test(a_card_brings_its_aliases_and_what_it_wants_first),
		cmocka_unit_test(only_what_is_named_is_taken_along),
		cmocka_unit_test(the_single_system_has_a_table_of_its_own),
		cmocka_unit_test(what_is_built_in_needs_no_line),
		cmocka_unit_test(a_root_mode_that_the_kernel_cannot_do_is_refused),
		cmocka_unit_test(the_same_tree_gives_the_same_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
