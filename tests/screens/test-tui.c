/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal as it sees tui/: tui-demo in several sizes, kinds and locales, and each way in which it can end. */
#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "demo-test.h"

/* ---- the terminal ------------------------------------------------------------------------------------------ */

static void a_screen_comes_up_and_the_terminal_is_given_back(void **state)
{
	struct vt *v = start();

	assert_true(vt_find(v, "● node00001", NULL, NULL));
	assert_true(vt_find(v, "✗ node00009", NULL, NULL));
	assert_true(vt_find(v, "漢字 é ←→", NULL, NULL));
	assert_non_null(vt_left_behind(v));
	quit(v);
}

static void a_large_terminal_shows_more_columns(void **state)
{
	struct vt *v = start_with("40", NULL, 43, 132);

	assert_seen(v, "9f3c0000");
	assert_seen(v, "node00038");
	quit(v);
}

static void it_follows_the_size_of_the_terminal(void **state)
{
	struct vt *v = start();

	vt_resize(v, 43, 132);
	assert_seen(v, "ROOT");
	assert_seen(v, "node00038");
	vt_resize(v, 24, 80);
	assert_gone(v, "ROOT");
	assert_seen(v, "quit");
	assert_string_equal(vt_row(v, 23),
			    " Enter form  p pager  b boxes  ? help  q quit  / filter  Space select  s sort");
	quit(v);
}

static void too_small_a_terminal_is_told_so_until_it_is_large_enough(void **state)
{
	struct vt *v = start_with("40", NULL, 20, 60);

	assert_seen(v, "This terminal is 60x20; muster wants 80x24 or more.");
	vt_resize(v, 3, 20);
	assert_seen(v, "This terminal is");
	assert_seen(v, "20x3");
	/* Nothing is worked on that is not seen. */
	vt_send(v, "q");
	/* The kernel hands keys on later than signals: two more drawings, and it was there. */
	for (int rows = 4; rows < 6; rows++) {
		vt_resize(v, rows, 21);
		assert_seen(v, rows == 4 ? "21x4" : "21x5");
		assert_true(vt_settle(v, 50, VT_PATIENCE));
	}
	vt_resize(v, 24, 80);
	assert_seen(v, "node00001");
	vt_resize(v, 1, 1);
	vt_resize(v, 30, 100);
	assert_seen(v, "node00021");
	quit(v);
}

static void it_works_in_every_kind_of_terminal(void **state)
{
	static const char *const kinds[] = { "TERM=linux", "TERM=vt100", "TERM=xterm-256color", "TERM=screen",
					     "TERM=tmux",  "TERM=xterm", "TERM=screen-256color" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *const env[] = { kinds[i], VT_LEAKY_GPM, NULL };
		struct vt *v = start_with("40", env, 24, 80);

		assert_seen(v, "node00001");
		vt_send(v, "jj");
		vt_send(v, "p");
		assert_seen(v, "/srv/old");
		vt_send(v, "q");
		assert_gone(v, "/srv/old");
		vt_send(v, "b");
		assert_seen(v, "Which kind of box");
		vt_send(v, "\x1b");
		assert_seen(v, "cancelled");
		quit(v);
	}
}

static void an_unknown_terminal_is_refused(void **state)
{
	static const char *const kinds[] = { "TERM=no-such-terminal", "TERM=dumb", "TERM=" };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *const env[] = { kinds[i], NULL };
		struct vt *v = start_with("40", env, 24, 80);

		assert_ended(v, 2);
		assert_seen(v, "tui-demo: No such device or address");
		vt_free(v);
	}
}

static void the_c_locale_gets_ascii(void **state)
{
	static const char *const env[] = { "LC_ALL=C", NULL };
	struct vt *v = start_with("40", env, 24, 80);

	assert_seen(v, "* node00001");
	assert_seen(v, "x node00009");
	assert_seen(v, "~ node00007");
	vt_send(v, "s");
	assert_seen(v, "NODE v");
	vt_send(v, "\r");
	assert_seen(v, "+ Steps ");
	assert_seen(v, "(*) Bound");
	for (const char *p = vt_screen(v); *p; p++)
		assert_true((unsigned char)*p < 0x80);
	vt_send(v, "\x1b");
	assert_gone(v, "+ Steps ");
	vt_send(v, "b");
	assert_seen(v, "Which kind of box");
	for (const char *p = vt_screen(v); *p; p++)
		assert_true((unsigned char)*p < 0x80);
	vt_send(v, "\x1b");
	assert_seen(v, "cancelled");
	quit(v);
}

static void colours_are_left_out_when_asked(void **state)
{
	static const char *const env[] = { "NO_COLOR=1", NULL }, *const empty[] = { "NO_COLOR=", NULL };
	struct vt *v = start_with("40", env, 24, 80);
	int row, column;

	assert_seen(v, "quit");
	for (row = 0; row < 24; row++)
		for (column = 0; column < 80; column++)
			assert_false(vt_cell(v, row, column).coloured);
	/* What colour says is said by an attribute. */
	assert_true(vt_find(v, "node00001", &row, &column));
	assert_true(vt_cell(v, row, column).reverse);
	vt_send(v, "b");
	assert_seen(v, "Which kind of box");
	for (row = 0; row < 24; row++)
		for (column = 0; column < 80; column++)
			assert_false(vt_cell(v, row, column).coloured);
	vt_send(v, "\x1b");
	assert_seen(v, "cancelled");
	quit(v);
	v = start_with("40", empty, 24, 80);
	assert_seen(v, "● node00002");
	assert_true(vt_find(v, "● node00002", &row, &column));
	assert_true(vt_cell(v, row, column).coloured);
	quit(v);
}

