/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the operator asks of nodes: restart, switch off, wake, boot something else, run a command. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/console/private.h"
#include "tui/dialog.h"
#include "tui/pager.h"
#include "util/i18n.h"

/* ---- what became of an action, a line a node ---------------------------------------------------------------------- */

#define RESULTS_KEYS(X) X(RESULTS_BACK, 'q', TK_ESC, N_("back"), N_("Back to the nodes"), KEYMAP_BAR)

enum results_request { RESULTS_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry results_entries[] = { RESULTS_KEYS(KEYMAP_ENTRY) };
static const struct keymap results_keys = KEYMAP_WITH(N_("Results"), results_entries, tui_pager_keys);

struct results {
	struct console *console;
	struct tui_pager *pager;
	char *title;
	struct muster_run *run; /* NULL: it has ended, or there was none */
	size_t nodes, done, failed;
};

struct results_argument {
	struct console *console;
	const char *title;
	struct tui_pager *pager; /* taken over */
	struct muster_run *run;	 /* taken over; NULL: none */
	size_t nodes;
};

static void on_line(void *data, const char *node, const char *line)
{
	struct results *v = data;

	if (tui_pager_addf(v->pager, STYLE_NORMAL, "%s: %s", node, line) < 0)
		tui_notice(v->console->tui, STYLE_ERROR, _("There is no memory left."));
}

static void on_done(void *data, const char *node, int status)
{
	struct results *v = data;
	int r = 0;

	v->done++;
	v->failed += status != 0;
	if (status == 255)
		r = tui_pager_addf(v->pager, STYLE_BAD,
				   _("%s: ssh could not reach it, or the command ended with 255"), node);
	else if (status > 0)
		r = tui_pager_addf(v->pager, STYLE_BAD, _("%s: exit status %d"), node, status);
	else if (status < 0)
		r = tui_pager_addf(v->pager, STYLE_BAD, "%s: %s", node, muster_strerror(status));
	else
		r = tui_pager_addf(v->pager, STYLE_DIM, _("%s: done"), node);
	if (r < 0)
		tui_notice(v->console->tui, STYLE_ERROR, _("There is no memory left."));
}

static const struct muster_run_ops run_ops = { .line = on_line, .done = on_done };

static int on_run(int fd, void *data)
{
	struct results *v = data;
	int r = muster_run_work(v->run, &run_ops, v);

	tui_dirty(v->console->tui);
	if (r == 0)
		return 0;
	tui_unwatch(v->console->tui, fd);
	muster_run_free(TAKE_PTR(v->run));
	return 0;
}

static void results_close(void *self)
{
	struct results *v = self;

	if (v->run)
		tui_unwatch(v->console->tui, muster_run_fd(v->run));
	muster_run_free(v->run);
	tui_pager_free(v->pager);
	free(v->title);
	free(v);
}

static int results_open(struct tui *t, void *argument, void **ret)
{
	struct results_argument *a = argument;
	struct results *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->console = a->console;
	v->title = strdup(a->title);
	v->nodes = a->nodes;
	v->pager = TAKE_PTR(a->pager);
	v->run = TAKE_PTR(a->run);
	if (!v->title || (v->run && tui_watch(t, muster_run_fd(v->run), on_run, v) < 0)) {
		muster_run_free(TAKE_PTR(v->run));
		results_close(v);
		return -ENOMEM;
	}
	tui_pager_follow(v->pager, v->run != NULL);
	*ret = v;
	return 0;
}

static void results_draw(void *self, struct canvas *c)
{
	struct results *v = self;
	struct canvas part = canvas_sub(c, 1, 1, c->rows - 1, c->columns - 1);

	canvas_text(c, 0, 1, STYLE_TITLE, v->title);
	if (v->done || v->run) {
		_cleanup_strbuf_ struct strbuf right = STRBUF_INIT;

		strbuf_addf(&right, _("%zu of %zu done"), v->done, v->nodes);
		if (v->failed)
			strbuf_addf(&right, _(", %zu failed"), v->failed);
		if (!right.failed)
			canvas_right(c, 0, c->columns - 1, v->failed ? STYLE_BAD : STYLE_DIM, right.data);
	}
	tui_pager_draw(v->pager, &part);
}

static const struct keymap *results_keys_now(void *self)
{
	const struct results *v = self;

	return tui_pager_keys_now(v->pager, &results_keys);
}

static bool results_enabled(void *self, int request)
{
	const struct results *v = self;

	return request == RESULTS_BACK || tui_pager_enabled(v->pager, request);
}

static int results_event(void *self, const struct tui_event *e)
{
	struct results *v = self;

	return tui_pager_event(v->pager, e);
}

static int results_key(void *self, int request)
{
	struct results *v = self;

	if (request == RESULTS_BACK)
		tui_pop(v->console->tui);
	else
		tui_pager_key(v->pager, request);
	return 0;
}

static const struct screen_ops results_screen = {
	.name = "results",
	.title = N_("Results"),
	.help = N_("What became of it, node by node."),
	.keys = &results_keys,
	.keys_now = results_keys_now,
	.enabled = results_enabled,
	.open = results_open,
	.close = results_close,
	.draw = results_draw,
	.event = results_event,
	.key = results_key,
};

/* One node's answer fits into the bottom line; more have a screen. */
static int show_results(struct console *c, const char *title, struct muster_result *v, size_t n)
{
	struct results_argument a = { .console = c, .title = title };
	int r = 0;

	if (n == 1) {
		tui_notice(c->tui, v[0].code < 0 ? STYLE_ERROR : STYLE_NORMAL, "%s: %s", v[0].name,
			   v[0].text);
	} else {
		r = tui_pager_new(&a.pager);
		for (size_t i = 0; r == 0 && i < n; i++)
			r = tui_pager_addf(a.pager, v[i].code < 0 ? STYLE_BAD : STYLE_NORMAL, "%s: %s",
					   v[i].name, v[i].text);
		if (r == 0)
			r = tui_push(c->tui, &results_screen, &a);
		tui_pager_free(a.pager);
	}
	muster_results_free(v, n);
	return r;
}

/* A failure that belongs to no node. */
static int say_failure(struct console *c, int r)
{
	if (r == -ENOMEM)
		return r;
	tui_notice(c->tui, STYLE_ERROR, _("That could not be asked: %s"), muster_strerror(r));
	return 0;
}

/* ---- the actions ------------------------------------------------------------------------------------------------------ */

static bool confirm(struct console *c, const char *title, const char *question, const char *nodes)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_addf(&b, "%s\n\n%s", question, nodes);
	return !b.failed && tui_box_yes_no(c->tui, title, b.data, _("Yes"), _("No"), true) == 1;
}

