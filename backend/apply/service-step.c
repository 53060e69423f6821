/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step kind "service": stopping, starting and restarting, and waiting until a service is really at work. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "backend/apply/dhcp-probe.h"
#include "backend/apply/step.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/i18n.h"

#define HEALTH_MS 15000
#define POLL_MS 100
#define DEAD_MS 1500  /* dead for so long, it does not come back */
#define STEADY_MS 300 /* and it is up only when it stays so: many a daemon starts, reads, and dies */

static const char *const action_names[] = {
	[CHANGE_START] = "start",
	[CHANGE_RESTART] = "restart",
	[CHANGE_STOP] = "stop",
	[CHANGE_RELEASE] = "release",
};

static int64_t health_ms(const struct apply *a)
{
	double load;

	if (a->health_ms)
		return a->health_ms;
	/* A machine with more to do than it can do is given twice the time. */
	if (getloadavg(&load, 1) == 1 && load > (double)sysconf(_SC_NPROCESSORS_ONLN) * 1.5)
		return 2 * HEALTH_MS;
	return HEALTH_MS;
}

enum trouble { SILENT, STALE, DOWN, NOT_STARTED };

static char *trouble_text(enum trouble trouble, const struct service *s)
{
	char *text;

	return asprintf(&text,
			trouble == SILENT ? _("The service %s (%s) runs but does not answer")
			: trouble == STALE
				? _("The service %s (%s) answers, but still serves the plan of before")
			: trouble == DOWN ? _("The service %s (%s) did not come up")
					  : _("The service %s (%s) could not be started"),
			s->name, s->unit) < 0
		       ? NULL
		       : text;
}

/* Says which service, why (its own last lines), and what to do. */
static void explain(struct apply *a, const struct service *s, enum trouble trouble)
{
	_cleanup_free_ char *what = trouble_text(trouble, s), *lines = NULL, *holder = NULL;
	int running = a->services->is_running(a, s);

	if (a->services->last_lines && a->services->last_lines(a, s, &lines) < 0)
		lines = NULL;
	if (running == 1 || ports_holder(a, s, false, &holder) < 0)
		holder = NULL;
	if (lines && *last_lines(lines, 1))
		apply_error(a, _("%s. Its own last lines:\n%s"), what ? what : s->name,
			    last_lines(lines, 10));
	else
		apply_error(a, _("%s, and it wrote nothing about it."), what ? what : s->name);
	if (holder)
		apply_error(a, "%s", holder);
}

int service_wait(struct apply *a, const struct service *s)
{
	int64_t start = clock_mono_ms(), limit = health_ms(a), alive = start, up = -1;
	int health = 0;

	for (;;) {
		int running = a->services->is_running(a, s);
		int64_t now = clock_mono_ms();

		if (running < 0)
			return running;
		if (running)
			alive = now;
		health = running && s->healthy ? s->healthy(a) : 0;
		if (!running || health < 0)
			up = -1;
		else if (up < 0)
			up = now;
		if (up >= 0 && now - up >= MIN((int64_t)STEADY_MS, limit))
			return 0;
		if ((up < 0 && now - start >= limit) || now - alive >= DEAD_MS)
			break;
		poll(NULL, 0, (int)MIN((int64_t)POLL_MS, limit));
	}
	explain(a, s, a->services->is_running(a, s) != 1 ? DOWN : health == -ESTALE ? STALE : SILENT);
	return -MUSTER_E_UNHEALTHY;
}

static const struct service *of_record(const json_t *record)
{
	const char *name = json_string_value(json_object_get(record, "name"));

	return name ? service_find(name) : NULL;
}

static int service_before(struct apply *a, struct journal *j, const struct step *s, json_t *record)
{
	int running = a->services->is_running(a, s->service),
	    enabled = a->services->is_enabled(a, s->service);
	json_t *old;

	if (running < 0 || enabled < 0) {
		apply_error(a, _("The state of the service %s cannot be found out: %s."), s->service->name,
			    muster_strerror(running < 0 ? running : enabled));
		return running < 0 ? running : enabled;
	}
	old = json_pack("{s:b, s:b}", "running", running, "enabled", enabled);
	json_object_set_new(record, "name", json_string(s->service->name));
	json_object_set_new(record, "action", json_string(action_names[s->action]));
	if (s->unit_changed)
		json_object_set_new(record, "unit", json_true());
	if (json_object_set_new(record, "old", old) < 0)
		return -ENOMEM;
	return s->service->parameter ? parameter_save(a, s->service->parameter, record) : 0;
}

/* A TCP port that another program holds would make the health check ask that one. */
static int refuse_taken_port(struct apply *a, const struct service *s)
{
	_cleanup_free_ char *holder = NULL;
	int r = ports_holder(a, s, true, &holder);

	if (r == 0 && holder) {
		apply_error(a, "%s", holder);
		return -MUSTER_E_CONFLICT;
	}
	return r;
}

