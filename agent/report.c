/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/report.h"
#include "agent/http.h"
#include "agent/net.h"
#include "agent/steps.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define REASON_MAX 512 /* bytes */
#define ACTION_ID_MAX (1ULL << 53)
#define SSI_MS 2000
#define RESULT_MAX 2048 /* bytes, before they are escaped */
#define LIST_EVERY_MS 2000
#define LIST_REST 700 /* bytes of a report, for what may follow a list */

/* "key=value" with the escapes of agent/wire.h. Control characters would garble the operator's terminal. */
static void add_line(struct text *t, const char *key, const char *value, size_t len)
{
	text_addf(t, "%s=", key);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c == '\n')
			text_add(t, "\\n", 2);
		else if (c == '\\')
			text_add(t, "\\\\", 2);
		else if ((c < ' ' && c != '\t') || c == 0x7f)
			text_add(t, "?", 1);
		else
			text_add(t, value + i, 1);
	}
	text_add(t, "\n", 1);
}

static void add_string(struct text *t, const char *key, const char *value)
{
	add_line(t, key, value, strlen(value));
}

static void add_facts(struct text *t, const struct facts *f)
{
	text_addf(t, WIRE_REPORT_UPTIME "=%lld\n", f->uptime_ms);
	if (f->load[0])
		add_string(t, WIRE_REPORT_LOAD, f->load);
	if (f->memory_kb)
		text_addf(t, WIRE_REPORT_MEMORY "=%llu\n" WIRE_REPORT_MEMORY_FREE "=%llu\n", f->memory_kb,
			  f->memory_free_kb);
	if (f->processors)
		text_addf(t, WIRE_REPORT_PROCESSORS "=%u\n", f->processors);
	add_string(t, WIRE_REPORT_KERNEL, f->kernel.release);
	add_string(t, WIRE_REPORT_VERSION, f->kernel.version);
	if (f->card[0])
		add_string(t, WIRE_REPORT_CARD, f->card);
	if (f->cards[0])
		add_string(t, WIRE_REPORT_CARDS, f->cards);
}

static void add_count(struct text *t, const char *key, unsigned long long n)
{
	if (n)
		text_addf(t, "%s=%llu\n", key, n);
}

static void add_ssi(struct text *t, const struct ssi *s)
{
	text_addf(t, WIRE_REPORT_SSI_SUBSESSION "=%d\n", s->subsession_id);
	if (s->session_id >= 0)
		text_addf(t, WIRE_REPORT_SSI_SESSION "=%d\n", s->session_id);
	if (s->node_id >= 0)
		text_addf(t, WIRE_REPORT_SSI_NODE "=%d\n", s->node_id);
	add_count(t, WIRE_REPORT_SSI_MAX_NODES, (unsigned)MAX(s->max_nodes, 0));
	if (s->abi[0])
		add_string(t, WIRE_REPORT_SSI_ABI, s->abi);
	add_count(t, WIRE_REPORT_SSI_ONLINE, (unsigned)s->online);
	add_count(t, WIRE_REPORT_SSI_PRESENT, (unsigned)s->present);
	add_count(t, WIRE_REPORT_SSI_POSSIBLE, (unsigned)s->possible);
	add_count(t, WIRE_REPORT_SSI_PROCESSORS, s->processors);
	add_count(t, WIRE_REPORT_SSI_MEMORY, s->memory_kb);
	add_count(t, WIRE_REPORT_SSI_MEMORY_FREE, s->memory_free_kb);
	if (s->load[0])
		add_string(t, WIRE_REPORT_SSI_LOAD, s->load);
	if (s->stuck[0])
		add_string(t, WIRE_REPORT_SSI_STUCK, s->stuck);
}

