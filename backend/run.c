/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command on many nodes: one ssh for each, so many at a time. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "backend/context.h"
#include "backend/plan/range.h"
#include "backend/render/render.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/spawn.h"
#include "util/strbuf.h"

#define PARALLEL 32
#define LINE_MAX_BYTES 65536 /* a longer line comes in pieces */
#define PIECE 16384
#define TICK_MS 50    /* between two looks for those that ended, or took too long */
#define GRACE_MS 1000 /* from SIGTERM to SIGKILL */
#define CONNECT_S "10"
#define CLOCK UINT32_MAX

struct job {
	char *node, *address;
	pid_t pid; /* 0: not started, or done */
	int out;   /* -1: closed */
	struct strbuf line;
	int64_t end;	/* when its time is up; steady ms */
	bool stopped;	/* its time was up, and it got SIGTERM */
	int64_t killed; /* when it gets SIGKILL */
};

struct muster_run {
	struct strv words; /* of ssh, before the address */
	struct strv command;
	struct job *jobs;
	size_t n, next, running, done;
	size_t parallel;
	int timeout_ms;
	int epoll_fd, timer_fd;
};

char *muster_fold(const struct strv *names)
{
	char *text;

	return range_fold(names, &text) < 0 ? NULL : text;
}

/* Nobody is asked, and only the host keys that muster made are trusted. A shared connection would hold the output open
 * after the command. */
static int ssh_words(struct muster *m, struct strv *words)
{
	_cleanup_free_ char *known = fs_join(m->root_path, RENDER_KNOWN_HOSTS);
	_cleanup_free_ char *identity = fs_join(m->root_path, MUSTER_IDENTITY);
	int r = known && identity ? 0 : -ENOMEM;

	if (r == 0)
		r = strv_add_all(words, "ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o",
				 "ConnectTimeout=" CONNECT_S, "-o", "LogLevel=ERROR", "-o",
				 "ControlPath=none", "-o", "GlobalKnownHostsFile=none", "-l", "root", "-o",
				 NULL);
	if (r == 0)
		r = strv_addf(words, "UserKnownHostsFile=\"%s\"", known);
	/* Other keys would be offered first, and a server hears only so many. */
	if (r == 0 && fs_exists(m->root_fd, MUSTER_IDENTITY))
		r = strv_add_all(words, "-o", "IdentitiesOnly=yes", "-i", identity, NULL);
	return r;
}

static int take_nodes(struct muster *m, const char *range, struct muster_run *run)
{
	struct node_state *v;
	size_t n;
	int r = muster_status(m, range, &v, &n);

	if (r < 0)
		return r;
	run->jobs = calloc(n + 1, sizeof(*run->jobs));
	for (size_t i = 0; run->jobs && i < n; i++)
		run->jobs[i] = (struct job){ .node = TAKE_PTR(v[i].name),
					     .address = TAKE_PTR(v[i].address),
					     .out = -1 };
	run->n = run->jobs ? n : 0;
	muster_status_free(v, n);
	return run->jobs ? 0 : -ENOMEM;
}

static int take_command(const char *const *argv, struct muster_run *run)
{
	int r = 0;

	for (size_t i = 0; r == 0 && argv[i]; i++)
		r = strv_add(&run->command, argv[i]);
	return r == 0 && run->command.n == 0 ? -EINVAL : r;
}

static int open_fds(struct muster_run *run)
{
	struct epoll_event e = { .events = EPOLLIN, .data = { .u32 = CLOCK } };
	/* The first tick starts the first nodes. */
	struct itimerspec every = { .it_interval = { 0, TICK_MS * 1000000L }, .it_value = { 0, 1 } };

	run->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	run->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (run->epoll_fd < 0 || run->timer_fd < 0 ||
	    epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, run->timer_fd, &e) < 0 ||
	    timerfd_settime(run->timer_fd, 0, &every, NULL) < 0)
		return -errno;
	return 0;
}

int muster_run_start(struct muster *m, const char *range, const char *const *argv,
		     const struct muster_run_options *options, struct muster_run **ret)
{
	_cleanup_(muster_run_freep) struct muster_run *run = calloc(1, sizeof(*run));
	_cleanup_free_ char *ssh = spawn_find("ssh");
	int r;

	if (!run)
		return -ENOMEM;
	run->epoll_fd = run->timer_fd = -1;
	run->parallel = options && options->parallel ? options->parallel : PARALLEL;
	run->timeout_ms = options ? options->timeout_ms : 0;
	if (!ssh) {
		context_error(m, _("There is no ssh on this server: install the package openssh-client."));
		return -MUSTER_E_MISSING;
	}
	r = take_command(argv, run);
	if (r == 0)
		r = take_nodes(m, range, run);
	if (r == 0)
		r = ssh_words(m, &run->words);
	if (r == 0)
		r = open_fds(run);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(run);
	return 0;
}

