/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real musterd on the loopback interface, asked from several of its addresses. */
#include "config.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/daemon/client.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/macro.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define SCRIPT2 "/boot.ipxe?mac=" MAC2 "&platform=efi"
#define READY "stage=ready\nkernel=6.1.0\nload=0.50\nmemory_kb=2048\nmemory_free_kb=1024\nprocessors=2\n"

static void other_paths_and_methods_are_refused(void **state)
{
	static const char *const none[] = {
		"/",
		"/health/",
		"//health",
		"/Health",
		"/roots/",
		"/roots/g1",
		"/roots/g1/",
		"/roots/g1/root.json",
		"/roots/g2/vmlinuz",
		"/roots/../etc/muster/cluster.json",
		"/roots/../x/vmlinuz",
		"/roots/./g1/vmlinuz",
		"/roots/%2e%2e/vmlinuz",
		"/roots/g1/../g1/vmlinuz",
		"/roots/g1%2fvmlinuz",
		"/roots/g1/vmlinuz%00",
		"/roots/g1/vmlinuz%00.txt",
		"/roots/.g1/vmlinuz",
		"/roots//vmlinuz",
		"/initramfs/.img",
		"/initramfs/i1",
		"/initramfs/../keys/node01/ssh_host_ed25519_key.img",
		"/keys/node01/ssh_host_ed25519_key",
		"/boot/node.cpio",
		"http://127.0.0.2/roots/g1/root.json",
	};
	static const struct {
		const char *method, *path;
	} wrong[] = { { "POST", "/health" },  { "DELETE", "/report" },	{ "GET", "/report" },
		      { "PUT", "/report" },   { "HEAD", "/boot.ipxe" }, { "OPTIONS", "/health" },
		      { "POST", "/metrics" }, { "BREW", "/boot.ipxe" } };
	struct server *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		assert_int_equal(get_status(s, NODE1, none[i]), 404);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct reply r = request(s, NODE1, wrong[i].method, wrong[i].path, NULL, "x");

		assert_int_equal(r.status, 405);
		assert_non_null(strstr(r.head, "\r\nAllow: "));
		reply_free(&r);
	}
}

/* The library takes a zero for the end of the path; what stands behind it must not count in any way. */
static void a_raw_zero_in_the_path_leads_nowhere(void **state)
{
	static const char cut[] = "GET /roots/g1/vmlinuz\0/../../etc/passwd HTTP/1.0\r\n\r\n";
	static const char hidden[] = "GET /keys\0/roots/g1/vmlinuz HTTP/1.0\r\n\r\n";
	struct server *s = *state;
	struct reply r = exchange(s, NODE1, cut, sizeof(cut) - 1);

	assert_true(r.status != 200 || strcmp(r.body, "a kernel") == 0);
	reply_free(&r);
	r = exchange(s, NODE1, hidden, sizeof(hidden) - 1);
	assert_true(r.status == 0 || r.status >= 400);
	reply_free(&r);
}

static void files_come_whole_and_in_parts(void **state)
{
	struct server *s = *state;
	struct reply r = get(s, NODE1, "/roots/g1/root.squashfs");

	assert_int_equal(r.status, 200);
	assert_int_equal(r.len, 100000);
	assert_int_equal(r.body[99999], 'a' + 99999 % 26);
	assert_non_null(strstr(r.head, "\r\nContent-Length: 100000"));
	assert_non_null(strstr(r.head, "\r\nAccept-Ranges: bytes"));
	reply_free(&r);
	r = request(s, NODE1, "GET", "/roots/g1/root.squashfs", "Range: bytes=26-51\r\n", NULL);
	assert_int_equal(r.status, 206);
	assert_string_equal(r.body, "abcdefghijklmnopqrstuvwxyz");
	assert_non_null(strstr(r.head, "\r\nContent-Range: bytes 26-51/100000"));
	reply_free(&r);
	r = request(s, NODE1, "GET", "/roots/g1/root.squashfs", "Range: bytes=100000-\r\n", NULL);
	assert_int_equal(r.status, 416);
	assert_non_null(strstr(r.head, "\r\nContent-Range: bytes */100000"));
	reply_free(&r);
	r = request(s, NODE1, "HEAD", "/roots/g1/root.squashfs", NULL, NULL);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.len, 0);
	assert_non_null(strstr(r.head, "\r\nContent-Length: 100000"));
	reply_free(&r);
	r = get(s, NODE1, "/initramfs/i1.img");
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "an initramfs");
	reply_free(&r);
}

