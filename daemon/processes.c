/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/processes.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/wire.h"

#define SILENT_MS 12000 /* then another node is asked: its agent takes less */
#define FRESH_MS 3000

/* "PID NODE STATE UID MS KB NAME"; NULL: it is none. */
static json_t *process_json(const char *line, size_t len)
{
	int64_t pid, uid, ms, kb;
	int node, name = 0;
	char state[3];
	char text[256];

	if (len >= sizeof(text))
		return NULL;
	memcpy(text, line, len);
	text[len] = '\0';
	if (sscanf(text, "%10" SCNd64 " %6d %2s %10" SCNd64 " %15" SCNd64 " %15" SCNd64 " %n", &pid, &node,
		   state, &uid, &ms, &kb, &name) != 6 ||
	    name == 0 || pid <= 0 || node < -1 || uid < 0 || ms < 0 || kb < 0)
		return NULL;
	return json_pack("[I, i, s#, b, I, I, I, s]", (json_int_t)pid, node, state, 1, state[1] == 'k',
			 (json_int_t)uid, (json_int_t)ms, (json_int_t)kb, text + name);
}

/* The list below its first line; what is no process is left out. */
static json_t *list_json(const char *text)
{
	json_t *list = json_array();

	for (const char *p = strchr(text, '\n'); list && p && p[1]; p = strchr(p, '\n')) {
		json_t *o = process_json(p + 1, strcspn(p + 1, "\n"));

		p++;
		if (o && json_array_append_new(list, o) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static char *line_of(const char *node, const struct report *r, int64_t wall)
{
	bool fine = r->processes_status == 0;
	int64_t clock = 0, total = 0;
	json_t *line, *list;
	char *text;

	if (fine && sscanf(r->processes, "%15" SCNd64 " %9" SCNd64, &clock, &total) != 2)
		return NULL;
	list = fine ? list_json(r->processes) : json_array();
	line = list ? json_pack("{s:{s:s, s:I, s:I, s:i, s:s, s:I, s:o}}", "processes", "node", node, "at",
				(json_int_t)wall, "clock", (json_int_t)clock, "status",
				(int)r->processes_status, "text", fine ? "" : r->processes, "total",
				(json_int_t)total, "list", list)
		    : NULL;
	text = line ? json_dumps(line, JSON_COMPACT) : NULL;
	json_decref(line);
	return text;
}

static void replace(char **field, char *with)
{
	free(*field);
	*field = with;
}

void processes_want(struct processes *p, bool wanted, bool kernel)
{
	pthread_mutex_lock(&p->lock);
	if (!wanted && p->wanted) {
		replace(&p->node, NULL);
		replace(&p->refused, NULL);
		replace(&p->line, NULL);
	}
	p->wanted = wanted;
	p->kernel = kernel;
	pthread_mutex_unlock(&p->lock);
}

/* The first that reports is asked; in its place another one, when it says nothing. */
static bool is_asked(struct processes *p, const char *node, bool joined, int64_t now)
{
	bool is_it = p->node && strcmp(p->node, node) == 0;

	if (!joined) {
		if (is_it)
			replace(&p->node, NULL);
		return false;
	}
	if (is_it)
		return true;
	if (p->node && now - p->heard <= SILENT_MS)
		return false;
	if (p->refused && strcmp(p->refused, node) == 0 && now - p->heard <= SILENT_MS)
		return false;
	replace(&p->node, strdup(node));
	p->heard = now;
	return p->node != NULL;
}

const char *processes_ask(struct processes *p, const char *node, bool joined, int64_t now)
{
	const char *value = NULL;

	pthread_mutex_lock(&p->lock);
	if (p->wanted && is_asked(p, node, joined, now))
		value = p->kernel ? "1" : "0";
	pthread_mutex_unlock(&p->lock);
	return value;
}

void processes_take(struct processes *p, const char *node, const struct report *r, int64_t now, int64_t wall)
{
	char *line = *r->processes || r->processes_status ? line_of(node, r, wall) : NULL;

	if (!line)
		return;
	pthread_mutex_lock(&p->lock);
	if (p->wanted && p->node && strcmp(p->node, node) == 0) {
		replace(&p->line, line);
		line = NULL;
		p->heard = p->line_at = now;
		p->version++;
		if (r->processes_status == WIRE_STATUS_MISSING) {
			replace(&p->refused, p->node);
			p->node = NULL;
		}
	}
	pthread_mutex_unlock(&p->lock);
	free(line);
}

uint64_t processes_seen(struct processes *p, int64_t now)
{
	uint64_t seen;

	pthread_mutex_lock(&p->lock);
	seen = p->version - (p->line && now - p->line_at <= FRESH_MS);
	pthread_mutex_unlock(&p->lock);
	return seen;
}

void processes_add(struct processes *p, uint64_t *seen, struct strbuf *out)
{
	pthread_mutex_lock(&p->lock);
	if (p->line && p->version != *seen)
		strbuf_addf(out, "%s\n", p->line);
	*seen = p->version;
	pthread_mutex_unlock(&p->lock);
}
