/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's pokes: datagrams that say nothing but "report now" (agent/wire.h). Without them the reports come at their time. */
#pragma once

#include "agent/common.h"
#include "agent/conf.h"

struct poke {
	int fd;		/* -1: there is none */
	bool wanted;	/* one has come, and no report went out since */
	long long last; /* when a report went out that was asked for */
};
#define POKE_INIT        \
	{                \
		.fd = -1 \
	}

/* Listens, unless it does already; where it cannot yet, as before the node has its address, another attempt is due later. Where
 * `by_signal`, each datagram comes with a SIGIO for this process, which must have it blocked. */
void poke_open(struct poke *p, const struct conf *c, bool by_signal);
/* Takes what has come. */
void poke_look(struct poke *p);
/* How long until the next report, where it were due in `left` ms without a poke. */
long long poke_left(const struct poke *p, long long left);
/* A report goes out. */
void poke_answered(struct poke *p);
