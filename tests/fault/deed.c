/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "tests/fault/deed.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/fs.h"

#define CHILD_SILENT 80 /* failed, and said nothing */
#define CHILD_FAILED 81 /* failed, and said why */

static int lost_folder(struct scratch *s)
{
	_cleanup_close_ int top = fs_root_open("/");
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s.lost", s->root);
	assert_int_equal(fs_remove_tree(top, path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

struct outcome deed_with_fault(struct scratch *s, const struct deed *d, enum fault kind, unsigned int at)
{
	_cleanup_close_ int lost = lost_folder(s);
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int r;

		fault_arm(kind, at, lost);
		r = d->run(s, d->c);
		fault_arm(FAULT_NONE, 0, -1);
		_exit(r == 0 ? 0 : s->errors.len ? CHILD_FAILED : CHILD_SILENT);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	unlinkat(lost, "filler", 0);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGKILL);
		return (struct outcome){ .killed = true };
	}
	if (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != CHILD_FAILED)
		fail_msg("fault %d at point %u: exit status %d", kind, at, WEXITSTATUS(status));
	return (struct outcome){ .done = WEXITSTATUS(status) == 0 };
}

unsigned int deed_points(struct scratch *s, const struct deed *d)
{
	int ends[2], status;
	unsigned int n = 0;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fault_arm(FAULT_NONE, 0, -1);
		if (d->run(s, d->c) != 0)
			_exit(1);
		n = fault_points();
		_exit(write(ends[1], &n, sizeof(n)) == sizeof(n) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status != 0)
		fail_msg("without any fault it fails");
	assert_int_equal(read(ends[0], &n, sizeof(n)), sizeof(n));
	close(ends[0]);
	close(ends[1]);
	return n;
}
