/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Loads kernel modules by a table that was made with the initramfs, so that neither modprobe nor depmod's files are
 * needed. Its lines:
 *   load PATH...            always, in this order
 *   alias PATTERN PATH...   when a device's modalias matches the pattern (fnmatch(3)); dependencies first
 * where PATH is an uncompressed module in the initramfs.
 */
#pragma once

#include "agent/common.h"

#define MODULES_CONF "muster/modules.conf"

struct modules;

/* Puts one module into the kernel; 0, or a negative errno (-EEXIST counts as loaded). The default is
 * modules_insert(); a test gives its own. */
typedef int modules_insert_fn(void *data, int at, const char *path);
int modules_insert(void *data, int at, const char *path);

/* Reads the table; a missing file is an empty table. at is kept and must stay open. */
int modules_new(int at, const char *path, modules_insert_fn *insert, void *data, struct modules **ret,
		char **reason) _must_check_;
void modules_free(struct modules *m);
static inline void modules_freep(struct modules **m)
{
	modules_free(*m);
}

/* Loads what the "load" lines name. What does not load is logged, and kept for modules_trouble(). */
void modules_load(struct modules *m);
/* Looks at each device that has come since the last call and loads what its modalias asks for, until nothing new
 * appears. Returns how many modules were loaded. */
unsigned modules_settle(struct modules *m);
/* True when some pattern of the table matches. */
bool modules_knows(const struct modules *m, const char *modalias);
/* One sentence on the first module that did not load; NULL when all did. */
const char *modules_trouble(const struct modules *m);
