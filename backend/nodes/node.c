/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/nodes/node.h"

#include <errno.h>
#include <string.h>

#include "util/macro.h"

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
