/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/image/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "util/error.h"
#include "util/i18n.h"
#include "util/log.h"
#include "util/strbuf.h"

#define ARCHIVE_PAD 512

struct archive_out {
	struct archive *archive;
	struct strbuf data;
	int64_t inode;
	int error;
};

static la_ssize_t take_block(struct archive *archive, void *data, const void *block, size_t len)
{
	struct strbuf *b = data;

	strbuf_add(b, block, len);
	if (!b->failed)
		return (la_ssize_t)len;
	archive_set_error(archive, ENOMEM, "out of memory");
	return -1;
}

/* zstd's level 19 would save a tenth of the bytes, and cost twenty seconds for a kernel with every driver. */
static int set_form(struct archive *a, enum archive_compression compression)
{
	int r = archive_write_set_format_cpio_newc(a);

	if (r == ARCHIVE_OK && compression == ARCHIVE_GZIP)
		r = archive_write_add_filter_gzip(a);
	if (r == ARCHIVE_OK && compression == ARCHIVE_ZSTD)
		r = archive_write_add_filter_zstd(a);
	if (r == ARCHIVE_OK && compression == ARCHIVE_GZIP)
		r = archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
	if (r == ARCHIVE_OK && compression == ARCHIVE_GZIP)
		r = archive_write_set_filter_option(a, "gzip", "compression-level", "9");
	if (r == ARCHIVE_OK && compression == ARCHIVE_ZSTD)
		r = archive_write_set_filter_option(a, "zstd", "compression-level", "9");
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_in_last_block(a, 1);
	return r;
}

static int failure(struct archive *a)
{
	int e = archive_errno(a);

	if (e == ENOMEM)
		return -ENOMEM;
	log_error(_("libarchive: %s"), archive_error_string(a) ? archive_error_string(a) : _("it failed"));
	return e > 0 && e < 1024 ? -e : -MUSTER_E_FORMAT;
}

int archive_new(enum archive_compression compression, struct archive_out **ret)
{
	_cleanup_(archive_dropp) struct archive_out *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->archive = archive_write_new();
	if (!a->archive)
		return -ENOMEM;
	if (set_form(a->archive, compression) != ARCHIVE_OK ||
	    archive_write_open(a->archive, &a->data, NULL, take_block, NULL) != ARCHIVE_OK)
		return failure(a->archive);
	*ret = TAKE_PTR(a);
	return 0;
}

void archive_drop(struct archive_out *a)
{
	if (!a)
		return;
	if (a->archive)
		archive_write_free(a->archive);
	strbuf_free(&a->data);
	free(a);
}

static struct archive_entry *entry(struct archive_out *a, const char *path, mode_t mode, unsigned int links)
{
	struct archive_entry *e = a->error ? NULL : archive_entry_new();

	if (!e) {
		if (!a->error)
			a->error = -ENOMEM;
		return NULL;
	}
	archive_entry_set_pathname(e, path);
	archive_entry_set_mode(e, (__LA_MODE_T)mode);
	archive_entry_set_nlink(e, links);
	archive_entry_set_uid(e, 0);
	archive_entry_set_gid(e, 0);
	archive_entry_set_mtime(e, 0, 0);
	archive_entry_set_ino64(e, ++a->inode);
	archive_entry_set_size(e, 0);
	return e;
}

static void put(struct archive_out *a, struct archive_entry *e, const void *data, size_t len)
{
	if (archive_write_header(a->archive, e) != ARCHIVE_OK ||
	    (len > 0 && archive_write_data(a->archive, data, len) != (la_ssize_t)len) ||
	    archive_write_finish_entry(a->archive) != ARCHIVE_OK)
		a->error = failure(a->archive);
	archive_entry_free(e);
}

void archive_add_dir(struct archive_out *a, const char *path, mode_t mode)
{
	struct archive_entry *e = entry(a, path, S_IFDIR | mode, 2);

	if (e)
		put(a, e, NULL, 0);
}

void archive_add_file(struct archive_out *a, const char *path, mode_t mode, const void *data, size_t len)
{
	struct archive_entry *e = entry(a, path, S_IFREG | mode, 1);

	if (!e)
		return;
	archive_entry_set_size(e, (la_int64_t)len);
	put(a, e, data, len);
}

void archive_add_link(struct archive_out *a, const char *path, const char *target)
{
	struct archive_entry *e = entry(a, path, S_IFLNK | 0777, 1);

	if (!e)
		return;
	archive_entry_set_symlink(e, target);
	put(a, e, NULL, 0);
}

void archive_add_device(struct archive_out *a, const char *path, mode_t mode, unsigned int major,
			unsigned int minor)
{
	struct archive_entry *e = entry(a, path, S_IFCHR | mode, 1);

	if (!e)
		return;
	archive_entry_set_rdevmajor(e, major);
	archive_entry_set_rdevminor(e, minor);
	put(a, e, NULL, 0);
}

int archive_finish(struct archive_out *out, char **ret, size_t *ret_len)
{
	static const char zeros[ARCHIVE_PAD];
	_cleanup_(archive_dropp) struct archive_out *a = out;

	if (!a->error && archive_write_close(a->archive) != ARCHIVE_OK)
		a->error = failure(a->archive);
	if (a->error)
		return a->error;
	if (a->data.len % ARCHIVE_PAD)
		strbuf_add(&a->data, zeros, ARCHIVE_PAD - a->data.len % ARCHIVE_PAD);
	return strbuf_take(&a->data, ret, ret_len);
}

static int read_all(struct archive *a, size_t max, struct strbuf *data)
{
	char block[65536];
	la_ssize_t n;

	while ((n = archive_read_data(a, block, sizeof(block))) > 0) {
		strbuf_add(data, block, (size_t)n);
		if (data->len > max)
			return -EFBIG;
	}
	return n < 0 ? failure(a) : 0;
}

int archive_read_compressed(int fd, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_strbuf_ struct strbuf data = STRBUF_INIT;
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	int r;

	if (!a)
		return -ENOMEM;
	if (archive_read_support_filter_all(a) < ARCHIVE_WARN ||
	    archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open_fd(a, fd, 65536) != ARCHIVE_OK || archive_read_next_header(a, &e) != ARCHIVE_OK)
		r = failure(a);
	else
		r = read_all(a, max, &data);
	archive_read_free(a);
	return r < 0 ? r : strbuf_take(&data, ret, ret_len);
}
