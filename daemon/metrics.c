/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/metrics.h"

#include <inttypes.h>

#include "util/log.h"
#include "util/strbuf.h"

static const unsigned int codes[METRICS_CODE_COUNT] = {
#define X(code) [METRICS_##code] = (code),
	METRICS_CODES(X)
#undef X
};

void metrics_count(struct metrics *m, unsigned int status)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i] == status)
			atomic_fetch_add(&m->requests[i], 1);
}

static void family(struct strbuf *b, const char *name, const char *type, const char *help)
{
	strbuf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped. */
static void label(struct strbuf *b, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			strbuf_adds(b, "\\n");
			continue;
		}
		if (*value == '\\' || *value == '"')
			strbuf_addc(b, '\\');
		strbuf_addc(b, *value);
	}
}

static void sample_start(struct strbuf *b, const char *name, const struct node_state *s)
{
	strbuf_adds(b, name);
	strbuf_adds(b, "{node=\"");
	label(b, s->name);
}

static bool is_up(enum node_stage s)
{
	return s == NODE_READY || s == NODE_JOINED;
}

static void stage_counts(struct strbuf *b, const struct node_state *v, size_t n)
{
	size_t counts[NODE_STAGE_COUNT] = { 0 };

	for (size_t i = 0; i < n; i++)
		counts[v[i].stage]++;
	family(b, "muster_nodes", "gauge", "Nodes by the stage of their boot.");
	for (size_t i = 0; i < NODE_STAGE_COUNT; i++)
		strbuf_addf(b, "muster_nodes{stage=\"%s\"} %zu\n", node_stage_text((enum node_stage)i),
			    counts[i]);
}

static void add_up(struct strbuf *b, const struct node_state *s)
{
	strbuf_addc(b, is_up(s->stage) ? '1' : '0');
}

static void add_load(struct strbuf *b, const struct node_state *s)
{
	strbuf_addf(b, "%g", s->load);
}

static void add_memory(struct strbuf *b, const struct node_state *s)
{
	strbuf_addf(b, "%lld", s->memory_kb * 1024);
}

static void add_memory_free(struct strbuf *b, const struct node_state *s)
{
	strbuf_addf(b, "%lld", s->memory_free_kb * 1024);
}

static void add_processors(struct strbuf *b, const struct node_state *s)
{
	strbuf_addf(b, "%d", s->processors);
}

/* One value for each node; only of those that have reported, unless `all`. */
static const struct {
	const char *name, *help;
	bool all;
	void (*add)(struct strbuf *b, const struct node_state *s);
} gauges[] = {
	{ "muster_node_up", "Whether the node is ready.", true, add_up },
	{ "muster_node_load1", "The node's load average of one minute.", false, add_load },
	{ "muster_node_memory_bytes", "The node's memory.", false, add_memory },
	{ "muster_node_memory_free_bytes", "The node's available memory.", false, add_memory_free },
	{ "muster_node_processors", "The node's online processors.", false, add_processors },
};

static void node_gauges(struct strbuf *b, const struct node_state *v, size_t n)
{
	for (size_t g = 0; g < ARRAY_SIZE(gauges); g++) {
		family(b, gauges[g].name, "gauge", gauges[g].help);
		for (size_t i = 0; i < n; i++) {
			if (!gauges[g].all && v[i].last_report == 0)
				continue;
			sample_start(b, gauges[g].name, &v[i]);
			strbuf_adds(b, "\"} ");
			gauges[g].add(b, &v[i]);
			strbuf_addc(b, '\n');
		}
	}
}

/* A stage that was entered twice counts with its sum: a series may have one value only. */
static void stage_seconds(struct strbuf *b, const struct node_state *v, size_t n)
{
	family(b, "muster_boot_stage_seconds", "gauge", "Time in each stage of the node's newest boot.");
	for (size_t i = 0; i < n; i++) {
		bool seen[NODE_STAGE_COUNT] = { false };
		int64_t sum[NODE_STAGE_COUNT] = { 0 };

		for (size_t j = 0; j < v[i].n_stages; j++) {
			seen[v[i].stages[j].stage] = true;
			sum[v[i].stages[j].stage] += v[i].stages[j].ms;
		}
		for (size_t j = 0; j < NODE_STAGE_COUNT; j++) {
			if (!seen[j])
				continue;
			sample_start(b, "muster_boot_stage_seconds", &v[i]);
			strbuf_addf(b, "\",stage=\"%s\"} %" PRId64 ".%03d\n",
				    node_stage_text((enum node_stage)j), sum[j] / 1000, (int)(sum[j] % 1000));
		}
	}
}

static void counter(struct strbuf *b, const char *name, const char *help, unsigned long long value)
{
	family(b, name, "counter", help);
	strbuf_addf(b, "%s %llu\n", name, value);
}

static void connections(struct strbuf *b, struct gate *g)
{
	family(b, "musterd_http_connections", "gauge", "Connections that are open.");
	strbuf_addf(b, "musterd_http_connections %zu\n", gate_connections(g));
	family(b, "musterd_http_dropped_total", "counter",
	       "Connections and requests beyond a limit, by the limit.");
	for (size_t i = 0; i < GATE_REASON_COUNT; i++)
		strbuf_addf(b, "musterd_http_dropped_total{reason=\"%s\"} %llu\n", gate_reason_labels[i],
			    atomic_load(&g->counts[i]));
}

static void own_numbers(struct strbuf *b, struct metrics *m, unsigned long long resident)
{
	family(b, "musterd_http_requests_total", "counter", "Requests answered, by HTTP status.");
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		strbuf_addf(b, "musterd_http_requests_total{code=\"%u\"} %llu\n", codes[i],
			    atomic_load(&m->requests[i]));
	counter(b, "musterd_reports_refused_total", "Reports refused for their token, address or form.",
		atomic_load(&m->reports_refused));
	counter(b, "musterd_boots_refused_total", "Machines that asked to boot and were refused.",
		atomic_load(&m->boots_refused));
	counter(b, "musterd_refusals_untold_total", "Refusals without an event, because there were too many.",
		atomic_load(&m->refusals_untold));
	counter(b, "musterd_leases_untaken_total", "Leases passed over, because there were too many.",
		atomic_load(&m->leases_untaken));
	counter(b, "musterd_log_lines_left_out_total",
		"Lines of the log left out, because there were too many.", log_left_out());
	family(b, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.");
	strbuf_addf(b, "process_resident_memory_bytes %llu\n", resident);
}

int metrics_text(struct metrics *m, struct gate *g, const struct node_state *v, size_t n,
		 unsigned long long resident, char **ret, size_t *ret_len)
{
	_cleanup_strbuf_ struct strbuf b = STRBUF_INIT;

	stage_counts(&b, v, n);
	node_gauges(&b, v, n);
	stage_seconds(&b, v, n);
	own_numbers(&b, m, resident);
	connections(&b, g);
	return strbuf_take(&b, ret, ret_len);
}

unsigned long long metrics_resident(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/self/statm", "re");
	unsigned long long size, resident;

	if (!f || fscanf(f, "%llu %llu", &size, &resident) != 2)
		return 0;
	return resident * (unsigned long long)sysconf(_SC_PAGESIZE);
}
