/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screens of `muster setup` as doc/screens.md shows them, but for those that say what is on this very machine. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/screens/golden.h"
#include "tests/screens/setup-room.h"

static const char answers[] =
	"cluster { name = \"krg\" }\nnetwork \"eth1\" { address = \"10.66.0.1/24\" }\n"
	"nodes { count = 16 macs = {\"52:54:00:66:00:01\", \"52:54:00:66:00:02\"} }\n"
	"access { ssh_keys = {\"ssh-ed25519 "
	"AAAAC3NzaC1lZDI1NTE5AAAAIJ1Mo1t1S0Tzq6q5fVxPvYqzj1b2c3d4e5f6g7h8i9jA me@here\"} }\n";

static void the_questions(void **state)
{
	struct vt *v;

	room_answers(*state, answers);
	v = wizard(*state);
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "● eth1");
	assert_golden(v, "setup-server");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "another machine's facts");
	assert_golden(v, "setup-network");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "node01 … node16");
	assert_golden(v, "setup-nodes");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Which kernel do the nodes run?");
	assert_golden(v, "setup-kernel");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	assert_golden(v, "setup-services");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Public ssh keys");
	assert_golden(v, "setup-access");
	vt_send(v, TAB TAB ENTER);
	assert_seen(v, "It is asked twice");
	assert_golden(v, "setup-password");
	vt_send(v, ESCAPE);
	assert_gone(v, "It is asked twice");
	vt_send(v, ESCAPE);
	assert_seen(v, "Leave the wizard?");
	assert_golden(v, "setup-leave");
	vt_send(v, "S");
	assert_gone(v, "Leave the wizard?");
	wizard_leave(v);
}

static void wide(void **state)
{
	struct vt *v;

	room_answers(*state, answers);
	v = wizard_in(*state, 43, 132, NULL);
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "● eth1");
	assert_golden(v, "setup-server-wide");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "another machine's facts");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "node01 … node16");
	assert_golden(v, "setup-nodes-wide");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Which kernel do the nodes run?");
	assert_golden(v, "setup-kernel-wide");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "Public ssh keys");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "A node root to be built");
	wizard_leave(v);
}

/* What is above and below names what is, and is not, on this machine. */
static void a_difference(void **state)
{
	struct vt *v;

	room_answers(*state, answers);
	v = wizard(*state);
	wizard_go(v, "A node root to be built");
	vt_send(v, "/+bogus-priv" ENTER);
	assert_seen(v, "+bogus-priv");
	assert_golden(v, "setup-review");
	wizard_leave(v);
}

static void wrong_answers_and_ranges(void **state)
{
	struct vt *v;

	room_answers(*state, answers);
	v = wizard(*state);
	wizard_go(v, "How do the nodes get their addresses?");
	vt_send(v, " " TAB TAB WIPE "10.66.0.9-10.66.0.2" TAB);
	assert_seen(v, "! ");
	assert_golden(v, "setup-wrong");
	vt_send(v, "\033[Z" WIPE "10.66.0.100-10.66.0.199" TAB);
	assert_seen(v, "Room for 100 machines");
	assert_golden(v, "setup-range");
	vt_send(v, "\033OP");
	assert_seen(v, "Explain this step");
	assert_golden(v, "setup-help");
	vt_send(v, ESCAPE);
	assert_gone(v, "Explain this step");
	wizard_leave(v);
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, room_setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(the_questions),
		WITH_ROOM(wide),
		WITH_ROOM(a_difference),
		WITH_ROOM(wrong_answers_and_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
