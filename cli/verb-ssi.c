/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

#define COUNT_MS 3000 /* until a node has told of the processes, where it can be woken */

/* ---- status ------------------------------------------------------------------------------------------- */

enum { SIGN, NAME, ID, STATE, PROCESSORS, MEMORY, LOAD, PROCESSES };

static const struct table_column columns[] = {
	[SIGN] = { "", .tight = true },
	[NAME] = { N_("NAME") },
	[ID] = { N_("ID"), .right = true },
	[STATE] = { N_("STATE") },
	[PROCESSORS] = { N_("CPUS"), .right = true },
	[MEMORY] = { N_("MEMORY"), .right = true },
	[LOAD] = { N_("LOAD"), .right = true, .drop = 1 },
	[PROCESSES] = { N_("PROCESSES"), .right = true, .drop = 2 },
};

/* The stage whose sign and colour a place has. */
static const enum node_stage place_like[] = {
	[SSI_OUT] = NODE_OFF,
	[SSI_PRESENT] = NODE_KERNEL,
	[SSI_ONLINE] = NODE_READY,
	[SSI_BROKEN] = NODE_FAILED,
};

static const enum node_stage health_like[] = {
	[SSI_DOWN] = NODE_OFF,
	[SSI_UP] = NODE_READY,
	[SSI_WEDGED] = NODE_FAILED,
};

static json_t *node_json(const struct ssi_node *n)
{
	return json_pack("{so ss so so so so so so so}", "node", cli_json_text(n->name), "state",
			 ssi_place_text(n->place), "id", n->id >= 0 ? json_integer(n->id) : json_null(),
			 "session", n->session >= 0 ? json_integer(n->session) : json_null(), "processors",
			 n->processors ? json_integer(n->processors) : json_null(), "memory_kb",
			 n->memory_kb ? json_integer(n->memory_kb) : json_null(), "load",
			 n->load >= 0 ? json_real(n->load) : json_null(), "processes",
			 n->processes >= 0 ? json_integer(n->processes) : json_null(), "text",
			 *n->text ? cli_json_text(n->text) : json_null());
}

