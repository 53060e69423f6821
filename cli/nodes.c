/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nodes for reading: a summary, a table, the times of a boot, a failure. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cli/cli.h"
#include "util/i18n.h"

#define ANSWER_MS 500

enum { SIGN, NAME, ADDRESS, MAC_ADDRESS, STAGE, FOR, BOOT, LOAD, MEMORY, KERNEL };

static const struct table_column columns[] = {
	[SIGN] = { "", .tight = true },
	[NAME] = { "NAME" },
	[ADDRESS] = { "ADDRESS" },
	[MAC_ADDRESS] = { "MAC", .drop = 1 },
	[STAGE] = { "STAGE" },
	[FOR] = { "FOR", .right = true },
	[BOOT] = { "BOOT", .right = true },
	[LOAD] = { "LOAD", .right = true, .drop = 3 },
	[MEMORY] = { "MEM", .right = true, .drop = 4 },
	[KERNEL] = { "KERNEL", .drop = 2 },
};

bool node_is_ready(const struct node_state *n)
{
	return n->stage == NODE_READY || n->stage == NODE_JOINED;
}

bool node_is_failed(const struct node_state *n)
{
	return n->stage == NODE_FAILED;
}

int64_t node_boot_ms(const struct node_state *n)
{
	for (size_t i = 0; i < n->n_stages; i++)
		if (n->stages[i].stage == NODE_READY)
			return n->stages[i].at - n->stages[0].at;
	return -1;
}

/* ---- the summary --------------------------------------------------------------------------------------- */

enum group { READY, BOOTING, FAILED, LOST, OFF, GROUPS };

static const struct {
	const char *name;
	enum node_stage like; /* a stage that has its sign */
} groups[] = {
	[READY] = { "ready", NODE_READY },    [BOOTING] = { "booting", NODE_KERNEL },
	[FAILED] = { "failed", NODE_FAILED }, [LOST] = { "lost", NODE_LOST },
	[OFF] = { "off", NODE_OFF },
};

static enum group group_of(const struct node_state *n)
{
	switch (n->stage) {
	case NODE_READY:
	case NODE_JOINED:
		return READY;
	case NODE_FAILED:
		return FAILED;
	case NODE_LOST:
		return LOST;
	case NODE_OFF:
		return OFF;
	default:
		return BOOTING;
	}
}

void nodes_summary(const struct style *s, const char *cluster, const struct node_state *v, size_t n,
		   struct strbuf *out)
{
	size_t count[GROUPS] = { 0 }, processors = 0;
	unsigned long long memory = 0;

	for (size_t i = 0; i < n; i++) {
		count[group_of(&v[i])]++;
		if (!node_is_ready(&v[i]))
			continue;
		processors += (size_t)MAX(v[i].processors, 0);
		memory += (unsigned long long)MAX(v[i].memory_kb, 0) * 1024;
	}
	strbuf_adds(out, style_on(s, COLOUR_BOLD));
	format_escape(out, s, cluster, "");
	strbuf_addf(out, "%s   %zu node%s  ", style_off(s, COLOUR_BOLD), n, n == 1 ? "" : "s");
	for (size_t g = 0; g < GROUPS; g++) {
		enum colour colour = stage_colour(groups[g].like);

		if (count[g])
			strbuf_addf(out, " %s%s%s %zu %s ", style_on(s, colour),
				    stage_sign(s, groups[g].like), style_off(s, colour), count[g],
				    groups[g].name);
	}
	if (processors)
		strbuf_addf(out, "  %zu cpu%s  %s", processors, processors == 1 ? "" : "s", BYTES(memory));
	while (out->len && !out->failed && out->data[out->len - 1] == ' ')
		out->data[--out->len] = '\0';
	strbuf_addc(out, '\n');
}

const char *nodes_down_text(void)
{
	return _("musterd does not answer; this is what it last knew.");
}

void nodes_down(const struct style *s, struct strbuf *out)
{
	strbuf_addf(out, "%s%s%s\n", style_on(s, COLOUR_YELLOW), nodes_down_text(),
		    style_off(s, COLOUR_YELLOW));
}

bool nodes_answered(struct muster *m)
{
	_cleanup_(muster_feed_freep) struct muster_feed *feed = NULL;
	int r = muster_feed_open(m, (struct muster_feed_from){ 0, -1 }, &feed);
	struct pollfd p = { .fd = r == 0 ? muster_feed_fd(feed) : -1, .events = POLLIN };

	/* Whoever may not ask cannot tell. */
	if (r < 0)
		return r == -EACCES;
	return poll(&p, 1, ANSWER_MS) > 0;
}