int action_power(struct console *c, const char *nodes, enum muster_power what)
{
	static const struct {
		const char *title, *question; /* NULL: nothing is lost by it */
	} words[] = {
		[MUSTER_POWER_REBOOT] = { N_("Restart"),
					  N_("Shall these nodes be restarted? What runs on them ends.") },
		[MUSTER_POWER_OFF] = { N_("Switch off"),
				       N_("Shall these nodes be switched off? What runs on them ends.") },
		[MUSTER_POWER_WAKE] = { N_("Wake"), NULL },
	};
	struct muster_result *v = NULL;
	size_t n = 0;
	int r;

	if (words[what].question && !confirm(c, i18n(words[what].title), i18n(words[what].question), nodes))
		return 0;
	r = muster_power(c->muster, nodes, what, &v, &n);
	return r < 0 ? say_failure(c, r) : show_results(c, i18n(words[what].title), v, n);
}

#define FIXED_CHOICES 4

/* The fixed ones, then every node root that there is. */
static int choose_boot(struct console *c, const char *nodes, const struct muster_root *roots, size_t n_roots,
		       char **ret_what, bool *ret_always)
{
	static const struct {
		const char *name, *explain, *what;
		bool always;
	} fixed[FIXED_CHOICES] = {
		{ N_("system"), N_("the cluster's own, from now on"), "system", false },
		{ N_("disk once"), N_("its first disk, the next time only"), "disk", false },
		{ N_("disk always"), N_("its first disk, from now on"), "disk", true },
		{ N_("memory test"), N_("the next time only"), "memtest", false },
	};
	struct tui_box_item *items = calloc(FIXED_CHOICES + n_roots, sizeof(*items));
	size_t at = 0;
	int r;

	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < FIXED_CHOICES; i++)
		items[i] = (struct tui_box_item){ i18n(fixed[i].name), i18n(fixed[i].explain), false };
	for (size_t i = 0; i < n_roots; i++)
		items[FIXED_CHOICES + i] = (struct tui_box_item){ roots[i].id, roots[i].kernel, false };
	r = tui_box_menu(c->tui, _("What do they boot next?"), nodes, items, FIXED_CHOICES + n_roots, &at);
	free(items);
	if (r < 0)
		return r;
	*ret_always = at < FIXED_CHOICES && fixed[at].always;
	if (at < FIXED_CHOICES)
		*ret_what = strdup(fixed[at].what);
	else if (asprintf(ret_what, "root:%s", roots[at - FIXED_CHOICES].id) < 0)
		*ret_what = NULL;
	return *ret_what ? 0 : -ENOMEM;
}

int action_next(struct console *c, const char *nodes)
{
	_cleanup_free_ char *what = NULL;
	struct muster_result *v = NULL;
	struct muster_root *roots = NULL;
	size_t n = 0, n_roots = 0;
	bool always = false;
	int r = muster_root_list(c->muster, &roots, &n_roots);

	if (r < 0)
		n_roots = 0;
	r = choose_boot(c, nodes, roots, n_roots, &what, &always);
	muster_roots_free(roots, n_roots);
	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	r = muster_boot_next(c->muster, nodes, what, always, &v, &n);
	return r < 0 ? say_failure(c, r) : show_results(c, _("What they boot next"), v, n);
}

int action_command(struct console *c, const char *nodes, size_t n)
{
	_cleanup_free_ char *command = NULL, *title = NULL;
	struct results_argument a = { .console = c, .nodes = n };
	const char *argv[2] = { NULL, NULL };
	int r = tui_box_input(c->tui, _("A command on these nodes"), nodes, "", NULL, NULL, &command);

	if (r < 0 || !*command)
		return r == -ECANCELED || r == 0 ? 0 : r;
	argv[0] = command;
	if (asprintf(&title, "%s: %s", nodes, command) < 0)
		return -ENOMEM;
	a.title = title;
	r = tui_pager_new(&a.pager);
	if (r == 0) {
		r = muster_run_start(c->muster, nodes, argv, &(struct muster_run_options){ 0 }, &a.run);
		r = r < 0 ? say_failure(c, r) : tui_push(c->tui, &results_screen, &a);
	}
	muster_run_free(a.run);
	tui_pager_free(a.pager);
	return r;
}
