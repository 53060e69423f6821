/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Node ranges, "node[01-16,20]": what they mean is folded, and means the same then. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/plan/range.h"
#include "tests/fuzz/house.h"

FUZZ_TARGET(ranges)
{
	_cleanup_(strv_free) struct strv names = STRV_INIT, again = STRV_INIT;
	_cleanup_free_ char *text = fuzz_text(data, size), *why = NULL, *folded = NULL;
	int r;

	/* A name is expanded up to 100,000 times. */
	if (size > 200)
		return 0;
	r = range_expand(text, &names, &why);
	fuzz_need(r == 0 || r == -ENOMEM || (why && *why));
	if (r < 0)
		return 0;
	fuzz_need(names.n <= 100000);
	if (names.n > 300)
		return 0;
	fuzz_need(range_fold(&names, &folded) == 0);
	free(TAKE_PTR(why));
	if (names.n == 0)
		return 0;
	fuzz_need(range_expand(folded, &again, &why) == 0);
	fuzz_need(again.n == names.n);
	for (size_t i = 0; i < names.n; i++)
		fuzz_need(strv_has(&again, names.v[i]));
	return 0;
}
