/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/log.h"

#include <stdarg.h>

static enum log_level max_level = LOG_LEVEL_WARNING;
static _Thread_local struct {
	void (*fn)(void *data, enum log_level level, const char *text);
	void *data;
} sink;

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_set_sink(void (*fn)(void *data, enum log_level level, const char *text), void *data)
{
	sink.fn = fn;
	sink.data = fn ? data : NULL;
}

void *log_sink_data(void)
{
	return sink.data;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	/* The prefixes of sd-daemon(3): a journal reads the level off them. */
	static const char *const prefix[] = {
		[LOG_LEVEL_ERROR] = "<3>",
		[LOG_LEVEL_WARNING] = "<4>",
		[LOG_LEVEL_INFO] = "<6>",
		[LOG_LEVEL_DEBUG] = "<7>",
	};
	_cleanup_free_ char *line = NULL;
	va_list ap;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	if (line && sink.fn && level <= LOG_LEVEL_WARNING)
		sink.fn(sink.data, level, line);
	else if (line)
		fprintf(stderr, "%s%s\n", getenv("JOURNAL_STREAM") ? prefix[level] : "", line);
}
