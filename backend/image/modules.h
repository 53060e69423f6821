/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which kernel modules an initramfs needs, and the table that tells the agent when to load them. */
#pragma once

#include "backend/plan/model.h"
#include "util/macro.h"
#include "util/strv.h"

struct modules {
	char *conf;	   /* the text of /muster/modules.conf */
	char *ssi;	   /* likewise of /muster/ssi.conf; NULL: there is none */
	struct strv names; /* modules, sorted, each without folder and suffix */
	struct strv files; /* where each of them lies on this machine; maybe compressed */
};

/* The place of a module in an initramfs. */
#define MODULES_PATH "lib/modules"

/*
 * `folder` is lib/modules/RELEASE of the kernel, with the indexes that depmod(8) makes. Modules that are built in
 * give no lines. old: the kernel may be older than the distribution. -MUSTER_E_UNSUPPORTED, logged: the kernel lacks something that this root mode needs.
 */
int modules_collect(const char *folder, enum plan_root root, bool old, struct modules **ret) _must_check_;
void modules_free(struct modules *m);
DEFINE_CLEANUP(struct modules *, modules_free)
