/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "screens/console/parts.h"

#include <stdio.h>
#include <string.h>

#include "util/i18n.h"
#include "util/strbuf.h"
#include "util/units.h"

static const struct {
	const char *sign;
	enum tui_style style;
	const char *name; /* of the group, behind its number */
} looks[] = {
	[GROUP_READY] = { SIGN_GOOD, STYLE_GOOD, N_("ready") },
	[GROUP_BOOTING] = { SIGN_BUSY, STYLE_BUSY, N_("booting") },
	[GROUP_FAILED] = { SIGN_BAD, STYLE_BAD, N_("failed") },
	[GROUP_LOST] = { SIGN_BAD, STYLE_BAD, N_("lost") },
	[GROUP_OFF] = { SIGN_OFF, STYLE_DIM, N_("off") },
};

enum tui_style style_of_stage(enum node_stage stage)
{
	return looks[model_group_of(stage)].style;
}

const char *sign_of_stage(enum node_stage stage)
{
	return looks[model_group_of(stage)].sign;
}

static const char *const stage_texts[] = {
	[NODE_OFF] = N_("off"),	      [NODE_DHCP] = N_("dhcp"),		  [NODE_LOADER] = N_("loader"),
	[NODE_KERNEL] = N_("kernel"), [NODE_INITRAMFS] = N_("initramfs"), [NODE_ROOT] = N_("root"),
	[NODE_READY] = N_("ready"),   [NODE_JOINED] = N_("joined"),	  [NODE_FAILED] = N_("failed"),
	[NODE_LOST] = N_("lost"),
};

const char *text_of_stage(enum node_stage stage)
{
	return i18n(stage_texts[stage]);
}

/* Cluster, number of nodes unless there is no room for it, and the groups that there are. Returns where it ends. */
static int draw_counts(struct canvas *c, const char *cluster, const struct model_totals *t, int gap,
		       bool number)
{
	int x = canvas_text(c, 0, 1, STYLE_TITLE, cluster) + gap;

	if (number)
		x = canvas_textf(c, 0, x, STYLE_NORMAL, ngettext("%zu node", "%zu nodes", t->nodes),
				 t->nodes) +
		    gap;
	for (size_t g = 0; g < GROUP_COUNT; g++) {
		if (!t->groups[g])
			continue;
		x = canvas_text(c, 0, x, looks[g].style, looks[g].sign);
		x = canvas_textf(c, 0, x + 1, STYLE_NORMAL, "%zu %s", t->groups[g], i18n(looks[g].name)) + 2;
	}
	return x;
}

/* As they stand in the store; marked here to be translated. */
const char *text_of_kind(const char *kind)
{
	static const char *const kinds[] = {
		NC_("event", "stage"), NC_("event", "failed"), NC_("event", "refused"),
		NC_("event", "power"), NC_("event", "next"),   NC_("event", "tftp"),
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return i18n_in("event", kind);
	return kind;
}

void draw_header(struct canvas *c, const char *cluster, const struct model_totals *t)
{
	static const struct {
		int gap;
		bool number;
	} ways[] = { { 3, true }, { 2, true }, { 2, false } };
	_cleanup_strbuf_ struct strbuf right = STRBUF_INIT;
	int room = c->columns - 1;

	if (t->processors) {
		strbuf_addf(&right, ngettext("%zu cpu", "%zu cpus", t->processors), t->processors);
		strbuf_addf(&right, "  %s", BYTES(t->memory_kb * 1024));
	}
	if (right.data && !right.failed) {
		canvas_right(c, 0, c->columns - 1, STYLE_NORMAL, right.data);
		room -= canvas_width(c, right.data);
	}
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct canvas left = canvas_sub(c, 0, 0, 1, room);

		if (i > 0)
			canvas_fill(&left, 0, 0, 1, room, STYLE_NORMAL);
		if (draw_counts(&left, cluster, t, ways[i].gap, ways[i].number) <= room + 1)
			return;
	}
}

