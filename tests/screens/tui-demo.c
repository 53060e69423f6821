/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Shows each part of tui/ to the tests: a table of rows, a pager, a form, and every box. Its argument is the number of rows.
 */
#include "config.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "demo.h"
#include "tui/dialog.h"
#include "tui/table.h"

enum { SIGN, NAME, ADDRESS, STAGE, FOR, LOAD, KERNEL, ROOT };

static const struct tui_column columns[] = {
	[SIGN] = { "", 1, .tight = true, .no_sort = true },
	[NAME] = { N_("NODE"), 9 },
	[ADDRESS] = { N_("ADDRESS"), 12 },
	[STAGE] = { N_("STAGE"), 9 },
	[FOR] = { N_("FOR"), 6, .right = true },
	[LOAD] = { N_("LOAD"), 5, .right = true, .drop = 3 },
	[KERNEL] = { N_("KERNEL"), 12, .drop = 2, .flex = 1 },
	[ROOT] = { N_("ROOT"), 20, .drop = 1, .flex = 1 },
};

#define DEMO_KEYS(X)                                                                       \
	X(DEMO_FORM, TK_ENTER, TK_NONE, N_("form"), N_("Ask a few questions"), KEYMAP_BAR) \
	X(DEMO_PAGER, 'p', TK_NONE, N_("pager"), N_("Show a text"), KEYMAP_BAR)            \
	X(DEMO_BOX, 'b', TK_NONE, N_("boxes"), N_("Show a box of each kind"), KEYMAP_BAR)  \
	X(DEMO_LATER, 't', TK_NONE, N_("later"), N_("Say something in a moment"), 0)       \
	X(DEMO_MIX, 'm', TK_NONE, N_("mix"), N_("Turn the rows around"), 0)                \
	X(DEMO_CRASH, 'C', TK_NONE, N_("crash"), N_("Crash"), 0)                           \
	X(DEMO_EXIT, 'X', TK_NONE, N_("exit"), N_("Call exit in the middle of it"), 0)     \
	X(DEMO_HELP, '?', TK_NONE, N_("help"), N_("This help"), KEYMAP_BAR)                \
	X(DEMO_QUIT, 'q', TK_NONE, N_("quit"), N_("Quit"), KEYMAP_BAR)

enum demo_request { DEMO_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { DEMO_KEYS(KEYMAP_ENTRY) };
static const struct keymap keys = KEYMAP_WITH(N_("In the demo"), entries, tui_table_keys);

struct demo {
	struct tui *tui;
	struct tui_table *table;
	size_t all;
	uint32_t *rows; /* which are shown, in their order: numbers from 0 on */
	size_t n_rows;
	int moments;
};

/* ---- the table --------------------------------------------------------------------------------------------- */

static uint64_t row_id(void *data, size_t row)
{
	struct demo *d = data;

	return d->rows[row] + 1;
}

static bool failed(uint32_t n)
{
	return n % 9 == 8;
}

static enum tui_style row_cell(void *data, size_t row, size_t column, struct strbuf *text)
{
	struct demo *d = data;
	uint32_t n = d->rows[row];

