/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The document of `muster status --json`. */
#pragma once

#include "backend/nodes/node.h"
#include "util/macro.h"

/*
 * {"cluster": NAME, "nodes": [{"name", "mac", "address", "stage", "stages": [{"stage", "at", "seconds"}],
 * "kernel", "root", "processors", "memory_kb", "memory_free_kb", "load", "last_report", "reason",
 * "boot_seconds", "median_boot_seconds", "boots", "next", "next_always", "version", "ssi", "card",
 * "cards": ["8086:15f3"]}]}
 * Times are seconds since the epoch with three decimals. What is not known yet is null. Pure; *ret is owned
 * and ends with a newline.
 */
int node_states_json(const char *cluster, const struct node_state *v, size_t n, char **ret) _must_check_;
