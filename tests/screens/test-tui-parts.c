/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of which screens are made, in tui-demo: table, pager, help, form, boxes. */
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
	return cmocka_run_group_tests_name("tui-parts", tests, NULL, NULL);
}
