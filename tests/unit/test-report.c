/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What musterd reads from the network, fed with what nobody should send. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "agent/wire.h"
#include "daemon/events.h"
#include "daemon/limit.h"
#include "daemon/metrics.h"
#include "daemon/range.h"
#include "daemon/report.h"
#include "util/strbuf.h"

static int parse(const char *body, struct report *ret)
{
	return report_parse(body, strlen(body), ret);
}

static void a_report_is_read_with_all_its_values(void **state)
{
	struct report r;

	assert_int_equal(
		parse("stage=failed\nuptime_ms=1234\nload=0.02\nmemory_kb=2048\nmemory_free_kb=1024\n"
		      "processors=4\nkernel=6.1.0-42\nversion=#1 SMP\nreason=no\\nroot\\\\here\n"
		      "log=one\\ntwo\ncard=8086:15f3\ncards=8086:15f3 10ec:8168\nfuture=x",
		      &r),
		0);
	assert_int_equal(r.values.stage, NODE_FAILED);
	assert_true(r.values.load > 0.0199 && r.values.load < 0.0201);
	assert_int_equal(r.values.memory_kb, 2048);
	assert_int_equal(r.values.memory_free_kb, 1024);
	assert_int_equal(r.values.processors, 4);
	assert_string_equal(r.values.kernel, "6.1.0-42");
	assert_string_equal(r.values.reason, "no root\\here");
	assert_string_equal(r.values.log, "one\ntwo");
	assert_string_equal(r.values.card, "8086:15f3");
	assert_string_equal(r.values.cards, "8086:15f3 10ec:8168");
	report_free(&r);
	assert_int_equal(parse("stage=ready\n", &r), 0);
	assert_true(r.values.load < 0);
	assert_string_equal(r.values.card, "");
	assert_string_equal(r.values.log, "");
	report_free(&r);
	assert_int_equal(parse("stage=root\nload=17\nstage=ready\nreason=a\nreason=b\n\n", &r), 0);
	assert_int_equal(r.values.stage, NODE_READY);
	assert_string_equal(r.values.reason, "b");
	assert_true(r.values.load == 17);
	report_free(&r);
}

static void the_part_in_the_single_system_is_read(void **state)
{
	struct report r;

	assert_int_equal(
		parse("stage=ready\nversion=#1 SMP Tue\nssi_subsession=1\nssi_session=7\nssi_node=2\n"
		      "ssi_max_nodes=256\nssi_abi=14\nssi_online=4\nssi_present=3\n"
		      "ssi_possible=256\nssi_processors=16\nssi_memory_kb=2033040\n"
		      "ssi_memory_free_kb=1900000\nssi_load=0.31\n"
		      "ssi_stuck=/proc/kerrighed/nodes/nrnodes\n",
		      &r),
		0);
	assert_int_equal(r.values.stage, NODE_JOINED);
	assert_string_equal(r.values.version, "#1 SMP Tue");
	assert_true(r.values.ssi.known);
	assert_int_equal(r.values.ssi.subsession, 1);
	assert_int_equal(r.values.ssi.session, 7);
	assert_int_equal(r.values.ssi.node, 2);
	assert_int_equal(r.values.ssi.max_nodes, 256);
	assert_string_equal(r.values.ssi.abi, "14");
	assert_int_equal(r.values.ssi.online, 4);
	assert_int_equal(r.values.ssi.present, 3);
	assert_int_equal(r.values.ssi.possible, 256);
	assert_int_equal(r.values.ssi.processors, 16);
	assert_int_equal(r.values.ssi.memory_kb, 2033040);
	assert_int_equal(r.values.ssi.memory_free_kb, 1900000);
	assert_true(r.values.ssi.load > 0.309 && r.values.ssi.load < 0.311);
	assert_string_equal(r.values.ssi.stuck, "/proc/kerrighed/nodes/nrnodes");
	report_free(&r);
	assert_int_equal(parse("stage=ready\nssi_subsession=-1\n", &r), 0);
	assert_int_equal(r.values.stage, NODE_READY);
	assert_true(r.values.ssi.known);
	assert_int_equal(r.values.ssi.subsession, -1);
	assert_int_equal(r.values.ssi.node, -1);
	assert_int_equal(r.values.ssi.session, -1);
	assert_true(r.values.ssi.load < 0);
	report_free(&r);
	/* An old agent says nothing of it, and only a ready node can be in it. */
	assert_int_equal(parse("stage=ready\nssi_node=2\n", &r), 0);
	assert_false(r.values.ssi.known);
	report_free(&r);
	assert_int_equal(parse("stage=off\nssi_subsession=1\n", &r), 0);
	assert_int_equal(r.values.stage, NODE_OFF);
	report_free(&r);
	assert_int_equal(
		parse("stage=ready\nssi_subsession=1\nssi_abi=\x1b[2J and far more than fits there\n", &r),
		0);
	assert_string_equal(r.values.ssi.abi, "\xef\xbf\xbd[2J and far more than fits t");
	report_free(&r);
}

