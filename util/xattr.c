/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/xattr.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/xattr.h>

#define LABEL "security.selinux" /* a new file gets one by its place; it is changed, never taken away */

void xattrs_free(struct xattrs *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].name);
		free(x->v[i].value);
	}
	free(x->v);
	*x = (struct xattrs){ 0 };
}

int xattrs_add(struct xattrs *x, const char *name, const void *value, size_t len)
{
	struct xattr *v = reallocarray(x->v, x->n + 1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	x->v = v;
	v += x->n;
	v->name = strdup(name);
	v->value = malloc(len + 1);
	v->len = len;
	if (!v->name || !v->value) {
		free(v->name);
		free(v->value);
		return -ENOMEM;
	}
	if (len)
		memcpy(v->value, value, len);
	x->n++;
	return 0;
}

static bool knows_none(int error)
{
	return error == ENOTSUP || error == ENOSYS;
}

/* The names, one after the other with a NUL behind each; they may become more while they are read. */
static int read_names(int fd, char **ret, size_t *ret_len)
{
	for (;;) {
		ssize_t size = flistxattr(fd, NULL, 0), n;
		char *names;

		if (size <= 0) {
			*ret = NULL;
			*ret_len = 0;
			return size < 0 && !knows_none(errno) ? -errno : 0;
		}
		names = malloc((size_t)size);
		if (!names)
			return -ENOMEM;
		n = flistxattr(fd, names, (size_t)size);
		if (n >= 0) {
			*ret = names;
			*ret_len = (size_t)n;
			return 0;
		}
		free(names);
		if (errno != ERANGE)
			return -errno;
	}
}

/* -ENODATA: it has gone meanwhile, or is not for this user to see. */
static int read_one(int fd, const char *name, struct xattrs *ret)
{
	for (;;) {
		ssize_t size = fgetxattr(fd, name, NULL, 0), n;
		_cleanup_free_ char *value = NULL;

		if (size < 0)
			return -errno;
		value = malloc((size_t)size + 1);
		if (!value)
			return -ENOMEM;
		n = fgetxattr(fd, name, value, (size_t)size);
		if (n >= 0)
			return xattrs_add(ret, name, value, (size_t)n);
		if (errno != ERANGE)
			return -errno;
	}
}

int xattrs_read(int fd, struct xattrs *ret)
{
	_cleanup_free_ char *names = NULL;
	size_t len;
	int r = read_names(fd, &names, &len);

	for (const char *p = names; r == 0 && p && p < names + len; p += strlen(p) + 1) {
		r = read_one(fd, p, ret);
		if (r == -ENODATA || r == -EPERM || r == -EACCES)
			r = 0;
	}
	return r;
}

static const struct xattr *find(const struct xattrs *x, const char *name)
{
	for (size_t i = 0; i < x->n; i++)
		if (strcmp(x->v[i].name, name) == 0)
			return &x->v[i];
	return NULL;
}

static bool same(const struct xattr *a, const struct xattr *b)
{
	return a && b && a->len == b->len && memcmp(a->value, b->value, a->len) == 0;
}

int xattrs_write(int fd, const struct xattrs *x)
{
	_cleanup_xattrs_ struct xattrs now = { 0 };
	int r = xattrs_read(fd, &now);

	for (size_t i = 0; r == 0 && i < now.n; i++)
		if (!find(x, now.v[i].name) && strcmp(now.v[i].name, LABEL) != 0 &&
		    fremovexattr(fd, now.v[i].name) < 0 && errno != ENODATA)
			r = -errno;
	for (size_t i = 0; r == 0 && i < x->n; i++)
		if (!same(find(&now, x->v[i].name), &x->v[i]) &&
		    fsetxattr(fd, x->v[i].name, x->v[i].value, x->v[i].len, 0) < 0)
			r = -errno;
	return r;
}
