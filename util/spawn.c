/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/jail.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/strv.h"

#define LAST_LINES 8 /* of what a failed program said */
#define KEPT 3	     /* as which a child has keep_fd */
#define LOOK_MS 50   /* how often a lasting one's output is looked at */

char *spawn_find(const char *name)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *copy = NULL;
	char *save = NULL;

	if (strchr(name, '/'))
		return access(name, X_OK) == 0 ? strdup(name) : NULL;
	if (asprintf(&copy, "%s:/usr/local/sbin:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin") < 0)
		return NULL;
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save)) {
		char *full = fs_join(dir, name);

		if (full && access(full, X_OK) == 0)
			return full;
		free(full);
	}
	return NULL;
}

void spawn_exec(const char *const *argv)
{
	char *path = spawn_find(argv[0]);

	if (path)
		execv(path, (char *const *)(uintptr_t)argv);
	else
		errno = ENOENT;
}

static void close_from(int first)
{
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned int)first, ~0U, 0U) == 0)
		return;
#endif
	for (int fd = first; fd < 1024; fd++)
		close(fd);
}

/* In the child: nothing of the parent's comes along but the three standard streams. */
_Noreturn static void child(const struct spawn *s, const char *path, pid_t parent, int in_fd, int out_fd)
{
	sigset_t none;

	if (s->ends_with_us && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
		_exit(127);
	if (s->lasting)
		setsid();
	else
		setpgid(0, 0);
	if (dup2(in_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
	    (!s->keep_stderr && dup2(out_fd, STDERR_FILENO) < 0))
		_exit(127);
	if (s->keep_fd > 0 && (s->keep_fd == KEPT ? fcntl(KEPT, F_SETFD, 0) : dup2(s->keep_fd, KEPT)) < 0)
		_exit(127);
	close_from(s->keep_fd > 0 ? KEPT + 1 : KEPT);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; s->env && s->env[i]; i++)
		putenv((char *)(uintptr_t)s->env[i]);
	if (s->jail)
		jail_exec(s->jail, s->cwd, s->argv);
	if (s->cwd && chdir(s->cwd) < 0)
		_exit(127);
	execv(path, (char *const *)(uintptr_t)s->argv);
	_exit(127);
}

static void emit_lines(const struct spawn *s, struct strbuf *line, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n' && data[i] != '\r') {
			strbuf_addc(line, data[i]);
			continue;
		}
		if (line->len > 0)
			s->on_line(s->data, line->data);
		strbuf_reset(line);
	}
}

/* Carries input and output until both ends are closed. 0, or why the child must be ended. */
static int pump(const struct spawn *s, int in_fd, int out_fd, struct strbuf *output)
{
	int64_t end = s->timeout_ms > 0 ? clock_mono_ms() + s->timeout_ms : INT64_MAX;
	size_t max = s->max_output ? s->max_output : 1024 * 1024;
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	size_t sent = 0;

	/* Nothing to be sent is an end, too. */
	if (in_fd >= 0 && s->input_len == 0) {
		close(in_fd);
		in_fd = -1;
	}
	while (out_fd >= 0) {
		bool sending = in_fd >= 0 && sent < s->input_len;
		struct pollfd p[3] = {
			{ .fd = out_fd, .events = POLLIN },
			{ .fd = s->cancel_fd > 0 ? s->cancel_fd : -1, .events = POLLIN },
			{ .fd = sending ? in_fd : -1, .events = POLLOUT },
		};
		int64_t left = end == INT64_MAX ? -1 : MAX(end - clock_mono_ms(), (int64_t)0);
		char block[16384];
		ssize_t n;
		int r = poll(p, ARRAY_SIZE(p), left > INT32_MAX ? INT32_MAX : (int)left);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -MUSTER_E_TIMEOUT;
		if (p[1].revents)
			return -MUSTER_E_CANCELLED;
		if (p[2].revents) {
			n = write(in_fd, (const char *)s->input + sent, s->input_len - sent);
			if (n > 0)
				sent += (size_t)n;
			if ((n < 0 && errno != EINTR && errno != EAGAIN) || sent == s->input_len) {
				close(in_fd);
				in_fd = -1;
			}
		}
		if (!p[0].revents)
			continue;
		n = read(out_fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (s->on_line)
			emit_lines(s, &line, block, (size_t)n);
		if (output->len < max)
			strbuf_add(output, block, MIN((size_t)n, max - output->len));
	}
	if (in_fd >= 0)
		close(in_fd);
	if (s->on_line && line.len > 0)
		s->on_line(s->data, line.data);
	return 0;
}

/* Ends the whole group, first politely. */
static void end_group(pid_t pid)
{
	for (int i = 0; i < 20; i++) {
		kill(-pid, i == 0 ? SIGTERM : 0);
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			kill(-pid, SIGKILL);
			return;
		}
		usleep(50 * 1000);
	}
	kill(-pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* What has been added to its output. */
static void read_more(const struct spawn *s, int fd, off_t *at, struct strbuf *line, struct strbuf *output)
{
	size_t max = s->max_output ? s->max_output : 1024 * 1024;
	char block[16384];
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), *at)) > 0) {
		*at += n;
		if (s->on_line)
			emit_lines(s, line, block, (size_t)n);
		if (output->len < max)
			strbuf_add(output, block, MIN((size_t)n, max - output->len));
	}
}

