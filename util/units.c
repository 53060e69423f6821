/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/units.h"

#include <stdio.h>

#include "util/macro.h"

const char *units_duration(int64_t ms, char buf[UNITS_TEXT])
{
	long long s = ms > 0 ? ms / 1000 : 0;

	if (s < 60)
		snprintf(buf, UNITS_TEXT, "%lld s", s);
	else if (s < 3600)
		snprintf(buf, UNITS_TEXT, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, UNITS_TEXT, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, UNITS_TEXT, "%lldd%02lldh", s / 86400, s / 3600 % 24);
	return buf;
}

const char *units_seconds(int64_t ms, char buf[UNITS_TEXT])
{
	if (ms >= 99950)
		return units_duration(ms, buf);
	snprintf(buf, UNITS_TEXT, "%.1f s", (double)MAX(ms, 0) / 1000);
	return buf;
}

const char *units_bytes(unsigned long long bytes, char buf[UNITS_TEXT])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	double n = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(buf, UNITS_TEXT, "%llu B", bytes);
		return buf;
	}
	/* What would be rounded to "1024.0" is one of the next unit. */
	for (; n >= 1023.95 && unit < ARRAY_SIZE(units) - 1; unit++)
		n /= 1024;
	snprintf(buf, UNITS_TEXT, "%.1f %s", n, units[unit]);
	return buf;
}
