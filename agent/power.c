/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/power.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TIMEOUT_MS 2000

/* systemd's process 1 takes SIGRTMIN+4 and +5 as orders to start poweroff.target and reboot.target (systemd(1), under
 * Signals). Its SIGRTMIN is glibc's; the C library of this program may have another. */
#define GLIBC_SIGRTMIN 34

static const struct {
	const char *word;
	int systemd, kernel;
	const char *command; /* of any other init */
} ways[] = {
	[ACTION_REBOOT] = { "restart", GLIBC_SIGRTMIN + 5, RB_AUTOBOOT, "sbin/reboot" },
	[ACTION_POWEROFF] = { "power off", GLIBC_SIGRTMIN + 4, RB_POWER_OFF, "sbin/poweroff" },
};

/* As sd_booted(3) finds it out. */
static bool is_systemd(int at)
{
	struct stat st;

	return fstatat(at, "run/systemd/system", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static int run_command(int at, const char *path)
{
	char *const argv[] = { (char *)(uintptr_t)path, NULL };
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (fchdir(at) == 0)
			execv(path, argv);
		_exit(127);
	}
	if (pid < 0)
		return -errno;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static int act(int at, enum report_action action, bool as_init)
{
	if (as_init) {
		sync();
		return reboot(ways[action].kernel) < 0 ? -errno : 0;
	}
	if (is_systemd(at))
		return kill(1, ways[action].systemd) < 0 ? -errno : 0;
	return run_command(at, ways[action].command);
}

void power_obey(int at, const struct conf *c, const char *stage, struct report_state *state, bool as_init)
{
	const struct report report = { .stage = stage, .done = state->action_id };
	enum report_action action = state->action;
	int r;

	state->action = ACTION_NONE;
	if (action == ACTION_NONE)
		return;
	state->action_done = report.done;
	log_line("the server asks this node to %s", ways[action].word);
	/* Where the server does not hear it, the next boot tells. */
	if (report_send(at, c, &report, TIMEOUT_MS, state) < 0)
		log_line("it cannot be told that this is done");
	r = act(at, action, as_init);
	if (r < 0)
		log_line("this node cannot %s: %s", ways[action].word, strerror(-r));
}
