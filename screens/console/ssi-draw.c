/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page of the single system: the one machine, its nodes with their shares, and what has moved. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "screens/console/ssi.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/units.h"

#define BAR 8
#define NAME_MAX_COLUMNS 16
#define PROCESSES_COLUMNS 64 /* where they stand beside the nodes */
#define NODES_ROWS 8	     /* at most, where they stand above the processes */
#define MOVES_ROWS 2
#define MOVES_ROWS_HIGH 6
#define UNANSWERED_MS 10000 /* a node hears it by then, also where it cannot be woken */

static const struct {
	const char *sign;
	enum tui_style style;
	const char *name;
} places[] = {
	[SSI_OUT] = { SIGN_OFF, STYLE_DIM, NC_("node", "out") },
	[SSI_PRESENT] = { SIGN_BUSY, STYLE_BUSY, NC_("node", "present") },
	[SSI_ONLINE] = { SIGN_GOOD, STYLE_GOOD, NC_("node", "online") },
	[SSI_BROKEN] = { SIGN_BAD, STYLE_BAD, NC_("node", "broken") },
};

static const enum ssi_place health_like[] = {
	[SSI_DOWN] = SSI_OUT,
	[SSI_UP] = SSI_ONLINE,
	[SSI_WEDGED] = SSI_BROKEN,
};

/* ---- the one machine -------------------------------------------------------------------------------------- */

static int permille(double part, double whole)
{
	return whole > 0 ? (int)MIN(MAX(part * 1000 / whole, 0.0), 1000.0) : 0;
}

static void draw_title(const struct ssi_page *p, struct canvas *c, const struct ssi_state *s)
{
	enum ssi_place like = health_like[s->health];
	_cleanup_strbuf_ struct strbuf right = STRBUF_INIT;
	int x = canvas_text(c, 0, 1, STYLE_TITLE, p->console->cluster) + 3, room = c->columns - 1;

	if (s->processors && s->health == SSI_UP) {
		strbuf_addf(&right, ngettext("%d cpu", "%d cpus", (unsigned long)s->processors),
			    s->processors);
		strbuf_addf(&right, _("   load %.2f"), s->load);
	}
	if (right.data && !right.failed) {
		canvas_right(c, 0, c->columns - 1, STYLE_NORMAL, right.data);
		room -= canvas_width(c, right.data) + 2;
	}
	x = canvas_text(c, 0, x, places[like].style, places[like].sign) + 1;
	canvas_cell(c, 0, x, room - x, false, STYLE_NORMAL, s->what);
}

static void draw_memory(const struct ssi_page *p, struct canvas *c, const struct ssi_state *s)
{
	long long used = s->memory_kb - s->memory_free_kb;
	_cleanup_strbuf_ struct strbuf right = STRBUF_INIT;
	size_t left, total = ssi_model_total(p->model, &left);
	int x = canvas_text(c, 1, 1, STYLE_DIM, _("memory")) + 1, bar = MAX(c->columns / 4, 10);

	canvas_bar(c, 1, x, bar, 0, permille((double)used, (double)s->memory_kb), true, STYLE_ACCENT);
	canvas_textf(c, 1, x + bar + 1, STYLE_NORMAL, _("%s of %s"),
		     BYTES((unsigned long long)MAX(used, 0LL) * 1024),
		     BYTES((unsigned long long)s->memory_kb * 1024));
	if (!ssi_model_has_list(p->model))
		return;
	strbuf_addf(&right, ngettext("%zu process", "%zu processes", (unsigned long)total), total);
	if (left)
		strbuf_addf(&right, _(", %zu not shown"), left);
	if (!right.failed)
		canvas_right(c, 1, c->columns - 1, STYLE_NORMAL, right.data);
}

