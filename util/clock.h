/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

int64_t clock_wall_ms(void); /* since the epoch, UTC */
int64_t clock_mono_ms(void); /* steady; for timeouts and durations */
