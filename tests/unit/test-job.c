/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "backend/context.h"
#include "backend/job.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define DEADLINE_MS 20000

static char folder[] = "/tmp/muster-job-XXXXXX";

/* ---- a front end, and work to do ------------------------------------------------------------------------------- */

static void remember(void *data, const struct muster_event *e)
{
	struct strbuf *b = data;

	if (e->type == MUSTER_EVENT_STEP)
		strbuf_addf(b, "step %s: %s\n", e->step.name, e->step.text);
	else if (e->type == MUSTER_EVENT_ERROR || e->type == MUSTER_EVENT_NOTE ||
		 e->type == MUSTER_EVENT_LINE)
		strbuf_addf(b, "%s\n", e->text);
}

static struct muster *context(struct strbuf *said)
{
	const struct muster_config config = { .root = folder,
					      .on_event = said ? remember : NULL,
					      .data = said };
	struct muster *m;

	assert_int_equal(muster_new(&config, &m), 0);
	return m;
}

/* Waits for the file "go" below the root, or to be stopped. */
static int work_until_told(struct muster *m, const char *answers)
{
	int64_t end = clock_mono_ms() + 2 * DEADLINE_MS;

	context_step(m, "work", "waiting for %s", answers ? answers : "nobody");
	context_line(m, "a line of its own");
	while (clock_mono_ms() < end) {
		struct pollfd stop = { .fd = m->config.cancel_fd, .events = POLLIN };

		if (poll(&stop, 1, 10) > 0) {
			context_note(m, "stopped");
			return -MUSTER_E_CANCELLED;
		}
		if (fs_exists(m->root_fd, "/go")) {
			context_note(m, "told");
			return 0;
		}
	}
	return -MUSTER_E_TIMEOUT;
}

static pid_t starters_session;

/* Who it is, and what it can still reach of its starter. */
static int work_tell_itself(struct muster *m, const char *answers)
{
	char cwd[64] = "";
	int open_files = 0;

	for (int fd = 0; fd < 3; fd++)
		if (isatty(fd))
			return -ENOTTY;
	for (int fd = 20; fd < 256; fd++)
		open_files += fcntl(fd, F_GETFD) >= 0;
	context_note(m, "session of its own %d, folder %s, %d files of others", getsid(0) != starters_session,
		     getcwd(cwd, sizeof(cwd)) ? cwd : "?", open_files);
	return -MUSTER_E_CONFLICT;
}

static void go(struct muster *m)
{
	static const struct fs_attr attr = { 0644, (uid_t)-1, (gid_t)-1 };

	assert_int_equal(fs_write(m->root_fd, "/go", "", 0, &attr), 0);
}

/* Follows it to its end; all that it said. */
static void follow(struct job_feed *f, struct strbuf *said)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;
	int r = 1;

	while (r == 1) {
		struct pollfd p = { .fd = muster_job_fd(f), .events = POLLIN };

		assert_true(clock_mono_ms() < end);
		poll(&p, 1, 1000);
		r = muster_job_read(f, remember, said);
	}
	assert_int_equal(r, 0);
	assert_int_equal(muster_job_read(f, remember, said), 0);
}

/* Until it said so much. */
static void follow_until(struct job_feed *f, struct strbuf *said, const char *text)
{
	int64_t end = clock_mono_ms() + DEADLINE_MS;

	while (!said->data || !strstr(said->data, text)) {
		struct pollfd p = { .fd = muster_job_fd(f), .events = POLLIN };

		assert_true(clock_mono_ms() < end);
		poll(&p, 1, 1000);
		assert_int_equal(muster_job_read(f, remember, said), 1);
	}
}

static int set_up(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	_cleanup_close_ int tmp = fs_root_open("/tmp");

	return fs_remove_tree(tmp, strrchr(folder, '/'));
}

/* Ends what a failed test left at work, and begins anew. */
static int clear(void **state)
{
	_cleanup_(muster_freep) struct muster *m = context(NULL);
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;
	struct muster_job job;

	if (muster_job_find(m, &job) == 0 && job.running) {
		kill(job.pid, SIGKILL);
		if (muster_job_attach(m, &f) == 0)
			follow(f, &said);
	}
	return fs_remove_tree(m->root_fd, "/var") < 0 || fs_unlink(m->root_fd, "/go") < 0;
}

/* ---- the tests --------------------------------------------------------------------------------------------------- */

