/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mode, owner, extended attributes and time of change: what an undo puts back besides the bytes. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/apply/step.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/strbuf.h"

void attributes_free(struct attributes *a)
{
	xattrs_free(&a->xattrs);
	*a = (struct attributes){ 0 };
}

static int open_at(int root_fd, const char *path, bool directory)
{
	/* The "." makes a link to a folder be followed. */
	_cleanup_free_ char *inside = directory ? fs_join(path, ".") : strdup(path);

	return inside ? fs_open(root_fd, inside, O_RDONLY | O_NONBLOCK | (directory ? O_DIRECTORY : 0), 0)
		      : -ENOMEM;
}

int attributes_read(int root_fd, const char *path, bool directory, struct xattrs *ret)
{
	_cleanup_close_ int fd = open_at(root_fd, path, directory);

	return fd < 0 ? fd : xattrs_read(fd, ret);
}

/* ---- as JSON: values may be any bytes, and are in hexadecimal -------------------------------------------------- */

static json_t *xattrs_save(const struct xattrs *x)
{
	json_t *object = json_object();

	for (size_t i = 0; object && i < x->n; i++) {
		_cleanup_strbuf_ struct strbuf hex = STRBUF_INIT;

		for (size_t k = 0; k < x->v[i].len; k++)
			strbuf_addf(&hex, "%02x", ((const unsigned char *)x->v[i].value)[k]);
		if (hex.failed ||
		    json_object_set_new(object, x->v[i].name, json_string(hex.data ? hex.data : "")) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, c) : NULL;

	return p ? (int)(p - digits) : -1;
}

static int add_hex(struct xattrs *x, const char *name, const char *hex)
{
	size_t len = strlen(hex) / 2;
	_cleanup_free_ char *value = malloc(len + 1);

	if (!value)
		return -ENOMEM;
	if (strlen(hex) % 2)
		return -MUSTER_E_FORMAT;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -MUSTER_E_FORMAT;
		value[i] = (char)(high << 4 | low);
	}
	return xattrs_add(x, name, value, len);
}

static int xattrs_load(const json_t *object, struct xattrs *ret)
{
	const char *name;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		r = json_is_string(value) ? add_hex(ret, name, json_string_value(value)) : -MUSTER_E_FORMAT;
		if (r < 0)
			break;
	}
	return r;
}

json_t *attributes_save(const struct present *p)
{
	char hash[HASH_TEXT];
	json_t *old, *xattrs;

	if (!p->exists)
		return json_pack("{s:b}", "exists", 0);
	old = json_pack("{s:b, s:i, s:I, s:I, s:[I,I]}", "exists", 1, "mode", (int)(p->st.st_mode & 07777),
			"uid", (json_int_t)p->st.st_uid, "gid", (json_int_t)p->st.st_gid, "mtime",
			(json_int_t)p->st.st_mtim.tv_sec, (json_int_t)p->st.st_mtim.tv_nsec);
	xattrs = xattrs_save(&p->xattrs);
	if (!old || !xattrs || json_object_set_new(old, "xattrs", xattrs) < 0) {
		json_decref(old);
		return NULL;
	}
	if (p->data) {
		hash_text(p->data, p->len, hash);
		if (json_object_set_new(old, "sha256", json_string(hash)) < 0) {
			json_decref(old);
			return NULL;
		}
	}
	return old;
}

int attributes_load(const json_t *old, struct attributes *ret)
{
	const json_t *xattrs = json_object_get(old, "xattrs"), *mtime = json_object_get(old, "mtime");
	int r = xattrs ? xattrs_load(xattrs, &ret->xattrs) : 0;

	if (r < 0)
		return r;
	ret->mtime = (struct timespec){ .tv_sec = json_integer_value(json_array_get(mtime, 0)),
					.tv_nsec = json_integer_value(json_array_get(mtime, 1)) };
	ret->attr = (struct fs_attr){
		.mode = (mode_t)json_integer_value(json_object_get(old, "mode")),
		.uid = (uid_t)json_integer_value(json_object_get(old, "uid")),
		.gid = (gid_t)json_integer_value(json_object_get(old, "gid")),
		.xattrs = xattrs ? &ret->xattrs : NULL,
		.mtime = mtime ? &ret->mtime : NULL,
	};
	return 0;
}

int attributes_set(int root_fd, const char *path, bool directory, const struct fs_attr *attr)
{
	_cleanup_close_ int fd = open_at(root_fd, path, directory);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* Ownership first: changing it takes the set-id bits and capabilities away. */
	if ((st.st_uid != attr->uid || st.st_gid != attr->gid) && fchown(fd, attr->uid, attr->gid) < 0)
		return -errno;
	if (attr->xattrs)
		r = xattrs_write(fd, attr->xattrs);
	/* Both may have changed the mode. What is right already is left alone: it may lie on a file system that is read-only. */
	if (r == 0 && fstat(fd, &st) < 0)
		r = -errno;
	if (r < 0)
		return r;
	if ((st.st_mode & 07777) != attr->mode && fchmod(fd, attr->mode) < 0)
		return -errno;
	/* A folder's time goes on with what is done in it. */
	if (!directory && attr->mtime &&
	    (st.st_mtim.tv_sec != attr->mtime->tv_sec || st.st_mtim.tv_nsec != attr->mtime->tv_nsec) &&
	    futimens(fd, (const struct timespec[]){ { .tv_nsec = UTIME_OMIT }, *attr->mtime }) < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}
