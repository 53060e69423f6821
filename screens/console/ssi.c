/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The page of the single system: many nodes as one machine, its processes as they move. */
#include "config.h"

#include "screens/console/ssi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/i18n.h"
#include "util/units.h"

#define AGAIN_MS 30000 /* until one that hung is looked at once more */

#define SSI_KEYS(X)                                                                                  \
	X(SSI_MIGRATE, 'm', TK_ENTER, N_("migrate"),                                                 \
	  N_("Move the process under the cursor to another node"), KEYMAP_BAR)                       \
	X(SSI_START, 'u', TK_NONE, N_("start"), N_("Make one machine of nodes"), KEYMAP_BAR)         \
	X(SSI_ADD, 'a', TK_NONE, N_("add"), N_("Add nodes to it"), KEYMAP_BAR)                       \
	X(SSI_REMOVE, 'd', TK_NONE, N_("remove"), N_("Take nodes out of it"), KEYMAP_BAR)            \
	X(SSI_SCHEDULER, 'b', TK_NONE, N_("scheduler"),                                              \
	  N_("Let processes go by themselves where there is less to do, or stay"), KEYMAP_BAR)       \
	X(SSI_TEST, 't', TK_NONE, N_("test"), N_("Try out whether it works"), KEYMAP_BAR)            \
	X(SSI_STOP, 'x', TK_NONE, N_("stop"), N_("End all of it in good order"), KEYMAP_BAR)         \
	X(SSI_RESET, 'R', TK_NONE, N_("reset"), N_("Restart all its nodes at once, where it hangs"), \
	  KEYMAP_BAR)                                                                                \
	X(SSI_NODES, 'n', TK_NONE, N_("more nodes"), N_("Show the next nodes, where not all fit"),   \
	  KEYMAP_BAR)                                                                                \
	X(SSI_HELP, '?', TK_NONE, N_("keys"), N_("Show what each key does"), KEYMAP_BAR)             \
	X(SSI_BACK, 'q', TK_NONE, N_("back"), N_("Back to the nodes"), KEYMAP_BAR)                   \
	X(SSI_LEAVE, TK_ESC, TK_NONE, N_("back"), N_("Back to the nodes, where nothing is filtered"), 0)

