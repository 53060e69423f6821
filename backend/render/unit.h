/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the systemd units of muster have in common: systemd.unit(5), systemd.exec(5). */
#pragma once

#include "backend/render/render.h"
#include "util/strbuf.h"

#define UNIT_DIR "/etc/systemd/system"

/* The banner and the section [Unit], open for more lines. `after`: names of units. */
void unit_begin(struct strbuf *b, const char *description, const char *documentation, const char *after);
/* In the section [Service]: what any of our daemons can do without. */
void unit_harden(struct strbuf *b);
/* This path and what is below it may be written to in spite of unit_harden(). */
void unit_writable(struct strbuf *b, const struct render_env *env, const char *path);
/* The section [Install]. */
void unit_end(struct strbuf *b);
