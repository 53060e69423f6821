/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel and root against machines: the judging, and what it is told. */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "backend/fit.h"
#include "backend/image/image.h"

struct judged {
	struct draft_mistake *v;
	size_t n;
};

static struct judged judge(const struct fit *f)
{
	struct judged j = { 0 };

	assert_int_equal(fit_judge(f, &j.v, &j.n), 0);
	return j;
}

static void forget(struct judged *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->v[i].text);
	free(j->v);
}

static void assert_warns(const struct fit *f, const char *key, const char *text)
{
	struct judged j = judge(f);

	assert_int_equal(j.n, 1);
	assert_string_equal(j.v[0].section, "boot");
	assert_string_equal(j.v[0].key, key);
	if (!strstr(j.v[0].text, text))
		fail_msg("no \"%s\" in \"%s\"", text, j.v[0].text);
	forget(&j);
}

static void assert_silent(const struct fit *f)
{
	struct judged j = judge(f);

	if (j.n)
		fail_msg("it says \"%s\"", j.v[0].text);
	forget(&j);
}

static void of_what_is_not_known_nothing_is_said(void **state)
{
	const struct fit f = { .kernel = "distro", .root = PLAN_ROOT_RAM };

	assert_silent(&f);
}

static void the_small_kernel_is_for_virtual_machines(void **state)
{
	struct fit f = { .kernel = "distro-cloud", .n_real = 1, .real = "node03", .real_vendor = "Intel" };

	assert_warns(&f, "kernel", "node03 (network card: Intel) looks like a real machine");
	f.n_real = 3;
	f.real_vendor = "";
	assert_warns(&f, "kernel", "3 nodes look like real machines (node03 is the first)");
	f.kernel = "distro";
	assert_silent(&f);
	f = (struct fit){ .kernel = "distro-cloud" };
	assert_silent(&f);
}

static void a_card_without_a_driver_is_named(void **state)
{
	const struct fit_card cards[] = { { "node01", "8086:15f3", false }, { "node02", "8086:1533", true } };
	struct fit f = { .kernel = "/k", .release = "6.1.0-37", .cards = cards, .n_cards = 2 };

	assert_warns(&f, "kernel",
		     "The kernel 6.1.0-37 has no driver for the network card 8086:15f3 of node01.");
	f.cards = &cards[1];
	f.n_cards = 1;
	assert_silent(&f);
	f.no_modules = true;
	assert_warns(&f, "kernel", "No modules lie beside this kernel (lib/modules/6.1.0-37)");
}

static void a_kernel_must_be_new_enough_for_the_libc(void **state)
{
	struct fit f = { .kernel = "/k", .release = "2.6.20-krg", .libc = { 3, 2, 0 } };

	assert_warns(
		&f, "kernel",
		"The kernel 2.6.20-krg is too old for this distribution's libc, which needs Linux 3.2.0");
	f.release = "3.2.0";
	assert_silent(&f);
	f.release = "3.10-rc1";
	assert_silent(&f);
	f.release = "6.1.0-37-amd64";
	assert_silent(&f);
	f.release = "3.1.99";
	assert_warns(&f, "kernel", "too old");
	f.release = "vmlinuz";
	assert_silent(&f);
	f = (struct fit){ .kernel = "/k", .release = "2.6.20" };
	assert_silent(&f);
}

static void a_node_needs_the_memory_that_its_root_takes(void **state)
{
	struct fit f = { .kernel = "distro",
			 .root = PLAN_ROOT_RAM,
			 .root_bytes = 94ULL << 20,
			 .poorest = "node02",
			 .poorest_kb = 300 * 1024 };

	assert_warns(&f, "root", "node02 has 300.0 MiB of memory, and needs about 374.0 MiB with this root");
	f.poorest_kb = 384 * 1024;
	assert_silent(&f);
	/* A larger root needs more. */
	f.root_bytes = 900ULL << 20;
	assert_warns(&f, "root", "over NFS it needs less");
	f.root = PLAN_ROOT_NFS;
	assert_silent(&f);
	f.poorest = NULL;
	f.poorest_kb = 0;
	assert_silent(&f);
	assert_true(fit_memory_kb(PLAN_ROOT_INITRAMFS, 0) < fit_memory_kb(PLAN_ROOT_NFS, 0));
	assert_true(fit_memory_kb(PLAN_ROOT_NFS, 0) < fit_memory_kb(PLAN_ROOT_RAM, 0));
}

static void all_is_said_in_one_go(void **state)
{
	const struct fit f = { .kernel = "/k",
			       .release = "2.6.20",
			       .no_modules = true,
			       .libc = { 3, 2, 0 },
			       .root = PLAN_ROOT_NFS,
			       .poorest = "n",
			       .poorest_kb = 1 };
	struct judged j = judge(&f);

	assert_int_equal(j.n, 3);
	forget(&j);
}

static void virtual_machines_are_known_by_their_addresses(void **state)
{
	static const struct {
		const char *mac;
		bool virtual;
	} macs[] = {
		{ "52:54:00:66:00:01", true },	/* QEMU */
		{ "00:0c:29:00:00:01", true },	/* VMware */
		{ "08:00:27:12:34:56", true },	/* VirtualBox */
		{ "00:15:5d:12:34:56", true },	/* Hyper-V */
		{ "00:16:3e:00:00:01", true },	/* Xen */
		{ "0a:58:0a:00:00:01", true },	/* nobody's */
		{ "a0:36:9f:12:7c:01", false }, /* Intel */
		{ "00:25:90:00:00:01", false }, /* Super Micro */
	};
	struct mac mac;

	for (size_t i = 0; i < sizeof(macs) / sizeof(*macs); i++) {
		assert_int_equal(mac_parse(macs[i].mac, &mac), 0);
		assert_int_equal(fit_mac_virtual(mac), macs[i].virtual);
	}
}

