/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/ssi/processes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire.h"

/* Those of one node alone lack this bit. */
#define PID_SINGLE (1L << 21)

static int home_of(long pid)
{
	return pid & PID_SINGLE && pid >> SSI_PID_NODE_SHIFT > 0 ? (int)(pid >> SSI_PID_NODE_SHIFT) : -1;
}

static int parse_one(const json_t *o, struct ssi_process *p)
{
	const char *state, *name;
	json_int_t pid, uid, ms, kb;
	int node, kernel;

	if (json_unpack((json_t *)(uintptr_t)o, "[I, i, s, b, I, I, I, s]", &pid, &node, &state, &kernel,
			&uid, &ms, &kb, &name) < 0 ||
	    pid <= 0)
		return -EINVAL;
	*p = (struct ssi_process){
		.pid = (long)pid,
		.node = node,
		.home = home_of((long)pid),
		.state = *state,
		.kernel = kernel != 0,
		.uid = (long)uid,
		.ms = ms,
		.memory_kb = kb,
		.name = strdup(name),
	};
	/* Where its kernel does not tell, it most likely is where it began. */
	p->guessed = node < 0;
	if (p->guessed)
		p->node = p->home;
	return p->name ? 0 : -ENOMEM;
}

static int parse_list(const json_t *list, struct ssi_processes *p)
{
	int r = 0;

	p->v = calloc(json_array_size(list) + 1, sizeof(*p->v));
	if (!p->v)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < json_array_size(list); i++) {
		r = parse_one(json_array_get(list, i), &p->v[p->n]);
		p->n += r == 0;
	}
	return r;
}

int ssi_processes_parse(const json_t *o, struct ssi_processes **ret)
{
	_cleanup_(ssi_processes_freep) struct ssi_processes *p = calloc(1, sizeof(*p));
	json_int_t at, clock, total;
	const char *node, *text;
	const json_t *list;
	int status, r;

	if (!p)
		return -ENOMEM;
	if (json_unpack((json_t *)(uintptr_t)o, "{s:s, s:I, s:I, s:i, s:s, s:I, s:o}", "node", &node, "at",
			&at, "clock", &clock, "status", &status, "text", &text, "total", &total, "list",
			&list) < 0 ||
	    total < 0)
		return -EINVAL;
	p->node = strdup(node);
	p->text = strdup(text);
	if (!p->node || !p->text)
		return -ENOMEM;
	p->at = at;
	p->clock = clock;
	p->look = status == 0			  ? SSI_LOOK_DONE
		  : status == WIRE_STATUS_TIMEOUT ? SSI_LOOK_HANGS
						  : SSI_LOOK_FAILED;
	r = parse_list(list, p);
	if (r < 0)
		return r;
	p->total = MAX((size_t)total, p->n);
	*ret = TAKE_PTR(p);
	return 0;
}

void ssi_processes_free(struct ssi_processes *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].name);
	free(p->v);
	free(p->node);
	free(p->text);
	free(p);
}
