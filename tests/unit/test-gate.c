/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who may hold connections, with a time of the test's own, and pairs of sockets in the place of connections. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "daemon/gate.h"
#include "util/macro.h"

#define NODE(i) ((struct ip4){ 0x0a420000 + (uint32_t)(i) })
#define STRANGER(i) ((struct ip4){ 0x0a430000 + (uint32_t)(i) })
/* So far apart that no rate is in the way. */
#define SLOWLY (now += 1000)

struct room {
	struct gate gate;
	struct gate_place *places[GATE_PLACES + 8];
	int peers[GATE_PLACES + 8]; /* -1: none */
	size_t n;
};

static int64_t now;

static int setup(void **state)
{
	struct room *r = calloc(1, sizeof(*r));
	struct rlimit limit;

	assert_non_null(r);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	now = 1000000;
	gate_init(&r->gate, (const uint64_t[]){ 11, 13 });
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct room *r = *state;

	for (size_t i = 0; i < r->n; i++) {
		int fd = r->places[i] ? r->places[i]->fd : -1;

		gate_leave(&r->gate, r->places[i]);
		if (fd >= 0)
			close(fd);
		close(r->peers[i]);
	}
	assert_int_equal(gate_connections(&r->gate), 0);
	free(r);
	return 0;
}

/* True: it has come in, as number r->n - 1. */
static bool come(struct room *r, struct ip4 from, enum gate_kind kind)
{
	int pair[2];

	if (!gate_admit(&r->gate, from, kind, now))
		return false;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
	r->places[r->n] = gate_enter(&r->gate, pair[0], from, kind, now);
	assert_non_null(r->places[r->n]);
	r->peers[r->n++] = pair[1];
	return true;
}

static bool is_shut(const struct room *r, size_t i)
{
	char c;

	return recv(r->peers[i], &c, 1, 0) == 0;
}

/* Closes what was shut, as the server does. */
static void close_shut(struct room *r)
{
	for (size_t i = 0; i < r->n; i++) {
		int fd;

		if (!r->places[i] || !r->places[i]->ended)
			continue;
		assert_true(is_shut(r, i));
		fd = r->places[i]->fd;
		gate_leave(&r->gate, r->places[i]);
		r->places[i] = NULL;
		close(fd);
	}
}

static unsigned long long counted(struct room *r, enum gate_reason why)
{
	return atomic_load(&r->gate.counts[why]);
}

static void one_address_has_so_many_connections(void **state)
{
	struct room *r = *state;

	for (int i = 0; i < CONNECTIONS_STRANGER; i++)
		assert_true(come(r, STRANGER(1), GATE_STRANGER));
	assert_false(come(r, STRANGER(1), GATE_STRANGER));
	assert_true(come(r, STRANGER(2), GATE_STRANGER));
	for (int i = 0; i < CONNECTIONS_NODE; i++)
		assert_true(come(r, NODE(1), GATE_NODE));
	assert_false(come(r, NODE(1), GATE_NODE));
	assert_int_equal(counted(r, GATE_ADDRESS), 2);
}

static void strangers_never_take_the_nodes_places(void **state)
{
	struct room *r = *state;
	size_t alive = 0;

	for (int i = 0; i < 1500; i++) {
		SLOWLY;
		if (come(r, STRANGER(i / CONNECTIONS_STRANGER), GATE_STRANGER))
			close_shut(r);
	}
	for (size_t i = 0; i < r->n; i++)
		alive += r->places[i] != NULL;
	assert_int_equal(alive, CONNECTIONS_STRANGERS);
	assert_true(counted(r, GATE_DISPLACED) > 0);
	for (int i = 0; i < 100; i++)
		assert_true(come(r, NODE(i), GATE_NODE));
	assert_int_equal(gate_connections(&r->gate), CONNECTIONS_STRANGERS + 100);
}

/* Those that are being answered stay, and whoever comes then is turned away. */
static void who_waits_longest_gives_way(void **state)
{
	struct room *r = *state;

	for (int i = 0; i < CONNECTIONS_STRANGERS; i++) {
		SLOWLY;
		assert_true(come(r, STRANGER(i), GATE_STRANGER));
		if (i != 7 && i != 9)
			gate_answer(&r->gate, r->places[i], 1000000000, 0, now);
	}
	SLOWLY;
	assert_true(come(r, STRANGER(1000), GATE_STRANGER));
	assert_true(is_shut(r, 7));
	assert_false(is_shut(r, 9));
	gate_answer(&r->gate, r->places[r->n - 1], 1000, 0, now);
	SLOWLY;
	assert_true(come(r, STRANGER(1001), GATE_STRANGER));
	assert_true(is_shut(r, 9));
	gate_answer(&r->gate, r->places[r->n - 1], 1000, 0, now);
	SLOWLY;
	assert_false(come(r, STRANGER(1002), GATE_STRANGER));
	assert_int_equal(counted(r, GATE_FULL), 1);
	assert_true(come(r, NODE(1), GATE_NODE));
}

