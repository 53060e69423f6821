/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What all parts of the agent use: growing text, small files, time, the log and reasons.
 * The agent depends on libc alone and runs on Linux 2.6.20 and later, so nothing newer is called without a
 * fallback.
 *
 * Paths: functions that read the system take "at", a descriptor of the root folder, and paths without a leading
 * slash. So a test gives them a folder of its own.
 */
#pragma once

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define _must_check_ __attribute__((warn_unused_result))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _cleanup_(fn) __attribute__((cleanup(fn)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_closedir_ _cleanup_(closedirp)

/* Growing text, always ended by a NUL. Zero it to start. When memory runs out, failed is set and stays. */
struct text {
	char *s;
	size_t len, size;
	bool failed;
};
void text_add(struct text *t, const void *data, size_t len);
void text_addf(struct text *t, const char *fmt, ...) _printf_(2, 3);
void text_free(struct text *t);
#define _cleanup_text_ _cleanup_(text_free)

/*
 * Why something failed, as one sentence for a person. fail_with() replaces *reason (owned; reason may be NULL) by the
 * formatted text and returns r, so that "return fail_with(reason, -EIO, ...)" is the whole of an error path.
 */
int fail_with(char **reason, int r, const char *fmt, ...) _printf_(3, 4);

/* Reads a whole file of at most max bytes, a NUL added; *ret is owned. -EFBIG when it is larger. */
int file_read(int at, const char *path, size_t max, char **ret, size_t *ret_len) _must_check_;
/* The first line of a file without its newline, of at most 4095 bytes. */
int file_read_line(int at, const char *path, char **ret) _must_check_;
/* In one write, without a newline: the kernel takes each write as a value. Flags for open(2), such as O_CREAT. */
int file_write_value(int at, const char *path, const char *text, int flags) _must_check_;
/* Writes it all, whatever write(2) takes at a time. */
int write_all(int fd, const void *data, size_t len) _must_check_;

/* Decimal digits only, at most max. */
int parse_number(const char *s, unsigned long long max, unsigned long long *ret) _must_check_;

/* Milliseconds since the kernel's start. */
long long now_ms(void);

/* Into the kernel's log, where the console shows it and a failure's report quotes it; to standard error where there
 * is no /dev/kmsg. log_open() once, after /dev is there. */
void log_open(bool to_kernel);
void log_line(const char *fmt, ...) _printf_(1, 2);
