/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent: what musterd's answer to a report asks it for, requests for port 111, and the kernel's log on its way into a report. */
#include "config.h"

#include <string.h>

#include "agent/klog.h"
#include "agent/portmap.h"
#include "agent/report.h"
#include "agent/steps.h"
#include "tests/fuzz/fuzz.h"

static void obey(const char *text)
{
	struct report_state s = { .interval = 10 };

	report_obey(text, &s);
	fuzz_need(s.interval >= 1 && s.interval <= 3600);
	fuzz_need(strlen(s.word) < sizeof(s.word) && strlen(s.args) < sizeof(s.args));
	fuzz_need(s.action != ACTION_STEPS || (steps_know(s.word, s.args) && steps_ms(s.word) > 0));
	fuzz_need(s.action == ACTION_NONE || s.action_id > 0);
}

/* The log of a failure, as a report: it is bounded, and a line is a line. */
static void report_log(const char *text)
{
	struct facts f = { .uptime_ms = 1 };
	struct report r = { .stage = "failed", .reason = text, .log = text };
	char *plain = klog_without_levels(text), *body = NULL;
	size_t len = 0, lines = 0;

	fuzz_need(plain && strlen(plain) <= strlen(text));
	for (unsigned n = 1; n < 40; n += 13)
		fuzz_need(klog_last_lines(text, n) >= text);
	fuzz_need(report_body(&r, &f, &body, &len) == 0);
	fuzz_need(len <= WIRE_REPORT_MAX && body[len - 1] == '\n');
	for (size_t i = 0; i < len; i++) {
		lines += body[i] == '\n';
		fuzz_need((unsigned char)body[i] >= 0x20 || body[i] == '\n' || body[i] == '\t');
	}
	fuzz_need(lines <= 7);
	free(body);
	free(plain);
}

FUZZ_TARGET(agent_answer)
{
	unsigned char answer[PORTMAP_ANSWER_MAX];
	char *text = fuzz_text(data, size);

	fuzz_need(portmap_answer(data, size, answer) <= sizeof(answer));
	obey(text);
	report_log(text);
	free(text);
	return 0;
}
