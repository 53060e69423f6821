/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plan whose every value can be told from every other, and replaced by itself. */
#pragma once

#include "backend/render/render.h"

#define VALUES_KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBw3pYlCDmWIi4oyOJzoCrFeSQ8gYb2cLH5lDMd1s0wY"
#define VALUES_HASH "$6$saltsalt$0123456789012345678901234567890123456789"
#define VALUES_KINDS 4

/* A place that takes a value. */
struct value_field {
	const char *name; /* as the refusal's sentence has it */
	const char *
		harmless; /* what it holds otherwise: found in the rendered files where it goes, and nowhere else */
	const char *before; /* what must come before a value for it to get further than the first look */
	const char **at;
};

struct values {
	const char *name, *domain, *profile, *kernel, *generation, *interface, *password;
	const char *node, *arch, *arg, *package, *key;
	const char *prefix, *libexecdir, *sbindir, *built, *initramfs, *release, *bios, *efi;
	const char *token, *platform;
};

extern struct values values;
extern const struct value_field fields[];
extern const size_t n_fields;

void values_harmless(void);
/* Borrows the values. `kind` chooses among what the plan can be otherwise, so that each renderer has its turn. */
void values_plan(struct plan *p, struct plan_node *n, unsigned int kind);
int render_values(const struct plan *p, struct fileset *f);
