/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tui/ as a terminal sees it: tui-demo on a pseudo-terminal, in several sizes and kinds. */
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

#include "vt.h"

#define DEMO MUSTER_BUILDDIR "/tests/screens/tui-demo"

/* Fails with what is on the screen, which says more than a line number; cmocka's own messages are cut. */
static void show(struct vt *v)
{
	fflush(stdout);
	fputs(vt_screen(v), stderr);
}

#define assert_seen(v, text)                                       \
	do {                                                       \
		if (!vt_wait(v, text, VT_PATIENCE)) {              \
			show(v);                                   \
			fail_msg("\"%s\" does not come up", text); \
		}                                                  \
	} while (0)
#define assert_gone(v, text)                                       \
	do {                                                       \
		if (!vt_wait_gone(v, text, VT_PATIENCE)) {         \
			show(v);                                   \
			fail_msg("\"%s\" does not go away", text); \
		}                                                  \
	} while (0)

static int synced; /* see sync_screen() */

static struct vt *start_with(const char *rows, const char *const env[], int height, int width)
{
	const char *const argv[] = { DEMO, rows, NULL };
	struct vt *v;

	synced = 0;
	assert_int_equal(vt_start(argv, env, height, width, &v), 0);
	return v;
}

static struct vt *start(void)
{
	struct vt *v = start_with("40", NULL, 24, 80);

	assert_seen(v, "node00001");
	assert_seen(v, "quit");
	return v;
}

static void assert_ended(struct vt *v, int want)
{
	const char *left;
	int status;

	if (!vt_wait_exit(v, VT_PATIENCE, &status))
		fail_msg("it goes on:\n%s", vt_screen(v));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
		fail_msg("it ended with status 0x%x:\n%s", status, vt_screen(v));
	left = vt_left_behind(v);
	if (left)
		fail_msg("it leaves %s behind", left);
}

static void quit(struct vt *v)
{
	vt_send(v, "q");
	assert_ended(v, 0);
	assert_seen(v, "bye 0");
	vt_free(v);
}

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
		const char *const env[] = { kinds[i], NULL };
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

/* ---- keys, table, pager, help ------------------------------------------------------------------------------ */

static const char *row_with_cursor(struct vt *v)
{
	for (int y = 3; y < 23; y++)
		if (vt_cell(v, y, 40).reverse)
			return vt_row(v, y);
	return "";
}

#define assert_cursor_on(v, text)                                                \
	do {                                                                     \
		if (!strstr(row_with_cursor(v), text))                           \
			fail_msg("the cursor is on \"%s\"", row_with_cursor(v)); \
	} while (0)

/* Waits until all that was typed has been worked on: the answer to this key comes after it, and is numbered. */
static void sync_screen(struct vt *v)
{
	char text[64];

	snprintf(text, sizeof(text), "moment %d has come", ++synced);
	vt_send(v, "t");
	assert_seen(v, text);
}

static void arrows_and_vi_keys_move_the_cursor(void **state)
{
	struct vt *v = start_with("10000", NULL, 24, 80);

	assert_seen(v, "node00001");
	vt_send(v, "jj\x1bOB\x1b[B");
	sync_screen(v);
	assert_cursor_on(v, "node00005");
	vt_send(v, "k\x1bOA");
	sync_screen(v);
	assert_cursor_on(v, "node00003");
	vt_send(v, "G");
	assert_seen(v, "node10000");
	sync_screen(v);
	assert_cursor_on(v, "node10000");
	vt_send(v, "\x1b[5~");
	sync_screen(v);
	assert_cursor_on(v, "node09981");
	vt_send(v, "g\x1b[6~");
	sync_screen(v);
	assert_cursor_on(v, "node00020");
	quit(v);
}

static void the_cursor_stays_on_its_row_when_rows_move(void **state)
{
	struct vt *v = start();

	vt_send(v, "jjj");
	vt_send(v, "m");
	sync_screen(v);
	assert_cursor_on(v, "node00004");
	vt_send(v, "/");
	assert_seen(v, "keep the filter");
	vt_send(v, "failed");
	assert_gone(v, "node00004");
	vt_send(v, "\r");
	assert_seen(v, "node00036");
	assert_seen(v, "/failed");
	vt_send(v, "\x1b");
	assert_gone(v, "/failed");
	assert_seen(v, "node00037");
	quit(v);
}