static void an_outcome_is_read(void **state)
{
	struct report r;

	assert_int_equal(parse("stage=ready\nresult_id=7\nresult_status=124\nresult=no\\nanswer\x1b[0m\n",
			       &r),
			 0);
	assert_int_equal(r.result_id, 7);
	assert_int_equal(r.result_status, 124);
	assert_string_equal(r.result, "no\nanswer\xef\xbf\xbd[0m");
	report_free(&r);
	assert_int_equal(parse("stage=ready\n", &r), 0);
	assert_int_equal(r.result_id, 0);
	assert_string_equal(r.result, "");
	report_free(&r);
	assert_int_equal(parse("stage=ready\nresult_status=256\n", &r), -EINVAL);
}

static void a_wrong_report_is_refused_whole(void **state)
{
	static const char *const wrong[] = {
		"",
		"\n\n",
		"stage",
		"stage=",
		"stage=READY",
		"stage=ready ",
		"stage=joined",
		"stage=loader",
		"stage=lost",
		"kernel=6.1",
		"stage=ready\nload=",
		"stage=ready\nload=-1",
		"stage=ready\nload=.5",
		"stage=ready\nload=1.",
		"stage=ready\nload=1e9",
		"stage=ready\nload=0.1234567",
		"stage=ready\nload=99999999",
		"stage=ready\nload=nan",
		"stage=ready\nmemory_kb=99999999999999999999999999999999",
		"stage=ready\nmemory_kb=0x10",
		"stage=ready\nprocessors=65537",
		"stage=ready\nprocessors= 4",
		"stage=ready\nreason=\\",
		"stage=ready\nreason=\\x41",
		"stage=ready\nno equals sign",
		"stage=ready\nuptime_ms=1.5",
		"stage=ready\nssi_subsession=",
		"stage=ready\nssi_subsession=-",
		"stage=ready\nssi_subsession=-2",
		"stage=ready\nssi_node=-1",
		"stage=ready\nssi_online=4294967296",
		"stage=ready\nssi_memory_kb=x",
		"stage=ready\nssi_load=-1",
		"stage=ready\nssi_stuck=\\",
		"stage=ready\ncard=8086-15f3",
		"stage=ready\ncard=8086:15F3",
		"stage=ready\ncard=8086:15f33",
		"stage=ready\ncard=",
		"stage=ready\ncards=",
		"stage=ready\ncards=8086:15f3 ",
		"stage=ready\ncards=8086:15f3,10ec:8168",
		"stage=ready\ncards=8086:15f3 10ec-8168",
	};
	struct report r = { .values.processors = 77 };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(parse(wrong[i], &r), -EINVAL);
		assert_int_equal(r.values.processors, 77);
	}
}

