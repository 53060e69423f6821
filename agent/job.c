/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/job.h"
#include "agent/command.h"
#include "agent/steps.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define HURRY_INTERVAL_MS 1000

/* The path of this program, for links to it. */
static char *own_path(void)
{
	char buf[4096];
	ssize_t n = readlink("/proc/self/exe", buf, sizeof(buf) - 1);

	if (n <= 0)
		return strdup("/init");
	buf[n] = '\0';
	return strdup(buf);
}

static _Noreturn void child(int at, const char *word, const char *args, int out)
{
	_cleanup_text_ struct text said = { 0 }, result = { 0 };
	_cleanup_free_ char *self = own_path();
	struct steps_env env = {
		.at = at, .self = self ? self : "/init", .mount = steps_mount, .insert = modules_insert
	};
	int status = steps_run(&env, word, args, &said);

	text_addf(&result, "%d\n%s", status, said.s ? said.s : "");
	_exit(result.failed || write_all(out, result.s, result.len) < 0);
}

int job_start(struct job *j, int at, unsigned long long id, const char *word, const char *args)
{
	int ends[2];
	pid_t pid;

	if (j->id)
		return -EBUSY;
	if (pipe(ends) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		fcntl(ends[1], F_SETFD, FD_CLOEXEC);
		child(at, word, args, ends[1]);
	}
	close(ends[1]);
	if (pid < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	*j = (struct job){
		.id = id, .fd = ends[0], .began = now_ms(), .deadline = now_ms() + steps_ms(word)
	};
	snprintf(j->word, sizeof(j->word), "%s", word);
	return 0;
}

/* "STATUS\nOUTPUT" */
static void settle(struct job *j)
{
	char *end = j->in.s ? strchr(j->in.s, '\n') : NULL;
	unsigned long long status = COMMAND_TIMEOUT;

	if (end) {
		*end = '\0';
		if (parse_number(j->in.s, 255, &status) < 0)
			status = COMMAND_TIMEOUT;
	}
	j->status = (int)status;
	j->output = strdup(end ? end + 1 : "it did not end");
	text_free(&j->in);
	close(j->fd);
	j->done = true;
	j->took = now_ms() - j->began;
	j->hurry_until = now_ms() + JOB_HURRY_MS;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

bool job_look(struct job *j)
{
	char buf[1024];
	ssize_t n;

	if (!job_runs(j))
		return j->id != 0;
	while ((n = read(j->fd, buf, sizeof(buf))) > 0)
		text_add(&j->in, buf, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || now_ms() >= j->deadline)
		settle(j);
	return j->done;
}

void job_reported(struct job *j)
{
	free(j->output);
	*j = (struct job){ .hurry_until = j->hurry_until };
}

int job_wait_ms(const struct job *j, long long left)
{
	return (int)MAX(job_runs(j) ? MIN(left, (long long)JOB_LOOK_MS) : left, 0LL);
}

long long job_interval_ms(const struct job *j, unsigned interval)
{
	long long ms = (long long)interval * 1000;

	return now_ms() < j->hurry_until ? MIN(ms, (long long)HURRY_INTERVAL_MS) : ms;
}
