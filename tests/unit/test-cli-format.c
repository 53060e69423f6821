/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/format.h"

static const struct style pipe_style = { .utf8 = true };
static const struct style ascii_style = { 0 };

static void assert_buffer(struct strbuf *b, const char *want)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(strbuf_take(b, &text, NULL), 0);
	assert_string_equal(text, want);
}

static void durations_have_their_largest_two_units(void **state)
{
	static const struct {
		int64_t ms;
		const char *duration, *seconds;
	} cases[] = {
		{ -5, "0 s", "0.0 s" },		  { 0, "0 s", "0.0 s" },
		{ 8123, "8 s", "8.1 s" },	  { 59999, "59 s", "60.0 s" },
		{ 62000, "1m02s", "62.0 s" },	  { 99949, "1m39s", "99.9 s" },
		{ 99950, "1m39s", "1m39s" },	  { 8040000, "2h14m", "2h14m" },
		{ 86399999, "23h59m", "23h59m" }, { 273600000, "3d04h", "3d04h" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(DURATION(cases[i].ms), cases[i].duration);
		assert_string_equal(SECONDS(cases[i].ms), cases[i].seconds);
	}
	assert_true(strlen(DURATION(INT64_MAX)) < UNITS_TEXT - 1);
}

static void sizes_have_a_unit_that_fits(void **state)
{
	assert_string_equal(BYTES(0), "0 B");
	assert_string_equal(BYTES(1023), "1023 B");
	assert_string_equal(BYTES(1024), "1.0 KiB");
	assert_string_equal(BYTES(1024 * 1024 - 1), "1.0 MiB");
	assert_string_equal(BYTES(98566144), "94.0 MiB");
	assert_true(strlen(BYTES(UINT64_MAX)) < UNITS_TEXT - 1);
}

static void every_stage_has_a_sign_and_a_name(void **state)
{
	assert_string_equal(stage_sign(&pipe_style, NODE_READY), "●");
	assert_string_equal(stage_sign(&pipe_style, NODE_KERNEL), "◐");
	assert_string_equal(stage_sign(&pipe_style, NODE_FAILED), "✗");
	assert_string_equal(stage_sign(&pipe_style, NODE_OFF), "○");
	assert_string_equal(stage_sign(&ascii_style, NODE_JOINED), "*");
	assert_string_equal(stage_sign(&ascii_style, NODE_DHCP), "~");
	assert_string_equal(stage_sign(&ascii_style, NODE_LOST), "x");
	assert_string_equal(stage_sign(&ascii_style, NODE_OFF), ".");
	for (int i = 0; i < NODE_STAGE_COUNT; i++)
		assert_string_not_equal(stage_name((enum node_stage)i), "?");
	assert_string_equal(stage_name((enum node_stage)99), "?");
}

static void nothing_from_elsewhere_acts_on_a_terminal(void **state)
{
	static const struct {
		const char *text, *utf8, *ascii;
	} cases[] = {
		{ "plain ~", "plain ~", "plain ~" },
		{ "a\x1b[2Jb\r\n\t\x7f", "a\\x1b[2Jb\\x0d\\x0a\\x09\\x7f", "a\\x1b[2Jb\\x0d\\x0a\\x09\\x7f" },
		{ "é", "é", "\\xc3\\xa9" },
		{ "\xc2\x9b"
		  "2J",
		  "\\xc2\\x9b2J", "\\xc2\\x9b2J" }, /* CSI as one character (C1) */
		{ "\x9b"
		  "2J",
		  "\\x9b2J", "\\x9b2J" }, /* and as one byte */
		{ "\xe2\x80\xae"
		  "x",
		  "\\xe2\\x80\\xaex", "\\xe2\\x80\\xaex" },		  /* right-to-left override */
		{ "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf" },		  /* overlong */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80" }, /* a surrogate */
		{ "x\xe2\x82", "x\\xe2\\x82", "x\\xe2\\x82" },		  /* cut off */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

		format_escape(&b, &pipe_style, cases[i].text, "");
		assert_buffer(&b, cases[i].utf8);
		format_escape(&b, &ascii_style, cases[i].text, "");
		assert_buffer(&b, cases[i].ascii);
	}
}

static void kept_characters_stay(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	format_escape(&b, &pipe_style, "a\tb\nc\r", "\t\n");
	assert_buffer(&b, "a\tb\nc\\x0d");
}

static void text_is_cut_by_columns_not_bytes(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	assert_int_equal(format_width(&pipe_style, "●éx"), 3);
	format_cut(&b, &pipe_style, "éééééé", 4);
	assert_buffer(&b, "ééé…");
	format_cut(&b, &pipe_style, "éééé", 4);
	assert_buffer(&b, "éééé");
	format_cut(&b, &ascii_style, "abcdefgh", 6);
	assert_buffer(&b, "abc...");
	format_cut(&b, &ascii_style, "abcdefgh", 0);
	assert_buffer(&b, "abcdefgh");
	/* Wide characters take two columns and are not cut through. */
	assert_int_equal(format_width(&pipe_style, "漢字"), 4);
	format_cut(&b, &pipe_style, "漢字漢", 4);
	assert_buffer(&b, "漢…");
}

static void a_diff_stays_a_diff_in_a_pipe(void **state)
{
	static const char diff[] = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\x1b[m\n+b\tc\n";
	static const struct style terminal = { .terminal = true, .utf8 = true };
	static const struct style colour = { .terminal = true, .utf8 = true, .colour = true };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	format_diff(&b, &pipe_style, diff);
	assert_buffer(&b, diff);
	format_diff(&b, &terminal, diff);
	assert_buffer(&b, "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\\x1b[m\n+b\tc\n");
	format_diff(&b, &colour, "-a\n+b\n c\n");
	assert_buffer(&b, "\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n c\n");
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static const struct table_column columns[] = {
	{ "", .tight = true }, { "NAME" }, { "NUMBER", .right = true }, { "MORE", .drop = 2 },
	{ "MOST", .drop = 1 },
};

static void fill(struct table *t, const struct style *s)
{
	table_init(t, s, columns, ARRAY_SIZE(columns));
	table_row(t);
	table_cell(t, 0, COLOUR_GREEN, "●");
	table_cell(t, 1, COLOUR_NONE, "%s", "one");
	table_cell(t, 2, COLOUR_NONE, "%d", 7);
	table_cell(t, 3, COLOUR_NONE, "m");
	table_cell(t, 4, COLOUR_NONE, "most of all");
	table_row(t);
	table_cell(t, 1, COLOUR_NONE, "%s", "two\x1b");
	table_cell(t, 2, COLOUR_NONE, "hidden by the tail");
	table_tail(t, 2, "why it failed");
	table_below(t, "    below\n");
}

static void a_table_is_aligned(void **state)
{
	_cleanup_table_ struct table t = { 0 };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	fill(&t, &pipe_style);
	table_format(&t, &b);
	assert_buffer(&b, "  NAME     NUMBER  MORE  MOST\n"
			  "● one           7  m     most of all\n"
			  "  two\\x1b  why it failed\n"
			  "    below\n");
}

static void a_narrow_table_drops_columns_then_cuts(void **state)
{
	const struct style narrow = { .utf8 = true, .terminal = true, .columns = 24 };
	const struct style tiny = { .utf8 = true, .terminal = true, .columns = 14 };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_table_ struct table t = { 0 }, u = { 0 };

	fill(&t, &narrow);
	table_format(&t, &b);
	assert_buffer(&b, "  NAME     NUMBER  MORE\n"
			  "● one           7  m\n"
			  "  two\\x1b  why it failed\n"
			  "    below\n");
	fill(&u, &tiny);
	table_format(&u, &b);
	assert_buffer(&b, "  NAME     NU…\n"
			  "● one\n"
			  "  two\\x1b  wh…\n"
			  "    below\n");
}

/* ---- nodes --------------------------------------------------------------------------------------------- */

static struct node_stage_time booted[] = {
	{ NODE_DHCP, 1000, 2100 },
	{ NODE_LOADER, 3100, 3000 },
	{ NODE_KERNEL, 6100, 300 },
	{ NODE_READY, 32400, 8040000 },
};
static struct node_stage_time broken[] = {
	{ NODE_DHCP, 1000, 2000 },
	{ NODE_INITRAMFS, 3000, 9000 },
	{ NODE_FAILED, 12000, 62000 },
};
static struct node_stage_time begun[] = {
	{ NODE_DHCP, 1000, 8000 },
};
static const struct node_state nodes[] = {
	{ .name = "node01",
	  .mac = "52:54:00:66:00:01",
	  .address = "10.66.0.11",
	  .stage = NODE_READY,
	  .stages = booted,
	  .n_stages = 4,
	  .kernel = "6.1.0-37",
	  .root = "9f3c",
	  .processors = 4,
	  .memory_kb = 1000000,
	  .memory_free_kb = 880000,
	  .load = 0.02,
	  .reason = "",
	  .log = "" },
	{ .name = "node02",
	  .mac = "",
	  .address = "10.66.0.12",
	  .stage = NODE_DHCP,
	  .stages = begun,
	  .n_stages = 1,
	  .kernel = "",
	  .root = "",
	  .reason = "",
	  .log = "" },
	{ .name = "node09",
	  .mac = "",
	  .address = "10.66.0.19",
	  .stage = NODE_FAILED,
	  .stages = broken,
	  .n_stages = 3,
	  .kernel = "",
	  .root = "",
	  .reason = "no driver\x1b[2J",
	  .log = "one\n\x1btwo" },
	{ .name = "node12",
	  .mac = "",
	  .address = "10.66.0.22",
	  .stage = NODE_OFF,
	  .kernel = "",
	  .root = "",
	  .reason = "",
	  .log = "" },
};

static void nodes_are_summed_up(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	nodes_summary(&ascii_style, "krg", nodes, ARRAY_SIZE(nodes), &b);
	assert_buffer(&b,
		      "krg   4 nodes   * 1 ready  ~ 1 booting  x 1 failed  . 1 off   4 cpus  976.6 MiB\n");
	nodes_summary(&ascii_style, "krg", nodes + 3, 1, &b);
	assert_buffer(&b, "krg   1 node   . 1 off\n");
	nodes_summary(&ascii_style, "krg", NULL, 0, &b);
	assert_buffer(&b, "krg   0 nodes\n");
}

static void nodes_stand_in_80_columns(void **state)
{
	const struct style s = { .terminal = true, .columns = 80 };
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	nodes_table(&s, nodes, ARRAY_SIZE(nodes), false, &b);
	assert_buffer(&b, "  NAME    ADDRESS     STAGE     FOR  BOOT  LOAD   MEM  KERNEL\n"
			  "* node01  10.66.0.11  ready   2h14m  31 s  0.02  12 %  6.1.0-37\n"
			  "~ node02  10.66.0.12  dhcp      8 s\n"
			  "x node09  10.66.0.19  failed  1m02s  no driver\\x1b[2J\n"
			  ". node12  10.66.0.22  off\n");
}

static void the_times_of_all_stages_can_be_seen(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	nodes_table(&pipe_style, nodes, 1, true, &b);
	assert_buffer(&b,
		      "  NAME    ADDRESS     MAC                STAGE    FOR  BOOT  LOAD   MEM  KERNEL\n"
		      "● node01  10.66.0.11  52:54:00:66:00:01  ready  2h14m  31 s  0.02  12 %  6.1.0-37\n"
		      "    dhcp 2.1 s · loader 3.0 s · kernel 0.3 s · ready since 2h14m\n");
	nodes_table(&pipe_style, nodes + 2, 1, true, &b);
	assert_buffer(&b, "  NAME    ADDRESS     MAC  STAGE     FOR  BOOT  LOAD  MEM  KERNEL\n"
			  "✗ node09  10.66.0.19  -    failed  1m02s  no driver\\x1b[2J\n"
			  "    dhcp 2.0 s · initramfs ✗ after 9.0 s\n");
}

static void a_failure_is_told_in_full(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	nodes_failure(&pipe_style, &nodes[0], &b);
	assert_null(b.data);
	nodes_failure(&pipe_style, &nodes[2], &b);
	assert_buffer(&b, "\nnode09: no driver\\x1b[2J\n"
			  "The last lines of its kernel:\n"
			  "    one\n"
			  "    \\x1btwo\n");
}

static void the_boot_is_measured_to_ready(void **state)
{
	assert_int_equal(node_boot_ms(&nodes[0]), 31400);
	assert_int_equal(node_boot_ms(&nodes[1]), -1);
	assert_int_equal(node_boot_ms(&nodes[3]), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_their_largest_two_units),
		cmocka_unit_test(sizes_have_a_unit_that_fits),
		cmocka_unit_test(every_stage_has_a_sign_and_a_name),
		cmocka_unit_test(nothing_from_elsewhere_acts_on_a_terminal),
		cmocka_unit_test(kept_characters_stay),
		cmocka_unit_test(text_is_cut_by_columns_not_bytes),
		cmocka_unit_test(a_diff_stays_a_diff_in_a_pipe),
		cmocka_unit_test(a_table_is_aligned),
		cmocka_unit_test(a_narrow_table_drops_columns_then_cuts),
		cmocka_unit_test(nodes_are_summed_up),
		cmocka_unit_test(nodes_stand_in_80_columns),
		cmocka_unit_test(the_times_of_all_stages_can_be_seen),
		cmocka_unit_test(a_failure_is_told_in_full),
		cmocka_unit_test(the_boot_is_measured_to_ready),
	};

	/* Widths come from the locale; glibc has this one built in since 2.35. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 1;
	return cmocka_run_group_tests_name("cli-format", tests, NULL, NULL);
}