static void texts_come_out_clean(void **state)
{
	static const struct {
		const char *in, *out;
	} texts[] = {
		{ "r\xc3\xb6t", "r\xc3\xb6t" },
		{ "a\xff"
		  "b",
		  "a\xef\xbf\xbd"
		  "b" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },		      /* overlong "/" */
		{ "\xed\xa0\x80x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd" },
		{ "\x1b[2J", "\xef\xbf\xbd[2J" },
		{ "\xc2\x9b"
		  "1m",
		  "\xef\xbf\xbd"
		  "1m" }, /* CSI of the second set */
		{ "\xe2\x80\xae"
		  "txt",
		  "\xef\xbf\xbd"
		  "txt" }, /* right to left */
		{ "\x7f\t\r", "\xef\xbf\xbd \xef\xbf\xbd" },
		{ "\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_free_ char *body = NULL;
		struct report r;

		assert_true(asprintf(&body, "stage=failed\nreason=%s\n", texts[i].in) > 0);
		assert_int_equal(parse(body, &r), 0);
		assert_string_equal(r.values.reason, texts[i].out);
		report_free(&r);
	}
}

static void texts_are_cut_between_characters(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct report r;
	size_t len;

	strbuf_adds(&b, "stage=failed\nreason=x");
	for (int i = 0; i < 2000; i++)
		strbuf_adds(&b, "\xc3\xb6");
	assert_int_equal(report_parse(b.data, b.len, &r), 0);
	len = strlen(r.values.reason);
	assert_int_equal(len, 511);
	assert_int_equal((unsigned char)r.values.reason[len - 1], 0xb6);
	report_free(&r);
}

static void of_a_log_the_end_stays(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	struct report r;

	strbuf_adds(&b, "stage=failed\nlog=");
	for (int i = 0; i < 1000; i++)
		strbuf_addf(&b, "line %06d\\n", i);
	strbuf_adds(&b, "the end");
	assert_int_equal(report_parse(b.data, b.len, &r), 0);
	assert_string_equal(r.values.log + strlen(r.values.log) - 7, "the end");
	report_free(&r);
	strbuf_reset(&b);
	strbuf_adds(&b, "stage=failed\nlog=");
	for (int i = 0; i < 5300; i++) /* invalid bytes grow to three */
		strbuf_adds(&b, i % 100 == 0 ? "\\n" : "\xff\xff\xff");
	assert_int_equal(report_parse(b.data, b.len, &r), 0);
	assert_in_range(strlen(r.values.log), 11000, 12288);
	assert_int_equal(strncmp(r.values.log, "\xef\xbf\xbd", 3), 0);
	report_free(&r);
}

static void a_body_may_hold_any_bytes(void **state)
{
	_cleanup_free_ char *body = malloc(WIRE_REPORT_MAX + 1);
	static const char nul[] = "stage=failed\nlog=a\0b\nreason=\0";
	uint32_t seed = 1;
	struct report r;

	assert_non_null(body);
	assert_int_equal(report_parse(nul, sizeof(nul) - 1, &r), 0);
	assert_string_equal(r.values.log, "a\xef\xbf\xbd"
					  "b");
	report_free(&r);
	/* Every length of garbage behind a good beginning: nothing but an answer is asked for. */
	for (size_t len = 0; len < 600; len++) {
		memcpy(body, "stage=failed\nlog=", 17);
		for (size_t i = 0; i < len; i++) {
			seed = seed * 1664525 + 1013904223;
			body[17 + i] = (char)(seed >> 24);
		}
		if (report_parse(body, 17 + len, &r) == 0)
			report_free(&r);
	}
	memset(body, 'x', WIRE_REPORT_MAX + 1);
	memcpy(body, "stage=failed\nlog=", 17);
	assert_int_equal(report_parse(body, WIRE_REPORT_MAX + 1, &r), -EINVAL);
	assert_int_equal(report_parse(body, WIRE_REPORT_MAX, &r), 0);
	assert_int_equal(strlen(r.values.log), 12288);
	report_free(&r);
}

static void a_range_is_one_part_or_none(void **state)
{
	static const struct {
		const char *value;
		int r;
		uint64_t first, len;
	} ranges[] = {
		{ "bytes=0-9", 1, 0, 10 },
		{ "bytes=10-", 1, 10, 90 },
		{ "bytes=-5", 1, 95, 5 },
		{ "Bytes=99-99", 1, 99, 1 },
		{ "bytes=50-5000", 1, 50, 50 },
		{ "bytes=-5000", 1, 0, 100 },
		{ "bytes=100-", -ERANGE, 0, 0 },
		{ "bytes=-0", -ERANGE, 0, 0 },
		{ "bytes=0-1,5-6", 0, 0, 0 },
		{ "bytes=9-1", 0, 0, 0 },
		{ "bytes=", 0, 0, 0 },
		{ "bytes=-", 0, 0, 0 },
		{ "bytes=a-b", 0, 0, 0 },
		{ "lines=1-2", 0, 0, 0 },
		{ "bytes=1", 0, 0, 0 },
		{ "bytes=--5", 0, 0, 0 },
		{ "bytes=1-2 ", 0, 0, 0 },
		{ "bytes=99999999999999999999-", 0, 0, 0 },
		{ "bytes=18446744073709551610-", 0, 0, 0 },
	};
	struct range_bytes b;

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		assert_int_equal(range_bytes(ranges[i].value, 100, &b), ranges[i].r);
		if (ranges[i].r != 1)
			continue;
		assert_int_equal(b.first, ranges[i].first);
		assert_int_equal(b.len, ranges[i].len);
	}
	assert_int_equal(range_bytes("bytes=0-", 0, &b), -ERANGE);
	assert_int_equal(range_bytes("bytes=-1", 0, &b), -ERANGE);
}

