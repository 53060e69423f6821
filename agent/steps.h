/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this node does for the single system image when it is asked to: fixed lists of files to write and programs to run,
 * for both generations of Kerrighed. 3.0 has /sys/kerrighed/hotplug and forms the machine in a container; 2.4 has one command.
 */
#pragma once

#include "agent/common.h"
#include "agent/modules.h"

/* Loaded when the single system is prepared: a table of agent/modules.h, with "load" lines only. */
#define STEPS_MODULES "muster/ssi.conf"

struct steps_env {
	int at;
	const char *self; /* this program's path, for the container's helper */
	int (*mount)(const char *target, const char *type); /* 0 or -errno; -EBUSY is fine */
	modules_insert_fn *insert;
	void *data; /* insert's */
};

/* True for a word of the table with arguments of its form. */
bool steps_know(const char *word, const char *args);
/* How long it may take: past that it hangs. 0 for what is no word of the table. */
int steps_ms(const char *word);
/* Does it: 0, or the exit status of what failed. Adds to out what was said. Takes its time, at most some minutes. */
int steps_run(const struct steps_env *env, const char *word, const char *args, struct text *out);
/* What the environment's mount is on a node. */
int steps_mount(const char *target, const char *type);
