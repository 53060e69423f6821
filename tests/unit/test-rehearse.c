/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which nodes a rehearsal tries, what it takes from logs and consoles, and what it tells. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lab/rehearse.h"

/* ---- which nodes ---- */

struct row {
	const char *name;
	unsigned int line; /* of a section of its own; 0: it is counted */
	bool has_mac;
};

/* What was chosen, as one text: "node01-bios:counted ..."; and the notes. */
struct chosen {
	char text[512], notes[512];
	struct lab_try *v;
	size_t n;
};

static void choose(const struct row *m, size_t n, enum plan_ip_mode mode, const char *only, bool bios,
		   bool uefi, struct chosen *ret)
{
	struct plan_node nodes[8] = { 0 };
	const struct plan p = { .nodes = nodes, .n_nodes = n, .ip_mode = mode };
	struct strv names = STRV_INIT, notes = STRV_INIT;

	assert_true(n <= ARRAY_SIZE(nodes));
	for (size_t i = 0; i < n; i++)
		nodes[i] = (struct plan_node){ .name = (char *)(uintptr_t)m[i].name,
					       .line = m[i].line,
					       .has_mac = m[i].has_mac,
					       .mac = { { 0x52, 0x54, 0, 0x66, 0, (uint8_t)(i + 1) } } };
	if (only)
		assert_int_equal(strv_add(&names, only), 0);
	*ret = (struct chosen){ 0 };
	assert_int_equal(lab_choose(&p, only ? &names : NULL, bios, uefi, &ret->v, &ret->n, &notes), 0);
	for (size_t i = 0; i < ret->n; i++)
		snprintf(ret->text + strlen(ret->text), sizeof(ret->text) - strlen(ret->text), "%s%s:%s",
			 i ? " " : "", ret->v[i].machine, ret->v[i].kind);
	for (size_t i = 0; i < notes.n; i++)
		snprintf(ret->notes + strlen(ret->notes), sizeof(ret->notes) - strlen(ret->notes), "%s",
			 notes.v[i]);
	strv_free(&names);
	strv_free(&notes);
}

static void each_firmware_gets_a_node_of_its_own(void **state)
{
	static const struct row m[] = { { "node01", 0, true }, { "node02", 0, true }, { "node03", 0, true } };
	struct chosen c;

	choose(m, 3, PLAN_IP_MAC, NULL, true, true, &c);
	assert_string_equal(c.text, "node01-bios:counted node02-uefi:counted");
	/* With the plan's own MAC addresses. */
	assert_string_equal(c.v[0].mac, "52:54:00:66:00:01");
	assert_string_equal(c.v[1].mac, "52:54:00:66:00:02");
	assert_int_equal(c.v[1].firmware, LAB_UEFI);
	assert_string_equal(c.notes, "");
	lab_tries_free(c.v, c.n);
	choose(m, 3, PLAN_IP_MAC, NULL, false, true, &c);
	assert_string_equal(c.text, "node01-uefi:counted");
	lab_tries_free(c.v, c.n);
}

static void a_single_node_is_tried_with_both_firmwares(void **state)
{
	static const struct row m[] = { { "node01", 0, true } };
	struct chosen c;

	choose(m, 1, PLAN_IP_MAC, NULL, true, true, &c);
	assert_string_equal(c.text, "node01-bios:counted node01-uefi:counted");
	lab_tries_free(c.v, c.n);
}

static void a_node_with_a_section_of_its_own_is_another_kind(void **state)
{
	static const struct row m[] = {
		{ "node01", 0, true }, { "node02", 12, true }, { "node03", 0, true }, { "login1", 15, true }
	};
	struct chosen c;

	choose(m, 4, PLAN_IP_MAC, NULL, true, true, &c);
	assert_string_equal(c.text,
			    "node02-bios:named login1-uefi:named node01-bios:counted node03-uefi:counted");
	lab_tries_free(c.v, c.n);
}

static void a_node_without_a_mac_address_cannot_be_tried_and_is_said(void **state)
{
	static const struct row m[] = { { "node01", 0, false },
					{ "node02", 0, true },
					{ "node03", 0, false } };
	struct chosen c;

	choose(m, 3, PLAN_IP_MAC, NULL, true, false, &c);
	assert_string_equal(c.text, "node02-bios:counted");
	assert_non_null(strstr(c.notes, "2 nodes have no MAC address"));
	lab_tries_free(c.v, c.n);
	choose(m, 1, PLAN_IP_MAC, NULL, true, true, &c);
	assert_int_equal(c.n, 0);
	lab_tries_free(c.v, c.n);
}