static void a_link_is_not_served(void **state)
{
	struct server *s = *state;
	_cleanup_close_ int dir = fs_open(s->root_fd, "/var/lib/muster/roots", O_RDONLY | O_DIRECTORY, 0);

	assert_int_equal(symlinkat("g1", dir, "g2"), 0);
	assert_int_equal(get_status(s, NODE1, "/roots/g2/vmlinuz"), 404);
	assert_int_equal(mkdirat(dir, "g3", 0755), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "g3/vmlinuz"), 0);
	assert_int_equal(get_status(s, NODE1, "/roots/g3/vmlinuz"), 404);
	assert_int_equal(mkfifoat(dir, "g3/root.squashfs", 0644), 0);
	assert_int_equal(get_status(s, NODE1, "/roots/g3/root.squashfs"), 404);
}

static void a_personality_goes_to_its_own_boot_only(void **state)
{
	struct server *s = *state;
	char first[33], token[33], other[33];
	bool secret;

	client_boot(s, NODE1, SCRIPT1, first);
	client_boot(s, NODE1, SCRIPT1, token);
	client_boot(s, NODE2, SCRIPT2, other);
	assert_int_equal(client_personality(s, NODE1, first, &secret), 403);
	assert_false(secret);
	assert_int_equal(client_personality(s, NODE1, other, &secret), 403);
	assert_int_equal(client_personality(s, STRANGER, token, &secret), 403);
	assert_false(secret);
	assert_int_equal(client_personality(s, NODE1, "0123456789abcdef0123456789abcdef", &secret), 403);
	assert_int_equal(client_personality(s, NODE1, "short", &secret), 403);
	assert_int_equal(client_personality(s, NODE1, token, &secret), 200);
	assert_true(secret);
	assert_true(wait_for_stage(s, "node01", NODE_KERNEL));
	assert_int_not_equal(client_personality(s, NODE1, token, &secret), 200);
	assert_false(secret);
	assert_int_equal(client_report_once(s, NODE1, token, "stage=initramfs\n"), 204);
	assert_int_equal(client_personality(s, NODE1, token, &secret), 403);
	assert_false(secret);
}

static void only_a_boots_own_reports_count(void **state)
{
	struct server *s = *state;
	_cleanup_free_ char *log = NULL;
	char token[33], other[33];
	struct node_state *v;
	struct reply r;

	client_boot(s, NODE1, SCRIPT1, token);
	client_boot(s, NODE2, SCRIPT2, other);
	assert_int_equal(client_report_once(s, NODE1, other, READY), 403);
	assert_int_equal(client_report_once(s, STRANGER, token, READY), 403);
	assert_int_equal(client_report_once(s, NODE1, "0123456789abcdef0123456789abcdef", READY), 403);
	assert_int_equal(client_report_once(s, NODE1, "", READY), 403);
	r = request(s, NODE1, "POST", "/report", NULL, READY);
	assert_int_equal(r.status, 403);
	reply_free(&r);
	assert_true(wait_for_stage(s, "node01", NODE_LOADER));
	assert_int_equal(client_report_once(s, NODE1, token, "stage=nonsense\n"), 400);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	v = node_now(s, "node01");
	assert_int_equal(v->stage, NODE_READY);
	assert_string_equal(v->kernel, "6.1.0");
	assert_int_equal(v->memory_kb, 2048);
	assert_string_equal(v->root, "g1");
	node_states_free(v, 1);
	/* Seven refusals of two addresses within a minute: two events. */
	assert_int_equal(count_events(s, "refused"), 2);
	log = server_log(s);
	assert_null(strstr(log, token));
	assert_null(strstr(log, other));
}

