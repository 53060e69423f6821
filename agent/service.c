/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/service.h"
#include "agent/conf.h"
#include "agent/facts.h"
#include "agent/poke.h"
#include "agent/power.h"
#include "agent/report.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#define RUN_CONF "run/muster/node.conf"
#define RUN_PID "run/muster/agent.pid"
#define SSHD "usr/sbin/sshd"
#define SSH_PORT 22
#define LOOK_MS 100
#define TIMEOUT_MS 5000
#define GOODBYE_MS 2000 /* a shutdown does not wait long for a server that is gone */

/* A node is ready when an operator can work on it. */
static bool is_ready(int at, bool has_sshd)
{
	return !has_sshd || facts_listening(at, SSH_PORT);
}

/* Without it the goodbye may be followed by one more report. */
static void write_pid(int at)
{
	_cleanup_close_ int fd = openat(at, RUN_PID, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0 && dprintf(fd, "%d\n", (int)getpid()) < 0)
		log_line("%s cannot be written", RUN_PID);
}

static void wait_for_work(const struct poke *poke, const struct report_state *s, int ms)
{
	/* What has been asked for already is waited for no more. */
	struct pollfd p[] = {
		{ .fd = poke->wanted ? -1 : poke->fd, .events = POLLIN },
		{ .fd = job_runs(&s->job) ? s->job.fd : -1, .events = POLLIN },
		{ .fd = job_runs(&s->list) ? s->list.fd : -1, .events = POLLIN },
	};

	poll(p, ARRAY_SIZE(p), ms);
}

int service_run(int at)
{
	_cleanup_(conf_free) struct conf c = { 0 };
	_cleanup_free_ char *reason = NULL;
	struct poke poke = POKE_INIT;
	struct report_state state;
	bool ready = false, has_sshd;
	long long next;
	struct stat st;

	if (at < 0 || conf_read(at, RUN_CONF, &c, &reason) < 0) {
		fprintf(stderr, "muster-agent: %s\n", reason ? reason : "no root folder");
		return 1;
	}
	write_pid(at);
	state = (struct report_state){ .interval = c.interval };
	has_sshd = fstatat(at, SSHD, &st, 0) == 0;
	/* The initramfs has reported the stage root a moment ago. */
	next = now_ms() + state.interval * 1000;
	for (;;) {
		bool was = ready;
		long long left;

		ready = ready || is_ready(at, has_sshd);
		poke_look(&poke);
		left = poke_left(&poke, next - now_ms());
		if (left <= 0 || ready != was || job_ended(&state.job) || report_list(at, &state)) {
			poke_open(&poke, &c, false);
			poke_answered(&poke);
			report_send(at, &c, &(struct report){ .stage = ready ? "ready" : "root" }, TIMEOUT_MS,
				    &state);
			power_obey(at, &c, ready ? "ready" : "root", &state, false);
			next = now_ms() + job_interval_ms(&state.job, state.interval);
			left = next - now_ms();
		}
		wait_for_work(&poke, &state, report_wait_ms(&state, ready ? left : LOOK_MS));
	}
}

int service_main(void)
{
	_cleanup_close_ int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return service_run(at);
}

int service_goodbye(void)
{
	_cleanup_close_ int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(conf_free) struct conf c = { 0 };
	_cleanup_free_ char *reason = NULL, *pid = NULL;
	struct report_state state = { 0 };
	unsigned long long number;

	if (at < 0 || conf_read(at, RUN_CONF, &c, &reason) < 0)
		return 1;
	/* The agent still reports; nothing comes after the goodbye. */
	if (file_read_line(at, RUN_PID, &pid) == 0 && parse_number(pid, INT_MAX, &number) == 0 && number > 1)
		kill((pid_t)number, SIGKILL);
	return report_send(at, &c, &(struct report){ .stage = "off" }, GOODBYE_MS, &state) < 0;
}
