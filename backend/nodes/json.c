/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/json.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

/* Seconds since the epoch have ten digits before the point until 2286, and three behind it. */
#define REAL_DIGITS 13

/* What is no UTF-8 is not known rather than a reason to give no document at all. */
static json_t *text_or_null(const char *s)
{
	json_t *text = s && *s ? json_string(s) : NULL;

	return text ? text : json_null();
}

static json_t *seconds(int64_t ms)
{
	return json_real((double)ms / 1000.0);
}

static json_t *number_or_null(bool known, long long n)
{
	return known ? json_integer(n) : json_null();
}

static json_t *stages_of(const struct node_state *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n_stages; i++) {
		const struct node_stage_time *t = &s->stages[i];
		json_t *o = json_pack("{s:s, s:o, s:o}", "stage", node_stage_text(t->stage), "at",
				      seconds(t->at), "seconds", seconds(t->ms));

		if (!o || json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *ssi_of(const struct node_ssi *s)
{
	if (!s->known)
		return json_null();
	return json_pack("{s:o, s:o, s:b, s:i, s:i, s:o, s:o, s:o, s:o, s:o}", "node",
			 number_or_null(s->node >= 0, s->node), "session",
			 number_or_null(s->session >= 0, s->session), "online", s->subsession >= 0,
			 "nodes_online", s->online, "nodes_present", s->present, "processors",
			 number_or_null(s->processors > 0, s->processors), "memory_kb",
			 number_or_null(s->memory_kb > 0, s->memory_kb), "memory_free_kb",
			 number_or_null(s->memory_kb > 0, s->memory_free_kb), "load",
			 s->load >= 0 ? json_real(s->load) : json_null(), "stuck", text_or_null(s->stuck));
}

/* One string each. */
static json_t *cards_of(const char *cards)
{
	json_t *list = json_array();

	for (size_t n; list && *cards; cards += n + (cards[n] == ' ')) {
		n = strcspn(cards, " ");
		if (json_array_append_new(list, json_stringn(cards, n)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *node_of(const struct node_state *s)
{
	bool reported = s->last_report != 0;

	return json_pack("{s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, "
			 "s:o, s:b, s:o,"
			 " s:o, s:o, s:o}",
			 "name", s->name, "mac", text_or_null(s->mac), "address", text_or_null(s->address),
			 "stage", node_stage_text(s->stage), "stages", stages_of(s), "kernel",
			 text_or_null(s->kernel), "root", text_or_null(s->root), "processors",
			 number_or_null(s->processors > 0, s->processors), "memory_kb",
			 number_or_null(s->memory_kb > 0, s->memory_kb), "memory_free_kb",
			 number_or_null(s->memory_kb > 0, s->memory_free_kb), "load",
			 reported ? json_real(s->load) : json_null(), "last_report",
			 reported ? seconds(s->last_report) : json_null(), "reason", text_or_null(s->reason),
			 "boot_seconds", s->boot_ms >= 0 ? seconds(s->boot_ms) : json_null(),
			 "median_boot_seconds", s->median_ms >= 0 ? seconds(s->median_ms) : json_null(),
			 "boots", (json_int_t)s->boots, "next", text_or_null(s->next), "next_always",
			 s->next_always, "version", text_or_null(s->version), "ssi", ssi_of(&s->ssi), "card",
			 text_or_null(s->card), "cards", cards_of(s->cards));
}

int node_states_json(const char *cluster, const struct node_state *v, size_t n, char **ret)
{
	json_t *list = json_array(), *document;
	char *text = NULL, *line;
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++) {
		json_t *o = node_of(&v[i]);

		if (!o || json_array_append_new(list, o) < 0)
			r = -ENOMEM;
	}
	if (r < 0) {
		json_decref(list);
		return r;
	}
	document = json_pack("{s:o, s:o}", "cluster", text_or_null(cluster), "nodes", list);
	if (document)
		text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(REAL_DIGITS));
	json_decref(document);
	if (!text || asprintf(&line, "%s\n", text) < 0) {
		free(text);
		return -ENOMEM;
	}
	free(text);
	*ret = line;
	return 0;
}
