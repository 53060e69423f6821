/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which machines ask for an address on a wire. It only listens. */
#pragma once

#include "backend/nodes/machine.h"
#include "util/macro.h"

#define DISCOVER_MAX 16384 /* machines; who floods the wire with more gets no more memory */

struct discover;

/* Listens on an interface of the calling process's network namespace. -ENODEV, -ENETDOWN, -EPERM. */
int discover_open(const char *interface, struct discover **ret) _must_check_;
void discover_close(struct discover *d);
DEFINE_CLEANUP(struct discover *, discover_close)

int discover_fd(const struct discover *d); /* readable: call discover_read() */
/* Takes in what came by `now` (ms since the epoch). 1: the list changed; 0: it did not. */
int discover_read(struct discover *d, int64_t now) _must_check_;
/* In the order of their first asking; borrowed, until the next discover_read(). */
const struct machine *discover_list(const struct discover *d, size_t *ret_n);

/* ---- for tests ---- */

int discover_new(struct discover **ret) _must_check_; /* without an interface */
/* Takes in one packet. 1, 0, or -ENOMEM. */
int discover_packet(struct discover *d, const uint8_t *data, size_t len, int64_t now) _must_check_;
/* Of those without a vendor yet. */
int discover_name(struct discover *d, int (*vendor)(struct mac mac, char **ret)) _must_check_;
