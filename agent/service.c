/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/service.h"
#include "agent/conf.h"
#include "agent/facts.h"
#include "agent/report.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define RUN_CONF "run/muster/node.conf"
#define SSHD "usr/sbin/sshd"
#define SSH_PORT 22
#define LOOK_MS 100
#define TIMEOUT_MS 5000
#define GOODBYE_MS 2000 /* a shutdown does not wait long for a server that is gone */
/* Made when logins end, at the end of which systemd stops this agent (systemd-user-sessions.service(8)). */
#define NOLOGIN "run/nologin"

/* A node is ready when an operator can work on it. */
static bool is_ready(int at, bool has_sshd)
{
	return !has_sshd || facts_listening(at, SSH_PORT);
}

static bool exists(int at, const char *path)
{
	struct stat st;

	return fstatat(at, path, &st, 0) == 0;
}

/* Waits, but for a signal that ends this program: whether one came. They are blocked, so that none is missed. */
static bool told_to_end(const sigset_t *signals, long long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	return sigtimedwait(signals, NULL, &t) > 0;
}

/* The server may boot this machine again at once. An agent that alone is stopped says nothing: its node runs on. */
static void say_goodbye(int at, const struct conf *c, struct report_state *state)
{
	if (exists(at, NOLOGIN))
		report_send(at, c, &(struct report){ .stage = "off" }, GOODBYE_MS, state);
}

int service_main(void)
{
	_cleanup_close_ int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(conf_free) struct conf c = { 0 };
	_cleanup_free_ char *reason = NULL;
	struct report_state state;
	bool ready = false, has_sshd;
	sigset_t signals;
	long long next;

	if (at < 0 || conf_read(at, RUN_CONF, &c, &reason) < 0) {
		fprintf(stderr, "muster-agent: %s\n", reason ? reason : "no root folder");
		return 1;
	}
	state = (struct report_state){ .interval = c.interval };
	has_sshd = exists(at, SSHD);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	/* The initramfs has reported the stage root a moment ago. */
	next = now_ms() + state.interval * 1000;
	for (;;) {
		bool was = ready;
		long long left;

		ready = ready || is_ready(at, has_sshd);
		left = next - now_ms();
		if (left <= 0 || ready != was) {
			report_send(at, &c, &(struct report){ .stage = ready ? "ready" : "root" }, TIMEOUT_MS,
				    &state);
			next = now_ms() + state.interval * 1000;
			left = next - now_ms();
		}
		if (told_to_end(&signals, ready ? left : LOOK_MS)) {
			say_goodbye(at, &c, &state);
			return 0;
		}
	}
}