static json_t *state_json(const char *cluster, const struct ssi_state *s, bool answers)
{
	bool merged = s->processors > 0;
	json_t *list = json_array();

	for (size_t i = 0; list && i < s->n_nodes; i++)
		if (json_array_append_new(list, node_json(&s->nodes[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	if (!list)
		return NULL;
	return json_pack("{so sb ss so so sI so so so so so}", "cluster", cli_json_text(cluster),
			 "musterd_answers", answers, "state", ssi_health_text(s->health), "what",
			 cli_json_text(s->what), "remedy",
			 *s->remedy ? cli_json_text(s->remedy) : json_null(), "nodes_online",
			 (json_int_t)s->online, "processors",
			 merged ? json_integer(s->processors) : json_null(), "memory_kb",
			 merged ? json_integer(s->memory_kb) : json_null(), "memory_free_kb",
			 merged ? json_integer(s->memory_free_kb) : json_null(), "load",
			 merged ? json_real(s->load) : json_null(), "nodes", list);
}

static void add_head(const struct style *s, const char *cluster, const struct ssi_state *v,
		     struct strbuf *out)
{
	enum node_stage like = health_like[v->health];
	enum colour colour = stage_colour(like);

	strbuf_adds(out, style_on(s, COLOUR_BOLD));
	format_escape(out, s, cluster, "");
	strbuf_addf(out, "%s   %s%s%s ", style_off(s, COLOUR_BOLD), style_on(s, colour), stage_sign(s, like),
		    style_off(s, colour));
	format_escape(out, s, v->what, "");
	strbuf_addc(out, '\n');
	if (v->processors)
		strbuf_addf(out,
			    ngettext("    %d processor, %s of memory (%s free), load %.2f\n",
				     "    %d processors, %s of memory (%s free), load %.2f\n",
				     (unsigned long)v->processors),
			    v->processors, BYTES((unsigned long long)v->memory_kb * 1024),
			    BYTES((unsigned long long)v->memory_free_kb * 1024), v->load);
}

static void add_node(struct table *t, const struct ssi_node *n)
{
	enum node_stage like = place_like[n->place];
	enum colour colour = stage_colour(like);

	table_row(t);
	table_cell(t, SIGN, colour, "%s", stage_sign(t->style, like));
	table_cell(t, NAME, COLOUR_NONE, "%s", n->name);
	if (n->id >= 0)
		table_cell(t, ID, COLOUR_NONE, "%d", n->id);
	table_cell(t, STATE, colour, "%s", ssi_place_text(n->place));
	if (*n->text) {
		table_tail(t, PROCESSORS, n->text);
		return;
	}
	table_cell(t, PROCESSORS, COLOUR_NONE, "%d", n->processors);
	table_cell(t, MEMORY, COLOUR_NONE, "%s", BYTES((unsigned long long)n->memory_kb * 1024));
	if (n->load >= 0)
		table_cell(t, LOAD, COLOUR_NONE, "%.2f", n->load);
	if (n->processes >= 0)
		table_cell(t, PROCESSES, COLOUR_NONE, "%ld", n->processes);
}

static int print_state(struct cli *c, const char *cluster, const struct ssi_state *s, bool down)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	_cleanup_table_ struct table t = { 0 };

	if (down)
		nodes_down(&c->out, &b);
	add_head(&c->out, cluster, s, &b);
	table_init(&t, &c->out, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < s->n_nodes; i++)
		add_node(&t, &s->nodes[i]);
	table_format(&t, &b);
	if (*s->remedy) {
		format_escape(&b, &c->out, s->remedy, "");
		strbuf_addc(&b, '\n');
	}
	return cli_print(&b);
}

static int status(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	_cleanup_free_ char *cluster = NULL;
	struct ssi_state s;
	bool answers;
	int r;

	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	if (r == 0)
		r = muster_ssi_status(m, c->range, &s);
	if (r < 0) {
		c->refused = r == -EINVAL;
		return r;
	}
	r = muster_cluster_name(m, &cluster);
	answers = nodes_answered(m);
	if (r == 0 && answers)
		r = muster_ssi_count(m, COUNT_MS, &s);
	if (r == 0)
		r = c->json ? cli_print_json(c, state_json(cluster, &s, answers))
			    : print_state(c, cluster, &s, !answers);
	if (r == 0 && s.health == SSI_WEDGED) {
		c->said = true;
		r = -MUSTER_E_UNHEALTHY;
	}
	muster_ssi_free(&s);
	return r;
}

/* ---- forming it ---------------------------------------------------------------------------------------- */

static int form(struct cli *c,
		int (*verb)(struct muster *m, const char *range, struct muster_result **ret, size_t *ret_n))
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	struct muster_result *v;
	size_t n;
	int r;

	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	if (r == 0)
		r = verb(m, c->range, &v, &n);
	c->refused = c->refused || r == -EINVAL || r == -MUSTER_E_REFUSED;
	return r < 0 ? r : cli_results(c, v, n);
}

static int start(struct cli *c)
{
	return form(c, muster_ssi_start);
}

static int add(struct cli *c)
{
	int r = cli_want_range(c);

	return r < 0 ? r : form(c, muster_ssi_add);
}

static int remove_nodes(struct cli *c)
{
	int r = cli_want_range(c);

	return r < 0 ? r : form(c, muster_ssi_remove);
}

static int reset(struct cli *c)
{
	return form(c, muster_ssi_reset);
}

static int stop(struct cli *c)
{
	return form(c, muster_ssi_stop);
}

static int migrate(struct cli *c)
{
	_cleanup_(muster_freep) struct muster *m = NULL;
	char *end;
	long pid;
	int r;

	errno = 0;
	pid = strtol(c->argv[1], &end, 10);
	if (errno || *end || end == c->argv[1] || pid <= 0 || pid > INT_MAX)
		return cli_refuse(c, _("\"%s\" is no process's number"), c->argv[1]);
	cli_catch_signals(c, true);
	r = cli_open(c, &m);
	if (r == 0)
		r = muster_ssi_migrate(m, pid, c->argv[2]);
	c->refused = c->refused || r == -EINVAL || r == -MUSTER_E_REFUSED;
	if (r < 0)
		return r;
	if (c->json)
		return cli_print_json(c, json_pack("{sI so}", "pid", (json_int_t)pid, "node",
						   cli_json_text(c->argv[2])));
	printf(_("Process %ld moves to %s.\n"), pid, c->argv[2]);
	return 0;
}

/* ---- the verb ------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int arguments; /* besides its own name */
	int may_lack;  /* of these */
	int (*run)(struct cli *c);
} words[] = {
	{ "status", 0, 0, status },
	{ "start", 0, 0, start },
	{ "add", 0, 0, add },
	{ "remove", 0, 0, remove_nodes },
	{ "stop", 0, 0, stop },
	{ "reset", 0, 0, reset },
	{ "migrate", 2, 0, migrate },
	{ "ps", 0, 0, ssi_ps },
	{ "test", 0, 0, ssi_test_verb },
	{ "scheduler", 1, 1, ssi_scheduler_verb },
};

static int run(struct cli *c)
{
	int r = cli_arguments(c, 1, 3);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].name, c->argv[0]) != 0)
			continue;
		r = cli_arguments(c, 1 + words[i].arguments - words[i].may_lack, 1 + words[i].arguments);
		return r < 0 ? r : words[i].run(c);
	}
	return r < 0 ? r
		     : cli_refuse(c,
				  _("there is no \"%s\"; it is status, ps, test, start, add, remove, stop, "
				    "reset, migrate or scheduler"),
				  c->argv[0]);
}

