/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ssi ps: the processes of the single system, by node. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

enum { NODE, PID, FROM, USER, STATE, TIME, MEMORY, COMMAND };

static const struct table_column columns[] = {
	[NODE] = { N_("NODE") },
	[PID] = { "PID", .right = true },
	[FROM] = { N_("FROM"), .drop = 2 },
	[USER] = { N_("USER"), .right = true, .drop = 1 },
	[STATE] = { "S" },
	[TIME] = { N_("TIME"), .right = true },
	[MEMORY] = { N_("MEMORY"), .right = true },
	[COMMAND] = { N_("COMMAND") },
};

/* Names of the nodes by their ids in the single system: in the order of the cluster. */
struct places {
	struct ssi_state state, chosen; /* all, and those of -n */
};

static const struct ssi_node *find(const struct ssi_state *s, int id)
{
	for (size_t i = 0; id >= 0 && i < s->n_nodes; i++)
		if (s->nodes[i].id == id && s->nodes[i].place != SSI_OUT)
			return &s->nodes[i];
	return NULL;
}

/* A node that does not report is a number only; "" where nothing is known. */
static const char *name_of(const struct places *p, int id, char buf[24])
{
	const struct ssi_node *n = find(&p->state, id);

	if (n)
		return n->name;
	buf[0] = '\0';
	if (id >= 0)
		snprintf(buf, 24, "#%d", id);
	return buf;
}

static bool is_chosen(const struct cli *c, const struct places *p, const struct ssi_process *process)
{
	/* They come unasked while another program wants them. */
	if (process->kernel && !cli_value(c, "all"))
		return false;
	return !c->range || find(&p->chosen, process->node);
}

static bool has_moved(const struct ssi_process *p)
{
	return p->home >= 0 && p->home != p->node;
}

/* ---- as JSON ------------------------------------------------------------------------------------------- */

static json_t *node_or_null(const struct places *places, int id)
{
	char buf[24];

	return id >= 0 ? cli_json_text(name_of(places, id, buf)) : json_null();
}

static json_t *process_json(const struct places *places, const struct ssi_process *p)
{
	char state[2] = { p->state, '\0' };

	return json_pack("{sI so sb so ss sb sI sI sI so}", "pid", (json_int_t)p->pid, "node",
			 node_or_null(places, p->node), "node_is_guessed", p->guessed, "began_on",
			 node_or_null(places, p->home), "state", state, "kernel", p->kernel, "uid",
			 (json_int_t)p->uid, "ms", (json_int_t)p->ms, "memory_kb", (json_int_t)p->memory_kb,
			 "name", cli_json_text(p->name));
}

static json_t *list_json(const struct cli *c, const struct places *places, const struct ssi_processes *p)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < p->n; i++)
		if (is_chosen(c, places, &p->v[i]) &&
		    json_array_append_new(list, process_json(places, &p->v[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	if (!list)
		return NULL;
	return json_pack("{so sI sI so}", "told_by", cli_json_text(p->node), "total", (json_int_t)p->total,
			 "left_out", (json_int_t)(p->total - p->n), "processes", list);
}

/* ---- for reading --------------------------------------------------------------------------------------- */

static void add_process(struct table *t, const struct places *places, const struct ssi_process *p)
{
	char buf[24];

	table_row(t);
	table_cell(t, NODE, COLOUR_NONE, "%s", name_of(places, p->node, buf));
	table_cell(t, PID, COLOUR_NONE, "%ld", p->pid);
	if (has_moved(p))
		table_cell(t, FROM, COLOUR_CYAN, "%s", name_of(places, p->home, buf));
	table_cell(t, USER, COLOUR_NONE, p->uid == 0 ? "root" : "%ld", p->uid);
	table_cell(t, STATE, p->state == 'R' ? COLOUR_GREEN : COLOUR_NONE, "%c", p->state);
	table_cell(t, TIME, COLOUR_NONE, "%s", DURATION(p->ms));
	table_cell(t, MEMORY, COLOUR_NONE, "%s", BYTES((unsigned long long)p->memory_kb * 1024));
	table_cell(t, COMMAND, COLOUR_NONE, p->kernel ? "[%s]" : "%s", p->name);
}

/* The nodes in the cluster's order, each with its processes, the busiest first; those of unknown nodes are last. */
static void add_all(struct cli *c, struct table *t, const struct places *places,
		    const struct ssi_processes *p)
{
	for (size_t k = 0; k < places->state.n_nodes; k++)
		for (size_t i = 0; i < p->n; i++)
			if (find(&places->state, p->v[i].node) == &places->state.nodes[k] &&
			    is_chosen(c, places, &p->v[i]))
				add_process(t, places, &p->v[i]);
	for (size_t i = 0; i < p->n; i++)
		if (!find(&places->state, p->v[i].node) && is_chosen(c, places, &p->v[i]))
			add_process(t, places, &p->v[i]);
}

static bool any_guessed(const struct ssi_processes *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].guessed)
			return true;
	return false;
}

static int print_list(struct cli *c, const struct places *places, const struct ssi_processes *p)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_table_ struct table t = { 0 };
	unsigned long left = p->total - p->n;

	table_init(&t, &c->out, columns, ARRAY_SIZE(columns));
	add_all(c, &t, places, p);
	table_format(&t, &b);
	if (left)
		strbuf_addf(&b,
			    ngettext("%lu more process is not shown: the one that has used least.\n",
				     "%lu more processes are not shown: those that have used less.\n", left),
			    left);
	if (any_guessed(p))
		strbuf_adds(&b, _("This kernel does not tell where a process is; shown is where each "
				  "began.\n"));
	return cli_print(&b);
}

/* ---- the verb ------------------------------------------------------------------------------------------ */

static int read_places(struct cli *c, struct muster *m, struct places *p)
{
	int r = muster_ssi_status(m, c->range, &p->chosen);

	return r < 0 ? r : muster_ssi_status(m, NULL, &p->state);
}

int ssi_ps(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_(muster_ssi_ps_freep) struct ssi_processes *p = NULL;
	struct places places = { 0 };
	int r;

	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	/* The range is looked at before a node is asked. */
	if (r == 0)
		r = read_places(c, m, &places);
	if (r == 0)
		r = muster_ssi_ps(m, cli_value(c, "all") != NULL, &p);
	c->refused = c->refused || r == -EINVAL || r == -MUSTER_E_REFUSED;
	if (r == 0)
		r = c->json ? cli_print_json(c, list_json(c, &places, p)) : print_list(c, &places, p);
	muster_ssi_free(&places.chosen);
	muster_ssi_free(&places.state);
	return r;
}
