/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `muster console` on each kind of terminal, in each size, and at each kind of end. */
#include "config.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/screens/console-test.h"
#include "util/clock.h"

#define QUICKLY_MS 3000 /* that an end may take on a busy machine */

static const char *const terms[] = { "TERM=linux", "TERM=vt100", "TERM=xterm-256color", "TERM=screen",
				     "TERM=tmux" };
static const char *const locales[] = { "LC_ALL=C.UTF-8", "LC_ALL=C" };
static const char *const colours[] = { "NO_COLOR=", "NO_COLOR=1" };

static bool any_colour(struct vt *v)
{
	for (int y = 0; y < 24; y++)
		for (int x = 0; x < 80; x++)
			if (vt_cell(v, y, x).coloured)
				return true;
	return false;
}

static bool is_ascii(struct vt *v)
{
	for (const char *p = vt_screen(v); *p; p++)
		if (*p & 0x80)
			return false;
	return true;
}

static void play(struct cluster *c, const char *term, const char *locale, const char *colour)
{
	const char *const env[] = { cluster_zone(c), term, VT_LEAKY_GPM, locale, colour, NULL };
	bool ascii = strcmp(locale, "LC_ALL=C") == 0, coloured = strcmp(colour, "NO_COLOR=") == 0;
	/* The console of Linux has lines, but no signs. */
	bool signs = !ascii && strcmp(term, "TERM=linux") != 0;
	struct vt *v = console_with(c, env, 24, 80);

	/* Each stage has a sign of its own, whatever the terminal can do. */
	assert_seen(v, !signs ? "* node01" : "● node01");
	assert_seen(v, !signs ? "~ node14" : "◐ node14");
	assert_seen(v, !signs ? "x node15" : "✗ node15");
	assert_seen(v, !signs ? ". node16" : "○ node16");
	assert_seen(v, "52 cpus");
	assert_seen(v, "Enter open");
	if (ascii)
		assert_true(is_ascii(v));
	if (strcmp(term, "TERM=vt100") != 0)
		assert_int_equal(any_colour(v), coloured);
	else
		assert_false(any_colour(v));
	vt_send(v, "j\r");
	assert_seen(v, "Facts");
	assert_seen(v, "10.66.0.12");
	vt_send(v, "q");
	assert_gone(v, "Facts");
	vt_send(v, "r");
	assert_seen(v, "Shall these nodes be restarted");
	vt_send(v, "\033");
	assert_gone(v, "Shall these nodes be restarted");
	quit(v);
}

static void it_works_on_every_terminal_in_every_locale_with_and_without_colours(void **state)
{
	for (size_t t = 0; t < ARRAY_SIZE(terms); t++)
		for (size_t l = 0; l < ARRAY_SIZE(locales); l++)
			for (size_t k = 0; k < ARRAY_SIZE(colours); k++)
				play(*state, terms[t], locales[l], colours[k]);
}

static void every_key_of_an_arrow_has_one_of_vi(void **state)
{
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "─ node01 ─");
	vt_send(v, "\033OB");
	assert_seen(v, "─ node02 ─");
	vt_send(v, "j");
	assert_seen(v, "─ node03 ─");
	vt_send(v, "\033OA");
	assert_seen(v, "─ node02 ─");
	vt_send(v, "k");
	assert_seen(v, "─ node01 ─");
	vt_send(v, "G");
	assert_seen(v, "─ node16 ─");
	vt_send(v, "\033OH");
	assert_seen(v, "─ node01 ─");
	quit(v);
}

/* ---- sizes ---------------------------------------------------------------------------------------------------- */

static void a_resize_inside_a_box_draws_everything_again(void **state)
{
	static const int sizes[][2] = { { 43, 132 }, { 24, 80 }, { 12, 50 }, { 24, 80 }, { 60, 200 } };
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "● node01");
	vt_send(v, "r");
	assert_seen(v, "Shall these nodes be restarted");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		vt_resize(v, sizes[i][0], sizes[i][1]);
		if (sizes[i][0] < 24) {
			assert_seen(v, "80x24");
			continue;
		}
		assert_seen(v, "Shall these nodes be restarted");
		assert_seen(v, "< No  >");
		assert_seen(v, "● node01");
		assert_seen(v, "52 cpus");
	}
	vt_send(v, "\033");
	assert_gone(v, "Shall these nodes be restarted");
	assert_seen(v, "○ node16");
	quit(v);
}

