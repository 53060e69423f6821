/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is read out of the store: the state of the nodes, and the events. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/nodes/store-internal.h"
#include "util/strv.h"

void node_states_free(struct node_state *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++)
		node_state_clear(&v[i]);
	free(v);
}

/* A list being read. */
struct states {
	struct node_state *v;
	size_t n, size;
};

static int reserve(struct states *l)
{
	size_t more = MAX(l->size * 2, (size_t)64);
	struct node_state *v;

	if (l->n < l->size)
		return 0;
	v = reallocarray(l->v, more, sizeof(*v));
	if (!v)
		return -ENOMEM;
	l->v = v;
	l->size = more;
	return 0;
}

static void read_ssi(struct sqlite3_stmt *q, struct node_ssi *s)
{
	int i = STORE_NODE_SSI;

	s->known = db_int(q, i) != 0;
	if (!s->known)
		return;
	s->node = (int)db_int(q, i + 1);
	s->session = (int)db_int(q, i + 2);
	s->subsession = (int)db_int(q, i + 3);
	s->max_nodes = (int)db_int(q, i + 4);
	s->online = (int)db_int(q, i + 5);
	s->present = (int)db_int(q, i + 6);
	s->possible = (int)db_int(q, i + 7);
	s->processors = (int)db_int(q, i + 8);
	s->memory_kb = db_int(q, i + 9);
	s->memory_free_kb = db_int(q, i + 10);
	s->load = db_real(q, i + 11);
	snprintf(s->abi, sizeof(s->abi), "%s", db_text(q, i + 12));
	snprintf(s->stuck, sizeof(s->stuck), "%s", db_text(q, i + 13));
}

int store_read_node(struct sqlite3_stmt *q, struct node_state *ret)
{
	*ret = (struct node_state){
		.name = db_dup(q, 0),
		.place = db_int(q, 13),
		.mac = db_dup(q, 1),
		.address = db_dup(q, 2),
		.stage = store_stage_of(db_text(q, 3)),
		.kernel = db_dup(q, 4),
		.version = db_dup(q, STORE_NODE_VERSION),
		.card = db_dup(q, STORE_NODE_CARD),
		.cards = db_dup(q, STORE_NODE_CARD + 1),
		.root = db_dup(q, 5),
		.processors = (int)db_int(q, 6),
		.memory_kb = db_int(q, 7),
		.memory_free_kb = db_int(q, 8),
		.load = db_real(q, 9),
		.last_report = db_int(q, 10),
		.reason = db_dup(q, 11),
		.log = db_dup(q, 12),
		.boot_ms = db_int(q, 14),
		.median_ms = db_int(q, 15),
		.boots = db_int(q, 16),
		.next = db_dup(q, 17),
		.next_always = db_int(q, 18) != 0,
	};
	read_ssi(q, &ret->ssi);
	return ret->name && ret->mac && ret->address && ret->kernel && ret->version && ret->card &&
			       ret->cards && ret->root && ret->reason && ret->log && ret->next
		       ? 0
		       : -ENOMEM;
}

static int read_node(struct states *l, struct sqlite3_stmt *q)
{
	int r = reserve(l);

	return r < 0 ? r : store_read_node(q, &l->v[l->n++]);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names once each, sorted, borrowed. */
static int sort_names(const struct strv *names, const char ***ret, size_t *ret_n)
{
	const char **v = calloc(names->n + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < names->n; i++)
		v[i] = names->v[i];
	qsort(v, names->n, sizeof(*v), compare_names);
	for (size_t i = 0; i < names->n; i++)
		if (n == 0 || strcmp(v[n - 1], v[i]) != 0)
			v[n++] = v[i];
	*ret = v;
	*ret_n = n;
	return 0;
}

static int read_nodes(struct store *s, const struct strv *names, struct states *l)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	_cleanup_free_ const char **wanted = NULL;
	size_t n_wanted = 0;
	int r = 0;

	if (names)
		r = sort_names(names, &wanted, &n_wanted);
	if (r == 0)
		r = db_query(s->db, SQL_NODES, &q, "");
	while (r >= 0 && (r = db_step(s->db, q)) > 0) {
		const char *name = db_text(q, 0);

		if (wanted && !bsearch(&name, wanted, n_wanted, sizeof(*wanted), compare_names))
			continue;
		r = read_node(l, q);
	}
	if (r < 0)
		return r;
	return wanted && l->n != n_wanted ? -ENOENT : 0;
}