static const struct cli_option options[] = {
	{ "all", 'a', NULL, N_("ps: with the kernel's own threads"), .of = "ps" },
	{ "output", 'o', "FILE", N_("test: keep the report in this file, too"), "file", .of = "test" },
	{ 0 },
};

const struct verb verb_ssi = {
	.name = "ssi",
	.args = "status [-n RANGE] | ps [-a] [-n RANGE] | test [-o FILE] | start [-n RANGE] | add -n RANGE | "
		"remove -n RANGE | stop | reset [-n RANGE] | migrate PID NODE | scheduler [on [-n "
		"RANGE] | off]",
	.summary = N_("the single system image: many nodes as one machine"),
	.details = N_(
		"status shows the merged machine of a cluster that runs Kerrighed, and where each node "
		"stands: online is in it, present could be added, out is not up or has another kernel, "
		"broken shows that the single system hangs. A broken one is told with what to do, and the "
		"exit status is 1; muster resets nothing by itself.\n"
		"start makes one machine of the nodes. It is refused, with every reason, unless all of them "
		"are ready, have reported a moment ago, run the same build of the kernel, are of one "
		"session, "
		"and have ids of their own. add and remove change which nodes are in it; processes that may "
		"move leave a node that is removed, all others on it end. The nodes' agents do it, without "
		"ssh, and what became of it is told for every node.\n"
		"reset restarts nodes at once, without a shutdown: all that have such a kernel, or those of "
		"-n, which may not leave a part of a single system behind. It is the remedy for one that "
		"hangs. On a terminal it asks first, naming "
		"the "
		"nodes. A node that does not report any more cannot hear it, and wants its power switched.\n"
		"stop ends all of it in good order; what runs in it ends. Kerrighed 3.0 has nothing for that "
		"which "
		"leaves the nodes up: they are taken out one after the other, and the last one restarts. On "
		"a "
		"terminal it asks first.\n"
		"test tries it out: its processors and memory are the sum of what its nodes have, a process "
		"moves to "
		"another node and back and keeps its result, and shared memory written on one node is read "
		"on "
		"another. The exit status is 0 only when all of that passes.\n"
		"migrate moves a process to a node. scheduler shows what moves processes by itself, and sets "
		"the "
		"usual schedulers up, on all nodes or those of -n, or takes them away. They move what may "
		"move: see "
		"Kerrighed's krgcapset.\n"
		"ps lists the processes of the one machine by the node where each is, with the node where it "
		"began in the column FROM when it has moved, and the time that it has used of processors. A "
		"node of the single system is asked for them; of very many it tells the busiest and counts "
		"the others.\n"),
	.words = "status ps test start add remove stop reset migrate scheduler on off",
	.options = options,
	.run = run,
};
