/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the agent reads and says: the personality, HTTP over a pair of sockets, reports. */
#include "config.h"

#include "tests/unit/agent-room.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent/conf.h"
#include "agent/http.h"
#include "agent/klog.h"
#include "agent/report.h"

/* ---- conf ---- */

static void a_personality_is_read(void **state)
{
	_cleanup_(conf_free) struct conf c = { 0 };

	assert_int_equal(conf_parse(CONF_RAM, strlen(CONF_RAM), &c, NULL), 0);
	assert_string_equal(c.node, "node01");
	assert_string_equal(c.domain, "krg.lan");
	assert_memory_equal(c.mac, "\x52\x54\x00\x66\x00\x01", 6);
	assert_int_equal(ntohl(c.address.s_addr), 0x0a42000b);
	assert_int_equal(c.gateway.s_addr, 0);
	assert_int_equal(ntohl(c.dns.s_addr), 0x0a420001);
	assert_int_equal(c.prefix, 24);
	assert_int_equal(c.port, 8066);
	assert_string_equal(c.token, TOKEN);
	assert_int_equal(c.root, CONF_ROOT_RAM);
	assert_string_equal(c.root_path, "/roots/x/root.squashfs");
	assert_int_equal(c.root_size, 9953);
	assert_true(c.dhcp);
	assert_int_equal(c.interval, 5);
}

static void what_a_personality_leaves_out_has_its_default(void **state)
{
	static const char text[] =
		"# a note\n\nfuture=thing\nnode=a\nmac=52:54:00:66:00:01\naddress=10.66.0.11\n"
		"prefix=0\nserver=10.66.0.1\nport=1\ntoken=" TOKEN "\nroot=initramfs";
	_cleanup_(conf_free) struct conf c = { 0 };

	assert_int_equal(conf_parse(text, strlen(text), &c, NULL), 0);
	assert_int_equal(c.interval, WIRE_INTERVAL_DEFAULT);
	assert_false(c.dhcp);
	assert_null(c.root_path);
	assert_string_equal(c.domain, "");
}

/* Each line after a right personality spoils it: of a key given twice the last counts. */
static void a_wrong_value_is_refused_with_its_line(void **state)
{
	static const char *const wrong[] = {
		"node=",
		"node=a b",
		"node=../etc",
		"node=a.b",
		"node=-a",
		"node=a-",
		"domain=a..b",
		"domain=.a",
		"domain=a.",
		"domain=a\tb",
		"mac=52:54:00",
		"mac=52:54:00:66:00:0g",
		"mac=52-54-00-66-00-01",
		"address=1.2.3",
		"address=",
		"address=0.0.0.0",
		"address=1.2.3.4x",
		"prefix=33",
		"prefix=-1",
		"prefix=",
		"gateway=x",
		"port=0",
		"port=65536",
		"port=99999999999999999999",
		"token=abc",
		"token=" TOKEN "0",
		"machine_id=12",
		"root=floppy",
		"root_size=1k",
		"root_sha256=",
		"root_sha256=12",
		"root_sha256=" TOKEN TOKEN "0",
		"root_sha256=ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789",
		"root_size=99999999999999999999",
		"dhcp=2",
		"interval=0",
		"interval=3601",
		"root_path=/a b",
		"root_path=/a,b",
		"root_path=relative",
		"root_path=/a\"b",
		"root_path=",
		"nfs_export=here",
		"nonsense",
		"root=nfs",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_free_ char *text = NULL, *reason = NULL;
		struct conf c = { .prefix = 77 };

		assert_true(asprintf(&text, "%s%s\n", CONF_RAM, wrong[i]) > 0);
		if (conf_parse(text, strlen(text), &c, &reason) != -EINVAL)
			fail_msg("taken: %s", wrong[i]);
		assert_int_equal(c.prefix, 77);
		assert_non_null(reason);
		assert_int_equal(strncmp(reason, "node.conf", 9), 0);
	}
}

