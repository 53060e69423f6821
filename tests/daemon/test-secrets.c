/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real musterd against those who want a node's secrets: handed out once for each boot, when they have arrived. On the loopback
 * interface. */
#include "config.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/daemon/client.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/macro.h"
#include "util/spawn.h"
#include "util/strv.h"

#define SCRIPT1 "/boot.ipxe?mac=" MAC1 "&platform=pcbios"
#define READY "stage=ready\nkernel=6.1.0\n"
#define DEADLINE_MS 15000
#define SCRIPT2 "/boot.ipxe?mac=" MAC2 "&platform=pcbios"
#define SUM_REST "123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SUM "0" SUM_REST
#define FACTS(id, bytes, sum)                                                                            \
	"{\"id\": \"" id "\", \"distribution\": \"debian\", \"suite\": \"bookworm\", \"built\": \"x\", " \
	"\"kernel_release\": \"6.1.0\", \"root_bytes\": " bytes ", \"sha256\": \"" sum "\"}"

static int setup(void **state)
{
	struct server *s = server_new();

	s->interval = "10";
	server_start(s, NULL);
	*state = s;
	return 0;
}

static void path_of(const char *token, char path[64])
{
	snprintf(path, 64, "/boot/%s/node.cpio", token);
}

static int personality(struct server *s, const char *from, const char *token)
{
	char path[64];

	path_of(token, path);
	return get_status(s, from, path);
}

/* Polls, while the server still has the end of a delivery to learn. */
static int settled_personality(struct server *s, const char *from, const char *token)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	int status;

	while ((status = personality(s, from, token)) == 503 && clock_mono_ms() < end)
		poll(NULL, 0, 10);
	return status;
}

static char *why(struct server *s, const char *node)
{
	const char *const argv[] = { MUSTER_BUILDDIR "/muster", "--root", s->root, "why", node, NULL };
	struct spawn spawn = { .argv = argv, .timeout_ms = 10000 };
	char *text = NULL;
	int status;

	assert_int_equal(spawn_run(&spawn, &status, &text), 0);
	return text;
}

static void a_personality_is_handed_out_once(void **state)
{
	struct server *s = *state;
	_cleanup_free_ char *text = NULL, *log = NULL;
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(personality(s, NODE1, token), 200);
	assert_int_equal(settled_personality(s, NODE1, token), 403);
	text = why(s, "node01");
	assert_non_null(strstr(text, "which this boot has had"));
	log = server_log(s);
	assert_non_null(
		strstr(log, "refused: node01 asked for its personality again, which this boot has had"));
	assert_null(strstr(log, token));
	/* Nothing but a new boot helps, and that one ends the old one. */
	assert_int_equal(server_stop(s), 0);
	server_start(s, NULL);
	assert_int_equal(personality(s, NODE1, token), 403);
	free(client_report(s, NODE1, token, "stage=initramfs\n"));
}

static void a_new_boot_gets_its_own(void **state)
{
	struct server *s = *state;
	char token[33], next[33];

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(personality(s, NODE1, token), 200);
	client_boot(s, NODE1, SCRIPT1, next);
	assert_int_equal(settled_personality(s, NODE1, token), 403);
	assert_int_equal(personality(s, NODE1, next), 200);
	assert_int_equal(settled_personality(s, NODE1, next), 403);
}

static void write_large_plan(struct server *s, size_t keys)
{
	for (size_t i = 0; i < keys; i++) {
		_cleanup_free_ char *key = NULL;

		assert_true(asprintf(&key, "ssh-ed25519 %0900zu operator", i) > 0);
		assert_int_equal(strv_add(&s->plan.ssh_keys, key), 0);
	}
	server_write_plan(s);
}

static int fetch_slowly(struct server *s, const char *token)
{
	char path[64];

	path_of(token, path);
	return client_fetch_slowly(s, NODE1, path);
}

static bool wants_memtest(struct server *s)
{
	struct node_state *v = node_now(s, "node01");
	bool is = strcmp(v->next, "memtest") == 0;

	node_states_free(v, 1);
	return is;
}