static int start(struct apply *a, const struct service *s, bool unit_changed)
{
	int running = a->services->is_running(a, s), r;

	if (running < 0)
		return running;
	/* Its package may have started it, before its files were there. */
	if (running) {
		if (a->services->set_enabled && (r = a->services->set_enabled(a, s, true)) < 0)
			return r;
		return a->services->restart(a, s);
	}
	r = refuse_taken_port(a, s);
	if (r == 0 && strcmp(s->name, "dnsmasq") == 0)
		r = dhcp_refuse_other(a, true);
	return r < 0 ? r : a->services->start(a, s);
}

/* As it was before muster came. */
static int release(struct apply *a, const struct step *st)
{
	const struct service *s = st->service;
	int running = a->services->is_running(a, s), enabled, r = running < 0 ? running : 0;

	apply_say(a, NC_("step", "services"), _("leaving %s to the server again"), s->name);
	if (r == 0 && !st->running)
		r = running ? a->services->stop(a, s) : 0;
	else if (r == 0)
		r = running ? a->services->restart(a, s) : a->services->start(a, s);
	enabled = r == 0 ? a->services->is_enabled(a, s) : r;
	if (enabled >= 0 && a->services->set_enabled && (enabled > 0) != st->enabled)
		r = a->services->set_enabled(a, s, st->enabled);
	else if (enabled < 0)
		r = enabled;
	if (r == -MUSTER_E_COMMAND)
		explain(a, s, NOT_STARTED);
	return r == 0 && st->running ? service_wait(a, s) : r;
}

static int service_run(struct apply *a, const struct step *st, json_t *done)
{
	const struct service *s = st->service;
	int r;

	if (st->action == CHANGE_RELEASE)
		return release(a, st);
	apply_say(a, NC_("step", "services"),
		  st->action == CHANGE_STOP    ? _("stopping %s")
		  : st->action == CHANGE_START ? _("starting %s")
					       : _("restarting %s"),
		  s->name);
	if (st->action == CHANGE_STOP)
		return a->services->stop(a, s);
	if (st->action == CHANGE_START) {
		r = start(a, s, st->unit_changed);
	} else if (st->unit_changed) {
		r = a->services->stop(a, s);
		if (r == 0)
			r = a->services->start(a, s);
	} else {
		r = a->services->restart(a, s);
	}
	if (r == -MUSTER_E_COMMAND)
		explain(a, s, NOT_STARTED);
	return r < 0 ? r : service_wait(a, s);
}

/* What did not run before is stopped now, while its unit and its program are still there. */
static int stop_new(struct apply *a, const struct service *s, const json_t *old)
{
	int running = a->services->is_running(a, s), enabled = a->services->is_enabled(a, s);

	if (running < 0)
		return running;
	return running > 0 || (enabled > 0 && json_is_false(json_object_get(old, "enabled")))
		       ? a->services->stop(a, s)
		       : 0;
}

/* What ran before starts again when all files are back, and sets its parameter itself, then. */
static int service_undo(struct apply *a, struct journal *j, const json_t *record, const json_t *done)
{
	const json_t *old = json_object_get(record, "old");
	const struct service *s = of_record(record);
	int r = 0, e;

	if (!s || !a->services->is_running)
		return 0;
	if (!json_is_true(json_object_get(old, "running")))
		r = stop_new(a, s, old);
	e = parameter_restore(a, record);
	return r < 0 ? r : e;
}

/* What ran before runs again, with the files of before; whether it starts at boot is as before, too. */
static int service_settle(struct apply *a, const json_t *record)
{
	const json_t *old = json_object_get(record, "old");
	bool was_running = json_is_true(json_object_get(old, "running"));
	bool was_enabled = json_is_true(json_object_get(old, "enabled"));
	const struct service *s = of_record(record);
	int r = 0, running, enabled;

	if (!s || !a->services->is_running)
		return 0;
	/* It came with a package that this apply had installed, and went with it. */
	if (a->services->is_known && a->services->is_known(a, s) == 0)
		return 0;
	running = a->services->is_running(a, s);
	/* A reload would leave it what a unit of ours gave it. */
	if (was_running && running == 1 && json_is_true(json_object_get(record, "unit"))) {
		r = a->services->stop(a, s);
		running = 0;
	}
	if (r == 0 && was_running) {
		r = running == 1 ? a->services->restart(a, s) : a->services->start(a, s);
		if (r == 0)
			r = service_wait(a, s);
	}
	enabled = a->services->is_enabled(a, s);
	if (a->services->set_enabled && enabled >= 0 && (enabled == 1) != was_enabled) {
		int e = a->services->set_enabled(a, s, was_enabled);

		r = r < 0 ? r : e;
	}
	return r;
}

const struct step_ops step_service = {
	.kind = "service",
	.before = service_before,
	.run = service_run,
	.undo = service_undo,
	.settle = service_settle,
};
