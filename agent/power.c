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
	[ACTION_RESET] = { "reset itself", GLIBC_SIGRTMIN + 5, RB_AUTOBOOT, "sbin/reboot" },
	[ACTION_STEPS] = { 0 },
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

/* The machine restarts in that moment, whatever hangs (Documentation/admin-guide/sysrq.rst, command key b). */
static void reset_at_once(int at)
{
	_cleanup_close_ int fd = openat(at, "proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write_all(fd, "b", 1) < 0)
		log_line("this kernel has no sysrq: it restarts in the common way");
}

static int act(int at, enum report_action action, bool as_init)
{
	if (action == ACTION_RESET)
		reset_at_once(at);
	if (as_init) {
		sync();
		return reboot(ways[action].kernel) < 0 ? -errno : 0;
	}
	if (is_systemd(at))
		return kill(1, ways[action].systemd) < 0 ? -errno : 0;
	return run_command(at, ways[action].command);
}

static void begin_job(int at, const struct conf *c, const char *stage, struct report_state *state)
{
	const struct report report = { .stage = stage, .done = state->action_id };

	/* It is told again once the one at work is done. */
	if (job_start(&state->job, at, state->action_id, state->word, state->args) < 0)
		return;
	state->action_done = report.done;
	log_line("the server asks this node for %s %s", state->word, state->args);
	if (report_send(at, c, &report, TIMEOUT_MS, state) < 0)
		log_line("it cannot be told that this begins");
}

void power_obey(int at, const struct conf *c, const char *stage, struct report_state *state, bool as_init)
{
	enum report_action action = state->action;
	/* Where no service of the node says goodbye after this. A node that says none counts as running for a while, and its
	 * next boot has to wait until it does not. */
	bool last = as_init || action == ACTION_RESET;
	const struct report report = { .stage = last ? "off" : stage, .done = state->action_id };
	int r;

	state->action = ACTION_NONE;
	if (action == ACTION_NONE)
		return;
	if (action == ACTION_STEPS) {
		begin_job(at, c, stage, state);
		return;
	}
	state->action_done = report.done;
	log_line("the server asks this node to %s", ways[action].word);
	/* Where the server does not hear it, the next boot tells. */
	if (report_send(at, c, &report, TIMEOUT_MS, state) < 0)
		log_line("it cannot be told that this is done");
	r = act(at, action, as_init);
	if (r < 0)
		log_line("this node cannot %s: %s", ways[action].word, strerror(-r));
}