	switch (column) {
	case SIGN:
		strbuf_adds(text, failed(n) ? SIGN_BAD : n % 7 == 6 ? SIGN_BUSY : SIGN_GOOD);
		return failed(n) ? STYLE_BAD : n % 7 == 6 ? STYLE_BUSY : STYLE_GOOD;
	case NAME:
		strbuf_addf(text, "node%05u", n + 1);
		return STYLE_NORMAL;
	case ADDRESS:
		strbuf_addf(text, "10.66.%u.%u", n / 250, n % 250 + 1);
		return STYLE_NORMAL;
	case STAGE:
		strbuf_adds(text, failed(n) ? "failed" : n % 7 == 6 ? "kernel" : "ready");
		return failed(n) ? STYLE_BAD : STYLE_NORMAL;
	case FOR:
		strbuf_addf(text, "%um", n % 60);
		return STYLE_NORMAL;
	case LOAD:
		strbuf_addf(text, "%.2f", (double)(n * 37 % 400) / 100);
		return STYLE_NORMAL;
	case KERNEL:
		strbuf_adds(text, "6.1.0-37");
		return STYLE_DIM;
	default:
		strbuf_addf(text, "9f3c%04x", n);
		return STYLE_DIM;
	}
}

static int row_tail(void *data, size_t row, struct strbuf *text, enum tui_style *ret)
{
	struct demo *d = data;

	if (!failed(d->rows[row]))
		return -1;
	strbuf_adds(text, "no driver for its network card 8086:15f3");
	*ret = STYLE_NORMAL;
	return LOAD;
}

static void row_sort(void *data, size_t column, bool descending)
{
	struct demo *d = data;

	/* All columns but the load follow the number. */
	for (size_t i = 1; i < d->n_rows; i++) {
		uint32_t n = d->rows[i];
		size_t k = i;

		for (; k > 0; k--) {
			uint32_t a = column == LOAD ? d->rows[k - 1] * 37 % 400 : d->rows[k - 1];
			uint32_t b = column == LOAD ? n * 37 % 400 : n;

			if (descending ? a >= b : a <= b)
				break;
			d->rows[k] = d->rows[k - 1];
		}
		d->rows[k] = n;
	}
	tui_table_changed(d->table, d->n_rows);
}

static void row_filter(void *data, const char *wanted)
{
	struct demo *d = data;

	d->n_rows = 0;
	for (uint32_t n = 0; n < d->all; n++) {
		_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

		strbuf_addf(&b, "node%05u %s", n + 1, failed(n) ? "failed" : "");
		if (b.data && strstr(b.data, wanted))
			d->rows[d->n_rows++] = n;
	}
	tui_table_changed(d->table, d->n_rows);
}

static const struct tui_table_ops table_ops = {
	.id = row_id,
	.cell = row_cell,
	.tail = row_tail,
	.sort = row_sort,
	.filter = row_filter,
};

/* ---- boxes ------------------------------------------------------------------------------------------------- */

static const char *check_input(const char *value, void *data)
{
	return *value ? NULL : "A name has at least one letter.";
}

static void say_text(struct demo *d, int r, char *value)
{
	if (r == 0)
		tui_notice(d->tui, STYLE_NORMAL, "answer: %s", value);
	else
		tui_notice(d->tui, STYLE_WARNING, "cancelled");
	if (r == 0)
		free(value);
}

static void show_text(struct demo *d)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	for (int i = 1; i <= 100; i++)
		strbuf_addf(&b, "line %d of a long text\n", i);
	if (tui_box_text(d->tui, "A text", b.data ? b.data : "") < 0)
		tui_notice(d->tui, STYLE_WARNING, "cancelled");
}

static void show_checklist(struct demo *d)
{
	struct tui_box_item items[] = { { "dhcp", "gives addresses", true },
					{ "tftp", "gives loaders", false },
					{ "nfs", "gives roots", false } };
	int r = tui_box_checklist(d->tui, "Services", "Which of them shall run here?", items,
				  ARRAY_SIZE(items));

	if (r < 0)
		tui_notice(d->tui, STYLE_WARNING, "cancelled");
	else
		tui_notice(d->tui, STYLE_NORMAL, "answer: %d%d%d", items[0].on, items[1].on, items[2].on);
}

static void show_box(struct demo *d, size_t which)
{
	char *value = NULL;
	int r;

	switch (which) {
	case 0:
		tui_box_message(d->tui, "A message",
				"Something has happened that you should know of. \x1b[2J It is over.");
		tui_notice(d->tui, STYLE_NORMAL, "answer: read");
		return;
	case 1:
		r = tui_box_yes_no(d->tui, "A question", "Shall node00001 be switched off?", "Switch off",
				   NULL, true);
		tui_notice(d->tui, STYLE_NORMAL, "answer: %s", r < 0 ? "cancelled" : r ? "yes" : "no");
		return;
	case 2:
		show_checklist(d);
		return;
	case 3:
		r = tui_box_input(d->tui, "A name", "How shall it be called?", "krg", check_input, NULL,
				  &value);
		break;
	case 4:
		r = tui_box_password(d->tui, "A password", "For root on the nodes:", NULL, NULL, &value);
		break;
	case 5:
		r = tui_box_file(d->tui, "A file", "/", &value);
		break;
	default:
		show_text(d);
		return;
	}
	say_text(d, r, value);
}

static void show_boxes(struct demo *d)
{
	static const struct tui_box_item items[] = {
		{ "message", "tells something", false }, { "yes or no", "asks", false },
		{ "checklist", "some of many", false },	 { "input", "a line", false },
		{ "password", "twice", false },		 { "file", "of this server", false },
		{ "text", "to scroll", false },
	};
	size_t which = 0;

	if (tui_box_menu(d->tui, "Boxes", "Which kind of box shall be shown?", items, ARRAY_SIZE(items),
			 &which) == 0)
		show_box(d, which);
	else
		tui_notice(d->tui, STYLE_WARNING, "cancelled");
}

/* ---- the screen -------------------------------------------------------------------------------------------- */

