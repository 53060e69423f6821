/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "draft-room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ---- written and read back ------------------------------------------------------------------------------- */

static uint32_t random_state = 20261124;

static uint32_t any(uint32_t below)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % below;
}

/* Pieces that mean something to a lexer, a shell or a terminal's user. */
static char *hostile(void)
{
	static const char *const pieces[] = { "\"",	 "'",
					      "\\",	 "${HOME}",
					      "$",	 "{",
					      "}",	 "(",
					      ")",	 ",",
					      "=",	 "+=",
					      "#",	 "//",
					      "/*",	 "*/",
					      " ",	 "a",
					      "node",	 "\\n",
					      "\\x41",	 "é",
					      "節點",	 "10.66.0.1",
					      "true",	 "\\\"",
					      "\\'",	 "include",
					      "%s",	 "`id`",
					      ";",	 "_title",
					      "network", "\xf0\x9f\x96\xa5" };
	struct strbuf b = STRBUF_INIT;
	char *text;

	for (uint32_t n = 1 + any(7); n > 0; n--)
		strbuf_adds(&b, pieces[any(ARRAY_SIZE(pieces))]);
	assert_int_equal(strbuf_take(&b, &text, NULL), 0);
	return text;
}

static struct draft *random_draft(void)
{
	struct draft *d;

	assert_int_equal(draft_new(&d), 0);
	free(d->interface);
	d->interface = hostile();
	for (const struct draft_field *f = draft_fields; f->section; f++) {
		if (any(3) == 0)
			continue;
		if (!f->list) {
			char **to = (char **)(void *)((char *)d + f->offset);

			free(*to);
			*to = hostile();
		}
		for (uint32_t n = any(4); f->list && n > 0; n--)
			assert_int_equal(strv_adopt((struct strv *)(void *)((char *)d + f->offset),
						    hostile()),
					 0);
	}
	for (uint32_t n = any(4); n > 0; n--) {
		_cleanup_free_ char *name = hostile(), *mac = hostile(), *address = hostile();

		assert_int_equal(draft_add_node(d, name, any(2) ? mac : "", any(2) ? address : "", ""), 0);
	}
	return d;
}

static void whatever_is_written_is_read_back(void **state)
{
	for (int i = 0; i < 3000; i++) {
		_cleanup_(draft_freep) struct draft *d = random_draft(), *back = NULL;
		_cleanup_free_ char *text = NULL, *again = NULL;

		assert_int_equal(draft_format(d, &text), 0);
		back = draft_of(text);
		assert_same(d, back);
		assert_int_equal(draft_format(back, &again), 0);
		assert_string_equal(text, again);
	}
}

static void what_is_not_given_yet_is_read_back_so(void **state)
{
	_cleanup_(draft_freep) struct draft *d = NULL, *back = NULL, *range = NULL;
	_cleanup_free_ char *text = NULL, *half = NULL;

	assert_int_equal(draft_new(&d), 0);
	assert_int_equal(draft_add_node(d, "", "", "", ""), 0);
	assert_int_equal(draft_format(d, &text), 0);
	back = draft_of(text);
	assert_same(d, back);
	set(&d->ip_mode, "range");
	assert_int_equal(draft_format(d, &half), 0);
	range = draft_of(half);
	assert_same(d, range);
}

static void a_copy_is_the_same(void **state)
{
	for (int i = 0; i < 50; i++) {
		_cleanup_(draft_freep) struct draft *d = random_draft(), *copy = NULL;

		assert_int_equal(draft_copy(d, &copy), 0);
		assert_same(d, copy);
	}
}

static void what_no_file_can_hold_is_not_written(void **state)
{
	static const char *const unfit[] = { "a\nb", "\x1b[31m", "\xff\xfe", "tab\there", "\xc2\x9b" };
	_cleanup_(draft_freep) struct draft *d = draft_of("cluster { name = \"krg\" }");
	char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(unfit); i++) {
		set(&d->domain, unfit[i]);
		assert_int_equal(draft_format(d, &text), -EILSEQ);
	}
}

