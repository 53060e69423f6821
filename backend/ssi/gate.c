/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/ssi/gate.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "util/i18n.h"
#include "util/strbuf.h"

#define ID_MAX 254 /* 255 is unusable */

static int check_node(const struct node_state *s, int64_t now, int interval, struct strv *out)
{
	const struct node_ssi *ssi = &s->ssi;

	if (s->stage == NODE_JOINED)
		return strv_addf(out, _("%s is in a single system already."), s->name);
	if (s->stage != NODE_READY)
		return strv_addf(out, _("%s is not ready: it is %s."), s->name,
				 i18n(node_stage_text(s->stage)));
	if (!ssi->known)
		return strv_addf(out, _("%s runs a kernel without the single system."), s->name);
	/* Three reports may be lost, and the fourth be late. */
	if (now - s->last_report > (int64_t)interval * 3500)
		return strv_addf(
			out,
			_("%s reported %d s ago, though it reports every %d s: that is too old to rely on."),
			s->name, (int)MIN((now - s->last_report) / 1000, (int64_t)INT_MAX), interval);
	if (*ssi->stuck || ssi->online > ssi->present)
		return strv_addf(out, _("%s sees a single system that is broken; reset it first."), s->name);
	if (ssi->node < 1 || ssi->node > ID_MAX)
		return strv_addf(out,
				 ssi->node < 0 ? _("%s has no id; ids go from 1 to %d.")
					       : _("%s has an id that cannot be used; ids go from 1 to %d."),
				 s->name, ID_MAX);
	if (ssi->session < 0)
		return strv_addf(out, _("%s has no session: nobody knows whom it would see."), s->name);
	return 0;
}

static int compare(const struct node_state *s, const struct node_state *with, struct strv *out)
{
	int r = 0;

	if (strcmp(s->kernel, with->kernel) != 0 || strcmp(s->version, with->version) != 0)
		r = strv_addf(out, _("%s runs another build than %s: %s %s, not %s %s."), s->name, with->name,
			      s->kernel, s->version, with->kernel, with->version);
	if (r == 0 && s->ssi.known && with->ssi.known && s->ssi.session != with->ssi.session)
		r = strv_addf(out, _("%s is of session %d and %s of session %d: they do not see each other."),
			      s->name, s->ssi.session, with->name, with->ssi.session);
	return r;
}

static int compare_id(const struct node_state *s, const struct node_state *with, struct strv *out)
{
	if (!s->ssi.known || !with->ssi.known || s->ssi.node < 0 || s->ssi.node != with->ssi.node)
		return 0;
	return strv_addf(out, _("%s has the id %d, which %s has, too."), s->name, s->ssi.node, with->name);
}

/* The first that says what it is; NULL: none does. */
static const struct node_state *first_known(const struct node_state *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].ssi.known && (v[i].stage == NODE_READY || v[i].stage == NODE_JOINED))
			return &v[i];
	return NULL;
}

int ssi_gate(const struct node_state *v, size_t n, const struct node_state *in, size_t n_in, int64_t now,
	     int interval, struct strv *refusals)
{
	const struct node_state *with = n_in ? in : first_known(v, n);
	int r = n == 0 ? strv_add(refusals, _("No node was chosen.")) : 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		r = check_node(&v[i], now, interval, refusals);
		if (r == 0 && with && &v[i] != with && v[i].ssi.known)
			r = compare(&v[i], with, refusals);
		for (size_t k = 0; r == 0 && k < n_in; k++)
			r = compare_id(&v[i], &in[k], refusals);
		for (size_t k = 0; r == 0 && k < i; k++)
			r = compare_id(&v[i], &v[k], refusals);
	}
	return r;
}

int ssi_id_list(const struct node_state *v, size_t n, const struct node_state *without, char **ret)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	/* A run of three and more is written by its ends: the longest list must fit an order. */
	for (size_t i = 0; i < n; i++) {
		size_t end = i;

		if (&v[i] == without)
			continue;
		while (end + 1 < n && &v[end + 1] != without && v[end + 1].ssi.node == v[end].ssi.node + 1)
			end++;
		strbuf_addf(&b, "%s%d", b.len ? "," : "", v[i].ssi.node);
		if (end < i + 2)
			continue;
		strbuf_addf(&b, "-%d", v[end].ssi.node);
		i = end;
	}
	strbuf_adds(&b, "");
	return strbuf_take(&b, ret, NULL);
}
