/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Work that changes the server, in a process of its own: it ends when it is done, not when its starter does. */
#include "config.h"

#include "backend/job.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "backend/context.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"

#define ENDING_MS 2000
#define ENDING_STEP_MS 10

static const char *const names[] = {
	[MUSTER_JOB_APPLY] = "apply",	    [MUSTER_JOB_UNDO] = "undo",
	[MUSTER_JOB_ROOT] = "root build",   [MUSTER_JOB_KERNEL] = "kernel build",
	[MUSTER_JOB_SSI] = "single system", [MUSTER_JOB_REHEARSAL] = "rehearsal",
};

const char *muster_job_name(enum muster_job_kind kind)
{
	return (size_t)kind < ARRAY_SIZE(names) ? names[kind] : "job";
}

/* ---- the job's process -------------------------------------------------------------------------------------- */

struct job {
	struct muster *m; /* the starter's; only its configuration counts */
	enum muster_job_kind kind;
	const char *answers;
	int (*work)(struct muster *m, const char *answers);
	/* or, where work is NULL */
	int (*work_with)(struct muster *m, const void *data);
	const void *data;
	int lock_fd, log_fd, ready_fd;
	int network_fd; /* the configuration's build_network_fd */
};

static int cancel_write = -1;

static void on_signal(int number)
{
	int saved = errno;
	ssize_t n = write(cancel_write, "", 1);

	/* A full pipe is readable, too. */
	(void)n;
	errno = saved;
}

