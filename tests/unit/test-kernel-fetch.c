/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fetching sources, from a server on the loopback device that does what servers do on bad days. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kernel/private.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/strbuf.h"

#define SIZE 300000
#define HALF 150000

struct site {
	char *path;
	int fd;
	char *content;
	char sha256[HASH_TEXT];
	struct strbuf log;
	struct kernel_env env;
	int listener;
	unsigned int port;
	pid_t server;
};

static void take_log(void *data, enum log_level level, const char *text)
{
	struct site *s = data;

	strbuf_addf(&s->log, "%s\n", text);
}

static int make_site(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct site *s = calloc(1, sizeof(*s));
	char template[] = "/tmp/muster-fetch-XXXXXX";
	socklen_t len = sizeof(a);

	assert_non_null(s);
	assert_non_null(mkdtemp(template));
	s->path = strdup(template);
	s->fd = fs_root_open(s->path);
	s->content = malloc(SIZE);
	assert_non_null(s->content);
	for (int i = 0; i < SIZE; i++)
		s->content[i] = (char)(i * 31 + i / 7);
	hash_text(s->content, SIZE, s->sha256);
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->listener >= 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
	s->env = (struct kernel_env){ .root_fd = s->fd, .root_path = s->path, .recipes = "/nonexistent" };
	log_set_sink(take_log, s);
	*state = s;
	return 0;
}

static int drop_site(void **state)
{
	_cleanup_close_ int slash = fs_root_open("/");
	struct site *s = *state;

	if (s->server > 0) {
		kill(s->server, SIGKILL);
		waitpid(s->server, NULL, 0);
	}
	log_set_sink(NULL, NULL);
	assert_int_equal(fs_remove_tree(slash, s->path), 0);
	close(s->fd);
	close(s->listener);
	strbuf_free(&s->log);
	free(s->content);
	free(s->path);
	free(s);
	return 0;
}

/* ---- the server, in a process of its own ------------------------------------------------------------------ */

/* What it does with one request after the other. */
enum answer {
	WHOLE,
	CUT_OFF,  /* says how much there is, sends half, and is gone */
	RANGE,	  /* from where it was asked to begin; another request is a mistake */
	NO_RANGE, /* all of it, although it was asked for the rest */
	MISSING,
};

static int read_request(int fd, char *buf, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		ssize_t got = read(fd, buf + n, size - 1 - n);

		if (got <= 0)
			return -1;
		n += (size_t)got;
		buf[n] = '\0';
		if (strstr(buf, "\r\n\r\n"))
			return 0;
	}
	return -1;
}

static void serve_one(const struct site *s, int fd, enum answer what)
{
	char request[4096], head[256];
	const char *range;
	long from = 0;
	size_t n = SIZE;

	if (read_request(fd, request, sizeof(request)) < 0)
		_exit(1);
	range = strstr(request, "Range: bytes=");
	from = range ? strtol(range + 13, NULL, 10) : 0;
	if ((what == RANGE || what == NO_RANGE) != (range != NULL))
		_exit(2);
	if (what == MISSING) {
		snprintf(head, sizeof(head),
			 "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
		n = 0;
	} else if (what == RANGE) {
		snprintf(head, sizeof(head),
			 "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %ld-%d/%d\r\nContent-Length: "
			 "%ld\r\n"
			 "Connection: close\r\n\r\n",
			 from, SIZE - 1, SIZE, SIZE - from);
	} else {
		snprintf(head, sizeof(head),
			 "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", SIZE);
		from = 0;
	}
	if (what == CUT_OFF)
		n = HALF;
	if (write(fd, head, strlen(head)) < 0 ||
	    (n > 0 && fs_write_all(fd, s->content + from, n - (size_t)from) < 0))
		if (errno != EPIPE && errno != ECONNRESET)
			_exit(3);
}

static void start_server(struct site *s, const enum answer *answers, size_t n)
{
	s->server = fork();
	assert_true(s->server >= 0);
	if (s->server > 0)
		return;
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < n; i++) {
		int fd = accept(s->listener, NULL, NULL);

		if (fd < 0)
			_exit(4);
		serve_one(s, fd, answers[i]);
		close(fd);
	}
	_exit(0);
}

