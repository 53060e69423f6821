/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/common.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* -1: standard error. The terminal's state, so to say: where lines for people go. */
static int log_fd = -1;

static bool text_grow(struct text *t, size_t more)
{
	size_t size = t->size;
	char *s;

	if (t->failed)
		return false;
	if (t->len + more + 1 <= t->size)
		return true;
	while (size < t->len + more + 1)
		size = size ? size * 2 : 256;
	s = realloc(t->s, size);
	if (!s) {
		t->failed = true;
		return false;
	}
	t->s = s;
	t->size = size;
	return true;
}

void text_add(struct text *t, const void *data, size_t len)
{
	if (!text_grow(t, len))
		return;
	if (len > 0)
		memcpy(t->s + t->len, data, len);
	t->len += len;
	t->s[t->len] = '\0';
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !text_grow(t, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(t->s + t->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	t->len += (size_t)n;
}

void text_free(struct text *t)
{
	free(t->s);
	*t = (struct text){ 0 };
}

int fail_with(char **reason, int r, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	if (!reason)
		return r;
	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	free(*reason);
	*reason = s;
	return r;
}

int file_read(int at, const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_close_ int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
	_cleanup_text_ struct text t = { 0 };
	char buf[4096];
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (t.len + (size_t)n > max)
			return -EFBIG;
		text_add(&t, buf, (size_t)n);
	}
	text_add(&t, "", 0);
	if (t.failed)
		return -ENOMEM;
	*ret = t.s;
	if (ret_len)
		*ret_len = t.len;
	t.s = NULL;
	return 0;
}

int file_read_line(int at, const char *path, char **ret)
{
	_cleanup_close_ int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
	char buf[4096], *s;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	s = strdup(buf);
	if (!s)
		return -ENOMEM;
	*ret = s;
	return 0;
}

int file_write_value(int at, const char *path, const char *text, int flags)
{
	_cleanup_close_ int fd = openat(at, path, O_WRONLY | O_TRUNC | O_CLOEXEC | flags, 0644);

	if (fd < 0)
		return -errno;
	return write_all(fd, text, strlen(text));
}

int write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int parse_number(const char *s, unsigned long long max, unsigned long long *ret)
{
	unsigned long long n = 0;

	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		unsigned digit = (unsigned)(*s - '0');

		if (*s < '0' || *s > '9')
			return -EINVAL;
		if (n > (max - MIN(digit, max)) / 10)
			return -ERANGE;
		n = n * 10 + digit;
	}
	*ret = n;
	return 0;
}

long long now_ms(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (long long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void log_open(bool to_kernel)
{
	if (to_kernel && log_fd < 0)
		log_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
}

void log_line(const char *fmt, ...)
{
	_cleanup_text_ struct text t = { 0 };
	_cleanup_free_ char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	/* One write a line: the kernel takes each write as one message. 5 is KERN_NOTICE (syslog(2)). */
	text_addf(&t, "%smuster: %s\n", log_fd >= 0 ? "<5>" : "", s ? s : "out of memory");
	if (!t.failed && write_all(log_fd >= 0 ? log_fd : STDERR_FILENO, t.s, t.len) < 0)
		return;
}