/* What is to be said now; false: nothing. */
static bool message(const struct ssi_page *p, const struct ssi_state *s, struct strbuf *text,
		    enum tui_style *ret)
{
	*ret = STYLE_WARNING;
	if (console_lost(p->console, text))
		return true;
	if (*s->remedy) {
		*ret = s->health == SSI_WEDGED ? STYLE_BAD : STYLE_WARNING;
		strbuf_adds(text, s->remedy);
		return true;
	}
	if (p->job_text) {
		*ret = STYLE_BUSY;
		strbuf_addf(text, _("At work: %s"), p->job_text);
		return true;
	}
	if (p->refused) {
		strbuf_addf(text, _("musterd cannot be asked for the processes: %s."),
			    muster_strerror(p->refused));
		return true;
	}
	if (p->asked && clock_mono_ms() - p->asked >= UNANSWERED_MS) {
		strbuf_addf(text, _("No node has told of its processes for %s."),
			    DURATION(clock_mono_ms() - p->asked));
		return true;
	}
	return false;
}

/* Returns the rows used. */
static int draw_head(const struct ssi_page *p, struct canvas *c, const struct ssi_state *s)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	enum tui_style style;
	int y = 1;

	draw_title(p, c, s);
	if (s->memory_kb) {
		draw_memory(p, c, s);
		y++;
	}
	if (message(p, s, &b, &style) && !b.failed)
		y += canvas_wrap(c, y, 1, c->columns - 2, 4, style, b.data);
	return y;
}

/* ---- the nodes -------------------------------------------------------------------------------------------- */

struct lay {
	int name, place, cpus, load, memory, processes; /* the columns where they begin or, of numbers, end */
};

static struct lay lay_out(const struct canvas *c, const struct ssi_state *s)
{
	struct lay l = { .name = 3 };
	int width = 6, place = 0;

	for (size_t i = 0; i < s->n_nodes; i++)
		width = MAX(width, MIN(canvas_width(c, s->nodes[i].name), NAME_MAX_COLUMNS));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		place = MAX(place, canvas_width(c, i18n_in("node", places[i].name)));
	l.place = l.name + width + 2;
	l.cpus = l.place + place + 5;
	l.load = l.cpus + 8;
	l.memory = l.load + 1 + BAR + 7;
	l.processes = l.memory + 1 + BAR + 8;
	return l;
}

static void draw_nodes_head(struct canvas *c, const struct lay *l)
{
	canvas_text(c, 0, l->name, STYLE_DIM, _("NODE"));
	canvas_text(c, 0, l->place, STYLE_DIM, _("PLACE"));
	canvas_right(c, 0, l->cpus, STYLE_DIM, _("CPUS"));
	canvas_right(c, 0, l->load, STYLE_DIM, _("LOAD"));
	canvas_right(c, 0, l->memory, STYLE_DIM, _("MEM"));
	canvas_right(c, 0, l->processes, STYLE_DIM, _("PROCS"));
}

/* What a node has and uses, as it last reported. */
static void draw_share(const struct ssi_page *p, struct canvas *c, int y, const struct lay *l,
		       const struct ssi_node *n, const struct node_state *s)
{
	int memory = s ? model_memory(s) : -1;
	char text[32];
	size_t left;

	snprintf(text, sizeof(text), "%d", n->processors);
	canvas_right(c, y, l->cpus, STYLE_NORMAL, text);
	if (n->load >= 0) {
		snprintf(text, sizeof(text), "%.2f", n->load);
		canvas_right(c, y, l->load, STYLE_NORMAL, text);
		canvas_bar(c, y, l->load + 1, BAR, 0, permille(n->load, n->processors), true, STYLE_ACCENT);
	}
	if (memory >= 0) {
		snprintf(text, sizeof(text), "%d %%", memory);
		canvas_right(c, y, l->memory, STYLE_NORMAL, text);
		canvas_bar(c, y, l->memory + 1, BAR, 0, memory * 10, true, STYLE_ACCENT);
	}
	if (!ssi_model_has_list(p->model) || n->place != SSI_ONLINE)
		return;
	ssi_model_total(p->model, &left);
	snprintf(text, sizeof(text), "%zu%s", ssi_model_count(p->model, n->id), left ? "+" : "");
	canvas_right(c, y, l->processes, STYLE_NORMAL, text);
}

