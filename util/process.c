/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "util/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "util/fs.h"
#include "util/macro.h"

unsigned long long process_start_time(pid_t pid)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	_cleanup_close_ int fd = -1;
	unsigned long long start;
	char *p;
	char state;

	if (asprintf(&path, "/proc/%ld/stat", (long)pid) < 0)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fs_read_fd(fd, 4096, &text, NULL) < 0)
		return 0;
	/* The name (field 2) may hold anything, also ')': what follows its last one can be relied upon. */
	p = strrchr(text, ')');
	if (!p ||
	    sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		   &state, &start) != 2)
		return 0;
	return state == 'Z' || state == 'X' ? 0 : start;
}
