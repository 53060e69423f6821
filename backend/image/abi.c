/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The oldest kernel that a program of the GNU system runs on, as it says itself. */
#include "config.h"

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/image/builder.h"
#include "util/error.h"

#define SEGMENTS_MAX 64
#define NOTES_MAX 65536

static bool read_at(int fd, void *to, size_t len, uint64_t at)
{
	return at <= INT64_MAX - len && pread(fd, to, len, (off_t)at) == (ssize_t)len;
}

/* A note is three words, then its name and its description, each filled up to a multiple of four: elf(5). The description
 * of NT_GNU_ABI_TAG: the system (0 is Linux), then the version's three parts (elf.h). */
static bool find_tag(const char *notes, size_t len, unsigned int ret[3])
{
	while (len >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr h;
		uint32_t words[4];
		size_t name, text;

		memcpy(&h, notes, sizeof(h));
		name = ((size_t)h.n_namesz + 3) & ~(size_t)3;
		text = ((size_t)h.n_descsz + 3) & ~(size_t)3;
		len -= sizeof(h);
		notes += sizeof(h);
		if (name > len || text > len - name)
			return false;
		if (h.n_type == NT_GNU_ABI_TAG && h.n_namesz == 4 && memcmp(notes, "GNU", 4) == 0 &&
		    h.n_descsz >= sizeof(words)) {
			memcpy(words, notes + name, sizeof(words));
			for (size_t i = 0; i < 3; i++)
				ret[i] = words[i + 1];
			return words[0] == 0;
		}
		len -= name + text;
		notes += name + text;
	}
	return false;
}

static bool read_header(int fd, Elf64_Ehdr *e)
{
	return read_at(fd, e, sizeof(*e), 0) && memcmp(e->e_ident, ELFMAG, SELFMAG) == 0 &&
	       e->e_ident[EI_CLASS] == ELFCLASS64 && e->e_ident[EI_DATA] == ELFDATA2LSB &&
	       e->e_phentsize == sizeof(Elf64_Phdr);
}

int image_abi_alone(int fd, bool *ret)
{
	Elf64_Ehdr e;

	if (!read_header(fd, &e))
		return -MUSTER_E_FORMAT;
	for (unsigned int i = 0; i < e.e_phnum && i < SEGMENTS_MAX; i++) {
		Elf64_Phdr p;

		if (!read_at(fd, &p, sizeof(p), e.e_phoff + i * sizeof(p)))
			return -MUSTER_E_FORMAT;
		if (p.p_type == PT_INTERP) {
			*ret = false;
			return 0;
		}
	}
	*ret = true;
	return 0;
}

int image_abi_read(int fd, unsigned int ret[3])
{
	Elf64_Ehdr e;

	if (!read_header(fd, &e))
		return -MUSTER_E_FORMAT;
	for (unsigned int i = 0; i < e.e_phnum && i < SEGMENTS_MAX; i++) {
		_cleanup_free_ char *notes = NULL;
		Elf64_Phdr p;

		if (!read_at(fd, &p, sizeof(p), e.e_phoff + i * sizeof(p)))
			return -MUSTER_E_FORMAT;
		if (p.p_type != PT_NOTE || p.p_filesz > NOTES_MAX)
			continue;
		notes = malloc(p.p_filesz + 1);
		if (!notes)
			return -ENOMEM;
		if (read_at(fd, notes, p.p_filesz, p.p_offset) && find_tag(notes, p.p_filesz, ret))
			return 0;
	}
	return -ENOENT;
}
