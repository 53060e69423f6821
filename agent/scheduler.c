/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/scheduler.h"
#include "agent/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG "config/krg_scheduler/"
#define TOOL_MS 15000
#define SINGLE_LOAD "probes/mosix_probe/norm_single_process_load/value"
#define THRESHOLD "mosix_load_balancer/local_load/freq_limit_filter/threshold_filter/threshold"
#define FAILED 1

static int open_dir(int at, const char *path)
{
	return openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What the kernel brings with a folder goes with it, and cannot be removed by itself. */
static void clear(int at, const char *path)
{
	int fd = open_dir(at, path);
	_cleanup_closedir_ DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.' || unlinkat(fd, e->d_name, 0) == 0)
			continue;
		clear(fd, e->d_name);
		unlinkat(fd, e->d_name, AT_REMOVEDIR);
	}
}

/* For each scheduler: its name and nodes to out (may be NULL), these nodes as its own where they are given. How many there are. */
static int each(int at, const char *ids, struct text *out)
{
	int fd = open_dir(at, "schedulers"), n = 0;
	_cleanup_closedir_ DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	for (struct dirent *e; d && (e = readdir(d));) {
		_cleanup_close_ int dir = e->d_name[0] == '.' ? -1 : open_dir(fd, e->d_name);
		_cleanup_free_ char *nodes = NULL;
		int r;

		if (dir < 0)
			continue;
		n++;
		r = !ids   ? 0
		    : *ids ? file_write_value(dir, "node_set", ids, O_CREAT)
			   /* Without a newline the kernel looks at what stands behind it, and may refuse it. */
			   : file_write_value(dir, "node_set_max_fit", "1\n", O_CREAT);
		if (r < 0) {
			text_addf(out, "the nodes of %s cannot be set: %s\n", e->d_name, strerror(-r));
			return r;
		}
		if (out && file_read_line(dir, "node_set", &nodes) == 0)
			text_addf(out, "%s %s\n", e->d_name, nodes);
		else if (out)
			text_addf(out, "%s\n", e->d_name);
	}
	return n;
}

/* The program reads the load of a single process in a way that bash knows and the shell of busybox does not, which leaves a
 * threshold of 0: then processes would go to and fro for nothing. It means one and a half times that load. */
static void mend_threshold(int at, const char *name)
{
	_cleanup_free_ char *path = NULL, *is = NULL, *load = NULL;
	unsigned long long n;
	char text[24];

	if (asprintf(&path, "schedulers/%s/" THRESHOLD, name) < 0)
		path = NULL;
	if (!path || file_read_line(at, path, &is) < 0 || strcmp(is, "0") != 0 ||
	    file_read_line(at, SINGLE_LOAD, &load) < 0 || parse_number(load, INT_MAX, &n) < 0)
		return;
	snprintf(text, sizeof(text), "%llu\n", n * 3 / 2);
	if (file_write_value(at, path, text, 0) < 0)
		log_line("the threshold of the scheduler %s stays 0", name);
}

static void mend_thresholds(int at)
{
	int fd = open_dir(at, "schedulers");
	_cleanup_closedir_ DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.')
			mend_threshold(at, e->d_name);
}

/* Which schedulers and probes with which limits is Kerrighed's own matter: its tools bring a program for it. What that has set
 * up before it failed is taken away again. */
static int set_up(int root, int at, struct text *out)
{
	static const char *const argv[] = { "krg_legacy_scheduler", NULL };
	int r = command_run(root, argv, now_ms() + TOOL_MS, NULL, out);

	if (r == 0 && each(at, NULL, NULL) > 0) {
		mend_thresholds(at);
		text_free(out);
		return 0;
	}
	if (r == 0)
		text_addf(out, "it has ended well, but there is no scheduler\n");
	clear(at, "schedulers");
	clear(at, "probes");
	return FAILED;
}

static int set(int root, const char *args, struct text *out)
{
	const char *ids = strchr(args, ' ');
	_cleanup_close_ int at = open_dir(root, CONFIG);

	if (at < 0) {
		text_addf(out, "this kernel has no schedulers on /config\n");
		return FAILED;
	}
	if (*args == '1' && each(at, NULL, NULL) == 0 && set_up(root, at, out) != 0)
		return FAILED;
	if (*args == '0') {
		clear(at, "schedulers");
		clear(at, "probes");
		if (each(at, NULL, NULL) == 0)
			return 0;
		text_addf(out, "they cannot be taken away\n");
		return FAILED;
	}
	return each(at, *args != '1' ? NULL : ids ? ids + 1 : "", out) < 0 ? FAILED : 0;
}

int scheduler_set(int at, const char *args, int out)
{
	_cleanup_text_ struct text said = { 0 };
	int r = set(at, args, &said);

	return said.s && write_all(out, said.s, said.len) < 0 ? FAILED : r;
}