static void only_what_differs_is_sent(void **state)
{
	struct vt *v = start();
	size_t before;

	assert_true(vt_settle(v, 100, VT_PATIENCE));
	before = vt_bytes(v);
	vt_send(v, "j");
	assert_true(vt_pump(v, VT_PATIENCE));
	assert_true(vt_settle(v, 50, VT_PATIENCE));
	assert_in_range(vt_bytes(v) - before, 1, 700);
	/* A key that does nothing sends nothing, and neither does time. */
	before = vt_bytes(v);
	vt_send(v, "~");
	assert_true(vt_settle(v, 300, VT_PATIENCE));
	assert_int_equal(vt_bytes(v), before);
	quit(v);
}

/* ---- how it ends ------------------------------------------------------------------------------------------- */

static void a_signal_ends_it_in_order(void **state)
{
	static const struct {
		int sig, status;
	} cases[] = { { SIGHUP, 11 }, { SIGTERM, 12 }, { SIGINT, 12 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (int in_box = 0; in_box < 2; in_box++) {
			struct vt *v = start();

			if (in_box) {
				vt_send(v, "b");
				assert_seen(v, "Which kind of box");
			}
			kill(vt_pid(v), cases[i].sig);
			assert_ended(v, cases[i].status);
			vt_free(v);
		}
}

static void control_c_ends_it(void **state)
{
	struct vt *v = start();

	vt_send(v, "\x03");
	assert_ended(v, 12);
	vt_free(v);
}

static void a_terminal_that_goes_away_ends_it(void **state)
{
	for (int in_box = 0; in_box < 2; in_box++) {
		struct vt *v = start();
		int status;

		if (in_box) {
			vt_send(v, "b");
			assert_seen(v, "Which kind of box");
		}
		vt_hang_up(v);
		assert_true(vt_wait_exit(v, VT_PATIENCE, &status));
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 11);
		vt_free(v);
	}
}

static void a_crash_gives_the_terminal_back(void **state)
{
	static const int signs[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		struct vt *v = start();
		int status;

		if (i == 0)
			vt_send(v, "C");
		else
			kill(vt_pid(v), signs[i]);
		assert_true(vt_wait_exit(v, VT_PATIENCE, &status));
		/* A sanitizer makes an exit of it. */
		assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == signs[i] : WEXITSTATUS(status) != 0);
		assert_null(vt_left_behind(v));
		vt_free(v);
	}
}

static void an_exit_from_anywhere_gives_the_terminal_back(void **state)
{
	struct vt *v = start();

	vt_send(v, "X");
	assert_ended(v, 3);
	vt_free(v);
}

static void control_z_goes_to_the_shell_and_fg_comes_back(void **state)
{
	static const char *const argv[] = { "bash", "--norc", "--noediting", "-i", NULL };
	static const char *const env[] = { "PS1=prompt> ", "HISTFILE=", NULL };

	for (int in_box = 0; in_box < 2; in_box++) {
		struct vt *v;

		assert_int_equal(vt_start(argv, env, 24, 80, &v), 0);
		assert_seen(v, "prompt>");
		vt_send(v, DEMO "\n");
		assert_seen(v, "node00001");
		if (in_box) {
			vt_send(v, "b");
			assert_seen(v, "Which kind of box");
		}
		vt_send(v, "\x1a");
		assert_seen(v, "Stopped");
		assert_false(vt_find(v, "node00005", NULL, NULL));
		vt_send(v, "fg\n");
		assert_seen(v, "node00005");
		if (in_box) {
			assert_seen(v, "Which kind of box");
			vt_send(v, "\x1b");
			assert_seen(v, "cancelled");
		}
		vt_send(v, "q");
		assert_seen(v, "bye 0");
		assert_seen(v, "prompt>");
		vt_send(v, "exit\n");
		assert_true(vt_wait_exit(v, VT_PATIENCE, NULL));
		vt_free(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_screen_comes_up_and_the_terminal_is_given_back),
		cmocka_unit_test(a_large_terminal_shows_more_columns),
		cmocka_unit_test(it_follows_the_size_of_the_terminal),
		cmocka_unit_test(too_small_a_terminal_is_told_so_until_it_is_large_enough),
		cmocka_unit_test(it_works_in_every_kind_of_terminal),
		cmocka_unit_test(an_unknown_terminal_is_refused),
		cmocka_unit_test(the_c_locale_gets_ascii),
		cmocka_unit_test(colours_are_left_out_when_asked),
		cmocka_unit_test(only_what_differs_is_sent),
		cmocka_unit_test(a_signal_ends_it_in_order),
		cmocka_unit_test(control_c_ends_it),
		cmocka_unit_test(a_terminal_that_goes_away_ends_it),
		cmocka_unit_test(a_crash_gives_the_terminal_back),
		cmocka_unit_test(an_exit_from_anywhere_gives_the_terminal_back),
		cmocka_unit_test(control_z_goes_to_the_shell_and_fg_comes_back),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests_name("tui", tests, NULL, NULL);
}