static void below_the_least_size_it_says_so_and_recovers(void **state)
{
	static const int sizes[][2] = { { 23, 80 }, { 24, 79 }, { 5, 20 }, { 1, 1 } };
	struct vt *v = console(*state, 24, 80);

	assert_seen(v, "● node01");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		vt_resize(v, sizes[i][0], sizes[i][1]);
		assert_gone(v, "● node01");
		if (sizes[i][1] >= 79)
			assert_seen(v, "80x24");
		vt_resize(v, 24, 80);
		assert_seen(v, "● node01");
		assert_seen(v, "Enter open");
	}
	quit(v);
}

/* ---- ends ----------------------------------------------------------------------------------------------------- */

/* In a box, too, which has a loop of its own. */
static struct vt *open_somewhere(struct cluster *c, bool box)
{
	struct vt *v = console(c, 24, 80);

	assert_seen(v, "● node01");
	if (box) {
		vt_send(v, "c");
		assert_seen(v, "A command on these nodes");
	}
	return v;
}

static void a_closed_terminal_ends_it_at_once(void **state)
{
	for (int box = 0; box < 2; box++) {
		struct vt *v = open_somewhere(*state, box);
		int status;

		vt_hang_up(v);
		assert_true(vt_wait_exit(v, QUICKLY_MS, &status));
		assert_true(WIFEXITED(status));
		vt_free(v);
	}
}

static void hup_and_term_end_it_in_order(void **state)
{
	static const int signs[] = { SIGHUP, SIGTERM, SIGINT };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(signs); i++) {
		struct vt *v = open_somewhere(*state, i % 2);
		int status;

		kill(vt_pid(v), signs[i / 2]);
		assert_true(vt_wait_exit(v, QUICKLY_MS, &status));
		assert_true(WIFEXITED(status));
		assert_given_back(v);
		vt_free(v);
	}
}

/* Curses waits for the end of a report of the mouse, and of nothing else. */
static void half_a_key_keeps_it_from_nothing(void **state)
{
	static const char *const typed[] = { "\033[<", "\033[<0;10", "\033[", "\033[200~abc", "\xc3" };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(typed); i++) {
		struct vt *v = open_somewhere(*state, i % 2);
		int status;

		vt_send(v, typed[i / 2]);
		vt_settle(v, 200, VT_PATIENCE);
		vt_resize(v, 43, 132);
		assert_seen(v, "REPORT");
		kill(vt_pid(v), SIGTERM);
		if (!vt_wait_exit(v, QUICKLY_MS, &status))
			fail_msg("after \"%s\" it goes on", typed[i / 2]);
		assert_true(WIFEXITED(status));
		assert_given_back(v);
		vt_free(v);
	}
}

static void too_small_and_with_a_box_open_it_ends_too(void **state)
{
	static const char *const typed[] = { "",     "x",	 "\033", "\033[", "\033[200~", "\033[200~abc",
					     "\xc3", "\033[<0;3" };

	for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
		struct vt *v = open_somewhere(*state, true);
		int status;

		vt_resize(v, 16, 28);
		assert_seen(v, "This terminal");
		vt_send(v, typed[i]);
		vt_settle(v, 100, VT_PATIENCE);
		kill(vt_pid(v), SIGTERM);
		if (!vt_wait_exit(v, QUICKLY_MS, &status))
			fail_msg("after \"%s\" it goes on", typed[i]);
		assert_true(WIFEXITED(status));
		assert_given_back(v);
		vt_free(v);
	}
}

static void a_crash_gives_the_terminal_back(void **state)
{
	static const int signs[] = { SIGSEGV, SIGABRT, SIGBUS };

	for (size_t i = 0; i < 2 * ARRAY_SIZE(signs); i++) {
		struct vt *v = open_somewhere(*state, i % 2);
		int status;

		kill(vt_pid(v), signs[i / 2]);
		assert_true(vt_wait_exit(v, QUICKLY_MS, &status));
		assert_true(WIFSIGNALED(status) || WIFEXITED(status));
		if (WIFSIGNALED(status))
			assert_int_equal(WTERMSIG(status), signs[i / 2]);
		else
			assert_int_not_equal(WEXITSTATUS(status), 0);
		assert_given_back(v);
		vt_free(v);
	}
}

#define SEEDED(test) cmocka_unit_test_setup_teardown(test, setup_seeded, teardown_cluster)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SEEDED(it_works_on_every_terminal_in_every_locale_with_and_without_colours),
		SEEDED(every_key_of_an_arrow_has_one_of_vi),
		SEEDED(a_resize_inside_a_box_draws_everything_again),
		SEEDED(below_the_least_size_it_says_so_and_recovers),
		SEEDED(a_closed_terminal_ends_it_at_once),
		SEEDED(hup_and_term_end_it_in_order),
		SEEDED(half_a_key_keeps_it_from_nothing),
		SEEDED(too_small_and_with_a_box_open_it_ends_too),
		SEEDED(a_crash_gives_the_terminal_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
