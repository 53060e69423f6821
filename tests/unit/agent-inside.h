/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For the agent's tests: the container of the single system, in a child. */
#pragma once

#include "tests/unit/agent-room.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/inside.h"

#define INSIDE_DEADLINE_MS 30000

/* It begins when the file `after` is there; NULL: at once. */
static inline pid_t start_inside(struct room *room, const char *after)
{
	pid_t pid;

	mkdirat(room->at, "run", 0755);
	mkdirat(room->at, "run/muster", 0755);
	pid = fork();
	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (after && faccessat(room->at, after, F_OK, 0) < 0)
		poll(NULL, 0, 10);
	_exit(inside_serve(room->at, NULL) < 0);
}

static inline void end_inside(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static inline void wait_for_inside(struct room *room)
{
	long long deadline = now_ms() + INSIDE_DEADLINE_MS;

	while (!inside_answers(room->at)) {
		assert_true(now_ms() < deadline);
		poll(NULL, 0, 10);
	}
}
