/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <string.h>

#include "backend/apply/drivers.h"
#include "backend/apply/step.h"
#include "util/spawn.h"

#define QUERY_MS 30000
#define ACTION_MS 180000 /* a unit's own stop timeout is 90 s */

/* systemctl's answer as a word and its status. */
static int ask(const char *verb, const char *unit, int *ret_status)
{
	return spawn_run(
		&(struct spawn){
			.argv = (const char *const[]){ "systemctl", verb, "--quiet", "--", unit, NULL },
			.timeout_ms = QUERY_MS,
		},
		ret_status, NULL);
}

static int systemd_is_running(struct apply *a, const struct service *s)
{
	int status, r = ask("is-active", s->unit, &status);

	return r < 0 ? r : status == 0;
}

static int systemd_is_enabled(struct apply *a, const struct service *s)
{
	int status, r = ask("is-enabled", s->unit, &status);

	return r < 0 ? r : status == 0;
}

static int systemd_start(struct apply *a, const struct service *s)
{
	return apply_command(a, ACTION_MS, "systemctl", "enable", "--now", "--", s->unit, NULL);
}

static int systemd_is_known(struct apply *a, const struct service *s)
{
	int status, r = ask("cat", s->unit, &status);

	return r < 0 ? r : status == 0;
}

static int systemd_stop(struct apply *a, const struct service *s)
{
	int enabled, r = 0;

	/* One after the other: `disable --now` stops nothing where the unit's file has gone meanwhile. */
	if (systemd_is_known(a, s) != 0 || systemd_is_running(a, s) != 0)
		r = apply_command(a, ACTION_MS, "systemctl", "stop", "--", s->unit, NULL);
	enabled = r == 0 ? systemd_is_enabled(a, s) : 0;
	return enabled ? apply_command(a, ACTION_MS, "systemctl", "disable", "--", s->unit, NULL) : r;
}

static int systemd_restart(struct apply *a, const struct service *s)
{
	return apply_command(a, ACTION_MS, "systemctl", s->reload ? "reload-or-restart" : "restart", "--",
			     s->unit, NULL);
}

static int systemd_last_lines(struct apply *a, const struct service *s, char **ret)
{
	int status;

	return spawn_run(
		&(struct spawn){
			.argv = (const char *const[]){ "journalctl", "-u", s->unit, "-n", "20", "--no-pager",
						       "-o", "cat", NULL },
			.timeout_ms = QUERY_MS,
		},
		&status, ret);
}

static int systemd_reload_units(struct apply *a)
{
	return apply_command(a, ACTION_MS, "systemctl", "daemon-reload", NULL);
}

static int systemd_set_enabled(struct apply *a, const struct service *s, bool enabled)
{
	return apply_command(a, ACTION_MS, "systemctl", enabled ? "enable" : "disable", "--", s->unit, NULL);
}

const struct service_driver service_driver_systemd = {
	.name = "systemd",
	.is_running = systemd_is_running,
	.is_enabled = systemd_is_enabled,
	.start = systemd_start,
	.stop = systemd_stop,
	.restart = systemd_restart,
	.last_lines = systemd_last_lines,
	.reload_units = systemd_reload_units,
	.set_enabled = systemd_set_enabled,
	.is_known = systemd_is_known,
};
