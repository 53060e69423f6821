/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>

#include "util/clock.h"

static enum log_level max_level = LOG_LEVEL_WARNING;
static _Thread_local struct {
	void (*fn)(void *data, enum log_level level, const char *text);
	void *data;
} sink;

void log_set_level(enum log_level level)
{
	max_level = level;
}

static struct {
	pthread_mutex_t lock;
	int64_t period, burst; /* period 0: no limit */
	int64_t due;	       /* when the account is empty again */
	unsigned long long left_out, untold;
} rate = { .lock = PTHREAD_MUTEX_INITIALIZER };

void log_set_rate(int64_t period_ms, int64_t burst)
{
	rate.period = period_ms;
	rate.burst = burst;
	rate.due = 0;
}

unsigned long long log_left_out(void)
{
	unsigned long long n;

	pthread_mutex_lock(&rate.lock);
	n = rate.left_out;
	pthread_mutex_unlock(&rate.lock);
	return n;
}

/* Whether one more line is within the rate; *ret_untold: how many were not that nobody has been told of. */
static bool may_write(unsigned long long *ret_untold)
{
	bool may = true;

	*ret_untold = 0;
	if (rate.period == 0)
		return true;
	pthread_mutex_lock(&rate.lock);
	rate.due = MAX(rate.due, clock_mono_ms());
	may = rate.due - clock_mono_ms() <= (rate.burst - 1) * rate.period;
	if (may) {
		rate.due += rate.period;
		*ret_untold = rate.untold;
		rate.untold = 0;
	} else {
		rate.left_out++;
		rate.untold++;
	}
	pthread_mutex_unlock(&rate.lock);
	return may;
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
	unsigned long long untold;
	va_list ap;

	if (level > max_level)
		return;
	if (!may_write(&untold))
		return;
	if (untold > 0)
		fprintf(stderr, "%s%llu lines were left out here\n",
			getenv("JOURNAL_STREAM") ? prefix[LOG_LEVEL_WARNING] : "", untold);
	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = NULL;
	va_end(ap);
	if (line && sink.fn && level <= LOG_LEVEL_WARNING)
		sink.fn(sink.data, level, line);
	else if (line)
		fprintf(stderr, "%s%s\n", getenv("JOURNAL_STREAM") ? prefix[level] : "", line);
}