static void columns_are_sorted_by(void **state)
{
	struct vt *v = start();

	for (int i = 0; i < 5; i++)
		vt_send(v, "s");
	assert_seen(v, "LOAD ▾");
	sync_screen(v);
	assert_true(strstr(vt_row(v, 3), "0.00") != NULL);
	vt_send(v, "S");
	assert_seen(v, "LOAD ▴");
	vt_click(v, 2, 5);
	assert_seen(v, "NODE ▾");
	quit(v);
}

static void rows_are_selected_one_by_one_and_in_ranges(void **state)
{
	struct vt *v = start();

	vt_send(v, "  ");
	assert_seen(v, "2 selected");
	assert_seen(v, "+● node00002");
	vt_send(v, "jjvjjj");
	assert_seen(v, "6 selected");
	vt_send(v, "v\x1b[1;2B");
	assert_seen(v, "7 selected");
	/* Sorted the other way, the same rows are selected. */
	vt_send(v, "m");
	vt_send(v, "/");
	vt_send(v, "node00002\r");
	assert_seen(v, "1 selected");
	vt_send(v, "\x1b");
	assert_gone(v, "selected");
	vt_send(v, "\x01");
	assert_seen(v, "40 selected");
	quit(v);
}

static void the_mouse_moves_the_cursor_and_presses_keys(void **state)
{
	struct vt *v = start();
	int row, column;

	assert_true(vt_find(v, "node00007", &row, &column));
	vt_click(v, row, column);
	sync_screen(v);
	assert_cursor_on(v, "node00007");
	vt_send(v, "j");
	assert_seen(v, "pager");
	assert_true(vt_find(v, "pager", &row, &column));
	vt_click(v, row, column);
	assert_seen(v, "/srv/old");
	vt_send(v, "q");
	assert_gone(v, "/srv/old");
	quit(v);
}

static void a_paste_arrives_whole(void **state)
{
	struct vt *v = start();

	vt_paste(v, "qq\rC\x1b[2J\x07"
		    "é");
	assert_seen(v, "pasted 9: qq");
	quit(v);
}

static void no_rows_are_a_sentence_not_a_table(void **state)
{
	struct vt *v = start_with("0", NULL, 24, 80);

	assert_seen(v, "There is no node yet.");
	vt_send(v, "jkGg v\x01s");
	vt_send(v, "/x");
	assert_seen(v, "no row has it");
	vt_send(v, "\x1b");
	assert_seen(v, "There is no node yet.");
	quit(v);
}

static void text_is_scrolled_searched_and_followed(void **state)
{
	struct vt *v = start();
	int row, column;

	vt_send(v, "p");
	assert_seen(v, "output line 10");
	assert_true(vt_find(v, "+/srv/a", &row, &column));
	assert_true(vt_cell(v, row, column).coloured);
	vt_send(v, "/needle\r");
	assert_seen(v, "output line 150: needle \xef\xbf\xbd[31m");
	assert_true(vt_find(v, "needle \xef\xbf\xbd", &row, &column));
	assert_true(vt_cell(v, row, column).reverse);
	vt_send(v, "/nothing has this\r");
	assert_seen(v, "no line has it");
	vt_send(v, "G");
	assert_seen(v, "grown line 5");
	for (int i = 0; i < 12; i++)
		vt_send(v, "l");
	assert_seen(v, "end of it");
	vt_send(v, "q");
	assert_seen(v, "node00001");
	quit(v);
}

static void the_help_comes_from_the_key_table(void **state)
{
	struct vt *v = start();

	vt_send(v, "?");
	assert_seen(v, "Help: the demo");
	assert_seen(v, "This table shows nodes that do not exist.");
	assert_seen(v, "Ask a few questions");
	assert_seen(v, "↑, k");
	vt_send(v, "G");
	assert_seen(v, "Sort the other way round");
	assert_seen(v, "Draw everything anew");
	vt_send(v, "q");
	assert_gone(v, "Help: ");
	vt_send(v, "\x1bOP");
	assert_seen(v, "Help: the demo");
	vt_send(v, "\x1b");
	assert_gone(v, "Help: ");
	quit(v);
}

static void a_timer_goes_off_without_a_key(void **state)
{
	struct vt *v = start();

	vt_send(v, "t");
	assert_seen(v, "moment 1 has come");
	vt_send(v, "j");
	assert_gone(v, "moment 1 has come");
	quit(v);
}

