/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All that would change, in words and as differences, before anything is touched. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "screens/setup/private.h"
#include "tui/pager.h"
#include "util/i18n.h"
#include "util/ip.h"
#include "util/strbuf.h"
#include "util/text.h"

#define REVIEW_KEYS(X)                                                                                     \
	X(REVIEW_APPLY, 'a', TK_NONE, N_("apply"), N_("Make these changes"), KEYMAP_BAR)                   \
	X(REVIEW_MEND, 'm', TK_NONE, N_("mend"), N_("To the step where the first mistake is"), KEYMAP_BAR) \
	X(REVIEW_SAVE, 's', TK_NONE, N_("save and quit"),                                                  \
	  N_("Leave with the answers saved; nothing is changed"), KEYMAP_BAR)

enum review_request { REVIEW_KEYS(KEYMAP_ENUM) };
static const struct keymap_entry entries[] = { REVIEW_KEYS(KEYMAP_ENTRY) };
/* The pager's keys but those that the frame has. */
static const struct keymap_entry moves[] = {
	{ PAGER_UP, TK_UP, 'k', N_("up"), N_("A line up"), 0 },
	{ PAGER_DOWN, TK_DOWN, 'j', N_("down"), N_("A line down"), KEYMAP_BAR },
	{ PAGER_PAGE_DOWN, TK_SPACE, TK_CTRL('f'), N_("page down"), N_("A page down"), KEYMAP_BAR },
	{ PAGER_PAGE_UP, 'b', TK_CTRL('b'), N_("page up"), N_("A page up"), 0 },
	{ PAGER_HOME, TK_HOME, 'g', N_("top"), N_("To the beginning"), 0 },
	{ PAGER_END, TK_END, 'G', N_("end"), N_("To the end"), 0 },
	{ PAGER_LEFT, TK_LEFT, 'h', N_("left"), N_("To the left"), 0 },
	{ PAGER_RIGHT, TK_RIGHT, 'l', N_("right"), N_("To the right"), 0 },
	{ PAGER_SEARCH, '/', TK_NONE, N_("search"), N_("Search for a text"), KEYMAP_BAR },
	{ PAGER_NEXT, 'n', TK_NONE, N_("next"), N_("To the next line that has it"), 0 },
	{ PAGER_PREVIOUS, 'N', TK_NONE, N_("previous"), N_("To the line before that has it"), 0 },
};
static const struct keymap moves_and_frame = KEYMAP_WITH(N_("In the text"), moves, frame_keys);
static const struct keymap keys = KEYMAP_WITH(N_("Review"), entries, moves_and_frame);

struct review {
	struct wizard *wizard;
	struct tui_pager *pager;
	struct draft_mistake *mistakes;
	size_t n_mistakes;
	bool unbuilt; /* the kernel is not built yet */
	bool changes; /* there is something to change */
	bool fine;    /* it can be applied */
};

#define SENTENCE_COLUMNS 56 /* what fits into the narrowest terminal */

/* Sentences are read whole: broken at blanks, and moved in. */
static int add_sentence(struct review *v, const char *text)
{
	int r = 0;

	while (r == 0 && text) {
		const char *next;
		size_t len = text_wrap(true, text, SENTENCE_COLUMNS, &next);

		r = tui_pager_addf(v->pager, STYLE_NORMAL, "  %.*s", (int)len, text);
		text = next;
	}
	return r;
}

static int add_trouble(struct review *v, const char *why)
{
	int r = tui_pager_add(v->pager, STYLE_ERROR, _("These changes cannot be made:"));

	return r < 0 ? r : add_sentence(v, why);
}

static int add_mistakes(struct review *v)
{
	int r = tui_pager_addf(v->pager, STYLE_ERROR,
			       ngettext("%zu answer is not right yet:", "%zu answers are not right yet:",
					v->n_mistakes),
			       v->n_mistakes);

	for (size_t i = 0; r == 0 && i < v->n_mistakes; i++) {
		_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;

		strbuf_addf(&text, "%s.%s: %s", v->mistakes[i].section, v->mistakes[i].key,
			    v->mistakes[i].text);
		r = text.failed ? -ENOMEM : add_sentence(v, text.data);
	}
	return r;
}

/* What is right, and yet will not do on these machines. */
static int add_warnings(struct review *v, const struct plan *p)
{
	struct draft_mistake *list = NULL;
	size_t n = 0;
	int r = muster_warnings(v->wizard->muster, p, &list, &n);

	if (r == 0 && n)
		r = tui_pager_add(v->pager, STYLE_WARNING, _("Mind that"));
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_sentence(v, list[i].text);
	muster_draft_mistakes_free(list, n);
	return r;
}

