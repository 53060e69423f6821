/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which nodes may form one machine. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "backend/ssi/gate.h"

#define NOW INT64_C(1700000000000)
#define INTERVAL 20

static struct node_state node(const char *name, int id)
{
	return (struct node_state){
		.name = (char *)(uintptr_t)name,
		.stage = NODE_READY,
		.kernel = (char *)(uintptr_t) "2.6.30-krg",
		.version = (char *)(uintptr_t) "#1 SMP",
		.last_report = NOW - 1000,
		.ssi = { .known = true, .node = id, .session = 7, .subsession = -1, .present = 3 },
	};
}

/* The sentences, a line each. */
static char *gate(const struct node_state *v, size_t n, const struct node_state *in, size_t n_in)
{
	struct strv refusals = STRV_INIT;
	char *text = strdup("");

	assert_int_equal(ssi_gate(v, n, in, n_in, NOW, INTERVAL, &refusals), 0);
	for (size_t i = 0; i < refusals.n; i++) {
		char *more;

		assert_true(asprintf(&more, "%s%s\n", text, refusals.v[i]) > 0);
		free(text);
		text = more;
	}
	strv_free(&refusals);
	return text;
}

static void nodes_of_one_build_may(void **state)
{
	const struct node_state v[] = { node("node01", 1), node("node02", 2), node("node03", 254) };
	const struct node_state more[] = { node("a", 1), node("b", 2), node("c", 3), node("d", 7),
					   node("e", 8) };
	_cleanup_free_ char *said = gate(v, 3, NULL, 0), *ids = NULL, *one = NULL, *runs = NULL;

	assert_string_equal(said, "");
	assert_int_equal(ssi_id_list(v, 3, &v[0], &ids), 0);
	assert_string_equal(ids, "2,254");
	assert_int_equal(ssi_id_list(v, 1, &v[0], &one), 0);
	assert_int_equal(ssi_id_list(more, 5, NULL, &runs), 0);
	assert_string_equal(runs, "1-3,7,8");
	assert_string_equal(one, "");
}

static void every_reason_against_it_is_said(void **state)
{
	struct node_state v[] = { node("a", 1),	   node("off", 2),   node("in", 3),    node("plain", 4),
				  node("old", 5),  node("late", 9),  node("build", 6), node("session", 7),
				  node("twin", 1), node("odd", 255), node("none", -1), node("sick", 8) };
	_cleanup_free_ char *said = NULL;

	v[1].stage = NODE_KERNEL;
	v[2].stage = NODE_JOINED;
	v[3].ssi.known = false;
	v[4].last_report = NOW - 71000;
	v[5].last_report = NOW - 70000;
	v[6].version = (char *)(uintptr_t) "#2 SMP";
	v[7].ssi.session = 8;
	v[11].ssi.online = 4;
	said = gate(v, 12, NULL, 0);
	assert_string_equal(
		said, "off is not ready: it is kernel.\n"
		      "in is in a single system already.\n"
		      "plain runs a kernel without the single system.\n"
		      "old reported 71 s ago, though it reports every 20 s: that is too old to rely on.\n"
		      "build runs another build than a: 2.6.30-krg #2 SMP, not 2.6.30-krg #1 SMP.\n"
		      "session is of session 8 and a of session 7: they do not see each other.\n"
		      "twin has the id 1, which a has, too.\n"
		      "odd has an id that cannot be used; ids go from 1 to 254.\n"
		      "none has no id; ids go from 1 to 254.\n"
		      "sick sees a single system that is broken; reset it first.\n");
}

static void one_that_says_nothing_is_no_measure_for_the_others(void **state)
{
	struct node_state v[] = { node("off", 1), node("node02", 2), node("node03", 3) };
	_cleanup_free_ char *said = NULL, *none = NULL;

	v[0].stage = NODE_OFF;
	v[0].ssi = (struct node_ssi){ 0 };
	v[0].kernel = v[0].version = (char *)(uintptr_t) "";
	said = gate(v, 3, NULL, 0);
	assert_string_equal(said, "off is not ready: it is off.\n");
	none = gate(v, 1, NULL, 0);
	assert_string_equal(none, "off is not ready: it is off.\n");
}

static void the_ids_of_all_who_are_in_it_are_taken(void **state)
{
	struct node_state in[] = { node("node01", 1), node("node02", 2) }, v[] = { node("node03", 2) };
	_cleanup_free_ char *said = NULL;

	in[0].stage = in[1].stage = NODE_JOINED;
	in[0].ssi.subsession = in[1].ssi.subsession = 1;
	said = gate(v, 1, in, 2);
	assert_string_equal(said, "node03 has the id 2, which node02 has, too.\n");
}

static void who_tells_no_session_may_not(void **state)
{
	struct node_state v[] = { node("node01", 1), node("node02", 2) };
	_cleanup_free_ char *said = NULL;

	v[0].ssi.session = v[1].ssi.session = -1;
	said = gate(v, 2, NULL, 0);
	assert_string_equal(said, "node01 has no session: nobody knows whom it would see.\n"
				  "node02 has no session: nobody knows whom it would see.\n");
}

static void who_joins_is_held_against_who_is_in_it(void **state)
{
	struct node_state base = node("node01", 1), v[] = { node("node02", 2), node("node03", 1) };
	_cleanup_free_ char *fine = NULL, *said = NULL, *none = gate(v, 0, NULL, 0);

	base.stage = NODE_JOINED;
	base.ssi.subsession = 1;
	fine = gate(v, 1, &base, 1);
	assert_string_equal(fine, "");
	base.kernel = (char *)(uintptr_t) "2.6.20";
	said = gate(v, 2, &base, 1);
	assert_non_null(strstr(said, "node02 runs another build than node01"));
	assert_non_null(strstr(said, "node03 has the id 1, which node01 has, too."));
	assert_string_equal(none, "No node was chosen.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_of_one_build_may),
		cmocka_unit_test(every_reason_against_it_is_said),
		cmocka_unit_test(one_that_says_nothing_is_no_measure_for_the_others),
		cmocka_unit_test(the_ids_of_all_who_are_in_it_are_taken),
		cmocka_unit_test(who_tells_no_session_may_not),
		cmocka_unit_test(who_joins_is_held_against_who_is_in_it),
	};

	return cmocka_run_group_tests_name("ssi-gate", tests, NULL, NULL);
}
