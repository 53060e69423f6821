/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/text.h"

static void characters_are_encoded_as_they_are_decoded(void **state)
{
	static const uint32_t cases[] = { 'a', 0x7f, 0x80, 0x7ff, 0x800, 0x25cf, 0xfffd, 0x10000, 0x10ffff };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
		uint32_t c = 0;

		text_encode(&b, cases[i]);
		assert_int_equal(text_decode(b.data, &c), b.len);
		assert_int_equal(c, cases[i]);
	}
}

static void the_end_of_a_text_is_no_character(void **state)
{
	uint32_t c = 7;

	assert_int_equal(text_decode("", &c), 0);
	assert_int_equal(text_decode("\xe2\x82", &c), 0);
	assert_int_equal(c, 7);
}

static void the_way_back_ends_where_characters_begin(void **state)
{
	static const char text[] = "a\xe6\xbc\xa2\xbc"; /* a, a wide character, a stray byte */
	const char *p = text + strlen(text);

	p = text_before(true, text, p);
	assert_ptr_equal(p, text + 4);
	p = text_before(true, text, p);
	assert_ptr_equal(p, text + 1);
	assert_ptr_equal(text_before(false, text, text + 4), text + 3);
	p = text_before(true, text, p);
	assert_ptr_equal(p, text);
	assert_ptr_equal(text_before(true, text, p), text);
}

/* The lines, joined by bars. */
static void assert_wrapped(const char *text, int columns, const char *want)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int n = 0;

	for (const char *p = text, *next; p; p = next, n++) {
		if (n)
			strbuf_addc(&b, '|');
		strbuf_add(&b, p, text_wrap(true, p, columns, &next));
	}
	assert_string_equal(b.data, want);
	assert_int_equal(text_wrapped(true, text, columns), n);
}

static void lines_break_at_blanks(void **state)
{
	assert_wrapped("", 10, "");
	assert_wrapped("one two three", 80, "one two three");
	assert_wrapped("one two three", 7, "one two|three");
	assert_wrapped("one two three", 6, "one|two|three");
	assert_wrapped("one\n\ntwo", 6, "one||two");
	assert_wrapped("one\n", 6, "one|");
}

static void a_word_that_is_too_long_is_broken(void **state)
{
	assert_wrapped("abcdefgh ij", 3, "abc|def|gh|ij");
	assert_wrapped("漢字漢", 4, "漢字|漢");
	assert_wrapped("漢字", 1, "漢|字");
}

static void chinese_breaks_between_its_characters(void **state)
{
	assert_wrapped("根模式 ram，或以其他核心開機", 16, "根模式 ram，或以|其他核心開機");
	assert_wrapped("在 muster 中", 9, "在 muster|中");
}

static void no_line_begins_with_a_mark_that_closes(void **state)
{
	assert_wrapped("清單會變更。", 10, "清單會變|更。");
	assert_wrapped("核心（在此）", 6, "核心|（在|此）");
	assert_wrapped("按 `q`後。", 6, "按 `q`|後。");
	/* Where there is no other way, it does. */
	assert_wrapped("。。。", 4, "。。|。");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_are_encoded_as_they_are_decoded),
		cmocka_unit_test(the_end_of_a_text_is_no_character),
		cmocka_unit_test(the_way_back_ends_where_characters_begin),
		cmocka_unit_test(lines_break_at_blanks),
		cmocka_unit_test(a_word_that_is_too_long_is_broken),
		cmocka_unit_test(chinese_breaks_between_its_characters),
		cmocka_unit_test(no_line_begins_with_a_mark_that_closes),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
