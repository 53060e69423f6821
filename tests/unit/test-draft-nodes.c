/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes that are renamed in, named in, or removed from answers while these are being written. */
#include "config.h"

#include "draft-room.h"

#include <errno.h>

#define BASE "cluster { name = \"krg\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" }\n"
#define SIX                                                                                                 \
	BASE "nodes { count = 6 first_address = \"10.66.0.11\" macs = {\"52:54:00:66:00:01\", "             \
	     "\"52:54:00:66:00:02\", \"52:54:00:66:00:03\"} }\nnode \"node02\" { address = \"10.66.0.40\" " \
	     "}\n"                                                                                          \
	     "node \"login\" { address = \"10.66.0.200\" mac = \"52:54:00:66:00:99\" }\n"

/* "node01 10.66.0.11 52:..; ..." */
static char *nodes_of(const struct draft *d, const struct host *h)
{
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };
	_cleanup_(plan_freep) struct plan *p = NULL;
	struct draft_mistake *m = NULL;
	struct strbuf b = STRBUF_INIT;
	char *text;
	size_t n;

	assert_int_equal(draft_check(d, &env, &m, &n, &p), 0);
	if (n)
		fail_msg("%s.%s: %s", m[0].section, m[0].key, m[0].text);
	for (size_t i = 0; i < p->n_nodes; i++)
		strbuf_addf(&b, "%s %s %s; ", p->nodes[i].name, IP4(p->nodes[i].address),
			    p->nodes[i].has_mac ? MAC(p->nodes[i].mac) : "-");
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}

static void only_the_renamed_node_changes(void **state)
{
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };
	_cleanup_(draft_freep) struct draft *d = draft_of(SIX);
	_cleanup_free_ char *why = NULL, *named = NULL, *counted = NULL;

	/* One that has a section of its own keeps the count. */
	assert_int_equal(draft_node_rename(d, &env, "login", "head", &why), 0);
	assert_string_equal(d->count, "6");
	named = nodes_of(d, h);
	assert_string_equal(named,
			    "node01 10.66.0.11 52:54:00:66:00:01; node02 10.66.0.40 52:54:00:66:00:02; "
			    "node03 10.66.0.12 52:54:00:66:00:03; node04 10.66.0.13 -; node05 10.66.0.14 -; "
			    "node06 10.66.0.15 -; head 10.66.0.200 52:54:00:66:00:99; ");
	/* A counted one turns all into sections. */
	assert_int_equal(draft_node_rename(d, &env, "node03", "io1", &why), 0);
	assert_string_equal(d->count, "");
	counted = nodes_of(d, h);
	assert_string_equal(counted,
			    "node01 10.66.0.11 52:54:00:66:00:01; node02 10.66.0.40 52:54:00:66:00:02; "
			    "io1 10.66.0.12 52:54:00:66:00:03; node04 10.66.0.13 -; node05 10.66.0.14 -; "
			    "node06 10.66.0.15 -; head 10.66.0.200 52:54:00:66:00:99; ");
}

static void only_the_removed_node_goes(void **state)
{
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };
	_cleanup_(draft_freep) struct draft *d = draft_of(SIX);
	_cleanup_free_ char *why = NULL, *last = NULL, *middle = NULL;

	assert_int_equal(draft_node_remove(d, &env, "login", &why), 0);
	assert_int_equal(d->n_nodes, 1);
	/* The last one is just not counted any more. */
	assert_int_equal(draft_node_remove(d, &env, "node06", &why), 0);
	assert_string_equal(d->count, "5");
	last = nodes_of(d, h);
	assert_string_equal(
		last, "node01 10.66.0.11 52:54:00:66:00:01; node02 10.66.0.40 52:54:00:66:00:02; "
		      "node03 10.66.0.12 52:54:00:66:00:03; node04 10.66.0.13 -; node05 10.66.0.14 -; ");
	/* Without its section node02 would be counted with another address. */
	assert_int_equal(draft_node_remove(d, &env, "node02", &why), 0);
	middle = nodes_of(d, h);
	assert_string_equal(middle,
			    "node01 10.66.0.11 52:54:00:66:00:01; node03 10.66.0.12 52:54:00:66:00:03; "
			    "node04 10.66.0.13 -; node05 10.66.0.14 -; ");
}

#define FOUR                                                                                    \
	BASE "nodes { count = 4 first_address = \"10.66.0.11\" macs = {\"52:54:00:66:00:01\", " \
	     "\"52:54:00:66:00:02\", \"52:54:00:66:00:03\"} }\n"

