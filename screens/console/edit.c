/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nodes get other names, or go: the answers are changed, and applied when the operator wants it so. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/console/private.h"
#include "screens/console/results.h"
#include "tui/dialog.h"
#include "util/i18n.h"

struct edit {
	struct console *console;
	char *path; /* of the answers */
	struct draft *draft;
	const char *node; /* borrowed */
	char *wrong;	  /* what is wrong with the name that was typed; NULL: nothing */
};

static void edit_free(struct edit *e)
{
	free(e->path);
	free(e->wrong);
	muster_draft_free(e->draft);
}

static int open_answers(struct console *c, struct edit *e)
{
	int r;

	e->console = c;
	action_begin(c);
	r = muster_answers_path(c->muster, &e->path);
	return r < 0 ? r : muster_draft_load(c->muster, e->path, &e->draft);
}

/* What was read is void: nothing of it was written. */
static int say_why(struct console *c, int r)
{
	if (r != -ENOENT)
		return action_failed(c, r);
	tui_notice(c->tui, STYLE_ERROR, _("There are no applied answers here that could be changed."));
	return 0;
}

/* Saved they are, and nothing else has happened yet. */
static int offer_apply(struct console *c, const char *title, const char *path)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;
	int r;

	strbuf_addf(&b,
		    _("%s is changed. Shall it be applied now? Files of this server are written and its "
		      "services are told; running nodes go on. Until then all stays as it is, and `muster "
		      "apply` does the same."),
		    path);
	if (b.failed)
		return -ENOMEM;
	r = tui_box_yes_no(c->tui, title, b.data, _("Apply"), _("Later"), true);
	if (r != 1)
		return 0;
	action_begin(c);
	r = muster_job_start(c->muster, MUSTER_JOB_APPLY, path);
	if (r == 0)
		r = results_job(c, title);
	return r < 0 ? action_failed(c, r) : 0;
}

static int save(struct console *c, struct edit *e, const char *title)
{
	int r = muster_draft_save(c->muster, e->draft, e->path);

	return r < 0 ? say_why(c, r) : offer_apply(c, title, e->path);
}

/* Tried on a copy, so that a wrong name leaves no trace. */
static const char *check_name(const char *value, void *data)
{
	struct edit *e = data;
	struct muster *m = e->console->muster;
	_cleanup_(muster_draft_freep) struct draft *copy = NULL;
	int r = muster_draft_copy(e->draft, &copy);

	free(TAKE_PTR(e->wrong));
	if (strcmp(value, e->node) == 0)
		return NULL;
	action_begin(e->console);
	if (r == 0)
		r = muster_draft_rename_node(m, copy, e->path, e->node, value);
	if (r == 0)
		return NULL;
	e->wrong = muster_take_error(m);
	return e->wrong ? e->wrong : muster_strerror(r);
}

int action_rename(struct console *c, const char *node)
{
	_cleanup_(edit_free) struct edit e = { .node = node };
	_cleanup_free_ char *to = NULL, *text = NULL;
	int r = open_answers(c, &e);

	if (r < 0)
		return say_why(c, r);
	if (asprintf(&text, _("The new name of %s:"), node) < 0)
		return -ENOMEM;
	r = tui_box_input(c->tui, _("Rename"), text, node, check_name, &e, &to);
	if (r < 0)
		return r == -ECANCELED ? 0 : r;
	if (strcmp(to, node) == 0)
		return 0;
	r = muster_draft_rename_node(c->muster, e.draft, e.path, node, to);
	return r < 0 ? say_why(c, r) : save(c, &e, _("Rename"));
}

int action_remove(struct console *c, const struct strv *names)
{
	_cleanup_(edit_free) struct edit e = { 0 };
	_cleanup_free_ char *nodes = muster_fold(names);
	int r;

	if (!nodes)
		return -ENOMEM;
	if (!action_confirm(
		    c, _("Remove"),
		    _("Shall these nodes be removed from the cluster? They boot from this server no more."),
		    nodes))
		return 0;
	r = open_answers(c, &e);
	for (size_t i = 0; r == 0 && i < names->n; i++)
		r = muster_draft_remove_node(c->muster, e.draft, e.path, names->v[i]);
	return r < 0 ? say_why(c, r) : save(c, &e, _("Remove"));
}
