/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Finding, following and ending the job at work, from any process. */
#include "config.h"

#include "backend/job.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/syscall.h>

#include "backend/context.h"
#include "util/fs.h"
#include "util/strbuf.h"

#define BEGIN_MS 2000
#define BEGIN_TRIES 200
#define CHUNK 65536
#define LINE_MAX_BYTES (4 * 1024 * 1024)

struct job_feed {
	int lock_fd, log_fd;
	int epoll_fd, inotify_fd, pid_fd, once_fd;
	struct strbuf rest; /* a line that is not whole yet */
	struct muster_job job;
	bool ended;
};

/* Does anybody hold the lock? Asks only, so that it keeps no starter out. */
static bool is_locked(int lock_fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return lock_fd >= 0 && fcntl(lock_fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

static void take_header(struct muster_job *job, const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "job"));

	for (int k = MUSTER_JOB_APPLY; name && k <= MUSTER_JOB_REHEARSAL; k++)
		if (strcmp(name, muster_job_name((enum muster_job_kind)k)) == 0)
			job->kind = (enum muster_job_kind)k;
	job->pid = (int)json_integer_value(json_object_get(line, "pid"));
	job->started = json_integer_value(json_object_get(line, "started"));
}

static void take_end(struct muster_job *job, const json_t *line)
{
	job->result = (int)json_integer_value(json_object_get(line, "end"));
	job->ended = json_integer_value(json_object_get(line, "at"));
	job->has_result = true;
}

static void take_line(struct job_feed *f, const char *text, size_t len,
		      void (*fn)(void *data, const struct muster_event *event), void *data)
{
	json_t *line;

	/* Nearly all lines are events, and those are parsed once. A line that is neither is passed over. */
	if (muster_event_decode(text, len, fn, data) == 0)
		return;
	line = json_loadb(text, len, 0, NULL);
	if (json_object_get(line, "job"))
		take_header(&f->job, line);
	else if (json_object_get(line, "end"))
		take_end(&f->job, line);
	json_decref(line);
}

/* Every whole line that is there by now. */
static int read_lines(struct job_feed *f, void (*fn)(void *data, const struct muster_event *event),
		      void *data)
{
	for (;;) {
		char chunk[CHUNK];
		ssize_t n = read(f->log_fd, chunk, sizeof(chunk));
		size_t at = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (const char *end; (end = memchr(chunk + at, '\n', (size_t)n - at));) {
			size_t len = (size_t)(end - chunk) - at;

			strbuf_add(&f->rest, chunk + at, len);
			if (f->rest.failed)
				return -ENOMEM;
			take_line(f, f->rest.data ? f->rest.data : "", f->rest.len, fn, data);
			strbuf_reset(&f->rest);
			at += len + 1;
		}
		strbuf_add(&f->rest, chunk + at, (size_t)n - at);
		if (f->rest.failed || f->rest.len > LINE_MAX_BYTES)
			return f->rest.failed ? -ENOMEM : -MUSTER_E_FORMAT;
	}
}

