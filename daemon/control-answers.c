/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is said over the control socket (backend/nodes/control.h). */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "backend/nodes/control.h"
#include "daemon/control.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

#define NODES_AT_A_TIME 200 /* so that the nodes' reports never wait long for the store */

static int add_text(const char *text, size_t len, void *data)
{
	struct strbuf *b = data;

	strbuf_add(b, text, len);
	return b->failed ? -1 : 0;
}

void control_line(struct strbuf *out, json_t *o)
{
	if (!o || json_dump_callback(o, add_text, out, JSON_COMPACT) < 0)
		out->failed = true;
	strbuf_addc(out, '\n');
	json_decref(o);
}

void control_refuse(struct strbuf *out, int code, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	control_line(out, json_pack("{s:s, s:i}", "error", text ? text : muster_strerror(code), "code",
				    code < 0 ? -code : code));
}

/* ---- the follower ----------------------------------------------------------------------------------------- */

static void add_cluster(struct daemon *d, bool all, struct strbuf *out)
{
	_cleanup_(view_unrefp) struct view *v = daemon_view(d);

	control_line(out, json_pack("{s:{s:s, s:s, s:s, s:s, s:I, s:i, s:b}}", "cluster", "name",
				    v->plan->name, "domain", v->plan->domain, "generation", v->generation,
				    "version", PACKAGE_VERSION, "nodes", (json_int_t)v->plan->n_nodes,
				    "interval", d->interval, "all", all));
}

static void add_changes(const struct store_changes *c, struct strbuf *out)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		control_line(out, json_pack("{s:o}", "node", control_state_json(&c->nodes[i])));
	for (size_t i = 0; i < c->gone.n; i++)
		control_line(out, json_pack("{s:s}", "gone", c->gone.v[i]));
}

static json_t *event_json(const struct store_event_row *e)
{
	/* A text that is no UTF-8 says nothing. */
	return json_pack("{s:I, s:I, s:s, s:s, s:o}", "id", (json_int_t)e->id, "at", (json_int_t)e->at,
			 "node", e->node, "kind", e->kind, "text", json_string(e->text) ?: json_string(""));
}

/* Returns how many. */
static size_t add_events(struct store_event_row *v, size_t n, struct control_follow *f, struct strbuf *out)
{
	for (size_t i = 0; i < n; i++) {
		control_line(out, json_pack("{s:o}", "event", event_json(&v[i])));
		f->event = v[i].id;
	}
	store_events_free(v, n);
	return n;
}

void control_follow(struct daemon *d, struct control_follow *f, struct strbuf *out)
{
	struct store_event_row *events = NULL;
	struct store_changes c = { 0 };
	struct store *s = daemon_store_lock(d);
	size_t n_events = 0;
	bool news;
	int r = store_changed(s, clock_wall_ms(), f->seq, NODES_AT_A_TIME, &c);

	if (r == 0 && !c.more)
		r = store_events(s, f->event, CONTROL_EVENTS_MAX, &events, &n_events);
	daemon_store_unlock(d);
	if (r < 0) {
		log_error("the changes cannot be read: %s", muster_strerror(r));
		store_changes_free(&c);
		f->more = false;
		return;
	}
	news = !f->told || c.n_nodes > 0 || c.gone.n > 0 || n_events > 0;
	if (!f->told || c.all)
		add_cluster(d, c.all, out);
	f->told = true;
	add_changes(&c, out);
	add_events(events, n_events, f, out);
	f->seq = c.seq;
	f->more = c.more;
	if (news && !c.more)
		control_line(out, json_pack("{s:I, s:I}", "seq", (json_int_t)f->seq, "event",
					    (json_int_t)f->event));
	store_changes_free(&c);
}

/* ---- requests --------------------------------------------------------------------------------------------- */

/* Events older than the newest thousand are passed over; so are numbers of another database. */
static int first_event(struct daemon *d, const json_t *wanted, int64_t *ret)
{
	int64_t newest = 0, oldest;
	int r = store_events_newest(daemon_store_lock(d), &newest);

	daemon_store_unlock(d);
	oldest = MAX(newest - CONTROL_EVENTS_MAX, (int64_t)0);
	*ret = newest;
	if (r == 0 && wanted && json_integer_value(wanted) <= newest)
		*ret = MAX((int64_t)json_integer_value(wanted), oldest);
	return r;
}