static int event(const char *text, struct event *ret)
{
	char message[256];

	snprintf(message, sizeof(message), "%s", text);
	return event_parse(message, ret);
}

static void events_are_of_ipv4_over_ethernet(void **state)
{
	static const char *const wrong[] = {
		"",
		" ",
		"add",
		"add 52:54:00:00:00:01",
		"add 10.0.0.1 52:54:00:00:00:01",
		"add 52:54:00:00:00:01 fd66::1",
		"add 00:01:00:01:2c:aa:bb:cc 10.0.0.1",
		"add ff:ff:ff:ff:ff:ff 10.0.0.1",
		"init 52:54:00:00:00:01 10.0.0.1",
		"tftp 100",
		"tftp 100 nowhere /file",
	};
	struct event e;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(event(wrong[i], &e), -EINVAL);
	assert_int_equal(event("add 52:54:00:00:00:01 10.0.0.1 node01", &e), 0);
	assert_int_equal(e.kind, EVENT_DHCP_ADD);
	assert_string_equal(IP4(e.address), "10.0.0.1");
	assert_string_equal(MAC(e.mac), "52:54:00:00:00:01");
	assert_int_equal(event("old 52:54:00:00:00:01 10.0.0.1", &e), 0);
	assert_int_equal(e.kind, EVENT_DHCP_OLD);
	assert_int_equal(event("tftp 78000 10.0.0.1 /srv/a file\x1b.efi", &e), 0);
	assert_int_equal(e.kind, EVENT_TFTP);
	assert_false(e.has_mac);
}

static void an_address_passes_once_a_period(void **state)
{
	static struct limit l;

	limit_init(&l, 7, 60000, 1);
	assert_true(limit_pass(&l, 1, 1));
	assert_false(limit_pass(&l, 1, 60000));
	assert_true(limit_pass(&l, 1, 60001));
}

