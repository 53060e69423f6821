/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where musterd hears of leases and of files that were fetched: what daemon/dhcp_event.c and it agree on. */
#pragma once

/* A datagram socket in the folder $MUSTER_RUN_DIR, or this one. musterd makes it there below its root. */
#define RUN_DIR "/run/muster"
#define EVENTS_SOCKET "events.sock"
#define EVENT_MAX 1024 /* bytes of a datagram */
