/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "screens/console/model.h"
#include "util/i18n.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct model {
	struct model_node *nodes; /* ids are places here, from 1 on */
	size_t n, size;
	uint32_t *slots; /* open addressing by name: place + 1, 0 is free */
	size_t n_slots;	 /* a power of two, at most half full */
	struct model_totals totals;
	bool totals_old;

	uint32_t *view; /* places of the shown nodes */
	size_t n_view;
	bool view_old;
	enum model_key key;
	bool reverse;
	char *filter;
	char **words; /* of the filter, lower case; NULL-terminated, owned with filter_words */
	char *filter_words;

	struct model_event events[MODEL_EVENTS_KEPT]; /* a ring */
	size_t first_event, n_events;
};

int model_new(struct model **ret)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->n_slots = 64;
	m->slots = calloc(m->n_slots, sizeof(*m->slots));
	m->filter = strdup("");
	*ret = m;
	if (m->slots && m->filter)
		return 0;
	model_free(m);
	*ret = NULL;
	return -ENOMEM;
}

static void event_clear(struct model_event *e)
{
	free(e->node);
	free(e->kind);
	free(e->text);
	*e = (struct model_event){ 0 };
}

void model_free(struct model *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		node_state_clear(&m->nodes[i].state);
	for (size_t i = 0; i < MODEL_EVENTS_KEPT; i++)
		event_clear(&m->events[i]);
	free(m->nodes);
	free(m->slots);
	free(m->view);
	free(m->filter);
	free(m->filter_words);
	free(m->words);
	free(m);
}

/* ---- nodes ------------------------------------------------------------------------------------------------ */

/* FNV-1a. */
static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261U;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619U;
	return h;
}

/* The slot where the name is, or would be. */
static uint32_t *slot_of(struct model *m, const char *name)
{
	size_t i = hash_name(name) & (m->n_slots - 1);

	while (m->slots[i] && strcmp(m->nodes[m->slots[i] - 1].state.name, name) != 0)
		i = (i + 1) & (m->n_slots - 1);
	return &m->slots[i];
}

static int more_slots(struct model *m)
{
	uint32_t *old = m->slots, *slots;

	if (m->n * 2 < m->n_slots)
		return 0;
	slots = calloc(m->n_slots * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	m->slots = slots;
	m->n_slots *= 2;
	free(old);
	for (size_t i = 0; i < m->n; i++)
		*slot_of(m, m->nodes[i].state.name) = (uint32_t)i + 1;
	return 0;
}

static int add_node(struct model *m, const struct node_state *state)
{
	size_t more = MAX(m->size * 2, (size_t)64);
	struct model_node *v, n = { .id = m->n + 1 };
	int r = more_slots(m);

	if (r == 0)
		r = node_state_copy(state, &n.state);
	if (r < 0)
		return r;
	if (m->n == m->size) {
		v = reallocarray(m->nodes, more, sizeof(*v));
		if (!v) {
			node_state_clear(&n.state);
			return -ENOMEM;
		}
		m->nodes = v;
		m->size = more;
	}
	m->nodes[m->n] = n;
	*slot_of(m, state->name) = (uint32_t)++m->n;
	return 0;
}

int model_put(struct model *m, const struct node_state *state)
{
	uint32_t place = *slot_of(m, state->name);
	struct node_state copy;
	int r;

	m->totals_old = m->view_old = true;
	if (!place)
		return add_node(m, state);
	r = node_state_copy(state, &copy);
	if (r < 0)
		return r;
	node_state_clear(&m->nodes[place - 1].state);
	m->nodes[place - 1].state = copy;
	m->nodes[place - 1].gone = false;
	return 0;
}

void model_gone(struct model *m, const char *name)
{
	uint32_t place = *slot_of(m, name);

	if (place)
		m->nodes[place - 1].gone = true;
	m->totals_old = m->view_old = true;
}

void model_gone_all(struct model *m)
{
	for (size_t i = 0; i < m->n; i++)
		m->nodes[i].gone = true;
	m->totals_old = m->view_old = true;
}

size_t model_all(const struct model *m)
{
	return m->n;
}

const struct model_node *model_any(const struct model *m, size_t i)
{
	return i < m->n ? &m->nodes[i] : NULL;
}

const struct model_node *model_find(struct model *m, const char *name)
{
	uint32_t place = *slot_of(m, name);

	return place && !m->nodes[place - 1].gone ? &m->nodes[place - 1] : NULL;
}

const struct model_node *model_by_id(struct model *m, uint64_t id)
{
	return id >= 1 && id <= m->n && !m->nodes[id - 1].gone ? &m->nodes[id - 1] : NULL;
}

enum model_group model_group_of(enum node_stage stage)
{
	switch (stage) {
	case NODE_READY:
	case NODE_JOINED:
		return GROUP_READY;
	case NODE_FAILED:
		return GROUP_FAILED;
	case NODE_LOST:
		return GROUP_LOST;
	case NODE_OFF:
		return GROUP_OFF;
	default:
		return GROUP_BOOTING;
	}
}

const struct model_totals *model_totals(struct model *m)
{
	if (!m->totals_old)
		return &m->totals;
	m->totals = (struct model_totals){ 0 };
	for (size_t i = 0; i < m->n; i++) {
		const struct node_state *s = &m->nodes[i].state;
		enum model_group group = model_group_of(s->stage);

		if (m->nodes[i].gone)
			continue;
		m->totals.nodes++;
		m->totals.groups[group]++;
		if (group != GROUP_READY)
			continue;
		m->totals.processors += (size_t)MAX(s->processors, 0);
		m->totals.memory_kb += (unsigned long long)MAX(s->memory_kb, 0);
	}
	m->totals_old = false;
	return &m->totals;
}

/* ---- figures ----------------------------------------------------------------------------------------------- */

int64_t model_for(const struct node_state *s, int64_t now)
{
	return s->n_stages ? MAX(now - s->stages[s->n_stages - 1].at, (int64_t)0) : -1;
}

int model_delta(const struct node_state *s)
{
	int64_t percent;

	/* Its first boot is its own median. */
	if (s->boot_ms < 0 || s->median_ms <= 0 || s->boots < 2)
		return INT_MIN;
	percent = (s->boot_ms - s->median_ms) * 100 / s->median_ms;
	return (int)MIN(percent, (int64_t)9999);
}

int model_memory(const struct node_state *s)
{
	if (s->memory_kb <= 0 || s->memory_free_kb < 0 || s->memory_free_kb > s->memory_kb)
		return -1;
	return (int)((s->memory_kb - s->memory_free_kb) * 100 / s->memory_kb);
}

/* ---- sorting ------------------------------------------------------------------------------------------------ */

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b))

