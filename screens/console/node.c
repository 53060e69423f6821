/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One node: its boot against its own history, its facts, its failure, its last events. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "screens/console/parts.h"
#include "screens/console/private.h"
#include "util/clock.h"
#include "util/i18n.h"
#include "util/units.h"

#define NODE_KEYS(X)                                                                                    \
	X(NODE_EVENTS, 'e', TK_NONE, N_("events"), N_("Show the log of this node"), KEYMAP_BAR)         \
	X(NODE_SSI, 'i', TK_NONE, N_("ssi"), N_("Show the single system: the nodes as one machine"), 0) \
	X(NODE_NEXT, 'j', TK_DOWN, N_("next"), N_("To the node below it in the table"), 0)              \
	X(NODE_PREVIOUS, 'k', TK_UP, N_("previous"), N_("To the node above it in the table"), 0)        \
	X(NODE_LOG_DOWN, TK_PAGE_DOWN, TK_SPACE, N_("more"), N_("Show what is below"), KEYMAP_BAR)      \
	X(NODE_LOG_UP, TK_PAGE_UP, TK_CTRL('b'), N_("back up"), N_("Show what is above"), 0)            \
	X(NODE_HELP, '?', TK_NONE, N_("keys"), N_("Show what each key does"), KEYMAP_BAR)               \
	X(NODE_BACK, TK_ESC, 'q', N_("back"), N_("Back to the table"), KEYMAP_BAR)

#define UNANSWERED_MS 2000 /* after this the page says that musterd does not answer */

enum node_request { NODE_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { NODE_KEYS(KEYMAP_ENTRY) };
static const struct keymap_entry actions[] = { ACTION_KEYS(KEYMAP_ENTRY) };
static const struct keymap action_keys = KEYMAP(N_("On this node"), actions);
static const struct keymap keys = KEYMAP_WITH(N_("Node"), entries, action_keys);

struct node {
	struct console *console;
	uint64_t id;			/* in the model */
	struct muster_history *history; /* NULL: not to be had */
	uint64_t asked;			/* the console's changes when it was asked for */
	int64_t known_at;		/* the last stage that the history knows of */
	struct muster_asking *asking;	/* NULL: nothing is asked for */
	int64_t asking_at;		/* the last stage when it was */
	int64_t asked_ms;		/* and the steady clock */
	int skip,
		hidden; /* lines scrolled away at the top of the lower part, and that do not fit at its end */
	int page;
};

static const struct node_state *state_of(const struct node *n)
{
	const struct model_node *node = model_by_id(n->console->model, n->id);

	return node ? &node->state : NULL;
}

static int64_t last_change(const struct node_state *s)
{
	return s->n_stages ? s->stages[s->n_stages - 1].at : 0;
}

static void stop_asking(struct node *n)
{
	if (!n->asking)
		return;
	tui_unwatch(n->console->tui, muster_asking_fd(n->asking));
	muster_asking_free(TAKE_PTR(n->asking));
}

static void ask(struct node *n);

static int on_answer(int fd, void *data)
{
	struct node *n = data;
	struct muster_history *h = NULL;
	int r = muster_history_read(n->console->muster, n->asking, &h);

	if (r > 0)
		return 0;
	stop_asking(n);
	tui_dirty(n->console->tui);
	/* When there is none the next change asks again. */
	if (r < 0)
		return 0;
	muster_history_free(n->history);
	n->history = h;
	n->known_at = n->asking_at;
	ask(n);
	return 0;
}

/* The history changes when the node enters a stage, not with each report. Nobody waits for the answer: it comes through the
 * terminal's loop, and the page shows until then what the model knows. */
static void ask(struct node *n)
{
	const struct node_state *s = state_of(n);

	if (!s || n->asking || n->console->lost || (n->history && n->known_at == last_change(s)))
		return;
	if (muster_history_ask(n->console->muster, s->name, &n->asking) < 0)
		return;
	n->asking_at = last_change(s);
	n->asked_ms = clock_mono_ms();
	if (tui_watch(n->console->tui, muster_asking_fd(n->asking), on_answer, n) < 0)
		muster_asking_free(TAKE_PTR(n->asking));
}

/* The console draws each second, so that this is told in time. */
static bool is_unanswered(const struct node *n)
{
	return n->asking && clock_mono_ms() - n->asked_ms >= UNANSWERED_MS;
}

/* ---- drawing: text that may be longer than the screen --------------------------------------------------------------- */

struct flow {
	struct canvas *c;
	int line; /* from the top of the whole text on */
	int skip;
};

static void flow_text(struct flow *f, enum tui_style style, const char *text)
{
	int y = f->line++ - f->skip;

	if (y >= 0)
		canvas_text(f->c, y, 1, style, text);
}

static void flow_rule(struct flow *f, const char *title)
{
	int y = f->line++ - f->skip;

	if (y >= 0)
		canvas_rule(f->c, y, STYLE_DIM, title);
}

static void flow_lines(struct flow *f, enum tui_style style, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		int y = f->line++ - f->skip;

		if (y >= 0)
			canvas_textn(f->c, y, 1, style, text, len);
		text += len + (text[len] == '\n');
	}
}

