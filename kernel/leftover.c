/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Programs of a build that was cut off a moment ago: make(1) ends its children and removes what they were writing, which
 * takes as long as they take. Two makes must not work on one tree.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "kernel/private.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/i18n.h"

#define LOOK_MS 100
#define PATIENCE_MS 10000 /* then they are ended */
#define GIVE_UP_MS 30000

/* Whether the process works in the folder or below it. */
static bool works_in(const char *pid, const char *folder, size_t n)
{
	char at[PATH_MAX], link[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/%.20s/cwd", pid);
	len = readlink(link, at, sizeof(at) - 1);
	if (len < 0)
		return false;
	at[len] = '\0';
	return strncmp(at, folder, n) == 0 && (at[n] == '/' || at[n] == '\0');
}

/* How many there are; each gets the signal (0: none). */
static int count(const char *folder, int signal_number)
{
	DIR *d = opendir("/proc");
	size_t n = strlen(folder);
	struct dirent *e;
	int found = 0;

	while (d && (e = readdir(d))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid <= 1 || pid == getpid() || !works_in(e->d_name, folder, n))
			continue;
		found++;
		if (signal_number)
			kill(pid, signal_number);
	}
	if (d)
		closedir(d);
	return found;
}

int kernel_wait_for_leftovers(const struct kernel_env *env, const char *folder)
{
	struct pollfd p = { .fd = env->cancel_fd > 0 ? env->cancel_fd : -1, .events = POLLIN };
	int64_t began = clock_mono_ms(), passed = 0;
	_cleanup_free_ char *real = realpath(folder, NULL); /* as the kernel names it */

	if (!real)
		return errno == ENOENT ? 0 : -errno;
	while (count(real, passed > PATIENCE_MS ? SIGKILL : 0) > 0) {
		kernel_progress(env, NC_("step", "wait"), _("what was cut off is still ending"), -1, NULL);
		if (poll(&p, 1, LOOK_MS) > 0)
			return -MUSTER_E_CANCELLED;
		passed = clock_mono_ms() - began;
		if (passed > GIVE_UP_MS)
			return -EBUSY;
	}
	return 0;
}
