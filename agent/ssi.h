/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The node's part in the single system image, as its kernel tells it in /sys/kerrighed and /proc/kerrighed. */
#pragma once

#include "agent/common.h"

struct ssi {
	int node_id, session_id; /* -1 while unknown */
	int subsession_id;	 /* -1 until it is started on this node */
	int max_nodes;		 /* 0 when unknown, as all below */
	char abi[32];
	int online, present, possible; /* nodes, as this one counts them */
	/* The merged machine; read only while this node is in it. */
	unsigned processors;
	unsigned long long memory_kb, memory_free_kb;
	char load[16];	 /* "0.02"; empty when unknown */
	char stuck[128]; /* the file whose reading does not come back; empty: all came back */
};

/* Zero it to start. */
struct ssi_probe {
	bool merged;	      /* the merged machine is to be read, too */
	pid_t child;	      /* one that cannot be killed; 0: there is none */
	struct ssi last;      /* what it had read until then */
	struct ssi good;      /* the last one that came back whole */
	long long slow_since; /* none has since; 0: the last one did */
	struct ssi given;     /* what ssi_read() gave the last time */
	bool has_given;
};

/* A busy machine is slow: what does not come back is stuck after this time. Until then, what was known of the merged machine counts. */
#define SSI_PATIENCE_MS 15000

/*
 * Reads it, at most timeout_ms long. False: this kernel has no single system image, or no child could be started.
 *
 * In a broken single system such a read never returns, and its process cannot be killed. So a child reads, and what it
 * has read until the time is over counts. A child that is stuck for good is left behind; as long as it is there, no
 * other one is started, and what it had read is given again.
 */
bool ssi_read(int at, int timeout_ms, struct ssi_probe *probe, struct ssi *ret);
/* What the child reads, without one: it hangs where the single system is broken. */
void ssi_look(int at, bool merged, struct ssi *ret);
/* What it gave the last time, without a look. False: nothing yet. */
bool ssi_again(const struct ssi_probe *probe, struct ssi *ret);

/* For a process in the container, which alone sees more than its own node: adds a line "PROCESSORS MEMORY_KB FREE_KB LOAD" to out, or
 * returns a status of agent/command.h. */
int ssi_merged(int at, int timeout_ms, struct text *out);
