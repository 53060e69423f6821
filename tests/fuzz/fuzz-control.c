/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of the control socket: requests to musterd, and its answers and changes as muster reads them; likewise the lines of a job's
 * log, and the sentences that musterd and the nodes say. */
#include "config.h"

#include <jansson.h>
#include <string.h>

#include "backend/muster.h"
#include "backend/nodes/control.h"
#include "backend/nodes/node.h"
#include "backend/ssi/processes.h"
#include "daemon/control.h"
#include "tests/fuzz/house.h"
#include "util/strbuf.h"

static void are_lines(const struct strbuf *out)
{
	const char *p = out->data, *end = p ? p + out->len : p;

	fuzz_need(!out->failed);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		json_t *o = nl ? json_loadb(p, (size_t)(nl - p), 0, NULL) : NULL;

		fuzz_need(json_is_object(o) && nl - p <= CONTROL_LINE_MAX);
		json_decref(o);
		p = nl + 1;
	}
}

static void as_request(const char *line, size_t len)
{
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	struct control_peer peer = { 0 };
	struct daemon *d = house_daemon();

	control_answer(d, &peer, line, len, &out);
	/* Another one than to follow, or look, is answered at once. */
	fuzz_need(out.len > 0 || peer.follow.on || peer.looks);
	for (int i = 0; peer.follow.on && peer.follow.more && i < 3; i++)
		control_follow(d, &peer.follow, &out);
	are_lines(&out);
}

static void as_answer(const char *line, size_t len)
{
	json_t *o = json_loadb(line, len, 0, NULL);
	struct ssi_processes *p;
	struct node_state s;

	if (control_state_parse(json_object_get(o, "node"), 1700000000000, &s) == 0) {
		json_t *back = control_state_json(&s);

		fuzz_need(back);
		json_decref(back);
		node_state_clear(&s);
	}
	if (ssi_processes_parse(json_object_get(o, "processes"), &p) == 0)
		ssi_processes_free(p);
	json_decref(o);
}

static void nothing(void *data, const struct muster_event *event)
{
}

static void as_event(const char *line, size_t len)
{
	_cleanup_free_ char *text = fuzz_text((const uint8_t *)line, len), *said = muster_said(text);
	int r = muster_event_decode(line, len, nothing, NULL);

	fuzz_need(said && (r == 0 || r < 0));
}

FUZZ_TARGET(control)
{
	_cleanup_free_ char *text = fuzz_text(data, size);

	house_quiet();
	for (char *line = text, *end = text + size; line < end;) {
		char *nl = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((nl ? nl : end) - line);

		as_request(line, len);
		as_answer(line, len);
		as_event(line, len);
		line += len + 1;
	}
	return 0;
}
