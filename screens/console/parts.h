/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several screens of the console draw alike. */
#pragma once

#include "screens/console/model.h"
#include "tui/canvas.h"

enum tui_style style_of_stage(enum node_stage stage);
const char *sign_of_stage(enum node_stage stage); /* one character, with its ASCII fallback by the canvas */
const char *text_of_stage(enum node_stage stage); /* translated */
const char *text_of_kind(const char *kind);	  /* of an event, likewise */

/* One line: the cluster's name, its nodes by group, the processors and the memory of those that are ready. */
void draw_header(struct canvas *c, const char *cluster, const struct model_totals *t);

/*
 * A boot as bars, one line a stage that it went through, in time from left to right: when it was in it, for how long,
 * how long that usually takes on this node (ms by stage; -1: not known), and a word where it took much longer. Returns
 * the rows used.
 */
int draw_timeline(struct canvas *c, int y, const struct node_state *s,
		  const int64_t medians[NODE_STAGE_COUNT], int64_t now);