static int by_address(const struct node_state *a, const struct node_state *b)
{
	struct in_addr x = { 0 }, y = { 0 };

	inet_pton(AF_INET, a->address, &x);
	inet_pton(AF_INET, b->address, &y);
	return ORDER(ntohl(x.s_addr), ntohl(y.s_addr));
}

static int64_t entered(const struct node_state *s)
{
	return s->n_stages ? s->stages[s->n_stages - 1].at : 0;
}

/* Whether there is anything to sort it by: what is blank in the table comes last, whichever way it is sorted. */
static bool is_known(const struct node_state *s, enum model_key key)
{
	bool ready = model_group_of(s->stage) == GROUP_READY;

	switch (key) {
	case MODEL_ADDRESS:
		return *s->address;
	case MODEL_MAC:
		return *s->mac;
	case MODEL_FOR:
		return s->n_stages > 0;
	case MODEL_BOOT:
		return s->boot_ms >= 0;
	case MODEL_DELTA:
		return model_delta(s) != INT_MIN;
	case MODEL_LOAD:
		return ready && s->load >= 0;
	case MODEL_MEMORY:
		return ready && model_memory(s) >= 0;
	case MODEL_KERNEL:
		return ready && *s->kernel;
	case MODEL_ROOT:
		return ready && *s->root;
	case MODEL_REPORT:
		return s->last_report > 0;
	case MODEL_NAME:
	case MODEL_STAGE:
	case MODEL_KEY_COUNT:
		break;
	}
	return true;
}

/* Two that are known. */
static int compare(const struct node_state *a, const struct node_state *b, enum model_key key)
{
	switch (key) {
	case MODEL_NAME: /* the plan's order is that of the numbers */
		return ORDER(a->place, b->place);
	case MODEL_ADDRESS:
		return by_address(a, b);
	case MODEL_MAC:
		return strcmp(a->mac, b->mac);
	case MODEL_STAGE:
		return ORDER((int)a->stage, (int)b->stage);
	case MODEL_FOR: /* the shortest time first */
		return ORDER(entered(b), entered(a));
	case MODEL_BOOT:
		return ORDER(a->boot_ms, b->boot_ms);
	case MODEL_DELTA:
		return ORDER(model_delta(a), model_delta(b));
	case MODEL_LOAD:
		return ORDER(a->load, b->load);
	case MODEL_MEMORY:
		return ORDER(model_memory(a), model_memory(b));
	case MODEL_KERNEL:
		return strverscmp(a->kernel, b->kernel);
	case MODEL_ROOT:
		return strcmp(a->root, b->root);
	case MODEL_REPORT:
		return ORDER(b->last_report, a->last_report);
	case MODEL_KEY_COUNT:
		break;
	}
	return 0;
}

