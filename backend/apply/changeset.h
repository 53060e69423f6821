/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The making of a changeset, and the manifest that it is held against. Private to backend/apply/.
 *
 * APPLY_MANIFEST says what muster owns on this server:
 *   {"version":1, "files": {PATH: {"kind":"file"|"block"|"directory", "sha256":..., "service":..., "made":true}},
 *    "services": [NAME...], "services_found": {NAME: {"running":..., "enabled":...}}}
 * "sha256" is of what muster wrote ("" where that is not known beforehand: keys, copies); "made" means that nothing was there before
 * muster, so that it goes when it is no longer wanted. "services_found" has those of the distribution's services that ran, or were
 * enabled, before muster wanted them: they are put back to that when they are no longer wanted.
 */
#pragma once

#include <jansson.h>

#include "backend/apply/apply.h"

#define SOURCE_MAX ((size_t)256 * 1024 * 1024)

struct maker {
	struct apply *a;
	const struct apply_wish *wish;
	struct changeset *c;
	json_t *owned;		 /* the new manifest's files */
	json_t *before;		 /* those of the last one */
	json_t *services_before; /* likewise: an array */
	json_t *found_before;	 /* likewise: "services_found" */
};

/* All are new references, empty where there is no manifest. -MUSTER_E_FORMAT: damaged (emitted). */
int manifest_read(struct apply *a, json_t **ret_files, json_t **ret_services,
		  json_t **ret_found) _must_check_;

/* ---- changeset-services.c -------------------------------------------------------------------------------------- */

/* The new manifest's "services_found", a new reference. */
int changeset_found(struct maker *m, json_t **ret) _must_check_;
/* Adds what is to be done to services; all files are in it already. */
int changeset_services(struct maker *m) _must_check_;
