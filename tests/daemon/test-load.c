/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sixteen nodes boot from a real musterd while others hold a thousand connections and send two thousand pieces of garbage a
 * second: in a network of this test's own, for MUSTER_LOAD_SECONDS (10). tests/slow/60-load.sh has real machines for it.
 */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/daemon/client.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/macro.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define NODES 16
#define FIRST 0x7f00000bU    /* 127.0.0.11, NODE1 */
#define GARBAGE_AT_ONCE 6500 /* flood's, which may be under way at the end */
#define ROOT_SIZE (2 * 1024 * 1024)
/* Its own 10 MB, its places at 16 KB each, as much again for what the library and the allocator keep beside them. */
#ifdef __SANITIZE_ADDRESS__
#define RESIDENT_MAX_KB (512 * 1024) /* with shadows, and what was freed is kept for a while */
#else
#define RESIDENT_MAX_KB (64 * 1024)
#endif

static void add_node(struct server *s, size_t i)
{
	struct plan_node *n;
	char path[96];

	s->plan.nodes = reallocarray(s->plan.nodes, s->plan.n_nodes + 1, sizeof(*s->plan.nodes));
	assert_non_null(s->plan.nodes);
	n = &s->plan.nodes[s->plan.n_nodes++];
	*n = (struct plan_node){ .arch = strdup("x86_64"), .has_mac = true };
	n->mac = (struct mac){ { 0x52, 0x54, 0, 0, 0, (uint8_t)(i + 1) } };
	n->address.n = FIRST + (uint32_t)i;
	assert_true(asprintf(&n->name, "node%02zu", i + 1) > 0);
	snprintf(path, sizeof(path), "/var/lib/muster/keys/%s/ssh_host_ed25519_key", n->name);
	server_put(s, path, "SECRET\n", 7);
	snprintf(path, sizeof(path), "/var/lib/muster/keys/%s/ssh_host_ed25519_key.pub", n->name);
	server_put(s, path, "ssh-ed25519 C\n", 14);
}

static struct server *make_server(enum plan_dhcp dhcp)
{
	struct server *s;
	char *root = malloc(ROOT_SIZE);
	bool own;

	assert_non_null(root);
	memset(root, 'r', ROOT_SIZE);
	/* Without the right to one the loopback interface serves as well. */
	own = client_own_network();
	s = server_new();
	for (size_t i = s->plan.n_nodes; i < NODES; i++)
		add_node(s, i);
	s->plan.dhcp = dhcp;
	for (size_t i = 0; own && i < NODES; i++)
		client_neighbour(IP4(s->plan.nodes[i].address), MAC(s->plan.nodes[i].mac));
	server_write_plan(s);
	server_put(s, "/var/lib/muster/roots/g1/root.squashfs", root, ROOT_SIZE);
	server_put(s, "/var/lib/muster/initramfs/i1.img", root, ROOT_SIZE / 4);
	free(root);
	s->interval = "10";
	server_start(s, NULL);
	return s;
}

static int setup(void **state)
{
	*state = make_server(PLAN_DHCP_AUTHORITATIVE);
	return 0;
}

/* Any address may be a node's: the flood's too. */
static int setup_proxy(void **state)
{
	*state = make_server(PLAN_DHCP_PROXY);
	return 0;
}

static int teardown(void **state)
{
	server_free(*state);
	return 0;
}

static long resident_kb(struct server *s, const char *key)
{
	_cleanup_close_ int top = fs_root_open(NULL);
	_cleanup_free_ char *path = NULL, *text = NULL;
	const char *p;

	assert_true(asprintf(&path, "/proc/%d/status", (int)s->pid) > 0);
	assert_int_equal(fs_read(top, path, 65536, &text, NULL), 0);
	p = strstr(text, key);
	assert_non_null(p);
	return strtol(p + strlen(key), NULL, 10);
}

struct child {
	pid_t pid;
	int output;
	int status;
	struct strbuf said;
};