static void a_body_has_its_limits(void **state)
{
	struct server *s = *state;
	_cleanup_strbuf_ struct strbuf big = STRBUF_INIT;
	char token[33];
	struct reply r;

	client_boot(s, NODE1, SCRIPT1, token);
	strbuf_adds(&big, "stage=failed\nlog=");
	while (big.len < 16384)
		strbuf_addc(&big, 'x');
	assert_int_equal(client_report_once(s, NODE1, token, big.data), 204);
	strbuf_addc(&big, 'x');
	assert_int_equal(client_report_once(s, NODE1, token, big.data), 413);
	while (big.len < 250000)
		strbuf_addc(&big, 'x');
	assert_int_equal(client_report_once(s, NODE1, token, big.data), 413);
	r = request(s, NODE1, "POST", "/report", "Content-Length: 99999999999999\r\n", NULL);
	assert_int_equal(r.status, 413);
	reply_free(&r);
	r = request(s, NODE1, "POST", "/report", "Content-Length: -5\r\n", NULL);
	assert_true(r.status == 0 || r.status >= 400);
	reply_free(&r);
	strbuf_reset(&big);
	strbuf_adds(&big, "POST /report HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n5\r\nstage\r\n0\r\n\r\n");
	r = exchange(s, NODE1, big.data, big.len);
	assert_int_equal(r.status, 411);
	reply_free(&r);
	strbuf_reset(&big);
	strbuf_adds(&big, "GET /health HTTP/1.0\r\nX: ");
	while (big.len < 200000)
		strbuf_addc(&big, 'x');
	strbuf_adds(&big, "\r\n\r\n");
	r = exchange(s, NODE1, big.data, big.len);
	assert_true(r.status == 0 || r.status >= 400);
	reply_free(&r);
	assert_int_equal(get_status(s, NODE1, "/health"), 200);
}

/* A refusal is a script too, with a reason and without a token. */
static void assert_refusal(struct server *s, const char *from, const char *path, const char *word)
{
	struct reply r = get(s, from, path);

	assert_int_equal(r.status, 200);
	assert_int_equal(strncmp(r.body, "#!ipxe\n", 7), 0);
	assert_non_null(strstr(r.body, word));
	assert_null(strstr(r.body, "node.cpio"));
	reply_free(&r);
}

static void a_machine_that_may_not_boot_is_told_why(void **state)
{
	struct server *s = *state;

	assert_refusal(s, STRANGER, "/boot.ipxe?mac=52-54-00-00-00-99&platform=pcbios", "no node");
	assert_refusal(s, NODE2, SCRIPT1, NODE1);
	assert_int_equal(get_status(s, NODE1, "/boot.ipxe"), 400);
	assert_int_equal(get_status(s, NODE1, "/boot.ipxe?mac=x"), 400);
	assert_int_equal(get_status(s, NODE1, "/boot.ipxe?mac=ff-ff-ff-ff-ff-ff"), 400);
	assert_int_equal(fs_unlink(s->root_fd, "/var/lib/muster/keys/node01/ssh_host_ed25519_key"), 0);
	assert_refusal(s, NODE1, SCRIPT1, "host key");
	assert_int_equal(fs_unlink(s->root_fd, "/var/lib/muster/initramfs/i1.img"), 0);
	assert_refusal(s, NODE1, SCRIPT1, "initramfs");
	assert_true(wait_for_stage(s, "node01", NODE_OFF));
	assert_int_equal(count_events(s, "refused"), 3);
}

static void in_range_mode_the_address_makes_the_node(void **state)
{
	struct server *s = *state;
	struct node_state *v;
	char token[33], again[33];
	bool secret;

	s->plan.ip_mode = PLAN_IP_RANGE;
	s->plan.range = (struct ip4_range){ s->plan.nodes[0].address, s->plan.nodes[1].address };
	s->plan.nodes[0].has_mac = false;
	s->plan.nodes[1].has_mac = false;
	server_write_plan(s);
	server_start(s, NULL);
	client_boot(s, NODE1, "/boot.ipxe?mac=02-00-00-00-00-07&platform=efi", token);
	client_boot(s, NODE1, "/boot.ipxe?mac=02-00-00-00-00-08&platform=efi", again);
	assert_int_equal(client_personality(s, NODE1, token, &secret), 403);
	assert_int_equal(client_personality(s, NODE1, again, &secret), 200);
	v = node_now(s, "node01");
	assert_string_equal(v->mac, "02:00:00:00:00:08");
	node_states_free(v, 1);
	assert_refusal(s, STRANGER, "/boot.ipxe?mac=02-00-00-00-00-09&platform=efi", STRANGER);
}