static void of_a_range_any_machine_is_tried(void **state)
{
	static const struct row m[] = { { "node01", 0, false }, { "node02", 0, false } };
	struct chosen c;

	choose(m, 2, PLAN_IP_RANGE, NULL, true, true, &c);
	assert_string_equal(c.text, "any-bios:any machine any-uefi:any machine");
	assert_string_equal(c.v[0].node, "");
	assert_string_not_equal(c.v[0].mac, c.v[1].mac);
	assert_string_equal(c.notes, "");
	lab_tries_free(c.v, c.n);
}

static void nodes_that_are_named_are_tried_with_each_firmware(void **state)
{
	static const struct row m[] = { { "node01", 0, true }, { "node02", 0, true } };
	struct chosen c;

	choose(m, 2, PLAN_IP_MAC, "node02", true, true, &c);
	assert_string_equal(c.text, "node02-bios:counted node02-uefi:counted");
	lab_tries_free(c.v, c.n);
}

/* ---- evidence ---- */

static void assert_lines(const struct strv *v, const char *const *want)
{
	size_t n = 0;

	for (; want[n]; n++)
		assert_true(n < v->n && strcmp(v->v[n], want[n]) == 0);
	assert_int_equal(v->n, n);
}

static void only_the_lines_about_a_node_are_taken(void **state)
{
	static const char log[] = "DHCPDISCOVER(eth1) 52:54:00:66:00:01\n"
				  "DHCPDISCOVER(eth1) 52:54:00:66:00:11\n"
				  "sent /tftp/undionly.kpxe to 10.66.0.11\n"
				  "sent /tftp/undionly.kpxe to 10.66.0.1\n"
				  "GET /boot.ipxe of 10.66.0.1: 200\n"
				  "node01.demo.lan is 110.66.0.1\n"
				  "node011 is another\n"
				  "NODE01 (52-54) boots";
	static const char *const by_mac[] = { "52:54:00:66:00:01", NULL };
	static const char *const by_address[] = { "10.66.0.1", NULL };
	static const char *const by_name[] = { "node01", NULL };
	struct strv v = STRV_INIT;

	assert_int_equal(lab_lines_about(log, by_mac, 9, &v), 0);
	assert_lines(&v, (const char *const[]){ "DHCPDISCOVER(eth1) 52:54:00:66:00:01", NULL });
	strv_free(&v);
	v = (struct strv)STRV_INIT;
	assert_int_equal(lab_lines_about(log, by_address, 9, &v), 0);
	assert_lines(&v, (const char *const[]){ "sent /tftp/undionly.kpxe to 10.66.0.1",
						"GET /boot.ipxe of 10.66.0.1: 200", NULL });
	strv_free(&v);
	v = (struct strv)STRV_INIT;
	assert_int_equal(lab_lines_about(log, by_name, 9, &v), 0);
	assert_lines(&v,
		     (const char *const[]){ "node01.demo.lan is 110.66.0.1", "NODE01 (52-54) boots", NULL });
	strv_free(&v);
}

static void of_many_lines_the_last_are_kept(void **state)
{
	static const char *const words[] = { "x", NULL };
	struct strv v = STRV_INIT;

	assert_int_equal(lab_lines_about("x 1\nx 2\nx 3\nx 4\n", words, 2, &v), 0);
	assert_lines(&v, (const char *const[]){ "x 3", "x 4", NULL });
	strv_free(&v);
	v = (struct strv)STRV_INIT;
	assert_int_equal(lab_lines_about("", words, 2, &v), 0);
	assert_int_equal(v.n, 0);
	strv_free(&v);
}

static void a_console_is_read_without_what_moves_its_cursor(void **state)
{
	static const char console[] = "\x1b[2J\x1b[01;01HiPXE 1.0\r\n"
				      "\x1b]0;title\a\r\n"
				      "   \r\n"
				      "a\x1b[0m line\x1b\x37 more\r\n"
				      "cut off \x1b[1";
	struct strv v = STRV_INIT;

	assert_int_equal(lab_console_lines(console, sizeof(console) - 1, 9, &v), 0);
	assert_lines(&v, (const char *const[]){ "iPXE 1.0", "a line more", "cut off ", NULL });
	strv_free(&v);
	/* Whatever bytes come: none of these ends in the middle of its own sequence. */
	for (size_t n = 0; n < sizeof(console); n++) {
		v = (struct strv)STRV_INIT;
		assert_int_equal(lab_console_lines(console, n, 9, &v), 0);
		strv_free(&v);
	}
	v = (struct strv)STRV_INIT;
	assert_int_equal(lab_console_lines("a\0b\n", 4, 9, &v), 0);
	assert_lines(&v, (const char *const[]){ "ab", NULL });
	strv_free(&v);
}

/* ---- telling ---- */