static void follow(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	const json_t *since = json_object_get(what, "since"), *events = json_object_get(what, "events_since");
	struct control_follow f = { .on = true, .seq = json_integer_value(since), .more = true };
	int r;

	if (!json_is_object(what) || (since && !json_is_integer(since)) ||
	    (events && !json_is_integer(events))) {
		control_refuse(out, -EINVAL, "\"follow\" wants {\"since\": N, \"events_since\": N}.");
		return;
	}
	r = first_event(d, events, &f.event);
	if (r < 0)
		control_refuse(out, r, "The events cannot be read: %s.", muster_strerror(r));
	else
		p->follow = f;
}

static json_t *boot_json(const struct store_boot_row *b)
{
	json_t *stages = json_array();

	for (size_t i = 0; i < b->n_stages; i++)
		if (json_array_append_new(stages, json_pack("[s, I, I]", node_stage_text(b->stages[i].stage),
							    (json_int_t)b->stages[i].at,
							    (json_int_t)b->stages[i].ms)) < 0) {
			json_decref(stages);
			return NULL;
		}
	return json_pack("{s:I, s:I, s:s, s:s, s:s, s:o}", "began", (json_int_t)b->began, "ms",
			 (json_int_t)b->ms, "root", b->root, "kernel", b->kernel, "stage",
			 node_stage_text(b->stage), "stages", stages);
}

static json_t *history_json(const struct store_history *h)
{
	json_t *boots = json_array(), *medians = json_object(), *events = json_array();
	int r = 0;

	for (size_t i = 0; i < h->n_boots; i++)
		r |= json_array_append_new(boots, boot_json(&h->boots[i]));
	for (size_t i = 0; i < NODE_STAGE_COUNT; i++)
		if (h->medians[i] >= 0)
			r |= json_object_set_new(medians, node_stage_text((enum node_stage)i),
						 json_integer(h->medians[i]));
	for (size_t i = 0; i < h->n_events; i++)
		r |= json_array_append_new(events, event_json(&h->events[i]));
	if (r != 0) {
		json_decref(boots);
		json_decref(medians);
		json_decref(events);
		return NULL;
	}
	return json_pack("{s:{s:o, s:o, s:o, s:o}}", "history", "node", control_state_json(&h->node), "boots",
			 boots, "medians", medians, "events", events);
}

static void history(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	const char *node = json_string_value(what);
	struct store_history h = { 0 };
	int r;

	if (!node) {
		control_refuse(out, -EINVAL, "\"history\" wants a node's name.");
		return;
	}
	r = store_history(daemon_store_lock(d), clock_wall_ms(), node, CONTROL_HISTORY_EVENTS, &h);
	daemon_store_unlock(d);
	if (r < 0) {
		control_refuse(out, r,
			       r == -ENOENT ? "There is no such node." : "The history cannot be read.");
		return;
	}
	control_line(out, history_json(&h));
	store_history_free(&h);
}

static void cluster(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	add_cluster(d, false, out);
}

static void processes(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out)
{
	if (!json_is_object(what)) {
		control_refuse(out, -EINVAL, "\"processes\" wants {\"kernel\": BOOL}.");
		return;
	}
	p->looks = true;
	p->kernel = json_is_true(json_object_get(what, "kernel"));
	p->seen = processes_seen(&d->processes, clock_mono_ms());
	/* The first that is heard of is asked; the others wait for nothing. */
	control_poke_joined(d);
}

static const struct {
	const char *key;
	void (*answer)(struct daemon *d, struct control_peer *p, const json_t *what, struct strbuf *out);
} requests[] = {
	{ "follow", follow },	  { "history", history },     { "power", control_power },
	{ "next", control_next }, { "order", control_order }, { "outcomes", control_outcomes },
	{ "poke", control_poke }, { "processes", processes }, { "cluster", cluster },
};

void control_answer(struct daemon *d, struct control_peer *p, const char *line, size_t len,
		    struct strbuf *out)
{
	json_t *o = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		const json_t *what = json_object_get(o, requests[i].key);

		if (!what)
			continue;
		requests[i].answer(d, p, what, out);
		json_decref(o);
		return;
	}
	control_refuse(out, -EINVAL,
		       json_is_object(o) ? "There is no such request." : "This is no JSON object.");
	json_decref(o);
}