static void a_file_is_replaced_whole_with_its_mode(void **state)
{
	char dir[] = "/tmp/muster-draft-XXXXXX";
	_cleanup_free_ char *path = NULL, *folder = NULL;
	_cleanup_(draft_freep) struct draft *d = draft_of("cluster { name = \"krg\" }"), *back = NULL;
	struct stat st;

	assert_non_null(mkdtemp(dir));
	assert_true(asprintf(&folder, "%s/new", dir) > 0);
	assert_true(asprintf(&path, "%s/answers.conf", folder) > 0);
	assert_int_equal(draft_load(path, &back), -ENOENT);
	assert_int_equal(draft_save(d, path), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	set(&d->domain, "other.lan");
	assert_int_equal(draft_save(d, path), 0);
	assert_int_equal(draft_load(path, &back), 0);
	assert_same(d, back);
	assert_int_equal(unlink(path), 0);
	/* Nothing else was left in there. */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void of_a_wrong_file_what_is_right_is_read(void **state)
{
	_cleanup_(draft_freep) struct draft *d = draft_of(
		"cluster { name = \"krg\" nmae = 1\n domain = }\nnodes { count = 4 macs = {\"x\", }\n"
		"}\nnetwork eth1 { address = \"10.66.0.1/24\" range = {\"a\", \"b\"} }\n}\nnode \"a\" {");

	assert_string_equal(d->name, "krg");
	assert_string_equal(d->domain, "");
	assert_string_equal(d->interface, "eth1");
	assert_string_equal(d->address, "10.66.0.1/24");
	assert_string_equal(d->range, "");
	assert_string_equal(d->count, "4");
	assert_int_equal(d->macs.n, 1);
}

static void the_examples_keep_their_meaning(void **state)
{
	static const char *const files[] = { MUSTER_SRCDIR "/doc/examples/demo.conf",
					     MUSTER_SRCDIR "/doc/examples/first-cluster.conf",
					     MUSTER_SRCDIR "/tests/good/exceptions.conf",
					     MUSTER_SRCDIR "/tests/good/range.conf",
					     MUSTER_SRCDIR "/tests/good/appended.conf" };
	_cleanup_(host_freep) struct host *h = host_of("");

	h->any_interface = true;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
		_cleanup_(plan_freep) struct plan *before = NULL, *after = NULL;
		_cleanup_(draft_freep) struct draft *d = NULL;
		_cleanup_free_ char *text = NULL, *x = NULL, *y = NULL;

		assert_int_equal(plan_read(files[i], h, PROFILES, &mistakes, &before), 0);
		assert_int_equal(draft_load(files[i], &d), 0);
		assert_int_equal(draft_format(d, &text), 0);
		assert_int_equal(plan_read_text(files[i], text, strlen(text), h, PROFILES, &mistakes, &after),
				 0);
		/* In another line, of course. */
		for (size_t k = 0; k < before->n_nodes && k < after->n_nodes; k++)
			before->nodes[k].line = after->nodes[k].line = 0;
		assert_int_equal(plan_to_json(before, &x), 0);
		assert_int_equal(plan_to_json(after, &y), 0);
		assert_string_equal(x, y);
	}
}

/* ---- the plan is what the values say ------------------------------------------------------------------------ */

static void the_plan_is_what_the_values_say(void **state)
{
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };

	for (int i = 0; i < 200; i++) {
		_cleanup_(draft_freep) struct draft *d = draft_of("");
		_cleanup_(plan_freep) struct plan *p = NULL;
		struct draft_mistake *mistakes = NULL;
		unsigned int count = 1 + any(40), macs = any(count + 1);
		char text[64];
		size_t n;

		set(&d->name, any(2) ? "krg" : "x-1");
		set(&d->interface, any(2) ? "eth1" : "52:54:00:12:34:57");
		set(&d->address, "10.66.0.1/24");
		set(&d->root, any(2) ? "ram" : "nfs");
		set(&d->gateway, any(2) ? "true" : "false");
		set(&d->dhcp, any(2) ? "proxy" : "");
		snprintf(text, sizeof(text), "%u", count);
		set(&d->count, text);
		set(&d->prefix, any(2) ? "" : "n-");
		set(&d->first_address, "10.66.0.50");
		set(&d->http_port, "8080");
		for (unsigned int k = 0; k < macs; k++)
			assert_int_equal(strv_addf(&d->macs, "52:54:00:66:01:%02x", k), 0);
		assert_int_equal(strv_add(&d->ssh_keys, KEY), 0);
		assert_int_equal(draft_check(d, &env, &mistakes, &n, &p), 0);
		if (n)
			fail_msg("%s.%s: %s", mistakes[0].section, mistakes[0].key, mistakes[0].text);
		assert_string_equal(p->name, d->name);
		assert_string_equal(p->interface, "eth1");
		assert_string_equal(IP4_NET(p->net), d->address);
		assert_string_equal(plan_root_name(p->root), d->root);
		assert_int_equal(p->gateway, strcmp(d->gateway, "true") == 0);
		assert_int_equal(p->dhcp == PLAN_DHCP_PROXY, strcmp(d->dhcp, "proxy") == 0);
		assert_int_equal(p->n_nodes, count);
		assert_string_equal(IP4(p->nodes[0].address), "10.66.0.50");
		assert_int_equal(p->http_port, 8080);
		assert_int_equal(p->ssh_keys.n, 1);
		assert_string_equal(p->ssh_keys.v[0], KEY);
		for (unsigned int k = 0; k < count; k++)
			assert_int_equal(p->nodes[k].has_mac, k < macs);
	}
}

