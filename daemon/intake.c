/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes' reports coming in over HTTP. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "agent/wire.h"
#include "daemon/daemon.h"
#include "daemon/report.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/log.h"

bool token_is_one(const char *text)
{
	return strlen(text) == WIRE_TOKEN_LEN && strspn(text, "0123456789abcdef") == WIRE_TOKEN_LEN;
}

/* The token of "Bearer TOKEN" (RFC 6750), or NULL. */
static const char *bearer(const char *authorization)
{
	static const char scheme[] = "Bearer ";

	if (!authorization || strncasecmp(authorization, scheme, sizeof(scheme) - 1) != 0)
		return NULL;
	authorization += sizeof(scheme) - 1;
	return token_is_one(authorization) ? authorization : NULL;
}

/* What the operator wants of the node that reports: it begins, it has an outcome, it is to be told to the node. The first two
 * come in one report where the work took no time. */
static int take_actions(struct store *s, int64_t now, const char *node, const struct report *report,
			struct store_action *ret)
{
	int r = report->done ? store_action_done(s, now, node, report->done) : 0;

	if (r == 0 && report->result_id)
		r = store_outcome_set(s, now, node, report->result_id, (int)report->result_status,
				      report->result);
	if (r < 0 || report->done)
		return r;
	return report->values.stage == NODE_OFF ? store_action_done(s, now, node, 0)
						: store_action_tell(s, now, node, report->busy, ret);
}

/* What a node of the single system shall tell of it the next time. */
struct asked {
	const char *processes; /* the value of WIRE_KEY_PROCESSES; NULL: nothing */
	bool merged;
};

/* What it tells of the processes goes to those who look at them. */
static void take_single(struct daemon *d, const char *node, const struct report *report, int64_t now,
			struct asked *ret)
{
	bool joined = report->values.stage == NODE_JOINED;
	int64_t steady = clock_mono_ms();

	processes_take(&d->processes, node, report, steady, now);
	ret->processes = processes_ask(&d->processes, node, joined, steady);
	ret->merged = teller_is(&d->teller, node, joined, steady);
}

/* Whether the token is that of a boot at this address. -EPERM: it is not; *ret_node (owned) is whose token it is, where it is
 * anyone's. */
static int find_node(struct store *s, const char *token, struct ip4 from, char **ret_node)
{
	struct store_owner o = { 0 };
	struct ip4 address;
	int r = store_token(s, token, &o);

	if (r < 0)
		return r == -ENOENT ? -EPERM : r;
	if (ip4_parse(o.address, &address) < 0 || address.n != from.n)
		r = -EPERM;
	*ret_node = TAKE_PTR(o.node);
	store_owner_free(&o);
	return r;
}

/* A stranger gets to no parser, and one node's reports leave the others their turn. -EAGAIN: too many. */
static int may_report(struct daemon *d, const char *token, struct ip4 from)
{
	_cleanup_free_ char *node = NULL;
	int r = find_node(daemon_store_lock(d), token, from, &node);

	daemon_store_unlock(d);
	if (r < 0) {
		if (r == -EPERM && node)
			daemon_refused(d, node, from, "%s sent a report with the token of %s", IP4(from),
				       node);
		else if (r == -EPERM)
			daemon_refused(d, NULL, from, "%s sent a report with a token of no present boot",
				       IP4(from));
		return r;
	}
	return limit_pass(&d->reports, from.n, clock_mono_ms()) ? 0 : -EAGAIN;
}

/* Keeps the report; the token is asked for once more, as a new boot may have begun in between. */
static int keep(struct daemon *d, const char *token, struct ip4 from, const struct report *report,
		struct store_action *ret_action, struct asked *ret_asked)
{
	_cleanup_free_ char *node = NULL;
	struct store *s = daemon_store_lock(d);
	int64_t now = clock_wall_ms();
	int r = find_node(s, token, from, &node);

	if (r == 0)
		r = store_report(s, now, node, &report->values);
	if (r == 0)
		r = take_actions(s, now, node, report, ret_action);
	daemon_store_unlock(d);
	if (r >= 0) {
		heard_take(&d->heard, node, report->values.stage == NODE_OFF, clock_mono_ms());
		take_single(d, node, report, now, ret_asked);
	}
	return r;
}

static void answer(struct http_answer *a, const struct store_action *action, const struct asked *asked)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	a->status = 204;
	if (asked->processes)
		strbuf_addf(&b, WIRE_KEY_PROCESSES "=%s\n", asked->processes);
	if (asked->merged)
		strbuf_adds(&b, WIRE_KEY_MERGED "=1\n");
	if (action->id)
		strbuf_addf(&b, WIRE_KEY_ACTION_ID "=%" PRId64 "\n%s%s%s" WIRE_KEY_ACTION "=%s\n", action->id,
			    *action->args ? WIRE_KEY_ACTION_ARGS "=" : "", action->args,
			    *action->args ? "\n" : "", action->what);
	/* Without memory it is told at the next report. */
	if (b.len == 0 || strbuf_take(&b, &a->data, &a->len) < 0)
		return;
	a->type = "text/plain";
	a->status = 200;
}

static unsigned int status_of(int error)
{
	switch (error) {
	case -EPERM:
		return 403;
	case -EINVAL:
		return 400;
	case -EAGAIN:
		return 429;
	default:
		return 500;
	}
}

void report_take(struct daemon *d, const struct http_request *q, const char *part, struct http_answer *a)
{
	const char *token = bearer(q->authorization);
	struct store_action action = { 0 };
	struct report report = { 0 };
	struct asked asked = { 0 };
	int r;

	if (token)
		r = may_report(d, token, q->from);
	else
		r = -EPERM;
	if (!token)
		daemon_refused(d, NULL, q->from, "%s sent a report without a token", IP4(q->from));
	if (r == 0) {
		r = report_parse(q->body, q->body_len, &report);
		if (r == -EINVAL)
			daemon_refused(d, NULL, q->from, "%s sent a report that cannot be read",
				       IP4(q->from));
	}
	if (r == 0)
		r = keep(d, token, q->from, &report, &action, &asked);
	report_free(&report);
	if (r >= 0) {
		answer(a, &action, &asked);
		return;
	}
	atomic_fetch_add(&d->metrics.reports_refused, 1);
	a->status = status_of(r);
	if (a->status == 500)
		log_error("a report of %s was not kept: %s", IP4(q->from), muster_strerror(r));
}
