/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/error.h"
#include "util/fs.h"
#include "util/hash.h"
#include "util/ip.h"
#include "util/kvm.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/strbuf.h"
#include "util/strv.h"

static void addresses_are_read_whole_or_not_at_all(void **state)
{
	static const char *const wrong[] = { "",	 "1.2.3",    "1.2.3.4.",    "1.2.3.256", "01.2.3.4",
					     " 1.2.3.4", "1.2.3.4 ", "1.2.3.4/24x", "a.b.c.d",	 "1..2.3" };
	struct ip4 a = { 7 };

	assert_int_equal(ip4_parse("10.66.0.1", &a), 0);
	assert_int_equal(a.n, 0x0a420001);
	assert_string_equal(IP4(a), "10.66.0.1");
	assert_int_equal(ip4_parse("255.255.255.255", &a), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		a.n = 7;
		assert_int_equal(ip4_parse(wrong[i], &a), -EINVAL);
		assert_int_equal(a.n, 7);
	}
}

static void networks_know_their_bounds(void **state)
{
	struct ip4_net n;
	struct ip4 a;

	assert_int_equal(ip4_net_parse("10.66.0.1/24", &n), 0);
	assert_string_equal(IP4(ip4_net_first(n)), "10.66.0.0");
	assert_string_equal(IP4(ip4_net_last(n)), "10.66.0.255");
	assert_int_equal(ip4_parse("10.66.0.255", &a), 0);
	assert_true(ip4_net_has(n, a));
	assert_false(ip4_net_usable(n, a));
	assert_int_equal(ip4_parse("10.66.1.0", &a), 0);
	assert_false(ip4_net_has(n, a));
	assert_int_equal(ip4_net_parse("0.0.0.0/0", &n), 0);
	assert_string_equal(IP4(ip4_net_last(n)), "255.255.255.255");
	assert_int_equal(ip4_net_parse("10.66.0.1/33", &n), -EINVAL);
	assert_int_equal(ip4_net_parse("10.66.0.1", &n), -EINVAL);
}

static void ranges_are_ordered(void **state)
{
	struct ip4_range r;

	assert_int_equal(ip4_range_parse("10.66.0.100-10.66.0.199", &r), 0);
	assert_int_equal(r.last.n - r.first.n, 99);
	assert_int_equal(ip4_range_parse("10.66.0.2-10.66.0.1", &r), -EINVAL);
	assert_int_equal(ip4_range_parse("10.66.0.2", &r), -EINVAL);
}

static void macs_take_both_separators(void **state)
{
	struct mac m;

	assert_int_equal(mac_parse("52:54:00:66:00:0A", &m), 0);
	assert_string_equal(MAC(m), "52:54:00:66:00:0a");
	assert_int_equal(mac_parse("52-54-00-66-00-0a", &m), 0);
	assert_int_equal(mac_parse("52:54-00:66:00:0a", &m), -EINVAL);
	assert_int_equal(mac_parse("52:54:00:66:00", &m), -EINVAL);
	assert_int_equal(mac_parse("52:54:00:66:00:0a:", &m), -EINVAL);
	assert_true(mac_is_unicast(m));
	assert_int_equal(mac_parse("01:00:5e:00:00:01", &m), 0);
	assert_false(mac_is_unicast(m));
}

static void a_buffer_grows(void **state)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_free_ char *text = NULL;
	size_t len;

	for (int i = 0; i < 1000; i++)
		strbuf_addf(&b, "%03d,", i);
	strbuf_add(&b, "\0x", 2);
	assert_int_equal(strbuf_take(&b, &text, &len), 0);
	assert_int_equal(len, 4002);
	assert_memory_equal(text + 3996, "999,\0x", 6);
	assert_null(b.data);
}

static void a_list_grows(void **state)
{
	_cleanup_strv_ struct strv s = STRV_INIT;

	for (int i = 0; i < 100; i++)
		assert_int_equal(strv_addf(&s, "%d", 99 - i), 0);
	assert_int_equal(s.n, 100);
	assert_null(s.v[100]);
	strv_sort(&s);
	assert_string_equal(s.v[1], "1");
	assert_true(strv_has(&s, "57"));
	assert_false(strv_has(&s, "100"));
}