static void drop_event(void *data, const struct muster_event *event)
{
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

void muster_job_detach(struct job_feed *f)
{
	if (!f)
		return;
	closep(&f->lock_fd);
	closep(&f->log_fd);
	closep(&f->epoll_fd);
	closep(&f->inotify_fd);
	closep(&f->pid_fd);
	closep(&f->once_fd);
	strbuf_free(&f->rest);
	free(f);
}

static int open_files(struct muster *m, struct job_feed **ret)
{
	_cleanup_(muster_job_detachp) struct job_feed *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->log_fd = f->epoll_fd = f->inotify_fd = f->pid_fd = f->once_fd = -1;
	/* For writing, or else the kernel refuses to say who holds a lock for writing. */
	f->lock_fd = fs_open(m->root_fd, JOB_LOCK, O_RDWR | O_CLOEXEC, 0);
	if (f->lock_fd < 0)
		return f->lock_fd;
	f->log_fd = fs_open(m->root_fd, JOB_LOG, O_RDONLY | O_CLOEXEC, 0);
	if (f->log_fd < 0)
		return f->log_fd;
	*ret = TAKE_PTR(f);
	return 0;
}

int muster_job_find(struct muster *m, struct muster_job *ret)
{
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	bool locked;
	int r = open_files(m, &f);

	if (r < 0)
		return r;
	/* First the lock, then the log: who held it a moment ago has written its end by now. */
	locked = is_locked(f->lock_fd);
	r = read_lines(f, drop_event, NULL);
	if (r < 0)
		return r;
	f->job.running = locked && !f->job.has_result;
	*ret = f->job;
	return 0;
}

static int watch(struct job_feed *f, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data = { .fd = fd } };

	return epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* The log by its descriptor: its name may belong to a next job soon. */
static int watch_log(struct job_feed *f)
{
	_cleanup_free_ char *path = NULL;

	f->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (f->inotify_fd < 0)
		return -errno;
	if (asprintf(&path, "/proc/self/fd/%d", f->log_fd) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (inotify_add_watch(f->inotify_fd, path, IN_MODIFY) < 0)
		return -errno;
	return watch(f, f->inotify_fd);
}

static void forget_process(struct job_feed *f)
{
	closep(&f->pid_fd);
	f->pid_fd = -1;
}

/* Becomes readable when the process ends, however it ends. -ESRCH: it has. */
static int watch_process(struct job_feed *f, int pid)
{
	f->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0U);
	if (f->pid_fd < 0)
		return -errno;
	/* The number may be another process's by now; while the lock is held, it is not. */
	if (!is_locked(f->lock_fd)) {
		forget_process(f);
		return -ESRCH;
	}
	return watch(f, f->pid_fd);
}

/* A job that begins just now writes its first line in no time. */
static int find_begun(struct muster *m, struct muster_job *ret)
{
	int r = 0;

	for (int i = 0; i < BEGIN_TRIES; i++) {
		r = muster_job_find(m, ret);
		if (r < 0 || !ret->running || ret->pid)
			return r;
		poll(NULL, 0, BEGIN_MS / BEGIN_TRIES);
	}
	return -MUSTER_E_TIMEOUT;
}

static bool is_over(const struct job_feed *f)
{
	struct pollfd p = { .fd = f->pid_fd, .events = POLLIN };

	return f->pid_fd < 0 || poll(&p, 1, 0) > 0;
}

int muster_job_attach(struct muster *m, struct job_feed **ret)
{
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	struct muster_job job;
	int r = find_begun(m, &job);

	if (r == 0)
		r = open_files(m, &f);
	if (r < 0)
		return r;
	f->job = job;
	f->job.has_result = false;
	f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	/* Readable until the first reading: what was said so far is to be read. */
	f->once_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->epoll_fd < 0 || f->once_fd < 0)
		return -errno;
	r = watch(f, f->once_fd);
	if (r == 0 && job.running)
		r = watch_log(f);
	if (r == 0 && job.running)
		r = watch_process(f, job.pid);
	if (r == -ESRCH)
		r = 0;
	if (r < 0)
		return r;
	*ret = TAKE_PTR(f);
	return 0;
}

int muster_job_fd(const struct job_feed *f)
{
	return f->epoll_fd;
}

const struct muster_job *muster_job_state(const struct job_feed *f)
{
	return &f->job;
}

int muster_job_read(struct job_feed *f, void (*fn)(void *data, const struct muster_event *event), void *data)
{
	char dropped[4096];
	bool over;
	int r;

	while (f->inotify_fd >= 0 && read(f->inotify_fd, dropped, sizeof(dropped)) > 0)
		;
	while (read(f->once_fd, dropped, sizeof(uint64_t)) > 0)
		;
	if (f->ended)
		return 0;
	/* First the process, then the log: what was said before the end is there then. */
	over = is_over(f);
	r = read_lines(f, fn, data);
	if (r < 0)
		return r;
	f->ended = f->job.has_result || over;
	f->job.running = !f->ended;
	return !f->ended;
}

int muster_job_cancel(struct muster *m)
{
	_cleanup_(muster_job_detachp) struct job_feed *f = NULL;
	struct muster_job job;
	_cleanup_close_ int pid_fd = -1;
	int r = muster_job_find(m, &job);

	if (r == 0 && (!job.running || !job.pid))
		return -ENOENT;
	if (r == 0)
		r = open_files(m, &f);
	if (r < 0)
		return r;
	pid_fd = (int)syscall(SYS_pidfd_open, job.pid, 0U);
	if (pid_fd < 0 || !is_locked(f->lock_fd))
		return -ENOENT;
	return syscall(SYS_pidfd_send_signal, pid_fd, SIGTERM, NULL, 0U) < 0 ? -errno : 0;
}
