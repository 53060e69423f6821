/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for another package manager, by the locks that it has. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"

#define LOOK_MS 500

/* The process that has a lock on the file: 0: none has, negative: one that cannot be named. */
static pid_t holder_of(const struct apply *a, const char *file)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = fs_open(a->root_fd, file, O_RDONLY | O_NONBLOCK, 0);

	/* Asking is no writing: F_GETLK wants no more than an open file. What is not there, nobody has locked. */
	if (fd < 0 || fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : -1;
}

static pid_t any_holder(const struct apply *a, const char *const *files, const char **ret_file)
{
	for (; *files; files++) {
		pid_t pid = holder_of(a, *files);

		*ret_file = *files;
		if (pid != 0)
			return pid;
	}
	return 0;
}

/* "apt-get (process 123)"; owned. */
static char *describe(pid_t pid, const char *file)
{
	_cleanup_free_ char *path = NULL, *name = NULL;
	_cleanup_close_ int fd = -1;
	char *text;

	if (asprintf(&path, "/proc/%ld/comm", (long)pid) < 0)
		path = NULL;
	fd = path && pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0 && fs_read_fd(fd, 64, &name, NULL) == 0)
		name[strcspn(name, "\n")] = '\0';
	if (asprintf(&text, pid < 0 ? _("another process (%s)") : _("%s (process %ld)"),
		     name && *name ? name : file, (long)pid) < 0)
		return NULL;
	return text;
}

int package_wait(struct apply *a, const char *const *files)
{
	int64_t end = clock_mono_ms() + apply_patience_ms(a);
	const char *file = "";
	pid_t pid, told = 0;
	int r;

	while ((pid = any_holder(a, files, &file)) != 0) {
		bool late = clock_mono_ms() >= end;
		_cleanup_free_ char *who = late || pid != told ? describe(pid, file) : NULL;

		if (late) {
			apply_error(a,
				    _("%s has been changing packages for all this time and has %s locked. "
				      "Wait until it is done, or end it; then begin again."),
				    who ? who : "", file);
			return -MUSTER_E_TIMEOUT;
		}
		if (pid != told)
			apply_say(a, NC_("step", "packages"),
				  _("waiting for %s, which is changing packages; %d minutes at most"),
				  who ? who : "", apply_patience_ms(a) / 60000);
		told = pid;
		r = apply_pause(a, LOOK_MS);
		if (r < 0)
			return r;
	}
	return 0;
}
