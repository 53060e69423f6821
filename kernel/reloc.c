/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Relocations that the module loader of an old kernel does not know, by libelf. */
#include "config.h"

#include <errno.h>
#include <gelf.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/log.h"

/* Kernels from here on take R_X86_64_PLT32 for what it is. */
#define NEW_LOADER "4.16"

bool kernel_is_old_loader(const char *release)
{
	/* A release may have words behind its numbers: "2.6.30-krg". */
	return !kernel_versions_have(NEW_LOADER "-", release);
}

/* How many relocations of the section were changed; -1: libelf failed. */
static int rewrite_section(Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	int changed = 0;

	if (!data && n > 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		GElf_Rela rela;

		if (!gelf_getrela(data, (int)i, &rela))
			return -1;
		if (GELF_R_TYPE(rela.r_info) != R_X86_64_PLT32)
			continue;
		rela.r_info = GELF_R_INFO(GELF_R_SYM(rela.r_info), R_X86_64_PC32);
		if (!gelf_update_rela(data, (int)i, &rela))
			return -1;
		changed++;
	}
	if (changed)
		elf_flagdata(data, ELF_C_SET, ELF_F_DIRTY);
	return changed;
}

/* What lies beyond the file's end would be made by writing it. */
static bool is_within(uint64_t at, uint64_t size, uint64_t end)
{
	return at <= end && size <= end - at;
}

static int rewrite(Elf *elf, uint64_t size, unsigned int *ret_n)
{
	GElf_Ehdr header;
	unsigned int n = 0;
	Elf_Scn *section = NULL;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) || header.e_machine != EM_X86_64 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_REL ||
	    !is_within(header.e_shoff, (uint64_t)header.e_shnum * header.e_shentsize, size))
		return -MUSTER_E_FORMAT;
	/* Nothing else moves: the file's layout stays as it is. */
	elf_flagelf(elf, ELF_C_SET, ELF_F_LAYOUT);
	while ((section = elf_nextscn(elf, section))) {
		GElf_Shdr s;
		int changed;

		if (!gelf_getshdr(section, &s))
			return -MUSTER_E_FORMAT;
		if (s.sh_type != SHT_NOBITS && !is_within(s.sh_offset, s.sh_size, size))
			return -MUSTER_E_FORMAT;
		if (s.sh_type != SHT_RELA)
			continue;
		changed = rewrite_section(section, &s);
		if (changed < 0)
			return -MUSTER_E_FORMAT;
		n += (unsigned int)changed;
	}
	if (n > 0 && elf_update(elf, ELF_C_WRITE) < 0)
		return -EIO;
	*ret_n = n;
	return 0;
}

int kernel_rewrite_relocations(int fd, unsigned int *ret_n)
{
	struct stat st;
	Elf *elf;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -MUSTER_E_UNSUPPORTED;
	elf = elf_begin(fd, ELF_C_RDWR, NULL);
	if (!elf)
		return -MUSTER_E_FORMAT;
	r = rewrite(elf, (uint64_t)st.st_size, ret_n);
	elf_end(elf);
	return r;
}
