/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A node's history, as musterd tells it. */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "backend/context.h"
#include "backend/nodes/control.h"
#include "util/clock.h"
#include "util/i18n.h"

static char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return strdup(text ? text : "");
}

static int64_t number_of(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static int read_stages(const json_t *list, struct muster_boot *b)
{
	size_t n = json_array_size(list);

	b->stages = calloc(n + 1, sizeof(*b->stages));
	if (!b->stages)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *t = json_array_get(list, i);
		const char *text = json_string_value(json_array_get(t, 0));
		struct node_stage_time *to = &b->stages[b->n_stages++];

		if (!text || node_stage_parse(text, &to->stage) < 0)
			return -MUSTER_E_FORMAT;
		to->at = json_integer_value(json_array_get(t, 1));
		to->ms = json_integer_value(json_array_get(t, 2));
	}
	return 0;
}

static int read_boots(const json_t *list, struct muster_history *h)
{
	size_t n = json_array_size(list);
	int r = 0;

	h->boots = calloc(n + 1, sizeof(*h->boots));
	if (!h->boots)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < n; i++) {
		const json_t *o = json_array_get(list, i);
		const char *stage = json_string_value(json_object_get(o, "stage"));
		struct muster_boot *b = &h->boots[h->n_boots++];

		b->began = number_of(o, "began");
		b->ms = number_of(o, "ms");
		b->root = text_of(o, "root");
		b->kernel = text_of(o, "kernel");
		if (!b->root || !b->kernel)
			return -ENOMEM;
		if (!stage || node_stage_parse(stage, &b->stage) < 0)
			return -MUSTER_E_FORMAT;
		r = read_stages(json_object_get(o, "stages"), b);
	}
	return r;
}

static int read_events(const json_t *list, struct muster_history *h)
{
	size_t n = json_array_size(list);

	h->events = calloc(n + 1, sizeof(*h->events));
	if (!h->events)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *o = json_array_get(list, i);
		struct muster_history_event *e = &h->events[h->n_events++];

		e->id = number_of(o, "id");
		e->at = number_of(o, "at");
		e->kind = text_of(o, "kind");
		e->text = text_of(o, "text");
		if (e->kind && e->text && strcmp(e->kind, "stage") != 0) {
			char *said = muster_said(e->text);

			free(e->text);
			e->text = said;
		}
		if (!e->kind || !e->text)
			return -ENOMEM;
	}
	return 0;
}

static int read_history(const json_t *o, struct muster_history *h)
{
	const json_t *medians = json_object_get(o, "medians");
	int r = control_state_parse(json_object_get(o, "node"), clock_wall_ms(), &h->node);

	if (r < 0)
		return r == -EINVAL ? -MUSTER_E_FORMAT : r;
	for (size_t i = 0; i < NODE_STAGE_COUNT; i++) {
		const json_t *ms = json_object_get(medians, node_stage_text((enum node_stage)i));

		h->medians[i] = ms ? json_integer_value(ms) : -1;
	}
	r = read_boots(json_object_get(o, "boots"), h);
	return r < 0 ? r : read_events(json_object_get(o, "events"), h);
}

/* Takes the answer over. */
static int take_history(struct muster *m, json_t *answer, struct muster_history **ret)
{
	_cleanup_(muster_history_freep) struct muster_history *h = calloc(1, sizeof(*h));
	int r = h ? read_history(json_object_get(answer, "history"), h) : -ENOMEM;

	json_decref(answer);
	if (r == -MUSTER_E_FORMAT)
		context_error(m, _("musterd's answer cannot be read; is it of another version?"));
	if (r == 0)
		*ret = TAKE_PTR(h);
	return r;
}

int muster_history(struct muster *m, const char *node, struct muster_history **ret)
{
	json_t *answer = NULL;
	int r = context_ask_daemon(m, json_pack("{s:s}", "history", node), &answer);

	return r < 0 ? r : take_history(m, answer, ret);
}

int muster_history_ask(struct muster *m, const char *node, struct muster_asking **ret)
{
	return context_ask_begin(m, json_pack("{s:s}", "history", node), ret);
}

int muster_history_read(struct muster *m, struct muster_asking *a, struct muster_history **ret)
{
	json_t *answer = NULL;
	int r = context_ask_work(a, &answer);

	return r != 0 ? r : take_history(m, answer, ret);
}

void muster_history_free(struct muster_history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n_boots; i++) {
		free(h->boots[i].root);
		free(h->boots[i].kernel);
		free(h->boots[i].stages);
	}
	for (size_t i = 0; i < h->n_events; i++) {
		free(h->events[i].kind);
		free(h->events[i].text);
	}
	free(h->boots);
	free(h->events);
	node_state_clear(&h->node);
	free(h);
}