static void assert_served(struct site *s)
{
	int status;

	assert_int_equal(waitpid(s->server, &status, 0), s->server);
	s->server = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int fetch(struct site *s, const char *sha256)
{
	_cleanup_free_ char *word = NULL;
	const char *words[] = { NULL, NULL };
	struct kernel_source source = { (char *)(uintptr_t) "linux", (char *)(uintptr_t) "",
					(char *)(uintptr_t) "", (char *)(uintptr_t) "" };
	const struct kernel_recipe recipe = { .name = (char *)(uintptr_t) "r",
					      .sources = &source,
					      .n_sources = 1 };
	const struct craft_env craft = kernel_craft(&s->env);
	struct craft_input *v;
	size_t n;
	int r;

	assert_true(asprintf(&word, "http://127.0.0.1:%u/linux.tar#sha256=%s", s->port, sha256) > 0);
	words[0] = word;
	assert_int_equal(kernel_inputs(&s->env, &recipe, &(struct kernel_wish){ .sources = words }, &v, &n),
			 0);
	r = craft_input_ready(&craft, &v[0]);
	craft_inputs_free(v, n);
	return r;
}

static void assert_fetched(const struct site *s)
{
	_cleanup_free_ char *path = fs_join(KERNEL_SOURCES, s->sha256), *data = NULL;
	size_t len;

	assert_int_equal(fs_read(s->fd, path, 2 * SIZE, &data, &len), 0);
	assert_int_equal(len, SIZE);
	assert_memory_equal(data, s->content, SIZE);
}

/* ---- tests ---------------------------------------------------------------------------------------------------- */

static void a_source_is_fetched_once(void **state)
{
	static const enum answer answers[] = { WHOLE };
	struct site *s = *state;

	start_server(s, answers, ARRAY_SIZE(answers));
	assert_int_equal(fetch(s, s->sha256), 0);
	assert_served(s);
	assert_fetched(s);
	/* Nobody serves it a second time. */
	assert_int_equal(fetch(s, s->sha256), 0);
}

static void a_download_that_was_cut_off_goes_on(void **state)
{
	static const enum answer answers[] = { CUT_OFF, RANGE };
	struct site *s = *state;

	start_server(s, answers, ARRAY_SIZE(answers));
	assert_int_equal(fetch(s, s->sha256), 0);
	assert_served(s);
	assert_fetched(s);
}

static void a_server_that_cannot_go_on_begins_anew(void **state)
{
	static const enum answer answers[] = { CUT_OFF, NO_RANGE, WHOLE };
	struct site *s = *state;

	start_server(s, answers, ARRAY_SIZE(answers));
	assert_int_equal(fetch(s, s->sha256), 0);
	assert_served(s);
	assert_fetched(s);
}

static void what_an_earlier_run_fetched_is_not_fetched_again(void **state)
{
	static const enum answer rest[] = { RANGE };
	_cleanup_free_ char *part = NULL;
	struct site *s = *state;

	assert_true(asprintf(&part, "%s/%s.part", KERNEL_SOURCES, s->sha256) > 0);
	assert_int_equal(fs_mkdir_all(s->fd, KERNEL_SOURCES, 0755), 0);
	assert_int_equal(fs_write(s->fd, part, s->content, HALF,
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
	start_server(s, rest, ARRAY_SIZE(rest));
	assert_int_equal(fetch(s, s->sha256), 0);
	assert_served(s);
	assert_fetched(s);
}

static void what_was_whole_and_had_no_name_yet_is_not_fetched_at_all(void **state)
{
	_cleanup_free_ char *part = NULL;
	struct site *s = *state;

	assert_true(asprintf(&part, "%s/%s.part", KERNEL_SOURCES, s->sha256) > 0);
	assert_int_equal(fs_mkdir_all(s->fd, KERNEL_SOURCES, 0755), 0);
	assert_int_equal(fs_write(s->fd, part, s->content, SIZE,
				  &(struct fs_attr){ 0644, (uid_t)-1, (gid_t)-1 }),
			 0);
	/* Nobody would answer. */
	assert_int_equal(fetch(s, s->sha256), 0);
	assert_fetched(s);
	assert_false(fs_exists(s->fd, part));
}

static void another_content_is_refused_and_not_kept(void **state)
{
	static const char wrong[] = "00000000000000000000000000000000000000000000000000000000000000aa";
	static const enum answer answers[] = { WHOLE };
	struct site *s = *state;

	start_server(s, answers, ARRAY_SIZE(answers));
	assert_int_equal(fetch(s, wrong), -MUSTER_E_FORMAT);
	assert_served(s);
	assert_non_null(strstr(s->log.data, "is not what it is to be: its SHA-256 is"));
	assert_non_null(strstr(s->log.data, wrong));
	assert_false(fs_exists(s->fd, KERNEL_SOURCES
			       "/00000000000000000000000000000000000000000000000000000000000000aa"));
	assert_false(fs_exists(s->fd, KERNEL_SOURCES
			       "/00000000000000000000000000000000000000000000000000000000000000aa.part"));
}

static void a_source_that_is_not_there_is_said(void **state)
{
	static const enum answer answers[] = { MISSING };
	struct site *s = *state;

	start_server(s, answers, ARRAY_SIZE(answers));
	assert_int_equal(fetch(s, s->sha256), -EIO);
	assert_served(s);
	assert_non_null(strstr(s->log.data, "cannot be fetched: The requested URL returned error: 404"));
}

#define ON_SITE(f) cmocka_unit_test_setup_teardown(f, make_site, drop_site)

/* ---- before a build ------------------------------------------------------------------------------------------ */

static void assert_source(struct site *s, const char *place, const char *sha256, bool digest,
			  const char *said)
{
	struct kernel_source source = { .name = (char[]){ "linux" }, .sha256 = (char[]){ "" } };
	const struct kernel_recipe r = { .name = (char[]){ "plain" }, .sources = &source, .n_sources = 1 };
	bool is_digest = !digest;

	strbuf_reset(&s->log);
	if (!said) {
		assert_int_equal(kernel_source_check(&s->env, &r, 0, place, sha256, &is_digest), 0);
		assert_int_equal(s->log.len, 0);
		return;
	}
	assert_true(kernel_source_check(&s->env, &r, 0, place, sha256, &is_digest) < 0);
	assert_non_null(s->log.data);
	if (!strstr(s->log.data, said))
		fail_msg("no \"%s\" in: %s", said, s->log.data);
	assert_int_equal(is_digest, digest);
}

static void a_source_is_looked_at_before_it_is_built(void **state)
{
	const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };
	struct site *s = *state;
	_cleanup_free_ char *file = fs_join(s->path, "linux.tar"), *none = fs_join(s->path, "none");
	char other[HASH_TEXT];

	hash_text("other", 5, other);
	assert_int_equal(fs_write(s->fd, "/linux.tar", s->content, SIZE, &attr), 0);
	assert_source(s, "", "", false, "name its path or URL");
	assert_source(s, "linux.tar", "", false, "whole, from / on");
	assert_source(s, none, "", false, "cannot be read");
	assert_source(s, "gopher://x/linux.tar", s->sha256, false, "only http, https and ftp");
	assert_source(s, file, "", true, NULL);
	assert_source(s, file, "abc", true, "64 hexadecimal digits");
	assert_source(s, file, other, true, "is not what it is to be");
	assert_source(s, file, s->sha256, true, NULL);
	assert_source(s, s->path, "", true, NULL);
	assert_source(s, s->path, s->sha256, true, "is a folder, which has no SHA-256");
	assert_source(s, "http://192.0.2.1/linux.tar", "", true, "give its SHA-256");
	/* Nothing is fetched. */
	assert_source(s, "http://192.0.2.1/linux.tar", s->sha256, true, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_SITE(a_source_is_looked_at_before_it_is_built),
		ON_SITE(a_source_is_fetched_once),
		ON_SITE(a_download_that_was_cut_off_goes_on),
		ON_SITE(a_server_that_cannot_go_on_begins_anew),
		ON_SITE(what_an_earlier_run_fetched_is_not_fetched_again),
		ON_SITE(what_was_whole_and_had_no_name_yet_is_not_fetched_at_all),
		ON_SITE(another_content_is_refused_and_not_kept),
		ON_SITE(a_source_that_is_not_there_is_said),
	};

	setenv("no_proxy", "127.0.0.1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
