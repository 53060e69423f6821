/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What became of that which was sent over a connection: asked of the system, whose buffers take much more than has arrived. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct outgoing {
	uint64_t
		waits; /* bytes that the other end has not acknowledged; the connection's end (FIN) is none */
	uint64_t
		acked; /* those that it has, of the whole connection; 0 where the system does not count them */
	bool ended;    /* nothing more will be acknowledged: it was reset, or the system has given up */
};

/* False: it is no connection. */
bool outgoing_look(int fd, struct outgoing *ret);