/* ---- mistakes beside their fields ----------------------------------------------------------------------------- */

struct wrong {
	const char *answers, *section, *key;
	int index;
	const char *text;
};

static void every_mistake_is_beside_its_field(void **state)
{
	static const struct wrong cases[] = {
		{ "cluster { name = \"a b\" }", "cluster", "name", -1, "no name for a cluster" },
		{ "cluster { }", "cluster", "name", -1, "needs a name" },
		{ "cluster { domain = \"-\" }", "cluster", "domain", -1, "is no domain" },
		{ "cluster { profile = \"odd\" }", "cluster", "profile", -1, "no cluster profile" },
		{ "boot { kernel = \"odd\" }", "boot", "kernel", -1, "no kernel \"odd\"" },
		{ "boot { root = \"odd\" }", "boot", "root", -1, "is not known" },
		{ "boot { kernel_args = {\"a\", \"b c\"} }", "boot", "kernel_args", 1, "not one word" },
		{ "boot { packages = {\"-x\"} }", "boot", "packages", 0, "no package name" },
		{ "boot { root = \"nfs\" }\nservices { nfs = \"none\" }", "services", "nfs", -1,
		  "needs an NFS server" },
		{ "", "network", "interface", -1, "no interface" },
		{ "network \"eth9\" { }", "network", "interface", -1, "no interface \"eth9\"" },
		{ "network \"eth1\" { }", "network", "address", -1, "needs the server's address" },
		{ "network \"eth1\" { address = \"10.66.0.1\" }", "network", "address", -1,
		  "no prefix length" },
		{ "network \"eth1\" { address = \"192.168.1.9/24\" }", "network", "address", -1, "overlaps" },
		{ "network \"eth1\" { address = \"10.66.0.1/24\" ip_mode = \"range\" }", "network", "range",
		  -1, "needs the nodes' addresses" },
		{ "network \"eth1\" { address = \"10.66.0.1/24\" range = \"x\" }", "network", "range", -1,
		  "no range" },
		{ "network \"eth1\" { gateway = \"perhaps\" }", "network", "gateway", -1, "is not known" },
		{ "nodes { }", "nodes", "count", -1, "does not say how many" },
		{ "nodes { count = \"many\" }", "nodes", "count", -1, "no number of nodes" },
		{ "nodes { prefix = \"n1\" }", "nodes", "prefix", -1, "ends in a digit" },
		{ "nodes { first_address = \"x\" count = 1 }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" "
		  "}",
		  "nodes", "first_address", -1, "no IPv4 address" },
		{ "nodes { count = 3 macs = {\"52:54:00:66:00:01\", \"x\"} }", "nodes", "macs", 1,
		  "no MAC address" },
		{ "nodes { count = 1 macs = {\"52:54:00:66:00:01\", \"52:54:00:66:00:02\"} }", "nodes",
		  "macs", 1, "more MAC addresses" },
		{ "nodes { macs_file = \"none.txt\" }", "nodes", "macs_file", -1, "does not exist" },
		{ "node \"a\" { }\nnode \"b_\" { }", "node", "name", 1, "no host name" },
		{ "node \"a\" { mac = \"01:00:00:00:00:00\" }", "node", "mac", 0, "group" },
		{ "node \"a\" { address = \"x\" }", "node", "address", 0, "no IPv4 address" },
		{ "services { http_port = 22 }", "services", "http_port", -1, "port of ssh" },
		{ "services { dhcp = \"odd\" }", "services", "dhcp", -1, "is not known" },
		{ "services { tftp = \"none\" }", "services", "tftp", -1, "one program" },
		{ "access { ssh_keys = {\"x\"} }", "access", "ssh_keys", 0, "ssh key" },
		{ "access { root_password_file = \"/none\" }", "access", "root_password_file", -1,
		  "does not exist" },
	};
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct wrong *c = &cases[i];
		_cleanup_(draft_freep) struct draft *d = draft_of(c->answers);
		struct draft_mistake *m = NULL;
		bool found = false;
		size_t n = 0;

		assert_int_equal(draft_check(d, &env, &m, &n, NULL), 0);
		for (size_t k = 0; k < n; k++)
			if (strcmp(m[k].section, c->section) == 0 && strcmp(m[k].key, c->key) == 0 &&
			    m[k].index == c->index && strstr(m[k].text, c->text))
				found = true;
		for (size_t k = 0; !found && k < n; k++)
			print_message("%s.%s[%d]: %s\n", m[k].section, m[k].key, m[k].index, m[k].text);
		if (!found)
			fail_msg("%s: no mistake \"%s\" at %s.%s", c->answers, c->text, c->section, c->key);
		draft_mistakes_free(m, n);
	}
}