/* The single system image that the nodes form: which session, and which number each of them has. */
static int add_single(struct review *v, const struct plan *p)
{
	_cleanup_strbuf_ struct strbuf ids = STRBUF_INIT;

	strbuf_addf(&ids, _("one machine: session %u, node ids"), p->ssi_session);
	for (size_t i = 0, last; i < p->n_nodes; i = last + 1) {
		/* Those that follow one another are named by their ends. */
		for (last = i;
		     last + 1 < p->n_nodes && p->nodes[last + 1].ssi_id == p->nodes[last].ssi_id + 1;)
			last++;
		strbuf_addf(&ids, "%s %s %u", i ? "," : "", p->nodes[i].name, p->nodes[i].ssi_id);
		if (last > i)
			strbuf_addf(&ids, " … %s %u", p->nodes[last].name, p->nodes[last].ssi_id);
	}
	return ids.failed ? -ENOMEM : add_sentence(v, ids.data);
}

static int add_words(struct review *v, const struct plan *p)
{
	static const char *const roots[] = { N_("in memory"), N_("over NFS"), N_("the initramfs alone") };
	char net[20];
	int r;

	ip4_net_text(p->net, net);
	r = tui_pager_addf(v->pager, STYLE_TITLE,
			   ngettext("Cluster %s, %zu node", "Cluster %s, %zu nodes", p->n_nodes), p->name,
			   p->n_nodes);
	if (r == 0 && p->n_nodes == 1)
		r = tui_pager_addf(v->pager, STYLE_NORMAL, _("  %s (%s) behind %s, where this server is %s"),
				   p->nodes[0].name, IP4(p->nodes[0].address), p->interface, net);
	if (r == 0 && p->n_nodes > 1)
		r = tui_pager_addf(v->pager, STYLE_NORMAL,
				   _("  %s (%s) … %s (%s) behind %s, where this server is %s"),
				   p->nodes[0].name, IP4(p->nodes[0].address), p->nodes[p->n_nodes - 1].name,
				   IP4(p->nodes[p->n_nodes - 1].address), p->interface, net);
	if (r == 0)
		r = tui_pager_addf(v->pager, STYLE_NORMAL, _("  kernel: %s   root: %s"), p->kernel,
				   i18n(roots[p->root]));
	if (r == 0 && p->ssi_session)
		r = add_single(v, p);
	if (r == 0)
		r = tui_pager_addf(v->pager, STYLE_NORMAL,
				   ngettext("  %zu ssh key opens the nodes", "  %zu ssh keys open the nodes",
					    p->ssh_keys.n),
				   p->ssh_keys.n);
	if (r == 0 && *p->root_password)
		r = tui_pager_add(v->pager, STYLE_NORMAL, _("  root has a password on their consoles"));
	if (r == 0)
		r = tui_pager_add(v->pager, STYLE_NORMAL,
				  !p->dhcp_service ? _("  a DHCP server of yours gives the addresses")
				  : p->dhcp == PLAN_DHCP_PROXY
					  ? _("  another DHCP server gives the addresses, this one the boot")
					  : _("  this server gives the addresses"));
	if (r == 0 && p->gateway)
		r = tui_pager_add(v->pager, STYLE_NORMAL,
				  _("  the nodes reach the outside through this server"));
	return r < 0 ? r : add_warnings(v, p);
}

static int add_actions(struct review *v, const struct changeset *c)
{
	static const char *const actions[] = { N_("start"), N_("restart"), N_("stop"), N_("release") };
	int r = tui_pager_add(v->pager, STYLE_NORMAL, "");

	if (r == 0 && c->packages.n) {
		r = tui_pager_add(v->pager, STYLE_TITLE, _("Packages to be installed"));
		for (size_t i = 0; r == 0 && i < c->packages.n; i++)
			r = tui_pager_addf(v->pager, STYLE_NORMAL, "  %s", c->packages.v[i]);
		for (size_t i = 0; r == 0 && i < c->packages_along.n; i++)
			r = tui_pager_addf(v->pager, STYLE_NORMAL, _("  %s, which comes with them"),
					   c->packages_along.v[i]);
	}
	if (r == 0 && c->packages_changed.n)
		r = tui_pager_add(v->pager, STYLE_TITLE,
				  _("Packages that these would change: do that yourself first"));
	for (size_t i = 0; r == 0 && i < c->packages_changed.n; i++)
		r = tui_pager_addf(v->pager, STYLE_NORMAL, "  %s", c->packages_changed.v[i]);
	if (r == 0 && c->root_build)
		r = tui_pager_addf(v->pager, STYLE_TITLE, _("A node root to be built: %s"), c->root_id);
	if (r == 0 && c->n_services)
		r = tui_pager_add(v->pager, STYLE_TITLE, _("Services"));
	for (size_t i = 0; r == 0 && i < c->n_services; i++)
		r = tui_pager_addf(v->pager, STYLE_NORMAL, "  %s %s", i18n(actions[c->services[i].action]),
				   c->services[i].unit);
	return r;
}

