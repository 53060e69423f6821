/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What nodes boot, served from its folders. Only names that a route names get here. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "backend/image/image.h"
#include "daemon/daemon.h"
#include "daemon/range.h"
#include "util/fs.h"

/* Opens FOLDER/NAME or FOLDER/ID/NAME (id may be NULL) below the root, no link in the last two followed.
 * Returns the descriptor of a regular file; its size goes to ret_size. */
static int open_beneath(struct daemon *d, const char *folder, const char *id, const char *name,
			uint64_t *ret_size)
{
	_cleanup_close_ int dir = fs_open(d->root_fd, folder, O_PATH | O_DIRECTORY, 0);
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (dir < 0)
		return dir;
	if (id) {
		int sub = openat(dir, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (sub < 0)
			return -errno;
		close(dir);
		dir = sub;
	}
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	*ret_size = (uint64_t)st.st_size;
	return TAKE_FD(fd);
}

static int open_initramfs(struct daemon *d, const char *id, uint64_t *ret_size)
{
	_cleanup_free_ char *name = NULL;

	if (asprintf(&name, "%s.img", id) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	return open_beneath(d, IMAGE_INITRAMFS, NULL, name, ret_size);
}

/* Answers with the file, or the part of it that is asked for; takes the descriptor over. */
static void serve(const struct http_request *q, int fd, uint64_t size, struct http_answer *a)
{
	struct range_bytes part = { 0, size };
	int r = 0;

	if (fd < 0) {
		a->status = 404;
		return;
	}
	if (q->range && q->method == HTTP_GET)
		r = range_bytes(q->range, size, &part);
	a->total = size;
	if (r == -ERANGE) {
		close(fd);
		a->status = 416;
		return;
	}
	a->status = r > 0 ? 206 : 200;
	a->type = "application/octet-stream";
	a->fd = fd;
	a->offset = part.first;
	a->len = part.len;
}

void files_kernel(struct daemon *d, const struct http_request *q, const char *id, struct http_answer *a)
{
	uint64_t size = 0;
	int fd = open_beneath(d, IMAGE_ROOTS, id, "vmlinuz", &size);

	serve(q, fd, size, a);
}

void files_root(struct daemon *d, const struct http_request *q, const char *id, struct http_answer *a)
{
	uint64_t size = 0;
	int fd = open_beneath(d, IMAGE_ROOTS, id, "root.squashfs", &size);

	serve(q, fd, size, a);
}

void files_initramfs(struct daemon *d, const struct http_request *q, const char *id, struct http_answer *a)
{
	uint64_t size = 0;
	int fd = open_initramfs(d, id, &size);

	serve(q, fd, size, a);
}

int files_size_of_root(struct daemon *d, const char *id, const char *kind, uint64_t *ret)
{
	_cleanup_close_ int fd = open_beneath(d, IMAGE_ROOTS, id, kind, ret);

	return MIN(fd, 0);
}

int files_size_of_initramfs(struct daemon *d, const char *id, uint64_t *ret)
{
	_cleanup_close_ int fd = open_initramfs(d, id, ret);

	return MIN(fd, 0);
}

int files_sum_of_root(struct daemon *d, const char *id, char ret[HASH_TEXT], uint64_t *ret_size)
{
	const struct image_env env = { .root_fd = d->root_fd };
	_cleanup_(image_generation_freep) struct image_generation *g = NULL;
	int r = image_root_facts(&env, id, &g);

	if (r < 0)
		return r;
	if (strlen(g->sha256) != HASH_TEXT - 1 || strspn(g->sha256, "0123456789abcdef") != HASH_TEXT - 1 ||
	    g->root_bytes == 0 || g->root_bytes > INT64_MAX)
		return -ENOENT;
	memcpy(ret, g->sha256, HASH_TEXT);
	*ret_size = g->root_bytes;
	return 0;
}

static int open_memtest(struct daemon *d, bool efi, uint64_t *ret_size)
{
	return open_beneath(d, "/boot", NULL, efi ? "memtest86+x64.efi" : "memtest86+x64.bin", ret_size);
}

void files_memtest(struct daemon *d, const struct http_request *q, bool efi, struct http_answer *a)
{
	uint64_t size = 0;
	int fd = open_memtest(d, efi, &size);

	serve(q, fd, size, a);
}

bool files_has_memtest(struct daemon *d, bool efi)
{
	uint64_t size;
	_cleanup_close_ int fd = open_memtest(d, efi, &size);

	return fd >= 0;
}