/* ---- a boot as bars ------------------------------------------------------------------------------------------- */

#define NAME_COLUMNS 11
#define TIME_COLUMNS 10
#define NOTE_COLUMNS 18
/* A stage is worth a word when it took this much longer than it usually does. */
#define SLOWER_MS 500
#define SLOWER_PERCENT 20

/* The stages from the first one to where the node is; ready is an end, no stage that takes time. */
static bool is_shown(const struct node_state *s, size_t i)
{
	enum node_stage stage = s->stages[i].stage;

	return stage != NODE_OFF && stage != NODE_LOST && (stage != NODE_READY || i + 1 == s->n_stages);
}

static int64_t stage_end(const struct node_state *s, size_t i, int64_t now)
{
	return i + 1 < s->n_stages ? s->stages[i + 1].at : now;
}

/* Where the bars end: when it was ready or failed, else now. */
static int64_t boot_end(const struct node_state *s, int64_t now)
{
	for (size_t i = 0; i < s->n_stages; i++)
		if (model_group_of(s->stages[i].stage) != GROUP_BOOTING && s->stages[i].stage != NODE_OFF)
			return s->stages[i].at;
	return now;
}

static void draw_slower(struct canvas *c, int y, int x, int64_t ms, int64_t median)
{
	int64_t more = ms - median;

	if (median >= 0 && more >= SLOWER_MS && more * 100 >= median * SLOWER_PERCENT)
		canvas_textf(c, y, x, STYLE_WARNING, _("%s slower"), SECONDS(more));
}

static void draw_stage(struct canvas *c, int y, const struct node_state *s, size_t i,
		       const int64_t medians[NODE_STAGE_COUNT], int64_t now)
{
	int64_t began = s->stages[0].at, total = MAX(boot_end(s, now) - began, (int64_t)1);
	enum node_stage stage = s->stages[i].stage;
	int64_t from = s->stages[i].at - began, to = stage_end(s, i, now) - began;
	int bars = c->columns - NAME_COLUMNS - 2 * TIME_COLUMNS - NOTE_COLUMNS;
	bool ended = model_group_of(stage) != GROUP_BOOTING, passed = !ended && i + 1 < s->n_stages;
	enum tui_style style = passed ? STYLE_ACCENT : STYLE_BUSY;
	int x = canvas_text(c, y, 1, passed ? STYLE_GOOD : style_of_stage(stage),
			    passed ? SIGN_GOOD : sign_of_stage(stage));

	canvas_text(c, y, x + 1, STYLE_NORMAL, text_of_stage(stage));
	if (ended) {
		canvas_textf(c, y, NAME_COLUMNS + 2, STYLE_DIM, _("for %s"), DURATION(to - from));
		return;
	}
	if (bars >= 10)
		canvas_bar(c, y, NAME_COLUMNS + 2, bars, (int)(from * 1000 / total), (int)(to * 1000 / total),
			   false, style);
	canvas_right(c, y, NAME_COLUMNS + 2 + MAX(bars, 0) + TIME_COLUMNS, STYLE_NORMAL, SECONDS(to - from));
	if (medians[stage] >= 0)
		canvas_right(c, y, NAME_COLUMNS + 2 + MAX(bars, 0) + 2 * TIME_COLUMNS, STYLE_DIM,
			     SECONDS(medians[stage]));
	draw_slower(c, y, NAME_COLUMNS + 4 + MAX(bars, 0) + 2 * TIME_COLUMNS, to - from, medians[stage]);
}

int draw_timeline(struct canvas *c, int y, const struct node_state *s,
		  const int64_t medians[NODE_STAGE_COUNT], int64_t now)
{
	int rows = 0;

	for (size_t i = 0; i < s->n_stages; i++)
		if (is_shown(s, i))
			draw_stage(c, y + rows++, s, i, medians, now);
	return rows;
}
