/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/scheduler.h"
#include "agent/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG "config/krg_scheduler/"
#define TOOL_MS 15000
#define FAILED 1

/* What tools/krg_legacy_scheduler of Kerrighed sets up: new processes go round, and those that run move to where less is done.
 * DIR: made, or there already, as what a module brings with it. LINK: text is its target. THRESHOLD: one and a half times
 * what `text` reads. */
static const struct part {
	enum { DIRECTORY, VALUE, LINK, THRESHOLD } kind;
	const char *path, *text;
} parts[] = {
#define RR "schedulers/rr"
#define MOSIX "schedulers/mosix"
#define POLICY MOSIX "/mosix_load_balancer"
#define LIMIT POLICY "/local_load/freq_limit_filter"
	{ DIRECTORY, RR, NULL },
	{ DIRECTORY, RR "/round_robin_balancer", NULL },
	{ DIRECTORY, RR "/process_set", NULL },
	{ VALUE, RR "/process_set/handle_all", "1" },
	{ DIRECTORY, "probes/mosix_probe", NULL },
	{ DIRECTORY, "probes/migration_probe", NULL },
	{ DIRECTORY, MOSIX, NULL },
	{ DIRECTORY, POLICY, NULL },
	{ DIRECTORY, POLICY "/local_load", NULL },
	{ DIRECTORY, LIMIT, NULL },
	{ VALUE, LIMIT "/min_interval", "2000000000" }, /* ns from one migration to the next */
	{ DIRECTORY, LIMIT "/threshold_filter", NULL },
	{ THRESHOLD, LIMIT "/threshold_filter/threshold",
	  "probes/mosix_probe/norm_single_process_load/value" },
	{ DIRECTORY, POLICY "/remote_load", NULL },
	{ DIRECTORY, POLICY "/remote_load/remote_cache_filter", NULL },
	{ VALUE, POLICY "/remote_load/remote_cache_filter/polling_period", "1000" }, /* ms */
	{ DIRECTORY, POLICY "/single_process_load", NULL },
	{ DIRECTORY, POLICY "/single_process_load/remote_cache_filter", NULL },
	{ DIRECTORY, POLICY "/process_load", NULL },
	{ DIRECTORY, LIMIT "/last_event", NULL },
	{ LINK, LIMIT "/last_event/migration", "probes/migration_probe/last_migration" },
	{ LINK, POLICY "/process_load/mosix", "probes/mosix_probe/process_load" },
	{ LINK, POLICY "/remote_load/remote_cache_filter/mosix_upper", "probes/mosix_probe/norm_upper_load" },
	{ LINK, POLICY "/single_process_load/remote_cache_filter/mosix",
	  "probes/mosix_probe/norm_single_process_load" },
	{ LINK, LIMIT "/threshold_filter/mosix_mean", "probes/mosix_probe/norm_mean_load" },
	{ DIRECTORY, MOSIX "/process_set", NULL },
	{ VALUE, MOSIX "/process_set/handle_all", "1" },
};

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

static int make_threshold(int at, const char *path, const char *from)
{
	_cleanup_free_ char *load = NULL;
	char value[24];
	int r = file_read_line(at, from, &load);

	if (r < 0)
		return r;
	snprintf(value, sizeof(value), "%llu", strtoull(load, NULL, 10) * 3 / 2);
	return file_write_value(at, path, value, O_CREAT);
}

static int make_part(int at, const struct part *p)
{
	char target[128];

	switch (p->kind) {
	case DIRECTORY:
		return mkdirat(at, p->path, 0755) < 0 && errno != EEXIST ? -errno : 0;
	case VALUE:
		return file_write_value(at, p->path, p->text, O_CREAT);
	case LINK:
		/* The kernel follows it where it stands, so it must be a whole path. */
		snprintf(target, sizeof(target), "/" CONFIG "%s", p->text);
		return symlinkat(target, at, p->path) < 0 && errno != EEXIST ? -errno : 0;
	default:
		return make_threshold(at, p->path, p->text);
	}
}

static int make_parts(int at, struct text *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++) {
		r = make_part(at, &parts[i]);
		if (r < 0)
			text_addf(out, "/" CONFIG "%s: %s\n", parts[i].path, strerror(-r));
	}
	if (r == 0)
		return 0;
	clear(at, "schedulers");
	clear(at, "probes");
	return FAILED;
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

static int set_up(int root, int at, struct text *out)
{
	static const char *const argv[] = { "krg_legacy_scheduler", "start", NULL };
	_cleanup_text_ struct text said = { 0 };

	if (command_run(root, argv, now_ms() + TOOL_MS, NULL, &said) == 0 && each(at, NULL, NULL) > 0)
		return 0;
	return make_parts(at, out);
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
