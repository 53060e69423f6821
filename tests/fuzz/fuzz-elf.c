/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF files and kernels: what libc asks of a kernel, a kernel's release, a module's relocations rewritten. */
#include "config.h"

#include <string.h>
#include <sys/stat.h>

#include "backend/image/builder.h"
#include "kernel/private.h"
#include "tests/fuzz/house.h"

FUZZ_TARGET(elf)
{
	_cleanup_close_ int fd = fuzz_file(data, size);
	_cleanup_free_ char *release = NULL;
	unsigned int abi[3], n = 0, again = 0;
	struct stat st;
	bool alone;

	house_quiet();
	if (image_abi_read(fd, abi) == 0)
		fuzz_need(size >= 16);
	if (image_abi_alone(fd, &alone) == 0)
		fuzz_need(size >= 64);
	if (kernel_release_read(fd, &release) == 0)
		fuzz_need(*release && !strchr(release, '/') && fuzz_is_clean(release, false));
	/* The file does not grow (what lies behind the ELF, such as a signature, goes). */
	if (kernel_rewrite_relocations(fd, &n) == 0) {
		fuzz_need(fstat(fd, &st) == 0 && (size_t)st.st_size <= size);
		fuzz_need(kernel_rewrite_relocations(fd, &again) != 0 || again <= n);
	}
	return 0;
}