/* Whatever the starter did with signals, here only a request to stop counts. */
static int set_signals(void)
{
	const struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	const struct sigaction plain = { .sa_handler = SIG_DFL }, ignore = { .sa_handler = SIG_IGN };
	sigset_t none;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	cancel_write = fds[1];
	for (int i = 1; i < NSIG; i++)
		sigaction(i, &plain, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGHUP, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return fds[0];
}

/* Only the job's own descriptors stay, numbered from 3 on, and nothing on 0, 1 and 2. */
static int keep_descriptors(struct job *j)
{
	int *const kept[] = { &j->lock_fd, &j->log_fd, &j->ready_fd, &j->network_fd };
	size_t n = ARRAY_SIZE(kept) - (j->network_fd <= 0);
	int null;

	/* Out of the way first: one of them may have the number of another. */
	for (size_t i = 0; i < n; i++) {
		*kept[i] = fcntl(*kept[i], F_DUPFD_CLOEXEC, 64);
		if (*kept[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < n; i++) {
		if (dup3(*kept[i], 3 + (int)i, O_CLOEXEC) < 0)
			return -errno;
		*kept[i] = 3 + (int)i;
	}
	if (syscall(SYS_close_range, 3U + (unsigned int)n, ~0U, 0U) < 0)
		for (long fd = 3 + (long)n, end = sysconf(_SC_OPEN_MAX); fd < end; fd++)
			close((int)fd);
	null = open("/dev/null", O_RDWR);
	if (null < 0)
		return -errno;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	if (null > 2)
		close(null);
	return 0;
}

static int write_json(int fd, json_t *line)
{
	_cleanup_free_ char *text = line ? json_dumps(line, JSON_COMPACT) : NULL, *whole = NULL;

	json_decref(line);
	if (!text || asprintf(&whole, "%s\n", text) < 0) {
		whole = NULL;
		return -ENOMEM;
	}
	return fs_write_all(fd, whole, strlen(whole));
}

static void log_event(void *data, const struct muster_event *event)
{
	const struct job *j = data;
	_cleanup_free_ char *line = NULL;
	int r = muster_event_encode(event, &line);

	if (r == 0)
		r = fs_write_all(j->log_fd, line, strlen(line));
	/* A full disk makes the log end, not the work. */
	(void)r;
}

/* The mistakes of answers are what the job has to say then. */
static void log_mistakes(const struct job *j, const struct plan_mistakes *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct muster_event e = { .type = MUSTER_EVENT_ERROR };
		char *text;

		if (asprintf(&text, "%s:%u: %s", m->v[i].file, m->v[i].line, m->v[i].text) < 0)
			return;
		e.text = text;
		log_event((void *)j, &e);
		free(text);
	}
}

static int run_work(struct job *j, int cancel_fd)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct muster_config config = j->m->config;
	int r;

	config.root = j->m->root_path;
	config.on_event = log_event;
	config.on_question = NULL;
	config.data = j;
	config.cancel_fd = cancel_fd;
	config.build_network_fd = j->network_fd;
	r = muster_new(&config, &m);
	if (r == 0)
		r = j->work ? j->work(m, j->answers) : j->work_with(m, j->data);
	if (m && r == -MUSTER_E_ANSWERS)
		log_mistakes(j, muster_mistakes(m));
	return r;
}

static _Noreturn void job_main(struct job *j)
{
	int r, cancel_fd = -1;

	umask(022);
	r = keep_descriptors(j);
	if (r == 0) {
		cancel_fd = set_signals();
		r = MIN(cancel_fd, 0);
	}
	if (r == 0 && chdir("/") < 0)
		r = -errno;
	if (r == 0)
		r = write_json(j->log_fd, json_pack("{ss si sI}", "job", muster_job_name(j->kind), "pid",
						    (int)getpid(), "started", (json_int_t)clock_wall_ms()));
	/* From here on the starter knows that it runs, or why not. */
	if (write(j->ready_fd, &r, sizeof(r)) != (ssize_t)sizeof(r) || r < 0)
		_exit(1);
	close(j->ready_fd);
	r = run_work(j, cancel_fd);
	if (write_json(j->log_fd, json_pack("{si sI}", "end", r, "at", (json_int_t)clock_wall_ms())) == 0)
		fsync(j->log_fd);
	_exit(r < 0);
}

/* ---- starting ------------------------------------------------------------------------------------------------- */

static int open_lock(struct muster *m, int *ret)
{
	int fd, r;

	r = fs_mkdir_all(m->root_fd, JOB_FOLDER, 0700);
	if (r < 0)
		return r;
	fd = fs_open(m->root_fd, JOB_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return fd;
	*ret = fd;
	return 0;
}

static int refuse_second(struct muster *m)
{
	struct muster_job first;

	if (muster_job_find(m, &first) == 0 && first.running && first.pid)
		context_error(
			m,
			_("Another job is at work: %s (process %d), since %lld s. Wait until it is done, or "
			  "cancel it."),
			muster_job_name(first.kind), first.pid,
			(long long)(clock_wall_ms() - first.started) / 1000);
	else
		context_error(m, _("Another job is at work. Wait until it is done."));
	return -MUSTER_E_BUSY;
}

/* One that has told its end goes away in a moment. */
static int take_lock(struct muster *m, int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct muster_job last;

	for (int waited = 0; fcntl(fd, F_OFD_SETLK, &whole) < 0; waited += ENDING_STEP_MS) {
		int r = errno == EAGAIN || errno == EACCES ? 0 : -errno;

		if (r == 0 && (waited >= ENDING_MS || muster_job_find(m, &last) < 0 || !last.has_result))
			r = refuse_second(m);
		if (r == 0)
			r = context_pause(m, ENDING_STEP_MS);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Twice, so that the job is nobody's child whom its starter would have to wait for; in a session of its own, so that no
 * terminal reaches it. */
static int fork_job(struct job *j)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (setsid() < 0)
			_exit(1);
		pid = fork();
		if (pid == 0)
			job_main(j);
		_exit(pid < 0);
	}
	/* Whether the job began, it says itself. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static int wait_ready(int fd)
{
	int r;
	ssize_t n;

	do
		n = read(fd, &r, sizeof(r));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(r) ? r : -EIO;
}

static int start_locked(struct job *j)
{
	int fds[2], r;

	/* Whoever still reads the last job's log keeps it. */
	r = fs_unlink(j->m->root_fd, JOB_LOG);
	if (r < 0)
		return r;
	j->log_fd = fs_open(j->m->root_fd, JOB_LOG, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (j->log_fd < 0)
		return j->log_fd;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	j->ready_fd = fds[1];
	r = fork_job(j);
	close(fds[1]);
	if (r == 0)
		r = wait_ready(fds[0]);
	close(fds[0]);
	return r;
}

static int start(struct job *j)
{
	struct muster *m = j->m;
	_cleanup_free_ char *host = m->config.host_file ? realpath(m->config.host_file, NULL) : NULL;
	struct muster_config saved = m->config;
	int r;

	if (m->config.host_file && !host) {
		r = -errno;
		context_error(m, _("%s cannot be read: %s"), m->config.host_file, muster_strerror(r));
		return r;
	}
	r = open_lock(m, &j->lock_fd);
	if (r == 0)
		r = take_lock(m, j->lock_fd);
	if (r == 0) {
		/* The job works elsewhere than its starter: no path of it is relative. */
		m->config.host_file = host;
		r = start_locked(j);
		m->config = saved;
	}
	closep(&j->log_fd);
	closep(&j->lock_fd);
	if (r < 0 && r != -MUSTER_E_BUSY)
		context_error(m, _("The job cannot be started: %s"), muster_strerror(r));
	return r;
}

int job_start(struct muster *m, enum muster_job_kind kind, const char *answers,
	      int (*work)(struct muster *m, const char *answers))
{
	_cleanup_free_ char *path = answers ? realpath(answers, NULL) : NULL;
	struct job j = { .m = m,
			 .kind = kind,
			 .answers = path,
			 .work = work,
			 .network_fd = m->config.build_network_fd,
			 .lock_fd = -1,
			 .log_fd = -1,
			 .ready_fd = -1 };

	if (answers && !path) {
		int r = -errno;

		context_error(m, _("%s cannot be read: %s"), answers, muster_strerror(r));
		return r;
	}
	return start(&j);
}

int job_start_with(struct muster *m, enum muster_job_kind kind, const void *data,
		   int (*work)(struct muster *m, const void *data))
{
	struct job j = { .m = m,
			 .kind = kind,
			 .data = data,
			 .work_with = work,
			 .network_fd = m->config.build_network_fd,
			 .lock_fd = -1,
			 .log_fd = -1,
			 .ready_fd = -1 };

	return start(&j);
}

/* ---- what jobs there are ---------------------------------------------------------------------------------------- */

static int work_apply(struct muster *m, const char *answers)
{
	const struct plan *p;
	int r = muster_plan(m, answers, &p);

	return r < 0 ? r : muster_apply(m);
}

static int work_undo(struct muster *m, const char *answers)
{
	return muster_undo(m);
}

static int work_root(struct muster *m, const char *answers)
{
	const struct plan *p;
	int r = muster_plan(m, answers, &p);

	return r < 0 ? r : muster_root_build(m, NULL);
}

int muster_job_start(struct muster *m, enum muster_job_kind kind, const char *answers)
{
	static int (*const works[])(struct muster * m, const char *answers) = {
		[MUSTER_JOB_APPLY] = work_apply,
		[MUSTER_JOB_UNDO] = work_undo,
		[MUSTER_JOB_ROOT] = work_root,
		[MUSTER_JOB_REHEARSAL] = rehearse_work,
	};

	if ((size_t)kind >= ARRAY_SIZE(works) || !works[kind])
		return -EINVAL;
	return job_start(m, kind, answers, works[kind]);
}
