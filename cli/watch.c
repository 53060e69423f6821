/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The nodes over time. A terminal shows the table, drawn again in place in one write when something changed and
 * once a second, so that nothing flickers. Elsewhere each change of a stage is one line.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/live.h"
#include "util/clock.h"
#include "util/fs.h"
#include "util/i18n.h"

#define REDRAW_MS 1000
#define POLL_MS 200

/* ECMA-48 and DEC private modes, as every terminal since the VT220 takes them. */
#define HIDE_CURSOR "\x1b[?25l"
#define SHOW_CURSOR "\x1b[?25h"
#define CLEAR_LINE "\x1b[K"
#define CLEAR_BELOW "\x1b[J"
/* Without wrapping, a line that is too long is cut by the terminal, and the lines can be counted. */
#define NO_WRAP "\x1b[?7l"
#define WRAP "\x1b[?7h"

/* What was told of a node. */
struct told {
	char *name;
	int64_t boot; /* when its boot began: another value is another boot */
	size_t n_stages;
	enum node_stage stage;
};

struct watcher {
	struct cli *c;
	struct muster *m;
	const struct watch *w;
	char *cluster;
	struct live live;
	bool told_down; /* that musterd does not answer */
	int64_t began, began_wall;
	struct told *told;
	size_t n_told;
	int lines; /* that stand on the terminal */
	int columns;
	bool hidden; /* the cursor */
};

static void watcher_end(struct watcher *w)
{
	if (w->hidden)
		fputs(SHOW_CURSOR, stdout);
	fflush(stdout);
	for (size_t i = 0; i < w->n_told; i++)
		free(w->told[i].name);
	free(w->told);
	live_close(&w->live);
	free(w->cluster);
}

/* ---- on a terminal ------------------------------------------------------------------------------------- */

/* Adds what fits the terminal's height, each line clearing what stood there. Returns how many lines. */
static int add_lines(const struct style *s, const char *text, struct strbuf *out)
{
	int total = 0, room = s->rows > 1 ? s->rows - 1 : 0, n = 0;

	for (const char *p = text; *p; p++)
		total += *p == '\n';
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");

		if (room && total > room && n == room - 1) {
			strbuf_addf(out, "%s %d more lines" CLEAR_LINE "\n", s->utf8 ? "…" : "...",
				    total - n);
			return n + 1;
		}
		strbuf_add(out, p, len);
		strbuf_adds(out, CLEAR_LINE "\n");
		n++;
		p += len + (p[len] == '\n');
	}
	return n;
}

static int draw(struct watcher *w, const struct node_state *v, size_t n)
{
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT, out = STRBUF_INIT;
	struct style *s = &w->c->out;

	style_init(s, STDOUT_FILENO);
	nodes_summary(s, w->cluster, v, n, &text);
	if (!w->live.feed)
		nodes_down(s, &text);
	nodes_table(s, v, n, w->w->stages || (w->w->range && n == 1), &text);
	if (text.failed)
		return -ENOMEM;
	strbuf_adds(&out, HIDE_CURSOR NO_WRAP);
	/* Another width breaks the lines anew, and where they begin is not known any more. */
	if (w->lines && s->columns != w->columns)
		strbuf_adds(&out, "\x1b[H" CLEAR_BELOW);
	else if (w->lines)
		strbuf_addf(&out, "\x1b[%dA\r", w->lines);
	w->lines = add_lines(s, text.data, &out);
	w->columns = s->columns;
	strbuf_adds(&out, CLEAR_BELOW WRAP);
	if (out.failed)
		return -ENOMEM;
	w->hidden = true;
	return fs_write_all(STDOUT_FILENO, out.data, out.len);
}

/* ---- in a pipe ----------------------------------------------------------------------------------------- */

/* `place` is where it most likely is: the order of the nodes rarely changes. */
static struct told *told_of(struct watcher *w, const struct node_state *n, size_t place)
{
	struct told *v;

	if (place < w->n_told && strcmp(w->told[place].name, n->name) == 0)
		return &w->told[place];
	for (size_t i = 0; i < w->n_told; i++)
		if (strcmp(w->told[i].name, n->name) == 0)
			return &w->told[i];
	v = reallocarray(w->told, w->n_told + 1, sizeof(*v));
	if (!v)
		return NULL;
	w->told = v;
	v[w->n_told] = (struct told){ .name = strdup(n->name), .stage = NODE_OFF };
	return v[w->n_told].name ? &v[w->n_told++] : NULL;
}

