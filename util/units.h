/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times and sizes as people read them. */
#pragma once

#include <stdint.h>

#define UNITS_TEXT 24

/* The largest two units: "8 s", "1m02s", "2h14m", "3d04h". Negative counts as 0. */
const char *units_duration(int64_t ms, char buf[UNITS_TEXT]);
/* With tenths below 100 s ("2.1 s"), else as above. */
const char *units_seconds(int64_t ms, char buf[UNITS_TEXT]);
/* "512 B", "94.0 MiB" */
const char *units_bytes(unsigned long long bytes, char buf[UNITS_TEXT]);

/* The same, in memory that lasts as long as the block around. */
#define DURATION(ms) units_duration((ms), (char[UNITS_TEXT]){ 0 })
#define SECONDS(ms) units_seconds((ms), (char[UNITS_TEXT]){ 0 })
#define BYTES(n) units_bytes((n), (char[UNITS_TEXT]){ 0 })