static int compare_places(const void *x, const void *y, void *data)
{
	const struct model *m = data;
	const struct node_state *a = &m->nodes[*(const uint32_t *)x].state;
	const struct node_state *b = &m->nodes[*(const uint32_t *)y].state;
	bool known = is_known(a, m->key);
	int r = 0;

	if (known != is_known(b, m->key))
		return known ? -1 : 1;
	if (known)
		r = compare(a, b, m->key);
	if (r == 0)
		return ORDER(a->place, b->place);
	return m->reverse ? -r : r;
}

void model_sort(struct model *m, enum model_key key, bool reverse)
{
	m->key = key;
	m->reverse = reverse;
	m->view_old = true;
}

enum model_key model_sort_key(const struct model *m, bool *ret_reverse)
{
	*ret_reverse = m->reverse;
	return m->key;
}

/* ---- choosing ------------------------------------------------------------------------------------------------ */

int model_filter(struct model *m, const char *text)
{
	_cleanup_free_ char *copy = strdup(text ? text : ""), *words = strdup(text ? text : "");
	char **list = calloc(strlen(text ? text : "") / 2 + 2, sizeof(*list)), *save = NULL;
	size_t n = 0;

	if (!copy || !words || !list) {
		free(list);
		return -ENOMEM;
	}
	for (char *w = strtok_r(words, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
		list[n++] = w;
	free(m->filter);
	free(m->filter_words);
	free(m->words);
	m->filter = TAKE_PTR(copy);
	m->filter_words = TAKE_PTR(words);
	m->words = list;
	m->view_old = true;
	return 0;
}

const char *model_filter_text(const struct model *m)
{
	return m->filter;
}

static bool has_word(const struct node_state *s, const char *word)
{
	const char *const texts[] = { s->name,	 s->address, s->mac,   node_stage_text(s->stage),
				      s->kernel, s->root,    s->reason };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcasestr(texts[i], word))
			return true;
	/* The stage as it is shown, too. */
	return strcasestr(i18n(node_stage_text(s->stage)), word);
}

static bool is_chosen(const struct model *m, const struct model_node *n)
{
	if (n->gone)
		return false;
	for (char **w = m->words; w && *w; w++)
		if (!has_word(&n->state, *w))
			return false;
	return true;
}

size_t model_shown(struct model *m)
{
	uint32_t *view;
	size_t n = 0;

	if (!m->view_old)
		return m->n_view;
	view = reallocarray(m->view, m->n + 1, sizeof(*view));
	/* Without memory the old choice stays. */
	if (!view)
		return m->n_view;
	m->view = view;
	for (size_t i = 0; i < m->n; i++)
		if (is_chosen(m, &m->nodes[i]))
			view[n++] = (uint32_t)i;
	m->n_view = n;
	qsort_r(view, n, sizeof(*view), compare_places, m);
	m->view_old = false;
	return n;
}

const struct model_node *model_row(struct model *m, size_t row)
{
	return row < m->n_view ? &m->nodes[m->view[row]] : NULL;
}

/* ---- events -------------------------------------------------------------------------------------------------- */

int model_event(struct model *m, int64_t id, int64_t at, const char *node, const char *kind, const char *text)
{
	struct model_event e = { id, at, strdup(node), strdup(kind), strdup(text) };
	struct model_event *slot;

	if (!e.node || !e.kind || !e.text) {
		event_clear(&e);
		return -ENOMEM;
	}
	slot = &m->events[(m->first_event + m->n_events) % MODEL_EVENTS_KEPT];
	if (m->n_events == MODEL_EVENTS_KEPT)
		m->first_event = (m->first_event + 1) % MODEL_EVENTS_KEPT;
	else
		m->n_events++;
	event_clear(slot);
	*slot = e;
	return 0;
}

size_t model_events(const struct model *m)
{
	return m->n_events;
}

const struct model_event *model_event_at(const struct model *m, size_t i)
{
	return i < m->n_events ? &m->events[(m->first_event + i) % MODEL_EVENTS_KEPT] : NULL;
}
