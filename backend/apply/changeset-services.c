/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an apply does to services: those that its plan wants, and those that an earlier one wanted. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/apply/changeset.h"
#include "backend/apply/step.h"
#include "util/error.h"
#include "util/i18n.h"

static int push(struct maker *m, struct change_service c, const struct service *s)
{
	struct change_service *v = reallocarray(m->c->services, m->c->n_services + 1, sizeof(*v));

	c.name = strdup(s->name);
	c.unit = strdup(s->unit);
	if (v)
		m->c->services = v;
	if (!v || !c.name || !c.unit) {
		free(c.name);
		free(c.unit);
		return -ENOMEM;
	}
	v[m->c->n_services++] = c;
	return 0;
}

static int push_action(struct maker *m, enum change_action action, const struct service *s)
{
	return push(m, (struct change_service){ .action = action }, s);
}

static bool files_change_for(const struct changeset *c, const char *service)
{
	for (size_t i = 0; i < c->n_files; i++)
		if (strcmp(c->files[i].service, service) == 0)
			return true;
	return false;
}

static bool has(const json_t *array, const char *name)
{
	size_t i;
	json_t *v;

	json_array_foreach (array, i, v)
		if (json_is_string(v) && strcmp(json_string_value(v), name) == 0)
			return true;
	return false;
}

static int state(struct maker *m, const struct service *s, bool *ret_running, bool *ret_enabled)
{
	int running = m->a->services->is_running(m->a, s), enabled = m->a->services->is_enabled(m->a, s);

	if (running < 0 || enabled < 0) {
		apply_error(m->a, _("The state of the service %s cannot be found out: %s."), s->name,
			    muster_strerror(running < 0 ? running : enabled));
		return running < 0 ? running : enabled;
	}
	*ret_running = running > 0;
	*ret_enabled = enabled > 0;
	return 0;
}

/* ---- how they were before muster -------------------------------------------------------------------------------------- */

/* "services_found" of the manifest that this changeset is to write; NULL: it writes none. */
static json_t *found_in(const struct changeset *c)
{
	json_t *whole = NULL, *found;

	for (size_t i = 0; c && !whole && i < c->n_files; i++)
		if (strcmp(c->files[i].path, APPLY_MANIFEST) == 0 && c->files[i].new_data)
			whole = json_loadb(c->files[i].new_data, c->files[i].new_len, 0, NULL);
	found = json_incref(json_object_get(whole, "services_found"));
	json_decref(whole);
	return found;
}

static int find(struct maker *m, const struct service *s, json_t *ret)
{
	bool running, enabled;
	int known = m->a->services->is_known ? m->a->services->is_known(m->a, s) : 1, r;

	if (known <= 0)
		return known;
	r = state(m, s, &running, &enabled);
	if (r < 0 || (!running && !enabled))
		return r;
	return json_object_set_new(ret, s->name,
				   json_pack("{s:b, s:b}", "running", running, "enabled", enabled)) < 0
		       ? -ENOMEM
		       : 0;
}

static const struct service *rival_of(const struct service *s)
{
	return s && s->rival ? service_find(s->rival) : NULL;
}

/* What a service changes that is not muster's: itself, or its rival; NULL: nothing. */
static const struct service *servers_own(const struct service *s)
{
	return s && s->own_unit ? rival_of(s) : s;
}

static bool has_port(const struct service *s, const struct service_port *port)
{
	for (const struct service_port *p = s->ports; p < s->ports + ARRAY_SIZE(s->ports) && p->number; p++)
		if (p->udp == port->udp && p->number == port->number)
			return true;
	return false;
}

/* A service that is wanted needs a port of this one: it cannot be as it was, as long as that is so. */
static bool is_displaced(const struct maker *m, const struct service *s)
{
	for (size_t i = 0; i < m->wish->services.n; i++) {
		const struct service *wish = service_find(m->wish->services.v[i]);

		if (!wish || wish == s)
			continue;
		for (const struct service_port *p = s->ports;
		     p < s->ports + ARRAY_SIZE(s->ports) && p->number; p++)
			if (has_port(wish, p))
				return true;
	}
	return false;
}

/* How it was is remembered until it is so again. */
static int keep_displaced(struct maker *m, json_t *ret)
{
	const char *name;
	json_t *old;

	json_object_foreach (m->found_before, name, old) {
		const struct service *s = service_find(name);

		if (s && !json_object_get(ret, name) && is_displaced(m, s) &&
		    json_object_set(ret, name, old) < 0)
			return -ENOMEM;
	}
	return 0;
}