static void a_wish_for_once_is_used_up_when_it_has_come(void **state)
{
	const struct store_next once = { .what = (char *)"memtest", .initramfs = (char *)"" };
	struct server *s = *state;
	_cleanup_free_ char *db = fs_join(s->root, "/var/lib/muster/state/muster.db"),
			    *big = calloc(1, 8 << 20);
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	struct store *store = NULL;
	char token[33], path[64];
	bool told = false;
	int fd;

	assert_non_null(big);
	server_put(s, "/boot/memtest86+x64.bin", big, 8 << 20);
	assert_int_equal(store_open(db, STORE_WRITE, &store), 0);
	assert_int_equal(store_next_set(store, 1, "node01", &once, &(struct store_asker){ 0 }), 0);
	store_free(store);
	client_boot(s, NODE1, SCRIPT1, token);
	snprintf(path, sizeof(path), "/boot/%s/memtest.bin", token);
	fd = client_fetch_slowly(s, NODE1, path);
	assert_true(wants_memtest(s));
	close(fd);
	while (!told && clock_mono_ms() < end) {
		_cleanup_free_ char *log = server_log(s);

		told = strstr(log, "memtest did not come to node01") != NULL;
		poll(NULL, 0, 20);
	}
	assert_true(told);
	assert_true(wants_memtest(s));
	assert_int_equal(get_status(s, NODE1, path), 200);
	while (wants_memtest(s) && clock_mono_ms() < end)
		poll(NULL, 0, 20);
	assert_false(wants_memtest(s));
}

/* Once with what the system's buffers take, so that the server has sent it all, and once with more than that. */
static void assert_repeated_when_broken(struct server *s, size_t keys)
{
	char token[33];
	int fd;

	write_large_plan(s, keys);
	server_start(s, NULL);
	client_boot(s, NODE1, SCRIPT1, token);
	fd = fetch_slowly(s, token);
	assert_int_equal(personality(s, NODE1, token), 503); /* one is on its way */
	assert_int_equal(personality(s, STRANGER, token), 503);
	close(fd); /* what was not read is lost, and the server is told so */
	assert_int_equal(settled_personality(s, NODE1, token), 200);
	assert_int_equal(settled_personality(s, NODE1, token), 403);
}

static void a_small_delivery_that_broke_off_is_repeated(void **state)
{
	assert_repeated_when_broken(*state, 12);
}

static void a_large_delivery_that_broke_off_is_repeated(void **state)
{
	assert_repeated_when_broken(*state, 8000);
}

/* An old boot's token, and its reports, are of no use: not at its address, and not in a new boot. */
static void nothing_of_an_old_boot_counts(void **state)
{
	struct server *s = *state;
	char old[33], token[33];
	_cleanup_free_ char *header = NULL;
	struct node_state *v;
	struct reply r;

	client_boot(s, NODE1, SCRIPT1, old);
	free(client_report(s, NODE1, old, READY));
	free(client_report(s, NODE1, old, "stage=off\n"));
	client_boot(s, NODE1, SCRIPT1, token);
	free(client_report(s, NODE1, token, "stage=initramfs\n"));
	assert_true(asprintf(&header, "Authorization: Bearer %s\r\n", old) > 0);
	r = request(s, NODE1, "POST", "/report", header, READY);
	assert_int_equal(r.status, 403);
	reply_free(&r);
	v = node_now(s, "node01");
	assert_int_equal(v->stage, NODE_INITRAMFS);
	node_states_free(v, 1);
	/* In its own boot an older report again takes no stage back. */
	free(client_report(s, NODE1, token, READY));
	free(client_report(s, NODE1, token, "stage=initramfs\n"));
	v = node_now(s, "node01");
	assert_int_equal(v->stage, NODE_READY);
	node_states_free(v, 1);
}

static struct store *open_store(struct server *s)
{
	_cleanup_free_ char *db = fs_join(s->root, "/var/lib/muster/state/muster.db");
	struct store *store = NULL;

	assert_int_equal(store_open(db, STORE_WRITE, &store), 0);
	return store;
}

#define HOUR_MS (3600 * 1000)

/* musterd has begun anew since, and the clock was set back by an hour: since the script, or since the personality was first handed out. */
static int an_hour_ahead(struct server *s, char token[33], bool handed)
{
	int64_t then = clock_wall_ms() + HOUR_MS;
	struct store *store;
	int r;

	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(server_stop(s), 0);
	store = open_store(s);
	r = handed ? store_hand(store, then, "node01", token)
		   : store_boot(store, then, "node01", MAC1, NODE1, token, "g1");
	store_free(store);
	server_start(s, NULL);
	return r;
}

static void assert_too_late(struct server *s, bool handed, const char *want)
{
	_cleanup_free_ char *log = NULL;
	char token[33];

	assert_int_equal(an_hour_ahead(s, token, handed), 0);
	assert_int_equal(personality(s, NODE1, token), 403);
	log = server_log(s);
	assert_non_null(strstr(log, want));
}

