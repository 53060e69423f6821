/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/node.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *text;
	char letter;
} stages[NODE_STAGE_COUNT] = {
#define X(name, text, letter) [NODE_##name] = { text, letter },
	NODE_STAGES(X)
#undef X
};

const char *node_stage_text(enum node_stage s)
{
	return (size_t)s < ARRAY_SIZE(stages) ? stages[s].text : "?";
}

char node_stage_letter(enum node_stage s)
{
	return (size_t)s < ARRAY_SIZE(stages) ? stages[s].letter : '?';
}

int node_stage_parse(const char *text, enum node_stage *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
		if (strcmp(text, stages[i].text) == 0) {
			*ret = (enum node_stage)i;
			return 0;
		}
	}
	return -EINVAL;
}

void node_state_measure(struct node_state *s, int64_t now)
{
	for (size_t i = 0; i < s->n_stages; i++) {
		int64_t end = i + 1 < s->n_stages ? s->stages[i + 1].at : now;

		s->stages[i].ms = MAX(end - s->stages[i].at, (int64_t)0);
	}
}

void node_state_clear(struct node_state *s)
{
	free(s->name);
	free(s->mac);
	free(s->address);
	free(s->stages);
	free(s->kernel);
	free(s->version);
	free(s->card);
	free(s->cards);
	free(s->root);
	free(s->reason);
	free(s->log);
	free(s->next);
	*s = (struct node_state){ 0 };
}

int node_state_copy(const struct node_state *s, struct node_state *ret)
{
	struct node_state c = *s;

	c.name = strdup(s->name);
	c.mac = strdup(s->mac);
	c.address = strdup(s->address);
	c.kernel = strdup(s->kernel);
	c.version = strdup(s->version);
	c.card = strdup(s->card);
	c.cards = strdup(s->cards);
	c.root = strdup(s->root);
	c.reason = strdup(s->reason);
	c.log = strdup(s->log);
	c.next = strdup(s->next);
	c.stages = calloc(s->n_stages + 1, sizeof(*c.stages));
	if (!c.name || !c.mac || !c.address || !c.kernel || !c.version || !c.card || !c.cards || !c.root ||
	    !c.reason || !c.log || !c.next || !c.stages) {
		node_state_clear(&c);
		return -ENOMEM;
	}
	if (s->n_stages)
		memcpy(c.stages, s->stages, s->n_stages * sizeof(*c.stages));
	*ret = c;
	return 0;
}
