/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the operator asks of nodes: restart, switch off, wake, boot something else, run a command. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/console/private.h"
#include "screens/console/results.h"
#include "tui/dialog.h"
#include "util/i18n.h"

#define ANSWER_MS 2000 /* no key waits longer for musterd, but for a millisecond more with each node */

int action_failed(struct console *c, int r)
{
	_cleanup_free_ char *why = muster_take_error(c->muster);

	if (r == -ENOMEM)
		return r;
	tui_notice(c->tui, STYLE_ERROR, "%s", why ? why : muster_strerror(r));
	return 0;
}

void action_begin(struct console *c)
{
	free(muster_take_error(c->muster));
}

bool action_confirm(struct console *c, const char *title, const char *question, const char *nodes)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	strbuf_addf(&b, "%s\n\n%s", question, nodes);
	return !b.failed && tui_box_yes_no(c->tui, title, b.data, _("Yes"), _("No"), true) == 1;
}

static int power(struct console *c, const char *nodes, enum muster_power what)
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

	if (words[what].question &&
	    !action_confirm(c, i18n(words[what].title), i18n(words[what].question), nodes))
		return 0;
	action_begin(c);
	r = muster_power(c->muster, nodes, what, &v, &n);
	return r < 0 ? action_failed(c, r) : results_show(c, i18n(words[what].title), v, n);
}

/* ---- what they boot next ---------------------------------------------------------------------------------------- */

/* What they may boot beside node roots. */
static const struct {
	const char *name, *explain, *what;
	bool always;
} fixed[] = {
	{ N_("system"), N_("the cluster's own, from now on"), "system", false },
	{ N_("disk once"), N_("its first disk, the next time only"), "disk", false },
	{ N_("disk always"), N_("its first disk, from now on"), "disk", true },
	{ N_("memory test"), N_("the next time only"), "memtest", false },
};

/* What is offered: some of the fixed ones, then some of the node roots. What cannot boot stands in the text, with why. */
struct choices {
	struct tui_box_item *items;
	const char **what; /* of each: a word of the table, or a root's id */
	bool *always;
	size_t n, n_fixed;
	bool refused; /* something cannot boot */
	struct strbuf text;
};

static void choices_free(struct choices *l)
{
	free(l->items);
	free(l->what);
	free(l->always);
	strbuf_free(&l->text);
}

static void add_choice(struct choices *l, const char *name, const char *explain, const char *what,
		       bool always)
{
	l->items[l->n] = (struct tui_box_item){ name, explain, false };
	l->always[l->n] = always;
	l->what[l->n++] = what;
}

/* The first one stands below a heading. */
static void add_refused(struct choices *l, const char *name, const char *why)
{
	if (!l->refused)
		strbuf_addf(&l->text, "\n%s", _("They cannot boot now:"));
	l->refused = true;
	strbuf_addf(&l->text, "\n%s: %s", name, why);
}

static void add_fixed(struct console *c, struct choices *l)
{
	bool memtest = muster_has_memtest(c->muster);

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (memtest || strcmp(fixed[i].what, "memtest") != 0)
			add_choice(l, i18n(fixed[i].name), i18n(fixed[i].explain), fixed[i].what,
				   fixed[i].always);
		else
			add_refused(l, i18n(fixed[i].name),
				    _("the package memtest86+ is not installed on this server"));
	}
	l->n_fixed = l->n;
}

static int add_roots(struct console *c, struct choices *l, const struct muster_root *roots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *obstacle = NULL, *why = NULL;
		int r;

		action_begin(c);
		r = muster_root_obstacle(c->muster, &roots[i], &obstacle);
		if (r == -ENOMEM)
			return r;
		if (r == 0 && !obstacle) {
			add_choice(l, roots[i].id, roots[i].kernel, roots[i].id, false);
			continue;
		}
		why = muster_take_error(c->muster);
		add_refused(l, roots[i].id, obstacle ? obstacle : why ? why : muster_strerror(r));
	}
	return 0;
}

static int make_choices(struct console *c, const char *nodes, const struct muster_root *roots, size_t n,
			struct choices *l)
{
	int r;

