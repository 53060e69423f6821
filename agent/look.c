/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/look.h"
#include "agent/basis.h"
#include "agent/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>

/* True: the child has said all. */
static bool listen_to(int in, long long deadline, struct text *out)
{
	for (;;) {
		struct pollfd p = { .fd = in, .events = POLLIN };
		long long left = MAX(deadline - now_ms(), 0LL);
		char buf[1024];
		ssize_t n;

		if (poll(&p, 1, (int)left) <= 0) {
			if (left == 0)
				return false;
			continue;
		}
		n = read(in, buf, sizeof(buf));
		if (n <= 0)
			return n == 0;
		text_add(out, buf, (size_t)n);
	}
}

static int say(struct text *out, const char *why)
{
	text_addf(out, "%s\n", why);
	return COMMAND_TIMEOUT;
}

int look_run(int at, const char *lock_path, int timeout_ms, void (*look)(int at, int what, struct text *out),
	     int what, struct text *out)
{
	_cleanup_close_ int lock = openat(at, lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	_cleanup_text_ struct text said = { 0 };
	bool all = false;
	int ends[2];
	pid_t pid;

	if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0)
		return say(out, "an earlier reading of /proc still hangs");
	if (lock < 0 || pipe(ends) < 0)
		return say(out, "/proc cannot be read");
	pid = fork();
	if (pid == 0) {
		/* Whoever waits at another end must not wait for one that hangs. */
		for (int fd = STDERR_FILENO + 1; fd < FD_SETSIZE; fd++)
			if (fd != at && fd != lock && fd != ends[1])
				close(fd);
		look(at, what, &said);
		_exit(said.failed || write_all(ends[1], said.s, said.len) < 0);
	}
	close(ends[1]);
	if (pid > 0) {
		all = listen_to(ends[0], now_ms() + timeout_ms, &said);
		basis_end_child(pid);
	}
	close(ends[0]);
	if (!all || said.failed || said.len == 0)
		return say(out, "reading /proc does not come back");
	text_add(out, said.s, said.len);
	return 0;
}