static int demo_open(struct tui *t, void *argument, void **ret)
{
	struct demo *d = calloc(1, sizeof(*d));
	int r = d ? tui_table_new(columns, ARRAY_SIZE(columns), &table_ops, d, &d->table) : -ENOMEM;

	if (r < 0) {
		free(d);
		return r;
	}
	d->tui = t;
	d->all = *(size_t *)argument;
	d->rows = calloc(d->all + 1, sizeof(*d->rows));
	tui_table_set_empty(d->table, "There is no node yet. Switch one on, and it appears here.");
	if (d->rows)
		row_filter(d, "");
	*ret = d;
	return d->rows ? 0 : -ENOMEM;
}

static void demo_close(void *self)
{
	struct demo *d = self;

	tui_table_free(d->table);
	free(d->rows);
	free(d);
}

static void demo_draw(void *self, struct canvas *c)
{
	struct demo *d = self;
	struct canvas rows = canvas_sub(c, 2, 0, c->rows - 2, c->columns);
	int x = canvas_text(c, 0, 1, STYLE_TITLE, "demo");

	x = canvas_textf(c, 0, x + 3, STYLE_NORMAL, "%zu nodes", d->all);
	if (tui_table_selected(d->table))
		x = canvas_textf(c, 0, x + 3, STYLE_MARKED, "%zu selected", tui_table_selected(d->table));
	canvas_bar(c, 0, x + 3, 10, 0, 620, true, STYLE_GOOD);
	canvas_right(c, 0, c->columns - 1, STYLE_DIM, "漢字 é ←→");
	tui_table_draw(d->table, &rows);
}

static int64_t say_later(void *data)
{
	struct demo *d = data;

	tui_notice(d->tui, STYLE_NORMAL, "moment %d has come", ++d->moments);
	return 0;
}

static int demo_event(void *self, const struct tui_event *e)
{
	struct demo *d = self;

	if (tui_table_event(d->table, e))
		return 1;
	if (e->type == TUI_PASTE)
		tui_notice(d->tui, STYLE_NORMAL, "pasted %zu: %s", strlen(e->text), e->text);
	return 0;
}

static const struct keymap *demo_keys_now(void *self)
{
	struct demo *d = self;

	return tui_table_keys_now(d->table, &keys);
}

static bool demo_enabled(void *self, int request)
{
	struct demo *d = self;

	return request < KEYMAP_SHARED || tui_table_enabled(d->table, request);
}

static void mix(struct demo *d)
{
	for (size_t i = 0; i < d->n_rows / 2; i++) {
		uint32_t n = d->rows[i];

		d->rows[i] = d->rows[d->n_rows - 1 - i];
		d->rows[d->n_rows - 1 - i] = n;
	}
	tui_table_changed(d->table, d->n_rows);
}

static int demo_key(void *self, int request)
{
	struct demo *d = self;
	unsigned int timer;

	switch (request) {
	case DEMO_FORM:
		return tui_push(d->tui, &demo_form_screen, NULL);
	case DEMO_PAGER:
		return tui_push(d->tui, &demo_pager_screen, NULL);
	case DEMO_BOX:
		show_boxes(d);
		return 0;
	case DEMO_LATER:
		return tui_timer(d->tui, 50, say_later, d, &timer);
	case DEMO_MIX:
		mix(d);
		return 0;
	case DEMO_CRASH:
		if (!getenv("DEMO_TAME"))
			raise(SIGSEGV);
		return 0;
	case DEMO_EXIT:
		if (!getenv("DEMO_TAME"))
			exit(3);
		return 0;
	case DEMO_HELP:
		return tui_help(d->tui);
	case DEMO_QUIT:
		tui_pop(d->tui);
		return 0;
	default:
		tui_table_key(d->table, request);
		return 0;
	}
}

static const struct screen_ops demo_screen = {
	.name = "demo",
	.title = N_("the demo"),
	.help = N_("This table shows nodes that do not exist. It is here so that the parts of which real "
		   "screens are made "
		   "can be looked at and tested."),
	.keys = &keys,
	.keys_now = demo_keys_now,
	.enabled = demo_enabled,
	.open = demo_open,
	.close = demo_close,
	.draw = demo_draw,
	.event = demo_event,
	.key = demo_key,
};

int main(int argc, char **argv)
{
	size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 40;
	struct tui *t;
	int r;

	setlocale(LC_ALL, "");
	r = tui_open(STDIN_FILENO, STDOUT_FILENO, &t);
	if (r < 0) {
		fprintf(stderr, "tui-demo: %s\n", strerror(-r));
		return 2;
	}
	r = tui_push(t, &demo_screen, &rows);
	if (r == 0)
		r = tui_run(t);
	tui_close(t);
	printf("bye %d\n", r);
	return r < 0 ? 1 : r == TUI_END_DONE ? 0 : 10 + r;
}
