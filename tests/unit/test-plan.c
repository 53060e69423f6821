/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "backend/plan/plan.h"
#include "util/error.h"

#define PROFILES MUSTER_SRCDIR "/profiles"

/* The server that all answers here are for: eth0 to the world, eth1 to the nodes. */
static struct ip4_net eth0_addresses[] = { { { 0xc0a80105 }, 24 } }; /* 192.168.1.5/24 */
static struct host_interface interfaces[] = {
	{ .name = (char *)"eth0",
	  .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x56 } },
	  .addresses = eth0_addresses,
	  .n_addresses = 1 },
	{ .name = (char *)"eth1", .mac = { { 0x52, 0x54, 0, 0x12, 0x34, 0x57 } } },
};
static struct host server = {
	.distribution = (char *)"debian",
	.family = (char *)"debian",
	.interfaces = interfaces,
	.n_interfaces = 2,
};

static void say(const struct plan_mistakes *m)
{
	for (size_t i = 0; i < m->n; i++)
		print_message("# %s:%u: %s\n", m->v[i].file, m->v[i].line, m->v[i].text);
}

static void the_demo_has_two_nodes(void **state)
{
	_cleanup_(plan_mistakes_free) struct plan_mistakes mistakes = PLAN_MISTAKES_INIT;
	_cleanup_(plan_freep) struct plan *p = NULL;
	int r = plan_read(MUSTER_SRCDIR "/doc/examples/demo.conf", &server, PROFILES, &mistakes, &p);

	say(&mistakes);
	assert_int_equal(r, 0);
	assert_string_equal(p->name, "demo");
	assert_string_equal(p->domain, "demo.lan");
	assert_string_equal(p->kernel, "distro-cloud");
	assert_string_equal(p->interface, "eth1");
	assert_string_equal(IP4_NET(p->net), "10.66.0.1/24");
	assert_int_equal(p->n_nodes, 2);
	assert_string_equal(p->nodes[0].name, "node01");
	assert_string_equal(IP4(p->nodes[1].address), "10.66.0.12");
	assert_string_equal(MAC(p->nodes[1].mac), "52:54:00:66:00:02");
	assert_int_equal(p->http_port, 8066);
	assert_true(p->dhcp_service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_demo_has_two_nodes),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