enum ssi_request { SSI_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { SSI_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("The single system"), entries, tui_table_keys);

static const struct tui_column columns[] = {
	[SSI_MODEL_NODE] = { .title = N_("NODE"), .width = 7, .flex = 1 },
	[SSI_MODEL_PID] = { .title = "PID", .width = 8, .right = true },
	[SSI_MODEL_FROM] = { .title = N_("FROM"), .width = 9, .drop = 5 },
	[SSI_MODEL_USER] = { .title = N_("USER"), .width = 5, .right = true, .drop = 1 },
	[SSI_MODEL_STATE] = { .title = "S", .width = 1, .drop = 3 },
	[SSI_MODEL_CPU] = { .title = N_("CPU"), .width = 5, .right = true },
	[SSI_MODEL_TIME] = { .title = N_("TIME"), .width = 6, .right = true, .drop = 4 },
	[SSI_MODEL_MEMORY] = { .title = N_("MEM"), .width = 9, .right = true, .drop = 2 },
	[SSI_MODEL_COMMAND] = { .title = N_("COMMAND"), .width = 10, .flex = 2 },
};

static void no_memory(struct ssi_page *p)
{
	tui_notice(p->console->tui, STYLE_ERROR, _("There is no memory left."));
}

/* ---- the nodes ------------------------------------------------------------------------------------------------- */

static int compare_places(const void *a, const void *b)
{
	const struct node_state *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

/* The states are lent to the model for the call. */
static void take_in(struct ssi_page *p)
{
	const struct model *m = p->console->model;
	_cleanup_free_ struct node_state *v = calloc(model_all(m) + 1, sizeof(*v));
	size_t n = 0;

	p->seen = p->console->changes;
	for (size_t i = 0; v && i < model_all(m); i++)
		if (!model_any(m, i)->gone)
			v[n++] = model_any(m, i)->state;
	if (v)
		qsort(v, n, sizeof(*v), compare_places);
	if (!v || ssi_model_nodes(p->model, v, n) < 0)
		no_memory(p);
	tui_table_changed(p->table, ssi_model_shown(p->model));
}

/* ---- the processes, as long as they are looked at -------------------------------------------------------------- */

static void stop_asking(struct ssi_page *p)
{
	if (!p->asking)
		return;
	tui_unwatch(p->console->tui, muster_asking_fd(p->asking));
	muster_asking_free(TAKE_PTR(p->asking));
	p->asked = 0;
}

static int on_processes(int fd, void *data)
{
	struct ssi_page *p = data;
	struct ssi_processes *list;
	int r;

	while ((r = muster_ssi_ps_read(p->console->muster, p->asking, &list)) == 0) {
		bool hung = ssi_model_hangs(p->model);

		if (ssi_model_take(p->model, list, clock_wall_ms()) < 0)
			no_memory(p);
		if (ssi_model_hangs(p->model))
			p->hung = clock_mono_ms();
		else if (hung)
			take_in(p);
		if (list->look != SSI_LOOK_FAILED)
			p->asked = clock_mono_ms();
		muster_ssi_ps_free(list);
		tui_table_changed(p->table, ssi_model_shown(p->model));
		tui_dirty(p->console->tui);
	}
	if (r > 0)
		return 0;
	/* A musterd that went away is asked again when it is back; one that does not know this is not. */
	stop_asking(p);
	if (r != -ECONNRESET)
		p->refused = r;
	free(muster_take_error(p->console->muster));
	tui_dirty(p->console->tui);
	return 0;
}

static void ask(struct ssi_page *p)
{
	bool up = ssi_model_state(p->model)->health == SSI_UP;
	/* What hung may have been slow only. */
	bool again = ssi_model_hangs(p->model) && clock_mono_ms() - p->hung >= AGAIN_MS;
	bool wanted = (up || again) && !p->console->lost;

	if (p->asking && !wanted)
		stop_asking(p);
	if (!up)
		ssi_model_forget(p->model);
	if (p->asking || !wanted || p->refused)
		return;
	if (muster_ssi_ps_ask(p->console->muster, false, &p->asking) < 0)
		return;
	p->asked = clock_mono_ms();
	if (tui_watch(p->console->tui, muster_asking_fd(p->asking), on_processes, p) < 0)
		muster_asking_free(TAKE_PTR(p->asking));
}

/* ---- the table's rows ------------------------------------------------------------------------------------------ */

static uint64_t row_id(void *data, size_t row)
{
	struct ssi_page *p = data;
	const struct ssi_model_process *process = ssi_model_row(p->model, row);

	return process ? (uint64_t)process->is.pid : 0;
}

static bool is_marked(const struct ssi_page *p, const struct ssi_model_process *process)
{
	return process->moved && p->now - process->moved < SSI_MODEL_MARK_MS;
}

/* Where it came from a moment ago, else where it began, when that is elsewhere. */
static enum tui_style add_from(const struct ssi_page *p, const struct ssi_model_process *process,
			       struct strbuf *text)
{
	const struct ssi_process *is = &process->is;
	char buf[24];

	if (is_marked(p, process)) {
		strbuf_addf(text, "<- %s", ssi_model_name(p->model, process->came_from, buf));
		return STYLE_ACCENT;
	}
	if (is->home >= 0 && is->home != is->node)
		strbuf_adds(text, ssi_model_name(p->model, is->home, buf));
	return STYLE_DIM;
}

static enum tui_style process_cell(void *data, size_t row, size_t column, struct strbuf *text)
{
	struct ssi_page *p = data;
	const struct ssi_model_process *process = ssi_model_row(p->model, row);
	const struct ssi_process *is = &process->is;
	char buf[24];

	if (!process)
		return STYLE_NORMAL;
	switch ((enum ssi_model_key)column) {
	case SSI_MODEL_NODE:
		strbuf_adds(text, ssi_model_name(p->model, is->node, buf));
		return is_marked(p, process) ? STYLE_ACCENT : STYLE_NORMAL;
	case SSI_MODEL_PID:
		strbuf_addf(text, "%ld", is->pid);
		break;
	case SSI_MODEL_FROM:
		return add_from(p, process, text);
	case SSI_MODEL_USER:
		strbuf_addf(text, is->uid == 0 ? "root" : "%ld", is->uid);
		break;
	case SSI_MODEL_STATE:
		strbuf_addc(text, is->state);
		return is->state == 'R' ? STYLE_GOOD : STYLE_NORMAL;
	case SSI_MODEL_CPU:
		if (process->cpu >= 0)
			strbuf_addf(text, "%d %%", (process->cpu + 5) / 10);
		break;
	case SSI_MODEL_TIME:
		strbuf_adds(text, DURATION(is->ms));
		break;
	case SSI_MODEL_MEMORY:
		strbuf_adds(text, BYTES((unsigned long long)is->memory_kb * 1024));
		break;
	case SSI_MODEL_COMMAND:
		strbuf_adds(text, is->name);
		break;
	case SSI_MODEL_KEY_COUNT:
		break;
	}
	return STYLE_NORMAL;
}

static void sort_processes(void *data, size_t column, bool descending)
{
	struct ssi_page *p = data;

	ssi_model_sort(p->model, (enum ssi_model_key)column, descending);
	tui_table_changed(p->table, ssi_model_shown(p->model));
}

static void filter_processes(void *data, const char *text)
{
	struct ssi_page *p = data;

	if (ssi_model_filter(p->model, text) < 0)
		no_memory(p);
	tui_table_changed(p->table, ssi_model_shown(p->model));
}

static const struct tui_table_ops table_ops = {
	.id = row_id,
	.cell = process_cell,
	.sort = sort_processes,
	.filter = filter_processes,
};

/* ---- the screen ------------------------------------------------------------------------------------------------ */

static void ssi_close(void *self)
{
	struct ssi_page *p = self;

	stop_asking(p);
	ssi_leave_job(p);
	tui_table_free(p->table);
	ssi_model_free(p->model);
	free(p);
}

static int ssi_open(struct tui *t, void *argument, void **ret)
{
	struct ssi_page *p = calloc(1, sizeof(*p));
	int r = p ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	p->console = argument;
	r = ssi_model_new(&p->model);
	if (r == 0)
		r = tui_table_new(columns, ARRAY_SIZE(columns), &table_ops, p, &p->table);
	if (r < 0) {
		ssi_model_free(p->model);
		free(p);
		return r;
	}
	tui_table_set_empty(p->table, _("Asking a node for its processes ..."));
	tui_table_set_sort(p->table, SSI_MODEL_CPU, false);
	take_in(p);
	*ret = p;
	return 0;
}

static void ssi_draw_screen(void *self, struct canvas *c)
{
	struct ssi_page *p = self;
	struct canvas table;

	if (!p->console->synced) {
		canvas_text(c, 1, 1, STYLE_DIM, _("Asking musterd ..."));
		return;
	}
	if (p->seen != p->console->changes)
		take_in(p);
	p->now = clock_wall_ms();
	ask(p);
	ssi_draw(p, c, &table);
	if (table.rows > 1)
		tui_table_draw(p->table, &table);
}

static const struct ssi_model_process *here(const struct ssi_page *p)
{
	size_t row = tui_table_row(p->table);

	return row == SIZE_MAX ? NULL : ssi_model_row(p->model, row);
}

static size_t count(const struct ssi_page *p, enum ssi_place place)
{
	const struct ssi_state *s = ssi_model_state(p->model);
	size_t n = 0;

	for (size_t i = 0; i < s->n_nodes; i++)
		n += s->nodes[i].place == place;
	return n;
}

static bool shows_table(const struct ssi_page *p)
{
	return p->console->synced && ssi_model_state(p->model)->health == SSI_UP;
}

static bool can_act(const struct ssi_page *p, int request)
{
	const struct ssi_state *s = ssi_model_state(p->model);

	if (p->console->lost || !p->console->synced)
		return false;
	switch (request) {
	case SSI_START:
		return s->health == SSI_DOWN && count(p, SSI_PRESENT) > 0;
	case SSI_ADD:
		return s->health == SSI_UP && count(p, SSI_PRESENT) > 0;
	case SSI_REMOVE:
		return s->health == SSI_UP && s->online > 1;
	case SSI_SCHEDULER:
	case SSI_STOP:
		return s->health == SSI_UP;
	case SSI_TEST:
		return s->health == SSI_UP && s->online > 1;
	case SSI_RESET:
		return count(p, SSI_OUT) < s->n_nodes;
	default: /* SSI_MIGRATE */
		return shows_table(p) && here(p) && here(p)->is.home >= 0 && !p->job;
	}
}

static bool ssi_enabled(void *self, int request)
{
	struct ssi_page *p = self;

	switch (request) {
	case SSI_START:
	case SSI_ADD:
	case SSI_REMOVE:
	case SSI_RESET:
	case SSI_SCHEDULER:
	case SSI_TEST:
	case SSI_STOP:
	case SSI_MIGRATE:
		return can_act(p, request);
	case SSI_NODES:
		return p->shown_nodes < ssi_model_state(p->model)->n_nodes;
	case SSI_HELP:
	case SSI_BACK:
		return true;
	case SSI_LEAVE:
		return !shows_table(p) || !tui_table_enabled(p->table, TABLE_UNFILTER);
	/* One process at a time is moved. */
	case TABLE_SELECT:
	case TABLE_RANGE:
	case TABLE_SELECT_UP:
	case TABLE_SELECT_DOWN:
	case TABLE_SELECT_ALL:
		return false;
	default:
		return shows_table(p) && tui_table_enabled(p->table, request);
	}
}

static const struct keymap *ssi_keys_now(void *self)
{
	const struct ssi_page *p = self;

	return tui_table_keys_now(p->table, &keys);
}

static int ssi_event(void *self, const struct tui_event *e)
{
	struct ssi_page *p = self;

	return shows_table(p) ? tui_table_event(p->table, e) : 0;
}

static bool opens_another(int request)
{
	switch (request) {
	case SSI_HELP:
	case SSI_START:
	case SSI_ADD:
	case SSI_REMOVE:
	case SSI_RESET:
	case SSI_SCHEDULER:
	case SSI_TEST:
	case SSI_STOP:
		return true;
	default:
		return false;
	}
}

static int ssi_key(void *self, int request)
{
	struct ssi_page *p = self;

	/* Others come above it: nobody looks at the processes then. */
	if (opens_another(request))
		stop_asking(p);
	switch (request) {
	case SSI_MIGRATE:
		return here(p) ? ssi_migrate(p, here(p)) : 0;
	case SSI_START:
		return ssi_start(p);
	case SSI_ADD:
		return ssi_add(p);
	case SSI_REMOVE:
		return ssi_remove(p);
	case SSI_RESET:
		return ssi_reset(p);
	case SSI_SCHEDULER:
		return ssi_scheduler(p);
	case SSI_TEST:
		return ssi_test(p);
	case SSI_STOP:
		return ssi_stop(p);
	case SSI_NODES:
		p->first_node += p->shown_nodes;
		return 0;
	case SSI_HELP:
		return tui_help(p->console->tui);
	case SSI_BACK:
	case SSI_LEAVE:
		tui_pop(p->console->tui);
		return 0;
	default:
		tui_table_key(p->table, request);
		return 0;
	}
}

const struct screen_ops ssi_screen = {
	.name = "ssi",
	.title = N_("The single system: many nodes as one machine"),
	.help = N_(
		"At the top the one machine, below it its nodes with their shares, then its processes, the "
		"busiest first: where each is, and in FROM where it began, when that was elsewhere. One "
		"that has just moved is marked there with an arrow for some seconds."),
	.keys = &keys,
	.keys_now = ssi_keys_now,
	.enabled = ssi_enabled,
	.open = ssi_open,
	.close = ssi_close,
	.draw = ssi_draw_screen,
	.event = ssi_event,
	.key = ssi_key,
};