static void a_machine_that_gets_a_name_keeps_its_address(void **state)
{
	static const char named[] =
		"node01 10.66.0.11 52:54:00:66:00:01; node02 10.66.0.13 52:54:00:66:00:03; "
		"node03 10.66.0.14 -; %s 10.66.0.12 52:54:00:66:00:02; ";
	const struct muster_config config = { .root = "/" };
	_cleanup_(host_freep) struct host *h = host_of("");
	_cleanup_(draft_freep) struct draft *d = draft_of(FOUR);
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct mac second, new;
	char *text, wanted[256];

	assert_int_equal(mac_parse("52:54:00:66:00:02", &second), 0);
	assert_int_equal(mac_parse("52:54:00:66:00:09", &new), 0);
	assert_int_equal(muster_new(&config, &m), 0);
	for (int i = 0; i < 2; i++) {
		static const char *const names[] = { "alpha", "beta" };

		assert_int_equal(muster_draft_name_machine(m, d, second, names[i]), 0);
		assert_string_equal(d->count, "3");
		text = nodes_of(d, h);
		snprintf(wanted, sizeof(wanted), named, names[i]);
		assert_string_equal(text, wanted);
		free(text);
	}
	assert_int_equal(muster_draft_name_machine(m, d, new, "beta"), -MUSTER_E_REFUSED);
	assert_int_equal(muster_draft_name_machine(m, d, new, "node03"), -MUSTER_E_REFUSED);
	/* One that was none takes the next place. */
	assert_int_equal(muster_draft_name_machine(m, d, new, "login"), 0);
	text = nodes_of(d, h);
	assert_string_equal(text, "node01 10.66.0.11 52:54:00:66:00:01; node02 10.66.0.13 52:54:00:66:00:03; "
				  "beta 10.66.0.12 52:54:00:66:00:02; login 10.66.0.14 52:54:00:66:00:09; ");
	free(text);
	/* What is taken back leaves a place. */
	assert_int_equal(muster_draft_name_machine(m, d, second, NULL), 0);
	assert_int_equal(muster_draft_name_machine(m, d, new, NULL), 0);
	assert_string_equal(d->count, "4");
	assert_int_equal(d->n_nodes, 0);
	text = nodes_of(d, h);
	assert_string_equal(text, "node01 10.66.0.11 52:54:00:66:00:01; node02 10.66.0.12 52:54:00:66:00:03; "
				  "node03 10.66.0.13 -; node04 10.66.0.14 -; ");
	free(text);
}

static void the_last_that_gets_a_name_leaves_no_count(void **state)
{
	const struct muster_config config = { .root = "/" };
	_cleanup_(host_freep) struct host *h = host_of("");
	_cleanup_(draft_freep) struct draft *d = draft_of(FOUR);
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_free_ char *named = NULL, *numbered = NULL;
	struct mac mac;

	assert_int_equal(muster_new(&config, &m), 0);
	for (int i = 1; i <= 4; i++) {
		char name[16], text[24];

		snprintf(name, sizeof(name), "n%d", i);
		snprintf(text, sizeof(text), "52:54:00:66:00:%02d", i);
		assert_int_equal(mac_parse(text, &mac), 0);
		assert_int_equal(muster_draft_name_machine(m, d, mac, name), 0);
	}
	assert_string_equal(d->count, "");
	named = nodes_of(d, h);
	assert_string_equal(named, "n1 10.66.0.11 52:54:00:66:00:01; n2 10.66.0.12 52:54:00:66:00:02; "
				   "n3 10.66.0.13 52:54:00:66:00:03; n4 10.66.0.14 52:54:00:66:00:04; ");
	assert_int_equal(muster_draft_number_nodes(d), 0);
	numbered = nodes_of(d, h);
	assert_string_equal(numbered,
			    "node01 10.66.0.11 52:54:00:66:00:01; node02 10.66.0.12 52:54:00:66:00:02; "
			    "node03 10.66.0.13 52:54:00:66:00:03; node04 10.66.0.14 52:54:00:66:00:04; ");
}

static void the_last_counted_node_takes_its_mac_along(void **state)
{
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };
	_cleanup_(draft_freep) struct draft *d =
		draft_of(BASE "nodes { count = 2 macs = {\"52:54:00:66:00:01\", \"52:54:00:66:00:02\"} }");
	_cleanup_(draft_freep) struct draft *hundred = draft_of(BASE "nodes { count = 100 }");
	_cleanup_free_ char *why = NULL, *left = NULL, *many = NULL;

	assert_int_equal(draft_node_remove(d, &env, "node02", &why), 0);
	assert_string_equal(d->count, "1");
	assert_int_equal(d->macs.n, 1);
	left = nodes_of(d, h);
	assert_string_equal(left, "node01 10.66.0.2 52:54:00:66:00:01; ");
	/* With 99 nodes the numbers would be narrower: node001 would be node01. */
	assert_int_equal(draft_node_remove(hundred, &env, "node100", &why), 0);
	assert_int_equal(hundred->n_nodes, 99);
	many = nodes_of(hundred, h);
	assert_non_null(strstr(many, "node099 10.66.0.100 -; "));
	assert_null(strstr(many, "node100"));
}

static void what_cannot_be_edited_is_said_and_left(void **state)
{
	static const struct {
		const char *answers, *from, *to, *why;
	} cases[] = {
		{ SIX, "node07", "x", "no node \"node07\"" },
		{ SIX, "node01", "node02", "is a node \"node02\" already" },
		{ SIX, "node01", "Not A Name", "is no host name" },
		{ SIX, "node01", "localhost", "cannot be renamed" },
		{ BASE "nodes { count = 1 }", "node01", NULL, "only node" },
		{ BASE "nodes { }", "node01", NULL, "have a mistake" },
		{ "cluster { name = \"krg\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" ip_mode = "
		  "\"range\" "
		  "range = \"10.66.0.100-10.66.0.109\" }",
		  "node01", "x", "comes from its address" },
	};
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(draft_freep) struct draft *d = draft_of(cases[i].answers);
		_cleanup_(draft_freep) struct draft *as_it_was = draft_of(cases[i].answers);
		_cleanup_free_ char *why = NULL;
		int r = cases[i].to ? draft_node_rename(d, &env, cases[i].from, cases[i].to, &why)
				    : draft_node_remove(d, &env, cases[i].from, &why);

		assert_int_equal(r, -EINVAL);
		if (!strstr(why, cases[i].why))
			fail_msg("\"%s\" does not say \"%s\"", why, cases[i].why);
		assert_same(d, as_it_was);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_renamed_node_changes),
		cmocka_unit_test(only_the_removed_node_goes),
		cmocka_unit_test(a_machine_that_gets_a_name_keeps_its_address),
		cmocka_unit_test(the_last_that_gets_a_name_leaves_no_count),
		cmocka_unit_test(the_last_counted_node_takes_its_mac_along),
		cmocka_unit_test(what_cannot_be_edited_is_said_and_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