static void a_value_that_no_file_holds_is_one_mistake(void **state)
{
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };
	_cleanup_(draft_freep) struct draft *d =
		draft_of("cluster { name = \"krg\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" }\n"
			 "nodes { count = 2 }");
	_cleanup_(plan_freep) struct plan *p = NULL;
	struct draft_mistake *m = NULL;
	size_t n;

	assert_int_equal(draft_check(d, &env, &m, &n, &p), 0);
	assert_int_equal(n, 0);
	assert_non_null(p);
	set(&d->prefix, "a\n} node \"x\" {");
	assert_int_equal(draft_check(d, &env, &m, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_string_equal(m[0].section, "nodes");
	assert_string_equal(m[0].key, "prefix");
	assert_non_null(strstr(m[0].text, "control character"));
	draft_mistakes_free(m, n);
}

static void a_mistake_in_a_named_file_is_beside_its_name(void **state)
{
	char path[] = "/tmp/muster-draft-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct draft_env env = { h, PROFILES, "/tmp/answers.conf" };
	_cleanup_(draft_freep) struct draft *d = draft_of("");
	struct draft_mistake *m = NULL;
	bool found = false;
	size_t n;

	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, "52:54:00:66:00:01\nnonsense\n", 27), 0);
	set(&d->macs_file, strrchr(path, '/') + 1);
	set(&d->count, "3");
	assert_int_equal(draft_check(d, &env, &m, &n, NULL), 0);
	for (size_t i = 0; i < n; i++)
		found |= strcmp(m[i].key, "macs_file") == 0 && strstr(m[i].text, "line 2: \"nonsense\"");
	assert_true(found);
	draft_mistakes_free(m, n);
	assert_int_equal(unlink(path), 0);
}

/* ---- proposals ---------------------------------------------------------------------------------------------------- */

struct proposal {
	const char *eth1; /* further facts about it */
	const char *interface, *address, *first;
};

static void proposals_fit_the_server(void **state)
{
	static const struct proposal cases[] = {
		/* a bare one gets a network that is free */
		{ "", "eth1", "10.66.0.1/24", "10.66.0.11" },
		/* an addressed one keeps its own */
		{ ", \"addresses\": [\"10.1.2.3/16\"]", "eth1", "10.1.2.3/16", "10.1.0.11" },
		{ ", \"addresses\": [\"192.168.9.11/24\"]", "eth1", "192.168.9.11/24", "192.168.9.12" },
		{ ", \"addresses\": [\"10.5.0.1/24\", \"10.5.0.12/24\"]", "eth1", "10.5.0.1/24",
		  "10.5.0.13" },
		{ ", \"addresses\": [\"10.5.0.2/29\"]", "eth1", "10.5.0.2/29", "10.5.0.1" },
		/* a public address is the outside's */
		{ ", \"addresses\": [\"8.8.4.4/24\"]", "eth2", "10.66.0.1/24", "10.66.0.11" },
		{ ", \"default_route\": true", "eth2", "10.66.0.1/24", "10.66.0.11" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(host_freep) struct host *h = host_of(cases[i].eth1);
		const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };
		const struct draft_facts facts = { .host = h, .hostname = "Head.example.org" };
		_cleanup_(draft_freep) struct draft *d = draft_of("");
		struct draft_mistake *m = NULL;
		size_t n;

		assert_int_equal(draft_propose(d, &facts), 0);
		assert_string_equal(d->name, "head");
		assert_string_equal(d->domain, "example.org");
		assert_string_equal(d->interface, cases[i].interface);
		assert_string_equal(d->address, cases[i].address);
		assert_string_equal(d->first_address, cases[i].first);
		assert_string_equal(d->count, "2");
		/* What is proposed is right as it is. */
		assert_int_equal(draft_check(d, &env, &m, &n, NULL), 0);
		if (n)
			fail_msg("%zu: %s.%s: %s", i, m[0].section, m[0].key, m[0].text);
	}
}