static struct lab_try try_of(enum lab_outcome outcome, enum node_stage stage)
{
	struct lab_try t = { .node = (char *)(uintptr_t) "node01",
			     .machine = (char *)(uintptr_t) "node01-uefi",
			     .mac = (char *)(uintptr_t) "52:54:00:66:00:01",
			     .reason = (char *)(uintptr_t) "the root does not mount",
			     .kind = "counted",
			     .firmware = LAB_UEFI,
			     .outcome = outcome,
			     .stage = stage,
			     .ms = 14700 };

	for (size_t i = 0; i < NODE_STAGE_COUNT; i++)
		t.stage_ms[i] = -1;
	return t;
}

static void assert_sentence(enum lab_outcome outcome, enum node_stage stage, const char *want)
{
	struct lab_try t = try_of(outcome, stage);
	_cleanup_free_ char *text = lab_try_sentence(&t);

	assert_string_equal(text, want);
}

static void a_failure_says_where_it_stopped_and_why(void **state)
{
	assert_sentence(LAB_TRY_READY, NODE_ROOT, "node01 (UEFI) was ready 14.7 s after power-on.");
	assert_sentence(LAB_TRY_FAILED, NODE_ROOT,
			"node01 (UEFI) failed after 14.7 s. It was getting or starting its root, and is not "
			"ready: the root does not mount");
	assert_sentence(LAB_TRY_LATE, NODE_OFF,
			"node01 (UEFI) was not ready within 14 s. It has got no address.");
	assert_sentence(
		LAB_TRY_LATE, NODE_DHCP,
		"node01 (UEFI) was not ready within 14 s. It has got an address, and has not asked for "
		"its boot script.");
	assert_sentence(
		LAB_TRY_ENDED, NODE_KERNEL,
		"node01 (UEFI): its virtual machine ended after 14.7 s. It has fetched its kernel, and "
		"its initramfs was not heard of.");
}

static void the_report_has_all_of_it_and_passes_no_control_character_on(void **state)
{
	struct lab_try t = try_of(LAB_TRY_LATE, NODE_LOADER);
	struct strv lines = STRV_INIT;
	struct lab_evidence evidence = { .title = (char *)(uintptr_t) "its console" };
	struct muster_difference files[] = {
		{ MUSTER_DIFFERENCE_NONE, (char *)(uintptr_t) "/etc/muster/dnsmasq.conf", NULL },
		{ MUSTER_DIFFERENCE_REHEARSAL_ONLY, (char *)(uintptr_t) "/etc/muster/ganesha.conf", NULL },
		{ MUSTER_DIFFERENCE_CONTENT, (char *)(uintptr_t) "/etc/muster/cluster.json",
		  (char *)(uintptr_t) "-one\n+another\n" },
	};
	struct lab_rehearsal r = { .tries = &t,
				   .n = 1,
				   .differences = files,
				   .n_differences = ARRAY_SIZE(files),
				   .notes = STRV_INIT };
	_cleanup_free_ char *text = NULL;

	assert_int_equal(strv_add(&lines, "bad \x1b[31mthing"), 0);
	evidence.lines = lines;
	t.evidence = &evidence;
	t.n_evidence = 1;
	t.stage_ms[NODE_DHCP] = 2100;
	assert_int_equal(lab_rehearsal_text(&r, &text), 0);
	assert_non_null(strstr(text, "0 of 1 node became ready.\n"));
	assert_non_null(strstr(text, "* node01 (UEFI) was not ready within 14 s."));
	assert_non_null(strstr(text, "  dhcp       2.1 s\n"));
	assert_null(strstr(text, "  loader "));
	assert_non_null(strstr(text, "  -- its console\n"));
	assert_non_null(strstr(text, "1 file is the server's to the byte.\n"));
	assert_non_null(strstr(text, "In the rehearsal only: /etc/muster/ganesha.conf\n"));
	assert_non_null(strstr(text, "-one\n+another\n"));
	assert_null(strchr(text, '\x1b'));
	strv_free(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_firmware_gets_a_node_of_its_own),
		cmocka_unit_test(a_single_node_is_tried_with_both_firmwares),
		cmocka_unit_test(a_node_with_a_section_of_its_own_is_another_kind),
		cmocka_unit_test(a_node_without_a_mac_address_cannot_be_tried_and_is_said),
		cmocka_unit_test(of_a_range_any_machine_is_tried),
		cmocka_unit_test(nodes_that_are_named_are_tried_with_each_firmware),
		cmocka_unit_test(only_the_lines_about_a_node_are_taken),
		cmocka_unit_test(of_many_lines_the_last_are_kept),
		cmocka_unit_test(a_console_is_read_without_what_moves_its_cursor),
		cmocka_unit_test(a_failure_says_where_it_stopped_and_why),
		cmocka_unit_test(the_report_has_all_of_it_and_passes_no_control_character_on),
	};

	return cmocka_run_group_tests_name("rehearse", tests, NULL, NULL);
}