/* Whole lines of the list, as many as there is room for; what is left out is counted in its first one. */
static void add_list(struct text *t, const struct job *list)
{
	size_t room = WIRE_REPORT_MAX - MIN(t->len + LIST_REST, (size_t)WIRE_REPORT_MAX), used = 0, end = 0;

	text_addf(t, WIRE_REPORT_PROCESSES_STATUS "=%d\n", list->status);
	for (size_t i = 0; list->output[i] && used < room; i++) {
		used += list->output[i] == '\n' || list->output[i] == '\\' ? 2 : 1;
		if (list->output[i] == '\n' && used <= room)
			end = i + 1;
	}
	add_line(t, WIRE_REPORT_PROCESSES, list->output, end);
}

/* The end of the log that fits into room bytes once escaped, from a line's beginning on. */
static const char *fitting_end(const char *log, size_t room)
{
	const char *end = log + strlen(log), *p = end;

	for (size_t used = 0; p > log; p--) {
		used += p[-1] == '\n' || p[-1] == '\\' ? 2 : 1;
		if (used > room)
			break;
	}
	if (p == log)
		return log;
	p = strchr(p, '\n');
	return p ? p + 1 : end;
}

int report_body(const struct report *report, const struct facts *f, char **ret, size_t *ret_len)
{
	struct text t = { 0 };
	size_t used;

	add_string(&t, WIRE_REPORT_STAGE, report->stage);
	add_facts(&t, f);
	if (report->done)
		text_addf(&t, WIRE_REPORT_DONE "=%llu\n", report->done);
	if (report->busy)
		text_addf(&t, WIRE_REPORT_BUSY "=1\n");
	if (report->ssi)
		add_ssi(&t, report->ssi);
	if (report->job) {
		text_addf(&t, WIRE_REPORT_RESULT_ID "=%llu\n" WIRE_REPORT_RESULT_STATUS "=%d\n",
			  report->job->id, report->job->status);
		add_line(&t, WIRE_REPORT_RESULT, report->job->output,
			 strnlen(report->job->output, RESULT_MAX));
	}
	if (report->list)
		add_list(&t, report->list);
	if (report->reason)
		add_line(&t, WIRE_REPORT_REASON, report->reason, strnlen(report->reason, REASON_MAX));
	used = t.len + sizeof(WIRE_REPORT_LOG "=\n");
	if (report->log && used < WIRE_REPORT_MAX)
		add_string(&t, WIRE_REPORT_LOG, fitting_end(report->log, WIRE_REPORT_MAX - used));
	if (t.failed) {
		text_free(&t);
		return -ENOMEM;
	}
	*ret = t.s;
	*ret_len = t.len;
	return 0;
}

static void obey_interval(struct report_state *state, const char *value)
{
	unsigned n;

	if (conf_parse_interval(value, &n) == 0)
		state->interval = n;
}

static void obey_action_id(struct report_state *state, const char *value)
{
	if (parse_number(value, ACTION_ID_MAX, &state->action_id) < 0)
		state->action_id = 0;
}

static void obey_action_args(struct report_state *state, const char *value)
{
	size_t len = strlen(value);

	if (len < sizeof(state->args))
		memcpy(state->args, value, len + 1);
	else
		state->action_id = 0; /* they are none of ours */
}

/*
 * Once all of the answer is known: its arguments and its number are those that it was judged by. One that was done already comes
 * with a late answer.
 */
static void obey_action(struct report_state *state, const char *value)
{
	static const struct {
		const char *word;
		enum report_action action;
	} words[] = { { "reboot", ACTION_REBOOT },
		      { "poweroff", ACTION_POWEROFF },
		      { "reset", ACTION_RESET } };

	if (state->action_id == 0 || state->action_id == state->action_done)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].word, value) == 0)
			state->action = words[i].action;
	if (strlen(value) < sizeof(state->word) && steps_know(value, state->args)) {
		memcpy(state->word, value, strlen(value) + 1);
		state->action = ACTION_STEPS;
	}
}

static void obey_processes(struct report_state *state, const char *value)
{
	if ((*value == '0' || *value == '1') && !value[1])
		memcpy(state->list_wish, value, sizeof(state->list_wish));
}

static void obey_merged(struct report_state *state, const char *value)
{
	state->ssi.merged = strcmp(value, "1") == 0;
}

