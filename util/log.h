/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages for whoever looks after the program. They go to standard error, as a daemon's do. Where a front end
 * shows events instead (backend/muster.h), its context takes errors and warnings over as such.
 */
#pragma once

#include <stdint.h>

#include "util/macro.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

void log_set_level(enum log_level level);
/* From now on errors and warnings of this thread go to fn in place of standard error; fn NULL: as before. */
void log_set_sink(void (*fn)(void *data, enum log_level level, const char *text), void *data);
/* The data of the present sink of this thread; NULL for none. */
void *log_sink_data(void);
/* At most `burst` lines at once, and one more each `period_ms`: so that whoever causes lines cannot fill a disk. When there is
 * room again, a line says how many were left out. Before any other thread writes. */
void log_set_rate(int64_t period_ms, int64_t burst);
unsigned long long log_left_out(void);
void log_write(enum log_level level, const char *fmt, ...) _printf_(2, 3);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
