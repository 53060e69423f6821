/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/service.h"
#include "agent/conf.h"
#include "agent/facts.h"
#include "agent/report.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#define RUN_CONF "run/muster/node.conf"
#define SSHD "usr/sbin/sshd"
#define SSH_PORT 22
#define LOOK_MS 100
#define TIMEOUT_MS 5000

/* A node is ready when an operator can work on it. */
static bool is_ready(int at, bool has_sshd)
{
	return !has_sshd || facts_listening(at, SSH_PORT);
}

int service_main(void)
{
	_cleanup_close_ int at = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(conf_free) struct conf c = { 0 };
	_cleanup_free_ char *reason = NULL;
	struct report_state state;
	bool ready = false, has_sshd;
	long long next;
	struct stat st;

	if (at < 0 || conf_read(at, RUN_CONF, &c, &reason) < 0) {
		fprintf(stderr, "muster-agent: %s\n", reason ? reason : "no root folder");
		return 1;
	}
	state = (struct report_state){ .interval = c.interval };
	has_sshd = fstatat(at, SSHD, &st, 0) == 0;
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
		poll(NULL, 0, (int)(ready ? left : LOOK_MS));
	}
}
