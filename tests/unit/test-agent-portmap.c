/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What old kernels hear in the place of rpcbind. */
#include "config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/portmap.h"

#define XID 0x12345678

/* A call without credentials, as bytes. */
static size_t call(uint32_t program, uint32_t version, uint32_t procedure, unsigned char request[40])
{
	const uint32_t words[10] = { XID, 0, 2, program, version, procedure };

	for (size_t i = 0; i < 10; i++) {
		uint32_t n = htonl(words[i]);

		memcpy(request + 4 * i, &n, 4);
	}
	return 40;
}

/* The answer's words; how many. */
static size_t answer_to(uint32_t program, uint32_t version, uint32_t procedure, uint32_t words[9])
{
	unsigned char request[40], answer[PORTMAP_ANSWER_MAX];
	size_t len = portmap_answer(request, call(program, version, procedure, request), answer);

	assert_true(len >= 24 && len <= sizeof(answer) && len % 4 == 0);
	for (size_t i = 0; i < len / 4; i++) {
		memcpy(&words[i], answer + 4 * i, 4);
		words[i] = ntohl(words[i]);
	}
	assert_int_equal(words[0], XID);
	assert_int_equal(words[1], 1);
	for (size_t i = 2; i < 5; i++)
		assert_int_equal(words[i], 0);
	return len / 4;
}

static void setting_and_unsetting_are_granted(void **state)
{
	uint32_t w[9];

	for (uint32_t version = 2; version <= 4; version++)
		for (uint32_t procedure = 1; procedure <= 2; procedure++) {
			assert_int_equal(answer_to(100000, version, procedure, w), 7);
			assert_int_equal(w[5], 0);
			assert_int_equal(w[6], 1);
		}
	assert_int_equal(answer_to(100000, 2, 0, w), 6);
	assert_int_equal(w[5], 0);
}

static void there_is_no_port_to_be_had(void **state)
{
	uint32_t w[9];

	assert_int_equal(answer_to(100000, 2, 3, w), 7);
	assert_int_equal(w[6], 0);
}

static void other_questions_are_answered_with_what_there_is(void **state)
{
	uint32_t w[9];

	assert_int_equal(answer_to(100003, 4, 1, w), 6);
	assert_int_equal(w[5], 1);
	assert_int_equal(answer_to(100000, 9, 1, w), 8);
	assert_int_equal(w[5], 2);
	assert_int_equal(w[6], 2);
	assert_int_equal(w[7], 4);
	assert_int_equal(answer_to(100000, 2, 5, w), 6);
	assert_int_equal(w[5], 3);
}

static void what_is_no_call_has_no_answer(void **state)
{
	unsigned char request[40], answer[PORTMAP_ANSWER_MAX];

	call(100000, 2, 1, request);
	for (size_t len = 0; len < 24; len++)
		assert_int_equal(portmap_answer(request, len, answer), 0);
	request[7] = 1; /* a reply */
	assert_int_equal(portmap_answer(request, sizeof(request), answer), 0);
	call(100000, 2, 1, request);
	request[11] = 3; /* another RPC */
	assert_int_equal(portmap_answer(request, sizeof(request), answer), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_and_unsetting_are_granted),
		cmocka_unit_test(there_is_no_port_to_be_had),
		cmocka_unit_test(other_questions_are_answered_with_what_there_is),
		cmocka_unit_test(what_is_no_call_has_no_answer),
	};

	return cmocka_run_group_tests_name("agent-portmap", tests, NULL, NULL);
}