/* ---- forms ------------------------------------------------------------------------------------------------- */

static void a_form_is_filled_in(void **state)
{
	struct vt *v = start();

	vt_send(v, "\r");
	assert_seen(v, "How do the nodes get their addresses?");
	vt_send(v, "\t\x15"
		   "7\t\x15");
	vt_send(v, "\t");
	assert_seen(v, "! The names begin with a letter; node");
	vt_send(v, "\x1b[Z"
		   "n");
	assert_gone(v, "The names begin");
	vt_send(v, "\t\t"
		   "secret\t \t");
	assert_seen(v, "[******");
	assert_false(vt_find(v, "secret", NULL, NULL));
	vt_paste(v, "52:54:00:00:00:01\n52:54:00:00:00:02\n");
	assert_seen(v, "MAC addresses  2");
	vt_send(v, "52:54:00:00:00:03\r");
	assert_seen(v, "MAC addresses  3");
	vt_send(v, "\t\t\r");
	assert_seen(v, "n x 7 from 10.66.0.11, 3 macs, route 1, secret of 6");
	vt_send(v, "\x1b");
	assert_gone(v, "Steps");
	quit(v);
}

static void a_wrong_field_keeps_the_form(void **state)
{
	struct vt *v = start();

	vt_send(v, "\r");
	assert_seen(v, "First address");
	vt_send(v, "\t\x15"
		   "9999\t\t\x15"
		   "192.168.0.1\t");
	assert_seen(v, "A number from 1 to 4096.");
	assert_seen(v, "! It lies outside of 10.0.0.0/8.");
	vt_send(v, "\t\t\t\t\r");
	/* To the first that is wrong. */
	vt_send(v, "\x15"
		   "8");
	assert_seen(v, "[8 ");
	assert_gone(v, "A number from");
	vt_send(v, "\x1b");
	assert_gone(v, "Steps");
	quit(v);
}

static void choices_are_made_by_keys_and_mouse(void **state)
{
	struct vt *v = start();
	int row, column;

	vt_send(v, "\r");
	assert_seen(v, "(•) Bound");
	vt_send(v, "j");
	assert_seen(v, "(•) From a range");
	assert_gone(v, "MAC addresses  0");
	assert_true(vt_find(v, "Bound", &row, &column));
	vt_click(v, row, column);
	assert_seen(v, "(•) Bound");
	assert_seen(v, "MAC addresses  0");
	assert_true(vt_find(v, "[ ]", &row, &column));
	vt_click(v, row, column);
	assert_seen(v, "[x]");
	vt_send(v, "\x1b");
	assert_gone(v, "Steps");
	quit(v);
}

/* ---- boxes ------------------------------------------------------------------------------------------------- */

/* Opens the nth box of the menu. */
static struct vt *start_box(int n, const char *text)
{
	struct vt *v = start();

	vt_send(v, "b");
	assert_seen(v, "Which kind of box");
	while (n-- > 0)
		vt_send(v, "\x1bOB");
	vt_send(v, "\r");
	assert_seen(v, text);
	return v;
}

