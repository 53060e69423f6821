/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What musterd lets others take: every bound of its HTTP side, with its reason. doc/security.md shows them as a table. The
 * bounds of the control socket stand in backend/nodes/control.h, those of the store in backend/nodes/store-internal.h.
 */
#pragma once

/* ---- connections ---------------------------------------------------------------------------------------------- */

/* All of them. A thousand nodes that fetch at once have one each; at CONNECTION_MEMORY and what the kernel and the library
 * add, that is some 60 MB at the very most. */
#define CONNECTIONS 2000
/* Those of addresses that are no node's (and not this server's). The rest is the nodes' alone. */
#define CONNECTIONS_STRANGERS 500
/* Of one node: its loader, its agent and a user's program need one each. */
#define CONNECTIONS_NODE 32
/* Of a node's agent beside these: the root that it fetches, and a report of each stage that may be under way. */
#define CONNECTIONS_AGENT 8
/* Of one address that is no node's: 500 of them need 63 addresses then. */
#define CONNECTIONS_STRANGER 8
/* A request's line and header; more is answered 431 or 414 by the library. iPXE sends some 300 bytes. */
#define CONNECTION_MEMORY (16 * 1024)
/* What waits in the system to be sent to a stranger: one that fetches a root and then takes nothing keeps no more. */
#define STRANGER_BUFFER (64 * 1024)
/* What the system keeps of connections that are not accepted yet. */
#define BACKLOG 1024
/* A body that is too long is read to its end, so that the client gets to the answer, up to this many times the
 * limit (WIRE_REPORT_MAX); beyond, the connection is closed on it. */
#define DRAIN_FACTOR 16

/* ---- times ---------------------------------------------------------------------------------------------------- */

/* An answer of which the other end acknowledges nothing: over a link that loses much, TCP tries again within this time. */
#define IDLE_MS 30000
/* From a connection's beginning, or the end of its last answer, to the whole next request, however it trickles in. */
#define REQUEST_MS 20000
/* For an answer: a floor, and beyond it the slowest pace that a fetch may have. 16 KB a second is a thousand nodes on
 * 128 Mbit/s; the root of 200 MB may take 3.5 hours. Slower is a reader that only holds the connection. */
#define ANSWER_MS 60000
#define ANSWER_PACE 16 /* bytes in a millisecond */
/* How long the arrival of a personality is waited for; TCP has given up or resent many times by then. */
#define ARRIVAL_MS 30000
/* How often all of these are looked at. */
#define SWEEP_MS 250
#define SWEEP_ARRIVALS_MS 20 /* while the arrival of something is waited for */
/* So many arrivals are waited for at a time: as many as there may be deliveries. */
#define ARRIVALS CONNECTIONS

/* ---- rates: a period of milliseconds for each, and so many at once ---------------------------------------------- */

/* Requests of one address, and of the agent there: a boot is 6 requests, a report comes every 10 s. */
#define RATE_REQUESTS 20 /* 50 a second */
#define BURST_REQUESTS 200
/* Requests of all addresses together that are no node's. */
#define RATE_STRANGERS 5 /* 200 a second */
#define BURST_STRANGERS 400
/* Boot scripts of one address: each is a token, a row of the store, a line of the log. A loader asks every 5 s. */
#define RATE_BOOTS 2000
#define BURST_BOOTS 20
/* Reports of one node that are kept: each is a transaction and up to two events. */
#define RATE_REPORTS 50 /* 20 a second */
#define BURST_REPORTS 150
/* Leases of one MAC address that are taken in: firmware, loader and agent ask once each. */
#define RATE_LEASES 2000
#define BURST_LEASES 20
/* The document of all nodes takes long to make: one that is younger is sent again. */
#define METRICS_AGE_MS 1000
/* A document of the metrics of thousands of nodes takes megabytes. All who ask within a second share one, and have so long to
 * take it: there are ten of them at a time, however many ask and however slowly they read. */
#define METRICS_MS 9000
/* Refusals that become an event and a line of the log: of one address, and of all together. */
#define RATE_REFUSALS_EACH 60000
#define BURST_REFUSALS_EACH 1
#define RATE_REFUSALS 2000 /* 30 a minute: 100,000 events last more than two days */
#define BURST_REFUSALS 60
/* Lines of the log: at most 200 bytes a line, so some 170 MB a day at the very worst; what is left out is counted. */
#define RATE_LOG 100 /* 10 a second */
#define BURST_LOG 500

/* ---- a boot --------------------------------------------------------------------------------------------------- */

/* From the script to the personality: the kernel and the initramfs come between, over a slow link as well. */
#define PERSONALITY_AGE_MS (2 * 3600 * 1000)
/* A delivery of a personality that broke off may be repeated within this time of its beginning. */
#define PERSONALITY_AGAIN_MS 120000