static void where_no_job_was_none_is_found(void **state)
{
	_cleanup_(muster_freep) struct muster *m = context(NULL);
	struct job_feed *f = NULL;
	struct muster_job job;

	assert_int_equal(muster_job_find(m, &job), -ENOENT);
	assert_int_equal(muster_job_attach(m, &f), -ENOENT);
	assert_int_equal(muster_job_cancel(m), -ENOENT);
}

static void a_job_outlives_its_starter_and_is_found_again(void **state)
{
	_cleanup_(muster_freep) struct muster *m = context(NULL);
	_cleanup_(muster_job_detachp) struct job_feed *first = NULL, *second = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT, again = STRBUF_INIT;
	struct muster_job job;
	struct stat st;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (job_start(m, MUSTER_JOB_APPLY, "/etc", work_until_told) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(muster_job_find(m, &job), 0);
	assert_true(job.running);
	assert_false(job.has_result);
	assert_int_equal(job.kind, MUSTER_JOB_APPLY);
	assert_true(job.pid > 1 && job.pid != pid);
	assert_int_equal(muster_job_attach(m, &first), 0);
	follow_until(first, &said, "a line of its own\n");
	/* Another one begins at the begin, too. */
	assert_int_equal(muster_job_attach(m, &second), 0);
	follow_until(second, &again, "a line of its own\n");
	go(m);
	follow(first, &said);
	follow(second, &again);
	assert_string_equal(said.data, "step work: waiting for /etc\na line of its own\ntold\n");
	assert_string_equal(again.data, said.data);
	assert_false(muster_job_state(first)->running);
	assert_true(muster_job_state(first)->has_result);
	assert_int_equal(muster_job_state(first)->result, 0);
	/* Its last words stay. */
	assert_int_equal(muster_job_find(m, &job), 0);
	assert_false(job.running);
	assert_true(job.has_result);
	assert_true(job.ended >= job.started);
	muster_job_detach(first);
	first = NULL;
	assert_int_equal(muster_job_attach(m, &first), 0);
	strbuf_reset(&said);
	follow(first, &said);
	assert_string_equal(again.data, said.data);
	assert_int_equal(fs_stat(m->root_fd, JOB_LOG, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void a_cancelled_job_ends_by_itself(void **state)
{
	_cleanup_(muster_freep) struct muster *m = context(NULL);
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;

	assert_int_equal(job_start(m, MUSTER_JOB_ROOT, NULL, work_until_told), 0);
	assert_int_equal(muster_job_attach(m, &f), 0);
	follow_until(f, &said, "a line");
	assert_int_equal(muster_job_cancel(m), 0);
	follow(f, &said);
	assert_non_null(strstr(said.data, "stopped\n"));
	assert_int_equal(muster_job_state(f)->result, -MUSTER_E_CANCELLED);
	assert_int_equal(muster_job_state(f)->kind, MUSTER_JOB_ROOT);
	assert_int_equal(muster_job_cancel(m), -ENOENT);
}

static void a_hangup_does_not_end_it(void **state)
{
	_cleanup_(muster_freep) struct muster *m = context(NULL);
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;

	assert_int_equal(job_start(m, MUSTER_JOB_APPLY, NULL, work_until_told), 0);
	assert_int_equal(muster_job_attach(m, &f), 0);
	follow_until(f, &said, "a line");
	assert_int_equal(kill(muster_job_state(f)->pid, SIGHUP), 0);
	go(m);
	follow(f, &said);
	assert_int_equal(muster_job_state(f)->result, 0);
}

static void a_second_job_is_refused_with_the_name_of_the_first(void **state)
{
	_cleanup_strbuf_ struct strbuf errors = STRBUF_INIT, said = STRBUF_INIT;
	_cleanup_(muster_freep) struct muster *m = context(&errors);
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	_cleanup_free_ char *pid = NULL;

	assert_int_equal(job_start(m, MUSTER_JOB_APPLY, NULL, work_until_told), 0);
	assert_int_equal(job_start(m, MUSTER_JOB_UNDO, NULL, work_until_told), -MUSTER_E_BUSY);
	assert_non_null(errors.data);
	assert_int_equal(muster_job_attach(m, &f), 0);
	assert_true(asprintf(&pid, "apply (process %d)", muster_job_state(f)->pid) > 0);
	assert_non_null(strstr(errors.data, pid));
	go(m);
	follow(f, &said);
}

static void a_killed_job_ended_without_a_result(void **state)
{
	_cleanup_(muster_freep) struct muster *m = context(NULL);
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL, *old = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT, next = STRBUF_INIT;
	struct muster_job job;

	assert_int_equal(job_start(m, MUSTER_JOB_APPLY, NULL, work_until_told), 0);
	assert_int_equal(muster_job_attach(m, &f), 0);
	assert_int_equal(muster_job_attach(m, &old), 0);
	follow_until(f, &said, "a line");
	assert_int_equal(kill(muster_job_state(f)->pid, SIGKILL), 0);
	follow(f, &said);
	assert_false(muster_job_state(f)->running);
	assert_false(muster_job_state(f)->has_result);
	assert_int_equal(muster_job_find(m, &job), 0);
	assert_false(job.running);
	assert_false(job.has_result);
	/* The next one begins, and whoever still follows the old one is not led astray. */
	assert_int_equal(job_start(m, MUSTER_JOB_UNDO, NULL, work_until_told), 0);
	follow(old, &next);
	assert_string_equal(next.data, said.data);
	assert_int_equal(muster_job_find(m, &job), 0);
	assert_true(job.running);
	assert_int_equal(job.kind, MUSTER_JOB_UNDO);
}

static void a_job_has_nothing_of_its_starter(void **state)
{
	_cleanup_(muster_freep) struct muster *m = context(NULL);
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;

	starters_session = getsid(0);
	assert_true(fcntl(1, F_DUPFD, 100) >= 0);
	assert_int_equal(job_start(m, MUSTER_JOB_APPLY, NULL, work_tell_itself), 0);
	assert_int_equal(muster_job_attach(m, &f), 0);
	follow(f, &said);
	assert_string_equal(said.data, "session of its own 1, folder /, 0 files of others\n");
	assert_int_equal(muster_job_state(f)->result, -MUSTER_E_CONFLICT);
}

static void wrong_answers_are_said_in_the_job(void **state)
{
	_cleanup_strbuf_ struct strbuf errors = STRBUF_INIT, said = STRBUF_INIT;
	_cleanup_(muster_freep) struct muster *m = context(&errors);
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;

	assert_int_equal(muster_job_start(m, MUSTER_JOB_APPLY, "/nowhere/answers.conf"), -ENOENT);
	assert_non_null(strstr(errors.data, "/nowhere/answers.conf"));
	assert_int_equal(muster_job_start(m, MUSTER_JOB_APPLY,
					  MUSTER_SRCDIR "/tests/bad/003-no-network.conf"),
			 0);
	assert_int_equal(muster_job_attach(m, &f), 0);
	follow(f, &said);
	assert_non_null(strstr(said.data, "the section network is missing"));
	assert_int_equal(muster_job_state(f)->result, -MUSTER_E_ANSWERS);
}

static void a_kernel_is_built_by_a_job(void **state)
{
	static const char *const sources[] = { "/nonexistent/linux.tar", NULL };
	_cleanup_(muster_freep) struct muster *m = context(NULL);
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	_cleanup_strbuf_ struct strbuf said = STRBUF_INIT;

	assert_int_equal(muster_kernel_job(m, "vanilla", &(struct muster_kernel_wish){ .sources = sources }),
			 0);
	assert_int_equal(muster_job_attach(m, &f), 0);
	follow(f, &said);
	assert_int_equal(muster_job_state(f)->kind, MUSTER_JOB_KERNEL);
	assert_string_equal(muster_job_name(MUSTER_JOB_KERNEL), "kernel build");
	assert_int_equal(muster_job_state(f)->result, -ENOENT);
	assert_non_null(strstr(said.data, "the source linux: /nonexistent/linux.tar: No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(where_no_job_was_none_is_found, clear),
		cmocka_unit_test_teardown(a_job_outlives_its_starter_and_is_found_again, clear),
		cmocka_unit_test_teardown(a_cancelled_job_ends_by_itself, clear),
		cmocka_unit_test_teardown(a_hangup_does_not_end_it, clear),
		cmocka_unit_test_teardown(a_second_job_is_refused_with_the_name_of_the_first, clear),
		cmocka_unit_test_teardown(a_killed_job_ended_without_a_result, clear),
		cmocka_unit_test_teardown(a_job_has_nothing_of_its_starter, clear),
		cmocka_unit_test_teardown(wrong_answers_are_said_in_the_job, clear),
		cmocka_unit_test_teardown(a_kernel_is_built_by_a_job, clear),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
