/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/control.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* ---- the parts of a state: each is left out where it is empty, and empty where it is left out --------------------- */

static const struct {
	const char *key;
	size_t offset;
} texts[] = {
	{ "mac", offsetof(struct node_state, mac) },
	{ "address", offsetof(struct node_state, address) },
	{ "kernel", offsetof(struct node_state, kernel) },
	{ "version", offsetof(struct node_state, version) },
	{ "card", offsetof(struct node_state, card) },
	{ "cards", offsetof(struct node_state, cards) },
	{ "root", offsetof(struct node_state, root) },
	{ "reason", offsetof(struct node_state, reason) },
	{ "log", offsetof(struct node_state, log) },
	{ "next", offsetof(struct node_state, next) },
};

/* A number that is not there is `absent`. */
static const struct {
	const char *key;
	size_t offset;
	int64_t absent;
} numbers[] = {
	{ "place", offsetof(struct node_state, place), 0 },
	{ "reported", offsetof(struct node_state, last_report), 0 },
	{ "boot_ms", offsetof(struct node_state, boot_ms), -1 },
	{ "median_ms", offsetof(struct node_state, median_ms), -1 },
	{ "boots", offsetof(struct node_state, boots), 0 },
};

static char **text_at(const struct node_state *s, size_t offset)
{
	return (char **)((char *)(uintptr_t)s + offset);
}

static int64_t *number_at(const struct node_state *s, size_t offset)
{
	return (int64_t *)(uintptr_t)((const char *)s + offset);
}

/* ---- writing ---------------------------------------------------------------------------------------------- */

/* json_object_set_new() and json_array_append_new() fail on NULL, which is what a text that is no UTF-8 gives: it is
 * left out rather than the whole state. */
static int set_text(json_t *o, const char *key, const char *text)
{
	json_t *j;

	if (!*text)
		return 0;
	j = json_string(text);
	return j ? json_object_set_new_nocheck(o, key, j) : 0;
}

static int set_number(json_t *o, const char *key, int64_t n, int64_t absent)
{
	return n == absent ? 0 : json_object_set_new_nocheck(o, key, json_integer(n));
}

/* "unknown" goes as it is: -1 and 0 mean different things there. */
static json_t *ssi_json(const struct node_ssi *s)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:f, s:s, s:s}", "node", s->node,
			 "session", s->session, "subsession", s->subsession, "max_nodes", s->max_nodes,
			 "online", s->online, "present", s->present, "possible", s->possible, "processors",
			 s->processors, "memory_kb", (json_int_t)s->memory_kb, "memory_free_kb",
			 (json_int_t)s->memory_free_kb, "load", s->load, "abi", s->abi, "stuck", s->stuck);
}

static json_t *stages_json(const struct node_state *s)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n_stages; i++) {
		json_t *pair =
			json_pack("[s, I]", node_stage_text(s->stages[i].stage), (json_int_t)s->stages[i].at);

		if (json_array_append_new(list, pair) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *control_state_json(const struct node_state *s)
{
	json_t *o = json_object();
	int r = o ? 0 : -1;

	r |= json_object_set_new(o, "name", json_string(s->name));
	r |= json_object_set_new(o, "stage", json_string(node_stage_text(s->stage)));
	if (s->n_stages)
		r |= json_object_set_new(o, "stages", stages_json(s));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		r |= set_text(o, texts[i].key, *text_at(s, texts[i].offset));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		r |= set_number(o, numbers[i].key, *number_at(s, numbers[i].offset), numbers[i].absent);
	r |= set_number(o, "processors", s->processors, 0);
	if (s->next_always)
		r |= json_object_set_new(o, "next_always", json_true());
	r |= set_number(o, "memory_kb", s->memory_kb, 0);
	r |= set_number(o, "memory_free_kb", s->memory_free_kb, 0);
	if (s->last_report)
		r |= json_object_set_new(o, "load", json_real(s->load));
	if (s->ssi.known)
		r |= json_object_set_new(o, "ssi", ssi_json(&s->ssi));
	if (r == 0)
		return o;
	json_decref(o);
	return NULL;
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

static int read_stages(const json_t *list, struct node_state *s)
{
	size_t n = json_array_size(list);

	s->stages = calloc(n + 1, sizeof(*s->stages));
	if (!s->stages)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const json_t *pair = json_array_get(list, i);
		const char *text = json_string_value(json_array_get(pair, 0));
		struct node_stage_time *t = &s->stages[s->n_stages++];

		if (!text || node_stage_parse(text, &t->stage) < 0)
			return -EINVAL;
		t->at = json_integer_value(json_array_get(pair, 1));
	}
	return 0;
}

static int read_texts(const json_t *o, struct node_state *s)
{
	const char *name = json_string_value(json_object_get(o, "name"));

	s->name = strdup(name ? name : "");
	if (!s->name)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = json_string_value(json_object_get(o, texts[i].key));
		char **at = text_at(s, texts[i].offset);

		*at = strdup(text ? text : "");
		if (!*at)
			return -ENOMEM;
	}
	return *s->name ? 0 : -EINVAL;
}

static int read_int(const json_t *o, const char *key)
{
	return (int)json_integer_value(json_object_get(o, key));
}

static void read_word(const json_t *o, const char *key, char *ret, size_t size)
{
	const char *text = json_string_value(json_object_get(o, key));

	snprintf(ret, size, "%s", text ? text : "");
}

static void read_ssi(const json_t *o, struct node_ssi *s)
{
	if (!json_is_object(o))
		return;
	*s = (struct node_ssi){
		.known = true,
		.node = read_int(o, "node"),
		.session = read_int(o, "session"),
		.subsession = read_int(o, "subsession"),
		.max_nodes = read_int(o, "max_nodes"),
		.online = read_int(o, "online"),
		.present = read_int(o, "present"),
		.possible = read_int(o, "possible"),
		.processors = read_int(o, "processors"),
		.memory_kb = json_integer_value(json_object_get(o, "memory_kb")),
		.memory_free_kb = json_integer_value(json_object_get(o, "memory_free_kb")),
		.load = json_number_value(json_object_get(o, "load")),
	};
	read_word(o, "abi", s->abi, sizeof(s->abi));
	read_word(o, "stuck", s->stuck, sizeof(s->stuck));
}

static int read_state(const json_t *o, struct node_state *s)
{
	const char *stage = json_string_value(json_object_get(o, "stage"));
	int r = read_texts(o, s);

	if (r < 0)
		return r;
	if (!stage || node_stage_parse(stage, &s->stage) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		const json_t *n = json_object_get(o, numbers[i].key);

		*number_at(s, numbers[i].offset) = n ? json_integer_value(n) : numbers[i].absent;
	}
	s->processors = (int)json_integer_value(json_object_get(o, "processors"));
	s->next_always = json_is_true(json_object_get(o, "next_always"));
	s->memory_kb = json_integer_value(json_object_get(o, "memory_kb"));
	s->memory_free_kb = json_integer_value(json_object_get(o, "memory_free_kb"));
	s->load = json_number_value(json_object_get(o, "load"));
	read_ssi(json_object_get(o, "ssi"), &s->ssi);
	return read_stages(json_object_get(o, "stages"), s);
}

int control_state_parse(const json_t *o, int64_t now, struct node_state *ret)
{
	struct node_state s = { 0 };
	int r = read_state(o, &s);

	if (r < 0) {
		node_state_clear(&s);
		return r;
	}
	node_state_measure(&s, now);
	*ret = s;
	return 0;
}
