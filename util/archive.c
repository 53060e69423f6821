/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/archive.h"

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

/* ---- reading ---------------------------------------------------------------------------------------------- */

struct archive_in {
	struct archive *archive;
};

int archive_in_open(int fd, struct archive_in **ret)
{
	struct archive_in *a = calloc(1, sizeof(*a));
	int r = 0;

	if (!a)
		return -ENOMEM;
	a->archive = archive_read_new();
	if (!a->archive) {
		free(a);
		return -ENOMEM;
	}
	/* Filters that need another program come with a warning. */
	if (archive_read_support_filter_all(a->archive) < ARCHIVE_WARN ||
	    archive_read_support_format_tar(a->archive) != ARCHIVE_OK ||
	    archive_read_support_format_cpio(a->archive) != ARCHIVE_OK ||
	    archive_read_support_format_zip(a->archive) != ARCHIVE_OK ||
	    archive_read_open_fd(a->archive, fd, 262144) != ARCHIVE_OK)
		r = failure(a->archive);
	if (r < 0) {
		archive_in_close(a);
		return r;
	}
	*ret = a;
	return 0;
}

void archive_in_close(struct archive_in *a)
{
	if (!a)
		return;
	archive_read_free(a->archive);
	free(a);
}

static enum archive_type type_of(struct archive_entry *e)
{
	if (archive_entry_hardlink(e))
		return ARCHIVE_HARDLINK;
	switch (archive_entry_filetype(e)) {
	case AE_IFREG:
		return ARCHIVE_FILE;
	case AE_IFDIR:
		return ARCHIVE_DIR;
	case AE_IFLNK:
		return ARCHIVE_SYMLINK;
	default:
		return ARCHIVE_OTHER;
	}
}

int archive_in_next(struct archive_in *a, struct archive_item *ret)
{
	struct archive_entry *e;
	const char *path;
	int r = archive_read_next_header(a->archive, &e);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_WARN)
		return failure(a->archive);
	/* In a locale without UTF-8 a name of other than ASCII has no other form. */
	path = archive_entry_pathname(e);
	if (!path)
		path = archive_entry_pathname_utf8(e);
	if (!path)
		return failure(a->archive);
	*ret = (struct archive_item){
		.path = path,
		.type = type_of(e),
		.mode = archive_entry_perm(e),
		.uid = archive_entry_uid(e),
		.gid = archive_entry_gid(e),
		.mtime = archive_entry_mtime(e),
	};
	ret->target = ret->type == ARCHIVE_HARDLINK  ? archive_entry_hardlink(e)
		      : ret->type == ARCHIVE_SYMLINK ? archive_entry_symlink(e)
						     : NULL;
	return 1;
}

int archive_in_read(struct archive_in *a, void *data, size_t size, size_t *ret_n)
{
	la_ssize_t n = archive_read_data(a->archive, data, size);

	if (n < 0)
		return failure(a->archive);
	*ret_n = (size_t)n;
	return 0;
}

int64_t archive_in_position(const struct archive_in *a)
{
	return archive_filter_bytes(a->archive, -1);
}
