/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two plans for tests of apply and undo, and the server that they meet. */
#pragma once

#include "apply-common.h"

/* A first and a second one, which between them do everything: make, change, change attributes, remove, blocks, copies. */
extern struct fileset_entry first[9], second[6];
extern const struct apply_wish first_wish, second_wish;

void prepare_server(struct scratch *s);
/* Services and packages of the mocks, as text; owned. */
char *world_text(void);
void assert_has(const struct strbuf *b, const char *text);
