/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's pokes, as the agent takes them. On the loopback device, at addresses of this process's own. */
#include "config.h"

#include "tests/unit/agent-room.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>

#include "agent/poke.h"

static struct in_addr address(unsigned last)
{
	unsigned pid = (unsigned)getpid();

	return (struct in_addr){ htonl(127u << 24 | 1u << 23 | (pid & 0x7fff) << 8 | last) };
}

static void send_from(struct in_addr from, struct in_addr to)
{
	const struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = from };
	const struct sockaddr_in b = { .sin_family = AF_INET,
				       .sin_port = htons(WIRE_POKE_PORT),
				       .sin_addr = to };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(sendto(fd, "", 0, 0, (const struct sockaddr *)&b, sizeof(b)), 0);
	close(fd);
}

static void the_server_alone_is_heard_and_once_a_second(void **state)
{
	const struct conf c = { .address = address(2), .server = address(1), .port = 8066 };
	struct poke p = POKE_INIT;

	poke_open(&p, &c, false);
	assert_true(p.fd >= 0);
	poke_look(&p);
	assert_false(p.wanted);
	assert_int_equal(poke_left(&p, 5000), 5000);
	send_from(address(3), address(2));
	poke_look(&p);
	assert_false(p.wanted);
	/* From any of its ports; many at once ask for one report. */
	send_from(address(1), address(2));
	send_from(address(1), address(2));
	poke_look(&p);
	assert_true(p.wanted);
	assert_true(poke_left(&p, 5000) <= 0 || now_ms() < 1000);
	poke_answered(&p);
	assert_int_equal(poke_left(&p, 5000), 5000);
	send_from(address(1), address(2));
	poke_look(&p);
	assert_in_range(poke_left(&p, 5000), 1, 1000);
	assert_in_range(poke_left(&p, 100), 0, 100);
	close(p.fd);
}

static void it_listens_as_soon_as_the_node_has_its_address(void **state)
{
	struct conf c = { .server = address(1), .port = 8066 };
	struct poke p = POKE_INIT;

	/* TEST-NET-1 (RFC 5737): no machine has it. */
	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", &c.address), 1);
	poke_open(&p, &c, false);
	assert_int_equal(p.fd, -1);
	poke_look(&p);
	assert_int_equal(poke_left(&p, 5000), 5000);
	c.address = address(2);
	poke_open(&p, &c, false);
	assert_true(p.fd >= 0);
	close(p.fd);
}

static void the_first_process_is_woken_by_a_signal(void **state)
{
	const struct conf c = { .address = address(2), .server = address(1), .port = 8066 };
	const struct timespec deadline = { .tv_sec = 10 };
	struct poke p = POKE_INIT;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	poke_open(&p, &c, true);
	send_from(address(1), address(2));
	assert_int_equal(sigtimedwait(&set, NULL, &deadline), SIGIO);
	poke_look(&p);
	assert_true(p.wanted);
	close(p.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_server_alone_is_heard_and_once_a_second),
		cmocka_unit_test(it_listens_as_soon_as_the_node_has_its_address),
		cmocka_unit_test(the_first_process_is_woken_by_a_signal),
	};

	return cmocka_run_group_tests_name("agent-poke", tests, NULL, NULL);
}