static void start(struct child *c, const char *const *argv)
{
	struct spawn spawn = { .argv = argv };

	*c = (struct child){ .said = STRBUF_INIT };
	assert_int_equal(spawn_start(&spawn, &c->pid, &c->output), 0);
}

static void wait_for(struct child *c)
{
	char block[4096];
	int status = 0;
	ssize_t n;

	while ((n = read(c->output, block, sizeof(block))) != 0)
		if (n > 0)
			strbuf_add(&c->said, block, (size_t)n);
		else
			usleep(20000);
	close(c->output);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void say(const char *text)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		print_message("# %.*s\n", (int)(end - text), text);
}

static unsigned long long said(const struct child *c, const char *name)
{
	const char *p = strstr(c->said.data, name);

	assert_non_null(p);
	return strtoull(p + strlen(name), NULL, 10);
}

static const char *seconds(void)
{
	const char *text = getenv("MUSTER_LOAD_SECONDS");

	return text && *text ? text : "10";
}

/* Nobody boots before the flood is there. */
static void wait_for_flood(struct server *s)
{
	for (int64_t end = clock_mono_ms() + 15000;;) {
		struct reply r = get(s, NODE2, "/metrics");
		const char *p = r.status == 200 ? strstr(r.body, "\nmusterd_http_connections ") : NULL;
		bool there = p && strtol(p + 25, NULL, 10) > 100;

		reply_free(&r);
		if (there)
			return;
		assert_true(clock_mono_ms() < end);
		usleep(200000);
	}
}

static void boot_through_a_flood(struct server *s)
{
	_cleanup_free_ char *to = NULL;
	struct child flood, fleet;
	long before = resident_kb(s, "VmRSS:"), most;

	assert_true(asprintf(&to, "%s:%u", SERVER, s->port) > 0);
	start(&flood,
	      (const char *const[]){ MUSTER_BUILDDIR "/tests/load/flood", "--to", to, "--from",
				     "127.0.1.1-127.0.1.200", "--hold", "1000", "--rate", "2000", "--seconds",
				     seconds(), "--read", "/roots/g1/root.squashfs", NULL });
	wait_for_flood(s);
	start(&fleet,
	      (const char *const[]){ MUSTER_BUILDDIR "/tests/load/fleet", "--to", to, "--first", NODE1,
				     "--count", "16", "--seconds", "60", "--pace", "2000", NULL });
	wait_for(&fleet);
	wait_for(&flood);
	most = resident_kb(s, "VmHWM:");
	print_message("# musterd: VmRSS before %ld kB, VmHWM %ld kB, limit %d kB\n", before, most,
		      RESIDENT_MAX_KB);
	say(flood.said.data);
	say(fleet.said.data);
	assert_int_equal(fleet.status, 0);
	assert_int_equal(flood.status, 0);
	assert_non_null(strstr(fleet.said.data, "ready 16 of 16"));
	assert_true(most < RESIDENT_MAX_KB);
	/* What of it came through depends on the machine; all of it was tried. */
	assert_in_range(said(&flood, "held_most "), 1, 1000);
	assert_true(said(&flood, "garbage_sent ") > 0);
	assert_true(said(&flood, "garbage_sent ") + said(&flood, "garbage_failed ") +
			    said(&flood, "garbage_skipped ") + GARBAGE_AT_ONCE >=
		    2000 * strtoull(seconds(), NULL, 10));
	for (size_t i = 0; i < NODES; i++)
		assert_true(wait_for_stage(s, s->plan.nodes[i].name, NODE_READY));
	strbuf_free(&flood.said);
	strbuf_free(&fleet.said);
}

static void sixteen_nodes_boot_through_a_flood_of_strangers(void **state)
{
	boot_through_a_flood(*state);
}

static void sixteen_nodes_boot_through_a_flood_of_what_may_be_nodes(void **state)
{
	boot_through_a_flood(*state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sixteen_nodes_boot_through_a_flood_of_strangers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sixteen_nodes_boot_through_a_flood_of_what_may_be_nodes,
						setup_proxy, teardown),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
