/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the nodes' reports mean for the single system image. Pure: no clock, no file, no network. */
#pragma once

#include "backend/nodes/node.h"
#include "backend/ssi/model.h"

/*
 * Judges by what the nodes last reported. It is broken when an online node was lost (the others wait for it and hang),
 * when a node counts more nodes online than present, or when a read of it did not come back on some node: then nothing
 * but a reset of all nodes of that session helps, and the remedy names them.
 *
 * More nodes present than online is no fault: those can be added.
 */
int ssi_judge(const struct node_state *v, size_t n, struct ssi_state *ret) _must_check_;
/* One that seems to be up hangs all the same, as looking at its processes has shown: says so, with the remedy. */
int ssi_hangs(struct ssi_state *s) _must_check_;
void ssi_state_clear(struct ssi_state *s);
