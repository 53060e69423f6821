/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The body of a node's report, and the list of processes in it as it goes on to those who look at it. */
#include "config.h"

#include <jansson.h>
#include <string.h>

#include "daemon/processes.h"
#include "daemon/report.h"
#include "tests/fuzz/house.h"
#include "util/strbuf.h"

static void is_bounded(const char *text, size_t max, bool lines)
{
	fuzz_need(strlen(text) <= max);
	fuzz_need(fuzz_is_clean(text, lines));
}

static void look_at(const struct report *r)
{
	const struct store_report *v = &r->values;

	is_bounded(r->kernel, 128, false);
	is_bounded(r->version, 128, false);
	is_bounded(r->reason, 512, false);
	is_bounded(r->log, 12288, true);
	is_bounded(r->result, 4096, true);
	is_bounded(r->processes, 49152, true);
	is_bounded(v->ssi.abi, sizeof(v->ssi.abi) - 1, false);
	is_bounded(v->ssi.stuck, sizeof(v->ssi.stuck) - 1, false);
	is_bounded(v->card, sizeof(v->card) - 1, false);
	is_bounded(v->cards, sizeof(v->cards) - 1, false);
	fuzz_need(v->memory_kb >= 0 && v->memory_free_kb >= 0 && v->processors >= 0);
	fuzz_need(v->load == -1 || (v->load >= 0 && v->load <= 1000001));
	fuzz_need(v->ssi.load == -1 || (v->ssi.load >= 0 && v->ssi.load <= 1000001));
	fuzz_need(r->result_status >= 0 && r->result_status <= 255);
}

/* What a node tells of processes, as the control socket has it. */
static void tell(const struct report *r)
{
	struct processes p = { .lock = PTHREAD_MUTEX_INITIALIZER };
	_cleanup_strbuf_ struct strbuf out = STRBUF_INIT;
	uint64_t seen = 0;

	processes_want(&p, true, true);
	fuzz_need(processes_ask(&p, "node01", true, 1000));
	processes_take(&p, "node01", r, 2000, 3000);
	processes_add(&p, &seen, &out);
	fuzz_need(!out.failed);
	if (out.len > 0) {
		json_t *line = json_loadb(out.data, out.len, 0, NULL);

		fuzz_need(json_is_object(line) && out.data[out.len - 1] == '\n');
		json_decref(line);
	}
	free(p.node);
	free(p.refused);
	free(p.line);
}

FUZZ_TARGET(report)
{
	_cleanup_free_ char *body = fuzz_text(data, size);
	struct report r;

	house_quiet();
	if (report_parse(body, size, &r) < 0)
		return 0;
	look_at(&r);
	tell(&r);
	report_free(&r);
	return 0;
}