static void a_missing_key_is_named(void **state)
{
	static const char unsummed[] = CONF_START "root=ram\nroot_path=/roots/x/root.squashfs\n";
	_cleanup_free_ char *reason = NULL, *other = NULL, *third = NULL;
	struct conf c;

	assert_int_equal(conf_parse("node=a\n", 7, &c, &reason), -EINVAL);
	assert_string_equal(reason, "node.conf: mac is missing");
	assert_int_equal(conf_parse(CONF_START "root=ram\n", strlen(CONF_START "root=ram\n"), &c, &other),
			 -EINVAL);
	assert_string_equal(other, "node.conf: root_path is missing");
	assert_int_equal(conf_parse(unsummed, strlen(unsummed), &c, &third), -EINVAL);
	assert_string_equal(third, "node.conf: root_sha256 is missing");
}

static void hostile_bytes_are_no_personality(void **state)
{
	_cleanup_free_ char *large = malloc(CONF_FILE_MAX + 1);
	struct conf c;

	assert_int_equal(conf_parse("node=a\0b\n", 9, &c, NULL), -EINVAL);
	assert_int_equal(conf_parse("", 0, &c, NULL), -EINVAL);
	memset(large, 'x', CONF_FILE_MAX + 1);
	assert_int_equal(conf_parse(large, CONF_FILE_MAX + 1, &c, NULL), -EINVAL);
	assert_int_equal(conf_parse(large, CONF_FILE_MAX, &c, NULL), -EINVAL);
	/* Every piece of a right text: no crash, and never taken before its last required key. */
	for (size_t n = 0; n < strlen(CONF_RAM); n++) {
		_cleanup_(conf_free) struct conf part = { 0 };

		if (conf_parse(CONF_RAM, n, &part, NULL) == 0)
			assert_true(n >= strlen(CONF_START
						"root=ram\nroot_path=/roots/x/root.squashfs\nroot_sha256=") +
						 64);
	}
}

/* ---- http ---- */

static void heads_are_read(void **state)
{
	static const char head[] = "HTTP/1.1 206 Partial Content\r\ncontent-length:  70\r\nX: y\r\n"
				   "Content-Range: bytes 30-99/100\r\n\r\nbody";
	struct http_head h;

	assert_int_equal(http_parse_head(head, strlen(head), &h), 0);
	assert_int_equal(h.status, 206);
	assert_int_equal(h.length, 70);
	assert_int_equal(h.range_start, 30);
	assert_int_equal(h.range_total, 100);
	assert_string_equal(head + h.size, "body");
	for (size_t n = 0; n < h.size; n++)
		assert_int_equal(http_parse_head(head, n, &h), -EAGAIN);
	assert_int_equal(http_parse_head("HTTP/1.0 204\n\n", 14, &h), 0);
	assert_int_equal(h.status, 204);
	assert_int_equal(h.length, -1);
}

static void what_is_no_http_is_refused(void **state)
{
	static const char *const wrong[] = {
		"SSH-2.0-OpenSSH_9.2\r\n",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1 2x0 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 206 OK\r\nContent-Range: bytes 1/2\r\n\r\n",
		"HTTP/1.\n\n",
	};
	struct http_head h;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (http_parse_head(wrong[i], strlen(wrong[i]), &h) != -EPROTO)
			fail_msg("taken: %s", wrong[i]);
}

static int refuse_size(void *data, unsigned long long size, char **reason)
{
	return size > 50 ? fail_with(reason, -ENOMEM, "too large") : 0;
}

