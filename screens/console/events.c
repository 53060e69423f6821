/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log as it grows: of all nodes, or of one. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "screens/console/parts.h"
#include "screens/console/private.h"
#include "tui/table.h"
#include "util/i18n.h"

#define EVENTS_KEYS(X)                                                                                       \
	X(EVENTS_OPEN, TK_ENTER, 'l', N_("open"), N_("Show the node of this event"), KEYMAP_BAR)             \
	X(EVENTS_NODE, 'n', TK_NONE, N_("its node"), N_("Only this event's node, or all again"), KEYMAP_BAR) \
	X(EVENTS_KIND, 't', TK_NONE, N_("its kind"), N_("Only events of this kind, or all again"),           \
	  KEYMAP_BAR)                                                                                        \
	X(EVENTS_HELP, '?', TK_NONE, N_("keys"), N_("Show what each key does"), KEYMAP_BAR)                  \
	X(EVENTS_BACK, 'q', TK_NONE, N_("back"), N_("Back to where you came from"), KEYMAP_BAR)              \
	X(EVENTS_ESCAPE, TK_ESC, TK_NONE, N_("back"), N_("Back to where you came from"), 0)

enum events_request { EVENTS_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { EVENTS_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("Events"), entries, tui_table_keys);

enum { COLUMN_TIME, COLUMN_NODE, COLUMN_KIND, COLUMN_TEXT };
static const struct tui_column columns[] = {
	[COLUMN_TIME] = { .title = N_("TIME"), .width = 15, .no_sort = true },
	[COLUMN_NODE] = { .title = N_("NODE"), .width = 8, .no_sort = true },
	[COLUMN_KIND] = { .title = N_("KIND"), .width = 8, .no_sort = true },
	[COLUMN_TEXT] = { .title = N_("WHAT"), .width = 20, .flex = 1, .no_sort = true },
};

struct events {
	struct console *console;
	bool fixed_node; /* it was opened for this node alone */
	char *node;	 /* owned; NULL: all */
	char *kind;	 /* likewise */
	struct tui_table *table;
	uint64_t seen;
	uint16_t rows[MODEL_EVENTS_KEPT]; /* places in the model's list */
	size_t n;
};

static const struct model_event *event_of(const struct events *v, size_t row)
{
	return row < v->n ? model_event_at(v->console->model, v->rows[row]) : NULL;
}

/* Each word must stand in its node, kind or text, as they are or as they are shown. */
static bool is_chosen(const struct events *v, const struct model_event *e, const char *filter)
{
	const char *shown = strcmp(e->kind, "stage") == 0 ? i18n(e->text) : "";
	char words[256], *save = NULL;

	if ((v->node && strcmp(e->node, v->node) != 0) || (v->kind && strcmp(e->kind, v->kind) != 0))
		return false;
	snprintf(words, sizeof(words), "%s", filter);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		if (!strcasestr(e->node, w) && !strcasestr(e->kind, w) && !strcasestr(e->text, w) &&
		    !strcasestr(text_of_kind(e->kind), w) && !strcasestr(shown, w))
			return false;
	return true;
}

/* Who stands at the end stays there while the log grows. */
static void take_in(struct events *v)
{
	const char *filter = tui_table_filter(v->table);
	size_t all = model_events(v->console->model);
	bool at_end = tui_table_row(v->table) == SIZE_MAX || tui_table_row(v->table) + 1 == v->n;

	v->n = 0;
	for (size_t i = 0; i < all; i++)
		if (is_chosen(v, model_event_at(v->console->model, i), filter))
			v->rows[v->n++] = (uint16_t)i;
	v->seen = v->console->changes;
	tui_table_changed(v->table, v->n);
	if (at_end && v->n > 0)
		tui_table_go_to(v->table, v->n - 1);
}

static uint64_t event_id(void *data, size_t row)
{
	const struct model_event *e = event_of(data, row);

	return e ? (uint64_t)e->id : 0;
}

static enum tui_style event_cell(void *data, size_t row, size_t column, struct strbuf *text)
{
	const struct model_event *e = event_of(data, row);
	enum node_stage stage;
	char when[32];
	struct tm tm;
	time_t at;

