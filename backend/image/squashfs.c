/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packing and unpacking squashfs images, by squashfs-tools. */
#include "config.h"

#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/image/builder.h"
#include "util/i18n.h"
#include "util/spawn.h"

#define STEP NC_("step", "squashfs")

/*
 * zstd is in every kernel since 4.14. Measured with Debian 12 (a tree of 251 MB, two processors) on nodes under
 * software emulation: blocks of 64, 128 and 256 KiB, levels 6 to 19 and lz4 boot alike (the difference is below
 * what two equal boots differ by), blocks of 1 MiB cost up to a quarter more processor time. So size and the time
 * to pack decide: level 9 with 256 KiB gives 64.6 MB in 2 s; level 15 with 128 KiB 63.1 MB in 13 s; level 19 with
 * 256 KiB 59.9 MB in 34 s; lz4 85.5 MB.
 */
const char *const squashfs_options[] = { "-comp", "zstd", "-Xcompression-level", "9", "-b", "262144", NULL };

/* What kernels since 2.6.29 read. */
const char *const squashfs_old_options[] = {
	"-comp", "gzip", "-Xcompression-level", "6", "-b", "131072", NULL
};

struct packing {
	const struct image_env *env;
	unsigned long long done, total;
	int permille;
};

/* Of all that mksquashfs says, what an operator needs: why it failed. */
static bool is_trouble(const char *line)
{
	static const char *const words[] = { "FATAL ERROR", "Failed ", "Could not ", "Unable ",
					     "Write failed" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(line, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

/* "file /usr/bin/x, uncompressed size 1234 bytes" */
static void packing_line(void *data, const char *line)
{
	struct packing *p = data;
	const char *size = strncmp(line, "file ", 5) == 0 ? strstr(line, ", uncompressed size ") : NULL;
	int permille;

	if (is_trouble(line))
		image_progress(p->env, STEP, -1, line);
	if (!size || p->total == 0)
		return;
	p->done += strtoull(size + 20, NULL, 10);
	permille = (int)(MIN(p->done, p->total) * 1000 / p->total);
	if (permille / 10 == p->permille / 10)
		return;
	p->permille = permille;
	image_progress(p->env, STEP, permille, NULL);
}

static unsigned long long tree_bytes(const char *tree)
{
	char *const paths[] = { (char *)(uintptr_t)tree, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	unsigned long long sum = 0;
	FTSENT *e;

	while (fts && (e = fts_read(fts)))
		if (e->fts_info == FTS_F)
			sum += (unsigned long long)e->fts_statp->st_size;
	if (fts)
		fts_close(fts);
	return sum;
}

int squashfs_pack(const struct image_env *env, const char *tree, const char *image, enum squashfs_form form)
{
	struct packing p = { .env = env, .total = tree_bytes(tree), .permille = -1 };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	/* The image's own time, and the latest that a file of it may have. */
	const char *const *options = form == SQUASHFS_NEW ? squashfs_options : squashfs_old_options;
	static const char *const settings[] = { "SOURCE_DATE_EPOCH=315532800", NULL };
	struct spawn s = {
		.env = form == SQUASHFS_SAME ? settings : NULL,
		.cancel_fd = env->cancel_fd,
		.on_line = packing_line,
		.data = &p,
		.ends_with_us = true,
	};
	int r = strv_add_all(&argv, "mksquashfs", tree, image, "-noappend", "-info", "-no-progress", NULL);

	for (size_t i = 0; r == 0 && options[i]; i++)
		r = strv_add(&argv, options[i]);
	if (r < 0)
		return r;
	image_progress(env, STEP, 0, NULL);
	s.argv = (const char *const *)argv.v;
	s.max_output = 64 * 1024 * 1024;
	r = spawn_check(&s, NULL);
	if (r == 0)
		image_progress(env, STEP, 1000, NULL);
	return r;
}

int squashfs_unpack_modules(const struct image_env *env, const char *image, const char *target)
{
	const char *const argv[] = { "unsquashfs", "-quiet", "-no-progress",	"-no-xattrs",  "-dest",
				     target,	   image,    "usr/lib/modules", "lib/modules", NULL };
	struct spawn s = { .argv = argv, .cancel_fd = env->cancel_fd, .ends_with_us = true };

	return spawn_check(&s, NULL);
}

int squashfs_unpack(const struct image_env *env, const char *image, const char *target)
{
	const char *const argv[] = { "unsquashfs", "-quiet", "-no-progress", "-no-xattrs", "-force",
				     "-dest",	   target,   image,	     NULL };
	struct spawn s = { .argv = argv, .cancel_fd = env->cancel_fd, .ends_with_us = true };

	return spawn_check(&s, NULL);
}