/* One attempt to get a file of which *done bytes are there, from a server that has this to say. */
static int get_once(struct room *room, const char *says, unsigned long long *done, unsigned long long *size,
		    unsigned long long want, char **reason)
{
	_cleanup_close_ int fd = openat(room->at, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct http_get g = { .path = "/f", .fd = fd, .want = want, .begin = refuse_size };
	int s[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(write(s[1], says, strlen(says)), (ssize_t)strlen(says));
	assert_int_equal(shutdown(s[1], SHUT_WR), 0);
	r = http_get_once(s[0], &g, done, size, reason);
	close(s[0]);
	close(s[1]);
	return r;
}

static int get_summed(int fd, struct sha256 *sum, const char *says, unsigned long long *done,
		      unsigned long long *size)
{
	const struct http_get g = { .path = "/f", .fd = fd, .sum = sum };
	_cleanup_free_ char *reason = NULL;
	int s[2], r;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(write(s[1], says, strlen(says)), (ssize_t)strlen(says));
	assert_int_equal(shutdown(s[1], SHUT_WR), 0);
	r = http_get_once(s[0], &g, done, size, &reason);
	close(s[0]);
	close(s[1]);
	return r;
}

static void a_file_that_broke_off_goes_on_where_it_was(void **state)
{
	struct room *room = *state;
	_cleanup_free_ char *reason = NULL, *text = NULL;
	unsigned long long done = 0, size = 0;

	assert_int_equal(get_once(room, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123", &done, &size, 10,
				  &reason),
			 -EAGAIN);
	assert_int_equal(done, 4);
	assert_non_null(strstr(reason, "/f arrived short, 4 of 10 bytes"));
	assert_int_equal(get_once(room,
				  "HTTP/1.1 206 OK\r\nContent-Length: 6\r\nContent-Range: bytes "
				  "4-9/10\r\n\r\n456789 more",
				  &done, &size, 10, &reason),
			 0);
	text = get(room, "file");
	assert_string_equal(text, "0123456789");
}

static void a_server_that_knows_no_ranges_sends_it_all_again(void **state)
{
	struct room *room = *state;
	unsigned long long done = 4, size = 10;
	_cleanup_free_ char *text = NULL;

	put(room, "file", "xxxx");
	assert_int_equal(get_once(room, "HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n0123456789", &done,
				  &size, 0, NULL),
			 0);
	text = get(room, "file");
	assert_string_equal(text, "0123456789");
}

/* Broken off, gone on, begun again by a server that knows no ranges: the sum is always of what is in the file. */
static void the_sum_is_of_what_is_in_the_file(void **state)
{
	static const char digits[] = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";
	struct room *room = *state;
	_cleanup_close_ int fd = openat(room->at, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	unsigned long long done = 0, size = 0;
	char text[SHA256_TEXT];
	struct sha256 sum;

	sha256_begin(&sum);
	assert_int_equal(get_summed(fd, &sum, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0x2", &done,
				    &size),
			 -EAGAIN);
	assert_int_equal(get_summed(fd, &sum, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123", &done,
				    &size),
			 -EAGAIN);
	assert_int_equal(get_summed(fd, &sum,
				    "HTTP/1.1 206 OK\r\nContent-Length: 6\r\nContent-Range: bytes "
				    "4-9/10\r\n\r\n456789",
				    &done, &size),
			 0);
	sha256_end(&sum, text);
	assert_string_equal(text, digits); /* printf 0123456789 | sha256sum */
}

static void a_refused_file_has_a_reason(void **state)
{
	static const struct {
		const char *says;
		int r;
		const char *reason;
	} cases[] = {
		{ "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", -ENOENT,
		  "the server answered 404 for /f: is the root built?" },
		{ "HTTP/1.1 403 No\r\n\r\n", -EPROTO, "the server answered 403 for /f" },
		{ "HTTP/1.1 503 Busy\r\n\r\n", -EAGAIN, "the server answered 503 for /f" },
		{ "HTTP/1.1 200 OK\r\n\r\nx", -EPROTO, "the server does not say the size of /f" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", -EPROTO,
		  "/f has 9 bytes on the server, 60 were announced" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n", -ENOMEM, "too large" },
		{ "HTTP/1.1 206 OK\r\nContent-Length: 9\r\nContent-Range: bytes 1-9/60\r\n\r\n", -EPROTO,
		  "the server sent another part of /f than asked for" },
		{ "SSH-2.0\r\n\r\n", -EPROTO, "what answered for /f is no HTTP server" },
		{ "", -EAGAIN, "the server did not answer for /f: Connection reset by peer" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned long long done = 0, size = 0;
		_cleanup_free_ char *reason = NULL;

		assert_int_equal(get_once(*state, cases[i].says, &done, &size, 60, &reason), cases[i].r);
		assert_string_equal(reason, cases[i].reason);
	}
}

static void a_report_is_posted_and_its_answer_read(void **state)
{
	static const char says[] = "HTTP/1.0 200 OK\r\nContent-Length: 11\r\n\r\ninterval=3\njunk";
	struct http_post p = { .path = "/report", .token = TOKEN, .body = "stage=root\n", .len = 11 };
	_cleanup_free_ char *answer = NULL;
	char asked[1024];
	int s[2], status;
	ssize_t n;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(write(s[1], says, strlen(says)), (ssize_t)strlen(says));
	assert_int_equal(http_post_once(s[0], &p, &status, &answer), 0);
	assert_int_equal(status, 200);
	assert_string_equal(answer, "interval=3\n");
	n = read(s[1], asked, sizeof(asked) - 1);
	assert_true(n > 0);
	asked[n] = '\0';
	assert_int_equal(strncmp(asked, "POST /report HTTP/1.0\r\n", 23), 0);
	assert_non_null(strstr(asked, "\r\nAuthorization: Bearer " TOKEN "\r\n"));
	assert_non_null(strstr(asked, "\r\nContent-Length: 11\r\n"));
	assert_non_null(strstr(asked, "\r\n\r\nstage=root\n"));
	close(s[0]);
	close(s[1]);
}

static void an_endless_answer_is_cut(void **state)
{
	struct http_post p = { .path = "/report", .token = TOKEN, .body = "", .len = 0 };
	static const char says[] = "HTTP/1.0 200 OK\r\n\r\n";
	_cleanup_free_ char *answer = NULL;
	char many[HTTP_ANSWER_MAX * 2];
	int s[2], status;

	memset(many, 'x', sizeof(many));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(write(s[1], says, strlen(says)), (ssize_t)strlen(says));
	assert_int_equal(write(s[1], many, sizeof(many)), (ssize_t)sizeof(many));
	assert_int_equal(http_post_once(s[0], &p, &status, &answer), 0);
	assert_int_equal(strlen(answer), HTTP_ANSWER_MAX);
	close(s[0]);
	close(s[1]);
}

/* ---- report ---- */

static void a_report_escapes_its_values(void **state)
{
	struct facts f = { .uptime_ms = 1234,
			   .load = "0.02",
			   .memory_kb = 100,
			   .memory_free_kb = 50,
			   .processors = 4,
			   .kernel = { .release = "6.1", .version = "#1" },
			   .card = "8086:15f3" };
	struct report report = { .stage = "failed", .reason = "a\nb\\c\x1b[0m=d", .log = "one\ntwo\n" };
	_cleanup_free_ char *body = NULL;
	size_t len;

	assert_int_equal(report_body(&report, &f, &body, &len), 0);
	assert_string_equal(body,
			    "stage=failed\nuptime_ms=1234\nload=0.02\nmemory_kb=100\nmemory_free_kb=50\n"
			    "processors=4\nkernel=6.1\nversion=#1\ncard=8086:15f3\nreason=a\\nb\\\\c?[0m="
			    "d\nlog=one\\ntwo\\n\n");
	assert_int_equal(len, strlen(body));
}

static void a_long_log_keeps_its_end(void **state)
{
	_cleanup_text_ struct text log = { 0 };
	struct report report = { .stage = "failed", .reason = "x" };
	_cleanup_free_ char *body = NULL;
	struct facts f = { 0 };
	char *start;
	size_t len;

	for (int i = 0; i < 9000; i++)
		text_addf(&log, "%d\\\n", i);
	report.log = log.s;
	assert_int_equal(report_body(&report, &f, &body, &len), 0);
	assert_true(len <= WIRE_REPORT_MAX);
	assert_true(len > WIRE_REPORT_MAX - 32);
	assert_non_null(strstr(body, "8999\\\\\\n\n"));
	start = strstr(body, "log=");
	assert_non_null(start);
	assert_true(start[4] >= '1' && start[8] == '\\');
}

static void an_answer_changes_what_it_may(void **state)
{
	struct report_state s = { .interval = 10 };

	report_obey("interval=3\nunknown=x\nnonsense\n", &s);
	assert_int_equal(s.interval, 3);
	report_obey("interval=0\ninterval=\ninterval=99999\ninterval=1x", &s);
	assert_int_equal(s.interval, 3);
	report_obey("interval=8\r\n", &s);
	assert_int_equal(s.interval, 8);
	report_obey("", &s);
	assert_int_equal(s.interval, 8);
	report_obey("action=reboot\naction_id=x\naction=reboot\naction_id=5\naction=explode\n", &s);
	assert_int_equal(s.action, ACTION_NONE);
	report_obey("action_id=5\naction=poweroff\n", &s);
	assert_int_equal(s.action, ACTION_POWEROFF);
	assert_int_equal(s.action_id, 5);
	s.action = ACTION_NONE;
	s.action_done = 5;
	report_obey("action_id=5\naction=poweroff\n", &s);
	assert_int_equal(s.action, ACTION_NONE);
}

/* What is run is what was judged, whatever the order of the lines. */
static void an_action_is_judged_with_the_arguments_that_it_gets(void **state)
{
	struct report_state s = { .interval = 10 };

	report_obey("action_id=5\naction_args=2,4\naction=ssi-add\naction_args=$(x)\n", &s);
	assert_int_equal(s.action, ACTION_NONE);
	report_obey("action_id=5\naction_args=2,4\naction=ssi-add\naction_id=x\n", &s);
	assert_int_equal(s.action, ACTION_NONE);
	report_obey("action=ssi-add\naction_args=2,4\naction_id=5\n", &s);
	assert_int_equal(s.action, ACTION_STEPS);
	assert_string_equal(s.word, "ssi-add");
	assert_string_equal(s.args, "2,4");
}

static void the_kernels_last_lines_are_kept(void **state)
{
	_cleanup_free_ char *lines = NULL;

	assert_string_equal(klog_last_lines("a\nb\nc\n", 2), "b\nc\n");
	assert_string_equal(klog_last_lines("a\nb\nc", 1), "c");
	assert_string_equal(klog_last_lines("a\nb\n", 9), "a\nb\n");
	assert_string_equal(klog_last_lines("", 9), "");
	lines = klog_without_levels("<6>[ 0.1] a <b>\n<x>c\n<4\n\n<12>");
	assert_string_equal(lines, "[ 0.1] a <b>\n<x>c\n<4\n\n");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_personality_is_read),
		cmocka_unit_test(what_a_personality_leaves_out_has_its_default),
		cmocka_unit_test(a_wrong_value_is_refused_with_its_line),
		cmocka_unit_test(a_missing_key_is_named),
		cmocka_unit_test(hostile_bytes_are_no_personality),
		cmocka_unit_test(heads_are_read),
		cmocka_unit_test(what_is_no_http_is_refused),
		IN_ROOM(a_file_that_broke_off_goes_on_where_it_was),
		IN_ROOM(a_server_that_knows_no_ranges_sends_it_all_again),
		IN_ROOM(the_sum_is_of_what_is_in_the_file),
		IN_ROOM(a_refused_file_has_a_reason),
		cmocka_unit_test(a_report_is_posted_and_its_answer_read),
		cmocka_unit_test(an_endless_answer_is_cut),
		cmocka_unit_test(a_report_escapes_its_values),
		cmocka_unit_test(a_long_log_keeps_its_end),
		cmocka_unit_test(an_answer_changes_what_it_may),
		cmocka_unit_test(an_action_is_judged_with_the_arguments_that_it_gets),
		cmocka_unit_test(the_kernels_last_lines_are_kept),
	};

	return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
