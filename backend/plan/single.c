/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ids of a single system image: one session for the cluster, one number for each node. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/plan/answers.h"
#include "util/i18n.h"

/* Kerrighed knows 256 nodes. 0 is left alone, and 255 is unusable. */
#define ID_MAX 254u
#define SESSION_MAX 254u

/* The number at the end of a name; 0 where it is none that can be an id. */
static unsigned int number_of(const char *name)
{
	const char *p = name + strlen(name);
	unsigned long n;

	while (p > name && p[-1] >= '0' && p[-1] <= '9')
		p--;
	n = strtoul(p, NULL, 10);
	return n <= ID_MAX ? (unsigned int)n : 0;
}

/* The hash FNV-1a, from 1 to max. */
static unsigned int hash_of(const char *name, unsigned int max)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h % max + 1;
}

/* A node keeps its id when others come and go: it is the number of its name. What has none, or one that another node has
 * already, gets one made of its name; where that is taken, the next that is free. */
static void give_ids(struct plan *p)
{
	bool taken[ID_MAX + 1] = { true };

	for (size_t i = 0; i < p->n_nodes; i++) {
		unsigned int n = number_of(p->nodes[i].name);

		if (taken[n])
			continue;
		taken[n] = true;
		p->nodes[i].ssi_id = n;
	}
	for (size_t i = 0; i < p->n_nodes; i++) {
		unsigned int next;

		if (p->nodes[i].ssi_id)
			continue;
		for (next = hash_of(p->nodes[i].name, ID_MAX); taken[next];)
			next = next % ID_MAX + 1;
		taken[next] = true;
		p->nodes[i].ssi_id = next;
	}
}

static void check_words(struct answers *a)
{
	static const char *const own[] = { "session_id", "node_id", "autonodeid" };
	const struct conf_option *args = conf_option(conf_section(a->conf, "boot"), "kernel_args");

	for (size_t i = 0; args && i < args->n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(own); k++)
			if (strncmp(args->v[i].text, own[k], strlen(own[k])) == 0 &&
			    args->v[i].text[strlen(own[k])] == '=')
				answers_wrong(
					a, args->v[i].line,
					_("the kernel argument \"%s\" is set by muster itself for a single "
					  "system; take it out"),
					args->v[i].text);
}

void answers_single(struct answers *a)
{
	const struct conf_section *nodes = conf_section(a->conf, "nodes");

	if (!a->ssi)
		return;
	check_words(a);
	if (a->plan->n_nodes > ID_MAX) {
		answers_wrong(a, nodes ? nodes->line : a->last_line,
			      _("a single system has %u nodes at most, and these answers make %zu"), ID_MAX,
			      a->plan->n_nodes);
		return;
	}
	/* Clusters on one network are told apart by it, so it comes from their name. */
	a->plan->ssi_session = hash_of(a->plan->name, SESSION_MAX);
	give_ids(a->plan);
}