static void in_proxy_mode_the_address_is_whatever_it_is(void **state)
{
	struct server *s = *state;
	struct node_state *v;
	char token[33];
	bool secret;

	if (!client_own_network())
		skip(); /* only root has a network of its own; run.sh, as root, counts what is left out as a failure */
	client_neighbour(STRANGER, "52:54:00:00:00:01");
	client_neighbour(NODE2, "52:54:00:00:00:02");
	s->plan.dhcp = PLAN_DHCP_PROXY;
	server_write_plan(s);
	server_start(s, NULL);
	/* Another machine than it says, one that nobody knows, and this server. */
	assert_false(client_is_booted(s, STRANGER, SCRIPT2));
	assert_false(client_is_booted(s, NODE2, SCRIPT1));
	assert_false(client_is_booted(s, NODE1, SCRIPT1));
	client_neighbour(SERVER, "52:54:00:00:00:01");
	assert_false(client_is_booted(s, SERVER, SCRIPT1));
	/* On another interface, another network's machine may have the same one. */
	client_neighbour_on("other", STRANGER, "52:54:00:00:00:09");
	client_boot(s, STRANGER, SCRIPT1, token);
	/* Its address is another machine's by now. */
	client_neighbour(STRANGER, "52:54:00:00:00:02");
	assert_int_equal(client_personality(s, STRANGER, token, &secret), 403);
	client_neighbour(STRANGER, "52:54:00:00:00:01");
	assert_int_equal(client_personality(s, NODE1, token, &secret), 403);
	assert_int_equal(client_personality(s, STRANGER, token, &secret), 200);
	v = node_now(s, "node01");
	assert_string_equal(v->address, STRANGER);
	node_states_free(v, 1);
}

static void a_silent_node_is_lost_until_it_speaks_again(void **state)
{
	struct server *s = *state;
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	assert_true(wait_for_stage(s, "node01", NODE_LOST));
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	assert_true(wait_for_stage(s, "node01", NODE_READY));
}

static void run_dhcp_event(struct server *s, const char *class, const char *action, const char *mac)
{
	_cleanup_free_ char *dir = NULL, *vendor = NULL;
	const char *const argv[] = { MUSTER_BUILDDIR "/dhcp-event", action, mac, NODE1, "node01", NULL };
	const char *env[3] = { NULL };
	struct spawn spawn = { .argv = argv, .env = env, .timeout_ms = 10000 };
	int status = -1;

	assert_true(asprintf(&dir, "MUSTER_RUN_DIR=%s/run/muster", s->root) > 0);
	assert_true(asprintf(&vendor, "DNSMASQ_VENDOR_CLASS=%s", class ? class : "") > 0);
	env[0] = dir;
	env[1] = class ? vendor : NULL;
	assert_int_equal(spawn_run(&spawn, &status, NULL), 0);
	assert_int_equal(status, 0);
}

static void a_lease_puts_the_node_into_its_first_stage(void **state)
{
	struct server *s = *state;
	struct node_state *v;

	run_dhcp_event(s, NULL, "old", "52:54:00:00:00:01");
	run_dhcp_event(s, NULL, "add", "52:54:00:00:00:02");
	assert_true(wait_for_stage(s, "node02", NODE_DHCP));
	assert_true(wait_for_stage(s, "node01", NODE_OFF));
	run_dhcp_event(s, "MSFT 5.0", "add", "52:54:00:00:00:01");
	run_dhcp_event(s, "PXEClient:Arch:00000:UNDI:002001", "old", "52:54:00:00:00:01");
	assert_true(wait_for_stage(s, "node01", NODE_DHCP));
	v = node_now(s, "node01");
	assert_int_equal(v->n_stages, 1);
	node_states_free(v, 1);
	assert_int_equal(server_stop(s), 0);
	run_dhcp_event(s, NULL, "add", "52:54:00:00:00:01"); /* nobody listens: fine as well */
}