static void the_card_is_read_out_of_the_agents_sentence(void **state)
{
	char id[10] = "";

	assert_int_equal(
		fit_card_of_reason("no driver for network card 8086:15f3 in kernel 6.1.0: modules.conf "
				   "knows none",
				   id),
		1);
	assert_string_equal(id, "8086:15f3");
	assert_int_equal(fit_card_of_reason("no driver for network card 0000:00:03.0 in kernel 6.1.0", id),
			 0);
	assert_int_equal(fit_card_of_reason("no driver for network card 8086", id), 0);
	assert_int_equal(fit_card_of_reason("not enough memory", id), 0);
	assert_int_equal(fit_card_of_reason("", id), 0);
}

/* ---- .note.ABI-tag ------------------------------------------------------------------------------------------------------- */

static int file_of(const void *data, size_t len)
{
	char path[] = "/tmp/muster-fit-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

static void a_program_says_on_which_kernel_it_runs(void **state)
{
	_cleanup_close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned int v[3] = { 99, 0, 0 };

	assert_int_equal(image_abi_read(fd, v), 0);
	assert_in_range(v[0], 2, 6);
}

static void what_is_no_program_is_refused_and_nothing_is_believed(void **state)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr segment;
		Elf64_Nhdr note;
		char name[4];
		uint32_t tag[4];
	} file = { .head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			     .e_phoff = sizeof(Elf64_Ehdr),
			     .e_phentsize = sizeof(Elf64_Phdr),
			     .e_phnum = 1 },
		   .segment = { .p_type = PT_NOTE,
				.p_offset = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr),
				.p_filesz = sizeof(Elf64_Nhdr) + 20 },
		   .note = { 4, 16, NT_GNU_ABI_TAG },
		   .name = "GNU",
		   .tag = { 0, 2, 6, 18 } };
	unsigned int v[3] = { 0 };
	int fd = file_of(&file, sizeof(file));

	assert_int_equal(image_abi_read(fd, v), 0);
	assert_int_equal(v[0] * 10000 + v[1] * 100 + v[2], 20618);
	close(fd);
	/* Another system's. */
	file.tag[0] = 1;
	fd = file_of(&file, sizeof(file));
	assert_int_equal(image_abi_read(fd, v), -ENOENT);
	close(fd);
	/* Lengths that lead out of the note. */
	file.tag[0] = 0;
	file.note.n_namesz = UINT32_MAX;
	fd = file_of(&file, sizeof(file));
	assert_int_equal(image_abi_read(fd, v), -ENOENT);
	close(fd);
	file.note.n_namesz = 4;
	file.note.n_descsz = 1000;
	fd = file_of(&file, sizeof(file));
	assert_int_equal(image_abi_read(fd, v), -ENOENT);
	close(fd);
	file.head.e_phoff = UINT64_MAX - 8;
	fd = file_of(&file, sizeof(file));
	assert_int_equal(image_abi_read(fd, v), -MUSTER_E_FORMAT);
	close(fd);
	fd = file_of("#!/bin/sh\n", 10);
	assert_int_equal(image_abi_read(fd, v), -MUSTER_E_FORMAT);
	close(fd);
}

static void a_kernel_that_is_not_built_yet_is_said(void **state)
{
	assert_warns(&(struct fit){ .kernel = "kerrighed-3.0",
				    .unbuilt = "The kernel kerrighed-3.0 is not built on this server yet.",
				    .root = PLAN_ROOT_INITRAMFS },
		     "kernel", "The kernel kerrighed-3.0 is not built on this server yet");
}

static void a_root_without_the_tools_is_said_with_what_mends_it(void **state)
{
	struct fit f = {
		.kernel = "/k", .root = PLAN_ROOT_INITRAMFS, .profile = "kerrighed", .no_tool = "krgadm"
	};

	assert_warns(
		&f, "root",
		"has no krgadm, without which they cannot become one machine: `muster root build --profile "
		"kerrighed --source kerrighed-tools=PLACE`");
	f.root = PLAN_ROOT_NFS;
	assert_warns(&f, "root", "--profile kerrighed --mode nfs --source");
	f.root = PLAN_ROOT_RAM;
	assert_warns(&f, "root", "take the root mode initramfs");
	f.no_tool = NULL;
	assert_silent(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kernel_that_is_not_built_yet_is_said),
		cmocka_unit_test(a_root_without_the_tools_is_said_with_what_mends_it),
		cmocka_unit_test(of_what_is_not_known_nothing_is_said),
		cmocka_unit_test(the_small_kernel_is_for_virtual_machines),
		cmocka_unit_test(a_card_without_a_driver_is_named),
		cmocka_unit_test(a_kernel_must_be_new_enough_for_the_libc),
		cmocka_unit_test(a_node_needs_the_memory_that_its_root_takes),
		cmocka_unit_test(all_is_said_in_one_go),
		cmocka_unit_test(virtual_machines_are_known_by_their_addresses),
		cmocka_unit_test(the_card_is_read_out_of_the_agents_sentence),
		cmocka_unit_test(a_program_says_on_which_kernel_it_runs),
		cmocka_unit_test(what_is_no_program_is_refused_and_nothing_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
