/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "screens/console/ssi-model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/strbuf.h"

struct ssi_model {
	struct ssi_state state;
	struct ssi_model_process *v; /* by their numbers */
	size_t n, total;
	int64_t clock; /* of the node that told, when it looked */
	char *teller;
	bool has_list, hangs;

	size_t *view; /* places of those that are shown */
	size_t n_view;
	bool view_old;
	enum ssi_model_key key;
	bool reverse;
	char *filter;

	struct ssi_model_move moves[SSI_MODEL_MOVES]; /* a ring */
	size_t n_moves;				      /* ever */
};

int ssi_model_new(struct ssi_model **ret)
{
	struct ssi_model *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->filter = strdup("");
	m->teller = strdup("");
	if (!m->filter || !m->teller) {
		ssi_model_free(m);
		return -ENOMEM;
	}
	*ret = m;
	return 0;
}

static void free_list(struct ssi_model_process *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(v[i].is.name);
	free(v);
}

void ssi_model_free(struct ssi_model *m)
{
	if (!m)
		return;
	muster_ssi_free(&m->state);
	free_list(m->v, m->n);
	free(m->view);
	free(m->filter);
	free(m->teller);
	free(m);
}

/* ---- the nodes ------------------------------------------------------------------------------------------ */

int ssi_model_nodes(struct ssi_model *m, const struct node_state *v, size_t n)
{
	struct ssi_state s;
	int r = muster_ssi_judge(v, n, &s);

	if (r == 0 && s.health != SSI_UP)
		m->hangs = false;
	if (r == 0 && m->hangs) {
		r = muster_ssi_hangs(&s);
		if (r < 0)
			muster_ssi_free(&s);
	}
	if (r < 0)
		return r;
	muster_ssi_free(&m->state);
	m->state = s;
	m->view_old = true;
	return 0;
}

const struct ssi_state *ssi_model_state(const struct ssi_model *m)
{
	return &m->state;
}

static const struct ssi_node *find_node(const struct ssi_model *m, int id)
{
	for (size_t i = 0; id >= 0 && i < m->state.n_nodes; i++)
		if (m->state.nodes[i].id == id && m->state.nodes[i].place != SSI_OUT)
			return &m->state.nodes[i];
	return NULL;
}

const char *ssi_model_name(const struct ssi_model *m, int id, char buf[24])
{
	const struct ssi_node *n = find_node(m, id);

	if (n)
		return n->name;
	buf[0] = '\0';
	if (id >= 0)
		snprintf(buf, 24, "#%d", id);
	return buf;
}

size_t ssi_model_count(const struct ssi_model *m, int id)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->v[i].is.node == id;
	return n;
}

/* ---- the processes -------------------------------------------------------------------------------------- */

static int compare_pids(const void *a, const void *b)
{
	const struct ssi_model_process *x = a, *y = b;

	return x->is.pid < y->is.pid ? -1 : x->is.pid > y->is.pid;
}

/* The same process at the look before; a number that another one has now is none. */
static const struct ssi_model_process *find_before(const struct ssi_model *m,
						   const struct ssi_model_process *p)
{
	const struct ssi_model_process *was =
		m->n ? bsearch(p, m->v, m->n, sizeof(*m->v), compare_pids) : NULL;

	return was && strcmp(was->is.name, p->is.name) == 0 && was->is.ms <= p->is.ms ? was : NULL;
}

static void add_move(struct ssi_model *m, const struct ssi_model_process *p)
{
	struct ssi_model_move *move = &m->moves[m->n_moves++ % SSI_MODEL_MOVES];

	*move = (struct ssi_model_move){
		.at = p->moved, .pid = p->is.pid, .from = p->came_from, .to = p->is.node
	};
	snprintf(move->name, sizeof(move->name), "%s", p->is.name);
}

/* `passed`: on the clock of the node that told both times; 0: unknown. */
static void compare_with_before(struct ssi_model *m, struct ssi_model_process *p, int64_t passed, int64_t now)
{
	const struct ssi_model_process *was = find_before(m, p);

	p->cpu = -1;
	if (!was)
		return;
	if (passed > 0)
		p->cpu = (int)((p->is.ms - was->is.ms) * 1000 / passed);
	p->moved = was->moved;
	p->came_from = was->came_from;
	if (was->is.node == p->is.node || was->is.node < 0 || p->is.node < 0)
		return;
	p->moved = now;
	p->came_from = was->is.node;
	add_move(m, p);
}

static int copy_list(const struct ssi_processes *p, struct ssi_model_process **ret, size_t *ret_n)
{
	struct ssi_model_process *v = calloc(p->n + 1, sizeof(*v));
	size_t n = 0;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].kernel)
			continue;
		v[n].is = p->v[i];
		v[n].is.name = strdup(p->v[i].name);
		if (!v[n++].is.name) {
			free_list(v, n);
			return -ENOMEM;
		}
	}
	qsort(v, n, sizeof(*v), compare_pids);
	*ret = v;
	*ret_n = n;
	return 0;
}

