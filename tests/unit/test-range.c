/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backend/plan/range.h"
#include "util/strbuf.h"

/* The names with spaces between; or "!" and why not. */
static char *expand(const char *expression)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *why = NULL;
	struct strbuf b = STRBUF_INIT;
	int r = range_expand(expression, &names, &why);
	char *text;

	if (r < 0) {
		assert_int_equal(r, -EINVAL);
		assert_non_null(why);
		assert_int_equal(names.n, 0);
		strbuf_addf(&b, "!%s", why);
	}
	for (size_t i = 0; i < names.n; i++)
		strbuf_addf(&b, "%s%s", i ? " " : "", names.v[i]);
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}

static void expressions_mean_their_names(void **state)
{
	static const char *const cases[][2] = {
		{ "node01", "node01" },
		{ "node[01-03]", "node01 node02 node03" },
		{ "node[01-03,20],login1", "node01 node02 node03 node20 login1" },
		{ "node[8-11]", "node8 node9 node10 node11" },
		{ "node[08-11]", "node08 node09 node10 node11" },
		{ "node[098-101]", "node098 node099 node100 node101" },
		{ "node[5]", "node5" },
		{ "node[0-6/2]", "node0 node2 node4 node6" },
		{ "r[1-2]n[1-2]", "r1n1 r1n2 r2n1 r2n2" },
		{ "n[1-2]-ib", "n1-ib n2-ib" },
		{ "[1-2]", "1 2" },
		{ "b,a,b,a", "b a" },
		{ "node[3,1-3]", "node3 node1 node2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = expand(cases[i][0]);

		assert_string_equal(text, cases[i][1]);
	}
}

static void wrong_expressions_are_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "a name is missing" },
		{ "a,", "a name is missing" },
		{ ",a", "a name is missing" },
		{ "a,,b", "a name is missing" },
		{ "node[", "closing bracket is missing" },
		{ "node[01-03", "closing bracket is missing" },
		{ "node]", "brackets do not match" },
		{ "node[[1]]", "brackets do not match" },
		{ "node[]", "a number is missing" },
		{ "node[1-]", "a number is missing" },
		{ "node[-3]", "a number is missing" },
		{ "node[1,]", "a number is missing" },
		{ "node[a-b]", "a number is missing" },
		{ "node[1 3]", "has no meaning within brackets" },
		{ "node[3-1]", "runs backwards" },
		{ "node[1-3/0]", "steps of 0" },
		{ "node[1-1000000]", "more than 100000 names" },
		{ "n[1-400]m[1-400]", "more than 100000 names" },
		{ "n[0-4294967295]", "is too long" },
		{ "node 1", "no part of a node's name" },
		{ "node;reboot", "no part of a node's name" },
		{ "$(id)", "no part of a node's name" },
		{ "n\xc3\xbc", "no part of a node's name" },
		{ "a/b", "no part of a node's name" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = expand(cases[i][0]);

		if (text[0] != '!' || !strstr(text, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], text);
	}
}

static void a_list_grows_by_what_is_new(void **state)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *why = NULL;

	assert_int_equal(range_expand("a[1-2]", &names, &why), 0);
	assert_int_equal(range_expand("a[2-3]", &names, &why), 0);
	assert_int_equal(names.n, 3);
	assert_string_equal(names.v[2], "a3");
	assert_int_equal(range_expand("a[", &names, &why), -EINVAL);
	assert_int_equal(names.n, 3);
}

static void names_fold_to_the_shortest(void **state)
{
	static const char *const cases[][2] = {
		{ "node[01-16]", "node[01-16]" },
		{ "node[1-16]", "node[1-16]" },
		{ "node[10-12]", "node[10-12]" },
		{ "node[01-03,20],login1", "login1,node[01-03,20]" },
		{ "node7", "node7" },
		{ "alpha,beta", "alpha,beta" },
		{ "node[3,1,2]", "node[1-3]" },
		{ "node[1-2],node[01-02]", "node[1-2],node[01-02]" },
		{ "node[098-101]", "node[098-101]" },
		{ "n[1-3]-ib,n[1-3]", "n[1-3],n[1-3]-ib" },
		{ "r1n[1-2],r2n[1-2]", "r1n[1-2],r2n[1-2]" },
		{ "a0,a00,a000", "a0,a00,a000" },
		{ "x12345678901", "x12345678901" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strv_ struct strv names = STRV_INIT, again = STRV_INIT;
		_cleanup_free_ char *why = NULL, *folded = NULL;

		assert_int_equal(range_expand(cases[i][0], &names, &why), 0);
		assert_int_equal(range_fold(&names, &folded), 0);
		assert_string_equal(folded, cases[i][1]);
		assert_int_equal(range_expand(folded, &again, &why), 0);
		assert_int_equal(names.n, again.n);
		for (size_t k = 0; k < names.n; k++)
			assert_true(strv_has(&again, names.v[k]));
	}
}

static void nothing_folds_to_nothing(void **state)
{
	const struct strv none = STRV_INIT;
	_cleanup_free_ char *folded = NULL;

	assert_int_equal(range_fold(&none, &folded), 0);
	assert_string_equal(folded, "");
}

static void a_hundred_thousand_names_fold(void **state)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	_cleanup_free_ char *why = NULL, *folded = NULL;

	assert_int_equal(range_expand("n[000001-100000]", &names, &why), 0);
	assert_int_equal(names.n, 100000);
	assert_int_equal(range_fold(&names, &folded), 0);
	assert_string_equal(folded, "n[000001-100000]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expressions_mean_their_names),
		cmocka_unit_test(wrong_expressions_are_refused),
		cmocka_unit_test(a_list_grows_by_what_is_new),
		cmocka_unit_test(names_fold_to_the_shortest),
		cmocka_unit_test(nothing_folds_to_nothing),
		cmocka_unit_test(a_hundred_thousand_names_fold),
	};

	return cmocka_run_group_tests_name("range", tests, NULL, NULL);
}