static void print_change(struct watcher *w, const struct node_state *n, enum node_stage stage, int64_t at)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	const struct style *s = &w->c->out;

	strbuf_addf(&b, "%6.1f s  ", (double)MAX(at - w->began_wall, (int64_t)0) / 1000);
	format_escape(&b, s, n->name, "");
	strbuf_addf(&b, "  %s", stage_name(stage));
	if (stage == NODE_FAILED && *n->reason) {
		strbuf_adds(&b, "  ");
		format_escape(&b, s, n->reason, "");
	}
	if (!b.failed)
		puts(b.data);
}

/* Every stage since the last look, also those that were short. */
static int print_changes(struct watcher *w, const struct node_state *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct node_state *node = &v[i];
		struct told *t = told_of(w, node, i);
		int64_t boot = node->n_stages ? node->stages[0].at : 0;
		bool known;
		size_t from;

		if (!t)
			return -ENOMEM;
		known = boot == t->boot;
		from = known ? MIN(t->n_stages, node->n_stages) : 0;
		/* What lies before the watch is told by the present stage alone. */
		if (!known && boot < w->began_wall && t->n_stages == 0 && node->n_stages)
			from = node->n_stages - 1;
		for (size_t k = from; k < node->n_stages; k++) {
			t->stage = node->stages[k].stage;
			print_change(w, node, t->stage, node->stages[k].at);
		}
		if (t->stage != node->stage)
			print_change(w, node, node->stage, clock_wall_ms());
		t->stage = node->stage;
		t->boot = boot;
		t->n_stages = node->n_stages;
	}
	fflush(stdout);
	return ferror(stdout) ? -EPIPE : 0;
}

/* ---- the watch ------------------------------------------------------------------------------------------- */

/* 1: the end is reached. */
static int judge(struct watcher *w, const struct node_state *v, size_t n)
{
	size_t ready = 0;

	for (size_t i = 0; i < n; i++) {
		ready += node_is_ready(&v[i]);
		if (node_is_failed(&v[i])) {
			cli_error(w->c, _("%s failed: %s"), v[i].name,
				  *v[i].reason ? v[i].reason : _("it did not say why"));
			return -MUSTER_E_UNHEALTHY;
		}
	}
	if (ready == n)
		return 1;
	if (!w->w->timeout_ms || clock_mono_ms() - w->began < w->w->timeout_ms)
		return 0;
	cli_error(w->c, _("%zu of %zu nodes are ready after %s"), ready, n, DURATION(w->w->timeout_ms));
	return -MUSTER_E_TIMEOUT;
}

static int look(struct watcher *w)
{
	const struct node_state *v = w->live.v;
	size_t n = w->live.n;
	int r = 0;

	if (!live_whole(&w->live))
		return 0;
	if (!w->live.feed && !w->told_down && !(w->c->out.terminal && !w->c->json))
		fprintf(stderr, "muster: %s\n", nodes_down_text());
	w->told_down = !w->live.feed;
	if (!w->c->json)
		r = w->c->out.terminal ? draw(w, v, n) : print_changes(w, v, n);
	return r == 0 && w->w->until_ready ? judge(w, v, n) : r;
}

int watch_nodes(struct cli *c, struct muster *m, const struct watch *options)
{
	_cleanup_(watcher_end) struct watcher w = {
		.c = c,
		.m = m,
		.w = options,
		.began = clock_mono_ms(),
		.began_wall = clock_wall_ms(),
	};
	int r = muster_cluster_name(m, &w.cluster);

	if (r == 0)
		r = live_open(&w.live, m, options->range);
	c->refused = r == -EINVAL;
	while (r == 0) {
		bool drawn = c->out.terminal && !options->until_ready;
		int stopped;

		r = look(&w);
		if (r != 0)
			break;
		stopped = live_wait(&w.live, c->cancel_fd, drawn ? REDRAW_MS : POLL_MS);
		if (stopped > 0)
			break;
		r = stopped;
	}
	if (r > 0)
		return 0;
	/* Who stops a watch has seen enough; who waits for the nodes has not got them. */
	if (r == 0 && options->until_ready) {
		cli_error(c, _("stopped before all nodes were ready"));
		return -MUSTER_E_CANCELLED;
	}
	return r == -EPIPE ? 0 : r;
}