/* ---- the table ----------------------------------------------------------------------------------------- */

/* "dhcp 2.1 s · loader 3.0 s · initramfs ✗ after 9.0 s": the stages that led to a ready node or to its failure. */
static void stage_times(const struct style *s, const struct node_state *n, struct strbuf *out)
{
	const char *dot = s->utf8 ? " · " : ", ";
	bool first = true;

	for (size_t i = 0; i < n->n_stages; i++) {
		const struct node_stage_time *t = &n->stages[i];
		bool last = i + 1 == n->n_stages, broken = !last && n->stages[i + 1].stage == NODE_FAILED;

		/* How long it has been failed or ready stands in the table. */
		if (stage_colour(t->stage) == COLOUR_RED || t->stage == NODE_OFF)
			continue;
		strbuf_addf(out, "%s%s ", first ? "    " : dot, stage_name(t->stage));
		first = false;
		if (broken)
			strbuf_addf(out, "%s%s%s after ", style_on(s, COLOUR_RED), stage_sign(s, NODE_FAILED),
				    style_off(s, COLOUR_RED));
		if (last && n->stage == t->stage)
			strbuf_addf(out, "since %s", DURATION(t->ms));
		else
			strbuf_adds(out, SECONDS(t->ms));
	}
	if (!first)
		strbuf_addc(out, '\n');
}

static void add_numbers(struct table *t, const struct node_state *n)
{
	int64_t boot = node_boot_ms(n);

	if (boot >= 0)
		table_cell(t, BOOT, COLOUR_NONE, "%s", DURATION(boot));
	if (!node_is_ready(n))
		return;
	table_cell(t, LOAD, COLOUR_NONE, "%.2f", n->load);
	if (n->memory_kb > 0)
		table_cell(t, MEMORY, COLOUR_NONE, "%lld %%",
			   MAX(n->memory_kb - n->memory_free_kb, 0LL) * 100 / n->memory_kb);
	table_cell(t, KERNEL, COLOUR_NONE, "%s", n->kernel);
}

static void add_node(struct table *t, const struct node_state *n, bool stages)
{
	_cleanup_strbuf_ struct strbuf below = STRBUF_INIT;
	enum colour colour = stage_colour(n->stage);

	table_row(t);
	table_cell(t, SIGN, colour, "%s", stage_sign(t->style, n->stage));
	table_cell(t, NAME, COLOUR_NONE, "%s", n->name);
	table_cell(t, ADDRESS, COLOUR_NONE, "%s", *n->address ? n->address : "-");
	table_cell(t, MAC_ADDRESS, COLOUR_NONE, "%s", *n->mac ? n->mac : "-");
	table_cell(t, STAGE, colour, "%s", stage_name(n->stage));
	if (n->n_stages && n->stage == n->stages[n->n_stages - 1].stage)
		table_cell(t, FOR, COLOUR_NONE, "%s", DURATION(n->stages[n->n_stages - 1].ms));
	if (node_is_failed(n))
		table_tail(t, BOOT, *n->reason ? n->reason : _("it did not say why"));
	else
		add_numbers(t, n);
	if (!stages)
		return;
	stage_times(t->style, n, &below);
	if (below.data)
		table_below(t, below.data);
	t->failed |= below.failed;
}

void nodes_table(const struct style *s, const struct node_state *v, size_t n, bool stages, struct strbuf *out)
{
	/* The signs come escaped, too: in a locale without them they are letters. */
	_cleanup_table_ struct table t = { 0 };

	table_init(&t, s, columns, ARRAY_SIZE(columns));
	for (size_t i = 0; i < n; i++)
		add_node(&t, &v[i], stages);
	table_format(&t, out);
}

void nodes_failure(const struct style *s, const struct node_state *n, struct strbuf *out)
{
	if (!node_is_failed(n))
		return;
	strbuf_addc(out, '\n');
	format_escape(out, s, n->name, "");
	strbuf_adds(out, ": ");
	format_escape(out, s, *n->reason ? n->reason : _("it did not say why"), "");
	strbuf_addc(out, '\n');
	if (!*n->log)
		return;
	strbuf_adds(out, _("The last lines of its kernel:\n"));
	for (const char *p = n->log; *p;) {
		size_t len = strcspn(p, "\n");
		_cleanup_free_ char *line = strndup(p, len);

		strbuf_adds(out, "    ");
		format_escape(out, s, line ? line : "", "\t");
		strbuf_addc(out, '\n');
		p += len + (p[len] == '\n');
	}
}