int store_add_stage(struct node_state *s, enum node_stage stage, int64_t at)
{
	/* Most boots have seven stages or fewer; the vector is full at every multiple of eight. */
	if (s->n_stages % 8 == 0) {
		struct node_stage_time *v = reallocarray(s->stages, s->n_stages + 8, sizeof(*v));

		if (!v)
			return -ENOMEM;
		s->stages = v;
	}
	s->stages[s->n_stages++] = (struct node_stage_time){ .stage = stage, .at = at };
	return 0;
}

/* The rows come in the order of the nodes, so that one walk over both finds the node of each. */
static int read_stages(struct store *s, int64_t now, struct states *l)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	size_t i = 0;
	int r = db_query(s->db, SQL_STAGES, &q, "");

	while (r >= 0 && (r = db_step(s->db, q)) > 0) {
		int64_t place = db_int(q, 0);

		while (i < l->n && l->v[i].place < place)
			i++;
		if (i == l->n)
			break;
		if (l->v[i].place == place)
			r = store_add_stage(&l->v[i], store_stage_of(db_text(q, 1)), db_int(q, 2));
	}
	for (i = 0; i < l->n; i++)
		node_state_measure(&l->v[i], now);
	return MIN(r, 0);
}

int store_nodes(struct store *s, int64_t now, const struct strv *names, struct node_state **ret,
		size_t *ret_n)
{
	struct states l = { 0 };
	int ended, r = db_run(s->db, SQL_BEGIN_READ, "");

	if (r < 0)
		return r;
	r = read_nodes(s, names, &l);
	if (r == 0)
		r = read_stages(s, now, &l);
	ended = db_run(s->db, SQL_COMMIT, "");
	if (r < 0 || ended < 0) {
		node_states_free(l.v, l.n);
		return r < 0 ? r : ended;
	}
	*ret = l.v;
	*ret_n = l.n;
	return 0;
}

int store_events(struct store *s, int64_t after, size_t max, struct store_event_row **ret, size_t *ret_n)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_EVENTS, &q, "ii", after, (int64_t)MIN(max, (size_t)STORE_EVENTS_KEPT));

	return r < 0 ? r : store_read_events(s, q, ret, ret_n);
}

int store_read_events(struct store *s, struct sqlite3_stmt *q, struct store_event_row **ret, size_t *ret_n)
{
	struct store_event_row *v = NULL;
	size_t n = 0, size = 0;
	int r = 0;

	while (r >= 0 && (r = db_step(s->db, q)) > 0) {
		if (n == size) {
			size_t more = MAX(size * 2, (size_t)64);
			struct store_event_row *bigger = reallocarray(v, more, sizeof(*v));

			if (!bigger) {
				r = -ENOMEM;
				break;
			}
			v = bigger;
			size = more;
		}
		v[n] = (struct store_event_row){ db_int(q, 0), db_int(q, 1), db_dup(q, 2), db_dup(q, 3),
						 db_dup(q, 4) };
		n++;
		if (!v[n - 1].node || !v[n - 1].kind || !v[n - 1].text)
			r = -ENOMEM;
	}
	if (r < 0) {
		store_events_free(v, n);
		return r;
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

void store_events_free(struct store_event_row *v, size_t n)
{
	for (size_t i = 0; v && i < n; i++) {
		free(v[i].node);
		free(v[i].kind);
		free(v[i].text);
	}
	free(v);
}

int store_events_newest(struct store *s, int64_t *ret)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_EVENTS_NEWEST, &q, "");

	if (r == 0)
		r = db_step(s->db, q);
	if (r < 0)
		return r;
	*ret = r == 1 ? db_int(q, 0) : 0;
	return 0;
}

int store_cards(struct store *s, int (*fn)(void *data, const char *node, const char *card), void *data)
{
	_cleanup_query_ struct sqlite3_stmt *q = NULL;
	int r = db_query(s->db, SQL_CARDS, &q, "");

	while (r >= 0 && (r = db_step(s->db, q)) > 0)
		r = fn(data, db_text(q, 0), db_text(q, 1));
	return r;
}