static void a_time_to_come_is_no_time_left(void **state)
{
	assert_too_late(*state, false, "node01 asked for its personality long after its boot script");
}

static void a_first_time_to_come_is_no_time_left(void **state)
{
	assert_too_late(*state, true, "node01 asked for its personality again, long after the first time");
}

/* While musterd runs it goes by its own steady clock. */
static void a_clock_that_is_set_back_ends_no_boot(void **state)
{
	struct server *s = *state;
	struct store *store;
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	store = open_store(s);
	assert_int_equal(store_boot(store, clock_wall_ms() + HOUR_MS, "node01", MAC1, NODE1, token, "g1"), 0);
	store_free(store);
	assert_int_equal(personality(s, NODE1, token), 200);
}

/* What of root.json is no whole note of the sum; NULL: there is none. */
static const char *const sumless[] = {
	NULL,
	"{}",
	"{ half",
	FACTS("g1", "100", "0123456789abcdef"),
	FACTS("g1", "100", ""),
	FACTS("g1", "100", SUM "0"),
	FACTS("g1", "100", "g" SUM_REST),
	FACTS("g1", "0", SUM),
	FACTS("g1", "-1", SUM),
	FACTS("g2", "100", SUM),
};

static void put_facts(struct server *s, const char *text)
{
	static const char path[] = "/var/lib/muster/roots/g1/root.json";

	if (text)
		server_put(s, path, text, strlen(text));
	else
		assert_int_equal(fs_unlink(s->root_fd, path), 0);
}

static void no_root_is_handed_out_without_its_sum(void **state)
{
	struct server *s = *state;
	char token[33];

	client_boot(s, NODE1, SCRIPT1, token);
	for (size_t i = 0; i < ARRAY_SIZE(sumless); i++) {
		_cleanup_free_ char *log = NULL;
		struct reply r;

		put_facts(s, sumless[i]);
		if (settled_personality(s, NODE1, token) != 500)
			fail_msg("handed out with: %s", sumless[i] ? sumless[i] : "none");
		log = server_log(s);
		assert_non_null(strstr(log, "the root g1 has no whole checksum"));
		r = get(s, NODE2, SCRIPT2);
		assert_int_equal(r.status, 200);
		assert_non_null(strstr(r.body, "The root g1 has no whole checksum on the server"));
		assert_null(strstr(r.body, "vmlinuz"));
		reply_free(&r);
	}
	assert_true(count_events(s, "refused") > 0);
	/* It is mended, and the boot goes on. */
	put_facts(s, FACTS("g1", "100", SUM));
	assert_true(client_is_booted(s, NODE2, SCRIPT2));
	{
		char path[64];
		struct reply r;

		path_of(token, path);
		r = get(s, NODE1, path);
		assert_int_equal(r.status, 200);
		assert_non_null(memmem(r.body, r.len, "root_sha256=" SUM "\nroot_size=100\n", 90));
		reply_free(&r);
	}
}

/* Whoever mounts it over the network reads only what he needs of it: there is nothing to compare. */
static void a_root_over_nfs_needs_no_sum(void **state)
{
	struct server *s = *state;
	char token[33];

	s->plan.root = PLAN_ROOT_NFS;
	server_write_plan(s);
	put_facts(s, NULL);
	server_start(s, NULL);
	client_boot(s, NODE1, SCRIPT1, token);
	assert_int_equal(personality(s, NODE1, token), 200);
}

#define RUNNING(test) cmocka_unit_test_setup_teardown(test, setup, client_teardown)
#define STOPPED(test) cmocka_unit_test_setup_teardown(test, client_setup_stopped, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUNNING(a_personality_is_handed_out_once),
		RUNNING(a_new_boot_gets_its_own),
		RUNNING(a_wish_for_once_is_used_up_when_it_has_come),
		STOPPED(a_small_delivery_that_broke_off_is_repeated),
		STOPPED(a_large_delivery_that_broke_off_is_repeated),
		RUNNING(nothing_of_an_old_boot_counts),
		RUNNING(a_time_to_come_is_no_time_left),
		RUNNING(a_first_time_to_come_is_no_time_left),
		RUNNING(a_clock_that_is_set_back_ends_no_boot),
		RUNNING(no_root_is_handed_out_without_its_sum),
		STOPPED(a_root_over_nfs_needs_no_sum),
	};

	return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