/* Follows a lasting one to its end. */
static int follow(const struct spawn *s, pid_t pid, int fd, int *ret_status, struct strbuf *output)
{
	_cleanup_strbuf_ struct strbuf line = STRBUF_INIT;
	int cancel_fd = s->cancel_fd > 0 ? s->cancel_fd : -1, status = 0;
	int64_t end = clock_mono_ms() + s->timeout_ms;
	off_t at = 0;
	pid_t r;

	while ((r = waitpid(pid, &status, WNOHANG)) == 0 || (r < 0 && errno == EINTR)) {
		struct pollfd p = { .fd = cancel_fd, .events = POLLIN };

		if (s->timeout_ms > 0 && clock_mono_ms() >= end)
			return -MUSTER_E_TIMEOUT;
		if (poll(&p, 1, LOOK_MS) == 1) {
			cancel_fd = -1;
			if (s->on_cancel)
				s->on_cancel(s->data);
		}
		read_more(s, fd, &at, &line, output);
	}
	if (r < 0)
		return -errno;
	read_more(s, fd, &at, &line, output);
	if (s->on_line && line.len > 0)
		s->on_line(s->data, line.data);
	*ret_status = status;
	return 0;
}

static int run_lasting(const struct spawn *s, const char *path, int *ret_status, struct strbuf *output)
{
	_cleanup_close_ int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = memfd_create("output", MFD_CLOEXEC);
	pid_t pid, self = getpid();

	/* Whatever writes to it, writes at its end. */
	if (in < 0 || out < 0 || fcntl(out, F_SETFL, O_APPEND) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(s, path, self, in, out);
	return pid < 0 ? -errno : follow(s, pid, out, ret_status, output);
}

static int end_of(int status, struct strbuf *output, int *ret_status, char **ret_output)
{
	int r = ret_output ? strbuf_take(output, ret_output, NULL) : 0;

	if (r == 0)
		*ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	return r;
}

int spawn_start(const struct spawn *s, pid_t *ret_pid, int *ret_output)
{
	_cleanup_close_ int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *path = s->jail ? strdup(s->argv[0]) : spawn_find(s->argv[0]);
	pid_t pid, self = getpid();
	int out[2];

	if (!path)
		return -ENOENT;
	if (in < 0 || pipe2(out, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(s, path, self, in, out[1]);
	close(out[1]);
	if (pid < 0 || fcntl(out[0], F_SETFL, O_NONBLOCK) < 0) {
		close(out[0]);
		return pid < 0 ? -EAGAIN : -EIO;
	}
	/* Both sides do it, so that the group is there whoever is first. */
	setpgid(pid, pid);
	*ret_pid = pid;
	*ret_output = out[0];
	return 0;
}

int spawn_run(const struct spawn *s, int *ret_status, char **ret_output)
{
	_cleanup_strbuf_ struct strbuf output = STRBUF_INIT;
	_cleanup_free_ char *path = s->jail ? strdup(s->argv[0]) : spawn_find(s->argv[0]);
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	int status = 0, r;
	pid_t pid, self = getpid();

	if (!path)
		return -ENOENT;
	if (s->lasting) {
		r = run_lasting(s, path, &status, &output);
		return r < 0 ? r : end_of(status, &output, ret_status, ret_output);
	}
	if (s->input ? pipe2(in, O_CLOEXEC) < 0 : (in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		r = -errno;
		close(in[0]);
		closep(&in[1]);
		return r;
	}
	if (in[1] >= 0)
		fcntl(in[1], F_SETFL, O_NONBLOCK);
	pid = fork();
	if (pid == 0)
		child(s, path, self, in[0], out[1]);
	r = pid < 0 ? -errno : 0;
	close(in[0]);
	close(out[1]);
	if (r == 0)
		r = pump(s, in[1], out[0], &output);
	else
		closep(&in[1]);
	close(out[0]);
	if (pid < 0)
		return r;
	if (r < 0) {
		end_group(pid);
		return r;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return end_of(status, &output, ret_status, ret_output);
}

/* Adds the last few lines that say something; of a line that was drawn again and again, its end. */
static void add_last_lines(struct strbuf *b, const char *output)
{
	const char *lines[LAST_LINES], *p = output;
	size_t n = 0;

	while (*p) {
		const char *line = p, *end = p + strcspn(p, "\n");

		p = *end ? end + 1 : end;
		while (end > line && (end[-1] == '\r' || end[-1] == ' '))
			end--;
		for (const char *c = line; c < end; c++)
			if (*c == '\r')
				line = c + 1;
		if (line < end)
			lines[n++ % LAST_LINES] = line;
	}
	for (size_t i = n > LAST_LINES ? n - LAST_LINES : 0; i < n; i++) {
		const char *line = lines[i % LAST_LINES];

		strbuf_adds(b, i + 1 == n && n == 1 ? "" : "\n  ");
		strbuf_add(b, line, strcspn(line, "\r\n"));
	}
}

int spawn_check(const struct spawn *s, char **ret_output)
{
	_cleanup_free_ char *output = NULL;
	int status, r;

	r = spawn_run(s, &status, &output);
	if (r == -ENOENT)
		log_error("%s: there is no such program on this machine", s->argv[0]);
	else if (r < 0)
		log_error("%s: %s", s->argv[0], muster_strerror(r));
	if (r < 0)
		return r;
	if (status != 0) {
		_cleanup_strbuf_ struct strbuf last = STRBUF_INIT;

		/* Whoever took its lines has shown them. */
		if (!s->on_line)
			add_last_lines(&last, output);
		log_error("%s ended with status %d%s%s", s->argv[0], status,
			  last.len == 0	       ? ""
			  : *last.data == '\n' ? ":"
					       : ": ",
			  last.len ? last.data : "");
		return -MUSTER_E_COMMAND;
	}
	if (ret_output)
		*ret_output = TAKE_PTR(output);
	return 0;
}

int spawn_argv(char **ret_output, int timeout_ms, ...)
{
	_cleanup_strv_ struct strv argv = STRV_INIT;
	struct spawn s = { .timeout_ms = timeout_ms };
	const char *word;
	va_list ap;
	int r = 0;

	va_start(ap, timeout_ms);
	while (r == 0 && (word = va_arg(ap, const char *)))
		r = strv_add(&argv, word);
	va_end(ap);
	if (r < 0)
		return r;
	s.argv = (const char *const *)argv.v;
	return spawn_check(&s, ret_output);
}