/* All places are the nodes', with 20 connections each: one more node gets its place from one of them. */
static void a_greedy_address_makes_room_for_a_modest_one(void **state)
{
	struct room *r = *state;

	for (int i = 0; i < CONNECTIONS; i++) {
		now += 10;
		assert_true(come(r, NODE(i / 20), GATE_NODE));
		gate_answer(&r->gate, r->places[i], 1000000000, 0, now);
	}
	SLOWLY;
	assert_true(come(r, NODE(5000), GATE_NODE));
	assert_int_equal(counted(r, GATE_DISPLACED), 1);
	assert_false(come(r, STRANGER(1), GATE_STRANGER)); /* no node gives way to a stranger */
}

/* What the users of its node hold and ask for is theirs; where all is full, they make room for it. */
static void an_agent_has_a_share_of_its_own(void **state)
{
	struct room *r = *state;

	for (int i = 0; i < CONNECTIONS_NODE; i++)
		assert_true(come(r, NODE(1), GATE_NODE));
	for (int i = 0; i < BURST_REQUESTS; i++)
		gate_admit(&r->gate, NODE(1), GATE_NODE, now);
	assert_false(come(r, NODE(1), GATE_NODE));
	for (int i = 0; i < CONNECTIONS_AGENT; i++)
		assert_true(come(r, NODE(1), GATE_AGENT));
	assert_false(come(r, NODE(1), GATE_AGENT));
	for (int i = CONNECTIONS_NODE; (int)r->n < CONNECTIONS; i++) {
		SLOWLY;
		assert_true(come(r, NODE(2 + i / CONNECTIONS_NODE), GATE_NODE));
	}
	/* The agent's connections are not the first to give way, though they have waited long. */
	for (int i = 0; i < 10; i++) {
		SLOWLY;
		assert_true(come(r, NODE(1000 + i), i % 2 ? GATE_AGENT : GATE_NODE));
	}
	assert_int_equal(counted(r, GATE_DISPLACED), 10);
	for (int i = 0; i < CONNECTIONS_AGENT; i++)
		assert_false(r->places[CONNECTIONS_NODE + i]->ended);
}

static void a_request_has_its_time_however_it_trickles_in(void **state)
{
	struct room *r = *state;

	assert_true(come(r, NODE(1), GATE_NODE));
	now += REQUEST_MS - 1;
	assert_int_equal(gate_sweep(&r->gate, now), 1);
	assert_false(is_shut(r, 0));
	now += 1;
	gate_sweep(&r->gate, now);
	assert_true(is_shut(r, 0));
	assert_int_equal(counted(r, GATE_SLOW_REQUEST), 1);
}

/* A root of 200 MB over a link of 32 KB a second, which many nodes share. */
static void a_slow_fetch_has_the_time_that_it_needs_and_no_more(void **state)
{
	struct room *r = *state;
	uint64_t size = UINT64_C(200) * 1024 * 1024;
	int64_t began = now;

	assert_true(come(r, NODE(1), GATE_NODE));
	gate_answer(&r->gate, r->places[0], size, 0, now);
	now = began + (int64_t)(size / 32 / 1024) * 1000;
	gate_sweep(&r->gate, now);
	assert_false(is_shut(r, 0));
	now = began + ANSWER_MS + (int64_t)(size / ANSWER_PACE);
	gate_sweep(&r->gate, now);
	assert_true(is_shut(r, 0));
	assert_int_equal(counted(r, GATE_SLOW_ANSWER), 1);
	/* The next request's time begins behind the answer. */
	assert_true(come(r, NODE(2), GATE_NODE));
	gate_answer(&r->gate, r->places[1], 10, 0, now);
	gate_wait(&r->gate, r->places[1], now + 50000);
	gate_sweep(&r->gate, now + 50000 + REQUEST_MS - 1);
	assert_false(is_shut(r, 1));
}