/* The moment in local time, by the day or by the clock alone. */
static const char *moment(int64_t ms, bool day, char buf[32])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	buf[0] = '\0';
	if (localtime_r(&t, &tm))
		strftime(buf, 32, _("%d %b %H:%M:%S"), &tm);
	return day || strlen(buf) < 8 ? buf : buf + strlen(buf) - 8;
}

static void draw_title(const struct node *n, struct canvas *c, const struct node_state *s)
{
	_cleanup_strbuf_ struct strbuf right = STRBUF_INIT;
	char when[32];
	int x = canvas_text(c, 0, 1, style_of_stage(s->stage), sign_of_stage(s->stage));

	x = canvas_text(c, 0, x + 1, STYLE_TITLE, s->name) + 2;
	x = canvas_text(c, 0, x, style_of_stage(s->stage), text_of_stage(s->stage)) + 2;
	if (model_for(s, clock_wall_ms()) >= 0)
		canvas_textf(c, 0, x, STYLE_NORMAL, _("for %s"), DURATION(model_for(s, clock_wall_ms())));
	if (!s->n_stages)
		return;
	strbuf_addf(&right, _("boot %lld, %s"), (long long)s->boots, moment(s->stages[0].at, true, when));
	if (s->boot_ms >= 0)
		strbuf_addf(&right, "  %s", SECONDS(s->boot_ms));
	if (s->boot_ms >= 0 && s->median_ms >= 0 && s->boots > 1)
		strbuf_addf(&right, _(", median %s"), SECONDS(s->median_ms));
	if (!right.failed)
		canvas_right(c, 0, c->columns - 1, STYLE_DIM, right.data);
}

static void flow_fact(struct flow *f, const char *name, const char *value)
{
	int y = f->line++ - f->skip;

	if (y < 0)
		return;
	canvas_text(f->c, y, 1, STYLE_DIM, name);
	canvas_text(f->c, y, 13, STYLE_NORMAL, *value ? value : "-");
}

/* Only what is not usual is worth a line. */
static void flow_next(struct flow *f, const struct node_state *s)
{
	const char *what = strncmp(s->next, "root:", 5) == 0 ? s->next + 5
			   : strcmp(s->next, "disk") == 0    ? _("its first disk")
			   : strcmp(s->next, "memtest") == 0 ? _("memory test")
							     : s->next;
	char text[256];

	if (!*s->next)
		return;
	snprintf(text, sizeof(text), s->next_always ? _("%s, from now on") : _("%s, the next time only"),
		 what);
	flow_fact(f, _("boots next"), text);
}

static void flow_facts(struct flow *f, const struct node_state *s)
{
	char text[128];

	flow_rule(f, _("Facts"));
	flow_fact(f, _("address"), s->address);
	flow_fact(f, _("MAC address"), s->mac);
	flow_fact(f, _("kernel"), s->kernel);
	flow_fact(f, _("root"), s->root);
	flow_next(f, s);
	text[0] = '\0';
	if (s->processors)
		snprintf(text, sizeof(text),
			 ngettext("%d processor, %s", "%d processors, %s", (unsigned long)s->processors),
			 s->processors, BYTES((unsigned long long)s->memory_kb * 1024));
	flow_fact(f, _("machine"), text);
	text[0] = '\0';
	if (s->last_report)
		snprintf(text, sizeof(text), _("%s ago"), DURATION(clock_wall_ms() - s->last_report));
	flow_fact(f, _("last report"), text);
}

static void flow_failure(struct flow *f, const struct node_state *s)
{
	if (!*s->reason)
		return;
	flow_rule(f, _("Why it failed"));
	flow_lines(f, STYLE_BAD, s->reason);
	if (!*s->log)
		return;
	flow_rule(f, _("Its kernel's last lines"));
	flow_lines(f, STYLE_NORMAL, s->log);
}

#define KIND_COLUMNS 8

static void flow_events(struct flow *f, const struct node *n)
{
	char when[32], line[600];
	enum node_stage stage;
	const char *kind;

	if (!n->history || n->history->n_events == 0)
		return;
	flow_rule(f, _("Last events"));
	for (size_t i = n->history->n_events; i-- > 0;) {
		const struct muster_history_event *e = &n->history->events[i];

		kind = text_of_kind(e->kind);
		snprintf(line, sizeof(line), "%s  %s%*s %s", moment(e->at, false, when), kind,
			 MAX(KIND_COLUMNS - canvas_width(f->c, kind), 0), "",
			 strcmp(e->kind, "stage") == 0 && node_stage_parse(e->text, &stage) == 0
				 ? text_of_stage(stage)
				 : e->text);
		flow_text(f, STYLE_NORMAL, line);
	}
}

