/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `muster setup` on every kind of terminal, in every size, and when the terminal or the wizard itself goes away. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/screens/setup-room.h"

#define DISTRO "The distribution's kernel"
#define CLOUD "Its small kernel for virtual machines"

static bool coloured(struct vt *v)
{
	for (int y = 0; y < 24; y++)
		for (int x = 0; x < 80; x++)
			if (vt_cell(v, y, x).coloured)
				return true;
	return false;
}

/* It draws, a key works, it ends, and the terminal is as it was. */
/* The Linux console has box-drawing characters in its font, but not the signs. */
static void try_terminal(const struct room *r, const char *term, bool utf8, bool no_color)
{
	char term_is[32], where[96];
	const char *const env[] = { term_is, VT_LEAKY_GPM, utf8 ? "LC_ALL=C.UTF-8" : "LC_ALL=C",
				    no_color ? "NO_COLOR=1" : NULL, NULL };
	bool signs = utf8 && strcmp(term, "linux") != 0;
	struct vt *v;

	snprintf(term_is, sizeof(term_is), "TERM=%s", term);
	snprintf(where, sizeof(where), "TERM=%s, %s%s", term, utf8 ? "UTF-8" : "C",
		 no_color ? ", NO_COLOR" : "");
	print_message("# %s\n", where);
	v = wizard_in(r, 24, 80, env);
	/* Ctrl-N: a vt100 has no page down. */
	wizard_go_by(v, "Which kernel do the nodes run?", "\016");
	assert_seen(v, utf8 ? "(•) " DISTRO : "(*) " DISTRO);
	assert_seen(v, signs ? "▸ Kernel, root" : "> Kernel, root");
	vt_send(v, " ");
	assert_seen(v, utf8 ? "(•) " CLOUD : "(*) " CLOUD);
	if (coloured(v) != (!no_color && strcmp(term, "vt100") != 0))
		fail_msg("%s: colours are %s", where, no_color ? "there" : "missing");
	/* And back, so that the next one begins alike. */
	vt_send(v, "   ");
	assert_seen(v, utf8 ? "(•) " DISTRO : "(*) " DISTRO);
	/* A vt100 has no page keys; the terminal that calls itself one has. */
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "The cluster's name");
	vt_send(v, PAGE_UP);
	assert_seen(v, "Which kernel do the nodes run?");
	wizard_leave(v);
}

static void every_terminal_will_do(void **state)
{
	static const char *const terms[] = { "linux", "vt100", "xterm-256color", "screen", "tmux" };

	for (size_t i = 0; i < ARRAY_SIZE(terms); i++)
		for (int utf8 = 0; utf8 < 2; utf8++)
			for (int no_color = 0; no_color < 2; no_color++)
				try_terminal(*state, terms[i], utf8, no_color);
}

static void vi_keys_and_the_mouse_work_too(void **state)
{
	struct vt *v = wizard(*state);
	int row, column;

	wizard_go(v, "Which interface leads to the nodes?");
	assert_seen(v, "● eth1");
	assert_seen(v, "Intel I210, driver igb");
	vt_send(v, "k");
	assert_seen(v, "driver virtio_net");
	vt_send(v, "j");
	assert_seen(v, "Intel I210, driver igb");
	vt_send(v, PAGE_DOWN);
	assert_seen(v, "This server's address there");
	assert_seen(v, "( ) Another DHCP server gives them");
	assert_true(vt_find(v, "Another DHCP server gives them", &row, &column));
	vt_click(v, row, column);
	assert_seen(v, "(•) Another DHCP server gives them");
	wizard_leave(v);
}

static const int sizes[][2] = { { 43, 132 }, { 24, 80 },  { 12, 50 }, { 24, 80 },
				{ 2, 10 },   { 60, 200 }, { 24, 80 } };

static void every_size_is_followed_on_every_step(void **state)
{
	static const char *const steps[] = { "Enter begin",
					     "Which interface leads to the nodes?",
					     "This server's address there",
					     "How do the nodes get their addresses?",
					     "Which kernel do the nodes run?",
					     "The cluster's name",
					     "Public ssh keys",
					     "A node root to be built" };
	struct vt *v = wizard(*state);

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		assert_seen(v, steps[i]);
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
			vt_resize(v, sizes[k][0], sizes[k][1]);
			if (sizes[k][0] >= 24)
				assert_seen(v, steps[i]);
			else if (sizes[k][0] >= 12)
				assert_seen(v, "80x24");
		}
		vt_send(v, PAGE_DOWN);
	}
	wizard_leave(v);
}

static void every_size_is_followed_in_a_box(void **state)
{
	struct vt *v = wizard(*state);

	wizard_go(v, "Public ssh keys");
	vt_send(v, TAB TAB ENTER);
	assert_seen(v, "It is asked twice");
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		vt_resize(v, sizes[k][0], sizes[k][1]);
		if (sizes[k][0] >= 24) {
			assert_seen(v, "It is asked twice");
			/* What lies below it is there again, too. */
			assert_seen(v, "● Network");
		} else if (sizes[k][0] >= 12) {
			assert_seen(v, "80x24");
		}
	}
	vt_send(v, ESCAPE);
	assert_gone(v, "It is asked twice");
	wizard_leave(v);
}

static void a_closed_terminal_ends_it_and_leaves_the_answers(void **state)
{
	struct room *r = *state;
	struct vt *v = wizard(r);
	int status;

	wizard_go(v, "How do the nodes get their addresses?");
	vt_hang_up(v);
	assert_true(vt_wait_exit(v, VT_PATIENCE, &status));
	assert_true(WIFEXITED(status));
	vt_free(v);
	assert_int_equal(room_muster(r, "check", NULL), 0);
	v = wizard(r);
	assert_seen(v, "Answers of an earlier run were found");
	wizard_leave(v);
}

static void the_terminal_is_given_back_by(struct vt *v, int sig)
{
	const char *left;
	int status;

	assert_int_equal(kill(vt_pid(v), sig), 0);
	assert_true(vt_wait_exit(v, VT_PATIENCE, &status));
	left = vt_left_behind(v);
	if (left)
		fail_msg("signal %d: it leaves %s behind", sig, left);
	vt_free(v);
}

static void a_crash_gives_the_terminal_back(void **state)
{
	static const int signals[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGTERM };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		struct vt *v = wizard(*state);

		wizard_go(v, "This server's address there");
		the_terminal_is_given_back_by(v, signals[i]);
	}
	/* Also out of a box. */
	{
		struct vt *v = wizard(*state);

		vt_send(v, ESCAPE);
		assert_seen(v, "Leave the wizard?");
		the_terminal_is_given_back_by(v, SIGSEGV);
	}
}

#define WITH_ROOM(test) cmocka_unit_test_setup_teardown(test, room_setup, room_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOM(every_terminal_will_do),
		WITH_ROOM(vi_keys_and_the_mouse_work_too),
		WITH_ROOM(every_size_is_followed_on_every_step),
		WITH_ROOM(every_size_is_followed_in_a_box),
		WITH_ROOM(a_closed_terminal_ends_it_and_leaves_the_answers),
		WITH_ROOM(a_crash_gives_the_terminal_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
