/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The single system image behind backend/muster.h. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "backend/context.h"
#include "backend/ssi/ssi.h"

static bool is_named(const struct strv *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], name) == 0)
			return true;
	return false;
}

/* Only the nodes that were asked for stay in the list. */
static void narrow(struct ssi_state *s, const struct strv *names)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_nodes; i++) {
		struct ssi_node node = s->nodes[i];

		if (is_named(names, node.name)) {
			s->nodes[n++] = node;
			continue;
		}
		free(node.name);
		free(node.text);
	}
	s->n_nodes = n;
}

int muster_ssi_status(struct muster *m, const char *range, struct ssi_state *ret)
{
	_cleanup_strv_ struct strv names = STRV_INIT;
	struct node_state *v;
	struct ssi_state s;
	size_t n;
	int r = range ? context_names(m, range, &names) : 0;

	if (r == 0)
		r = muster_status(m, NULL, &v, &n);
	if (r < 0)
		return r;
	r = ssi_judge(v, n, &s);
	muster_status_free(v, n);
	if (r < 0)
		return r;
	if (range)
		narrow(&s, &names);
	*ret = s;
	return 0;
}

void muster_ssi_free(struct ssi_state *s)
{
	ssi_state_clear(s);
}