static void boxes_ask_and_are_answered(void **state)
{
	static const struct {
		int n;
		const char *text, *keys, *answer;
	} cases[] = {
		{ 0, "\\x1b[2J", "\r", "answer: read" },
		{ 0, "\\x1b[2J", "\x1b", "answer: read" },
		{ 1, "Shall node00001", "\r", "answer: no" },
		{ 1, "Shall node00001", "\t\r", "answer: yes" },
		{ 1, "Shall node00001", "\x1b", "answer: cancelled" },
		{ 2, "Which of them", "\x1bOB \r", "answer: 110" },
		{ 2, "Which of them", "\x1b", "cancelled" },
		{ 3, "How shall it be called?", "lab\r", "answer: krglab" },
		{ 3, "How shall it be called?", "\t\t\r", "cancelled" },
		{ 4, "For root on the nodes:", "\x1b", "cancelled" },
		{ 5, "Directories", "\x1b", "cancelled" },
		{ 6, "line 1 of a long text", "\r", "Enter form" },
		{ 6, "line 1 of a long text", "\x1b", "Enter form" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct vt *v = start_box(cases[i].n, cases[i].text);

		vt_send(v, cases[i].keys);
		assert_seen(v, cases[i].answer);
		assert_false(vt_find(v, cases[i].text, NULL, NULL));
		assert_true(vt_find(v, "node00010", NULL, NULL));
		quit(v);
	}
}

static void a_wrong_answer_is_asked_for_again(void **state)
{
	struct vt *v = start_box(3, "How shall it be called?");

	vt_send(v, "\x7f\x7f\x7f\r");
	assert_seen(v, "! A name has at least one letter.");
	vt_send(v, "x\r");
	assert_seen(v, "answer: x");
	quit(v);
}

static void a_password_is_asked_for_twice(void **state)
{
	struct vt *v = start_box(4, "For root on the nodes:");

	vt_send(v, "one\r");
	assert_seen(v, "Once more");
	assert_false(vt_find(v, "one ", NULL, NULL));
	vt_send(v, "two\r");
	assert_seen(v, "The two were not the same.");
	vt_send(v, "three\r");
	assert_seen(v, "Once more");
	vt_send(v, "three\r");
	assert_seen(v, "answer: three");
	quit(v);
}

static void a_paste_into_a_box_presses_no_button(void **state)
{
	struct vt *v = start_box(3, "How shall it be called?");

	vt_paste(v, "-a\nb\n");
	assert_seen(v, "krg-ab");
	vt_send(v, "\r");
	assert_seen(v, "answer: krg-ab");
	quit(v);
}

static void a_box_follows_the_size_of_the_terminal(void **state)
{
	for (int n = 0; n < 7; n++) {
		static const char *const texts[] = { "\\x1b[2J",
						     "Shall node00001",
						     "Which of them",
						     "How shall it be called?",
						     "For root on the nodes:",
						     "Directories",
						     "line 1 of a long text" };
		struct vt *v = start_box(n, texts[n]);
		int row, column;

		vt_resize(v, 43, 132);
		assert_seen(v, "9f3c0000");
		assert_seen(v, texts[n]);
		/* What lies below is drawn in the new size, too. */
		assert_seen(v, "node00039");
		vt_resize(v, 10, 40);
		assert_seen(v, "This terminal is 40x10");
		vt_send(v, "zzz");
		vt_resize(v, 24, 80);
		assert_seen(v, texts[n]);
		assert_true(vt_find(v, texts[n], &row, &column));
		assert_true(column < 78 && row < 22);
		assert_seen(v, "node00020");
		vt_send(v, "\x1b");
		assert_gone(v, texts[n]);
		quit(v);
	}
}

static void a_box_waits_for_a_terminal_that_is_large_enough(void **state)
{
	struct vt *v = start();

	vt_send(v, "b");
	assert_seen(v, "Which kind of box");
	vt_resize(v, 5, 30);
	assert_seen(v, "This terminal is 30x5");
	kill(vt_pid(v), SIGTERM);
	assert_ended(v, 12);
	vt_free(v);
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
		cmocka_unit_test(arrows_and_vi_keys_move_the_cursor),
		cmocka_unit_test(the_cursor_stays_on_its_row_when_rows_move),
		cmocka_unit_test(columns_are_sorted_by),
		cmocka_unit_test(rows_are_selected_one_by_one_and_in_ranges),
		cmocka_unit_test(the_mouse_moves_the_cursor_and_presses_keys),
		cmocka_unit_test(a_paste_arrives_whole),
		cmocka_unit_test(no_rows_are_a_sentence_not_a_table),
		cmocka_unit_test(text_is_scrolled_searched_and_followed),
		cmocka_unit_test(the_help_comes_from_the_key_table),
		cmocka_unit_test(a_timer_goes_off_without_a_key),
		cmocka_unit_test(a_form_is_filled_in),
		cmocka_unit_test(a_wrong_field_keeps_the_form),
		cmocka_unit_test(choices_are_made_by_keys_and_mouse),
		cmocka_unit_test(boxes_ask_and_are_answered),
		cmocka_unit_test(a_wrong_answer_is_asked_for_again),
		cmocka_unit_test(a_password_is_asked_for_twice),
		cmocka_unit_test(a_paste_into_a_box_presses_no_button),
		cmocka_unit_test(a_box_follows_the_size_of_the_terminal),
		cmocka_unit_test(a_box_waits_for_a_terminal_that_is_large_enough),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests_name("tui", tests, NULL, NULL);
}