void muster_run_free(struct muster_run *run)
{
	if (!run)
		return;
	for (size_t i = 0; i < run->n; i++) {
		struct job *j = &run->jobs[i];

		if (j->pid > 0) {
			kill(-j->pid, SIGKILL);
			while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		closep(&j->out);
		strbuf_free(&j->line);
		free(j->node);
		free(j->address);
	}
	free(run->jobs);
	strv_free(&run->words);
	strv_free(&run->command);
	closep(&run->epoll_fd);
	closep(&run->timer_fd);
	free(run);
}

int muster_run_fd(const struct muster_run *run)
{
	return run->epoll_fd;
}

/* ---- one node ---------------------------------------------------------------------------------------------- */

struct worker {
	struct muster_run *run;
	const struct muster_run_ops *ops;
	void *data;
};

static void close_output(struct job *j)
{
	closep(&j->out);
	j->out = -1;
}

static void finish(struct worker *w, struct job *j, int status)
{
	if (j->line.len && w->ops->line)
		w->ops->line(w->data, j->node, j->line.data);
	strbuf_free(&j->line);
	close_output(j);
	j->pid = 0;
	w->run->done++;
	if (w->ops->done)
		w->ops->done(w->data, j->node, status);
}

static int start(struct muster_run *run, struct job *j)
{
	struct epoll_event e = { .events = EPOLLIN, .data = { .u32 = (uint32_t)(j - run->jobs) } };
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct spawn spawn = { .ends_with_us = true };
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->words.n; i++)
		r = strv_add(&argv, run->words.v[i]);
	if (r == 0)
		r = strv_add(&argv, "-o");
	if (r == 0)
		r = strv_addf(&argv, "HostKeyAlias=%s", j->node);
	if (r == 0)
		r = strv_add_all(&argv, "--", j->address, NULL);
	for (size_t i = 0; r == 0 && i < run->command.n; i++)
		r = strv_add(&argv, run->command.v[i]);
	spawn.argv = (const char *const *)argv.v;
	if (r == 0)
		r = spawn_start(&spawn, &j->pid, &j->out);
	if (r < 0)
		return r;
	j->end = run->timeout_ms > 0 ? clock_mono_ms() + run->timeout_ms : INT64_MAX;
	run->running++;
	return epoll_ctl(run->epoll_fd, EPOLL_CTL_ADD, j->out, &e) < 0 ? -errno : 0;
}

static void start_more(struct worker *w)
{
	struct muster_run *run = w->run;

	while (run->next < run->n && run->running < run->parallel) {
		struct job *j = &run->jobs[run->next++];
		int r = *j->address ? start(run, j) : -EADDRNOTAVAIL;

		if (r == 0)
			continue;
		if (j->pid > 0) {
			kill(-j->pid, SIGKILL);
			waitpid(j->pid, NULL, 0);
			run->running--;
		}
		finish(w, j, r);
	}
}

static void take_text(struct worker *w, struct job *j, const char *p, size_t len)
{
	while (len > 0) {
		const char *end = memchr(p, '\n', len);
		size_t n = end ? (size_t)(end - p) : len;

		strbuf_add(&j->line, p, n);
		if (end || j->line.len > LINE_MAX_BYTES) {
			/* ssh ends its own lines as on a terminal. */
			if (j->line.len && j->line.data[j->line.len - 1] == '\r')
				j->line.data[--j->line.len] = '\0';
			if (w->ops->line)
				w->ops->line(w->data, j->node, j->line.data ? j->line.data : "");
			strbuf_reset(&j->line);
		}
		n += end ? 1 : 0;
		p += n;
		len -= n;
	}
}

static void take_output(struct worker *w, struct job *j)
{
	char piece[PIECE];
	ssize_t n = j->out >= 0 ? read(j->out, piece, sizeof(piece)) : -1;

	if (n > 0)
		take_text(w, j, piece, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(j);
}

/* Whoever left something behind that holds the output open is not waited for. */
static void look_after(struct worker *w, struct job *j)
{
	int64_t now = clock_mono_ms();
	int status;

	if (waitpid(j->pid, &status, WNOHANG) == j->pid) {
		kill(-j->pid, SIGKILL);
		for (int i = 0; i < 64 && j->out >= 0; i++)
			take_output(w, j);
		w->run->running--;
		finish(w, j,
		       j->stopped	     ? -MUSTER_E_TIMEOUT
		       : WIFSIGNALED(status) ? 128 + WTERMSIG(status)
					     : WEXITSTATUS(status));
		return;
	}
	if (!j->stopped && now >= j->end) {
		j->stopped = true;
		j->killed = now + GRACE_MS;
		kill(-j->pid, SIGTERM);
	} else if (j->stopped && now >= j->killed) {
		kill(-j->pid, SIGKILL);
	}
}

int muster_run_work(struct muster_run *run, const struct muster_run_ops *ops, void *data)
{
	struct worker w = { run, ops, data };
	struct epoll_event events[PARALLEL + 1];
	int n = epoll_wait(run->epoll_fd, events, ARRAY_SIZE(events), 0);
	uint64_t times;

	for (int i = 0; i < n; i++)
		if (events[i].data.u32 != CLOCK)
			take_output(&w, &run->jobs[events[i].data.u32]);
	if (read(run->timer_fd, &times, sizeof(times)) < 0)
		return run->done == run->n;
	for (size_t i = 0; i < run->next; i++)
		if (run->jobs[i].pid > 0)
			look_after(&w, &run->jobs[i]);
	start_more(&w);
	return run->done == run->n;
}