static void metrics_can_be_read(void **state)
{
	struct server *s = *state;
	char token[33], *save = NULL;
	struct reply r;
	int samples = 0;

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(client_report_once(s, NODE1, token, READY), 204);
	assert_int_equal(client_report_once(s, STRANGER, token, READY), 403);
	r = get(s, NODE1, "/metrics");
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "text/plain; version=0.0.4"));
	assert_non_null(strstr(r.body, "muster_nodes{stage=\"ready\"} 1\n"));
	assert_non_null(strstr(r.body, "muster_node_up{node=\"node01\"} 1\n"));
	assert_non_null(strstr(r.body, "muster_node_load1{node=\"node01\"} 0.5\n"));
	assert_non_null(strstr(r.body, "musterd_reports_refused_total 1\n"));
	assert_non_null(strstr(r.body, "musterd_http_requests_total{code=\"403\"} 1\n"));
	for (char *line = strtok_r(r.body, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *value = strrchr(line, ' ');
		char *end;

		if (line[0] == '#')
			continue;
		assert_non_null(value);
		strtod(value + 1, &end);
		assert_true(end != value + 1 && *end == '\0');
		samples++;
	}
	assert_true(samples > 25);
	reply_free(&r);
}

static void it_ends_in_good_order(void **state)
{
	struct server *s = *state;

	assert_int_equal(server_stop(s), 0);
	assert_true(fs_exists(s->root_fd, "/var/lib/muster/state/muster.db"));
	assert_false(fs_exists(s->root_fd, "/var/lib/muster/state/muster.db-wal"));
}

/* The value of a line of /proc/PID/status. */
static unsigned long long proc_status(const struct server *s, const char *key, int base)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_close_ int top = fs_root_open(NULL);
	const char *p;

	assert_true(asprintf(&path, "/proc/%d/status", (int)s->pid) > 0);
	assert_int_equal(fs_read(top, path, 65536, &text, NULL), 0);
	p = strstr(text, key);
	assert_non_null(p);
	return strtoull(p + strlen(key), NULL, base);
}

static void it_gives_every_right_away(void **state)
{
	struct server *s = *state;

	assert_int_equal(proc_status(s, "NoNewPrivs:", 10), 1);
	if (geteuid() != 0)
		return;
	assert_int_equal(proc_status(s, "CapEff:", 16), 0);
	assert_int_equal(proc_status(s, "CapPrm:", 16), 0);
	assert_int_equal(proc_status(s, "CapBnd:", 16), 0);
	assert_int_equal(server_stop(s), 0);
	assert_int_equal(chmod(s->root, 0755), 0);
	server_start(s, "nobody");
	assert_int_not_equal(proc_status(s, "Uid:", 10), 0);
	assert_int_equal(proc_status(s, "CapPrm:", 16), 0);
	assert_int_equal(get_status(s, NODE1, "/metrics"), 200);
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, client_setup, client_teardown)
#define STOPPED(test) cmocka_unit_test_setup_teardown(test, client_setup_stopped, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(other_paths_and_methods_are_refused),
		RUNNING(a_raw_zero_in_the_path_leads_nowhere),
		RUNNING(files_come_whole_and_in_parts),
		RUNNING(a_link_is_not_served),
		RUNNING(a_personality_goes_to_its_own_boot_only),
		RUNNING(only_a_boots_own_reports_count),
		RUNNING(a_body_has_its_limits),
		RUNNING(a_machine_that_may_not_boot_is_told_why),
		STOPPED(in_range_mode_the_address_makes_the_node),
		STOPPED(in_proxy_mode_the_address_is_whatever_it_is),
		RUNNING(a_silent_node_is_lost_until_it_speaks_again),
		RUNNING(a_lease_puts_the_node_into_its_first_stage),
		RUNNING(metrics_can_be_read),
		RUNNING(it_ends_in_good_order),
		RUNNING(it_gives_every_right_away),
	};

	return cmocka_run_group_tests_name("musterd", tests, NULL, NULL);
}
