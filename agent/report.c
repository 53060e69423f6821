/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "agent/report.h"
#include "agent/http.h"
#include "agent/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define REASON_MAX 512 /* bytes */
#define ACTION_ID_MAX (1ULL << 53)

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

/* One that was done already comes with a late answer. */
static void obey_action(struct report_state *state, const char *value)
{
	static const struct {
		const char *word;
		enum report_action action;
	} words[] = { { "reboot", ACTION_REBOOT }, { "poweroff", ACTION_POWEROFF } };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i].word, value) == 0 && state->action_id != 0 &&
		    state->action_id != state->action_done)
			state->action = words[i].action;
}

/* All that an answer can ask for. */
static const struct action {
	const char *key;
	void (*obey)(struct report_state *state, const char *value);
} actions[] = {
	{ WIRE_KEY_INTERVAL, obey_interval },
	{ WIRE_KEY_ACTION_ID, obey_action_id },
	{ WIRE_KEY_ACTION, obey_action },
};

void report_obey(const char *answer, struct report_state *state)
{
	_cleanup_free_ char *copy = strdup(answer);

	for (char *line = copy, *end, *value; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		value = strchr(line, '=');
		if (!value)
			continue;
		*value++ = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
			if (strcmp(actions[i].key, line) == 0)
				actions[i].obey(state, value);
	}
}

int report_send(int at, const struct conf *c, const struct report *report, int timeout_ms,
		struct report_state *state)
{
	_cleanup_free_ char *body = NULL, *answer = NULL;
	struct facts f;
	int status = 0, r;
	size_t len;

	facts_read(at, &f);
	/* Once a boot is enough: a node that runs reports all the time. */
	if (strcmp(report->stage, "ready") != 0 && net_card(at, c->mac, f.card) < 0)
		f.card[0] = '\0';
	r = report_body(report, &f, &body, &len);
	if (r == 0)
		r = http_post(&(struct http_post){ .server = { c->server, c->port },
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
	if (r == 0)
		report_obey(answer, state);
	return r;
}