static int add_files(struct review *v, const struct changeset *c)
{
	static const char *const kinds[] = { N_("new"), N_("changed"), N_("other rights"), N_("removed") };
	/* In place of these, where somebody else's work would be lost. */
	static const char *const owners[] = {
		[CHANGE_EDITED] = N_("! edited"), [CHANGE_OTHERS] = N_("! not muster's")
	};
	int r = 0;

	if (c->n_files)
		r = tui_pager_addf(v->pager, STYLE_TITLE, ngettext("%zu file", "%zu files", c->n_files),
				   c->n_files);
	for (size_t i = 0; r == 0 && i < c->n_files; i++) {
		const struct change *f = &c->files[i];
		bool ours = f->whose == CHANGE_OURS;

		r = tui_pager_addf(v->pager, ours ? STYLE_NORMAL : STYLE_WARNING, "  %-13s %s",
				   i18n(ours ? kinds[f->kind] : owners[f->whose]), f->path);
	}
	for (size_t i = 0; r == 0 && i < c->n_files; i++) {
		if (!*c->files[i].diff)
			continue;
		r = tui_pager_add(v->pager, STYLE_NORMAL, "");
		if (r == 0)
			r = tui_pager_add_diff(v->pager, c->files[i].diff);
	}
	return r;
}

static int add_changes(struct review *v)
{
	struct changeset *c = NULL;
	const struct plan *plan;
	int r = muster_plan(v->wizard->muster, v->wizard->path, &plan);

	v->unbuilt = r == -MUSTER_E_MISSING;
	if (r == 0)
		r = muster_changes(v->wizard->muster, &c);
	if (r < 0)
		return add_trouble(v, wizard_why(v->wizard, r));
	v->fine = true;
	v->changes = v->wizard->pending = !muster_changeset_empty(c);
	v->wizard->nothing = !v->changes;
	strv_free(&v->wizard->foreign);
	v->wizard->foreign = (struct strv)STRV_INIT;
	if (muster_changeset_foreign(c, &v->wizard->foreign) < 0)
		r = -ENOMEM;
	r = r < 0 ? r : add_words(v, plan);
	if (r == 0 && !v->changes)
		r = tui_pager_add(v->pager, STYLE_GOOD,
				  _("\nNothing is to be changed: this server is as the answers say."));
	if (r == 0)
		r = add_actions(v, c);
	if (r == 0)
		r = add_files(v, c);
	muster_changeset_free(c);
	return r;
}

static void review_close(void *self)
{
	struct review *v = self;

	tui_pager_free(v->pager);
	muster_draft_mistakes_free(v->mistakes, v->n_mistakes);
	free(v);
}

static int review_open(struct tui *t, void *argument, void **ret)
{
	struct review *v = calloc(1, sizeof(*v));
	struct wizard *w = argument;
	int r = v ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	v->wizard = w;
	w->nothing = false;
	r = tui_pager_new(&v->pager);
	if (r == 0)
		r = muster_draft_check(w->muster, w->draft, w->path, &v->mistakes, &v->n_mistakes, NULL);
	if (r == 0 && v->n_mistakes > 0)
		r = add_mistakes(v);
	else if (r == 0 && frame_save(w))
		r = add_changes(v);
	if (r < 0) {
		review_close(v);
		return r;
	}
	*ret = v;
	return 0;
}

static void review_draw(void *self, struct canvas *c)
{
	struct review *v = self;
	struct canvas in = frame_draw(v->wizard, c);

	tui_pager_draw(v->pager, &in);
}

static const struct keymap *review_keys_now(void *self)
{
	const struct review *v = self;

	return tui_pager_keys_now(v->pager, &keys);
}

static bool review_enabled(void *self, int request)
{
	const struct review *v = self;

	switch (request) {
	case REVIEW_APPLY:
		return v->fine && v->changes;
	case REVIEW_MEND:
		return v->n_mistakes > 0 || v->unbuilt;
	case REVIEW_SAVE:
		return true;
	case FRAME_NEXT:
		return v->fine;
	default:
		return request > FRAME_BEFORE && request < FRAME_REQUESTS_END
			       ? frame_enabled(v->wizard, request)
			       : tui_pager_enabled(v->pager, request);
	}
}

static int review_event(void *self, const struct tui_event *e)
{
	struct review *v = self;

	return tui_pager_event(v->pager, e);
}

static int review_key(void *self, int request)
{
	struct review *v = self;

	switch (request) {
	case REVIEW_MEND:
		return frame_go(v->wizard, v->n_mistakes ? wizard_step_of(&v->mistakes[0]) : STEP_SYSTEM);
	case REVIEW_SAVE:
		if (frame_save(v->wizard))
			tui_quit(v->wizard->tui);
		return 0;
	case REVIEW_APPLY:
		request = FRAME_NEXT;
		break;
	default:
		if (tui_pager_key(v->pager, request))
			return 0;
		break;
	}
	return frame_key(v->wizard, request, NULL, v);
}

const struct screen_ops step_review = {
	.name = "review",
	.title = N_("Review"),
	.help = N_("First the cluster in words, then what is installed, built and started, then each file, "
		   "with what it would gain (+) "
		   "and lose (-). Nothing has been changed so far, but for the answer file. `muster plan` "
		   "shows the same."),
	.keys = &keys,
	.keys_now = review_keys_now,
	.enabled = review_enabled,
	.open = review_open,
	.close = review_close,
	.draw = review_draw,
	.event = review_event,
	.key = review_key,
};