static void sha256_is_sha256(void **state)
{
	char text[HASH_TEXT];

	/* FIPS 180-4's example for "abc" */
	hash_text("abc", 3, text);
	assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static int scratch(void **state)
{
	char path[] = "/tmp/muster-test-XXXXXX";
	int fd;

	if (!mkdtemp(path))
		return -1;
	*state = strdup(path);
	fd = fs_root_open(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_scratch(void **state)
{
	_cleanup_close_ int fd = fs_root_open("/");
	int r = fs_remove_tree(fd, *state);

	free(*state);
	return r;
}

static void files_are_replaced_whole(void **state)
{
	_cleanup_close_ int root = fs_root_open(*state);
	const struct fs_attr attr = { 0640, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;

	assert_int_equal(fs_mkdir_all(root, "/etc/muster/deep", 0755), 0);
	assert_int_equal(fs_mkdir_all(root, "/etc/muster/deep", 0755), 0);
	assert_int_equal(fs_write(root, "/etc/muster/x", "one", 3, &attr), 0);
	assert_int_equal(fs_write(root, "/etc/muster/x", "two\n", 4, &attr), 0);
	assert_int_equal(fs_read(root, "/etc/muster/x", 100, &text, &len), 0);
	assert_string_equal(text, "two\n");
	assert_int_equal(fs_stat(root, "/etc/muster/x", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fs_read(root, "/etc/muster/x", 3, &text, NULL), -EFBIG);
	assert_int_equal(fs_unlink(root, "/etc/muster/x"), 0);
	assert_int_equal(fs_unlink(root, "/etc/muster/x"), 0);
	assert_int_equal(fs_remove_tree(root, "/etc"), 0);
	assert_false(fs_exists(root, "/etc"));
}

static void a_private_folder_leaves_those_above_it_open(void **state)
{
	_cleanup_close_ int root = fs_root_open(*state);
	struct stat st;

	assert_int_equal(fs_mkdir_all(root, "/var/lib/muster/job", 0700), 0);
	assert_int_equal(fstatat(root, "var/lib/muster/job", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fstatat(root, "var/lib/muster", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(fstatat(root, "var", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

static void links_do_not_lead_out(void **state)
{
	_cleanup_close_ int root = fs_root_open(*state);
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	_cleanup_free_ char *inside = fs_join(*state, "etc/passwd"), *text = NULL;

	assert_int_equal(symlinkat("/etc", root, "link"), 0);
	assert_int_equal(fs_mkdir_all(root, "/etc", 0755), 0);
	assert_int_equal(fs_write(root, "/link/passwd", "mine", 4, &attr), 0);
	assert_int_equal(access(inside, F_OK), 0);
	assert_int_equal(fs_read(root, "/../../../link/passwd", 100, &text, NULL), 0);
	assert_string_equal(text, "mine");
	assert_int_equal(symlinkat("passwd", root, "etc/last"), 0);
	assert_int_equal(fs_open(root, "/etc/last", O_RDONLY, 0), -ELOOP);
}

static void collect(void *data, const char *line)
{
	strbuf_addf(data, "[%s]", line);
}

static void commands_run_to_their_end(void **state)
{
	_cleanup_strbuf_ struct strbuf lines = STRBUF_INIT;
	_cleanup_free_ char *output = NULL;
	const char *const cat[] = { "cat", NULL };
	const char *const sleep[] = { "sleep", "60", NULL };
	const char *const none[] = { "muster-has-no-such-program", NULL };
	struct spawn s = { .argv = cat, .input = "a\nb", .input_len = 3, .on_line = collect, .data = &lines };
	int status;

	assert_int_equal(spawn_run(&s, &status, &output), 0);
	assert_int_equal(status, 0);
	assert_string_equal(output, "a\nb");
	assert_string_equal(lines.data, "[a][b]");
	s = (struct spawn){ .argv = cat, .input = "", .timeout_ms = 5000 };
	assert_int_equal(spawn_run(&s, &status, NULL), 0);
	assert_int_equal(status, 0);
	s = (struct spawn){ .argv = sleep, .timeout_ms = 50 };
	assert_int_equal(spawn_run(&s, &status, NULL), -MUSTER_E_TIMEOUT);
	s = (struct spawn){ .argv = none };
	assert_int_equal(spawn_run(&s, &status, NULL), -ENOENT);
	assert_int_equal(spawn_argv(NULL, 1000, "false", NULL), -MUSTER_E_COMMAND);
}

static void keep_text(void *data, enum log_level level, const char *text)
{
	snprintf(data, 512, "%s", text);
}

static void a_failed_command_is_told_with_its_last_lines(void **state)
{
	char said[512] = "";

	log_set_sink(keep_text, said);
	assert_int_equal(spawn_argv(NULL, 5000, "sh", "-c", "printf '10%%\r100%%\r\nno room\n\n'; exit 7",
				    NULL),
			 -MUSTER_E_COMMAND);
	assert_string_equal(said, "sh ended with status 7:\n  100%\n  no room");
	assert_int_equal(spawn_argv(NULL, 5000, "sh", "-c", "echo one; exit 1", NULL), -MUSTER_E_COMMAND);
	assert_string_equal(said, "sh ended with status 1: one");
	assert_int_equal(spawn_argv(NULL, 5000, "sh", "-c", "seq 100; exit 1", NULL), -MUSTER_E_COMMAND);
	assert_null(strstr(said, "92"));
	assert_non_null(strstr(said, "\n  93\n"));
	assert_int_equal(spawn_argv(NULL, 5000, "false", NULL), -MUSTER_E_COMMAND);
	assert_string_equal(said, "false ended with status 1");
	log_set_sink(NULL, NULL);
}

/* The command's standard error is a pipe, which is at its end once nobody holds it. */
static void a_command_ends_with_who_runs_it(void **state)
{
	const char *const argv[] = { "sh", "-c", "echo up >&2; exec sleep 60", NULL };
	const struct spawn s = { .argv = argv, .ends_with_us = true, .keep_stderr = true };
	struct pollfd p = { .events = POLLIN };
	int fds[2], status;
	char text[8];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[1]);
		_exit(spawn_run(&s, &status, NULL) == 0 ? 0 : 1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], text, sizeof(text)), 3);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	p.fd = fds[0];
	assert_int_equal(poll(&p, 1, 20000), 1);
	assert_int_equal(read(fds[0], text, sizeof(text)), 0);
	close(fds[0]);
}

/* In a process of its own, whose standard error is a file: a thousand lines at once, and one a moment later. */
static void the_log_has_its_rate(void **state)
{
	char path[] = "/tmp/muster-log-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	char text[8192] = "";
	size_t lines = 0;
	pid_t pid;
	int status;

	assert_true(fd >= 0);
	unlink(path);
	pid = fork();
	if (pid == 0) {
		dup2(fd, STDERR_FILENO);
		log_set_rate(10000, 20);
		for (int i = 0; i < 1000; i++)
			log_error("line %d", i);
		if (log_left_out() != 980)
			_exit(1);
		log_set_rate(1, 20);
		while (poll(NULL, 0, 5) == 0 && log_left_out() > 0) {
			unsigned long long before = log_left_out();

			log_error("again");
			if (log_left_out() == before)
				_exit(0);
		}
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 20 + 2);
	assert_non_null(strstr(text, "line 19\n"));
	assert_null(strstr(text, "line 20\n"));
	assert_non_null(strstr(text, "980 lines were left out here\nagain\n"));
}

static void what_is_no_kvm_runs_no_guest(void **state)
{
	assert_int_equal(kvm_try("/nonexistent/kvm", 2000), -ENOENT);
	assert_int_equal(kvm_try("/dev/null", 2000), -MUSTER_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_has_its_rate),
		cmocka_unit_test(what_is_no_kvm_runs_no_guest),
		cmocka_unit_test(addresses_are_read_whole_or_not_at_all),
		cmocka_unit_test(networks_know_their_bounds),
		cmocka_unit_test(ranges_are_ordered),
		cmocka_unit_test(macs_take_both_separators),
		cmocka_unit_test(a_buffer_grows),
		cmocka_unit_test(a_list_grows),
		cmocka_unit_test(sha256_is_sha256),
		cmocka_unit_test_setup_teardown(files_are_replaced_whole, scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(a_private_folder_leaves_those_above_it_open, scratch,
						remove_scratch),
		cmocka_unit_test_setup_teardown(links_do_not_lead_out, scratch, remove_scratch),
		cmocka_unit_test(commands_run_to_their_end),
		cmocka_unit_test(a_failed_command_is_told_with_its_last_lines),
		cmocka_unit_test(a_command_ends_with_who_runs_it),
	};

	return cmocka_run_group_tests_name("util", tests, NULL, NULL);
}
