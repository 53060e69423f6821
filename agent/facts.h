/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a report says about the node. */
#pragma once

#include <sys/utsname.h>

#include "agent/common.h"
#include "agent/wire.h"

struct facts {
	long long uptime_ms;
	char load[16];				      /* "0.02"; empty when unknown */
	unsigned long long memory_kb, memory_free_kb; /* 0 when unknown */
	unsigned processors;			      /* online; 0 when unknown */
	struct utsname kernel;
	char card[10]; /* the PCI id of the network card it booted over; empty when unknown */
	char cards[10 * WIRE_CARDS_MAX]; /* of all, with blanks between; empty when unknown */
};

/* Reads what can be read; the rest is left unknown. */
void facts_read(int at, struct facts *ret);
int facts_memory(int at, unsigned long long *ret_total_kb, unsigned long long *ret_free_kb) _must_check_;
/* The same of another file in the form of /proc/meminfo. */
int facts_memory_in(int at, const char *path, unsigned long long *ret_total_kb,
		    unsigned long long *ret_free_kb) _must_check_;
/* The number of processors in a list as /sys/devices/system/cpu/online has it: "0-3,5". 0 when it is none. */
unsigned facts_count_list(const char *list);
/* A load as a report takes it: "0.02". */
bool facts_is_load(const char *s);
/* True when a TCP socket listens on the port, by /proc/net/tcp and tcp6 (proc(5)). */
bool facts_listening(int at, uint16_t port);