	l->items = calloc(ARRAY_SIZE(fixed) + n, sizeof(*l->items));
	l->what = calloc(ARRAY_SIZE(fixed) + n, sizeof(*l->what));
	l->always = calloc(ARRAY_SIZE(fixed) + n, sizeof(*l->always));
	if (!l->items || !l->what || !l->always)
		return -ENOMEM;
	strbuf_adds(&l->text, nodes);
	add_fixed(c, l);
	r = add_roots(c, l, roots, n);
	return r < 0 || !l->text.failed ? r : -ENOMEM;
}

/* The next time only, or from now on. */
static int choose_how_long(struct console *c, const char *nodes, bool *ret_always)
{
	int r = tui_box_yes_no(c->tui, _("For how long?"), nodes, _("Once"), _("From now on"), false);

	*ret_always = r == 0;
	return r < 0 ? r : 0;
}

static int choose_boot(struct console *c, const char *nodes, const struct muster_root *roots, size_t n_roots,
		       char **ret_what, bool *ret_always)
{
	_cleanup_(choices_free) struct choices l = { .text = STRBUF_INIT };
	size_t at = 0;
	int r = make_choices(c, nodes, roots, n_roots, &l);

	if (r == 0)
		r = tui_box_menu(c->tui, _("What do they boot next?"), l.text.data, l.items, l.n, &at);
	if (r < 0)
		return r;
	*ret_always = l.always[at];
	if (at >= l.n_fixed) {
		r = choose_how_long(c, nodes, ret_always);
		if (r < 0)
			return r;
	}
	if (asprintf(ret_what, "%s%s", at < l.n_fixed ? "" : "root:", l.what[at]) < 0) {
		*ret_what = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int boot_next(struct console *c, const char *nodes)
{
	_cleanup_free_ char *what = NULL;
	struct muster_result *v = NULL;
	struct muster_root *roots = NULL;
	size_t n = 0, n_roots = 0;
	bool always = false;
	int r;

	action_begin(c);
	r = muster_root_list(c->muster, &roots, &n_roots);
	if (r < 0)
		return action_failed(c, r);
	r = choose_boot(c, nodes, roots, n_roots, &what, &always);
	muster_roots_free(roots, n_roots);
	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	action_begin(c);
	r = muster_boot_next(c->muster, nodes, what, always, &v, &n);
	return r < 0 ? action_failed(c, r) : results_show(c, _("What they boot next"), v, n);
}

static int command(struct console *c, const char *nodes, size_t n)
{
	_cleanup_free_ char *words = NULL, *title = NULL;
	struct muster_run *run = NULL;
	const char *argv[2] = { NULL, NULL };
	int r = tui_box_input(c->tui, _("A command on these nodes"), nodes, "", NULL, NULL, &words);

	if (r < 0 || !*words)
		return r == -ECANCELED || r == 0 ? 0 : r;
	argv[0] = words;
	if (asprintf(&title, "%s: %s", nodes, words) < 0)
		return -ENOMEM;
	action_begin(c);
	r = muster_run_start(c->muster, nodes, argv, &(struct muster_run_options){ 0 }, &run);
	return r < 0 ? action_failed(c, r) : results_run(c, title, run, n);
}

bool action_is(int request)
{
	return request > ACTION_BEFORE && request < ACTION_REQUESTS_END;
}

int action_do(struct console *c, int request, const struct strv *names)
{
	_cleanup_free_ char *nodes = muster_fold(names);

	if (!nodes)
		return -ENOMEM;
	muster_patience(c->muster, ANSWER_MS + (int)MIN(names->n, (size_t)ANSWER_MS));
	switch (request) {
	case ACTION_NEXT:
		return boot_next(c, nodes);
	case ACTION_REBOOT:
		return power(c, nodes, MUSTER_POWER_REBOOT);
	case ACTION_POWER_OFF:
		return power(c, nodes, MUSTER_POWER_OFF);
	case ACTION_WAKE:
		return power(c, nodes, MUSTER_POWER_WAKE);
	case ACTION_COMMAND:
		return command(c, nodes, names->n);
	case ACTION_REMOVE:
		return action_remove(c, names);
	case ACTION_RENAME:
		if (names->n == 1)
			return action_rename(c, names->v[0]);
		tui_notice(c->tui, STYLE_WARNING, _("Only one node at a time gets another name."));
		return 0;
	default:
		return 0;
	}
}