	if (!e)
		return STYLE_NORMAL;
	switch (column) {
	case COLUMN_TIME:
		at = (time_t)(e->at / 1000);
		if (localtime_r(&at, &tm) && strftime(when, sizeof(when), _("%d %b %H:%M:%S"), &tm) > 0)
			strbuf_adds(text, when);
		return STYLE_DIM;
	case COLUMN_NODE:
		strbuf_adds(text, e->node);
		return STYLE_NORMAL;
	case COLUMN_KIND:
		strbuf_adds(text, text_of_kind(e->kind));
		return strcmp(e->kind, "failed") == 0	 ? STYLE_BAD
		       : strcmp(e->kind, "refused") == 0 ? STYLE_WARNING
							 : STYLE_DIM;
	default:
		if (strcmp(e->kind, "stage") != 0 || node_stage_parse(e->text, &stage) < 0) {
			strbuf_adds(text, e->text);
			return STYLE_NORMAL;
		}
		strbuf_addf(text, "%s %s", sign_of_stage(stage), text_of_stage(stage));
		return style_of_stage(stage);
	}
}

static void filter_events(void *data, const char *text)
{
	take_in(data);
}

static const struct tui_table_ops table_ops = {
	.id = event_id,
	.cell = event_cell,
	.filter = filter_events,
};

static int events_open(struct tui *t, void *argument, void **ret)
{
	const struct events_argument *a = argument;
	struct events *v = calloc(1, sizeof(*v));
	int r = v ? 0 : -ENOMEM;

	if (r == 0 && a->node) {
		v->fixed_node = true;
		v->node = strdup(a->node);
		r = v->node ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = tui_table_new(columns, ARRAY_SIZE(columns), &table_ops, v, &v->table);
	if (r < 0) {
		if (v)
			free(v->node);
		free(v);
		return r;
	}
	v->console = a->console;
	tui_table_set_empty(v->table, _("There is no such event yet."));
	take_in(v);
	*ret = v;
	return 0;
}

static void events_close(void *self)
{
	struct events *v = self;

	tui_table_free(v->table);
	free(v->node);
	free(v->kind);
	free(v);
}

static void draw_title(const struct events *v, struct canvas *c)
{
	int x;

	if (v->node)
		x = canvas_textf(c, 0, 1, STYLE_TITLE, _("Events of %s"), v->node);
	else
		x = canvas_textf(c, 0, 1, STYLE_TITLE, _("Events of cluster %s"), v->console->cluster);
	if (v->kind)
		canvas_textf(c, 0, x + 2, STYLE_NORMAL, _("only %s"), text_of_kind(v->kind));
}

static void events_draw(void *self, struct canvas *c)
{
	struct events *v = self;
	_cleanup_strbuf_ struct strbuf lost = STRBUF_INIT;
	struct canvas part;
	int top = 1;

	if (v->seen != v->console->changes)
		take_in(v);
	draw_title(v, c);
	if (console_lost(v->console, &lost) && !lost.failed)
		canvas_text(c, top++, 1, STYLE_WARNING, lost.data);
	part = canvas_sub(c, top, 0, c->rows - top, c->columns);
	tui_table_draw(v->table, &part);
}

static const struct keymap *events_keys_now(void *self)
{
	const struct events *v = self;

	return tui_table_keys_now(v->table, &keys);
}

static bool events_enabled(void *self, int request)
{
	const struct events *v = self;
	const struct model_event *e = event_of(v, tui_table_row(v->table));

	switch (request) {
	case EVENTS_OPEN:
		return !v->node && e && *e->node && model_find(v->console->model, e->node);
	case EVENTS_NODE:
		return !v->fixed_node && (v->node || (e && *e->node));
	case EVENTS_KIND:
		return v->kind || e;
	case EVENTS_ESCAPE: /* all rows come back first */
		return !tui_table_enabled(v->table, TABLE_UNFILTER);
	case EVENTS_HELP:
	case EVENTS_BACK:
		return true;
	case TABLE_SORT:
	case TABLE_REVERSE:
	case TABLE_SELECT:
	case TABLE_RANGE:
	case TABLE_SELECT_UP:
	case TABLE_SELECT_DOWN:
	case TABLE_SELECT_ALL:
		return false;
	default:
		return tui_table_enabled(v->table, request);
	}
}

static int events_event(void *self, const struct tui_event *e)
{
	struct events *v = self;

	return tui_table_event(v->table, e);
}

/* The choice is taken back where there is one, else it is what the event under the cursor has. */
static int toggle(struct events *v, char **choice, const char *text)
{
	if (*choice) {
		free(TAKE_PTR(*choice));
	} else if (text && *text) {
		*choice = strdup(text);
		if (!*choice)
			return -ENOMEM;
	}
	take_in(v);
	return 0;
}

static int events_key(void *self, int request)
{
	struct events *v = self;
	const struct model_event *e = event_of(v, tui_table_row(v->table));

	switch (request) {
	case EVENTS_OPEN:
		return e ? tui_push(v->console->tui, &node_screen,
				    &(struct node_argument){ v->console, e->node })
			 : 0;
	case EVENTS_NODE:
		return toggle(v, &v->node, e ? e->node : NULL);
	case EVENTS_KIND:
		return toggle(v, &v->kind, e ? e->kind : NULL);
	case EVENTS_HELP:
		return tui_help(v->console->tui);
	case EVENTS_BACK:
	case EVENTS_ESCAPE:
		tui_pop(v->console->tui);
		return 0;
	default:
		tui_table_key(v->table, request);
		return 0;
	}
}

const struct screen_ops events_screen = {
	.name = "events",
	.title = N_("Events"),
	.help = N_("What happened, oldest first. At the end of the list it follows what happens. A filter's "
		   "words are looked for "
		   "in the node, the kind and the text."),
	.keys = &keys,
	.keys_now = events_keys_now,
	.enabled = events_enabled,
	.open = events_open,
	.close = events_close,
	.draw = events_draw,
	.event = events_event,
	.key = events_key,
};