static void draw_node(const struct ssi_page *p, struct canvas *c, int y, const struct lay *l,
		      const struct ssi_node *n)
{
	const struct model_node *node = model_find(p->console->model, n->name);

	canvas_text(c, y, 1, places[n->place].style, places[n->place].sign);
	canvas_cell(c, y, l->name, l->place - l->name - 2, false, STYLE_NORMAL, n->name);
	canvas_text(c, y, l->place, places[n->place].style, i18n_in("node", places[n->place].name));
	if (*n->text)
		canvas_cell(c, y, l->cpus - 3, c->columns - l->cpus + 2, false, places[n->place].style,
			    n->text);
	else
		draw_share(p, c, y, l, n, node ? &node->state : NULL);
}

/* Those that fit, from the first one that is to be seen; the last row says that there are more. */
static void draw_nodes(struct ssi_page *p, struct canvas *c, const struct ssi_state *s)
{
	struct lay l = lay_out(c, s);
	size_t rows = (size_t)MAX(c->rows - 1, 1);
	bool all = s->n_nodes <= rows;

	p->shown_nodes = all ? s->n_nodes : rows - 1;
	if (all || p->first_node >= s->n_nodes)
		p->first_node = 0;
	draw_nodes_head(c, &l);
	for (size_t i = 0; i < p->shown_nodes && p->first_node + i < s->n_nodes; i++)
		draw_node(p, c, 1 + (int)i, &l, &s->nodes[p->first_node + i]);
	if (!all)
		canvas_textf(c, (int)rows, l.name, STYLE_DIM, _("%zu to %zu of %zu nodes; n shows the next"),
			     p->first_node + 1, MIN(p->first_node + p->shown_nodes, s->n_nodes), s->n_nodes);
}

/* ---- what has moved --------------------------------------------------------------------------------------- */

static void draw_moves(const struct ssi_page *p, struct canvas *c)
{
	char from[24], to[24], when[16];
	const struct ssi_model_move *m;

	canvas_rule(c, 0, STYLE_DIM, _("Moved"));
	for (int i = 0; i + 1 < c->rows && (m = ssi_model_move(p->model, (size_t)i)); i++) {
		time_t t = (time_t)(m->at / 1000);
		struct tm tm;

		when[0] = '\0';
		if (localtime_r(&t, &tm))
			strftime(when, sizeof(when), "%H:%M", &tm);
		canvas_textf(c, 1 + i, 1, p->now - m->at < SSI_MODEL_MARK_MS ? STYLE_ACCENT : STYLE_NORMAL,
			     _("%s  moved %ld %s  %s -> %s"), when, m->pid, m->name,
			     ssi_model_name(p->model, m->from, from), ssi_model_name(p->model, m->to, to));
	}
	if (!ssi_model_move(p->model, 0))
		canvas_text(c, 1, 1, STYLE_DIM, _("None has moved since this page was opened."));
}

/* ---- where there are no processes to show -------------------------------------------------------------------- */

/* A kernel that has the single system, with an id to take part in it. */
static bool any_can(const struct ssi_state *s)
{
	for (size_t i = 0; i < s->n_nodes; i++)
		if (s->nodes[i].id > 0)
			return true;
	return false;
}

static int states_of(const struct console *c, const struct ssi_state *s, struct node_state **ret)
{
	struct node_state *v = calloc(s->n_nodes + 1, sizeof(*v));
	const struct model_node *n;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_nodes; i++) {
		n = model_find(c->model, s->nodes[i].name);
		if (!n) {
			free(v);
			return -EAGAIN;
		}
		v[i] = n->state; /* borrowed */
	}
	*ret = v;
	return 0;
}

