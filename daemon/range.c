/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/range.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Reads digits at *s and moves it behind them; false where there are none, or too many for a number. */
static bool digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (UINT64_MAX - 9) / 10)
			return false;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (p == *s)
		return false;
	*s = p;
	*ret = n;
	return true;
}

int range_bytes(const char *value, uint64_t size, struct range_bytes *ret)
{
	static const char unit[] = "bytes=";
	uint64_t first, last = UINT64_MAX;

	if (strncasecmp(value, unit, sizeof(unit) - 1) != 0)
		return 0;
	value += sizeof(unit) - 1;
	if (*value == '-') { /* the last so many bytes */
		value++;
		if (!digits(&value, &last) || *value)
			return 0;
		if (last == 0 || size == 0)
			return -ERANGE;
		*ret = (struct range_bytes){ size - MIN(last, size), MIN(last, size) };
		return 1;
	}
	if (!digits(&value, &first) || *value++ != '-')
		return 0;
	if (*value && !digits(&value, &last))
		return 0;
	if (*value || last < first)
		return 0;
	if (first >= size)
		return -ERANGE;
	*ret = (struct range_bytes){ first, MIN(last, size - 1) - first + 1 };
	return 1;
}
