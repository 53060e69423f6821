/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One node is renamed or removed, and all others stay as they are. A small edit is tried first, then one that gives every
 * node a section of its own; an edit counts when the plans before and after it differ in that one node only.
 */
#include "config.h"

#include "backend/plan/draft.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "backend/plan/text.h"
#include "util/error.h"
#include "util/i18n.h"

struct edit {
	const struct draft_env *env;
	const struct plan *before;
	const char *from, *to; /* to: NULL to remove it */
	char *why;	       /* owned: the first mistake of what was tried last */
};

static int set(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

/* The plan of a draft; NULL where it has mistakes, and then *why is the first. */
static int read_plan(const struct draft *d, const struct draft_env *env, struct plan **ret, char **why)
{
	struct draft_mistake *mistakes = NULL;
	size_t n;
	int r = draft_check(d, env, &mistakes, &n, ret);

	if (r < 0)
		return r;
	free(*why);
	*why = NULL;
	if (n) {
		*why = TAKE_PTR(mistakes[0].text);
		*ret = NULL;
	}
	draft_mistakes_free(mistakes, n);
	return 0;
}

/* ---- is it what was wanted? --------------------------------------------------------------------------------- */

static int by_name(const void *x, const void *y)
{
	const struct plan_node *a = *(const struct plan_node *const *)x,
			       *b = *(const struct plan_node *const *)y;

	return strcmp(a->name, b->name);
}

static const struct plan_node **sorted(const struct plan *p)
{
	const struct plan_node **v = calloc(p->n_nodes + 1, sizeof(*v));

	for (size_t i = 0; v && i < p->n_nodes; i++)
		v[i] = &p->nodes[i];
	if (v)
		qsort(v, p->n_nodes, sizeof(*v), by_name);
	return v;
}

static bool alike(const struct plan_node *a, const struct plan_node *b)
{
	return a->address.n == b->address.n && a->has_mac == b->has_mac &&
	       (!a->has_mac || mac_compare(a->mac, b->mac) == 0) && strcmp(a->arch, b->arch) == 0;
}

/* 1: it is; 0: it is not. */
static int is_wanted(const struct edit *e, const struct plan *after)
{
	_cleanup_free_ const struct plan_node **v = sorted(after);
	const struct plan *p = e->before;

	if (!v)
		return -ENOMEM;
	if (after->n_nodes != p->n_nodes - (e->to ? 0 : 1))
		return 0;
	for (size_t i = 0; i < p->n_nodes; i++) {
		bool own = strcmp(p->nodes[i].name, e->from) == 0;
		struct plan_node key = { .name = own ? (char *)e->to : p->nodes[i].name };
		const struct plan_node *wanted = &key, **found;

		if (own && !e->to)
			continue;
		found = bsearch(&wanted, v, after->n_nodes, sizeof(*v), by_name);
		if (!found || !alike(*found, &p->nodes[i]))
			return 0;
	}
	return 1;
}

/* ---- the two edits --------------------------------------------------------------------------------------------- */

static long section_of(const struct draft *d, const char *name)
{
	for (size_t i = 0; i < d->n_nodes; i++)
		if (strcmp(d->nodes[i].name, name) == 0)
			return (long)i;
	return -1;
}

/* The last of the counted nodes is counted no more, and its MAC address leaves the list. */
static int shorten(struct draft *d, const struct plan *p, const char *name)
{
	const struct plan_node *n = plan_node_by_name(p, name);
	unsigned int count;
	char text[16];

	if (!text_number(d->count, 2, 65536, &count))
		return 0;
	snprintf(text, sizeof(text), "%u", count - 1);
	if (n->has_mac && d->macs.n) {
		struct mac last;

		if (mac_parse(d->macs.v[d->macs.n - 1], &last) == 0 && mac_compare(last, n->mac) == 0) {
			free(d->macs.v[--d->macs.n]);
			d->macs.v[d->macs.n] = NULL;
		}
	}
	return set(&d->count, text);
}

static int edit_small(struct draft *d, const struct edit *e)
{
	long at = section_of(d, e->from);

	if (at >= 0 && e->to)
		return set(&d->nodes[at].name, e->to);
	if (at >= 0)
		draft_drop_node(d, (size_t)at);
	if (e->to || (at >= 0 && strncmp(e->from, *d->prefix ? d->prefix : "node",
					 strlen(*d->prefix ? d->prefix : "node")) != 0))
		return 0;
	return shorten(d, e->before, e->from);
}

static int edit_whole(struct draft *d, const struct edit *e)
{
	int r;

	while (d->n_nodes)
		draft_drop_node(d, d->n_nodes - 1);
	strv_free(&d->macs);
	d->macs = (struct strv)STRV_INIT;
	r = set(&d->count, "");
	if (r == 0)
		r = set(&d->macs_file, "");
	if (r == 0)
		r = set(&d->first_address, "");
	for (size_t i = 0; r == 0 && i < e->before->n_nodes; i++) {
		const struct plan_node *n = &e->before->nodes[i];
		bool own = strcmp(n->name, e->from) == 0;

		if (!own || e->to)
			r = draft_add_node(d, own ? e->to : n->name, n->has_mac ? MAC(n->mac) : "",
					   IP4(n->address), "");
	}
	return r;
}

/* 1: it was the right edit, and *d is replaced; 0: it was not. */
static int attempt(struct draft **d, struct edit *e, int (*edit)(struct draft *d, const struct edit *e))
{
	_cleanup_(draft_freep) struct draft *c = NULL;
	_cleanup_(plan_freep) struct plan *after = NULL;
	int r = draft_copy(*d, &c);

	if (r == 0)
		r = edit(c, e);
	if (r == 0)
		r = read_plan(c, e->env, &after, &e->why);
	if (r == 0 && after)
		r = is_wanted(e, after);
	if (r == 1) {
		struct draft *old = *d;

		*d = TAKE_PTR(c);
		draft_free(old);
	}
	return r;
}

/* ---- the verbs -------------------------------------------------------------------------------------------------- */

static int _printf_(2, 3) refuse(char **ret_why, const char *fmt, ...)
{
	va_list ap;
	char *why;

	va_start(ap, fmt);
	if (vasprintf(&why, fmt, ap) < 0)
		why = NULL;
	va_end(ap);
	if (!why)
		return -ENOMEM;
	*ret_why = why;
	return -EINVAL;
}

static int check_request(const struct edit *e, char **ret_why)
{
	const struct plan *p = e->before;

	if (!plan_node_by_name(p, e->from))
		return refuse(ret_why, _("There is no node \"%s\"."), e->from);
	if (p->ip_mode == PLAN_IP_RANGE)
		return refuse(ret_why,
			      _("With ip_mode \"range\" a node's name comes from its address; change "
				"the range or the "
				"prefix, or bind the nodes to their MAC addresses."));
	if (e->to && !text_is_label(e->to))
		return refuse(ret_why,
			      _("\"%s\" is no host name; take lower-case letters, digits and '-', neither "
				"first nor "
				"last, 63 at most (RFC 1123)."),
			      e->to);
	if (e->to && plan_node_by_name(p, e->to))
		return refuse(ret_why, _("There is a node \"%s\" already."), e->to);
	if (!e->to && p->n_nodes == 1)
		return refuse(ret_why, _("%s is the cluster's only node; a cluster without nodes is none."),
			      e->from);
	return 0;
}

static int change_node(struct draft *d, const struct draft_env *env, const char *from, const char *to,
		       char **ret_why)
{
	_cleanup_(draft_freep) struct draft *c = NULL;
	_cleanup_(plan_freep) struct plan *before = NULL;
	struct edit e = { .env = env, .from = from, .to = to };
	int r = read_plan(d, env, &before, &e.why);

	if (r == 0 && !before)
		r = refuse(ret_why, _("The answers have a mistake, which comes first: %s"), e.why);
	e.before = before;
	if (r == 0)
		r = check_request(&e, ret_why);
	if (r == 0 && to && strcmp(from, to) == 0)
		r = 1;
	if (r == 0)
		r = draft_copy(d, &c);
	if (r == 0)
		r = attempt(&c, &e, edit_small);
	if (r == 0)
		r = attempt(&c, &e, edit_whole);
	if (r == 0)
		r = refuse(ret_why, to ? _("%s cannot be renamed: %s") : _("%s cannot be removed: %s"), from,
			   e.why ? e.why : _("the other nodes would change, too"));
	free(e.why);
	if (r == 1 && c) {
		/* What *d held goes with c. */
		struct draft held = *d;

		*d = *c;
		*c = held;
	}
	return r < 0 ? r : 0;
}

int draft_node_rename(struct draft *d, const struct draft_env *env, const char *from, const char *to,
		      char **ret_why)
{
	return change_node(d, env, from, to, ret_why);
}

int draft_node_remove(struct draft *d, const struct draft_env *env, const char *name, char **ret_why)
{
	return change_node(d, env, name, NULL, ret_why);
}