static void proposals_leave_what_was_said(void **state)
{
	_cleanup_(host_freep) struct host *h = host_of("");
	const struct strv keys = { (char *[]){ (char *)KEY, (char *)"no key", (char *)KEY, NULL }, 3 };
	const struct draft_env env = { h, PROFILES, "/nowhere/answers.conf" };
	const struct draft_facts facts = { .host = h,
					   .hostname = "localhost.localdomain",
					   .ssh_keys = &keys };
	_cleanup_(draft_freep) struct draft *d = draft_of("boot { root = \"nfs\" }\nnetwork \"eth2\" { "
							  "address = \"10.9.0.1/24\" ip_mode = \"range\" }");
	struct draft_mistake *m = NULL;
	size_t n;

	assert_int_equal(draft_propose(d, &facts), 0);
	assert_string_equal(d->name, "cluster");
	assert_string_equal(d->domain, "localdomain");
	assert_string_equal(d->interface, "eth2");
	assert_string_equal(d->address, "10.9.0.1/24");
	assert_string_equal(d->range, "10.9.0.100-10.9.0.199");
	assert_string_equal(d->count, "");
	assert_string_equal(d->root, "nfs");
	assert_string_equal(d->nfs, "kernel");
	assert_int_equal(d->ssh_keys.n, 1);
	assert_int_equal(draft_check(d, &env, &m, &n, NULL), 0);
	if (n)
		fail_msg("%s.%s: %s", m[0].section, m[0].key, m[0].text);
}

static void a_server_without_a_second_interface_gets_no_proposal_for_it(void **state)
{
	static const char text[] =
		"{\"distribution\": {\"id\": \"debian\"}, \"interfaces\": [{\"name\": \"eth0\", "
		"\"mac\": \"52:54:00:12:34:56\", \"link\": true, \"default_route\": true, "
		"\"addresses\": [\"10.66.0.9/16\"]}]}";
	_cleanup_(host_freep) struct host *h = NULL;
	_cleanup_(draft_freep) struct draft *d = draft_of("");
	struct draft_facts facts = { 0 };

	assert_int_equal(host_from_json(text, strlen(text), &h, NULL), 0);
	facts.host = h;
	assert_int_equal(draft_propose(d, &facts), 0);
	assert_null(draft_propose_interface(h));
	assert_string_equal(d->interface, "");
	/* 10.66.0.0/16 is taken. */
	assert_string_equal(d->address, "192.168.0.1/24");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_written_is_read_back),
		cmocka_unit_test(what_is_not_given_yet_is_read_back_so),
		cmocka_unit_test(a_copy_is_the_same),
		cmocka_unit_test(what_no_file_can_hold_is_not_written),
		cmocka_unit_test(a_file_is_replaced_whole_with_its_mode),
		cmocka_unit_test(of_a_wrong_file_what_is_right_is_read),
		cmocka_unit_test(the_examples_keep_their_meaning),
		cmocka_unit_test(the_plan_is_what_the_values_say),
		cmocka_unit_test(every_mistake_is_beside_its_field),
		cmocka_unit_test(a_value_that_no_file_holds_is_one_mistake),
		cmocka_unit_test(a_mistake_in_a_named_file_is_beside_its_name),
		cmocka_unit_test(proposals_fit_the_server),
		cmocka_unit_test(proposals_leave_what_was_said),
		cmocka_unit_test(a_server_without_a_second_interface_gets_no_proposal_for_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
