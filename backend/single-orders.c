/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/single-orders.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire.h"
#include "util/clock.h"
#include "util/i18n.h"

#define LOOK_MS 50
#define LOST_LOOK_MS 1000
#define WHY_MAX 200

void orders_free(struct orders *o)
{
	for (size_t i = 0; i < o->n; i++) {
		free(o->v[i].name);
		free(o->v[i].output);
	}
	free(o->v);
	*o = (struct orders){ 0 };
}

static char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return strdup(text ? text : "");
}

static int read_given(const json_t *list, struct orders *o)
{
	o->v = calloc(json_array_size(list) + 1, sizeof(*o->v));
	if (!o->v)
		return -ENOMEM;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *j = json_array_get(list, i);
		struct order *order = &o->v[o->n++];

		order->name = text_of(j, "name");
		order->output = text_of(j, "text");
		order->id = json_integer_value(json_object_get(j, "id"));
		order->ended = json_integer_value(json_object_get(j, "code")) != 0;
		if (!order->name || !order->output)
			return -ENOMEM;
	}
	return 0;
}

static int give(struct muster *m, const struct strv *names, const char *what, const char *args,
		struct orders *o)
{
	json_t *answer = NULL;
	int r = context_ask_daemon(m,
				   json_pack("{s:{s:s, s:s, s:o}}", "order", "what", what, "args", args,
					     "nodes", context_names_json(names)),
				   &answer);

	if (r == 0)
		r = read_given(json_object_get(answer, "results"), o);
	json_decref(answer);
	return r;
}

static struct order *find(struct orders *o, int64_t id)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->v[i].id == id && !o->v[i].ended)
			return &o->v[i];
	return NULL;
}

static int read_outcome(const json_t *j, struct orders *o)
{
	const char *state = json_string_value(json_object_get(j, "state"));
	struct order *order = find(o, json_integer_value(json_object_get(j, "id")));
	char *output;

	if (!state || !order || (strcmp(state, "done") != 0 && strcmp(state, "dropped") != 0))
		return 0;
	output = text_of(j, "output");
	if (!output)
		return -ENOMEM;
	free(order->output);
	order->output = output;
	order->status = (int)json_integer_value(json_object_get(j, "status"));
	order->done = strcmp(state, "done") == 0;
	order->ended = true;
	return 0;
}

static bool all_ended(const struct orders *o)
{
	for (size_t i = 0; i < o->n; i++)
		if (!o->v[i].ended)
			return false;
	return true;
}

static int look(struct muster *m, struct orders *o)
{
	json_t *ids = json_array(), *answer = NULL, *list;
	int r;

	for (size_t i = 0; ids && i < o->n; i++)
		if (!o->v[i].ended && json_array_append_new(ids, json_integer(o->v[i].id)) < 0) {
			json_decref(ids);
			return -ENOMEM;
		}
	r = context_ask_daemon(m, json_pack("{s:o}", "outcomes", ids), &answer);
	list = json_object_get(answer, "outcomes");
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++)
		r = read_outcome(json_array_get(list, i), o);
	json_decref(answer);
	return r;
}

/* What a person waits for: -MUSTER_E_CANCELLED when he does no more. */
int context_pause(struct muster *m, int ms)
{
	struct pollfd p = { .fd = m->config.cancel_fd > 0 ? m->config.cancel_fd : -1, .events = POLLIN };

	return poll(&p, 1, ms) > 0 ? -MUSTER_E_CANCELLED : 0;
}

static int end_order(struct order *o, const char *why)
{
	char *text = strdup(why);

	if (!text)
		return -ENOMEM;
	free(o->output);
	o->output = text;
	o->ended = true;
	return 0;
}

static int give_up(struct orders *o)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->n; i++)
		if (!o->v[i].ended)
			r = end_order(&o->v[i], _("it did not say in time what became of it"));
	return r;
}

/* Nobody has to wait for a node that is gone. */
static int leave_lost(struct muster *m, struct orders *o)
{
	struct node_state *v;
	size_t n;
	int r = muster_status(m, NULL, &v, &n);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < o->n; i++)
		for (size_t k = 0; r == 0 && !o->v[i].ended && k < n; k++)
			if (strcmp(v[k].name, o->v[i].name) == 0 &&
			    (v[k].stage == NODE_LOST || v[k].stage == NODE_OFF))
				r = end_order(&o->v[i], _("it has stopped reporting"));
	muster_status_free(v, n);
	return r;
}

int orders_run(struct muster *m, const struct strv *names, const char *what, const char *args,
	       int64_t timeout_ms, struct orders *ret)
{
	int64_t end = clock_mono_ms() + timeout_ms, looked = clock_mono_ms();
	struct orders o = { 0 };
	int r = give(m, names, what, args, &o);

	while (r == 0 && !all_ended(&o) && clock_mono_ms() < end) {
		r = context_pause(m, LOOK_MS);
		if (r == -MUSTER_E_CANCELLED)
			context_note(m, _("Nobody waits for it any more; what the nodes were asked for goes "
					  "on. `muster ssi status` tells what became of it."));
		if (r == 0)
			r = look(m, &o);
		if (r == 0 && clock_mono_ms() - looked >= LOST_LOOK_MS) {
			looked = clock_mono_ms();
			r = leave_lost(m, &o);
		}
	}
	if (r == 0)
		r = give_up(&o);
	if (r < 0) {
		orders_free(&o);
		return r;
	}
	*ret = o;
	return 0;
}

/* The first line; what did not end in time, or was not there, is told by the last one. */
static char *telling_line(const struct order *o)
{
	bool last = o->done && (o->status == WIRE_STATUS_TIMEOUT || o->status == WIRE_STATUS_MISSING);
	const char *line = o->output;

	for (const char *p = line; last && *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (*p != '\n')
			line = p;
	return strndup(line, MIN(strcspn(line, "\n"), (size_t)WHY_MAX));
}

char *order_why(const struct order *o)
{
	_cleanup_free_ char *line = telling_line(o), *said = line ? muster_said(line) : NULL;
	char *text;

	if (!said)
		return NULL;
	if (!o->done)
		return TAKE_PTR(said);
	return asprintf(&text, _("%s (status %d)"), said, o->status) < 0 ? NULL : text;
}