int ssi_model_take(struct ssi_model *m, const struct ssi_processes *p, int64_t now)
{
	struct ssi_model_process *v;
	int64_t passed = 0;
	size_t n;
	char *teller;
	int r;

	if (p->look == SSI_LOOK_FAILED)
		return 0;
	m->hangs = p->look == SSI_LOOK_HANGS;
	if (m->hangs)
		return m->state.health == SSI_UP ? muster_ssi_hangs(&m->state) : 0;
	r = copy_list(p, &v, &n);
	if (r < 0)
		return r;
	teller = strdup(p->node);
	if (!teller) {
		free_list(v, n);
		return -ENOMEM;
	}
	if (m->has_list && strcmp(m->teller, teller) == 0)
		passed = p->clock - m->clock;
	for (size_t i = 0; i < n; i++)
		compare_with_before(m, &v[i], passed, now);
	free_list(m->v, m->n);
	free(m->teller);
	m->v = v;
	m->n = n;
	m->total = p->total;
	m->teller = teller;
	m->clock = p->clock;
	m->has_list = m->view_old = true;
	return 0;
}

void ssi_model_forget(struct ssi_model *m)
{
	free_list(m->v, m->n);
	m->v = NULL;
	m->n = m->total = 0;
	m->has_list = false;
	m->view_old = true;
}

bool ssi_model_hangs(const struct ssi_model *m)
{
	return m->hangs;
}

bool ssi_model_has_list(const struct ssi_model *m)
{
	return m->has_list;
}

size_t ssi_model_total(const struct ssi_model *m, size_t *ret_left_out)
{
	*ret_left_out = m->total > m->n ? m->total - m->n : 0;
	return m->total;
}

/* ---- what is shown -------------------------------------------------------------------------------------- */

/* Where its node stands in the cluster; those of unknown nodes are last. */
static long long place_of(const struct ssi_model *m, int id)
{
	const struct ssi_node *n = find_node(m, id);

	return n ? n - m->state.nodes : (long long)m->state.n_nodes + MAX(id, 0);
}

static long long value_of(const struct ssi_model *m, const struct ssi_model_process *p)
{
	switch (m->key) {
	case SSI_MODEL_NODE:
		return place_of(m, p->is.node);
	case SSI_MODEL_FROM:
		return p->moved ? place_of(m, p->came_from) : place_of(m, p->is.home);
	case SSI_MODEL_USER:
		return p->is.uid;
	case SSI_MODEL_STATE:
		return p->is.state;
	/* What uses most comes first. */
	case SSI_MODEL_CPU:
		return -p->cpu;
	case SSI_MODEL_TIME:
		return -p->is.ms;
	case SSI_MODEL_MEMORY:
		return -p->is.memory_kb;
	default:
		return 0;
	}
}

/* Equal ones keep the order of their numbers; where all use as much, or it is not known yet, what has used most comes first. */
static int compare(const void *a, const void *b, void *data)
{
	const struct ssi_model *m = data;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	const struct ssi_model_process *p = &m->v[x], *q = &m->v[y];
	long long u = value_of(m, p), v = value_of(m, q);
	int r = u < v ? -1 : u > v;

	if (r == 0 && m->key == SSI_MODEL_CPU)
		r = p->is.ms > q->is.ms ? -1 : p->is.ms < q->is.ms;
	if (m->key == SSI_MODEL_COMMAND)
		r = strcasecmp(p->is.name, q->is.name);
	if (m->key == SSI_MODEL_PID)
		r = x < y ? -1 : x > y;
	if (r != 0)
		return m->reverse ? -r : r;
	return x < y ? -1 : x > y;
}

static bool has_words(const struct ssi_model *m, const struct ssi_model_process *p)
{
	_cleanup_strbuf_ struct strbuf all = STRBUF_INIT, word = STRBUF_INIT;
	char buf[24];

	strbuf_addf(&all, "%s %ld %ld %s", ssi_model_name(m, p->is.node, buf), p->is.pid, p->is.uid,
		    p->is.name);
	for (const char *w = m->filter; *w;) {
		size_t n = strcspn(w, " ");

		strbuf_reset(&word);
		strbuf_add(&word, w, n);
		if (n && !all.failed && !word.failed && !strcasestr(all.data, word.data))
			return false;
		w += n + (w[n] == ' ');
	}
	return true;
}

/* Without memory nothing is shown, and the next change tries again. */
static void make_view(struct ssi_model *m)
{
	if (!m->view_old)
		return;
	free(m->view);
	m->n_view = 0;
	m->view = calloc(m->n + 1, sizeof(*m->view));
	if (!m->view)
		return;
	for (size_t i = 0; i < m->n; i++)
		if (has_words(m, &m->v[i]))
			m->view[m->n_view++] = i;
	qsort_r(m->view, m->n_view, sizeof(*m->view), compare, m);
	m->view_old = false;
}

void ssi_model_sort(struct ssi_model *m, enum ssi_model_key key, bool reverse)
{
	m->key = key;
	m->reverse = reverse;
	m->view_old = true;
}

int ssi_model_filter(struct ssi_model *m, const char *text)
{
	char *copy = strdup(text ? text : "");

	if (!copy)
		return -ENOMEM;
	free(m->filter);
	m->filter = copy;
	m->view_old = true;
	return 0;
}

size_t ssi_model_shown(struct ssi_model *m)
{
	make_view(m);
	return m->n_view;
}

const struct ssi_model_process *ssi_model_row(struct ssi_model *m, size_t row)
{
	make_view(m);
	return row < m->n_view ? &m->v[m->view[row]] : NULL;
}

const struct ssi_model_move *ssi_model_move(const struct ssi_model *m, size_t i)
{
	if (i >= MIN(m->n_moves, (size_t)SSI_MODEL_MOVES))
		return NULL;
	return &m->moves[(m->n_moves - 1 - i) % SSI_MODEL_MOVES];
}
