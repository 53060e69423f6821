/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's SHA-256, by the examples of the standard. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sha256.h"

/* In pieces of this size. */
static void assert_sum(const char *data, size_t len, size_t piece, const char *expected)
{
	struct sha256 s;
	char text[SHA256_TEXT];

	sha256_begin(&s);
	for (size_t i = 0; i < len; i += piece)
		sha256_add(&s, data + i, MIN(piece, len - i));
	sha256_end(&s, text);
	assert_string_equal(text, expected);
}

/* From NIST's examples for FIPS 180-4, and its million times "a". */
static void the_standards_examples_come_out(void **state)
{
	char *million = malloc(1000000);

	assert_non_null(million);
	memset(million, 'a', 1000000);
	assert_sum("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_sum("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_sum("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 56,
		   "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	assert_sum(million, 1000000, 1000000,
		   "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	assert_sum(million, 1000000, 999, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

/* Around the ends of blocks, in pieces of each size. */
static void pieces_make_no_difference(void **state)
{
	char data[200];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	for (size_t len = 0; len <= sizeof(data); len++) {
		struct sha256 s;
		char whole[SHA256_TEXT];

		sha256_begin(&s);
		sha256_add(&s, data, len);
		sha256_end(&s, whole);
		for (size_t piece = 1; piece <= 130; piece += 3)
			assert_sum(data, len, piece, whole);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_standards_examples_come_out),
		cmocka_unit_test(pieces_make_no_difference),
	};

	return cmocka_run_group_tests_name("agent-sha256", tests, NULL, NULL);
}