int changeset_found(struct maker *m, json_t **ret)
{
	json_t *found = json_object(), *shown = found_in(m->a->shown);
	int r = found ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < m->wish->services.n; i++) {
		const struct service *wish = service_find(m->wish->services.v[i]), *s = servers_own(wish);
		json_t *old = s ? json_object_get(m->found_before, s->name) : NULL;

		/* A driver without it starts processes of its own. */
		if (!s || !m->a->services || !m->a->services->set_enabled)
			continue;
		if (!old && m->a->shown)
			old = json_object_get(shown, s->name);
		else if (!old && !has(m->services_before, wish->name))
			r = find(m, s, found);
		if (old && json_object_set(found, s->name, old) < 0)
			r = -ENOMEM;
	}
	if (r == 0)
		r = keep_displaced(m, found);
	json_decref(shown);
	if (r < 0) {
		json_decref(found);
		return r;
	}
	*ret = found;
	return 0;
}

/* ---- what is to be done ------------------------------------------------------------------------------------------------ */

/* Its package is yet to come, and starts it; or it does not run, and would at the next boot, in place of muster's. */
static int unwanted_rival(struct maker *m, const struct service *s)
{
	const struct service *rival = rival_of(s);
	bool running, enabled;
	int known, r;

	if (!rival || !m->a->services->is_known)
		return 0;
	known = m->a->services->is_known(m->a, rival);
	if (known < 0)
		return known;
	if (!known)
		return strv_has(&m->c->packages, rival->package) ? push_action(m, CHANGE_STOP, rival) : 0;
	r = state(m, rival, &running, &enabled);
	/* One that runs is the operator's to stop: the port's holder is named. */
	return r < 0 || running || !enabled ? r : push_action(m, CHANGE_STOP, rival);
}

static int wanted(struct maker *m, const char *name)
{
	const struct service *s = service_find(name);
	bool running, enabled;
	int r;

	if (!s) {
		apply_error(m->a, _("muster knows no service %s."), name);
		return -EINVAL;
	}
	r = state(m, s, &running, &enabled);
	if (r == 0)
		r = unwanted_rival(m, s);
	if (r < 0)
		return r;
	if (!running || !enabled)
		return push_action(m, CHANGE_START, s);
	return files_change_for(m->c, name) ? push_action(m, CHANGE_RESTART, s) : 0;
}

/* It was wanted, or stood in the way of what was. */
static int unwanted(struct maker *m, const struct service *s)
{
	const json_t *found = json_object_get(m->found_before, s->name);
	const struct change_service as_before = {
		.action = CHANGE_RELEASE,
		.running = json_is_true(json_object_get(found, "running")),
		.enabled = json_is_true(json_object_get(found, "enabled")),
	};
	bool running, enabled;
	int r;

	/* It has gone with its package. */
	if (m->a->services->is_known && m->a->services->is_known(m->a, s) == 0)
		return 0;
	r = state(m, s, &running, &enabled);
	if (r < 0)
		return r;
	if (!found || is_displaced(m, s))
		return running || enabled ? push_action(m, CHANGE_STOP, s) : 0;
	if (running == as_before.running && enabled == as_before.enabled &&
	    !(running && files_change_for(m->c, s->name)))
		return 0;
	return push(m, as_before, s);
}

/* A rival of what is wanted is looked at with that. */
static bool is_looked_at(const struct maker *m, const struct service *s)
{
	for (size_t i = 0; i < m->wish->services.n; i++)
		if (rival_of(service_find(m->wish->services.v[i])) == s)
			return true;
	return strv_has(&m->wish->services, s->name);
}

int changeset_services(struct maker *m)
{
	const char *found;
	json_t *v;
	size_t i;
	int r = 0;

	if (!m->a->services || !m->a->services->is_running)
		return 0;
	json_array_foreach (m->services_before, i, v) {
		const struct service *s = json_is_string(v) ? service_find(json_string_value(v)) : NULL;

		if (r == 0 && s && !is_looked_at(m, s))
			r = unwanted(m, s);
	}
	json_object_foreach (m->found_before, found, v) {
		const struct service *s = service_find(found);

		if (r == 0 && s && !has(m->services_before, found) && !is_looked_at(m, s))
			r = unwanted(m, s);
	}
	for (i = 0; r == 0 && i < m->wish->services.n; i++)
		r = wanted(m, m->wish->services.v[i]);
	return r;
}