/* All that an answer can ask for beside an action. */
static const struct action {
	const char *key;
	void (*obey)(struct report_state *state, const char *value);
} actions[] = {
	{ WIRE_KEY_INTERVAL, obey_interval },	    { WIRE_KEY_ACTION_ID, obey_action_id },
	{ WIRE_KEY_ACTION_ARGS, obey_action_args }, { WIRE_KEY_PROCESSES, obey_processes },
	{ WIRE_KEY_MERGED, obey_merged },
};

void report_obey(const char *answer, struct report_state *state)
{
	_cleanup_free_ char *copy = strdup(answer);
	const char *action = NULL;

	state->args[0] = state->list_wish[0] = '\0';
	state->ssi.merged = false;
	for (char *line = copy, *end, *value; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		if (strcmp(line, WIRE_KEY_ACTION) == 0)
			action = value;
		for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
			if (strcmp(actions[i].key, line) == 0)
				actions[i].obey(state, value);
	}
	if (action)
		obey_action(state, action);
}

bool report_list(int at, struct report_state *state)
{
	struct job *list = &state->list;

	if (list->id || !state->list_wish[0] || now_ms() < state->list_due)
		return job_ended(list);
	state->list_due = now_ms() + LIST_EVERY_MS;
	if (job_start(list, at, 1, "ssi-ps", state->list_wish) < 0)
		log_line("no process can be started that looks at the processes");
	return false;
}

int report_wait_ms(const struct report_state *state, long long left)
{
	if (!state->list.id && state->list_wish[0])
		left = MIN(left, state->list_due - now_ms());
	return MIN(job_wait_ms(&state->job, left), job_wait_ms(&state->list, left));
}

int report_send(int at, const struct conf *c, const struct report *report, int timeout_ms,
		struct report_state *state)
{
	_cleanup_free_ char *body = NULL, *answer = NULL;
	struct report full = *report;
	struct facts f;
	struct ssi ssi;
	int status = 0, r;
	size_t len;

	facts_read(at, &f);
	/* An action that it is about to do waits for no look: then it says again what it said before. */
	if (strcmp(report->stage, "ready") == 0 &&
	    (report->done ? ssi_again(&state->ssi, &ssi)
			  : ssi_read(at, MIN(timeout_ms, SSI_MS), &state->ssi, &ssi)))
		full.ssi = &ssi;
	/* What begins now may have ended already: it is told after that. */
	if (!report->done && job_look(&state->job))
		full.job = &state->job;
	full.busy = job_runs(&state->job);
	if (job_look(&state->list))
		full.list = &state->list;
	/* Once a boot is enough: a node that runs reports all the time. */
	if (strcmp(report->stage, "ready") != 0) {
		if (net_card(at, c->mac, f.card) < 0)
			f.card[0] = '\0';
		net_cards(at, f.cards, sizeof(f.cards));
	}
	r = report_body(&full, &f, &body, &len);
	if (r == 0)
		r = http_post(&(struct http_post){ .server = { c->server, c->port, c->address },
						   .path = WIRE_REPORT_PATH,
						   .token = c->token,
						   .body = body,
						   .len = len,
						   .timeout_ms = timeout_ms },
			      &status, &answer);
	if (r < 0 && r != state->told)
		log_line("the server %s port %u takes no report: %s", inet_ntoa(c->server), c->port,
			 strerror(-r));
	if (r == 0 && status / 100 != 2 && status != state->told)
		log_line("the server answered %d to the report%s", status,
			 status == 403 ? ": to it this boot is another's" : "");
	state->told = r < 0 ? r : status;
	if (r == 0 && status / 100 != 2)
		return -EACCES;
	if (r == 0 && full.job) {
		log_line("%s has ended with status %d after %lld ms", state->job.word, state->job.status,
			 state->job.took);
		job_reported(&state->job);
	}
	if (r == 0 && full.list)
		job_reported(&state->list);
	if (r == 0)
		report_obey(answer, state);
	return r;
}