static void node_draw(void *self, struct canvas *c)
{
	static const int64_t unknown[NODE_STAGE_COUNT] = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };
	struct node *n = self;
	const struct node_state *s = state_of(n);
	_cleanup_strbuf_ struct strbuf lost = STRBUF_INIT;
	struct canvas part;
	struct flow f;
	int y = 2;

	if (!s) {
		canvas_text(c, 1, 1, STYLE_NORMAL, _("This node is not in the cluster any more."));
		return;
	}
	if (n->asked != n->console->changes) {
		n->asked = n->console->changes;
		ask(n);
	}
	draw_title(n, c, s);
	if (console_lost(n->console, &lost) && !lost.failed)
		canvas_text(c, 1, 1, STYLE_WARNING, lost.data);
	else if (is_unanswered(n))
		canvas_textf(c, 1, 1, STYLE_WARNING,
			     _("musterd has not answered for %s; this is what it last knew."),
			     DURATION(clock_mono_ms() - n->asked_ms));
	y += draw_timeline(c, y, s, n->history ? n->history->medians : unknown, clock_wall_ms());
	if (s->n_stages == 0)
		canvas_text(c, y++, 1, STYLE_DIM, _("It was not heard of yet."));
	part = canvas_sub(c, y + 1, 0, c->rows - y - 1, c->columns);
	f = (struct flow){ .c = &part, .skip = n->skip };
	flow_failure(&f, s);
	flow_facts(&f, s);
	flow_events(&f, n);
	n->page = part.rows;
	n->hidden = MAX(f.line - n->skip - part.rows, 0);
	canvas_scrollbar(&part, 0, part.columns - 1, part.rows, (size_t)n->skip, (size_t)part.rows,
			 (size_t)f.line);
}

/* ---- the screen ------------------------------------------------------------------------------------------------------- */

static int node_open(struct tui *t, void *argument, void **ret)
{
	const struct node_argument *a = argument;
	const struct model_node *node = model_find(a->console->model, a->name);
	struct node *n = node ? calloc(1, sizeof(*n)) : NULL;

	if (!n)
		return node ? -ENOMEM : -ENOENT;
	n->console = a->console;
	n->id = node->id;
	ask(n);
	n->asked = n->console->changes;
	*ret = n;
	return 0;
}

static void node_close(void *self)
{
	struct node *n = self;

	stop_asking(n);
	muster_history_free(n->history);
	free(n);
}

/* To its neighbour in the order of the table. */
static void go(struct node *n, int step)
{
	size_t rows = model_shown(n->console->model);

	for (size_t i = 0; i < rows; i++) {
		if (model_row(n->console->model, i)->id != n->id)
			continue;
		if ((step < 0 && i == 0) || (step > 0 && i + 1 == rows))
			return;
		n->id = model_row(n->console->model, step < 0 ? i - 1 : i + 1)->id;
		stop_asking(n);
		muster_history_free(n->history);
		n->history = NULL;
		n->skip = 0;
		ask(n);
		return;
	}
}

static bool node_enabled(void *self, int request)
{
	const struct node *n = self;

	if (action_is(request))
		return state_of(n) && !n->console->lost;
	switch (request) {
	case NODE_LOG_DOWN:
		return n->hidden > 0;
	case NODE_LOG_UP:
		return n->skip > 0;
	default:
		return true;
	}
}

static int act(const struct node *n, const struct node_state *s, int request)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	int r = strv_add(&names, s->name);

	return r < 0 ? r : action_do(n->console, request, &names);
}

static int node_key(void *self, int request)
{
	struct node *n = self;
	const struct node_state *s = state_of(n);

	if (action_is(request))
		return s ? act(n, s, request) : 0;
	switch (request) {
	case NODE_EVENTS:
		return s ? tui_push(n->console->tui, &events_screen,
				    &(struct events_argument){ n->console, s->name })
			 : 0;
	case NODE_SSI:
		return tui_push(n->console->tui, &ssi_screen, n->console);
	case NODE_NEXT:
		go(n, 1);
		break;
	case NODE_PREVIOUS:
		go(n, -1);
		break;
	case NODE_LOG_DOWN:
		n->skip += MIN(n->hidden, MAX(n->page - 1, 1));
		break;
	case NODE_LOG_UP:
		n->skip -= MIN(n->skip, MAX(n->page - 1, 1));
		break;
	case NODE_HELP:
		return tui_help(n->console->tui);
	case NODE_BACK:
		tui_pop(n->console->tui);
		break;
	}
	return 0;
}

const struct screen_ops node_screen = {
	.name = "node",
	.title = N_("A node"),
	.help = N_("The bars show the stages of its last boot in time. Right of them stands how long each "
		   "took, and how long it "
		   "usually takes on this node."),
	.keys = &keys,
	.enabled = node_enabled,
	.open = node_open,
	.close = node_close,
	.draw = node_draw,
	.key = node_key,
};