static void a_burst_passes_at_once_and_the_rest_at_its_pace(void **state)
{
	static struct limit l;
	unsigned int passed = 0;

	limit_init(&l, 7, 20, 100);
	for (int i = 0; i < 500; i++)
		passed += limit_pass(&l, 5, 1000);
	assert_int_equal(passed, 100);
	for (int64_t now = 1000; now < 11000; now++)
		passed += limit_pass(&l, 5, now);
	/* What was refused is no debt. */
	assert_in_range(passed, 100 + 498, 100 + 502);
	assert_true(limit_pass(&l, 6, 11000));
}

/* A crowd pushes out those that have used least, and with them not the one that is about. */
static void a_crowd_of_addresses_takes_no_more_memory(void **state)
{
	static struct limit l;

	limit_init(&l, 7, 1000, 10);
	for (int i = 0; i < 10; i++)
		assert_true(limit_pass(&l, 1, 1));
	for (uint64_t i = 2; i < 2000; i++)
		limit_pass(&l, i, 1);
	assert_false(limit_pass(&l, 1, 1));
}

static void metrics_escape_their_labels(void **state)
{
	struct node_stage_time stages[] = { { NODE_LOADER, 0, 1500 },
					    { NODE_READY, 0, 10000 },
					    { NODE_LOST, 0, 5 },
					    { NODE_READY, 0, 2050 } };
	struct node_state v[] = {
		{ .name = (char[]){ "a\"b\\c\nd" },
		  .stage = NODE_READY,
		  .stages = stages,
		  .n_stages = ARRAY_SIZE(stages),
		  .last_report = 1,
		  .load = 0.25,
		  .memory_kb = 4,
		  .processors = 2 },
		{ .name = (char[]){ "silent" } },
	};
	static struct gate gate;
	struct metrics m = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len;

	gate_init(&gate, (const uint64_t[]){ 1, 2 });
	metrics_count(&m, 404);
	metrics_count(&m, 404);
	metrics_count(&m, 999);
	assert_int_equal(metrics_text(&m, &gate, v, ARRAY_SIZE(v), 123, &text, &len), 0);
	assert_int_equal(strlen(text), len);
	assert_non_null(strstr(text, "\nmuster_nodes{stage=\"ready\"} 1\n"));
	assert_non_null(strstr(text, "\nmuster_nodes{stage=\"off\"} 1\n"));
	assert_non_null(strstr(text, "\nmuster_node_up{node=\"a\\\"b\\\\c\\nd\"} 1\n"));
	assert_non_null(strstr(text, "\nmuster_node_up{node=\"silent\"} 0\n"));
	assert_null(strstr(text, "muster_node_load1{node=\"silent\"}"));
	assert_non_null(strstr(text, "muster_node_memory_bytes{node=\"a\\\"b\\\\c\\nd\"} 4096\n"));
	assert_non_null(strstr(text, ",stage=\"ready\"} 12.050\n"));
	assert_non_null(strstr(text, ",stage=\"loader\"} 1.500\n"));
	assert_non_null(strstr(text, "musterd_http_requests_total{code=\"404\"} 2\n"));
	assert_non_null(strstr(text, "process_resident_memory_bytes 123\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_report_is_read_with_all_its_values),
		cmocka_unit_test(the_part_in_the_single_system_is_read),
		cmocka_unit_test(an_outcome_is_read),
		cmocka_unit_test(a_wrong_report_is_refused_whole),
		cmocka_unit_test(texts_come_out_clean),
		cmocka_unit_test(texts_are_cut_between_characters),
		cmocka_unit_test(of_a_log_the_end_stays),
		cmocka_unit_test(a_body_may_hold_any_bytes),
		cmocka_unit_test(a_range_is_one_part_or_none),
		cmocka_unit_test(events_are_of_ipv4_over_ethernet),
		cmocka_unit_test(an_address_passes_once_a_period),
		cmocka_unit_test(a_burst_passes_at_once_and_the_rest_at_its_pace),
		cmocka_unit_test(a_crowd_of_addresses_takes_no_more_memory),
		cmocka_unit_test(metrics_escape_their_labels),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