/* What the nodes lack, sentence by sentence. */
static void draw_missing(const struct ssi_page *p, struct canvas *c, const struct ssi_state *s)
{
	_cleanup_free_ struct node_state *v = NULL;
	_cleanup_strv_ struct strv missing = STRV_INIT;
	int y = 1;

	if (states_of(p->console, s, &v) < 0 || muster_ssi_missing(v, s->n_nodes, &missing) < 0)
		return;
	if (missing.n == 0) {
		canvas_wrap(c, y, 1, c->columns - 2, 0, STYLE_GOOD,
			    _("Nothing is missing: all nodes can form it. u starts it."));
		return;
	}
	y += canvas_wrap(c, y, 1, c->columns - 2, 2, STYLE_TITLE,
			 _("What is missing for all of them to form it:"));
	for (size_t i = 0; i < missing.n && y < c->rows; i++) {
		if (y + 1 == c->rows && i + 1 < missing.n) {
			canvas_textf(c, y, 1, STYLE_DIM,
				     ngettext("and %zu more", "and %zu more", missing.n - i), missing.n - i);
			return;
		}
		y += canvas_wrap(c, y, 1, c->columns - 2, c->rows - y, STYLE_NORMAL, missing.v[i]);
	}
}

static void draw_instead(const struct ssi_page *p, struct canvas *c, const struct ssi_state *s)
{
	struct canvas part;
	int y = 0;

	canvas_rule(c, 0, STYLE_DIM, "");
	if (s->health == SSI_WEDGED) {
		canvas_wrap(
			c, 1, 1, c->columns - 2, 0, STYLE_NORMAL,
			_("Its processes are not looked at: that would hang, too. R resets its nodes; one "
			  "that does not report any more wants its power switched."));
		return;
	}
	if (!any_can(s))
		y = canvas_wrap(c, 1, 1, c->columns - 2, 0, STYLE_NORMAL,
				_("Nodes form it that run Kerrighed's kernel and have an id in it. Both come "
				  "with the profile: write profile = \"kerrighed\" in the section cluster of "
				  "the answers, or choose it in `muster setup`, and apply."));
	part = canvas_sub(c, y ? y + 1 : 0, 0, c->rows - (y ? y + 1 : 0), c->columns);
	draw_missing(p, &part, s);
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

/* The nodes' part, and below or beside it what is left for the rest. */
static void divide(const struct canvas *c, int y, const struct ssi_state *s, struct canvas *nodes,
		   struct canvas *rest)
{
	int columns = lay_out(c, s).processes + 2;
	int rows = MIN((int)MIN(s->n_nodes, (size_t)1000) + 1, MAX(c->rows / 3, NODES_ROWS) + 1);

	if (c->columns >= columns + PROCESSES_COLUMNS) {
		*nodes = canvas_sub(c, y, 0, c->rows - y, columns);
		*rest = canvas_sub(c, y, columns, c->rows - y, c->columns - columns);
		return;
	}
	*nodes = canvas_sub(c, y, 0, rows, c->columns);
	*rest = canvas_sub(c, y + rows, 0, c->rows - y - rows, c->columns);
}

void ssi_draw(struct ssi_page *p, struct canvas *c, struct canvas *ret_table)
{
	const struct ssi_state *s = ssi_model_state(p->model);
	struct canvas nodes, rest, moves;
	int y = draw_head(p, c, s) + (c->rows >= 30), rows;

	*ret_table = canvas_sub(c, 0, 0, 0, 0);
	divide(c, y, s, &nodes, &rest);
	draw_nodes(p, &nodes, s);
	if (s->health != SSI_UP) {
		draw_instead(p, &rest, s);
		return;
	}
	rows = 1 + (rest.rows >= 20 ? MOVES_ROWS_HIGH : MOVES_ROWS);
	*ret_table = canvas_sub(&rest, 0, 0, rest.rows - rows, rest.columns);
	moves = canvas_sub(&rest, rest.rows - rows, 0, rows, rest.columns);
	draw_moves(p, &moves);
}