/* The server has sent it all into the system's buffers, and a slow node takes it from there. */
static void what_the_system_still_sends_is_not_cut_off(void **state)
{
	struct room *r = *state;
	char block[4096] = "";
	size_t sent = 0;
	ssize_t n;

	assert_true(come(r, NODE(1), GATE_NODE));
	gate_answer(&r->gate, r->places[0], 100000, 0, now);
	while ((n = send(r->places[0]->fd, block, sizeof(block), MSG_NOSIGNAL)) > 0)
		sent += (size_t)n;
	gate_wait(&r->gate, r->places[0], now);
	now += REQUEST_MS + 1000;
	gate_sweep(&r->gate, now);
	assert_false(r->places[0]->ended);
	while ((n = recv(r->peers[0], block, sizeof(block), 0)) > 0)
		sent -= (size_t)n;
	assert_int_equal(sent, 0);
	/* From now on it has its time for the next request. */
	gate_sweep(&r->gate, now);
	gate_sweep(&r->gate, now + REQUEST_MS - 1);
	assert_false(r->places[0]->ended);
	gate_sweep(&r->gate, now + REQUEST_MS);
	assert_true(is_shut(r, 0));
	assert_int_equal(counted(r, GATE_SLOW_REQUEST), 1);
}

/* Who never takes it keeps nothing. */
static void what_nobody_takes_is_cut_off_in_the_end(void **state)
{
	struct room *r = *state;

	assert_true(come(r, STRANGER(1), GATE_STRANGER));
	gate_answer(&r->gate, r->places[0], 100, 0, now);
	assert_int_equal(send(r->places[0]->fd, "x", 1, MSG_NOSIGNAL), 1);
	gate_wait(&r->gate, r->places[0], now);
	gate_sweep(&r->gate, now + ANSWER_MS - 1);
	assert_false(r->places[0]->ended);
	gate_sweep(&r->gate, now + ANSWER_MS + 1000);
	assert_true(r->places[0]->ended);
	assert_int_equal(counted(r, GATE_SLOW_ANSWER), 1);
}

/* A reader with its pauses is alive; what the system has taken for one that does not read is not. */
static void who_takes_nothing_is_ended_and_who_takes_little_is_not(void **state)
{
	struct room *r = *state;
	char block[4096] = "";

	for (int i = 0; i < 2; i++) {
		assert_true(come(r, NODE(i), GATE_NODE));
		gate_answer(&r->gate, r->places[i], UINT64_C(1) << 30, 0, now);
		while (send(r->places[i]->fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
			;
	}
	for (int i = 0; i < 4; i++) {
		gate_sweep(&r->gate, now);
		assert_true(recv(r->peers[0], block, sizeof(block), 0) > 0);
		now += IDLE_MS - 1000;
		gate_sweep(&r->gate, now);
		assert_false(r->places[0]->ended);
		assert_int_equal(r->places[1]->ended, i > 0);
	}
	assert_int_equal(counted(r, GATE_SLOW_ANSWER), 1);
}

static void requests_on_one_connection_count_as_well(void **state)
{
	struct room *r = *state;
	size_t passed = 0;

	assert_true(come(r, STRANGER(1), GATE_STRANGER));
	for (int i = 0; i < 1000; i++)
		passed += gate_request(&r->gate, r->places[0], now);
	assert_int_equal(passed, BURST_REQUESTS);
	/* Its flood is nobody else's loss. */
	assert_true(come(r, NODE(1), GATE_NODE));
	assert_true(gate_request(&r->gate, r->places[1], now));
	assert_false(come(r, STRANGER(1), GATE_STRANGER));
}

static void strangers_have_one_rate_together(void **state)
{
	struct room *r = *state;
	size_t passed = 0;

	for (int i = 0; i < 2000; i++)
		passed += gate_admit(&r->gate, STRANGER(i), GATE_STRANGER, now);
	assert_int_equal(passed, BURST_STRANGERS);
	for (int i = 0; i < 1000; i++)
		assert_true(gate_admit(&r->gate, NODE(i), GATE_NODE, now));
	assert_int_equal(counted(r, GATE_RATE), 2000 - BURST_STRANGERS);
}

#define ROOM(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROOM(one_address_has_so_many_connections),
		ROOM(strangers_never_take_the_nodes_places),
		ROOM(who_waits_longest_gives_way),
		ROOM(a_greedy_address_makes_room_for_a_modest_one),
		ROOM(an_agent_has_a_share_of_its_own),
		ROOM(a_request_has_its_time_however_it_trickles_in),
		ROOM(a_slow_fetch_has_the_time_that_it_needs_and_no_more),
		ROOM(what_the_system_still_sends_is_not_cut_off),
		ROOM(what_nobody_takes_is_cut_off_in_the_end),
		ROOM(who_takes_nothing_is_ended_and_who_takes_little_is_not),
		ROOM(requests_on_one_connection_count_as_well),
		ROOM(strangers_have_one_rate_together),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
