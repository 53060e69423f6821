/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/kernel-tree.h"
#include "util/archive.h"
#include "util/fs.h"

const char kernel_tree_makefile[] =
	"REL := $(if $(wildcard old.c),2.6.30-fake,6.9.0-fake)\n"
	"mrproper:\n\trm -f stale.o\n"
	"tinyconfig:\n\techo CONFIG_MODULES=y > .config\n\techo CONFIG_NET=y >> .config\n"
	"olddefconfig:\n\tgrep -v CONFIG_GHOST .config > .config.new\n\tmv .config.new .config\n"
	"bzImage:\n"
	"\t@echo '  CC      init/main.o'\n"
	"\t@if [ -e wait ]; then for i in 1 2 3 4 5; do echo \"  CC      init/part$$i.o\"; done; fi\n"
	"\t@while [ -e wait ]; do sleep 0.05; done\n"
	"\t@if [ -e hang ]; then rm hang; echo $$$$ > hanging; exec sleep 300; fi\n"
	"\t@if [ -e lurk ]; then (setsid sh -c 'sleep 300' </dev/null >/dev/null 2>&1 &) ; fi\n"
	"\t@if [ -e broken.c ]; then echo 'init/main.c:3:1: error: broken'; exit 1; fi\n"
	"\tmkdir -p arch/x86/boot\n"
	"\tprintf HdrS | dd of=arch/x86/boot/bzImage bs=1 seek=514 2>/dev/null\n"
	"\tprintf '\\000\\001' | dd of=arch/x86/boot/bzImage bs=1 seek=526 conv=notrunc 2>/dev/null\n"
	"\tprintf '%s (%s@%s) #%s SMP %s\\0' $(REL) $$KBUILD_BUILD_USER $$KBUILD_BUILD_HOST "
	"$$KBUILD_BUILD_VERSION "
	"\"$$KBUILD_BUILD_TIMESTAMP\" | dd of=arch/x86/boot/bzImage bs=1 seek=768 conv=notrunc 2>/dev/null\n"
	"\techo ffffffff81000000 T start_kernel > System.map\n\tid -u > user\n\tenv > environment\n"
	"\t@if [ -e look ]; then sh ./look >> environment 2>&1; fi\n"
	"modules:\n\techo '  CC [M]  net/net.o'\n"
	"\t@if [ -e pipe ]; then rm System.map; mkfifo System.map; fi\n"
	"modules_install:\n\tmkdir -p $(INSTALL_MOD_PATH)/lib/modules/$(REL)/kernel\n"
	"\tcp user $(INSTALL_MOD_PATH)/lib/modules/$(REL)/kernel/net.ko\n"
	"\t@if [ -e old.c ]; then gcc -c -fno-pic -o $(INSTALL_MOD_PATH)/lib/modules/$(REL)/kernel/net.ko "
	"old.c; fi\n"
	"\techo kernel/lib/low-base.ko > $(INSTALL_MOD_PATH)/lib/modules/$(REL)/modules.builtin\n"
	"\tcp environment $(INSTALL_MOD_PATH)/lib/modules/$(REL)/environment\n"
	"\tln -s /nowhere $(INSTALL_MOD_PATH)/lib/modules/$(REL)/build\n"
	"\t@if [ -e lead-out ]; then rm -r $(INSTALL_MOD_PATH)/lib; ln -s `cat lead-out` "
	"$(INSTALL_MOD_PATH)/lib; fi\n";
const char kernel_tree_kconfig[] =
	"config NET\n\tbool \"net\"\nconfig GHOST\n\tbool \"ghost\"\n\tdepends on HAUNTED_HOUSE\n"
	"# olddefconfig\n";

/* Ten files are to be compiled, by what its makefiles say. */
static const char init[] = "obj-y := main.o part1.o part2.o part3.o part4.o part5.o\n"
			   "obj-y += part6.o part7.o part8.o part9.o\n";

void kernel_tree_pack(int root_fd, const char *name, const char *more, const char *text)
{
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	struct archive_out *a;
	_cleanup_free_ char *data = NULL, *path = NULL;
	size_t len;

	assert_int_equal(archive_new(ARCHIVE_GZIP, &a), 0);
	archive_add_file(a, "linux-6.9/Makefile", 0644, kernel_tree_makefile, strlen(kernel_tree_makefile));
	archive_add_file(a, "linux-6.9/Kconfig", 0644, kernel_tree_kconfig, strlen(kernel_tree_kconfig));
	archive_add_file(a, "linux-6.9/scripts/kconfig/Makefile", 0644, "olddefconfig:\n", 14);
	archive_add_file(a, "linux-6.9/init/Makefile", 0644, init, strlen(init));
	archive_add_file(a, "linux-6.9/init/main.c", 0644, "one\ntwo\nthree\n", 14);
	if (more && asprintf(&path, "linux-6.9/%s", more) > 0)
		archive_add_file(a, path, 0644, text, strlen(text));
	assert_int_equal(archive_finish(a, &data, &len), 0);
	assert_int_equal(fs_write(root_fd, name, data, len, &attr), 0);
}
