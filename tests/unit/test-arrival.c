/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether what was sent has arrived, over connections of the loopback interface. */
#include "config.h"

#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "daemon/arrival.h"
#include "daemon/outgoing.h"

struct heard {
	int times;
	bool arrived;
};

static struct arrivals arrivals = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void done(void *data, bool arrived)
{
	struct heard *h = data;

	h->times++;
	h->arrived = arrived;
}

/* The first one is the server's. */
static void connect_pair(int pair[2], int buffer)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	pair[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0 && pair[1] >= 0);
	if (buffer)
		assert_int_equal(setsockopt(pair[1], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(connect(pair[1], (struct sockaddr *)&a, sizeof(a)), 0);
	pair[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(pair[0] >= 0);
	close(listener);
}

static void close_pair(const int pair[2])
{
	close(pair[0]);
	close(pair[1]);
}

/* More than the other end's buffer takes. */
static void fill(int fd)
{
	char block[4096] = "";

	while (send(fd, block, sizeof(block), MSG_NOSIGNAL) > 0)
		;
}

static void set_lo(bool up)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = up ? IFF_UP : 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

static void what_is_read_has_arrived_and_what_is_reset_has_not(void **state)
{
	struct heard h = { 0 };
	int pair[2];

	connect_pair(pair, 1);
	fill(pair[0]);
	arrivals_watch(&arrivals, pair[0], 1000, done, &h);
	assert_int_equal(arrivals_sweep(&arrivals, 1001), 1);
	close(pair[1]);
	for (int i = 0; i < 500 && arrivals_sweep(&arrivals, 1002) > 0; i++)
		poll(NULL, 0, 10);
	assert_int_equal(h.times, 1);
	assert_false(h.arrived);
	close(pair[0]);
	connect_pair(pair, 0);
	assert_int_equal(send(pair[0], "hello", 5, MSG_NOSIGNAL), 5);
	arrivals_watch(&arrivals, pair[0], 1000, done, &h);
	for (int i = 0; i < 500 && arrivals_sweep(&arrivals, 1002) > 0; i++)
		poll(NULL, 0, 10);
	assert_int_equal(h.times, 2);
	assert_true(h.arrived);
	close_pair(pair);
}

/* The cable is pulled when all bytes are there, and the connection's end is not. */
static void a_connections_end_is_no_byte(void **state)
{
	struct outgoing o = { .waits = 1 };
	struct heard h = { 0 };
	int pair[2];

	if (unshare(CLONE_NEWNET) < 0)
		skip(); /* only root has a network of its own; run.sh, as root, counts what is left out as a failure */
	set_lo(true);
	connect_pair(pair, 0);
	assert_int_equal(send(pair[0], "hello", 5, MSG_NOSIGNAL), 5);
	for (int i = 0; i < 500 && outgoing_look(pair[0], &o) && o.waits > 0; i++)
		poll(NULL, 0, 10);
	assert_int_equal(o.waits, 0);
	set_lo(false);
	assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
	arrivals_watch(&arrivals, pair[0], 1000, done, &h);
	assert_int_equal(h.times, 1);
	assert_true(h.arrived);
	close_pair(pair);
}

static void what_cannot_be_watched_has_not_arrived(void **state)
{
	struct heard h = { 0 };
	struct rlimit limit, none;
	int pair[2];

	connect_pair(pair, 1);
	fill(pair[0]);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 0, limit.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	arrivals_watch(&arrivals, pair[0], 1000, done, &h);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(h.times, 1);
	assert_false(h.arrived);
	close_pair(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_has_arrived_and_what_is_reset_has_not),
		cmocka_unit_test(what_cannot_be_watched_has_not_arrived),
		cmocka_unit_test(a_connections_end_is_no_byte),
	};

	return cmocka_run_group_tests_name("arrival", tests, NULL, NULL);
}
